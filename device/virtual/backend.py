"""The bleak backend: a scanner and a client over Bumble. Nothing else of bleak is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bleak.uuids import normalize_uuid_str
from bumble import att, core, hci
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy, Client, DescriptorProxy, ServiceProxy

from device.agent import Ask
from device.virtual import bonding

_T = TypeVar("_T")
_MTU = 517
_UNPROTECTED = frozenset({0x05, 0x0F})  # insufficient authentication, insufficient encryption
_OFF = {
    BleakBluetoothNotAvailableReason.POWERED_OFF: "the adapter is powered off",
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: "there is no adapter",
}


class Unbonded(StrEnum):
    """What becomes of reading or writing something protected without a bond."""

    REFUSED = "refused"
    """The error comes out."""
    HANGS = "hangs"
    """It is never answered, as BlueZ has it that finds no agent to pair with."""
    PAIRS = "pairs"
    """The machine pairs by itself, and asks again, as BlueZ does with an agent."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A service as it was discovered once: what a machine keeps of a device that it is bonded to."""

    handle: int
    end: int
    uuid: core.UUID
    characteristics: tuple[tuple[int, int, core.UUID, int, tuple[tuple[int, core.UUID], ...]], ...]


@dataclass
class Central:
    """The near side: the Bumble device that scans and connects, and what all its clients share."""

    device: Device
    delivered: int = 0
    ask: Ask | None = None
    unbonded: Unbonded = Unbonded.REFUSED
    keeps_tables: bool = False
    off: BleakBluetoothNotAvailableReason | None = None
    turned_off: asyncio.Event = field(default_factory=asyncio.Event)
    scanners: set[VirtualScanner] = field(default_factory=set)
    tables: dict[str, tuple[_Kept, ...]] = field(default_factory=dict)
    # A controller makes one connection at a time.
    connecting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def check(self) -> None:
        """Raise what BlueZ does without an adapter that is powered."""
        if self.off is not None:
            raise BleakBluetoothNotAvailableError(_OFF[self.off], self.off)


async def whole(call: Coroutine[Any, Any, _T]) -> _T:
    """Run commands to the controller to their end, even when cancelled meanwhile; then be cancelled.

    Bumble's host is out of step with its controller once it has forgotten half a command. The virtual
    controller always answers, so this never waits long.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


_UUID_LISTS = (
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)
_SERVICE_DATA = (AdvertisingData.SERVICE_DATA_16_BIT_UUID, AdvertisingData.SERVICE_DATA_128_BIT_UUID)


def _uuid(uuid: core.UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))


def _advertised(advertisement: Advertisement) -> AdvertisementData:
    """Put what was advertised into bleak's words."""
    data = advertisement.data
    name = data.get(AdvertisingData.COMPLETE_LOCAL_NAME) or data.get(AdvertisingData.SHORTENED_LOCAL_NAME)
    return AdvertisementData(
        local_name=name if isinstance(name, str) else None,
        manufacturer_data={
            part[0]: part[1]
            for part in data.get_all(AdvertisingData.MANUFACTURER_SPECIFIC_DATA)
            if isinstance(part, tuple) and isinstance(part[0], int) and isinstance(part[1], bytes)
        },
        service_data={
            _uuid(part[0]): part[1]
            for kind in _SERVICE_DATA
            for part in data.get_all(kind)
            if isinstance(part, tuple) and isinstance(part[0], core.UUID) and isinstance(part[1], bytes)
        },
        service_uuids=[
            _uuid(uuid)
            for kind in _UUID_LISTS
            for uuids in data.get_all(kind)
            if isinstance(uuids, list)
            for uuid in uuids
        ],
        tx_power=None,
        rssi=advertisement.rssi,
        platform_data=(advertisement,),
    )


class VirtualScanner(BaseBleakScanner):
    """A bleak scanner backend over the virtual radio.

    One that scans while the adapter goes off stays deaf, as BlueZ's do: it is stopped and started anew.
    """

    central: ClassVar[Central]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        data = _advertised(advertisement)
        if self.is_allowed_uuid(data.service_uuids):
            address = advertisement.address.to_string(with_type_qualifier=False)
            device = self.create_or_update_device(
                address, address, data.local_name, advertisement.address, data
            )
            self.call_detection_callbacks(device, data)

    async def start(self) -> None:
        """Scan until stopped; the controller scans while any scanner does."""
        central = self.central
        central.check()
        self.seen_devices = {}
        central.device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        central.scanners.add(self)
        try:
            if len(central.scanners) == 1:
                await whole(central.device.start_scanning(active=self._active))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop this scanner; does nothing when it does not scan."""
        central = self.central
        if self in central.scanners:
            self.deafen()
            if not central.scanners:
                await whole(central.device.stop_scanning())

    def deafen(self) -> None:
        """Hear nothing from now on."""
        self.central.device.remove_listener(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        self.central.scanners.discard(self)


class VirtualClient(BaseBleakClient):
    """A bleak client backend over the virtual radio. Connects to a `BLEDevice` that its scanner found."""

    central: ClassVar[Central]
    scanner: ClassVar[type[VirtualScanner]]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None = None,
        timeout: float = 30.0,
        **_: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._found = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._connection: Connection | None = None
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """The advertised name, else the address with dashes."""
        return (self._found.name if self._found else None) or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """The negotiated MTU in bytes."""
        return self._link.att_mtu

    @property
    def is_connected(self) -> bool:
        """Whether the link is up."""
        return self._connection is not None

    @property
    def _link(self) -> Connection:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    @property
    def _key(self) -> str:
        """The name under which Bumble keeps the keys of the device."""
        return str(self._found.details if self._found else hci.Address(self.address))

    async def _bonded(self) -> bool:
        keys = self.central.device.keystore
        return keys is not None and await keys.get(self._key) is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect and discover everything. Raises `BleakError` or `TimeoutError`.

        With the keys of an earlier pairing the link is encrypted first of all.
        """
        if self._connection is not None:
            raise BleakError("Client is already connected")
        central = self.central
        central.check()
        if self._found is None:
            raise BleakDeviceNotFoundError(self.address, "Give the BLEDevice that a scanner found")
        async with central.connecting:
            connection = await self._reach(self._found)
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        try:
            if pair or await self._bonded():
                await self.pair()
            await self._call(self._discover(Peer(connection)))
        except BaseException:
            await self.disconnect()
            raise

    async def _reach(self, found: BLEDevice) -> Connection:
        central = self.central
        # A task of its own: cancelled midway, Bumble would not recognise a link that comes up then.
        attempt = asyncio.create_task(central.device.connect(found.details, timeout=None))
        gone = asyncio.create_task(central.turned_off.wait())
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.wait({attempt, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not attempt.done():
                await self._withdraw(attempt)
                central.check()
            return attempt.result()
        except core.BaseBumbleError as e:
            raise BleakError(f"Connection failed: {e}") from e
        except (TimeoutError, asyncio.CancelledError):
            await self._withdraw(attempt)
            raise
        finally:
            gone.cancel()

    async def _withdraw(self, attempt: asyncio.Task[Connection]) -> None:
        """Stop trying to connect, and let go of a link that came up all the same."""
        while not attempt.done():
            # More than once: the request to connect may only be on its way to the controller.
            await self.central.device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
            await asyncio.wait({attempt}, timeout=0.02)
        if attempt.exception() is None:
            await attempt.result().disconnect(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)

    async def _discover(self, peer: Peer) -> None:
        await peer.request_mtu(_MTU)
        kept = self.central.tables.get(self._key) if self.central.keeps_tables else None
        if kept is not None and await self._bonded():
            self.services = self._collect(_restored(peer.gatt_client, kept))
            return
        await peer.discover_services()
        for service in peer.services:
            for characteristic in await service.discover_characteristics():
                await characteristic.discover_descriptors()
        self.services = self._collect(peer.services)
        self.central.tables[self._key] = _keep(peer.services)

    def _collect(self, services: list[ServiceProxy]) -> BleakGATTServiceCollection:
        """Put what was discovered into bleak's words."""
        found = BleakGATTServiceCollection()
        for s in services:
            service = BleakGATTService(s, s.handle, _uuid(s.uuid))
            found.add_service(service)
            for c in s.characteristics:
                properties = list(gatt_char_props_to_strs(c.properties))
                characteristic = BleakGATTCharacteristic(
                    c, c.handle, _uuid(c.uuid), properties, lambda: self.mtu_size - 3, service
                )
                found.add_characteristic(characteristic)
                for d in c.descriptors:
                    found.add_descriptor(BleakGATTDescriptor(d, d.handle, _uuid(d.type), characteristic))
        return found

    def _on_disconnection(self, _reason: int) -> None:
        self._connection, self.services, self._subscribers = None, None, {}
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        """End the link; does nothing when it is down."""
        if self._connection is not None:
            try:
                await whole(self._connection.disconnect(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR))
            except hci.HCI_StatusError as e:
                # The other side was quicker: there is no such connection any more.
                if self._connection is not None:
                    raise BleakError(f"Disconnecting failed: {e}") from e

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """Pair, or encrypt with the keys of an earlier pairing."""
        link = self._link
        if await self._bonded():
            await self._call(link.encrypt())
            return
        delegate = bonding.MachineSide(self.central.ask, self.address.upper())
        self.central.device.pairing_config_factory = lambda _: bonding.config(delegate)
        await self._call(link.pair())

    async def unpair(self) -> None:
        """Forget the keys and the table, and end the link; there need not be one."""
        keys = self.central.device.keystore
        if keys is not None and await self._bonded():
            await keys.delete(self._key)
        self.central.tables.pop(self._key, None)
        await self.disconnect()

    async def _call(self, call: Awaitable[_T]) -> _T:
        """Run something over the link; end it when the link drops; errors come out as bleak's own."""
        try:
            return await self._link.cancel_on_disconnection(call)
        except att.ATT_Error as e:
            raise BleakGATTProtocolError(int(e.error_code)) from e
        except core.BaseBumbleError as e:
            raise BleakError(str(e)) from e
        except asyncio.CancelledError:
            if self._connection is None:
                raise BleakError("Disconnected") from None
            raise

    async def _guarded(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Read or write something that may be protected, and meet what the machine does without a bond."""
        unbonded = self.central.unbonded
        try:
            return await self._call(ask())
        except BleakGATTProtocolError as e:
            if unbonded is Unbonded.REFUSED or int(e.code) not in _UNPROTECTED:
                raise
        if unbonded is Unbonded.PAIRS:
            await self.pair()
            return await self._call(ask())
        return await self._call(asyncio.get_running_loop().create_future())

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a characteristic from the device."""
        return bytearray(await self._guarded(characteristic.obj.read_value))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a descriptor from the device."""
        return bytearray(await self._guarded(descriptor.obj.read_value))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a characteristic."""
        value = bytes(data)
        await self._guarded(lambda: characteristic.obj.write_value(value, with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        value = bytes(data)
        await self._guarded(lambda: descriptor.obj.write_value(value, with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        """Subscribe to notifications, or to indications where only those are offered."""
        central = self.central

        def on_value(value: bytes) -> None:
            callback(bytearray(value))
            central.delivered += 1

        self._subscribers[characteristic.handle] = on_value
        try:
            await self._guarded(lambda: characteristic.obj.subscribe(on_value))
        except BaseException:
            self._subscribers.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe; does nothing when not subscribed."""
        on_value = self._subscribers.pop(characteristic.handle, None)
        if on_value is not None:
            await self._call(characteristic.obj.unsubscribe(on_value))


def _keep(services: list[ServiceProxy]) -> tuple[_Kept, ...]:
    return tuple(
        _Kept(
            s.handle,
            s.end_group_handle,
            s.uuid,
            tuple(
                (
                    c.handle,
                    c.end_group_handle,
                    c.uuid,
                    int(c.properties),
                    tuple((d.handle, d.type) for d in c.descriptors),
                )
                for c in s.characteristics
            ),
        )
        for s in services
    )


def _restored(client: Client, kept: tuple[_Kept, ...]) -> list[ServiceProxy]:
    """Make a table out of what was kept, whether or not the device still has it so."""
    services = []
    for was in kept:
        service = ServiceProxy(client, was.handle, was.end, was.uuid)  # type: ignore[no-untyped-call]
        for handle, end, uuid, properties, descriptors in was.characteristics:
            characteristic = CharacteristicProxy[bytes](client, handle, end, uuid, properties)
            characteristic.descriptors = [DescriptorProxy(client, at, kind) for at, kind in descriptors]
            characteristic.descriptors_discovered = True
            service.characteristics.append(characteristic)
        services.append(service)
    client.services = services
    return services
