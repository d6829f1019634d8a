"""People who are well, as far as their recordings say: how often they are told anything."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

import numpy as np

from healthslm.bench.alerts_replay import Columns, Person, told
from healthslm.bench.rows import Row, row
from healthslm.bench.ways import UTC
from healthslm.errors import UsageError
from healthslm.evaluation import fibrillation, shift
from healthslm.evaluation.alarms import files
from healthslm.importers.vitals import VitalsTable
from healthslm.readings import KINDS, Floats, Kind, Severity, instant
from healthslm.rules.whole import days_of

_START = datetime(2026, 1, 5, 12, tzinfo=UTC)
_MINUTES_A_WEEK = 7 * 24 * 60
_HOURS = 6.0
"""Recordings of minutes are played over for so long, as in `eval af`: nobody is told at once."""
_SHOWN = 8
"""The beats that a strap's heart rate is the mean of."""
_WHO = ("device", "age", "gender", "height", "weight")
"""What tells people apart in a table without times, whose rows follow one another a minute apart."""
_NAMED = 20
"""So many people are named at the most."""
LEVELS = (Severity.WATCH, Severity.URGENT, Severity.EMERGENCY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People whose recordings are of one sort."""

    name: str
    people: tuple[Person, ...]

    @property
    def weeks(self) -> float:
        """How long they were watched, all together."""
        return sum(person.weeks for person in self.people)


def groups(data: Path) -> list[Group]:
    """Find everybody in a folder, or in its `daily` and `rr`. Raises `UsageError` when there is nobody."""
    daily = data / "daily" if (data / "daily").is_dir() else data
    found = [
        Group(name="numbers of days", people=tuple(_by_days(daily))),
        *_by_time(daily),
        Group(name="a rate a minute, half of it exercise", people=tuple(_by_minute(daily))),
        Group(name="beats without AF", people=tuple(_by_beat(data))),
    ]
    there = [group for group in found if group.people]
    if not there:
        raise UsageError(
            f"There is no recording of anybody in {data}.", "docs/alerts.md says which are read."
        )
    return there


def _by_days(data: Path) -> Iterable[Person]:
    for path in sorted(data.rglob("lifesnaps*.csv")):
        for name, days in shift.people(path).items():
            known = {day for series in days.values() for day in series.days}
            yield Person(name=name, weeks=len(known) / 7, days=days)


def _by_time(data: Path) -> list[Group]:
    """Heart rates and weights of whatever table has them as single readings with times, and says whose."""
    people: dict[Kind, list[Person]] = {Kind.HEART_RATE: [], Kind.WEIGHT: []}
    for path in files(data):
        if "rr" in path.parent.parts:
            continue
        try:
            table = VitalsTable(path)
        except UsageError:
            continue
        for name, kind in product(table.people, people):
            window = table.of(name).judged.get(kind)
            if window is not None:
                columns = {kind: (window.times, window.values)}
                days = days_of({kind: window}, UTC)
                people[kind].append(Person(name=name, weeks=watched(columns), columns=columns, days=days))
    return [
        Group(name=f"{KINDS[kind].title} with times", people=tuple(some)) for kind, some in people.items()
    ]


def watched(columns: Columns) -> float:
    """Return for how many weeks something was measured: minutes with a reading, or days with a weight."""
    weeks = 0.0
    for kind, (times, _) in columns.items():
        unit, a_week = ("D", 7) if kind is Kind.WEIGHT else ("m", _MINUTES_A_WEEK)
        weeks = max(weeks, len(np.unique(times.astype(f"M8[{unit}]"))) / a_week)
    return weeks


def _by_minute(data: Path) -> Iterable[Person]:
    for path in (one for one in files(data) if one.suffix == ".csv"):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            table = csv.DictReader(lines)
            if not set(table.fieldnames or ()) >= {*_WHO, "heart_rate", "steps"}:
                continue
            minutes: dict[str, list[tuple[float, float]]] = {}
            for line in table:
                who = " ".join(line[name] for name in _WHO)
                minutes.setdefault(who, []).append((float(line["heart_rate"]), float(line["steps"])))
        for who, some in minutes.items():
            values = np.array(some)
            times = instant(_START) + np.arange(1, len(values) + 1) * np.timedelta64(60_000_000, "us")
            columns = {Kind.HEART_RATE: (times, values[:, 0]), Kind.STEPS: (times, values[:, 1])}
            yield Person(name=who, weeks=watched(columns), columns=columns)


def _by_beat(data: Path) -> Iterable[Person]:
    """Recordings without AF, and the long ones as if the strap had been off in their AF."""
    try:
        records = fibrillation.records(data)
    except UsageError:
        return
    for record in records:
        if record.database != "afdb" and not record.without:
            continue
        rr, sound = record.rr_ms, record.af == 0
        if record.without:
            times = max(1, int(np.ceil(_HOURS * 3.6e6 / rr.sum())))
            rr, sound = np.tile(rr, times), np.tile(sound, times)
        weeks = float(rr[sound].sum()) / 6e4 / _MINUTES_A_WEEK
        yield Person(name=f"{record.database} {record.name}", weeks=weeks, columns=beats(rr, sound))


def beats(rr_ms: Floats, sound: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None) -> Columns:
    """Return what a strap makes of intervals, where they are `sound`: each of them, and a rate a second."""
    times = instant(_START) + (np.cumsum(rr_ms) * 1000).astype("m8[us]")
    kept = np.ones(len(rr_ms), dtype=np.bool_) if sound is None else sound
    times, rr_ms = times[kept], rr_ms[kept]
    means = np.convolve(rr_ms, np.ones(_SHOWN) / _SHOWN)[: len(rr_ms)]
    means[: _SHOWN - 1] = rr_ms[: _SHOWN - 1]
    seconds = np.flatnonzero(np.diff(times.astype("M8[s]").astype(np.int64), append=0) != 0)
    return {
        Kind.RR_INTERVAL: (times, rr_ms),
        Kind.HEART_RATE: (times[seconds], np.round(60_000 / means[seconds])),
    }


def run(found: Sequence[Group], progress: Callable[[str], None] = lambda _what: None) -> list[Row]:
    """Play everybody and return how often they were told anything, in all and by level."""
    rows: list[Row] = []
    every: Counter[Severity] = Counter()
    for group in found:
        who = ", ".join(one.name for one in group.people) if len(group.people) <= _NAMED else "everybody"
        progress(f"false alarms, {group.name}, {len(group.people)} recordings: {who}")
        messages = [message for person in group.people for message in told(person)]
        by_rule = Counter(f"{message.rules[0]}, {message.occasion}" for message in messages)
        names = "; ".join(f"{rule}: {count}" for rule, count in by_rule.most_common()) or "nothing"
        progress(f"what was told there: {names}")
        counted = Counter(message.severity for message in messages)
        rows += _rows(f"{group.name} ({len(group.people)} recordings)", counted, group.weeks)
        every += counted
    return [*rows, *_rows("all of them", every, sum(group.weeks for group in found))]


def _rows(who: str, counted: Counter[Severity], weeks: float) -> list[Row]:
    what = f"false alarms, {who}, {weeks:,.2f} person-weeks"
    return [
        row(f"{what}: {name}", "messages a week", [count / weeks], 2)
        for name, count in (
            ("all", counted.total()),
            *((f"of these {level.word}", counted[level]) for level in LEVELS),
        )
    ]
