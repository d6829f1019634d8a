"""`collect()` with a counter: what is absent is an event too, over restarts and errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from device import Event, LinkEvent, LinkState, Notification
from device.gatt import HeartRateMeasurement
from healthslm.absence import last_beat
from healthslm.alerts import parse_hooks
from healthslm.alerts.policy import Policy, keep_policy
from healthslm.collector import Update
from healthslm.errors import StoreError
from healthslm.pipeline import collect
from healthslm.readings import Device
from healthslm.store import CHEAPEST, HEARTBEAT, Store, create
from tests.making import at

UTC = ZoneInfo("UTC")
STRAP = "C0:FF:EE:00:00:01"
NINE = at("09:00")
BELL = parse_hooks([{"kind": "command", "name": "bell", "argv": ["true"]}])
A_MOMENT = timedelta(seconds=5)
"""So long after a reading it is looked at what came, and it counts from then."""
NO_DATA, GONE, NOT_WORN = (f"{watch}:{STRAP}" for watch in ("no_data", "device_gone", "not_worn"))


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def left(store: Store) -> tuple[datetime, bool]:
    """When healthslm was last at work on a store, and whether its end was meant."""
    beat = last_beat(store.folder)
    assert beat is not None
    return beat.at, beat.clean


class Life:
    """One run of `collect()`, from its start to its end, whose clocks are moved by hand.

    `raised` are the rules of the alerts that it raised, in order.
    """

    def __init__(self, store: Store, now: datetime = NINE) -> None:
        self.store, self.now = store, now
        self.raised: list[str] = []
        self.stop = asyncio.Event()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._taken = self._looks = 0
        self._news = asyncio.Event()

    async def passes(self, span: timedelta, step: timedelta = timedelta(minutes=9)) -> None:
        """Let time go by, in steps that are too short for a machine that slept."""
        until = self.now + span
        while self.now < until:
            self.now = min(self.now + step, until)
            await self._until(looks=self._looks + 1)

    async def hears(self, event: Event) -> None:
        """Have something come in, and go on when it was taken."""
        self._events.put_nowait(event)
        await self._until(taken=self._taken + 1)

    async def beats(self, rate: int) -> None:
        """Have the strap send a heart rate."""
        await self.hears(Notification(self.now, STRAP, "2A37", bytes(HeartRateMeasurement(rate)), 0))

    async def goes_on(self, story: Callable[[Life], Awaitable[None]]) -> None:
        """Collect until the story is over; what it raises ends the events."""
        await collect(
            self._stream(story),
            self.store,
            zone=UTC,
            hooks=BELL,
            clock=lambda: self.now,
            wall_clock=lambda: self.now,
            counter=self._counter,
            observe=self._observe,
            stop=self.stop,
        )

    async def _stream(self, story: Callable[[Life], Awaitable[None]]) -> AsyncIterator[Event]:
        async def tell() -> None:
            try:
                await story(self)
            finally:
                self._events.put_nowait(None)

        telling = asyncio.create_task(tell())
        try:
            while (event := await self._events.get()) is not None:
                yield event
            await telling
        finally:
            telling.cancel()

    async def _until(self, looks: int = 0, taken: int = 0) -> None:
        async with asyncio.timeout(20):
            while self._looks < looks or self._taken < taken:
                self._news.clear()
                await self._news.wait()

    def _counter(self) -> float:
        self._looks += 1
        self._news.set()
        return (self.now - NINE).total_seconds()

    def _observe(self, update: Update) -> None:
        self._taken += update.event is not None
        self.raised += [alert.rule for alert in update.alerts]
        self._news.set()


@pytest.fixture
def worn(store: Store) -> Store:
    """A store with a strap on the list."""
    store.put_device(Device(address=STRAP, name="strap"))
    return store


def states(store: Store, rule: str) -> list[str]:
    """How the alerts of a rule stand."""
    return [state for _, state, _, document in store.alerts() if f'"rule":"{rule}"' in document]


# The sign of life


@pytest.mark.parametrize("how", ["the events end", "it is told to stop"])
async def test_an_ordinary_end_is_noted_as_one(store: Store, how: str) -> None:
    life = Life(store)

    async def story(life: Life) -> None:
        await life.passes(minutes(1))
        assert left(store) == (NINE + minutes(1), False)
        life.now += minutes(1)
        if how == "it is told to stop":
            life.stop.set()
            await asyncio.Event().wait()

    await asyncio.wait_for(life.goes_on(story), timeout=20)
    assert left(store) == (NINE + minutes(2), True)


async def test_an_end_by_an_error_is_not_noted_as_meant(store: Store) -> None:
    async def story(life: Life) -> None:
        await life.passes(minutes(1))
        raise ConnectionError("the adapter is gone")

    with pytest.raises(ConnectionError):
        await Life(store).goes_on(story)
    assert left(store) == (NINE + minutes(1), False)
    again = Life(store, NINE + minutes(30))
    await again.goes_on(lambda life: life.passes(minutes(1)))
    assert again.raised == ["engine_stopped"]


async def test_a_recorded_day_leaves_no_sign_of_life(store: Store) -> None:
    async def story() -> AsyncIterator[Event]:
        yield Notification(NINE, STRAP, "2A37", bytes(HeartRateMeasurement(60)), 0)
        await asyncio.sleep(0.25)

    await collect(story(), store, zone=UTC, clock=lambda: NINE)
    assert not (store.folder / HEARTBEAT).exists()


# The policy


async def test_a_device_is_missed_after_as_long_as_the_policy_says(worn: Store) -> None:
    keep_policy(worn, Policy(expect_min={STRAP: 5}))

    async def story(life: Life) -> None:
        await life.beats(60)
        await life.passes(A_MOMENT)
        await life.passes(minutes(4))
        assert life.raised == []
        await life.passes(minutes(2))

    life = Life(worn)
    await life.goes_on(story)
    assert life.raised == [NO_DATA]


@pytest.mark.parametrize(("policy", "raised"), [(Policy(expect_min={STRAP: 0}), []), (Policy(), [NO_DATA])])
async def test_a_device_that_the_policy_does_not_expect_is_never_missed(
    worn: Store, policy: Policy, raised: list[str]
) -> None:
    keep_policy(worn, policy)

    async def story(life: Life) -> None:
        await life.beats(60)
        await life.passes(A_MOMENT)
        await life.passes(minutes(40))

    life = Life(worn)
    await life.goes_on(story)
    assert life.raised == raised


async def test_a_heart_that_a_pacemaker_leads_may_stand_still(tmp_path: Path) -> None:
    async def story(life: Life) -> None:
        for _ in range(33):
            await life.beats(60)
            await life.passes(minutes(1))

    async def raised(name: str, policy: Policy) -> list[str]:
        store, _ = create(tmp_path / name, "passphrase", profile=CHEAPEST)
        with store:
            keep_policy(store, policy)
            life = Life(store)
            await life.goes_on(story)
        return life.raised

    usual, paced = await asyncio.gather(raised("usual", Policy()), raised("paced", Policy(paced=True)))
    assert (usual, paced) == ([NOT_WORN], [])


# A restart


@pytest.mark.parametrize("rule", [NO_DATA, GONE])
async def test_what_was_told_before_a_restart_is_not_told_again(worn: Store, rule: str) -> None:
    """For an hour, since what is held only in memory is told again after half of one."""

    async def before(life: Life) -> None:
        await life.beats(60)
        await life.passes(A_MOMENT)
        if rule == GONE:
            await life.hears(LinkEvent(life.now, STRAP, LinkState.LOST, "out of reach"))
        await life.passes(minutes(36))

    first = Life(worn)
    await first.goes_on(before)
    assert first.raised == [rule]
    second = Life(worn, first.now + minutes(5))
    await second.goes_on(lambda life: life.passes(minutes(70)))
    assert second.raised == []
    assert states(worn, rule) == ["delivered"]


async def test_what_came_back_while_it_did_not_run_is_over(worn: Store) -> None:
    async def before(life: Life) -> None:
        await life.beats(60)
        await life.passes(A_MOMENT)
        await life.passes(minutes(36))

    async def after(life: Life) -> None:
        await life.beats(61)
        for _ in range(5):
            await life.passes(minutes(9))
            await life.beats(62)

    first = Life(worn)
    await first.goes_on(before)
    await Life(worn, first.now + minutes(5)).goes_on(after)
    assert states(worn, NO_DATA) == ["resolved"]


# A store that cannot be read


class Unreadable:
    """A store, some of whose methods fail so many times."""

    def __init__(self, store: Store, **times: int) -> None:
        self._store, self.times = store, times

    def __getattr__(self, name: str) -> Any:
        if self.times.get(name, 0) > 0:
            self.times[name] -= 1
            raise StoreError("The disk does not answer.", "Wait.")
        return getattr(self._store, name)


@pytest.mark.parametrize("method", ["outbox_dead", "changed_elsewhere"])
async def test_a_store_that_cannot_be_read_for_a_while_ends_nothing(
    worn: Store, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The round that failed is made up for: what is absent is told all the same."""
    unreadable = Unreadable(worn)

    async def story(life: Life) -> None:
        await life.beats(60)
        await life.passes(A_MOMENT)
        await life.passes(minutes(27))
        unreadable.times[method] = 2
        await life.passes(minutes(2), step=minutes(1))
        assert not unreadable.times[method]
        assert not states(worn, NO_DATA)
        await life.passes(minutes(9))

    life = Life(cast(Store, unreadable))
    await life.goes_on(story)
    assert life.raised == [NO_DATA]
    assert states(worn, NO_DATA) == ["delivered"]
    assert sum("could not be looked after" in record.message for record in caplog.records) == 2
    assert left(worn) == (life.now, True)
