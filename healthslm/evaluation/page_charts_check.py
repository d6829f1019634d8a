"""The charts and their table on a page: every cell, every label in a chart, every axis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from healthslm.evaluation.page_check import AXIS, FINDING, NUMBER, RULE, TITLES, Check
from healthslm.evaluation.page_marks import Piece
from healthslm.readings import KINDS, Kind
from healthslm.rules import RULES

_DRAWN = {
    Kind.HEART_RATE: ("high_heart_rate.high_from", "low_heart_rate.low_at"),
    Kind.SPO2: ("low_spo2.watch_below", "low_spo2.target_low"),
    Kind.TEMPERATURE: ("fever.fever", "low_temperature.low_at"),
    Kind.SYSTOLIC: ("high_pressure.systolic_watch",),
    Kind.DIASTOLIC: ("high_pressure.diastolic_watch",),
    Kind.RESPIRATORY_RATE: ("high_respiration.watch_from", "low_respiration.urgent_at"),
}
"""The thresholds that a chart may show."""
_COLUMNS = ("latest", "mean", "min", "max")
_DIGITS = Fraction(1, 2_000_000)
"""To which the Bundle keeps a measurement: six decimals."""
_CONSENSUS = {54.0, 70.0, 180.0, 250.0, *(50.0 * n for n in range(7, 13))}
"""Labels of the axis of a glucose profile: the consensus' levels, and where it ends [Battelino 2019]."""
_WIDE, _SLACK = 8.0, 0.4
"""Points: labels of one axis end at one edge, and stand as far apart as their values are."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece of the page and where it stands in its text."""

    piece: Piece
    begin: int

    @property
    def text(self) -> str:
        """What it says."""
        return self.piece.text.strip()

    @property
    def span(self) -> tuple[int, int]:
        """Where it begins and ends in the page's text."""
        return self.begin, self.begin + len(self.piece.text)

    @property
    def number(self) -> float | None:
        """The number that it is, if it is nothing else."""
        return float(self.text) if re.fullmatch(NUMBER, self.text) else None


def check_charts(check: Check) -> None:
    """Judge the numbers of the table of vital signs and the axes of the glucose profile."""
    placed = placed_in(check, "Vital signs")
    ends = next((n for n, one in enumerate(placed) if one.text.startswith("Grey:")), len(placed))
    placed = placed[:ends]
    head = next((n for n, one in enumerate(placed) if one.text == "coverage"), None)
    if head is not None:
        size, placed = placed[head].piece.size, placed[head + 1 :]
        rows = list(_rows(placed))
        for (kinds, _, after), (_, until, _) in zip(rows, [*rows[1:], ((), len(placed), 0)], strict=True):
            rest = _Row(check, kinds, size).judge(placed[after:until])
            if until == len(placed):
                time_axis(check, rest)
    profile = placed_in(check, "Ambulatory glucose profile")
    axis(check, profile)
    time_axis(check, [one for one in profile if re.fullmatch(r"\d\d:\d\d", one.text)])


def placed_in(check: Check, name: str) -> list[Placed]:
    """Return the pieces of a part of the page, in the order in which they were set."""
    begin, end = check.region(name)
    pairs = zip(check.marks.pieces, check.marks.at, strict=True)
    return [Placed(piece, at) for piece, at in pairs if begin <= at < end]


def _rows(placed: Sequence[Placed]) -> Iterator[tuple[tuple[Kind, ...], int, int]]:
    """The rows of the table: of which kinds, and where their title begins and ends."""
    begin = 0
    while begin < len(placed):
        for length in (3, 2, 1):
            title = " ".join(" ".join(one.text for one in placed[begin : begin + length]).split())
            if title in TITLES:
                yield TITLES[title], begin, begin + length
                begin += length
                break
        else:
            begin += 1


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: its kinds, and the size of the table's head, between those of labels and of cells."""

    check: Check
    kinds: tuple[Kind, ...]
    size: float

    def judge(self, placed: Sequence[Placed]) -> Sequence[Placed]:
        """Judge the row's numbers; returns what stands behind its last cell."""
        self._usual(placed)
        first = next((n for n, one in enumerate(placed) if self._cell(one)), len(placed))
        small = [one for one in placed[:first] if one.piece.size < self.size - 0.3]
        label = max((one.piece.size for one in small), default=0.0)
        for one in small:
            if one.piece.size < label - 0.3:
                self._tag(one)
        self._labels([one for one in small if one.piece.size >= label - 0.3])
        return self._cells(placed[first:])

    def _cell(self, one: Placed) -> bool:
        return one.piece.size > self.size + 0.3 and bool(re.match(r"–|\d|spot|[\u2212-]", one.text))

    def _usual(self, placed: Sequence[Placed]) -> None:
        if not placed:
            return
        pair = rf"({NUMBER})–\s*({NUMBER})"
        line = rf"usual {pair}(?:\s*/\s*{pair})?"
        for found in self.check.marks.search(line, (placed[0].begin, placed[-1].span[1])):
            for group in (n for n in range(1, 5) if found[n]):
                kind = self.kinds[(group - 1) // 2]
                name = "low" if group % 2 else "high"
                told = self.check.bundle.values(f"{kind}_usual_{name}", ucum=KINDS[kind].ucum)
                stored = self.check.truth.usual(kind, 1 if group % 2 else 3)
                self.check.marks.value(found.span(group), stored=stored, told=told or [None])

    def _tag(self, one: Placed) -> None:
        """The numbers of findings over a chart: each of a finding whose evidence is of this kind."""
        known = set()
        for number, places in enumerate(self.check.groups, start=1):
            evidence = self.check.truth.findings[places[0]]["evidence"]
            kind = Kind(evidence[0]["kind"]) if evidence else None
            if (Kind.HEART_RATE if kind is Kind.RR_INTERVAL else kind) in self.kinds:
                known.add(number)
        right = {int(number) for number in re.findall(r"\d+", one.text)} <= known
        self.check.marks.judge(one.span, FINDING, right, sorted(known))

    def _labels(self, labels: Sequence[Placed]) -> None:
        """Thresholds, then the axis, then the measurements: in the order in which a chart is drawn."""
        first, last = axis(self.check, labels)
        limits = self._limits()
        for one in labels[:first]:
            if one.number is not None:
                self.check.marks.judge(one.span, RULE, one.number in limits, sorted(limits))
        if len(self.kinds) > 1:
            self._in_time(labels[last:], self._pairs())
        elif KINDS[self.kinds[0]].holds is None:
            values = [(row.value,) for row in self.check.truth.good(self.kinds[0])]
            self._in_time(labels[last:], values)

    def _limits(self) -> set[float]:
        own = {f"{rule.name}.{one.name}": one.value for rule in RULES for one in rule.thresholds}
        own |= {f"{rule}.{name}": value for rule, name, value in self.check.chosen}
        return {own[name] for kind in self.kinds for name in _DRAWN.get(kind, ()) if name in own}

    def _pairs(self) -> list[tuple[Fraction | None, ...]]:
        upper, lower = ({row.at: row.value for row in self.check.truth.good(kind)} for kind in self.kinds)
        return [(upper.get(at), lower.get(at)) for at in sorted({*upper, *lower})]

    def _in_time(self, labels: Sequence[Placed], values: Sequence[tuple[Fraction | None, ...]]) -> None:
        """Labels are those of measurements, one after the other in the order of time."""
        place, decimals = 0, 0 if len(self.kinds) > 1 else KINDS[self.kinds[0]].decimals
        for one in labels:
            shown = one.text.split("/")
            fits = (n for n in range(place, len(values)) if _are(shown, values[n], decimals))
            there = next(fits, None)
            self.check.marks.judge(one.span, "store", there is not None, "a measurement after the one before")
            place = place if there is None else there + 1

    def _cells(self, placed: Sequence[Placed]) -> Sequence[Placed]:
        check, rest = self.check, list(placed)

        def take() -> Placed | None:
            return rest.pop(0) if rest and self._cell(rest[0]) else None

        for which in _COLUMNS:
            for kind in self.kinds:
                cell = take()
                if cell is None:
                    return rest
                if cell.number is not None:
                    check.statistic(_trimmed(cell), kind, which)
                times = []
                while rest and not self._cell(rest[0]):
                    times.append(rest.pop(0))
                if times:
                    self._at((times[0].begin, times[-1].span[1]), kind, which)
        told = [check.bundle.amount(kind, check.truth.start, check.truth.end) for kind in self.kinds]
        for kind, (count, _) in zip(self.kinds, told, strict=True):
            if (cell := take()) is not None and cell.number is not None:
                there = Fraction(len(check.truth.good(kind)))
                # Of nothing the Bundle has the reason, and no count of 0 beside it.
                check.marks.value(_trimmed(cell), stored=there, told=[Fraction(count or 0)])
        for kind, (_, share) in zip(self.kinds, told, strict=True):
            if (cell := take()) is not None and (found := re.search(r"\d+", cell.text)):
                begin = cell.begin + cell.piece.text.index(found[0])
                span = (begin, begin + len(found[0]))
                there = check.truth.coverage(kind)
                check.marks.value(span, stored=there, told=[share if share is not None else Fraction(0)])
        return rest

    def _at(self, span: tuple[int, int], kind: Kind, which: str) -> None:
        """When it was: the reading's time, at which the Bundle has that measurement too."""
        check, known = self.check, self.check.truth.statistic(kind, which)
        begin = span[0] + len(check.marks.text[slice(*span)]) - len(check.marks.text[slice(*span)].lstrip())
        at = None if known is None else check.truth.local(known[1])
        told = [
            one
            for one in check.bundle.told
            if known
            and at
            and one.name == KINDS[kind].loinc
            and one.value is not None
            and abs(one.value - known[0]) <= _DIGITS
            and abs(one.start - at) < timedelta(seconds=1)
            and one.start == one.end
        ]
        check.time((begin, span[1]), at if told else None, "store and Bundle", check.day)


def _are(shown: Sequence[str], values: Sequence[Fraction | None], decimals: int) -> bool:
    """Whether a label is a measurement: each part rounded to its digits, `?` where there is none."""
    if len(shown) != len(values):
        return False
    half = Fraction(1, 2 * 10**decimals)
    return all(
        (text == "?")
        if value is None
        else bool(re.fullmatch(NUMBER, text)) and abs(Fraction(text) - value) <= half
        for text, value in zip(shown, values, strict=True)
    )


def _trimmed(one: Placed) -> tuple[int, int]:
    begin = one.begin + one.piece.text.index(one.text)
    return begin, begin + len(one.text)


def axis(check: Check, labels: Sequence[Placed]) -> tuple[int, int]:
    """Judge the longest run of labels that stand as far apart as their values are; returns where it is."""
    best = (0, 0)
    for first in range(len(labels)):
        last = first + 1
        while last < len(labels) and _stands(labels[first : last + 1]):
            last += 1
        if last - first > max(best[1] - best[0], 1):
            best = (first, last)
    for one in labels[slice(*best)]:
        check.marks.judge(one.span, AXIS)
    return best


def _stands(labels: Sequence[Placed]) -> bool:
    """Whether labels are an axis: one above the other, as far apart as their values."""
    values = [one.number for one in labels]
    if any(value is None for value in values) or any(
        abs(one.piece.x - labels[0].piece.x) > _WIDE or one.piece.size != labels[0].piece.size
        for one in labels
    ):
        return False
    known = [value for value in values if value is not None]
    heights = [one.piece.y for one in labels]
    span, rise = known[-1] - known[0], heights[-1] - heights[0]
    if span <= 0 or rise <= 0 or not (_even(known) or set(known) <= _CONSENSUS):
        return False
    return all(
        abs(heights[0] + rise * (value - known[0]) / span - height) < _SLACK
        for value, height in zip(known, heights, strict=True)
    )


def _even(values: Sequence[float]) -> bool:
    return len({round(b - a, 6) for a, b in pairwise(values)}) == 1


def time_axis(check: Check, labels: Sequence[Placed]) -> None:
    """Judge the labels of a time axis: round times, equally far apart, from within the period."""
    zone = check.truth.zone
    start = check.truth.start.astimezone(zone).replace(tzinfo=None)
    end = check.truth.end.astimezone(zone).replace(tzinfo=None)
    times: list[datetime] = []
    for one in labels:
        if found := re.fullmatch(r"(\d\d):(\d\d)", one.text):
            before = times[-1] if times else start - timedelta(minutes=1)
            at = before.replace(hour=0, minute=0, second=0) + timedelta(
                hours=int(found[1]), minutes=int(found[2])
            )
            times.append(at if at > before else at + timedelta(days=1))
        elif re.fullmatch(r"\d{1,2} [A-Z][a-z]{2}", one.text):
            days = (
                start.replace(hour=0, minute=0) + timedelta(days=n) for n in range((end - start).days + 2)
            )
            times += [day for day in days if f"{day.day} {day:%b}" == one.text][:1]
    steps = {b - a for a, b in pairwise(times)}
    right = len(times) == len(labels) and len(steps) <= 1 and all(start <= at <= end for at in times)
    for one in labels:
        check.marks.judge(one.span, AXIS, right, "equal steps in the period")
