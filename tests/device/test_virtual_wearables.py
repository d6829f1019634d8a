"""Every kind of virtual wearable, scanned for, connected to and decoded through the real bleak."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakGATTProtocolError

from device import decode
from device.gatt import CHARACTERISTICS, Measurement, short_uuid
from device.vendors import family_of, viatom
from device.vendors.contec import START
from device.vendors.polar import CONTROL, DATA, PmdFeatures, PmdResponse, PmdType
from device.vendors.polar_control import PmdStatus, choose, parse_settings, request_settings, request_start
from device.virtual import KINDS, OwnClock, Physiology, VirtualRadio, Wearable
from tests.device.conftest import STRAP

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RACP = "2A52"


async def find(air: VirtualRadio, address: str = STRAP) -> BLEDevice:
    """Wait until a wearable is heard."""
    scanner = air.radio.scanner
    assert scanner is not None
    found = await BleakScanner.find_device_by_address(address, 5, backend=scanner)
    assert found is not None
    return found


@asynccontextmanager
async def linked(air: VirtualRadio, wearable: Wearable) -> AsyncIterator[BleakClient]:
    """Find a wearable and connect to it, with a bond where it wants one."""
    found = await find(air, wearable.address)
    assert found.name == wearable.name
    async with BleakClient(found, pair=wearable.bonding != "none", backend=air.radio.client) as client:
        yield client


class Heard:
    """Everything that came, by characteristic, after subscribing to all that sends."""

    def __init__(self) -> None:
        self.values: list[tuple[str, bytes]] = []
        self.more = asyncio.Event()

    def take(self, name: str, _: object, value: bytearray) -> None:
        self.values.append((name, bytes(value)))
        self.more.set()

    async def subscribe(self, client: BleakClient) -> None:
        for each in client.services.characteristics.values():
            name = short_uuid(each.uuid)
            if {"notify", "indicate"} & set(each.properties) and name not in ("2A05", "2A19"):
                await client.start_notify(each, partial(self.take, name))


def decoded(wearable: Wearable, values: list[tuple[str, bytes]]) -> list[Measurement]:
    """Decode what came as a link does: through the family's conversation where there is one."""
    family = family_of(wearable.name, {short_uuid(wearable.service)})
    if family is None or family.converse is None:
        return [decode(name, value) for name, value in values]
    talk = family.converse(())
    return [decode(*frame) for name, value in values for frame in talk.frames(name, value)]


async def begin(client: BleakClient, kind: str) -> None:
    """Ask for what a wearable sends only when it is asked."""
    if kind == "contec oximeter":
        await client.write_gatt_char("FF01", START, response=True)
    if kind == "viatom oximeter":
        await client.write_gatt_char(viatom.WRITE, viatom.REAL_TIME, response=True)
    if kind == "health sensor":
        await client.write_gatt_char("2BF4", b"\x01", response=True)
    if kind == "glucose meter":
        await client.write_gatt_char(RACP, b"\x01\x01", response=True)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_is_found_and_what_it_measures_is_decoded(air: VirtualRadio, kind: str) -> None:
    wearable = KINDS[kind](STRAP, clock=OwnClock(lambda: NOW))
    await air.add(wearable)
    async with linked(air, wearable) as client:
        heard = Heard()
        await heard.subscribe(client)
        if kind in ("contec oximeter", "health sensor"):
            await begin(client, kind)
        said = wearable.observe(Physiology(), NOW + timedelta(seconds=1))
        for measurement in said:
            await wearable.measure(measurement)
        if kind in ("viatom oximeter", "glucose meter"):
            await begin(client, kind)
        expected = list(said) or list(wearable.records[0].parts)  # type: ignore[attr-defined]
        async with asyncio.timeout(5):
            while any(each not in decoded(wearable, heard.values) for each in expected):
                heard.more.clear()
                await heard.more.wait()
        for each in client.services.characteristics.values():  # what can be read is understood, too
            name = short_uuid(each.uuid)
            if "read" in each.properties and name in CHARACTERISTICS:
                decode(name, bytes(await client.read_gatt_char(each)))


def test_the_kinds_are_all_there_are() -> None:
    assert len(set(KINDS.values())) == len(KINDS) == 20


async def test_a_polar_strap_negotiates_its_streams(air: VirtualRadio) -> None:
    wearable = KINDS["polar strap"](STRAP)
    await air.add(wearable)
    async with linked(air, wearable) as client:
        answers: asyncio.Queue[bytes] = asyncio.Queue()
        frames: asyncio.Queue[bytes] = asyncio.Queue()
        await client.start_notify(CONTROL, lambda _, value: answers.put_nowait(bytes(value)))
        await client.start_notify(DATA, lambda _, value: frames.put_nowait(bytes(value)))
        features = PmdFeatures.from_bytes(bytes(await client.read_gatt_char(CONTROL)))
        assert all(kind in features for kind in (PmdType.ECG, PmdType.ACC, PmdType.PPI))

        async def ask(request: bytes) -> PmdResponse:
            await client.write_gatt_char(CONTROL, request, response=True)
            return PmdResponse.from_bytes(await asyncio.wait_for(answers.get(), 5))

        for kind in (PmdType.ECG, PmdType.ACC, PmdType.PPI):
            offered = await ask(request_settings(kind))
            choice = choose(kind, parse_settings(offered.parameters))
            assert (await ask(request_start(kind, choice))).status is PmdStatus.SUCCESS
            assert (await ask(request_start(kind, choice))).status is PmdStatus.ALREADY_IN_STATE
        assert (await ask(request_settings(PmdType.GYRO))).status is PmdStatus.NOT_SUPPORTED
        for measurement in wearable.observe(Physiology(), NOW)[1:]:
            await wearable.measure(measurement)
            value = await asyncio.wait_for(frames.get(), 5)
            assert decode(DATA, value) == measurement


async def test_a_wearable_without_such_a_characteristic_refuses(air: VirtualRadio) -> None:
    wearable = KINDS["strap"](STRAP)
    await air.add(wearable)
    async with linked(air, wearable) as client:
        with pytest.raises(BleakGATTProtocolError):
            await client.write_gatt_char("2A39", b"\x07", response=True)
        await client.write_gatt_char("2A39", b"\x01", response=True)
        assert wearable.energy_resets == 1  # type: ignore[attr-defined]
