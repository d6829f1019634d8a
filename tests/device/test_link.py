"""The supervisors over a virtual radio: real bleak, real GATT, only the air is a function call."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bumble.att import ATT_Error, ErrorCode
from bumble.device import Connection, DeviceConfiguration

from device import Event, Identity, LinkEvent, LinkState, Notification, Timings, decode, watch
from device.gatt import (
    BatteryLevel,
    BloodPressureMeasurement,
    HeartRateMeasurement,
    PlxContinuousMeasurement,
    TemperatureMeasurement,
)
from device.virtual import BloodPressureCuff, ChestStrap, PulseOximeter, Thermometer, VirtualRadio
from tests.device.conftest import STRAP, heard, settled, state, until

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BEAT = HeartRateMeasurement(61, True, None, (1007,))
CONNECTED = state(LinkState.CONNECTED)


def states(events: list[Event]) -> list[LinkState]:
    return [event.state for event in events if isinstance(event, LinkEvent)]


async def test_finds_connects_and_says_who_is_there(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    async with watch([STRAP.lower()], clock=lambda: NOW, radio=air.radio, timings=quick) as events:
        begin = await until(events, CONNECTED)
        assert states(begin) == [LinkState.SEARCHING, LinkState.CONNECTING, LinkState.CONNECTED]
        assert [e for e in begin if isinstance(e, Identity)] == [
            Identity(NOW, STRAP, "Chest strap", "Virtual", "Chest strap", "000001", "1.0", 80)
        ]
        assert strap.subscribed
        assert await strap.measure(BEAT)
        [notification] = await until(events, heard)
        assert isinstance(notification, Notification)
        assert (notification.device, notification.characteristic) == (STRAP, "2A37")
        assert notification.received_at == NOW
        assert notification.monotonic_ns > 0
        assert decode(notification.characteristic, notification.value) == BEAT
    assert not strap.subscribed


async def test_four_kinds_at_once_in_order(air: VirtualRadio, quick: Timings) -> None:
    strap, oximeter = ChestStrap("C0:00:00:00:00:01"), PulseOximeter("C0:00:00:00:00:02")
    cuff, thermometer = BloodPressureCuff("C0:00:00:00:00:03"), Thermometer("C0:00:00:00:00:04")
    worn = [strap, oximeter, cuff, thermometer]
    said = [
        BEAT,
        PlxContinuousMeasurement(96.0, 61.0),
        BloodPressureMeasurement(systolic=120.0, diastolic=80.0, mean_arterial_pressure=93.0),
        TemperatureMeasurement(36.6),
    ]
    for wearable in worn:
        await air.add(wearable)
    async with watch([w.address for w in worn], radio=air.radio, timings=quick) as events:
        for _ in worn:
            await until(events, CONNECTED)
        for _ in range(25):
            for wearable, measurement in zip(worn, said, strict=True):
                assert await wearable.measure(measurement)
        taken = [(await until(events, heard))[-1] for _ in range(100)]
    for wearable, measurement in zip(worn, said, strict=True):
        theirs = [n for n in taken if isinstance(n, Notification) and n.device == wearable.address]
        assert [decode(n.characteristic, n.value) for n in theirs] == [measurement] * 25


async def test_battery_is_notified_too(air: VirtualRadio, strap: ChestStrap, quick: Timings) -> None:
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        assert await strap.report_battery(42)
        [notification] = await until(events, heard)
        assert isinstance(notification, Notification)
        assert decode(notification.characteristic, notification.value) == BatteryLevel(42)


async def test_a_dropped_link_is_picked_up_again_and_again(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        for _ in range(5):
            await strap.drop_link()
            assert not strap.subscribed
            assert not await strap.measure(BEAT), "what is measured meanwhile is lost, as in life"
            again = await until(events, CONNECTED)
            assert states(again)[0] is LinkState.LOST
            assert await strap.measure(BEAT)
            await until(events, heard)


async def test_out_of_reach_and_back(air: VirtualRadio, strap: ChestStrap, quick: Timings) -> None:
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        await strap.go_away()
        await until(events, state(LinkState.LOST))
        await asyncio.sleep(0.2)
        assert not strap.subscribed
        await strap.come_back()
        await until(events, CONNECTED)


async def test_an_absent_device_is_waited_for(air: VirtualRadio, strap: ChestStrap, quick: Timings) -> None:
    late = PulseOximeter("C0:00:00:00:00:02")
    async with watch([late.address, STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)  # the one that is there does not wait for the other
        assert strap.subscribed
        await asyncio.sleep(0.1)
        await air.add(late)
        [*_, event] = await until(events, CONNECTED)
        assert event.device == late.address


async def test_a_device_that_leaves_while_connecting_blocks_nobody(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    other = PulseOximeter("C0:00:00:00:00:02")
    await air.add(other)
    timings = replace(quick, connect=0.3)
    async with watch([STRAP, other.address], radio=air.radio, timings=timings) as events:
        await until(
            events,
            lambda e: isinstance(e, LinkEvent) and e.state is LinkState.CONNECTING and e.device == STRAP,
        )
        await strap.go_away()
        met = await until(events, lambda e: CONNECTED(e) and e.device == other.address)
        if LinkState.LOST not in states(met):
            met += await until(events, state(LinkState.LOST))
        assert [e.device for e in met if state(LinkState.LOST)(e)] == [STRAP]
        await strap.come_back()
        await until(events, lambda e: CONNECTED(e) and e.device == STRAP)


@pytest.mark.parametrize("value", [b"", b"\x10", b"\xff" * 40, b"\x1b[31m"])
async def test_malformed_values_pass_through_as_they_are(
    air: VirtualRadio, strap: ChestStrap, quick: Timings, value: bytes
) -> None:
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        await strap.send(value)
        await strap.measure(BEAT)
        [bad] = await until(events, heard)
        [good] = await until(events, heard)
    assert isinstance(bad, Notification)
    assert bad.value == value
    assert isinstance(good, Notification)
    assert good.value == bytes(BEAT)


async def test_what_nobody_takes_is_dropped_and_counted(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    async with watch([STRAP], radio=air.radio, timings=replace(quick, queue=5)) as events:
        await until(events, CONNECTED)
        before = air.delivered
        for number in range(20):
            await strap.measure(HeartRateMeasurement(number))
        assert await settled(lambda: air.delivered == before + 20)
        taken = await until(events, state(LinkState.DROPPED))
        kept = [e.value[1] for e in taken if isinstance(e, Notification)]
        assert kept == [0, 1, 2, 3, 4], "what is kept has no hole"
        assert taken[-1].dropped == 15
        await strap.measure(HeartRateMeasurement(99))
        [after] = await until(events, heard)
        assert isinstance(after, Notification)
        assert after.value[1] == 99


async def test_a_link_event_is_never_dropped(air: VirtualRadio, strap: ChestStrap, quick: Timings) -> None:
    async with watch([STRAP], radio=air.radio, timings=replace(quick, queue=1)) as events:
        await until(events, CONNECTED)
        for _ in range(10):
            await strap.measure(BEAT)
        assert await settled(lambda: air.delivered == 10)
        await strap.drop_link()
        assert await settled(lambda: strap.subscribed)
        taken = await until(events, CONNECTED)
    assert LinkState.LOST in states(taken)
    assert sum(e.dropped for e in taken if isinstance(e, LinkEvent)) == 9


class Silent(ChestStrap):
    """A strap whose battery does not answer."""

    async def _never(self, _: Connection) -> bytes:
        await asyncio.Event().wait()
        return b""

    _read_level = _never  # type: ignore[assignment]


class Refusing(ChestStrap):
    """A strap whose battery is not to be read."""

    def _read_level(self, _: Connection) -> bytes:
        raise ATT_Error(ErrorCode.READ_NOT_PERMITTED)


@pytest.mark.parametrize("kind", [Silent, Refusing])
async def test_what_cannot_be_read_stays_empty(
    air: VirtualRadio, quick: Timings, kind: type[ChestStrap]
) -> None:
    await air.add(kind(STRAP))
    async with watch([STRAP], radio=air.radio, timings=replace(quick, gatt=0.2)) as events:
        begin = await until(events, CONNECTED)
    [identity] = [e for e in begin if isinstance(e, Identity)]
    assert identity.battery is None
    assert identity.model == "Chest strap"


async def test_a_stream_that_falls_silent_is_connected_anew(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    timings = replace(quick, silence=0.05, patience=0.2 / 300)
    async with watch([STRAP], radio=air.radio, timings=timings) as events:
        await until(events, CONNECTED)
        lost = await until(events, state(LinkState.LOST))
        assert "nothing came" in lost[-1].why
        await until(events, CONNECTED)


async def test_a_cuff_may_be_silent(air: VirtualRadio, quick: Timings) -> None:
    cuff = BloodPressureCuff("C0:00:00:00:00:03")
    await air.add(cuff)
    timings = replace(quick, silence=0.05, patience=0.1 / 300)
    async with watch([cuff.address], radio=air.radio, timings=timings) as events:
        await until(events, CONNECTED)
        with pytest.raises(TimeoutError):
            await until(events, state(LinkState.LOST), seconds=0.4)
        assert cuff.subscribed


async def test_a_device_that_does_not_answer_is_lost(air: VirtualRadio, quick: Timings) -> None:
    class Mute(Silent):
        service, measurement, features = "1810", "2A35", ()

        @property
        def configuration(self) -> DeviceConfiguration:
            # Without Generic Access, which always answers, only the battery can be read: and it keeps silent.
            return replace(super().configuration, gap_service_enabled=False, gatt_service_enabled=False)

        def _services(self) -> list:  # type: ignore[type-arg]
            return [s for s in super()._services() if s.uuid.to_hex_str() != "180A"]

    await air.add(Mute(STRAP))
    timings = replace(quick, silence=0.05, gatt=0.2)
    async with watch([STRAP], radio=air.radio, timings=timings) as events:
        await until(events, CONNECTED)
        lost = await until(events, state(LinkState.LOST))
    assert "it does not answer: reading 2A19 took longer than 0.2 s" in lost[-1].why


async def test_a_device_without_measurements_is_told(air: VirtualRadio, quick: Timings) -> None:
    class Scale(ChestStrap):
        service, measurement, model = "1823", "2AB9", "Proxy"
        features = ()

    await air.add(Scale(STRAP))
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        taken = await until(events, state(LinkState.LOST))
    assert "none of the measurements" in taken[-1].why


async def test_a_failure_of_our_own_is_not_kept_quiet(air: VirtualRadio, strap: ChestStrap) -> None:
    def broken() -> datetime:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with watch([STRAP], clock=broken, radio=air.radio) as events:
            await until(events, heard)


async def test_a_failure_is_told_even_to_who_does_not_listen(air: VirtualRadio, strap: ChestStrap) -> None:
    def broken() -> datetime:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with watch([STRAP], clock=broken, radio=air.radio):
            await asyncio.sleep(0.05)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


@pytest.mark.parametrize("after", [0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.045, 0.06, 0.08, 0.2])
async def test_cancelling_at_any_moment_leaves_nothing_behind(
    air: VirtualRadio, strap: ChestStrap, quick: Timings, after: float
) -> None:
    other = BloodPressureCuff("C0:00:00:00:00:03")
    await air.add(other)

    async def listen() -> None:
        async with watch(
            [STRAP, other.address, "C0:00:00:00:00:99"], radio=air.radio, timings=quick
        ) as events:
            async for _ in events:
                pass

    before, files = set(asyncio.all_tasks()), descriptors()
    listening = asyncio.create_task(listen())
    await asyncio.sleep(after)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert await settled(lambda: set(asyncio.all_tasks()) <= before), asyncio.all_tasks() - before
    assert not strap.subscribed
    assert not strap.linked
    assert not other.linked
    assert descriptors() == files
    # And the adapter is free for the next who comes.
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)


async def test_iterating_ends_with_the_block(air: VirtualRadio, strap: ChestStrap, quick: Timings) -> None:
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        await strap.measure(BEAT)
        assert await settled(lambda: air.delivered == 1)
    assert [type(e) async for e in events] == [Notification], "what was received is still there"


def test_waiting_grows_and_is_capped() -> None:
    timings = Timings(first_retry=0.5, longest_retry=8, jitter=lambda: 1.0)
    assert [timings.delay(n) for n in range(1, 8)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert timings.delay(10**6) == 8
    least = Timings(first_retry=0.5, longest_retry=8, jitter=lambda: 0.0)
    assert least.delay(3) == 1.0
