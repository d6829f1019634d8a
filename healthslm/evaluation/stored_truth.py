"""What readings come to, computed once more, plainly, from the rows of the table export.

Written apart from healthslm.analysis and healthslm.export, in whole millionths and fractions: a mean is the
exact one, so that its rounding can be told right from wrong. Not covered: what needs an algorithm of its own
(heart-rate variability, desaturations, forecasts, MAGE); of those the Bundle alone is asked.
"""

from __future__ import annotations

import csv
import json
import statistics
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.readings import KINDS, Kind

MILLION = 1_000_000
_LONG, _SLOW = timedelta(days=2), timedelta(minutes=5)
"""Streams of a longer period are told by the minute, as docs/store.md has it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One reading: µs since 1970, the value as it is written, whether it is usable, who sent it."""

    at: int
    value: Fraction
    usable: bool
    device: str
    quality: str


@dataclass(slots=True, kw_only=True)
class Truth:
    """The readings of a period and before it, its findings and notes, and what they come to.

    `known` is what was computed already.
    """

    start: datetime
    end: datetime
    zone: ZoneInfo
    rows: dict[Kind, list[Row]] = field(default_factory=lambda: defaultdict(list))
    before: dict[Kind, list[Row]] = field(default_factory=lambda: defaultdict(list))
    findings: list[dict[str, Any]] = field(default_factory=list)
    known: dict[tuple[object, ...], Any] = field(default_factory=dict)
    notes: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path, start: datetime, end: datetime, zone: ZoneInfo) -> Truth:
        """Read the CSV tables in a folder, of the period and of what lies before it."""
        made = cls(start=start, end=end, zone=zone)
        for row in _table(folder, "readings"):
            one = Row(
                at=int(row["time_us"]),
                value=Fraction(row["value"]),
                usable=row["usable"] == "true",
                device=row["device"],
                quality=row["quality"],
            )
            where = made.rows if one.at >= micro(start) else made.before
            where[Kind(row["kind"])].append(one)
        for row in _table(folder, "findings"):
            made.findings.append(
                {
                    **row,
                    "start": datetime.fromisoformat(row["start"]),
                    "end": datetime.fromisoformat(row["end"]),
                    "evidence": json.loads(row["evidence"]),
                }
            )
        made.notes = [row for row in _table(folder, "notes") if datetime.fromisoformat(row["time"]) >= start]
        return made

    def good(self, kind: Kind, start: datetime | None = None, end: datetime | None = None) -> list[Row]:
        """Return the usable readings of a kind in a part of the period."""
        begin, until = micro(start or self.start), micro(end or self.end)
        return [row for row in self.rows.get(kind, ()) if row.usable and begin <= row.at < until]

    def statistic(
        self, kind: Kind, which: str, start: datetime | None = None, end: datetime | None = None
    ) -> tuple[Fraction, int] | None:
        """Return `latest`, `mean`, `min`, `max` or `total`, and when it was; `None` without a reading."""
        key = (kind, which, start, end)
        if key not in self.known:
            self.known[key] = self._statistic(self.good(kind, start, end), which)
        found: tuple[Fraction, int] | None = self.known[key]
        return found

    @staticmethod
    def _statistic(rows: list[Row], which: str) -> tuple[Fraction, int] | None:
        if not rows:
            return None
        total = sum((row.value for row in rows), Fraction(0))
        if which in ("mean", "total"):
            return (total / len(rows) if which == "mean" else total), 0
        if which == "latest":
            return rows[-1].value, rows[-1].at
        best = (min if which == "min" else max)(row.value for row in rows)
        return best, next(row.at for row in rows if row.value == best)

    def _long(self, kind: Kind) -> bool:
        holds = KINDS[kind].holds
        return holds is not None and holds < _SLOW and self.end - self.start > _LONG

    def spoken(self, kind: Kind, *, by_minute: bool = False) -> list[tuple[int, int]]:
        """Return the stretches, in µs, that a kind's usable readings speak for, in order, not overlapping.

        A reading speaks for as long as its kind says, or `by_minute` for the minute of the clock it is in.
        """
        holds = KINDS[kind].holds or timedelta(0)
        step, end = holds // timedelta(microseconds=1), micro(self.end)
        times = [row.at for row in self.good(kind)]
        if by_minute:
            step = 60 * MILLION
            times = sorted({at - at % step for at in times})
        return [(a, min(a + step, b)) for a, b in pairwise([*times, end])]

    def coverage(self, kind: Kind) -> Fraction:
        """Return the share of the period, in %, that a kind's usable readings speak for."""
        spoken = sum(b - a for a, b in self.spoken(kind))
        return Fraction(100 * spoken, micro(self.end) - micro(self.start))

    def holes(self, kind: Kind, most: int, least: timedelta) -> list[tuple[int, int]]:
        """Return the longest stretches without a usable reading, in order of time; by the page's minutes."""
        spoken = self.spoken(kind, by_minute=self._long(kind))
        edges = [micro(self.start), *(t for pair in spoken for t in pair), micro(self.end)]
        gaps = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
        gaps = sorted(gaps, key=lambda gap: (gap[0] - gap[1], gap[0]))[:most]
        return sorted(gap for gap in gaps if gap[1] - gap[0] >= least // timedelta(microseconds=1))

    def usual(self, kind: Kind, quarter: int) -> Fraction | None:
        """Return a quartile of the daily means of the four weeks of days before the period."""
        first = self.start.astimezone(self.zone).date()
        days: dict[date, list[Fraction]] = defaultdict(list)
        for row in self.before.get(kind, ()):
            day = self.local(row.at).date()
            if row.usable and first - timedelta(days=28) <= day < first:
                days[day].append(row.value)
        means = sorted(sum(values, Fraction(0)) / len(values) for values in days.values())
        if len(means) < 7:
            return None
        place = Fraction(quarter * (len(means) - 1), 4)
        low = int(place)
        high = min(low + 1, len(means) - 1)
        return means[low] + (means[high] - means[low]) * (place - low)

    def local(self, at: int) -> datetime:
        """Return a time in µs since 1970 by the person's clock."""
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(self.zone)

    # What guidelines ask for.

    def glucose(self) -> dict[str, Fraction | float]:
        """Return the consensus' figures of the sensor by name, in %, mg/dL and days; iglu's definitions."""
        rows = [row for row in self.good(Kind.SENSOR_GLUCOSE) if 20 <= row.value <= 600]
        rows = [row for last, row in pairwise([None, *rows]) if row and (last is None or last.at != row.at)]
        if len(rows) < 2:
            return {}
        values, n = [row.value for row in rows], len(rows)

        def share(low: float, high: float) -> Fraction:
            return Fraction(100 * sum(low <= value <= high for value in values), n)

        below, above = Fraction(69999, 1000), Fraction(180001, 1000)
        mean = sum(values, Fraction(0)) / n
        deviation = statistics.stdev([float(value) for value in values])
        apart = [Fraction(b.at - a.at, 60 * MILLION) for a, b in pairwise(rows)]
        step = max(1, round(float(statistics.median(apart))))
        wide = [gap for gap in apart if round(gap) > step]
        whole = round(Fraction(round(sum(apart)), step)) + 1
        missing = round((float(sum(wide)) - len(wide) * step) / step)
        levels = {
            "cgm_tir": share(70, 180),
            "cgm_tbr_level1": share(54, float(below)),
            "cgm_tbr_level2": share(0, 53.999),
            "cgm_tar_level1": share(float(above), 250),
            "cgm_tar_level2": share(250.001, 9999),
        }
        risk = 3 * levels["cgm_tbr_level2"] + Fraction(12, 5) * levels["cgm_tbr_level1"]
        risk += Fraction(8, 5) * levels["cgm_tar_level2"] + Fraction(4, 5) * levels["cgm_tar_level1"]
        return {
            **levels,
            "cgm_mean": mean,
            "cgm_gmi": Fraction("3.31") + Fraction("0.02392") * mean,
            "cgm_cv": deviation / float(mean) * 100,
            "cgm_gri": min(Fraction(100), risk),
            "cgm_active_percent": Fraction(100 * (whole - missing), whole),
        }

    def days_over_each_other(self) -> int:
        """Return on how many days, at most, a sensor has a reading at the same five minutes of the day."""
        seen: dict[int, set[date]] = defaultdict(set)
        for row in self.good(Kind.SENSOR_GLUCOSE):
            local = self.local(row.at)
            seen[(local.hour * 60 + local.minute) // 5].add(local.date())
        return max(map(len, seen.values()), default=0)

    def home_pressure(self) -> dict[str, Fraction] | None:
        """Return the average at home of the last week, `n`, and mornings less evenings where it has them."""
        upper = {row.at: row.value for row in self.good(Kind.SYSTOLIC)}
        lower = {row.at: row.value for row in self.good(Kind.DIASTOLIC)}
        if not upper and not lower:
            return None
        last = self.local(max([*upper, *lower])).date()
        since = micro(datetime.combine(last - timedelta(days=7), time(), self.zone))
        both = [at for at in sorted(upper.keys() & lower.keys()) if at >= since and upper[at] > lower[at]]
        kept: list[int] = []
        for at in both:
            if not kept or at - kept[-1] >= 55 * MILLION:
                kept.append(at)
        sittings: list[list[int]] = []
        for at in kept:
            if not sittings or at - sittings[-1][0] > 1800 * MILLION:
                sittings.append([])
            sittings[-1].append(at)
        if not sittings:
            return None
        placed = [(self._half_day(one[0]), one) for one in sittings]
        first = min(day for (day, _), _ in placed)
        used = [(day, part, one) for (day, part), one in placed if day > first and len(one) >= 2]
        times = [at for _, _, one in used for at in one]
        if not times:
            return None
        found = {
            "home_systolic": sum((upper[at] for at in times), Fraction(0)) / len(times),
            "home_diastolic": sum((lower[at] for at in times), Fraction(0)) / len(times),
            "n": Fraction(len(times)),
        }
        halves: dict[str, dict[date, list[Fraction]]] = {
            "morning": defaultdict(list),
            "evening": defaultdict(list),
        }
        for day, part, one in used:
            if part:
                halves[part][day] += [upper[at] for at in one]
        days = halves["morning"].keys() & halves["evening"].keys()
        if days:
            differences = [_mean(halves["morning"][day]) - _mean(halves["evening"][day]) for day in days]
            found["morning_evening_difference"] = _mean(differences)
        return found

    def _half_day(self, at: int) -> tuple[date, str]:
        local = self.local(at)
        if local.hour < 2:
            return local.date() - timedelta(days=1), "evening"
        return local.date(), "morning" if 4 <= local.hour < 12 else "evening" if local.hour >= 16 else ""

    def fullest(self, start: datetime, end: datetime, span: timedelta) -> tuple[datetime, datetime, int]:
        """Return the first `span` with the most beats in a part of the period: its ends, and how many."""
        times = [row.at for row in self.good(Kind.RR_INTERVAL, start, end)]
        width = span // timedelta(microseconds=1)
        counts = [bisect_left(times, at + width) - n for n, at in enumerate(times)]
        best = counts.index(max(counts))
        last = times[best + counts[best] - 1]
        return self.local(times[best]), self.local(last), counts[best]


def micro(at: datetime) -> int:
    """Return a time in µs since 1970."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _table(folder: Path, name: str) -> Iterator[dict[str, str]]:
    for path in sorted(folder.glob(f"*.{name}.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
