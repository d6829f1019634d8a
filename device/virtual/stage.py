"""Plays a scenario: makes its wearables, has them measure, and does to them what is to happen."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from device.adapter import utc_now
from device.virtual.own_clock import FACTORY, OwnClock
from device.virtual.physiology import Physiology
from device.virtual.scenario import Do, EventSetting, Scenario, WearableSetting
from device.virtual.signals import Signals, Steady, recorded_from_csv
from device.virtual.storing import StoringWearable
from device.virtual.wearable import Wearable
from device.virtual.wearables import KINDS

_WATCH_S = 0.01  # how often a wearable looks whether somebody has subscribed


@dataclass(frozen=True, slots=True)
class Actor:
    """A wearable, and what it is to do."""

    wearable: Wearable
    setting: WearableSetting
    signals: Signals


class Stage:
    """A scenario that can be played once. Its time begins when it is made.

    `now` gives the true time, `day` the scenario's, which goes `speed` times as fast.
    """

    def __init__(self, scenario: Scenario, now: Callable[[], datetime] = utc_now) -> None:
        self.scenario = scenario
        self._now = now
        self._began = now()
        self._start = scenario.begins(self._began)
        self.actors = tuple(self._actor(setting) for setting in scenario.wearable)
        self.flooded: dict[str, int] = {}

    def day(self) -> datetime:
        """Tell the time of the scenario's day."""
        return self._start + (self._now() - self._began) * self.scenario.speed

    def _actor(self, setting: WearableSetting) -> Actor:
        clock = OwnClock(
            self.day,
            offset=timedelta(seconds=setting.clock.offset),
            stopped_at=FACTORY if setting.clock.stopped else None,
            settable=setting.clock.settable,
        )
        wearable = KINDS[setting.kind](
            setting.address,
            setting.name,
            battery=setting.battery,
            bonding=setting.bonding,
            passkey=setting.passkey,
            clock=clock,
        )
        signals: Signals = Physiology(self.scenario.seed)
        if setting.series is not None:
            signals = recorded_from_csv(setting.series, self._start)
        if setting.hold:
            signals = Steady(setting.hold, signals)
        if setting.stored and isinstance(wearable, StoringWearable):
            self._prepare(wearable, setting, signals)
        return Actor(wearable, setting, signals)

    def _prepare(self, wearable: StoringWearable, setting: WearableSetting, signals: Signals) -> None:
        """Have a wearable measure what it has stored before anything begins."""
        told, wearable.clock.now = wearable.clock.now, wearable.clock.now
        for ago in range(setting.stored, 0, -1):
            at = self._start - timedelta(seconds=setting.every * ago)
            wearable.clock.now = lambda at=at: at  # type: ignore[misc]
            wearable.keep(wearable.observe(signals, at))
        wearable.clock.now = told

    async def play(self, add: Callable[[Wearable], Awaitable[None]]) -> None:
        """Switch every wearable on with `add`, and play until cancelled."""
        for actor in self.actors:
            await add(actor.wearable)
        async with asyncio.TaskGroup() as tasks:
            for actor in self.actors:
                tasks.create_task(self._measure(actor))
                for event in actor.setting.event:
                    tasks.create_task(self._happen(actor, event))

    async def _until(self, seconds: float) -> None:
        """Wait for a moment of the scenario's time."""
        passed = (self.day() - self._start).total_seconds()
        await asyncio.sleep(max(0.0, (seconds - passed) / self.scenario.speed))

    async def _measure(self, actor: Actor) -> None:
        for number in itertools.count(1):
            await self._until(number * actor.setting.every)
            for measurement in actor.wearable.observe(actor.signals, self.day()):
                await actor.wearable.measure(measurement)

    async def _happen(self, actor: Actor, event: EventSetting) -> None:
        if event.at is not None:
            await self._until(event.at)
            await self.do(actor, event)
            return
        wearable, last = actor.wearable, 0
        while True:
            while wearable.connected == last or not wearable.subscribed:  # noqa: ASYNC110  Bumble has no event for it
                await asyncio.sleep(_WATCH_S)
            last = wearable.connected
            await self.do(actor, event)

    async def do(self, actor: Actor, event: EventSetting) -> None:
        """Do to a wearable what an event says."""
        wearable, faults = actor.wearable, actor.wearable.faults
        match event.do:
            case Do.FALL_SILENT | Do.SPEAK:
                faults.silent = event.do is Do.FALL_SILENT
            case Do.SPOIL:
                faults.frames, faults.every = event.frames, event.every
            case Do.REPEAT:
                faults.repeats = event.count
            case Do.DROP_AT if event.step is not None:
                faults.drop_at(event.step, after=event.after, times=event.times)
            case Do.HANG_AT if event.step is not None:
                faults.hang_at(event.step, after=event.after, times=event.times)
            case Do.RESTART_NUMBERS:
                if isinstance(wearable, StoringWearable):
                    wearable.restart_numbers()
            case Do.FLOOD:
                await self._flood(actor, event.count)
            case _:
                await _MOVES[event.do](wearable)

    async def _flood(self, actor: Actor, count: int) -> None:
        made = (
            bytes(measurement)
            for _ in itertools.count()
            for measurement in actor.wearable.observe(actor.signals, self.day())
        )
        first = list(itertools.islice(made, 64))  # made beforehand: what is measured is the link
        frames = itertools.islice(itertools.cycle(first), count)
        self.flooded[actor.wearable.address] = await actor.wearable.flood(frames)


_MOVES: dict[Do, Callable[[Wearable], Awaitable[None]]] = {
    Do.DROP_LINK: Wearable.drop_link,
    Do.GO_AWAY: Wearable.go_away,
    Do.COME_BACK: Wearable.come_back,
    Do.FORGET_BONDS: Wearable.forget_bonds,
    Do.CHANGE_TABLE: Wearable.change_table,
    Do.BATTERY_DIES: Wearable.battery_dies,
    Do.NEW_BATTERY: Wearable.new_battery,
}
