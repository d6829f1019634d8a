"""Our own link on the stock bleak backend, over D-Bus, bluetoothd and the kernel."""

from __future__ import annotations

import asyncio
import time

from device import LinkState, Notification, Timings, decode, scan, watch
from device.gatt.heart_rate import HeartRateMeasurement
from device.virtual import ChestStrap
from tests.bluez.air import Air
from tests.device.conftest import heard, state, until

STRAP = "C0:FF:EE:00:00:01"


async def test_a_wearable_is_found(air: Air) -> None:
    await air.add(ChestStrap(STRAP))
    found = await scan(3)
    assert [(f.address, f.services) for f in found] == [(STRAP, ("Heart Rate",))], found


async def test_200_notifications_arrive_in_order(air: Air, timings: Timings) -> None:
    strap = ChestStrap(STRAP)
    await air.add(strap)
    async with watch([STRAP], timings=timings) as events:
        await until(events, state(LinkState.CONNECTED), 60)
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
