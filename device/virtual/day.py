"""Plays a day: four wearables in lock step with whoever listens, so that the time stamps are the day's own.

day = Day(midnight=..., rhythm=rhythm_from_csv(path))
clock = SimulatedClock(day.midnight)
async with VirtualRadio() as air:
    worn = await Worn.put_on(air)
    async with watch(worn.addresses, clock=clock, radio=air.radio) as events:
        listening = asyncio.create_task(listen(events))          # counts its notifications
        played = await play(day, worn, clock, received=lambda: count)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from device.errors import LinkError
from device.gatt import BatteryLevel, Measurement
from device.virtual.radio import VirtualRadio
from device.virtual.script import Day, Move, Who
from device.virtual.wearables import BloodPressureCuff, ChestStrap, PulseOximeter, Thermometer, Wearable

_SETTLE_TURNS = 200  # of the event loop; one request over the virtual link and back takes about 15
_EAGER_TURNS = 500  # as many turns again, and the listener is waiting for something slower than the loop


class SimulatedClock:
    """A clock that stands still until it is set. Calling it gives the time, aware, in UTC."""

    def __init__(self, start: datetime) -> None:
        self.set(start)

    def set(self, now: datetime) -> None:
        """Make it be `now`, which must be aware."""
        if now.tzinfo is None:
            raise ValueError(f"a clock needs to know its time zone: {now}")
        self._now = now.astimezone(UTC)

    def __call__(self) -> datetime:
        """Tell the time."""
        return self._now


@dataclass(frozen=True, slots=True)
class Worn:
    """The four wearables of the day."""

    strap: ChestStrap
    oximeter: PulseOximeter
    cuff: BloodPressureCuff
    thermometer: Thermometer

    @classmethod
    async def put_on(cls, air: VirtualRadio) -> Self:
        """Switch all four on, at addresses that are always the same.

        Their own clocks are right, and told by their measurements only: no Current Time could be other than
        this moment's, and the day is another.
        """
        worn = cls(
            ChestStrap("C0:FF:EE:00:00:01", battery=88),
            PulseOximeter("C0:FF:EE:00:00:02", battery=77),
            BloodPressureCuff("C0:FF:EE:00:00:03", battery=64, takes_time=False),
            Thermometer("C0:FF:EE:00:00:04", battery=91, takes_time=False),
        )
        for wearable in worn.all:
            await air.add(wearable)
        return worn

    @property
    def all(self) -> tuple[Wearable, ...]:
        """All four, strap first."""
        return self.strap, self.oximeter, self.cuff, self.thermometer

    @property
    def addresses(self) -> tuple[str, ...]:
        """Their addresses, in the same order."""
        return tuple(wearable.address for wearable in self.all)

    def __getitem__(self, who: Who) -> Wearable:
        wearable: Wearable = getattr(self, who.value)
        return wearable


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a day went: `sent` notifications were received, `lost` ones measured while nobody listened."""

    sent: int
    lost: int


async def play(
    day: Day,
    worn: Worn,
    clock: SimulatedClock,
    *,
    received: Callable[[], int],
    seconds: float = 0,
    progress: Callable[[datetime], None] | None = None,
    patience: float = 30,
) -> Played:
    """Play the day, and return once its last measurement has been received.

    Each step sets `clock`, sends, and waits until `received()`, the number of notifications that the
    listener has taken so far, has grown. `seconds` is the least time to take, spread evenly over the steps;
    0 is as fast as the listener. `progress` is called with the day's time at each step. Raises `LinkError`
    when a wearable is not connected to, or a notification not received, within `patience` seconds.
    """
    steps = list(day.steps())
    if steps:
        clock.set(steps[0].at)
    for wearable in worn.all:
        await _until(lambda w=wearable: w.subscribed, patience, f"{wearable.name} was not subscribed to")  # type: ignore[misc]
    await _settle()
    loop = asyncio.get_running_loop()
    began = loop.time()
    sent = lost = 0
    for number, step in enumerate(steps):
        clock.set(step.at)
        if isinstance(step.act, Move):
            await _move(worn[step.who], step.act, patience)
        elif await _send(worn[step.who], step.act, received, patience):
            sent += 1
        else:
            lost += 1
        if progress is not None:
            progress(step.at)
        ahead = began + seconds * (number + 1) / len(steps) - loop.time()
        if ahead > 0:
            await asyncio.sleep(ahead)
    return Played(sent=sent, lost=lost)


async def _send(wearable: Wearable, act: Measurement, received: Callable[[], int], patience: float) -> bool:
    """Send one measurement, and wait until it was received. False when nobody listens to the wearable."""
    before = received()
    if isinstance(act, BatteryLevel):
        heard = await wearable.report_battery(act.percent)
    else:
        heard = await wearable.measure(act)
    if not heard:
        return False
    what = f"{wearable.name} sent {act}, which was not received"
    await _until(lambda: received() > before or not wearable.subscribed, patience, what)
    return received() > before


async def _move(wearable: Wearable, move: Move, patience: float) -> None:
    if move is Move.LEAVES:
        await wearable.go_away()
    else:
        await wearable.come_back()
        await _until(lambda: wearable.subscribed, patience, f"{wearable.name} was not picked up again")
    await _settle()


async def _settle() -> None:
    """Let both stacks and the supervisors take note of a change before the clock moves on."""
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0)


async def _until(condition: Callable[[], bool], patience: float, otherwise: str) -> None:
    """Let the event loop turn until something is so. Raises `LinkError` when it is not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    turns = 0
    while not condition():
        turns += 1
        if loop.time() > deadline:
            raise LinkError(
                f"{otherwise} within {patience:g} s.",
                "Make sure that its events are being taken from watch().",
            )
        await asyncio.sleep(0 if turns < _EAGER_TURNS else 0.001)
