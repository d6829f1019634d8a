"""A year of one person, day by day, from recorded heartbeats: what `bench store` stores.

The beats are recorded ones, begun at another place each day, made up to a tenth faster or slower and blurred
by two ticks of the 1/1024 s in which a strap counts. From them come the heart rate once a second and the
oximeter's pulse; oxygen saturation, blood pressure and weight are drawn. The same seed gives the same year.
"""

from __future__ import annotations

import csv
import gzip
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import MissingError
from healthslm.readings import Kind, Reading
from healthslm.store import rows
from healthslm.store.codec import Columns

FIRST = datetime(2026, 1, 27, tzinfo=UTC)
"""A whole number of 32 days after 1970, where a block of hourly roll-ups begins (store_decade.py)."""
STRAP, OXIMETER, CUFF, SCALE = (f"C0:FF:EE:00:00:0{n}" for n in range(1, 5))
DAY_US = 86_400_000_000
_SECONDS = 86_400
_TICK = 1024
_JITTER_MS = 15
_NIGHT = slice(0, 8 * 3600)
_SHORTEST, _LONGEST = 0.25, 2.5
"""Intervals outside of these seconds are gaps in the recording, no beats."""


@dataclass(frozen=True, slots=True)
class Day:
    """What comes in on one day: the dense kinds with their devices as columns, the others one by one."""

    dense: tuple[tuple[Kind, str, Columns], ...]
    sparse: tuple[Reading, ...]

    def __len__(self) -> int:
        return sum(len(columns.times) for _, _, columns in self.dense) + len(self.sparse)


def beats(path: Path) -> NDArray[np.float64]:
    """Read recorded RR intervals, in seconds: the column `rr_s` of a CSV file, or of all files of a folder.

    Raises `MissingError` when there are none.
    """
    files = sorted(path.glob("*.csv*")) if path.is_dir() else [path]
    found: list[float] = []
    for file in files:
        opened = gzip.open if file.suffix == ".gz" else open
        try:
            with opened(file, "rt", encoding="utf-8", newline="") as lines:
                table = csv.DictReader(line for line in lines if not line.startswith("#"))
                found += (float(row["rr_s"]) for row in table)
        except (OSError, EOFError, ValueError, KeyError, UnicodeDecodeError) as error:
            raise MissingError(
                f"{file} is no recorded rhythm: {error}.", "Give a CSV file with a column rr_s (seconds)."
            ) from error
    series = np.array(found)
    series = series[(series > _SHORTEST) & (series < _LONGEST)]
    if not len(series):
        raise MissingError(f"There is no recorded rhythm in {path}.", "Give a CSV file with a column rr_s.")
    return series


def days(recorded: NDArray[np.float64], count: int, *, seed: int = 1) -> Iterator[Day]:
    """Yield so many days from `FIRST` on."""
    for number in range(count):
        yield day(recorded, number, seed=seed)


def day(recorded: NDArray[np.float64], number: int, *, seed: int = 1) -> Day:
    """Make one day; the same number and seed give the same."""
    rng = np.random.default_rng((seed, number))
    start = rows.micros(FIRST) + number * DAY_US
    ends, ticks = _beats(recorded, rng)
    rate = _rates(ends, ticks)
    oximeter = _times(start, rng)[_NIGHT]
    dense = (
        (Kind.HEART_RATE, STRAP, _good(_times(start, rng), rate)),
        (Kind.RR_INTERVAL, STRAP, _good(start + ends, _milliseconds(ticks))),
        (Kind.SPO2, OXIMETER, _good(oximeter, _saturation(rng)[_NIGHT])),
        (Kind.PULSE_RATE, OXIMETER, _good(oximeter, np.roll(rate, 4)[_NIGHT])),
    )
    return Day(dense, tuple(_spot(rng, FIRST + timedelta(days=number), number)))


def one_by_one(made: Day) -> list[Reading]:
    """Return a day's readings in the order in which they come in."""
    found = [*made.sparse]
    for kind, device, columns in made.dense:
        found += (
            Reading(time=rows.moment(time), kind=kind, value=value, device=device)
            for time, value in zip(columns.times.tolist(), columns.values.tolist(), strict=True)
        )
    return sorted(found, key=lambda one: one.time)


def _beats(
    recorded: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return when each beat ended, in µs of the day, and how long it was, in ticks."""
    enough = int(_SECONDS / recorded.mean() * 1.3)
    chosen = np.take(recorded, np.arange(enough) + rng.integers(len(recorded)), mode="wrap")
    ticks = np.rint(chosen * rng.uniform(0.9, 1.1) * _TICK).astype(np.int64) + rng.integers(-2, 3, enough)
    ends = np.cumsum(np.rint(ticks * (1e6 / _TICK)).astype(np.int64))
    whole = int(ends.searchsorted(DAY_US))
    return ends[:whole], ticks[:whole]


def _milliseconds(ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    spans: NDArray[np.float64] = np.rint(ticks * (1e6 / _TICK)) / 1e6 * 1000.0  # as `ingest` makes them
    return spans


def _rates(ends: NDArray[np.int64], ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a strap's heart rate at each second: of its last eight beats, whole."""
    sums = np.cumsum(ticks)
    last = np.clip(ends.searchsorted(np.arange(1, _SECONDS + 1) * 1_000_000), 8, len(ends)) - 1
    eight = sums[last] - np.where(last >= 8, sums[last - 8], 0)
    rates: NDArray[np.float64] = np.rint(60 * 8 * _TICK / eight)
    return rates


def _times(start: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return when the values of each second were received: in whole milliseconds, early or late a little."""
    late = rng.integers(-_JITTER_MS, _JITTER_MS + 1, _SECONDS)
    late[0] = abs(late[0])  # not yesterday
    return start + (np.arange(_SECONDS) * 1000 + late) * 1000


def _saturation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return an oxygen saturation in whole per cent that wanders and dips now and then."""
    drift = np.cumsum(rng.normal(0, 0.01, _SECONDS))
    level = 96 + drift - drift.mean()
    for at in rng.integers(0, _SECONDS - 60, 40):
        level[at : at + 60] -= 4 * np.sin(np.linspace(0, np.pi, 60))
    saturation: NDArray[np.float64] = np.rint(np.clip(level, 80, 100))
    return saturation


def _good(times: NDArray[np.int64], values: NDArray[np.float64]) -> Columns:
    return Columns(times, values, np.zeros(len(times), np.int16))


def _spot(rng: np.random.Generator, midnight: datetime, number: int) -> Iterator[Reading]:
    """Yield the cuff's and the scale's readings of a day; both tell their own time and count."""
    count = itertools.count(number * 3)
    for hour in (7, 20)[: int(rng.integers(1, 3))]:
        time = midnight + timedelta(hours=hour, seconds=int(rng.integers(3600)))
        sequence = next(count)
        for kind, value in ((Kind.SYSTOLIC, 132), (Kind.DIASTOLIC, 84), (Kind.PULSE_RATE, 68)):
            drawn = float(value + rng.integers(-9, 10))
            yield Reading(
                time=time, kind=kind, value=drawn, device=CUFF, sequence=sequence,
                device_time=time.replace(tzinfo=None),
            )  # fmt: skip
    time = midnight + timedelta(hours=7, seconds=int(rng.integers(3600)))
    weight = round(80 + float(rng.normal(0, 0.4)), 1)
    yield Reading(
        time=time, kind=Kind.WEIGHT, value=weight, device=SCALE, device_time=time.replace(tzinfo=None)
    )
