"""A radio without a radio: bleak's own scanner and client over Bumble's Bluetooth stack, all in this process.

Nothing of bleak is replaced but the backend: advertising, connecting, service discovery, ATT and its errors
are real, the air between the controllers is a function call. There is no distance, noise or loss in it, so a
wearable that walks out of reach is one whose link is dropped and that stops advertising.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import att, core, hci
from bumble.controller import Controller
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection, Device, DeviceConfiguration, Peer
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from device.adapter import Radio
from device.virtual.wearables import Wearable

_T = TypeVar("_T")
_CENTRAL_ADDRESS = "F0:F0:F0:F0:F0:F0"
_MTU = 517


class _Controller(Controller):
    """Bumble's virtual controller, with the one command that it acknowledges without doing anything."""

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Stop waiting for the device, so that the next connection may be asked for."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is not None:
            asyncio.get_running_loop().call_soon(self._tell_cancelled, pending.peer_address)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def _tell_cancelled(self, peer: hci.Address) -> None:
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=peer.address_type,
                peer_address=peer,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )


def _plug(link: LocalLink, config: DeviceConfiguration) -> tuple[_Controller, Device]:
    """Make a controller on the link and a host device on top of it."""
    controller = _Controller(config.name, link=link)
    # Packets pass through the event loop, as from a real controller: no call nests into the other side.
    device = Device.from_config_with_hci(config, controller, AsyncPipeSink(controller))
    return controller, device


async def _whole(call: Coroutine[Any, Any, _T]) -> _T:
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


@dataclass
class _Central:
    """The near side: the Bumble device that scans and connects, and what all its clients share."""

    device: Device
    delivered: int = 0
    scanners: set[BaseBleakScanner] = field(default_factory=set)
    connecting: asyncio.Lock = field(
        default_factory=asyncio.Lock
    )  # a controller makes one connection at a time


class VirtualRadio:
    """The air, this machine's adapter in it, and the wearables that were added; an async context manager.

    `radio` is what `watch` and `scan` take. `delivered` counts the values handed to bleak's callbacks.
    """

    def __init__(self) -> None:
        self._link = LocalLink()  # type: ignore[no-untyped-call]  # Bumble left its __init__ unannotated
        self._wearables: list[Wearable] = []
        self._central: _Central | None = None

    async def __aenter__(self) -> Self:
        # Bumble warns of everything that a wearable out of reach leaves unanswered: here that is the play.
        log = logging.getLogger("bumble")
        if log.level == logging.NOTSET:
            log.setLevel(logging.ERROR)
        config = DeviceConfiguration(name="virtual adapter", address=hci.Address(_CENTRAL_ADDRESS))
        _, device = _plug(self._link, config)
        await device.power_on()
        self._central = _Central(device)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for wearable in self._wearables:
            await wearable.detach()
        self._wearables.clear()
        await self._on.device.power_off()
        self._central = None

    @property
    def _on(self) -> _Central:
        if self._central is None:
            raise RuntimeError("the virtual radio is only there inside its `async with` block")
        return self._central

    @property
    def radio(self) -> Radio:
        """The backend classes for bleak, bound to this radio."""
        scanner = type("VirtualScanner", (VirtualScanner,), {"central": self._on})
        client = type("VirtualClient", (VirtualClient,), {"central": self._on, "scanner": scanner})
        return Radio(scanner=scanner, client=client)

    @property
    def delivered(self) -> int:
        """How many notifications and indications were handed to bleak's callbacks so far."""
        return self._on.delivered

    async def add(self, wearable: Wearable) -> None:
        """Switch a wearable on: it advertises, and can be connected to."""
        _, device = _plug(self._link, wearable.configuration)
        await wearable.attach(device)
        self._wearables.append(wearable)


_UUID_LISTS = (
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)


def _uuid(uuid: core.UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))


def _advertised(advertisement: Advertisement) -> AdvertisementData:
    """Put what was advertised into bleak's words. Service and manufacturer data are not carried over."""
    data = advertisement.data
    name = data.get(AdvertisingData.COMPLETE_LOCAL_NAME) or data.get(AdvertisingData.SHORTENED_LOCAL_NAME)
    return AdvertisementData(
        local_name=name if isinstance(name, str) else None,
        manufacturer_data={},
        service_data={},
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
    """A bleak scanner backend over the virtual radio."""

    central: ClassVar[_Central]

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
        self.seen_devices = {}
        central.device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        central.scanners.add(self)
        try:
            if len(central.scanners) == 1:
                await _whole(central.device.start_scanning(active=self._active))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop this scanner; does nothing when it does not scan."""
        central = self.central
        if self in central.scanners:
            central.device.remove_listener(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
            central.scanners.discard(self)
            if not central.scanners:
                await _whole(central.device.stop_scanning())


class VirtualClient(BaseBleakClient):
    """A bleak client backend over the virtual radio. Connects to a `BLEDevice` that its scanner found."""

    central: ClassVar[_Central]
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

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect and discover everything. Raises `BleakError` or `TimeoutError`."""
        if self._connection is not None:
            raise BleakError("Client is already connected")
        if self._found is None:
            raise BleakDeviceNotFoundError(self.address, "Give the BLEDevice that a scanner found")
        central = self.central
        async with central.connecting:
            # A task of its own: cancelled midway, Bumble would not recognise a link that comes up then.
            attempt = asyncio.create_task(central.device.connect(self._found.details, timeout=None))
            try:
                async with asyncio.timeout(self._timeout):
                    connection = await asyncio.shield(attempt)
            except core.BaseBumbleError as e:
                raise BleakError(f"Connection failed: {e}") from e
            except (TimeoutError, asyncio.CancelledError):
                await self._withdraw(attempt)
                raise
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        try:
            if pair:
                await self.pair()
            await self._call(self._discover(Peer(connection)))
        except BaseException:
            await self.disconnect()
            raise

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
        await peer.discover_services()
        found = BleakGATTServiceCollection()
        for s in peer.services:
            service = BleakGATTService(s, s.handle, _uuid(s.uuid))
            found.add_service(service)
            for c in await s.discover_characteristics():
                properties = list(gatt_char_props_to_strs(c.properties))
                characteristic = BleakGATTCharacteristic(
                    c, c.handle, _uuid(c.uuid), properties, lambda: self.mtu_size - 3, service
                )
                found.add_characteristic(characteristic)
                for d in await c.discover_descriptors():
                    found.add_descriptor(BleakGATTDescriptor(d, d.handle, _uuid(d.type), characteristic))
        self.services = found

    def _on_disconnection(self, _reason: int) -> None:
        self._connection, self.services, self._subscribers = None, None, {}
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        """End the link; does nothing when it is down."""
        if self._connection is not None:
            try:
                await _whole(self._connection.disconnect(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR))
            except hci.HCI_StatusError as e:
                # The other side was quicker: there is no such connection any more.
                if self._connection is not None:
                    raise BleakError(f"Disconnecting failed: {e}") from e

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """Pair, or encrypt with the keys of an earlier pairing."""
        link, keys = self._link, self.central.device.keystore
        if keys and await keys.get(str(link.peer_address)):
            await self._call(link.encrypt())
        else:
            await self._call(link.pair())

    async def unpair(self) -> None:
        """Forget the keys, and end the link."""
        keys = self.central.device.keystore
        if keys and self._connection is not None:
            await keys.delete(str(self._connection.peer_address))
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

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a characteristic from the device."""
        return bytearray(await self._call(characteristic.obj.read_value()))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a descriptor from the device."""
        return bytearray(await self._call(descriptor.obj.read_value()))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a characteristic."""
        await self._call(characteristic.obj.write_value(bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        await self._call(descriptor.obj.write_value(bytes(data), with_response=True))

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
            await self._call(characteristic.obj.subscribe(on_value))
        except BaseException:
            self._subscribers.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe; does nothing when not subscribed."""
        on_value = self._subscribers.pop(characteristic.handle, None)
        if on_value is not None:
            await self._call(characteristic.obj.unsubscribe(on_value))
