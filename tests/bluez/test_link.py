"""Our own link on the stock bleak backend, over D-Bus, bluetoothd and the kernel."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from device import LinkState, Notification, Timings, decode, scan, watch
from device.agent import Pairing, pair
from device.gatt.glucose import GlucoseMeasurement
from device.gatt.heart_rate import HeartRateMeasurement
from device.virtual import ChestStrap
from device.virtual.faults import Step
from device.virtual.wearables import GlucoseMeter
from tests.bluez.air import Air
from tests.device.conftest import heard, state, until

STRAP = "C0:FF:EE:00:00:01"
METER = "C0:FF:EE:00:00:03"


async def test_a_wearable_is_found(air: Air) -> None:
    await air.add(ChestStrap(STRAP))
    found = await scan(3)
    assert [(f.address, f.services) for f in found] == [(STRAP, ("Heart Rate",))], found


async def test_200_notifications_arrive_in_order(air: Air, timings: Timings) -> None:
    strap = ChestStrap(STRAP)
    await air.add(strap)
    start = time.monotonic()
    async with watch([STRAP], timings=timings) as events:
        await until(events, state(LinkState.CONNECTED), 60)
        print(f"connected in {time.monotonic() - start:.1f} s")
        start = time.monotonic()
        for number in range(200):
            assert await strap.measure(HeartRateMeasurement(40 + number % 160, True, None, (number,)))
        seen = []
        async with asyncio.timeout(60):
            while len(seen) < 200:
                event = (await until(events, heard))[-1]
                assert isinstance(event, Notification)
                if event.characteristic == HeartRateMeasurement.UUID:
                    seen.append(decode(event.characteristic, event.value).rr_intervals[0])
        print(f"200 notifications in {time.monotonic() - start:.1f} s")
    assert seen == list(range(200))


async def test_a_lost_link_comes_back(air: Air, timings: Timings) -> None:
    strap = ChestStrap(STRAP)
    await air.add(strap)
    async with watch([STRAP], timings=timings) as events:
        await until(events, state(LinkState.CONNECTED), 60)
        for _ in range(3):
            await strap.go_away()
            await until(events, state(LinkState.LOST), 60)
            await asyncio.sleep(1)
            await strap.come_back()
            start = time.monotonic()
            await until(events, state(LinkState.CONNECTED), 60)
            print(f"back {time.monotonic() - start:.1f} s after it advertised again")


@pytest.mark.parametrize("pulled_out", [False, True])
async def test_an_adapter_that_goes_and_comes_back(air: Air, timings: Timings, pulled_out: bool) -> None:
    strap = ChestStrap(STRAP)
    await air.add(strap)
    async with watch([STRAP], timings=timings) as events:
        await until(events, state(LinkState.CONNECTED), 60)
        await (air.pull_out() if pulled_out else air.power(False))
        seen = await until(events, state(LinkState.NO_ADAPTER), 60)
        print([f"{e.state}: {e.why}" for e in seen if hasattr(e, "state")])
        await asyncio.sleep(1)
        await (air.plug_in() if pulled_out else air.power(True))
        start = time.monotonic()
        seen = await until(events, state(LinkState.CONNECTED), 60)
        print(f"back {time.monotonic() - start:.1f} s after the adapter")
        assert await strap.measure(HeartRateMeasurement(61, True, None, ()))
        await until(events, heard, 20)


async def test_a_bluetooth_service_that_crashes(air: Air, timings: Timings) -> None:
    strap = ChestStrap(STRAP)
    await air.add(strap)
    hasty = replace(timings, silence=3, rescan=4)
    async with watch([STRAP], timings=hasty) as events:
        await until(events, state(LinkState.CONNECTED), 60)
        air.kill_daemon()
        start = time.monotonic()
        seen = await until(events, state(LinkState.LOST, LinkState.NO_ADAPTER), 60)
        print(f"noticed after {time.monotonic() - start:.1f} s: {seen[-1]}")
        seen = await until(events, state(LinkState.CONNECTED), 60)
        print([f"{e.state}: {e.why}" for e in seen if hasattr(e, "state")])
        print(f"back {time.monotonic() - start:.1f} s after the crash")


@pytest.mark.parametrize("cut", [False, True])
async def test_stored_records_come_once_bonded(air: Air, timings: Timings, cut: bool) -> None:
    meter = GlucoseMeter(METER)
    await air.add(meter)
    for number in range(20):
        meter.take(90 + number)
    assert await pair(METER, timings=timings) is Pairing.PAIRED
    if cut:
        meter.faults.drop_at(Step.RECORD, after=8)
    start = time.monotonic()
    async with watch([METER], timings=timings, pair=[METER]) as events:
        taken = await until(events, state(LinkState.CONNECTED), 90)
    print(f"20 records in {time.monotonic() - start:.1f} s")
    numbers = [
        decode(e.characteristic, e.value).sequence_number
        for e in taken
        if isinstance(e, Notification) and e.characteristic == GlucoseMeasurement.UUID
    ]
    assert set(numbers) == set(range(20))
    if not cut:
        assert numbers == list(range(20))
