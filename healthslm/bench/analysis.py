"""What analysis and rules cost: a day at once, the live window after each reading, a year's review.

The readings are those of `bench store`: recorded beats, 1 Hz heart rate, a night of oximetry, cuff and scale.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from healthslm.alerts import Engine
from healthslm.analysis import DailySeries
from healthslm.bench import store_data
from healthslm.bench.memory import rising
from healthslm.bench.rows import Row, row
from healthslm.collector import Collector
from healthslm.pipeline import review
from healthslm.readings import Kind, Window
from healthslm.reviewed import features_of
from healthslm.rules import RULES, scan_all
from healthslm.store import CHEAPEST, Store, create

_ZONE = ZoneInfo("UTC")
_PASSPHRASE = "only for a bench"  # noqa: S105  the store is thrown away
_DAY = timedelta(days=1)


def run(
    rhythm: Path, *, days: int, repeat: int, progress: Callable[[str], None] = lambda _what: None
) -> list[Row]:
    """Measure and return the table's rows; `days` is how long the reviewed period is."""
    recorded = store_data.beats(rhythm)
    progress("a day")
    a_day = [_a_day(recorded) for _ in range(repeat)]
    progress("the live window")
    live = [_live(recorded) for _ in range(repeat)]
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        store, _ = create(Path(folder) / "home", _PASSPHRASE, profile=CHEAPEST)
        with store:
            for number, made in enumerate(store_data.days(recorded, days)):
                if number % 30 == 0:
                    progress(f"storing day {number} of {days}")
                _keep(store, made)
            progress(f"the review of {days} days")
            first, peak = _review(store, days)
            again = [_review(store, days)[0] for _ in range(repeat)]
            week, week_peak = _review(store, 7)
    return [
        row("all features and rules of a day at 1 Hz", "ms", a_day, 1, most=150),
        row("the live window after a reading, on average", "ms", live, 3, most=1),
        row(f"review of {days} days, the first time", "s", [first], 2),
        row(f"review of {days} days", "s", again, 2, most=5),
        row("review of 7 days", "s", [week], 2),
        row(f"memory beside, {days} days for the first time", "MB", [peak], 1),
        row("memory beside, 7 days", "MB", [week_peak], 1),
    ]


def _keep(store: Store, made: store_data.Day) -> None:
    for kind, device, columns in made.dense:
        store.append_columns(kind, device, columns)
    store.append(made.sparse)
    store.commit()


def _windows(made: store_data.Day, start: datetime) -> dict[Kind, Window]:
    """The day as windows, as a store would give them."""
    end = start + _DAY
    found = {kind: Window.of(kind, start, end, made.sparse) for kind in {r.kind for r in made.sparse}}
    for kind, _, columns in made.dense:
        found[kind] = Window(
            kind=kind,
            start=start,
            end=end,
            times=columns.times.view("M8[us]"),
            values=columns.values,
            ids=np.arange(len(columns.times), dtype=np.int64),
            quality=columns.quality,
        ).between(start, end)
    return found


def _a_day(recorded: NDArray[np.float64]) -> float:
    """Milliseconds for every feature and every rule of one day; series of earlier days are there already."""
    windows = _windows(store_data.day(recorded, 0), store_data.FIRST)
    dailies = {daily.name: daily for rule in RULES for daily in rule.daily}.values()
    yesterday = store_data.FIRST.date()
    began = time.perf_counter()
    features_of(windows, irregular=False)
    days = {d.name: DailySeries.of(d, windows, [yesterday], _ZONE) for d in dailies}
    scan_all(RULES, windows, zone=_ZONE, days=days)
    return (time.perf_counter() - began) * 1000


def _live(recorded: NDArray[np.float64]) -> float:
    """Milliseconds of CPU a reading, live windows and rules alone, on average over two hours after eight."""
    made = store_data.one_by_one(store_data.day(recorded, 0))
    begin = store_data.FIRST + timedelta(hours=8)
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        store, _ = create(Path(folder) / "home", _PASSPHRASE, profile=CHEAPEST)
        with store:
            clock = _Clock()
            engine = Engine(store, (), clock=clock)
            collector = Collector(store, engine, RULES, _ZONE, clock)
            for reading in (one for one in made if one.time < begin):
                collector.live.add([reading], reading.time)
            asked = [one for one in made if begin <= one.time < begin + timedelta(hours=2)]
            gc.collect()
            began = time.process_time()
            for reading in asked:
                clock.now = reading.time
                collector.consider([reading], reading.time, reading.time)
            return (time.process_time() - began) * 1000 / len(asked)


class _Clock:
    """The data's own time."""

    def __init__(self) -> None:
        self.now = datetime(2000, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def _review(store: Store, days: int) -> tuple[float, float]:
    """Seconds that a review of the first so many days takes, and the memory (MB) it adds at its peak."""
    end = store_data.FIRST + timedelta(days=days)
    most = rising()
    began = time.perf_counter()
    review(store, store_data.FIRST, end, zone=_ZONE, made_at=end)
    return time.perf_counter() - began, (most() or 0) / 1e6
