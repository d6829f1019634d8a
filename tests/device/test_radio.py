"""The bleak backend by itself: what link.py does not use, and errors coming out as bleak's own."""

import asyncio

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble.gatt import Attribute, Characteristic, Service

from device import LinkState, Timings, watch
from device.errors import LinkError
from device.virtual import ChestStrap, VirtualRadio
from tests.device.conftest import STRAP, state, until

SECRET = "0000ffe1-0000-1000-8000-00805f9b34fb"


class SecretStrap(ChestStrap):
    """A strap with a characteristic that needs an encrypted link."""

    def _services(self) -> list[Service]:
        permissions = Attribute.Permissions.READ_REQUIRES_ENCRYPTION | Attribute.Permissions.WRITEABLE
        properties = Characteristic.Properties.READ | Characteristic.Properties.WRITE
        secret = Characteristic(SECRET, properties, permissions, b"secret")
        return [*super()._services(), Service("0000ffe0-0000-1000-8000-00805f9b34fb", [secret])]


async def connect(air: VirtualRadio, *, pair: bool = False) -> BleakClient:
    radio = air.radio
    found = await BleakScanner.find_device_by_address(STRAP, 5, backend=radio.scanner)
    assert found is not None
    client = BleakClient(found, pair=pair, backend=radio.client)
    await client.connect()
    return client


async def test_att_errors_are_bleaks_own_and_pairing_opens(air: VirtualRadio) -> None:
    await air.add(SecretStrap(STRAP))
    client = await connect(air)
    with pytest.raises(BleakGATTProtocolError) as caught:
        await client.read_gatt_char(SECRET)
    assert int(caught.value.code) in (0x05, 0x0F)
    await client.pair()
    assert await client.read_gatt_char(SECRET) == b"secret"
    await client.write_gatt_char(SECRET, b"new", response=True)
    assert await client.read_gatt_char(SECRET) == b"new"
    await client.disconnect()
    again = await connect(air, pair=True)  # with the keys of the first time
    assert await again.read_gatt_char(SECRET) == b"new"
    assert again.mtu_size == 517
    await again.unpair()
    assert not again.is_connected


async def test_subscribing_and_unsubscribing(air: VirtualRadio, strap: ChestStrap) -> None:
    client = await connect(air)
    heard: list[bytes] = []
    await client.start_notify("2a37", lambda _, value: heard.append(bytes(value)))
    assert strap.subscribed
    await client.stop_notify("2a37")
    assert not strap.subscribed
    assert not await strap.send(b"\0\x3c")
    descriptor = client.services.get_characteristic("2a37").descriptors[0]  # type: ignore[union-attr]
    assert await client.read_gatt_descriptor(descriptor) == b"\0\0"
    await client.disconnect()
    await client.disconnect()


async def test_what_a_link_that_is_down_says(air: VirtualRadio, strap: ChestStrap) -> None:
    client = await connect(air)
    with pytest.raises(BleakError, match="already connected"):
        await client.connect()
    level = client.services.get_characteristic("2a19")
    assert level is not None
    await strap.drop_link()
    for _ in range(100):
        await asyncio.sleep(0)
    assert not client.is_connected
    with pytest.raises(BleakError):
        await client.read_gatt_char(level)
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient("C0:00:00:00:00:42", backend=air.radio.client).connect()


async def test_watch_pairs_when_asked(air: VirtualRadio, quick: Timings) -> None:
    strap = SecretStrap(STRAP)
    await air.add(strap)
    async with watch([STRAP], radio=air.radio, timings=quick, pair=[STRAP]) as events:
        for _ in range(2):
            await until(events, state(LinkState.CONNECTED))
            assert strap.encrypted
            await strap.drop_link()


async def test_a_wearable_that_is_switched_off_says_so() -> None:
    with pytest.raises(LinkError, match="switched off"):
        await ChestStrap(STRAP).send(b"")
    with pytest.raises(RuntimeError, match="async with"):
        VirtualRadio().radio  # noqa: B018  the property raises
