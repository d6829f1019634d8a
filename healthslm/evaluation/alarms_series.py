"""Seeded series of healthy people, what sensors send when they are off, and true events to be found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from healthslm.readings import Floats

Columns = dict[str, Floats]
Change = Callable[[Columns, slice, np.random.Generator], None]
"""Changes columns within a stretch of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """One sensor: its healthy columns by name, what it sends when it is off, and true events by their rule.

    `times()`: seconds from the beginning, shape `(n,)`; `healthy(rng, n)`: so many values of each column.
    `faults` and `events` change a stretch of rows; `event_rows` is how many an event takes.
    """

    name: str
    times: Callable[[], Floats]
    healthy: Callable[[np.random.Generator, int], Columns]
    faults: Mapping[str, Change]
    events: Mapping[str, Change]
    event_rows: int


def _wander(rng: np.random.Generator, count: int, center: float, spread: float, decimals: int) -> Floats:
    """Values about a center that hang together from one to the next."""
    values = np.empty(count)
    level = 0.0
    for n, step in enumerate(rng.normal(0, spread, count)):
        level = 0.9 * level + 0.44 * step
        values[n] = level
    return np.round(center + values, decimals)


def _set(value: float, *names: str) -> Change:
    def change(columns: Columns, part: slice, _rng: np.random.Generator) -> None:
        for name in names:
            columns[name][part] = value

    return change


def _scattered(value: float, *names: str) -> Change:
    """One reading in ten is the code."""

    def change(columns: Columns, part: slice, rng: np.random.Generator) -> None:
        hit = rng.random(len(columns[names[0]][part])) < 0.1
        for name in names:
            columns[name][part] = np.where(hit, value, columns[name][part])

    return change


def _sliding(every: int, seconds: int, floor: float, code: float) -> Change:
    """A finger that slips out again and again: the level falls for some seconds, then the code, then back."""

    def change(columns: Columns, part: slice, rng: np.random.Generator) -> None:
        spo2, pulse = columns["spo2"][part], columns["pulse"][part]
        for start in range(int(rng.integers(0, 20)), len(spo2) - every, every):
            slope = np.round(np.linspace(spo2[start], floor, seconds))
            spo2[start : start + seconds] = slope
            off = slice(start + seconds, start + every // 2)
            spo2[off] = code
            pulse[off] = 0 if code != code else code  # NaN is not equal to itself  # noqa: PLR0124

    return change


def _mostly_out(columns: Columns, part: slice, rng: np.random.Generator) -> None:
    """A finger that is hardly in: every minute up to ten seconds of a wrong low level, else the code."""
    spo2, pulse = columns["spo2"][part], columns["pulse"][part]
    minute, second = np.divmod(np.arange(len(spo2)), 60)
    low = second < rng.integers(3, 11, int(minute[-1]) + 1)[minute]
    spo2[:] = np.where(low, np.round(rng.uniform(72, 88, len(spo2))), 127)
    pulse[:] = np.where(low, pulse, 255)


def _room(columns: Columns, part: slice, rng: np.random.Generator) -> None:
    """A thermometer on a table."""
    count = len(columns["temperature"][part])
    columns["temperature"][part] = _wander(rng, count, float(rng.uniform(18, 29)), 0.05, 2)


def _cooling(columns: Columns, part: slice, rng: np.random.Generator) -> None:
    """A probe that fell off, cools to the room, and is put back."""
    minutes = np.arange(len(columns["temperature"][part]))
    room = float(rng.uniform(18, 29))
    back = len(minutes) * 2 // 3
    cooled = room + (36.7 - room) * np.exp(-minutes / rng.uniform(3, 8))
    warmed = 36.7 - (36.7 - room) * np.exp(-(minutes - back) / rng.uniform(2, 6))
    columns["temperature"][part] = np.round(np.where(minutes < back, cooled, warmed), 2)


def _frozen(columns: Columns, part: slice, _rng: np.random.Generator) -> None:
    """The last value, sent on and on."""
    for values in columns.values():
        values[part] = values[part.start]


def _swapped(columns: Columns, part: slice, _rng: np.random.Generator) -> None:
    upper = columns["systolic"][part].copy()
    columns["systolic"][part], columns["diastolic"][part] = columns["diastolic"][part], upper


def _equal(columns: Columns, part: slice, _rng: np.random.Generator) -> None:
    columns["systolic"][part] = columns["diastolic"][part] = 200.0


def _cuff_times() -> Floats:
    """Ten days, morning and evening, twice each, two minutes apart."""
    day, part, again = np.meshgrid(np.arange(10), (7.5, 19.5), (0, 2), indexing="ij")
    return np.asarray(day * 86400 + part * 3600 + again * 60, dtype=np.float64).ravel()


def _rounds() -> Floats:
    """Ten days, once in the morning and once in the evening."""
    day, part = np.meshgrid(np.arange(10), (7.5, 19.5), indexing="ij")
    return np.asarray(day * 86400 + part * 3600, dtype=np.float64).ravel()


def _every(seconds: float, count: int) -> Floats:
    return np.arange(count, dtype=np.float64) * seconds


def _codes(*names: str, codes: tuple[float, ...]) -> dict[str, Change]:
    shown = {code: "NaN" if np.isnan(code) else f"{code:g}" for code in codes}
    return {f"{shown[code]} for a while": _set(code, *names) for code in codes} | {
        f"{shown[code]} now and then": _scattered(code, *names) for code in codes
    }


def _level(name: str, center: float, spread: float) -> Change:
    def change(columns: Columns, part: slice, rng: np.random.Generator) -> None:
        columns[name][part] = _wander(rng, len(columns[name][part]), center, spread, 1)

    return change


def _low_oxygen(columns: Columns, part: slice, rng: np.random.Generator) -> None:
    columns["spo2"][part] = _wander(rng, len(columns["spo2"][part]), 87, 0.7, 0)


def _sitting(systolic: float, diastolic: float) -> Change:
    def change(columns: Columns, part: slice, rng: np.random.Generator) -> None:
        for name, value in (("systolic", systolic), ("diastolic", diastolic)):
            columns[name][part] = np.round(value + rng.normal(0, 2, len(columns[name][part])))

    return change


SENSORS = (
    Sensor(
        name="oximeter",
        times=lambda: _every(1, 2400),
        healthy=lambda rng, n: {
            "spo2": np.minimum(_wander(rng, n, 97, 0.7, 0), 100),
            "pulse": _wander(rng, n, 68, 3, 0),
        },
        faults=_codes("spo2", "pulse", codes=(0, 127, 255, 511, np.nan))
        | {
            "finger slides out, then 0": _sliding(180, 30, 78, 0),
            "finger slides out, then 127": _sliding(120, 45, 70, 127),
            "finger slides out, then NaN": _sliding(240, 60, 80, np.nan),
            "finger slides out every minute": _sliding(60, 15, 82, 0),
            "finger hardly in": _mostly_out,
            "frozen": _frozen,
        },
        events={"low_spo2": _low_oxygen},
        event_rows=600,
    ),
    Sensor(
        name="thermometer",
        times=lambda: _every(60, 480),
        healthy=lambda rng, n: {"temperature": _wander(rng, n, 36.7, 0.12, 2)},
        faults=_codes("temperature", codes=(0, 85, 127, -127, np.nan))
        | {"left on a table": _room, "fallen off, put back": _cooling, "frozen": _frozen},
        events={
            "fever": _level("temperature", 38.8, 0.1),
            "low_temperature": _level("temperature", 34.2, 0.08),
        },
        event_rows=90,
    ),
    Sensor(
        name="cuff",
        times=_cuff_times,
        healthy=lambda rng, n: {
            "systolic": np.round(rng.normal(120, 4, n)).clip(108, 132),
            "diastolic": np.round(rng.normal(76, 3, n)).clip(68, 83),
        },
        faults=_codes("systolic", "diastolic", codes=(0, 255, 2047, np.nan))
        | {
            "systolic 0": _set(0, "systolic"),
            "diastolic 0": _set(0, "diastolic"),
            "diastolic NaN": _set(np.nan, "diastolic"),
            "systolic below diastolic": _swapped,
            "systolic as diastolic": _equal,
        },
        events={
            "high_pressure": _sitting(172, 104),
            "low_pressure": _sitting(80, 50),
        },
        event_rows=2,
    ),
    Sensor(
        name="spot checks",
        times=_rounds,
        healthy=lambda rng, n: {
            "spo2": np.round(rng.normal(97, 0.7, n)).clip(95, 100),
            "pulse": np.round(rng.normal(68, 4, n)),
            "temperature": np.round(rng.normal(36.7, 0.2, n), 1),
            "systolic": np.round(rng.normal(120, 4, n)).clip(108, 132),
            "diastolic": np.round(rng.normal(76, 3, n)).clip(68, 83),
        },
        faults=_codes("spo2", "pulse", codes=(0, 127, 255, np.nan))
        | {"no diastolic": _set(np.nan, "diastolic")},
        events={
            "low_spo2": _set(82, "spo2"),
            "fever": _set(41.0, "temperature"),
            "low_temperature": _set(33.9, "temperature"),
            "high_pressure": _set(230, "systolic"),
            "low_pressure": _sitting(72, 45),
        },
        event_rows=1,
    ),
    Sensor(
        name="strap",
        times=lambda: _every(1, 3600),
        healthy=lambda rng, n: {"heart_rate": _wander(rng, n, 66, 4, 0)},
        faults=_codes("heart_rate", codes=(0, 255, np.nan)) | {"frozen": _frozen},
        events={
            "low_heart_rate": _level("heart_rate", 35, 1),
        },
        event_rows=1200,
    ),
    Sensor(
        name="breathing sensor",
        times=lambda: _every(30, 120),
        healthy=lambda rng, n: {"respiratory_rate": _wander(rng, n, 15, 0.8, 0)},
        faults=_codes("respiratory_rate", codes=(0, 255, np.nan)) | {"frozen": _frozen},
        events={
            "high_respiration": _level("respiratory_rate", 28, 1),
        },
        event_rows=30,
    ),
)
