"""`healthslm eval shift`: shifts put into healthy days, and how often the rules tell without one."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from healthslm.analysis import Daily, DailySeries, Days
from healthslm.analysis.daily_vitals import NIGHT_HEART_RATE, NIGHT_RESPIRATION, NIGHT_TEMPERATURE
from healthslm.analysis.resting import NIGHT_RMSSD, RESTING_HEART_RATE
from healthslm.errors import UsageError
from healthslm.evaluation.table import Line, Table, line
from healthslm.readings import Feature
from healthslm.rules import Case, Rule, judge, scan
from healthslm.rules.patterns import INFECTION_PATTERN
from healthslm.rules.shift import LOWERED_VARIABILITY, RAISED_RESTING_RATE, rate_shift, variability_shift

_COLUMNS: Mapping[str, Daily] = {
    "resting_hr": RESTING_HEART_RATE,
    "rmssd": NIGHT_RMSSD,
    "nremhr": NIGHT_HEART_RATE,
    "full_sleep_breathing_rate": NIGHT_RESPIRATION,
    "nightly_temperature": NIGHT_TEMPERATURE,
}
"""The file's columns, and what they are the nearest to."""
_LENGTH, _AFTER = 3, 1
"""Days that a shift lasts, and days after it on which it may still be told."""
_LEAST = 7
"""Days known before a shift: fewer say nothing of what is usual."""
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of the shifts of one kind: told, not told, and those that could not be judged."""

    found: int
    missed: int
    unknown: int


def people(path: Path) -> dict[str, Days]:
    """Read one person's daily series after the other. Raises `UsageError` naming a column that is missing."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{path} cannot be read: {error}.", "Give a CSV with a row a person and day."
        ) from error
    there = set(rows[0]) if rows else set()
    wanted = {"id", "date", "resting_hr", "rmssd", "nremhr"}
    if not wanted <= there:
        lacking = ", ".join(sorted(wanted - there))
        needs = "It needs id, date, resting_hr, rmssd and nremhr."
        raise UsageError(f"{path} has no column {lacking}.", needs)
    by_person: dict[str, dict[date, dict[str, str]]] = {}
    for row in rows:
        by_person.setdefault(row["id"], {})[date.fromisoformat(row["date"][:10])] = row
    return {
        person: {
            daily.name: _series(daily, column, days) for column, daily in _COLUMNS.items() if column in there
        }
        for person, days in by_person.items()
    }


def _series(daily: Daily, column: str, rows: Mapping[date, Mapping[str, str]]) -> DailySeries:
    known = {day: value for day in sorted(rows) if (value := _number(rows[day][column])) is not None}
    return DailySeries(
        name=daily.name,
        days=tuple(known),
        features=tuple(_feature(daily, day, value, n) for n, (day, value) in enumerate(known.items())),
    )


def _number(cell: str) -> float | None:
    """A Fitbit writes 0 where it knows nothing."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _feature(daily: Daily, day: date, value: float, number: int) -> Feature:
    start, end = daily.span(day, _UTC)
    return Feature(
        name=daily.name,
        kind=daily.kinds[0],
        value=value,
        unit=daily.unit,
        start=start,
        end=end,
        decimals=daily.decimals,
        count=1,
        readings=(number + 1,),
    )


def shifted(series: DailySeries, first: date, factor: float, add: float) -> DailySeries:
    """Return the series with three days changed."""
    last = first + timedelta(days=_LENGTH - 1)
    changed = tuple(
        replace(f, value=(f.value or 0) * factor + add) if first <= day <= last else f
        for day, f in zip(series.days, series.features, strict=True)
    )
    return DailySeries(name=series.name, days=series.days, features=changed)


def _ends(series: DailySeries, first: date) -> list[datetime]:
    """When the rule is asked about a shift that began on `first`: at the ends of its days and of the next."""
    last = first + timedelta(days=_LENGTH - 1 + _AFTER)
    return [f.end for day, f in zip(series.days, series.features, strict=True) if first <= day <= last]


def places(series: DailySeries) -> Iterator[date]:
    """Days at which a shift may begin: one of its three days is known, and seven of the 28 before it are."""
    if not len(series):
        return
    day, last = series.days[0], series.days[-1] - timedelta(days=_LENGTH - 1)
    while day <= last:
        before = sum(day - timedelta(days=28) <= one < day for one in series.days)
        known = sum(day <= one < day + timedelta(days=_LENGTH) for one in series.days)
        if before >= _LEAST and known:
            yield day
        day += timedelta(days=1)


def _case(rule: Rule, now: datetime, days: Days) -> Case:
    return Case(
        windows={}, now=now, zone=_UTC, thresholds=rule.settings,
        days={d.name: days[d.name].until(now) for d in rule.daily if d.name in days},
    )  # fmt: skip


def _inject(rule: Rule, days: Days, daily: Daily, *, factor: float = 1, add: float = 0) -> _Outcome:
    """Put a shift at every place of one person's days, one at a time."""
    look = rate_shift if rule is RAISED_RESTING_RATE else variability_shift
    found = missed = unknown = 0
    series = days[daily.name]
    for first in places(series):
        ends = _ends(series, first)
        if any(judge(rule, {}, end, days=days) for end in ends):
            continue  # told without a shift: it would prove nothing
        changed = {**days, daily.name: shifted(series, first, factor, add)}
        if not any(look(_case(rule, end, changed)) for end in ends):
            unknown += 1
        elif any(judge(rule, {}, end, days=changed) for end in ends):
            found += 1
        else:
            missed += 1
    return _Outcome(found, missed, unknown)


def _lines(name: str, outcomes: list[_Outcome]) -> list[Line]:
    found, missed, unknown = (
        sum(getattr(o, part) for o in outcomes) for part in ("found", "missed", "unknown")
    )
    every = found + missed + unknown
    none = "no days with enough before them"
    judged = found + missed
    return [
        line(
            f"{name}: found",
            100 * found / every if every else None,
            "%",
            least=80,
            decimals=1,
            note=f"of {every:,} places" if every else none,
        ),
        line(
            f"{name}: found where enough days were known",
            100 * found / judged if judged else None,
            "%",
            decimals=1,
            note=f"{unknown} places could not be judged",
        ),
    ]


def run(data: Path) -> Table:
    """Measure both rules of shift.py on every person of a file; `data` may be a folder that holds it."""
    path = next(iter(sorted(data.rglob("lifesnaps*.csv"))), data) if data.is_dir() else data
    everybody = people(path)
    rates = [_inject(RAISED_RESTING_RATE, days, RESTING_HEART_RATE, add=8) for days in everybody.values()]
    falls = [_inject(LOWERED_VARIABILITY, days, NIGHT_RMSSD, factor=0.7) for days in everybody.values()]
    told = {
        rule.name: sum(len(scan(rule, {}, days=days)) for days in everybody.values())
        for rule in (RAISED_RESTING_RATE, LOWERED_VARIABILITY, INFECTION_PATTERN)
    }
    weeks = sum(_judged(days) for days in everybody.values()) / 7
    both = told[RAISED_RESTING_RATE.name] + told[LOWERED_VARIABILITY.name]
    return Table(
        title="Sustained shifts put into healthy days",
        lines=(
            *_lines("resting heart rate 8 /min higher for three days", rates),
            *_lines("RMSSD 30 % lower for three days", falls),
            line("alerts a healthy person-week, both rules", both / weeks if weeks else None, most=0.1,
                 decimals=3, note=f"{both} in {weeks:.0f} weeks"),
            line("of these for resting heart rate", told[RAISED_RESTING_RATE.name] / weeks if weeks else None,
                 decimals=3),
            line("infection pattern, alerts a healthy person-week",
                 told[INFECTION_PATTERN.name] / weeks if weeks else None, decimals=3),
        ),
        notes=(
            f"{len(everybody)} people. A shift is put at every day with seven known days before it; it "
            "is found when the rule tells at the end of one of its three days or of the next.",
            "Places that could not be judged for want of days count as not found in the first line of each.",
            "Healthy means without a shift put in: illness that people had is counted as a false alert.",
        ),
    )  # fmt: skip


def _judged(days: Days) -> int:
    """The days on which at least one of the two rules could say something."""
    ends = {f.end for name in (RESTING_HEART_RATE.name, NIGHT_RMSSD.name) for f in days[name].features}
    by_day = {
        end.date()
        for end in ends
        if rate_shift(_case(RAISED_RESTING_RATE, end, days))
        or variability_shift(_case(LOWERED_VARIABILITY, end, days))
    }
    return len(by_day)
