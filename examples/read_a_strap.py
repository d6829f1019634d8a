"""Read a heart-rate strap: print every heart rate and the RR intervals that came with it.

python examples/read_a_strap.py C0:FF:EE:00:00:01     a strap near you (see `healthslm devices scan`)
python examples/read_a_strap.py --virtual             a virtual one, without any radio
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from device import DeviceError, Event, LinkEvent, Notification, decode, watch
from device.gatt import HeartRateMeasurement


async def show(events: AsyncIterator[Event], count: int) -> None:
    """Print what the strap sends, until `count` heart rates have come."""
    async for event in events:
        if isinstance(event, LinkEvent):
            print(f"# {event.state} {event.why}")
        elif isinstance(event, Notification):
            measurement = decode(event.characteristic, event.value)
            if isinstance(measurement, HeartRateMeasurement):
                beats = " ".join(f"{seconds * 1000:.0f}" for seconds in measurement.rr_seconds)
                print(f"{event.received_at:%H:%M:%S} {measurement.heart_rate} bpm, RR {beats} ms")
                count -= 1
                if count == 0:
                    return


async def real(address: str) -> None:
    """Read a strap through this machine's Bluetooth, for as long as it is worn."""
    async with watch([address]) as events:
        await show(events, count=-1)


async def virtual() -> None:
    """Read ten beats of a strap that is not there."""
    from device.virtual import ChestStrap, VirtualRadio

    strap = ChestStrap("C0:FF:EE:00:00:01")
    async with VirtualRadio() as air:
        await air.add(strap)
        async with watch([strap.address], radio=air.radio) as events:
            showing = asyncio.create_task(show(events, count=10))
            while not showing.done():
                await strap.measure(HeartRateMeasurement(heart_rate=60, rr_intervals=(1024,)))
                await asyncio.sleep(0.05)
            await showing


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        asyncio.run(virtual() if sys.argv[1] == "--virtual" else real(sys.argv[1]))
    except DeviceError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass
