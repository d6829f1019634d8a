"""The model, a day from the radio to the store, its size, its summary.

Every figure is a median of `repeat` runs where a run is short; the virtual day is played once a run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from device import watch
from device.virtual import Day, SimulatedClock, VirtualRadio, Worn, play, rhythm_from_csv
from healthslm.bench.figures import measure
from healthslm.bench.rows import Row, row
from healthslm.collector import Update
from healthslm.pipeline import collect, review
from healthslm.slm import Audience, ModelProcess
from healthslm.store import CHEAPEST, Store, create, open_store

_ZONE = ZoneInfo("UTC")
_DAY = datetime(2026, 11, 2, tzinfo=_ZONE)
_PASSPHRASE = "only for a bench"  # noqa: S105  the store is thrown away


@dataclass(frozen=True, slots=True)
class _Played:
    """One virtual day, from the radio into a store."""

    notifications: int
    seconds: float
    readings: int
    bytes: int


async def _play(day: Day, store: Store) -> tuple[int, float]:
    """Play a day as fast as it goes; returns its notifications and the seconds until all were durable."""
    count = 0

    def observe(update: Update) -> None:
        nonlocal count
        count += hasattr(update.event, "value")

    clock = SimulatedClock(day.midnight)
    stop = asyncio.Event()
    async with VirtualRadio() as air:
        worn = await Worn.put_on(air)
        async with watch(worn.addresses, clock=clock, radio=air.radio) as events:
            collecting = asyncio.create_task(
                collect(events, store, zone=_ZONE, clock=clock, observe=observe, stop=stop)
            )
            began = time.perf_counter()
            await play(day, worn, clock, received=lambda: count)
            store.commit()
            took = time.perf_counter() - began
            stop.set()
            await collecting
    return count, took


def _day_into(folder: Path, day: Day) -> _Played:
    store, _ = create(folder, _PASSPHRASE, profile=CHEAPEST)
    with store:
        notifications, seconds = asyncio.run(_play(day, store))
        readings = store.count()
    with open_store(folder, _PASSPHRASE) as store:  # closed once, so the journal is folded in
        return _Played(notifications, seconds, readings, store.bytes_on_disk())


def _summary_seconds(folder: Path, model: Path) -> float:
    """From asking to the last word, the model's process not yet running."""
    with open_store(folder, _PASSPHRASE) as store:
        began = time.perf_counter()
        with ModelProcess(model) as writer:
            review(
                store, _DAY, _DAY + timedelta(days=1), zone=_ZONE, made_at=_DAY + timedelta(days=1),
                audiences=(Audience.WEARER,), writer=writer,
            )  # fmt: skip
        return time.perf_counter() - began


def run(
    rhythm: Path, model: Path, *, repeat: int = 3, progress: Callable[[str], None] = lambda _what: None
) -> list[Row]:
    """Measure everything and return the table's rows; `model` is a built model's folder."""
    day = Day(midnight=_DAY, rhythm=rhythm_from_csv(rhythm))
    figures = []
    for number in range(repeat):
        progress(f"the model, run {number + 1} of {repeat}")
        figures.append(measure(model))
    played, summaries = [], []
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as temporary:
        for number in range(repeat):
            progress(f"a day from the radio to the store, run {number + 1} of {repeat}")
            folder = Path(temporary) / str(number)
            played.append(_day_into(folder, day))
            progress(f"the day's summary, run {number + 1} of {repeat}")
            summaries.append(_summary_seconds(folder, model))
    held = [f.peak_bytes / 1e6 for f in figures if f.peak_bytes is not None]  # not every system says
    return [
        row("decode", "tokens/s", [f.decode_tokens_per_s for f in figures]),
        row("prefill", "tokens/s", [f.prefill_tokens_per_s for f in figures]),
        row("time to first token", "ms", [f.first_token_s * 1000 for f in figures]),
        row("start of the model's process", "ms", [f.start_s * 1000 for f in figures]),
        *([row("memory of the model's process", "MB", held)] if held else []),
        row("radio to durable reading", "notifications/s", [p.notifications / p.seconds for p in played]),
        row("bytes a reading on disk", "bytes", [p.bytes / p.readings for p in played], 1),
        row("the day's summary, cold", "s", summaries, 1),
    ]
