"""What every check of a page has in hand: the page, the Bundle, what the store comes to, and times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from healthslm.evaluation.bundle_told import Bundle
from healthslm.evaluation.page_marks import Marks
from healthslm.evaluation.stored_truth import Truth
from healthslm.readings import KINDS, Kind

CLOCK = r"(?:\d{1,2} [A-Z][a-z]{2} )?\d{2}:\d{2}"
NUMBER = r"[+\u2212-]?\d+(?:\.\d+)?"
TITLES = {
    **{info.title: (kind,) for kind, info in KINDS.items()},
    "blood pressure": (Kind.SYSTOLIC, Kind.DIASTOLIC),
}
"""The kinds by the name that the page gives them."""
_HEADINGS = (
    "What the rules found",
    "Vital signs",
    "Beats without order",
    "RR intervals of finding",
    "RR intervals of the least regular",
    "Ambulatory glucose profile",
    "In the wearer\u2019s own words",
    "Thresholds set for this person",
    "What was not measured",
    "In words",
    "Devices",
    "Not a medical device",
)
_OFTEN = 3
FINDING, PERIOD, TIME = "finding", "period", "time in the store"
CHOSEN, WORDS = "threshold set for this person", "somebody's own words"
SENTENCE = "Bundle, any value of that unit"
AXIS, NAME, RULE, VERSION, HASH = "axis", "name", "rule text or citation", "version", "hash"
"""What a number was held against, where it is neither a figure of the Bundle nor one of the store."""


@dataclass(slots=True, kw_only=True)
class Check:
    """One page, its Bundle and its store; `chosen` are the thresholds that were set: rule, name, value."""

    marks: Marks
    bundle: Bundle
    truth: Truth
    chosen: Sequence[tuple[str, str, float]] = ()
    headings: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for offset, piece in zip(self.marks.at, self.marks.pieces, strict=True):
            said = piece.text.strip().replace("'", "\u2019")
            for name in _HEADINGS:
                if said == name or (name != "Devices" and said.startswith(name)):
                    self.headings.append((offset, name))

    def region(self, name: str) -> tuple[int, int]:
        """Return where a part of the page begins and ends; nothing where the page has no such part."""
        for (offset, found), (after, _) in zip(
            self.headings, [*self.headings[1:], (len(self.marks.text), "")], strict=True
        ):
            if found == name:
                return offset, after
        return 0, 0

    @property
    def groups(self) -> list[list[int]]:
        """The findings as the page numbers them, by their place in the table: over days a rule's are one."""
        by_rule: dict[str, list[int]] = {}
        for place, row in enumerate(self.truth.findings):
            by_rule.setdefault(row["rule"], []).append(place)
        told = []
        for place, row in enumerate(self.truth.findings):
            of_rule = by_rule[row["rule"]]
            often = self.day is None and len(of_rule) >= _OFTEN
            if not often or place == of_rule[0]:
                told.append(of_rule if often else [place])
        return told

    @property
    def day(self) -> date | None:
        """The day whose times need no date; none in a period of several days."""
        long = self.truth.end - self.truth.start > timedelta(hours=25)
        return None if long else self.truth.start.astimezone(self.truth.zone).date()

    def says(self, shown: str, time: datetime, day: date | None) -> bool:
        """Whether `14:05` or `14 Mar 14:05` is a time by the person's clock; without its date, on `day`."""
        shown = " ".join(shown.split())
        local = time.astimezone(self.truth.zone)
        if len(shown) > len("14:05"):
            return shown == f"{local.day} {local:%b %H:%M}"
        if shown == "24:00":
            return f"{local:%H:%M}" == "00:00" and local.date() - timedelta(days=1) == day
        return shown == f"{local:%H:%M}" and local.date() == day

    def clock(
        self,
        found: re.Match[str],
        group: int | str,
        time: datetime | int | None,
        source: str,
        day: date | None,
    ) -> None:
        """Judge the time that a part of a match is, if it is there; without its date it is on `day`."""
        if found[group] is not None:
            self.time(found.span(group), time, source, day)

    def time(self, span: tuple[int, int], time: datetime | int | None, source: str, day: date | None) -> None:
        """Judge a time of the page by the one that it is to be (µs since 1970, or a time)."""
        at = self.truth.local(time) if isinstance(time, int) else time
        right = at is not None and self.says(self.marks.text[slice(*span)], at, day)
        self.marks.judge(span, source, right, at and at.astimezone(self.truth.zone))

    def statistic(self, span: tuple[int, int], kind: Kind, which: str) -> None:
        """Judge a figure of the whole period: the store's, and the Bundle's in the kind's unit."""
        truth = self.truth.statistic(kind, which)
        told = self.bundle.values(
            f"{kind}_{which}", ucum=KINDS[kind].ucum, start=self.truth.start, end=self.truth.end
        )
        self.marks.value(span, stored=truth[0] if truth else None, told=told or [None])

    def amounts(self, found: re.Match[str], kind: Kind, count: int | str, coverage: int | str | None) -> None:
        """Judge how many readings there are, and how much of the period they speak for."""
        told, share = self.bundle.amount(kind, self.truth.start, self.truth.end)
        there = len(self.truth.good(kind))
        self.marks.value(
            found.span(count), stored=Fraction(there), told=[None if told is None else Fraction(told)]
        )
        if coverage is not None and found[coverage]:
            self.marks.value(found.span(coverage), stored=self.truth.coverage(kind), told=[share])


def plain(text: str) -> str:
    """Return a pattern for a text whose spaces may be any white space."""
    return re.escape(text).replace("\\ ", " ")


def lasting(span: timedelta) -> str:
    """Return how long something was as the page writes it: `40 s`, `7 min`, `2 h 05 min`."""
    seconds = round(span / timedelta(seconds=1))
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds} s"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours else f"{minutes} min"
