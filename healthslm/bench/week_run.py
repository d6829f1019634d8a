"""Plays the week: keeps the clock, has everything happen when it is planned, and looks at what grows."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from device.virtual.hub import Hub
from healthslm.alerts import desk
from healthslm.bench.alerts_receiver import listening
from healthslm.bench.week_account import Account, Settled, stored_readings
from healthslm.bench.week_air import Air, Measured
from healthslm.bench.week_child import Child, Held, held_by
from healthslm.bench.week_clock import SharedClock
from healthslm.bench.week_places import Hook, Places, files_in
from healthslm.bench.week_plan import DAY_S, ZONE, Happening, Plan, What
from healthslm.bench.week_words import PASSPHRASE
from healthslm.errors import HealthslmError
from healthslm.store import open_store

Progress = Callable[[str], None]
_READY_S = 60.0
_FOUND_S = 1.0
_SHOWN_S = 6 * 3600
_REFUSED_S = 2.5
_SETTLING = 40
"""So many times the clock goes on by five minutes at the end, until nothing waits for the hook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What everything held at the end of a day, in which life of the box."""

    day: float
    life: int
    box: Held
    courier: Held
    page: Held
    files: int
    temporary: int
    backups: int
    size: int
    outbox: int
    alerts: int


@dataclass(slots=True, kw_only=True)
class Week:
    """What came of a run."""

    plan: Plan
    seconds: float = 0.0
    settled: Settled | None = None
    account: Account
    rests: list[Rest] = field(default_factory=list)
    looks: Counter[int] = field(default_factory=Counter)
    summaries: list[int] = field(default_factory=list)
    missed: int = 0
    unlike: int = 0
    alerts: int = 0
    alerts_lost: int = 0
    untold: int = 0
    waiting: int = 0
    backups: int = 0
    complaints: Counter[str] = field(default_factory=Counter)


class _Playing:
    """One run, from its first moment to its last."""

    def __init__(self, plan: Plan, places: Places, hub: Hub, hook: Hook, progress: Progress) -> None:
        self._plan = plan
        self._places = places
        self._hook = hook
        self._progress = progress
        self._off = timedelta(0)
        self._at = 0.0
        self._adapter = True
        self._filled = 0.0
        self.clock = SharedClock(places.clock)
        self.week = Week(plan=plan, account=Account(ZONE))
        self.account = self.week.account
        self.air = Air(
            hub,
            plan.worn,
            lambda: plan.at(self._at),
            taken=lambda address: self.account.heard_of[address],
            listening=lambda: self._box is not None and not self._box.ended,
            seed=plan.seed,
        )
        self._setup = places.setup(self.air.paired)
        self._box: Child | None = None
        self._page: Child | None = None
        self._whole = [one.address for one in plan.worn if one.kind != "pc-60fw oximeter"]

    def _go_to(self, seconds: float) -> None:
        """Let it be so late; the wall clock shows what it is set to."""
        self._at = max(self._at, seconds)
        self.clock.set(self._plan.at(self._at) + self._off, self._at)

    # The processes

    async def begin(self) -> None:
        """Put the wearables on, and start everything."""
        self._go_to(0)
        await self.air.put_on()
        self._page = await Child.start(
            "healthslm.bench.week_page", self._setup, self._places.temporary, lambda *_: None
        )
        await self._start()

    async def _start(self) -> None:
        self.account.begin()
        self._box = await Child.start(
            "healthslm.bench.week_box", self._setup, self._places.temporary, self.account.hear
        )
        await self._box.ask("rest")
        await self.air.all_heard(_READY_S)

    @property
    def box(self) -> Child:
        """The box, while it runs."""
        if self._box is None or self._box.ended:
            words = "" if self._box is None else " / ".join(self._box.last_words)
            raise HealthslmError("The box of the bench ended by itself.", f"It said: {words}")
        return self._box

    async def _end(self, *, kill: bool) -> None:
        box = self.box
        if kill:
            self.account.ended(await box.kill(), self.clock(), self._whole)
        else:
            if await box.stop():
                raise HealthslmError("The box did not end well.", " / ".join(box.last_words))
            self.account.ended(None, self.clock(), self._whole)
        self.week.complaints += box.complaints
        self._box = None

    # What happens

    async def play(self) -> None:
        """Have everything happen in its order."""
        began, shown = time.monotonic(), 0.0
        happenings = iter(self._plan.happenings)
        following = next(happenings, None)
        for at, addresses in self._plan.measuring():
            while following is not None and following.at_s <= at:
                self._go_to(following.at_s)
                await self._happen(following)
                following = next(happenings, None)
            self._go_to(at)
            await self.air.measure(addresses)
            if at // _SHOWN_S != shown:
                shown = at // _SHOWN_S
                self._progress(f"{self._plan.at(at):%A %H:%M}, after {time.monotonic() - began:.0f} s")
        while following is not None:
            self._go_to(following.at_s)
            await self._happen(following)
            following = next(happenings, None)
        self._go_to(self._plan.seconds)

    async def _happen(self, one: Happening) -> None:
        match one.what:
            case What.LINK_LOST:
                await self.air.loses_link(one.who)
                await self._found_again()
            case What.LEAVES:
                await self.air.leaves(one.who)
            case What.RETURNS:
                await self.air.returns(one.who)
                await self._found_again()
            case What.ADAPTER_OFF | What.ADAPTER_OUT:
                self._adapter = False
                self.box.tell("adapter off", removed=one.what is What.ADAPTER_OUT)
            case What.ADAPTER_ON:
                self._adapter = True
                self.box.tell("adapter on")
                await self._found_again()
            case What.HOOKS_DOWN | What.HOOKS_UP:
                self._hook.up = one.what is What.HOOKS_UP
            case What.DISK_FULL | What.DISK_FREE:
                await self._disk(full=one.what is What.DISK_FULL)
            case What.CLOCK_SET:
                self._off = one.off
                self._go_to(one.at_s)
            case What.RESTART | What.KILL:
                await self._end(kill=one.what is What.KILL)
                self._adapter = True  # it is of the process that is gone
                await self._start()
            case What.HOUR:
                self.box.tell("hour")
            case What.LOOK:
                await self._look()
            case What.DAY:
                await self._rest(one.at_s / DAY_S)

    async def _found_again(self) -> None:
        """Let what is in reach be found: in life that takes seconds, in which hardly anything is measured."""
        if self._adapter:
            await self.air.all_heard(_FOUND_S)

    async def _disk(self, *, full: bool) -> None:
        """Have the disk be full, or not: no sooner than some commit has been refused."""
        now = time.monotonic()
        if not full:
            await asyncio.sleep(self._filled + _REFUSED_S - now)
        self._filled = now
        await self.box.ask("disk", full=full)

    async def _look(self) -> None:
        assert self._page is not None  # noqa: S101  it began
        _, statuses = await self._page.ask("look")
        self.week.looks.update(statuses)

    async def _rest(self, day: float) -> None:
        assert self._page is not None  # noqa: S101  likewise
        _, length = await self._page.ask("summary")
        self.week.summaries.append(length)
        await self._page.ask("rest")
        _, said = await self.box.ask("rest")
        home = files_in(self._places.home)
        self.week.rests.append(
            Rest(
                day=day,
                life=self.account.life,
                box=held_by(self.box.pid),
                courier=held_by(said["courier"]) if said["courier"] else Held(0, 0, 0),
                page=held_by(self._page.pid),
                files=len(home),
                temporary=len(files_in(self._places.temporary)),
                backups=len(files_in(self._places.backups)),
                size=sum(path.stat().st_size for path in home if path.exists()),
                outbox=said["outbox"],
                alerts=said["alerts"],
            )
        )

    async def finish(self) -> None:
        """Let the hook take what waits, and end everything."""
        assert self._page is not None  # noqa: S101  likewise
        for _ in range(_SETTLING):
            self._go_to(self._at + 300)
            await asyncio.sleep(0.25)
            _, said = await self.box.ask("rest")
            self.week.waiting = said["outbox"]
            if not said["outbox"]:
                break
        await self._rest(self._plan.days)
        await self._end(kill=False)
        if await self._page.stop():
            raise HealthslmError("The page did not end well.", " / ".join(self._page.last_words))
        self.week.complaints += self._page.complaints

    async def give_up(self) -> None:
        """Leave no process behind."""
        for child in (self._box, self._page):
            if child is not None and not child.ended:
                await child.kill()


async def play(plan: Plan, progress: Progress = lambda _what: None) -> Week:
    """Play a plan in a folder that is thrown away, and compare everything at the end."""
    began, hook = time.monotonic(), Hook()
    with (
        tempfile.TemporaryDirectory(prefix="healthslm-week-") as folder,
        listening(hook.took, takes=lambda: hook.up) as url,
    ):
        places = Places(Path(folder))
        places.make(plan, url)
        async with Hub() as hub, hub.serving(places.socket):
            playing = _Playing(plan, places, hub, hook, progress)
            try:
                await playing.begin()
                await playing.play()
                await playing.finish()
            finally:
                await playing.give_up()
        week = playing.week
        week.seconds = time.monotonic() - began
        _compare(week, playing.air, places, hook)
    return week


def _compare(week: Week, air: Air, places: Places, hook: Hook) -> None:
    with open_store(places.home, PASSPHRASE) as store:
        store.verify()
        week.settled = week.account.settled(store)
        week.unlike = _unlike(
            air.values, Counter((d, k, v) for (k, d, _), v in stored_readings(store).items())
        )
        alerts = {one.id: one for one in desk.alerts_in(store)}
    week.missed = air.missed
    week.alerts = len(alerts)
    week.alerts_lost = len(week.account.alerts - alerts.keys())
    came = {id_ for one in hook.came for id_ in (one.alert, *one.also)}
    week.untold = sum(bool(one.delivered_to) and id_ not in came for id_, one in alerts.items())
    week.backups = len(files_in(places.backups))


def _unlike(measured: Measured, stored: Measured) -> int:
    """How many values were measured and taken, and are in the store as often as that neither now nor ever."""
    return sum((measured - stored).values())
