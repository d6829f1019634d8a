"""The day player: what arrives is what was measured, at the moment of the day at which it was measured."""

import asyncio
import time as clocks
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device import LinkEvent, LinkState, Notification, decode, watch
from device.errors import LinkError
from device.gatt import BloodPressureMeasurement, HeartRateMeasurement, TemperatureMeasurement
from device.virtual import Day, Physiology, Plan, SimulatedClock, VirtualRadio, Worn, play, rhythm_from_csv
from device.virtual.script import Move, Who

MIDNIGHT = datetime(2026, 3, 2, tzinfo=ZoneInfo("Europe/Berlin"))
SHORT = Plan(
    strap=(time(9, 0), time(9, 4)),
    contact_lost=(time(9, 1), time(9, 2)),
    link_lost=(time(9, 2), time(9, 3)),
    oximeter=((time(8, 58), time(9, 1)), (time(17, 0), time(17, 3))),
    thermometer=(time(7, 0), time(23, 0)),
    thermometer_every=timedelta(hours=1),
)


@dataclass
class Ear:
    """Takes events and counts them."""

    notifications: list[Notification] = field(default_factory=list)
    links: list[LinkEvent] = field(default_factory=list)

    def count(self) -> int:
        return len(self.notifications)


@pytest.fixture
def day(rhythm_file: Path) -> Day:
    return Day(midnight=MIDNIGHT, rhythm=rhythm_from_csv(rhythm_file), plan=SHORT)


@asynccontextmanager
async def listening(air: VirtualRadio, worn: Worn, clock: SimulatedClock) -> AsyncIterator[Ear]:
    ear = Ear()

    async def listen() -> None:
        async with watch(worn.addresses, clock=clock, radio=air.radio) as events:
            async for event in events:
                if isinstance(event, Notification):
                    ear.notifications.append(event)
                elif isinstance(event, LinkEvent):
                    ear.links.append(event)

    task = asyncio.create_task(listen())
    try:
        yield ear
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_everything_arrives_at_its_own_time(air: VirtualRadio, day: Day) -> None:
    worn, clock = await Worn.put_on(air), SimulatedClock(MIDNIGHT)
    seen: list[datetime] = []
    async with listening(air, worn, clock) as ear:
        played = await play(day, worn, clock, received=ear.count, progress=seen.append)
    away = (
        day.at(time(9, 2)) - timedelta(milliseconds=500),
        day.at(time(9, 3)) - timedelta(milliseconds=500),
    )
    steps = list(day.steps())
    expected, lost = Counter[tuple[datetime, str, bytes]](), 0
    for step in steps:
        if isinstance(step.act, Move):
            continue
        if step.who is Who.STRAP and away[0] < step.at < away[1]:
            lost += 1
        else:
            expected[step.at, worn[step.who].address, bytes(step.act)] += 1
    got = Counter((n.received_at, n.device, n.value) for n in ear.notifications if not n.read)
    assert got == expected
    assert (played.sent, played.lost) == (expected.total(), lost)
    assert lost == 60
    assert seen == [step.at for step in steps]
    # One wearable dropped its link once and was picked up again, at those very times of the day.
    gone = [e for e in ear.links if e.state is LinkState.LOST]
    back = [e for e in ear.links if e.state is LinkState.CONNECTED and e.at > away[0]]
    assert [(e.device, e.at) for e in gone] == [(worn.strap.address, away[0])]
    assert [(e.device, e.at) for e in back] == [(worn.strap.address, away[1])]


async def test_the_devices_own_clocks_are_local(day: Day) -> None:
    for step in day.steps():
        if isinstance(step.act, TemperatureMeasurement | BloodPressureMeasurement):
            assert step.act.timestamp is not None
            stamp = step.act.timestamp.datetime
            assert stamp is not None
            assert stamp.replace(tzinfo=MIDNIGHT.tzinfo).astimezone(UTC) == step.at


async def test_the_day_takes_its_time(air: VirtualRadio, day: Day) -> None:
    worn, clock = await Worn.put_on(air), SimulatedClock(MIDNIGHT)
    async with listening(air, worn, clock) as ear:
        began = clocks.monotonic()
        await play(day, worn, clock, received=ear.count, seconds=1.5)
        assert 1.4 < clocks.monotonic() - began < 6


async def test_nobody_listening_is_told(air: VirtualRadio, day: Day) -> None:
    worn, clock = await Worn.put_on(air), SimulatedClock(MIDNIGHT)
    with pytest.raises(LinkError, match=r"Chest strap was not subscribed to within 0\.1 s"):
        await play(day, worn, clock, received=lambda: 0, patience=0.1)
    async with listening(air, worn, clock):
        with pytest.raises(LinkError, match=r"which was not received within 0\.5 s"):
            await play(day, worn, clock, received=lambda: 0, patience=0.5)


def test_the_whole_day(rhythm_file: Path) -> None:
    whole = Day(midnight=MIDNIGHT, rhythm=rhythm_from_csv(rhythm_file))
    steps = list(whole.steps())
    assert 13_000 < len(steps) < 25_000
    assert all(a.at <= b.at for a, b in pairwise(steps))
    for step in steps:
        if not isinstance(step.act, Move):
            assert decode(type(step.act).UUID, bytes(step.act)) == step.act  # type: ignore[attr-defined]
    beats = [s.act for s in steps if isinstance(s.act, HeartRateMeasurement)]
    told = sum(interval for beat in beats for interval in beat.rr_intervals) / 1024
    assert told == pytest.approx(7200 - 240, abs=5), "each beat once, but for those without contact"
    assert sum(not beat.sensor_contact for beat in beats) == 240
    assert all(not beat.rr_intervals for beat in beats if not beat.sensor_contact)


def test_the_truth_of_the_day(rhythm_file: Path) -> None:
    whole = Day(midnight=MIDNIGHT, rhythm=rhythm_from_csv(rhythm_file))
    truth = whole.truth()
    assert Counter(h.name for h in truth) == {
        "atrial fibrillation": 4,
        "no contact": 1,
        "link lost": 1,
        "high pressure": 1,
        "fever": 1,
        "low oxygen": 1,
    }
    assert all(h.start < h.end for h in truth)
    [fever] = [h for h in truth if h.name == "fever"]
    assert fever.start == whole.at(time(14, 40))
    longest = max((h for h in truth if h.name == "atrial fibrillation"), key=lambda h: h.end - h.start)
    assert timedelta(minutes=8) < longest.end - longest.start < timedelta(minutes=9)


def test_the_day_does_not_depend_on_the_date_but_on_the_seed(rhythm_file: Path) -> None:
    rhythm = rhythm_from_csv(rhythm_file)[:200]

    def values(midnight: datetime, seed: int) -> list[bytes]:
        day = Day(midnight=midnight, rhythm=rhythm, plan=SHORT, physiology=Physiology(seed))
        return [bytes(s.act) for s in day.steps() if s.who is Who.OXIMETER and not isinstance(s.act, Move)]

    assert values(MIDNIGHT, 0) == values(datetime(2031, 7, 9, tzinfo=UTC), 0)
    assert values(MIDNIGHT, 0) != values(MIDNIGHT, 1)


def test_a_short_rhythm_ends_the_strap(rhythm_file: Path) -> None:
    day = Day(midnight=MIDNIGHT, rhythm=rhythm_from_csv(rhythm_file)[:50], plan=SHORT)
    beats = [s for s in day.steps() if isinstance(s.act, HeartRateMeasurement)]
    assert 20 < len(beats) < 60


def test_a_clock_needs_its_zone() -> None:
    clock = SimulatedClock(MIDNIGHT)
    assert clock() == MIDNIGHT
    assert clock().tzinfo is UTC
    with pytest.raises(ValueError, match="time zone"):
        clock.set(datetime(2026, 3, 2))  # noqa: DTZ001  that is the point
