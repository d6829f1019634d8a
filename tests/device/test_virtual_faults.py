"""Every fault does at the radio what it says. How a link takes it is in test_link.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError
from bleak.exc import BleakGATTProtocolError as ProtocolError

from device import DecodeError, decode
from device.gatt import HeartRateMeasurement
from device.virtual import (
    FACTORY,
    Bonding,
    ChestStrap,
    Frames,
    GlucoseMeter,
    MiScale,
    OwnClock,
    Steady,
    Step,
    Thermometer,
    Unbonded,
    VirtualRadio,
)
from tests.device.conftest import STRAP
from tests.device.test_virtual_wearables import find

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BEAT = bytes(HeartRateMeasurement(61, True, None, (1007,)))


async def settled(condition: Callable[[], bool]) -> bool:
    """Wait until something is so; false when it is not within two seconds."""
    for _ in range(2000):
        if condition():
            return True
        await asyncio.sleep(0.001)
    return condition()


def client_of(air: VirtualRadio, found: object, *, pair: bool = False) -> BleakClient:
    backend = air.radio.client
    assert backend is not None
    return BleakClient(found, pair=pair, backend=backend)  # type: ignore[arg-type]


async def connected(air: VirtualRadio, address: str = STRAP, *, pair: bool = False) -> BleakClient:
    client = client_of(air, await find(air, address), pair=pair)
    await client.connect()
    return client


async def listen(client: BleakClient, heard: list[bytes], name: str = "2A37") -> None:
    await client.start_notify(name, lambda _, value: heard.append(bytes(value)))


@pytest.mark.parametrize("step", [Step.CONNECT, Step.DISCOVERY])
async def test_the_link_drops_before_it_is_of_use(air: VirtualRadio, strap: ChestStrap, step: Step) -> None:
    strap.faults.drop_at(step)
    with pytest.raises(BleakError):
        await connected(air)
    assert (await connected(air)).is_connected, "once was enough"


@pytest.mark.parametrize("step", [Step.READ, Step.SUBSCRIBE, Step.WRITE])
async def test_the_link_drops_at_a_request(air: VirtualRadio, strap: ChestStrap, step: Step) -> None:
    strap.faults.drop_at(step, after=1)
    client = await connected(air)

    async def request() -> None:
        if step is Step.READ:
            await client.read_gatt_char("2A19")
        elif step is Step.SUBSCRIBE:
            await client.start_notify("2A37", lambda *_: None)
            await client.stop_notify("2A37")
        else:
            await client.write_gatt_char("2A39", b"\x01", response=True)

    if step is not Step.SUBSCRIBE:  # which subscribes and unsubscribes
        await request()
    with pytest.raises(BleakError):
        await request()
    assert await settled(lambda: not client.is_connected)


async def test_the_link_drops_at_the_nth_notification(air: VirtualRadio, strap: ChestStrap) -> None:
    strap.faults.drop_at(Step.NOTIFY, after=3)
    heard: list[bytes] = []
    client = await connected(air)
    await listen(client, heard)
    assert [await strap.send(BEAT) for _ in range(5)] == [True] * 3 + [False] * 2
    assert await settled(lambda: not client.is_connected)
    assert heard == [BEAT] * 3


async def test_a_request_is_never_answered(air: VirtualRadio, strap: ChestStrap) -> None:
    strap.faults.hang_at(Step.READ)
    client = await connected(air)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.read_gatt_char("2A19")
    assert client.is_connected
    assert await client.read_gatt_char("2A19") == b"\x50"


async def test_out_of_range_is_not_heard_until_it_is_back(air: VirtualRadio, strap: ChestStrap) -> None:
    client = await connected(air)
    await strap.go_away()
    assert await settled(lambda: not client.is_connected)
    scanner = air.radio.scanner
    assert scanner is not None
    assert await BleakScanner.find_device_by_address(STRAP, 0.1, backend=scanner) is None
    await strap.come_back()
    assert (await connected(air)).is_connected


@pytest.mark.parametrize("frames", [Frames.TRUNCATED, Frames.OVERSIZED, Frames.MALFORMED])
async def test_frames_are_spoilt(air: VirtualRadio, strap: ChestStrap, frames: Frames) -> None:
    strap.faults.frames, strap.faults.every = frames, 2
    heard: list[bytes] = []
    await listen(await connected(air), heard)
    for _ in range(4):
        await strap.send(BEAT)
    assert await settled(lambda: len(heard) == 4)
    assert heard[0::2] == [BEAT] * 2
    assert BEAT not in heard[1::2]
    if frames is not Frames.MALFORMED:  # random bytes may mean something
        with pytest.raises(DecodeError):
            decode("2A37", heard[1])


async def test_the_last_frames_come_again_after_reconnecting(air: VirtualRadio, strap: ChestStrap) -> None:
    strap.faults.repeats = 2
    first: list[bytes] = []
    client = await connected(air)
    await listen(client, first)
    for rate in range(60, 65):
        await strap.send(bytes(HeartRateMeasurement(rate)))
    assert await settled(lambda: len(first) == 5)
    await strap.drop_link()
    again: list[bytes] = []
    await listen(await connected(air), again)
    assert await settled(lambda: len(again) == 2)
    assert again == first[-2:]


async def test_a_flood_arrives_whole(air: VirtualRadio, strap: ChestStrap) -> None:
    heard: list[bytes] = []
    client = await connected(air)
    await listen(client, heard)
    assert await strap.flood(bytes((0, n % 256)) for n in range(1000)) == 1000
    assert await settled(lambda: len(heard) == 1000)
    assert heard == [bytes((0, n % 256)) for n in range(1000)]
    await client.disconnect()
    assert await strap.flood([BEAT] * 3) == 0


async def test_silent_keeps_the_link(air: VirtualRadio, strap: ChestStrap) -> None:
    heard: list[bytes] = []
    client = await connected(air)
    await listen(client, heard)
    strap.faults.silent = True
    assert await strap.send(BEAT)
    assert await client.read_gatt_char("2A19") == b"\x50"
    assert heard == []
    strap.faults.silent = False
    await strap.send(BEAT)
    assert await settled(lambda: heard == [BEAT])


async def test_a_battery_dies_and_is_changed(air: VirtualRadio, strap: ChestStrap) -> None:
    heard: list[bytes] = []
    client = await connected(air)
    await listen(client, heard, "2A19")
    await strap.battery_dies((9, 2))
    assert await settled(lambda: not client.is_connected)
    assert heard == [b"\x09", b"\x02"]
    await strap.new_battery()
    assert await (await connected(air)).read_gatt_char("2A19") == b"\x64"


async def test_a_clock_that_is_off_and_is_set(air: VirtualRadio) -> None:
    thermometer = Thermometer(STRAP, clock=OwnClock(lambda: NOW, offset=timedelta(hours=-2)))
    await air.add(thermometer)
    client = await connected(air)
    assert bytes(await client.read_gatt_char("2A2B"))[:7] == bytes((0xEA, 0x07, 3, 2, 7, 0, 0))
    right = bytes((0xEA, 0x07, 3, 2, 9, 0, 0, 1, 0, 0))
    await client.write_gatt_char("2A2B", right, response=True)
    assert thermometer.clock() == NOW
    with pytest.raises(ProtocolError):
        await client.write_gatt_char("2A2B", bytes(10), response=True)
    with pytest.raises(ProtocolError):
        await client.write_gatt_char("2A2B", right[:7], response=True)


async def test_a_clock_that_stands_and_cannot_be_set(air: VirtualRadio) -> None:
    thermometer = Thermometer(STRAP, clock=OwnClock(lambda: NOW, stopped_at=FACTORY, settable=False))
    await air.add(thermometer)
    client = await connected(air)
    assert bytes(await client.read_gatt_char("2A2B"))[:4] == bytes((0xE5, 0x07, 1, 1))
    point = client.services.get_characteristic("2A2B")
    assert point is not None
    assert "write" not in point.properties
    with pytest.raises(ProtocolError):
        await client.write_gatt_char(point, bytes(10), response=True)


async def test_nothing_is_told_without_a_bond(air: VirtualRadio) -> None:
    meter = GlucoseMeter(STRAP)
    await air.add(meter)
    client = await connected(air)
    for name in ("2A18", "2A52"):
        with pytest.raises(ProtocolError) as caught:
            await client.start_notify(name, lambda *_: None)
        assert int(caught.value.code) == 0x05  # insufficient authentication
    with pytest.raises(ProtocolError):
        await client.read_gatt_char("2A51")
    assert await client.read_gatt_char("2A24")  # who it is, anybody may know
    await client.pair()
    await client.start_notify("2A52", lambda *_: None)
    assert meter.bonded
    assert meter.encrypted


async def test_a_bond_that_the_wearable_forgot(air: VirtualRadio) -> None:
    meter = GlucoseMeter(STRAP)
    await air.add(meter)
    await connected(air, pair=True)
    await meter.drop_link()
    client = await connected(air)  # the link is encrypted by itself with the keys of before
    assert await client.read_gatt_char("2A51")
    await meter.forget_bonds()
    with pytest.raises(BleakError):
        await connected(air)
    found = await find(air)
    await client_of(air, found).unpair()  # needs no connection
    assert await (await connected(air, pair=True)).read_gatt_char("2A51")


class Person:
    """Answers what a machine asks while it pairs."""

    def __init__(self, digits: int | None, same: bool = True) -> None:
        self.digits, self.same = digits, same
        self.asked: list[str] = []

    async def passkey(self, device: str) -> int | None:
        self.asked.append(device)
        return self.digits

    async def confirm(self, device: str, passkey: int) -> bool:
        self.asked.append(f"{device} {passkey}")
        return self.same

    def show(self, device: str, passkey: int) -> None:
        raise AssertionError("nothing is to be typed on a wearable")


@pytest.mark.parametrize(
    ("bonding", "person", "pairs"),
    [
        (Bonding.PASSKEY, Person(482913), True),
        (Bonding.PASSKEY, Person(111111), False),
        (Bonding.PASSKEY, Person(None), False),
        (Bonding.PASSKEY, None, False),
        (Bonding.NUMERIC, Person(None), True),
        (Bonding.NUMERIC, Person(None, same=False), False),
        (Bonding.NUMERIC, None, False),
        (Bonding.JUST_WORKS, None, True),
        (Bonding.JUST_WORKS, Person(None), True),
    ],
)
async def test_pairing_with_digits(bonding: Bonding, person: Person | None, pairs: bool) -> None:
    async with VirtualRadio(ask=person) as air:
        meter = GlucoseMeter(STRAP, bonding=bonding, passkey=482913)
        await air.add(meter)
        client = await connected(air)
        if not pairs:
            with pytest.raises(BleakError):
                await client.pair()
            assert not meter.encrypted
            return
        await client.pair()
        assert await client.read_gatt_char("2A51")
        if person is not None and bonding is not Bonding.JUST_WORKS:
            assert person.asked[0].startswith(STRAP)


async def test_a_protected_read_hangs_as_on_bluez_without_an_agent() -> None:
    async with VirtualRadio(unbonded=Unbonded.HANGS) as air:
        await air.add(GlucoseMeter(STRAP))
        client = await connected(air)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.read_gatt_char("2A51")
        assert await client.read_gatt_char("2A24")


async def test_a_protected_read_pairs_as_on_bluez_with_an_agent() -> None:
    person = Person(482913)
    async with VirtualRadio(ask=person, unbonded=Unbonded.PAIRS) as air:
        await air.add(GlucoseMeter(STRAP, bonding=Bonding.PASSKEY, passkey=482913))
        assert await (await connected(air)).read_gatt_char("2A51")
        assert person.asked == [STRAP]


async def test_a_changed_table_is_found_anew(air: VirtualRadio, strap: ChestStrap) -> None:
    before = (await connected(air)).services.get_characteristic("2A37")
    await strap.change_table()
    client = await connected(air)
    after = client.services.get_characteristic("2A37")
    assert before is not None
    assert after is not None
    assert before.handle != after.handle
    heard: list[bytes] = []
    await listen(client, heard)
    await strap.send(BEAT)
    assert await settled(lambda: heard == [BEAT])


async def test_a_machine_that_keeps_the_table_is_wrong_until_it_unpairs() -> None:
    async with VirtualRadio(keeps_tables=True) as air:
        meter = GlucoseMeter(STRAP)
        await air.add(meter)
        assert await (await connected(air, pair=True)).read_gatt_char("2A51") == b"\x01\x02"
        await meter.drop_link()
        kept = await connected(air)
        assert await kept.read_gatt_char("2A51") == b"\x01\x02", "the table is still right"
        await meter.change_table()
        stale = await connected(air)
        assert await stale.read_gatt_char("2A51") != b"\x01\x02", "another characteristic is there now"
        with pytest.raises(ProtocolError):
            await stale.start_notify("2A52", lambda *_: None)
        await stale.unpair()
        assert await (await connected(air, pair=True)).read_gatt_char("2A51") == b"\x01\x02"


async def test_an_adapter_that_goes_off(air: VirtualRadio, strap: ChestStrap) -> None:
    client = await connected(air)
    heard: list[str] = []
    assert air.radio.scanner is not None
    scanner = BleakScanner(lambda device, _: heard.append(device.address), backend=air.radio.scanner)
    await scanner.start()
    await air.adapter_off()
    assert not client.is_connected
    heard.clear()
    with pytest.raises(BleakBluetoothNotAvailableError) as caught:
        await BleakScanner(backend=air.radio.scanner).start()
    assert caught.value.reason is BleakBluetoothNotAvailableReason.POWERED_OFF
    await air.adapter_on()
    await strap.go_away()
    await strap.come_back()
    await asyncio.sleep(0.05)
    assert heard == [], "a scanner that was running stays deaf, as BlueZ's does"
    await scanner.stop()
    assert (await connected(air)).is_connected
    await air.adapter_off(removed=True)
    with pytest.raises(BleakBluetoothNotAvailableError) as caught:
        await BleakScanner(backend=air.radio.scanner).start()
    assert caught.value.reason is BleakBluetoothNotAvailableReason.NO_BLUETOOTH


async def test_an_adapter_that_goes_off_while_it_connects(air: VirtualRadio, strap: ChestStrap) -> None:
    found = await find(air)
    await strap.go_away()
    connecting = asyncio.create_task(client_of(air, found).connect())
    await asyncio.sleep(0.05)
    await air.adapter_off()
    with pytest.raises(BleakError):
        await asyncio.wait_for(connecting, 2)


async def test_an_advertisement_carries_its_data(air: VirtualRadio) -> None:
    scale = MiScale(STRAP)
    await scale_has(scale)
    await air.add(scale)
    assert air.radio.scanner is not None
    found = await BleakScanner.discover(timeout=0.1, return_adv=True, backend=air.radio.scanner)
    _, advertised = found[STRAP]
    [data] = advertised.service_data.values()
    assert decode("xiaomi:2A9D", data).weight == 71.5  # type: ignore[attr-defined]
    assert advertised.local_name == "MI SCALE2"


async def scale_has(scale: MiScale) -> None:
    """Have a scale weigh before anybody is there to hear it."""
    scale._value = bytes(scale.observe(Steady({"weight": 71.5}), NOW)[-1])


async def test_two_radios_do_not_hear_each_other(air: VirtualRadio, strap: ChestStrap) -> None:
    async with VirtualRadio() as other:
        assert other.radio.scanner is not None
        assert await BleakScanner.find_device_by_address(STRAP, 0.1, backend=other.radio.scanner) is None
        assert (await connected(air)).is_connected
        assert strap.linked
