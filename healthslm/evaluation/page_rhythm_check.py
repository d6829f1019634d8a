"""The rhythm on a page: beats one by one, and of longer periods how much of each day was without order."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from healthslm.evaluation.page_charts_check import axis, placed_in, time_axis
from healthslm.evaluation.page_check import AXIS, FINDING, NUMBER, PERIOD, Check
from healthslm.readings import Kind

_STRIP = timedelta(minutes=2)
_HEADS = ("RR intervals of finding", "RR intervals of the least regular")


def check_rhythm(check: Check) -> None:
    """Judge the numbers of the strip of beats and of the chart of days."""
    _burden(check)
    for name in _HEADS:
        _strip(check, name)
        placed = placed_in(check, name)
        axis(check, placed)
        seconds = [one for one in placed if re.fullmatch(r"\d+ s", one.text)]
        steps = {int(b.text[:-2]) - int(a.text[:-2]) for a, b in pairwise(seconds)}
        for one in seconds:
            check.marks.judge(one.span, AXIS, len(steps) == 1, "equal steps")


def _strip(check: Check, name: str) -> None:
    """Which finding, the first beat and the last, and how many: those of the fullest two minutes."""
    clock = r"\d\d:\d\d:\d\d"
    line = (
        r"RR intervals of (?:finding (?P<n>\d+)|[^,]*), each dot one beat \(ms\), "
        rf"(?:(?P<day>\d{{1,2}} [A-Z][a-z]{{2}}) )?(?P<first>{clock}) to (?P<last>{clock}), "
        r"(?P<beats>\d+) beats"
    )
    for found in check.marks.search(line, check.region(name)):
        edges = _trace(check, int(found["n"])) if found["n"] else _shown(check, found)
        if found["n"]:
            check.marks.judge(found.span("n"), FINDING, edges is not None, "a finding with a trace")
        if edges is None:
            continue
        first, last, count = check.truth.fullest(*edges, _STRIP)
        for group, wanted in (("first", f"{first:%H:%M:%S}"), ("last", f"{last:%H:%M:%S}")):
            check.marks.judge(found.span(group), "store", found[group] == wanted, wanted)
        if found["day"]:
            day = f"{first.day} {first:%b}"
            check.marks.judge(found.span("day"), "store", " ".join(found["day"].split()) == day, day)
        check.marks.value(found.span("beats"), stored=Fraction(count))


def _trace(check: Check, number: int) -> tuple[datetime, datetime] | None:
    groups = check.groups
    places = groups[number - 1] if 0 < number <= len(groups) else []
    for row in (check.truth.findings[place] for place in places):
        for one in row["evidence"]:
            if one["name"] == "rr_trace":
                return datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])
    return None


def _shown(check: Check, found: re.Match[str]) -> tuple[datetime, datetime] | None:
    """Where the strip says that it begins: which quarter is the least regular the detector alone knows."""
    for row in check.truth.good(Kind.RR_INTERVAL):
        local = check.truth.local(row.at)
        day = not found["day"] or " ".join(found["day"].split()) == f"{local.day} {local:%b}"
        if day and f"{local:%H:%M:%S}" == found["first"]:
            return local, local + _STRIP
    return None


def _burden(check: Check) -> None:
    """A bar for each day, and the whole period, as in the Bundle's Observations of those days."""
    marks, region = check.marks, check.region("Beats without order")
    placed = placed_in(check, "Beats without order")
    days = [
        one
        for one in check.bundle.told
        if one.name == "irregular_share_of_day" and one.value is not None and one.start >= check.truth.start
    ]
    _, after = axis(check, placed)
    dates = [one for one in placed if re.fullmatch(r"\d{1,2} [A-Z][a-z]{2}", one.text)]
    time_axis(check, dates)
    labels = [one for one in placed[after:] if one.number is not None]
    for place, one in enumerate(labels):
        told = days[place].value if place < len(days) and len(labels) == len(days) else None
        marks.value(one.span, told=[told])
    line = (
        rf"(?P<share>{NUMBER}) % of the time judged \((?P<days>\d+) days?, (?P<beats>\d+) beats\); "
        rf"most on (?P<day>\d{{1,2}} [A-Z][a-z]{{2}}): (?P<most>{NUMBER}) %"
    )
    period = {"start": check.truth.start, "end": check.truth.end}
    for found in marks.search(line, region):
        marks.value(
            found.span("share"), told=check.bundle.values("irregular_share_of_period", ucum="%", **period)
        )
        marks.value(found.span("days"), told=[Fraction(len(days))])
        count = check.bundle.amount(Kind.RR_INTERVAL, check.truth.start, check.truth.end)[0]
        marks.value(found.span("beats"), told=[None if count is None else Fraction(count)])
        most = max(days, key=lambda one: one.value or Fraction(0), default=None)
        if most is not None:
            local = most.start.astimezone(check.truth.zone)
            day = f"{local.day} {local:%b}"
            marks.judge(found.span("day"), PERIOD, " ".join(found["day"].split()) == day, day)
            marks.value(found.span("most"), told=[most.value])
