"""What is put into the recordings of people who are well, and whether a hook is told of it in time.

Where a folder holds no such recording (oxygen by the second, a probe that stays on), the series is drawn, as
for `eval alarms`. Which events there are, and where they are put, comes of one seed; nothing is chosen by
what is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np

from healthslm.analysis.resting import RESTING_HEART_RATE
from healthslm.bench.alerts_healthy import Group, beats
from healthslm.bench.alerts_replay import Columns, Message, Person, told
from healthslm.bench.rows import Row, row
from healthslm.bench.ways import UTC
from healthslm.errors import UsageError
from healthslm.evaluation import fibrillation, shift
from healthslm.evaluation.alarms_series import SENSORS
from healthslm.evaluation.cgm import glucose_files
from healthslm.importers.glucose import read_glucose
from healthslm.readings import Floats, Kind, Severity, Times, instant, moment

_SEED = 7
_EACH = 10
"""Events of one kind and level that are drawn."""
_START = datetime(2026, 1, 5, 12, tzinfo=UTC)
_MINUTE = np.timedelta64(60_000_000, "us")
_PLACES = 3
"""Shifts a person."""
_AF_FROM_H, _AF_FOR_H = 1, 3
_CLOSE, _CALM = 60, 100
"""Readings in twenty minutes, and the highest of them (/min), before a heart rate at rest is put higher."""
_LEAST_AF = 1000
"""Beats of AF that a recording needs for its rhythm to be played on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something put into somebody's readings: what is to be told, at which level at least, and when."""

    what: str
    person: Person
    rule: str
    due: Severity
    start: datetime
    end: datetime

    def noticed(self, messages: Sequence[Message]) -> timedelta | None:
        """Return how long it took until the first message of it; `None` where there was none in time."""
        return next(
            (
                message.at - self.start
                for message in messages
                if self.start <= message.at <= self.end
                and self.rule in message.rules
                and message.severity >= self.due
            ),
            None,
        )


def events(data: Path) -> Iterator[Event]:
    """Yield every event, in the same order each time."""
    dice = np.random.default_rng(_SEED)
    yield from _oxygen(dice)
    yield from _temperature(dice)
    yield from _tachycardia(dice)
    yield from _resting(data, dice)
    yield from _glucose(data, dice)
    yield from _rhythm(data, dice)


def _drawn(name: str, dice: np.random.Generator) -> tuple[Times, dict[str, Floats]]:
    sensor = next(one for one in SENSORS if one.name == name)
    seconds = sensor.times()
    times = instant(_START) + (seconds * 1e6).astype("m8[us]")
    return times, sensor.healthy(dice, len(times))


def _put(what: str, rule: str, due: Severity, columns: Columns, kind: Kind, add: float, part: slice) -> Event:
    """Change a stretch of one kind by so much."""
    times, values = columns[kind]
    changed = values.copy()
    changed[part] += add
    return Event(
        what=what,
        person=Person(name=what, weeks=0, columns={**columns, kind: (times, changed)}),
        rule=rule,
        due=due,
        start=moment(times[part][0]),
        end=moment(times[part][-1]) + timedelta(minutes=5),
    )


def _oxygen(dice: np.random.Generator) -> Iterator[Event]:
    levels = ((93, Severity.WATCH), (88, Severity.URGENT), (82, Severity.EMERGENCY))
    for (level, due), _ in product(levels, range(_EACH)):
        times, drawn = _drawn("oximeter", dice)
        columns = {Kind.SPO2: (times, drawn["spo2"]), Kind.PULSE_RATE: (times, drawn["pulse"])}
        begin = int(dice.integers(400, 1600))
        part = slice(begin, begin + 600)
        yield _put(
            f"oxygen of {level} % for ten minutes (drawn)",
            "low_spo2",
            due,
            columns,
            Kind.SPO2,
            level - 97,
            part,
        )


def _temperature(dice: np.random.Generator) -> Iterator[Event]:
    levels = ((38.5, Severity.WATCH), (39.7, Severity.URGENT))
    for (level, due), _ in product(levels, range(_EACH)):
        times, drawn = _drawn("thermometer", dice)
        columns = {Kind.TEMPERATURE: (times, drawn["temperature"])}
        begin = int(dice.integers(60, 360))
        part = slice(begin, begin + 90)
        what = f"fever of {level} °C for an hour and a half (drawn)"
        yield _put(what, "fever", due, columns, Kind.TEMPERATURE, level - 36.7, part)


def _tachycardia(dice: np.random.Generator) -> Iterator[Event]:
    for _ in range(_EACH):
        times, drawn = _drawn("strap", dice)
        minutes = times[0] + np.arange(len(times) // 60 + 1) * _MINUTE
        rates = {Kind.HEART_RATE: (times, drawn["heart_rate"])}
        steps = {Kind.STEPS: (minutes, np.zeros(len(minutes)))}
        begin = int(dice.integers(900, 1700))
        part = slice(begin, begin + 1800)
        for columns, seen, due in (
            ({**rates, **steps}, "a sensor shows no steps", Severity.URGENT),
            (rates, "no sensor of movement", Severity.WATCH),
        ):
            what = f"150 /min at rest for half an hour, {seen} (drawn)"
            yield _put(what, "high_heart_rate", due, columns, Kind.HEART_RATE, 150 - 66, part)


def _at_rest(groups: Sequence[Group], dice: np.random.Generator) -> Iterator[Event]:
    """Put 150 /min for half an hour into recorded heart rates, where they were calm and closely measured."""
    for person in (one for group in groups for one in group.people if set(one.columns) == {Kind.HEART_RATE}):
        times, values = person.columns[Kind.HEART_RATE]
        found = 0
        for begin in dice.permutation(len(times)).tolist():
            end = int(np.searchsorted(times, times[begin] + 30 * _MINUTE))
            before = values[np.searchsorted(times, times[begin] - 20 * _MINUTE) : begin]
            if found == _EACH or end - begin < _CLOSE or len(before) < _CLOSE or before.max() > _CALM:
                continue
            found += 1
            add = 150 - float(np.median(values[begin:end]))
            yield _put(
                "150 /min for half an hour, no sensor of movement (recorded)", "high_heart_rate",
                Severity.WATCH, person.columns, Kind.HEART_RATE, add, slice(begin, end),
            )  # fmt: skip


def _resting(data: Path, dice: np.random.Generator) -> Iterator[Event]:
    for path in sorted(data.rglob("lifesnaps*.csv")):
        for name, days in shift.people(path).items():
            series = days[RESTING_HEART_RATE.name]
            places = list(shift.places(series))
            usual = Person(name=name, weeks=0, days=days)
            before = told(usual)
            for first in sorted(dice.permutation(len(places))[:_PLACES].tolist()):
                day = places[first]
                begin = datetime.combine(day, datetime.min.time(), UTC)
                shifted = {**days, series.name: shift.shifted(series, day, 1, 8)}
                event = Event(
                    what="resting heart rate 8 /min higher for three days (recorded)",
                    person=replace(usual, days=shifted),
                    rule="raised_resting_rate",
                    due=Severity.WATCH,
                    start=begin,
                    end=begin + timedelta(days=5),
                )
                if event.noticed(before) is None:  # told without it, it would prove nothing
                    yield event


def _glucose(data: Path, dice: np.random.Generator) -> Iterator[Event]:
    folder = data / "glucose" if (data / "glucose").is_dir() else data
    try:
        read = [read_glucose(path) for path in glucose_files(folder)]
    except UsageError:
        return
    for file in (one for one in read if len(one) > 500 and one.source == "clarity"):
        for level, due in ((62, Severity.WATCH), (48, Severity.URGENT)):
            found = 0
            for begin in dice.permutation(len(file) - 24).tolist():
                part = slice(begin, begin + 12)
                close = file.times[begin + 12] - file.times[begin] < 65 * _MINUTE
                calm = file.values[max(0, begin - 24) : begin + 24].min() > 80
                if found == _EACH or not close or not calm:
                    continue
                found += 1
                near = slice(max(0, begin - 100), begin + 40)
                values = file.values.copy()
                values[part] = level + dice.normal(0, 1.5, 12).round()
                what = f"glucose of {level} mg/dL for an hour (recorded)"
                columns = {Kind.SENSOR_GLUCOSE: (file.times[near], values[near])}
                yield Event(
                    what=what,
                    person=Person(name=what, weeks=0, columns=columns),
                    rule="low_glucose",
                    due=due,
                    start=moment(file.times[begin]),
                    end=moment(file.times[begin + 12]) + timedelta(minutes=5),
                )


def _rhythm(data: Path, dice: np.random.Generator) -> Iterator[Event]:
    try:
        records = fibrillation.records(data)
    except UsageError:
        return
    calm = [one for one in records if one.without]
    ill = [one.rr_ms[one.af == 1] for one in records if one.persistent or one.af.sum() >= _LEAST_AF]
    for af in ill if calm else []:
        for chosen in dice.permutation(len(calm))[:_PLACES].tolist():
            before = _for_hours(calm[chosen].rr_ms, _AF_FROM_H)
            columns = beats(np.concatenate([before, _for_hours(af, _AF_FOR_H)]))
            times, _ = columns[Kind.RR_INTERVAL]
            what = f"AF for {_AF_FOR_H} hours after an hour without (recorded, joined)"
            yield Event(
                what=what, person=Person(name=what, weeks=0, columns=columns), rule="irregular_rhythm",
                due=Severity.WATCH, start=moment(times[len(before)]), end=moment(times[-1]),
            )  # fmt: skip


def _for_hours(rr_ms: Floats, hours: float) -> Floats:
    """Play intervals over and over for so long."""
    long = np.tile(rr_ms, int(np.ceil(hours * 3.6e6 / rr_ms.sum())))
    return long[np.cumsum(long) <= hours * 3.6e6]


def run(
    data: Path, groups: Sequence[Group], progress: Callable[[str], None] = lambda _what: None
) -> list[Row]:
    """Play every event and return, kind by kind, which share was told, and how long that took."""
    took: dict[tuple[str, Severity], list[timedelta | None]] = {}
    for event in (*events(data), *_at_rest(groups, np.random.default_rng(_SEED))):
        if (event.what, event.due) not in took:
            progress(event.what)
        took.setdefault((event.what, event.due), []).append(event.noticed(told(event.person)))
    rows = []
    for (what, due), every in took.items():
        minutes = [one.total_seconds() / 60 for one in every if one is not None]
        share = 100 * len(minutes) / len(every)
        rows.append(row(f"{what}: told as {due.word} or worse, of {len(every)}", "%", [share], 1))
        if minutes:
            rows.append(row(f"{what}: median delay", "min", [float(np.median(minutes))], 1))
    return rows
