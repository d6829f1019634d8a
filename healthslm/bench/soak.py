"""A week of losing the link: whether every reading is accounted for, and nothing grows.

Used by `healthslm bench bluetooth` with a thousand losses and by the tests with a few.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from device import LinkEvent, LinkState, Timings, watch
from device.gatt import HeartRateMeasurement
from device.virtual import ChestStrap, SimulatedClock, Step, VirtualRadio
from healthslm.collector import Tally, Update
from healthslm.pipeline import collect
from healthslm.readings import Kind
from healthslm.store import CHEAPEST, Store, create

_UTC = ZoneInfo("UTC")
_START = datetime(2026, 11, 2, tzinfo=_UTC)
_STRAP = "C0:FF:EE:00:00:01"
_STEPS = (Step.DISCOVERY, Step.READ, Step.SUBSCRIBE)
TIMINGS = Timings(connect=5, gatt=5, first_retry=0.005, longest_retry=0.2, jitter=lambda: 1.0, silence=600)
"""The back-off of real life, a hundred times as fast."""
_AWAY = 0.3
"""The share of losses in which the device is gone for a while, and measures what nobody hears."""
WARM = 0.1
"""The share of the losses after which memory is looked at first: caches and pools are filled by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """What came of it.

    Every measurement was `delivered` to bleak's callback, or `missed`: nobody was there to hear it.
    `unaccounted` is what was delivered and not stored, or stored and never measured. `attempts` is how many
    connections failed on the way back, besides the `losses` themselves. `back` is how long each return took,
    in seconds, from the device advertising again; `late` how much of it was not the back-off that the failed
    attempts cost. `descriptors` and `memory` (bytes) are what the process had more at the end than when warm.
    """

    losses: int
    delivered: int
    missed: int
    unaccounted: int
    attempts: int
    back: tuple[float, ...]
    late: tuple[float, ...]
    descriptors: int
    memory: int
    seconds: float
    tally: Tally


class _Week:
    """A strap that is worn for a simulated week, and leaves at random moments."""

    def __init__(self, air: VirtualRadio, losses: int, seed: int) -> None:
        self.air = air
        self.losses = losses
        self.dice = random.Random(seed)  # noqa: S311  a plan, not a secret
        self.clock = SimulatedClock(_START)
        self.strap = ChestStrap(_STRAP)
        self.measured: set[datetime] = set()
        self.missed = self.attempts = self.stored = self.connected = self.lost = 0
        self.back: list[float] = []
        self.late: list[float] = []
        self.before: tuple[int, int] | None = None
        self.pace = timedelta(days=7) / losses

    def observe(self, update: Update) -> None:
        """Count what came through, and what became of the link."""
        self.stored += sum(reading.kind is Kind.HEART_RATE for reading in update.stored)
        if isinstance(update.event, LinkEvent):
            self.connected += update.event.state is LinkState.CONNECTED
            self.lost += update.event.state is LinkState.LOST

    async def live(self, progress: Callable[[int], None]) -> None:
        """Be worn, be lost, come back; as often as wanted."""
        await _until(lambda: self.connected > 0)
        for number in range(self.losses):
            for _ in range(self.dice.randint(0, 4)):
                await self._beat()
            await self._lose()
            if number == int(self.losses * WARM):
                self.before = _held()
            progress(number + 1)
        await self._beat()

    async def _beat(self) -> None:
        """Measure once, a while later; wait until the store has it, where it was delivered."""
        later = self.clock() + self.pace * self.dice.uniform(0.05, 0.2)
        self.clock.set(later.replace(microsecond=later.microsecond // 1000 * 1000))  # as readings are told
        now, delivered, stored = self.clock(), self.air.delivered, self.stored
        if await self.strap.measure(HeartRateMeasurement(self.dice.randint(55, 95), True)):
            await _until(lambda: self.air.delivered > delivered or not self.strap.subscribed)
        if self.air.delivered == delivered:
            self.missed += 1
            return
        self.measured.add(now)
        with suppress(TimeoutError):  # it is missing, then: the count says so
            await _until(lambda: self.stored > stored, 5)

    async def _lose(self) -> None:
        """Lose the link, or be away a while; and on the way back fail at some steps of connecting."""
        self.clock.set(self.clock() + self.pace * self.dice.uniform(0.2, 0.5))
        connected, lost = self.connected, self.lost
        for _ in range(self.dice.choice((0, 0, 0, 1, 2))):
            self.strap.faults.drop_at(self.dice.choice(_STEPS), after=self.dice.randint(0, 3))
        if self.dice.random() < _AWAY:
            await self.strap.go_away()
            await asyncio.sleep(self.dice.uniform(0, 0.2))
            await self._beat()
            began = time.perf_counter()
            await self.strap.come_back()
        else:
            began = time.perf_counter()
            await self.strap.drop_link()
        await _until(lambda: self.connected > connected)
        took, failed = time.perf_counter() - began, self.lost - lost
        self.strap.faults.trips.clear()
        self.back.append(took)
        self.attempts += failed - 1
        self.late.append(max(0.0, took - sum(TIMINGS.delay(n + 1) for n in range(failed))))


async def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  two stacks and a store, none of which says when it is through
            await asyncio.sleep(0.001)


def _held() -> tuple[int, int]:
    """How many descriptors and how many bytes of memory this process has; 0 where the system does not say."""
    gc.collect()
    own = Path("/proc/self")
    if not (own / "fd").exists():
        return 0, 0
    pages = int((own / "statm").read_text(encoding="ascii").split()[1])
    return len(os.listdir(own / "fd")), pages * resource.getpagesize()


async def soak(losses: int, *, seed: int = 1, progress: Callable[[int], None] = lambda _n: None) -> Soaked:
    """Lose the link so many times over a simulated week, into a store that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="healthslm-soak-") as folder:
        store, _ = create(Path(folder) / "store", "only for a bench", profile=CHEAPEST)
        with store:
            return await _soaked(store, losses, seed, progress)


async def _soaked(store: Store, losses: int, seed: int, progress: Callable[[int], None]) -> Soaked:
    began, stop = time.perf_counter(), asyncio.Event()
    async with VirtualRadio() as air:
        week = _Week(air, losses, seed)
        await air.add(week.strap)
        async with watch([_STRAP], clock=week.clock, radio=air.radio, timings=TIMINGS) as events:
            collecting = asyncio.create_task(
                collect(events, store, zone=_UTC, rules=(), clock=week.clock, observe=week.observe, stop=stop)
            )
            try:
                await week.live(progress)
                after = _held()
            finally:
                stop.set()
                tally = await collecting
    window = store.window(Kind.HEART_RATE, _START, _START + timedelta(days=60))
    stored = {moment.astype("M8[us]").item().replace(tzinfo=_UTC) for moment in window.times}
    before = week.before or after
    return Soaked(
        losses=losses,
        delivered=len(week.measured),
        missed=week.missed,
        unaccounted=len(stored ^ week.measured),
        attempts=week.attempts,
        back=tuple(week.back),
        late=tuple(week.late),
        descriptors=after[0] - before[0],
        memory=after[1] - before[1],
        seconds=time.perf_counter() - began,
        tally=tally,
    )
