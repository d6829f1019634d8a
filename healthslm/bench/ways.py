"""The two ways to listen that are laid side by side: bleak's bare callback, and ours up to the store."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from device import LinkEvent, LinkState, Notification, Radio, Timings, bare, watch
from device.vendors import polar
from healthslm.collector import Tally, Update
from healthslm.pipeline import collect
from healthslm.store import CHEAPEST, create

UTC = ZoneInfo("UTC")
PASSPHRASE = "only for a bench"  # noqa: S105  the store is thrown away
Streams = Mapping[str, Collection[str]]
_ROOM = 1 << 20
"""Notifications that may wait: what is measured is what each costs, not who is quicker."""
_VALUES = ("2A37", "2A5F", polar.DATA)


@dataclass(slots=True, kw_only=True)
class Listener:
    """Somebody who listens. `count` tells how many values came, `commit` makes all of them durable."""

    count: Callable[[], int]
    commit: Callable[[], None] = lambda: None
    tally: Tally = field(default_factory=Tally)
    """What became of them, once the block has ended."""


Way = Callable[[Radio, Sequence[str], Streams], AbstractAsyncContextManager[Listener]]
"""A way to listen to devices for as long as a block lasts, which begins when all are connected."""


@asynccontextmanager
async def bare_callback(radio: Radio, addresses: Sequence[str], _: Streams) -> AsyncIterator[Listener]:
    """Listen with bleak alone. A virtual strap sends its streams to whoever subscribes."""
    async with bare.listen(addresses, _VALUES, radio=radio) as heard:
        yield Listener(count=lambda: heard.count)


@asynccontextmanager
async def into_the_store(radio: Radio, addresses: Sequence[str], streams: Streams) -> AsyncIterator[Listener]:
    """Listen as `healthslm run` does: watch, decode, judge, store."""
    taken, up, stop = 0, set(), asyncio.Event()

    def observe(update: Update) -> None:
        nonlocal taken
        if isinstance(update.event, Notification):  # a control point's answers are no values
            taken += update.event.characteristic in _VALUES and not update.event.read
        elif isinstance(update.event, LinkEvent) and update.event.state is LinkState.CONNECTED:
            up.add(update.event.device)

    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        store, _ = create(Path(folder) / "store", PASSPHRASE, profile=CHEAPEST)
        timings = Timings(queue=_ROOM)
        with store:
            async with watch(addresses, radio=radio, timings=timings, streams=streams) as events:
                collecting = asyncio.create_task(collect(events, store, zone=UTC, observe=observe, stop=stop))
                await until(lambda: len(up) == len(addresses))
                listener = Listener(count=lambda: taken, commit=store.commit)
                try:
                    yield listener
                finally:
                    stop.set()
                    listener.tally = await collecting


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so. Raises `TimeoutError` when it is not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  two stacks and a store, none of which says when it is through
            await asyncio.sleep(0.001)


@dataclass(slots=True)
class Spent:
    """What a block took: seconds on the clock, and seconds of this process's CPU, all threads."""

    wall: float = 0.0
    cpu: float = 0.0


@asynccontextmanager
async def spending() -> AsyncIterator[Spent]:
    """Measure what a block takes."""
    gc.collect()  # what the block before left behind is not this one's
    spent = Spent()
    cpu, wall = time.process_time(), time.perf_counter()
    yield spent
    spent.wall, spent.cpu = time.perf_counter() - wall, time.process_time() - cpu
