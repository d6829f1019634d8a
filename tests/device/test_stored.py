"""Stored records over a virtual radio: all or what is new, cut anywhere, and the clocks that stamped them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from device import Event, Kept, LinkEvent, LinkState, Notification, Timings, decode, watch
from device.gatt import CurrentTime, DateTime, HeartRateMeasurement
from device.gatt.continuous_glucose import CgmMeasurement
from device.gatt.glucose import GlucoseMeasurement
from device.virtual import ChestStrap, VirtualRadio
from device.virtual.faults import Step
from device.virtual.own_clock import FACTORY, OwnClock
from device.virtual.wearables import ContinuousGlucoseMonitor, DateTimeCuff, GlucoseMeter
from tests.device.conftest import STRAP, settled, state, until

METER = "C0:FF:EE:00:00:05"
CONNECTED = state(LinkState.CONNECTED)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def kept_of(events: list[Event]) -> list[int]:
    """The sequence numbers of the glucose measurements among the events, as they came."""
    return [
        GlucoseMeasurement.from_bytes(e.value).sequence_number
        for e in events
        if isinstance(e, Notification) and e.characteristic == "2A18"
    ]


def offsets(events: list[Event]) -> list[int]:
    """The time offsets of the records among the events, as they came."""
    return [
        record.time_offset
        for e in events
        if isinstance(e, Notification) and e.characteristic == "2AA7"
        for record in CgmMeasurement.from_bytes(e.value).records
    ]


def fetched(events: list[Event]) -> list[str]:
    return [e.why for e in events if isinstance(e, LinkEvent) and e.state is LinkState.FETCHED]


class Diary:
    """Keeps records as a store would, and remembers the last of them."""

    def __init__(self) -> None:
        self.records: dict[int, GlucoseMeasurement] = {}

    def take(self, events: list[Event]) -> None:
        for e in events:
            if isinstance(e, Notification) and e.characteristic == "2A18":
                measurement = GlucoseMeasurement.from_bytes(e.value)
                self.records[measurement.sequence_number] = measurement

    def kept(self, _address: str, characteristic: str) -> Kept | None:
        if characteristic != "2A18" or not self.records:
            return None
        last = list(self.records.values())[-1]
        return Kept(sequence=last.sequence_number, device_time=last.time)


async def records(events: AsyncIterator[Event], diary: Diary | None = None) -> list[Event]:
    """Everything until the device is connected, its stored records included."""
    taken = await until(events, CONNECTED)
    if diary is not None:
        diary.take(taken)
    return taken


@pytest.fixture
async def meter(air: VirtualRadio) -> GlucoseMeter:
    meter = GlucoseMeter(METER)
    for number in range(10):
        meter.take(100.0 + number)
    await air.add(meter)
    return meter


async def test_all_then_only_what_is_new(air: VirtualRadio, meter: GlucoseMeter, quick: Timings) -> None:
    diary = Diary()
    async with watch([METER], radio=air.radio, timings=quick, pair=[METER], kept=diary.kept) as events:
        begin = await records(events, diary)
        assert kept_of(begin) == list(range(10))
        assert fetched(begin) == ["10 stored records came"]
        meter.take(120.0)
        meter.take(121.0)
        await meter.drop_link()
        again = await records(events, diary)
        assert kept_of(again) == [9, 10, 11], "the last one that was kept comes again, to be recognised"
    assert sorted(diary.records) == list(range(12))


@pytest.mark.parametrize("after", range(0, 10, 3))
async def test_a_transfer_that_is_cut_goes_on(
    air: VirtualRadio, meter: GlucoseMeter, quick: Timings, after: int
) -> None:
    diary = Diary()
    meter.faults.drop_at(Step.RECORD, after=after)
    async with watch([METER], radio=air.radio, timings=quick, pair=[METER], kept=diary.kept) as events:
        taken = await until(events, state(LinkState.LOST))
        diary.take(taken)
        assert kept_of(taken) == list(range(after))
        await records(events, diary)
    assert sorted(diary.records) == list(range(10))


async def test_a_meter_that_counts_anew_loses_nothing(
    air: VirtualRadio, meter: GlucoseMeter, quick: Timings
) -> None:
    diary = Diary()
    start = NOW
    meter.clock = OwnClock(lambda: start)
    async with watch([METER], radio=air.radio, timings=quick, pair=[METER], kept=diary.kept) as events:
        await records(events, diary)
        meter.restart_numbers()
        start = NOW + timedelta(days=1)
        for _ in range(12):  # its count has passed the last one that was kept
            meter.take(90.0)
        await meter.drop_link()
        again = await records(events)
        assert set(kept_of(again)) == set(range(12))
        assert fetched(again) == ["12 stored records came"]


async def test_no_records_are_no_failure(air: VirtualRadio, quick: Timings) -> None:
    await air.add(GlucoseMeter(METER))
    async with watch([METER], radio=air.radio, timings=quick, pair=[METER]) as events:
        assert fetched(await records(events)) == ["no stored records came"]


async def test_a_device_that_says_no_more_is_told_to_stop(
    air: VirtualRadio, meter: GlucoseMeter, quick: Timings
) -> None:
    meter.faults.hang_at(Step.RECORD, after=4)
    timings = replace(quick, record=0.1)
    async with watch([METER], radio=air.radio, timings=timings, pair=[METER]) as events:
        begin = await records(events)
        assert kept_of(begin) == [0, 1, 2, 3]
        assert "no record and no answer came for 0.1 s" in fetched(begin)[0]
        assert not meter.transferring
        await meter.drop_link()
        assert kept_of(await records(events)) == list(range(10)), "from where the cut transfer had begun"


async def test_what_there_was_no_room_for_is_fetched_again(
    air: VirtualRadio, strap: ChestStrap, meter: GlucoseMeter, quick: Timings
) -> None:
    diary = Diary()
    timings = replace(quick, queue=40)
    await meter.go_away()
    async with watch(
        [STRAP, METER], radio=air.radio, timings=timings, pair=[METER], kept=diary.kept
    ) as events:
        # Nobody takes anything meanwhile.
        assert await settled(lambda: strap.subscribed)
        for _ in range(40):
            await strap.measure(HeartRateMeasurement(60))
        assert await settled(lambda: air.delivered >= 40)
        await meter.come_back()
        assert await settled(lambda: air.delivered >= 50)
        begin = await until(events, lambda e: CONNECTED(e) and e.device == METER)  # type: ignore[union-attr]
        diary.take(begin)
        assert "came faster than they were taken" in fetched(begin)[0]
        assert not diary.records
        await meter.drop_link()
        await records(events, diary)
    assert sorted(diary.records) == list(range(10))


async def test_continuous_glucose_by_its_session(air: VirtualRadio, quick: Timings) -> None:
    start = NOW
    sensor = ContinuousGlucoseMonitor(METER, clock=OwnClock(lambda: start))
    for minutes in range(0, 60, 5):
        sensor.take(100.0, time_offset=minutes)
    await air.add(sensor)
    last = {"2AA7": None}

    def kept(_address: str, characteristic: str) -> Kept | None:
        return last.get(characteristic)  # type: ignore[return-value]

    async with watch([METER], radio=air.radio, timings=quick, pair=[METER], kept=kept) as events:
        assert offsets(await records(events)) == list(range(0, 60, 5))
        last["2AA7"] = Kept(sequence=55)  # type: ignore[assignment]
        sensor.take(101.0, time_offset=60)
        await sensor.drop_link()
        assert offsets(await records(events)) == [55, 60]
        start = NOW + timedelta(days=10)
        sensor.start_session()
        sensor.take(102.0, time_offset=0)
        await sensor.drop_link()
        assert offsets(await records(events)) == [0], "minutes of another session are not those of this one"


async def test_a_clock_is_measured_before_the_records_and_set_after_them(
    air: VirtualRadio, quick: Timings
) -> None:
    meter = GlucoseMeter(METER, clock=OwnClock(lambda: NOW, stopped_at=FACTORY))
    meter.take(100.0)
    await air.add(meter)
    async with watch(
        [METER], clock=lambda: NOW, radio=air.radio, timings=quick, pair=[METER], zone=UTC
    ) as events:
        begin = await records(events)
    said = [e for e in begin if isinstance(e, Notification) and e.characteristic in ("2A2B", "2A18")]
    assert [n.characteristic for n in said] == ["2A2B", "2A18", "2A2B"]
    assert [n.read for n in said] == [True, False, True]
    before, after = (CurrentTime.from_bytes(n.value).datetime for n in (said[0], said[2]))
    assert before == FACTORY.replace(tzinfo=None)
    assert after == NOW.replace(tzinfo=None)
    assert "its clock was 1886 d 9 h slow, and was set" in begin[-1].why  # type: ignore[union-attr]


async def test_a_clock_among_the_measurements_is_read_and_set(air: VirtualRadio, quick: Timings) -> None:
    cuff = DateTimeCuff(METER, clock=OwnClock(lambda: NOW, offset=-timedelta(days=1)))
    await air.add(cuff)
    async with watch([METER], clock=lambda: NOW, radio=air.radio, timings=quick, zone=UTC) as events:
        begin = await until(events, state(LinkState.CONNECTED))
    shown = [decode(e.characteristic, e.value) for e in begin if isinstance(e, Notification) and e.read]
    assert [time.datetime for time in shown if isinstance(time, DateTime)] == [
        NOW.replace(tzinfo=None) - timedelta(days=1),
        NOW.replace(tzinfo=None),
    ]
    assert "its clock was 1 d 0 h slow, and was set" in begin[-1].why  # type: ignore[union-attr]
    assert cuff.clock() == NOW


@pytest.mark.parametrize("settable", [True, False])
async def test_a_clock_that_is_right_or_cannot_be_set_is_left_alone(
    air: VirtualRadio, quick: Timings, settable: bool
) -> None:
    off = timedelta(seconds=3) if settable else timedelta(days=2)
    meter = GlucoseMeter(METER, clock=OwnClock(lambda: NOW, offset=off, settable=settable))
    await air.add(meter)
    async with watch(
        [METER], clock=lambda: NOW, radio=air.radio, timings=quick, pair=[METER], zone=UTC
    ) as events:
        begin = await records(events)
    assert meter.clock.offset == off
    assert "clock" not in begin[-1].why  # type: ignore[union-attr]
