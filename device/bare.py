"""bleak and nothing else: what a notification costs before this project does anything with it.

The yardstick that `healthslm bench bluetooth` lays beside `watch()`. Nothing here keeps a link up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from device.adapter import Radio
from device.gatt import short_uuid


@dataclass(slots=True)
class Heard:
    """How many values came."""

    count: int = 0

    def hear(self, _: BleakGATTCharacteristic, _value: bytearray) -> None:
        """Be called by bleak with a value."""
        self.count += 1


@asynccontextmanager
async def listen(
    addresses: Collection[str], characteristics: Collection[str], *, radio: Radio, seconds: float = 30
) -> AsyncIterator[Heard]:
    """Connect to all the devices, subscribe to what they have of the characteristics, and count.

    Raises `TimeoutError` when one is not found within `seconds`, and bleak's errors.
    """
    heard = Heard()
    found: dict[str, BLEDevice] = {}
    complete = asyncio.Event()

    def on_advertisement(device: BLEDevice, _: AdvertisementData) -> None:
        found[device.address.upper()] = device
        if wanted <= set(found):
            complete.set()

    wanted = {address.upper() for address in addresses}
    async with AsyncExitStack() as stack:
        async with (
            asyncio.timeout(seconds),
            BleakScanner(on_advertisement, backend=radio.scanner),
        ):
            await complete.wait()
        for address in sorted(wanted):
            client = await stack.enter_async_context(BleakClient(found[address], backend=radio.client))
            for characteristic in client.services.characteristics.values():
                if short_uuid(characteristic.uuid) in characteristics:
                    await client.start_notify(characteristic, heard.hear)
        yield heard
