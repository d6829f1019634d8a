"""How long an alert takes from the reading to the decision, while the model rests and while it writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from healthslm.alerts import Engine
from healthslm.bench import store_data
from healthslm.collector import Collector
from healthslm.readings import Kind, Reading
from healthslm.rules import RULES
from healthslm.slm import ModelProcess
from healthslm.store import CHEAPEST, create

_PASSPHRASE = "only for a bench"  # noqa: S105  the store is thrown away
_PAUSE_S = 0.02
"""Between two readings, so that they come at any moment of a sentence."""


def decisions(count: int) -> list[float]:
    """Milliseconds from a reading of 39.6 °C to the alert that stands in the store, so often, each anew."""
    return [_decision() for _ in range(count)]


def _decision() -> float:
    now = store_data.FIRST
    with TemporaryDirectory(prefix="healthslm-bench-") as folder:
        store, _ = create(Path(folder) / "home", _PASSPHRASE, profile=CHEAPEST)
        with store:
            engine = Engine(store, (), clock=lambda: now)
            collector = Collector(store, engine, RULES, ZoneInfo("UTC"), lambda: now)
            calm = _reading(36.6, -60)
            collector.consider(store.append([calm]), calm.time, calm.time)
            time.sleep(_PAUSE_S)
            began = time.perf_counter()
            stored = store.append([_reading(39.6, 0)])
            raised = collector.consider(stored, now, now)
            took = time.perf_counter() - began
    if not raised:
        raise AssertionError("a fever raised no alert")
    return took * 1000


def _reading(value: float, minutes: float) -> Reading:
    return Reading(
        time=store_data.FIRST + timedelta(minutes=minutes),
        kind=Kind.TEMPERATURE,
        value=value,
        device=store_data.CUFF,
    )


@contextmanager
def writing(process: ModelProcess, messages: Sequence[tuple[str, str]]) -> Iterator[Callable[[], int]]:
    """Have the model write over and over meanwhile; what is yielded says how many tokens it wrote."""
    stop, tokens = threading.Event(), 0

    def write() -> None:
        nonlocal tokens
        attempt = 0
        while not stop.is_set():
            attempt += 1  # another draw each time, so that it has something to do
            tokens += process.draft(messages, numbers=None, attempt=attempt).tokens

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield lambda: tokens
    finally:
        stop.set()
        thread.join()
