"""What every virtual wearable is: a real GATT server that measures what it is told to measure."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from bumble import hci
from bumble.att import ATT_Error, Attribute, ErrorCode
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR as CCCD
from bumble.gatt import Characteristic, CharacteristicValue, Descriptor, Service
from bumble.keys import MemoryKeyStore

from device.errors import LinkError
from device.gatt import CurrentTime, DateTime, Measurement, short_uuid
from device.gatt import device_information as info
from device.gatt.battery import BatteryLevel
from device.gatt.device_information import DeviceInformationString
from device.gatt.measurement import Characteristic as Readable
from device.virtual import bonding as bonds
from device.virtual.bonding import Bonding, WearableSide
from device.virtual.faults import Faults, Harm, Step
from device.virtual.own_clock import OwnClock
from device.virtual.server import FaultyServer, drop
from device.virtual.signals import Signals

_ADVERTISING_INTERVAL_MS = 20.0  # the shortest that Bluetooth allows: nobody waits for a virtual device
_DISCOVERABLE = bytes((0x06,))  # LE general discoverable, no classic Bluetooth
_READ = Characteristic.Properties.READ
_WRITE = Characteristic.Properties.WRITE
_COMMAND = Characteristic.Properties.WRITE_WITHOUT_RESPONSE
_NOTIFY = Characteristic.Properties.NOTIFY
_INDICATE = Characteristic.Properties.INDICATE
_NOTHING = Attribute.Permissions(0)
_READABLE = Attribute.Permissions.READABLE
_WRITEABLE = Attribute.Permissions.WRITEABLE
_READ_ENCRYPTED = Attribute.Permissions.READ_REQUIRES_ENCRYPTION
_WRITE_ENCRYPTED = Attribute.Permissions.WRITE_REQUIRES_ENCRYPTION
_ADDED_SERVICE = "0000fe01-1212-efde-1523-785feabcd123"
_ADDED = 24  # characteristics, so that all handles of before belong to them
_TIME_SIZES = {CurrentTime.UUID: 10, DateTime.UUID: 7}
"""A Current Time begins with a Date Time."""

Write = Callable[[Connection, bytes], None]
"""What a characteristic does with what is written to it. Refuses with an `ATT_Error`."""


def _no_reading(_: Connection) -> bytes:
    raise ATT_Error(ErrorCode.READ_NOT_PERMITTED)


def _no_writing(_: Connection, _value: bytes) -> None:
    raise ATT_Error(ErrorCode.WRITE_NOT_PERMITTED)


class Wearable:
    """One virtual device: what it measures, its battery, its clock, and who it says it is.

    `service` and `measurement` number what it measures first of all; `indicates` tells whether each value is
    confirmed by the receiver. `features` are further characteristics that can be read. `bonding` is what it
    wants before it tells anything, `takes_time` whether it has a Current Time service. `faults` are switches.
    A kind with more than that extends `_measures`, and what it makes of its wearer is `observe`.
    """

    service: ClassVar[str]
    measurement: ClassVar[str]
    indicates: ClassVar[bool] = False
    features: Sequence[Readable] = ()
    model: ClassVar[str]
    bonding: Bonding = Bonding.NONE
    takes_time: bool = False
    manufacturer: ClassVar[str] = "Virtual"

    def __init__(
        self,
        address: str,
        name: str = "",
        *,
        battery: int = 80,
        bonding: Bonding | None = None,
        passkey: int = 123456,
        clock: OwnClock | None = None,
        takes_time: bool | None = None,
    ) -> None:
        self.address = address.upper()
        self.name = name or self.model
        self.battery = battery
        self.passkey = passkey
        self.clock = clock or OwnClock()
        self.faults = Faults()
        self.connected = 0
        if bonding is not None:
            self.bonding = bonding
        if takes_time is not None:
            self.takes_time = takes_time
        self._device: Device | None = None
        self._sent: dict[str, Characteristic[bytes]] = {}
        self._last: deque[tuple[str, bytes]] = deque(maxlen=64)
        self._repeat = 0
        self._moved = False
        self._added = False
        self._tasks: set[asyncio.Task[None]] = set()

    # What it is made of

    @property
    def configuration(self) -> DeviceConfiguration:
        """The Bumble device that this wearable is."""
        return DeviceConfiguration(
            name=self.name,
            address=hci.Address(self.address),
            advertising_interval_min=_ADVERTISING_INTERVAL_MS,
            advertising_interval_max=_ADVERTISING_INTERVAL_MS,
            advertising_data=bytes(AdvertisingData(self.advertised())),
            scan_response_data=bytes(
                AdvertisingData([(AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode())])
            ),
        )

    def advertised(self) -> list[tuple[int, bytes]]:
        """The parts of its advertisement, 31 bytes together at most; the name comes when asked for, too."""
        uuid = UUID(self.service)
        short = len(bytes(uuid)) == 2
        parts = [
            (int(AdvertisingData.FLAGS), _DISCOVERABLE),
            (
                int(
                    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
                    if short
                    else AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
                ),
                bytes(uuid),
            ),
        ]
        name = (int(AdvertisingData.COMPLETE_LOCAL_NAME), self.name.encode())
        room = 31 - sum(2 + len(part) for _, part in parts)
        return [*parts, name] if 2 + len(name[1]) <= room else parts

    def identity(self) -> dict[str, str]:
        """What the Device Information service says."""
        serial = self.address.replace(":", "")[-6:]
        return {"manufacturer": self.manufacturer, "model": self.model, "serial": serial, "firmware": "1.0"}

    def _measures(self) -> list[Characteristic[bytes]]:
        """The characteristics of the service that it is known by."""
        return [
            self._sends(self.measurement, indicates=self.indicates),
            *(self._tells(type(m).UUID, bytes(m)) for m in self.features),
        ]

    def _services(self) -> list[Service]:
        said = self.identity()
        strings = {
            info.MANUFACTURER_NAME: said["manufacturer"],
            info.MODEL_NUMBER: said["model"],
            info.SERIAL_NUMBER: said["serial"],
            info.FIRMWARE_REVISION: said["firmware"],
        }
        about = [
            self._tells(uuid, bytes(DeviceInformationString(text)), protected=False)
            for uuid, text in strings.items()
        ]
        level = Characteristic[bytes](
            BatteryLevel.UUID,
            _READ | _NOTIFY,
            _READABLE,
            CharacteristicValue(read=self._read_level, write=_no_writing),
        )
        self._sent[BatteryLevel.UUID] = level
        services = [
            Service(self.service, self._measures()),
            Service("180F", [level]),
            Service("180A", about),
        ]
        if self.takes_time:
            services.append(Service("1805", [self._own_time(CurrentTime.UUID)]))
        return services

    def _sends(self, uuid: str, *, indicates: bool = False) -> Characteristic[bytes]:
        """Make a characteristic that is notified, or indicated."""
        made = Characteristic[bytes](
            uuid, _INDICATE if indicates else _NOTIFY, _NOTHING, descriptors=self._subscription()
        )
        self._sent[short_uuid(uuid)] = made
        return made

    def _tells(
        self, uuid: str, value: bytes | Callable[[], bytes], *, protected: bool = True
    ) -> Characteristic[bytes]:
        """Make a characteristic that can be read: a constant, or what a function gives then."""
        guarded = protected and self.bonding is not Bonding.NONE
        permissions = _READABLE | _READ_ENCRYPTED if guarded else _READABLE
        if isinstance(value, bytes):
            return Characteristic(uuid, _READ, permissions, value)
        return Characteristic[bytes](
            uuid, _READ, permissions, CharacteristicValue(read=lambda _: value(), write=_no_writing)
        )

    def _takes(
        self, uuid: str, write: Write, *, sends: bool = False, indicates: bool = False, command: bool = False
    ) -> Characteristic[bytes]:
        """Make a characteristic that can be written: a control point, which may also send its answers.

        `command` allows writing without a response.
        """
        guarded = self.bonding is not Bonding.NONE
        permissions = _WRITEABLE | _WRITE_ENCRYPTED if guarded else _WRITEABLE
        properties = _WRITE | _COMMAND if command else _WRITE
        if sends or indicates:
            properties |= _INDICATE if indicates else _NOTIFY
        made = Characteristic[bytes](
            uuid,
            properties,
            permissions,
            CharacteristicValue(read=_no_reading, write=write),
            self._subscription() if sends or indicates else (),
        )
        if sends or indicates:
            self._sent[short_uuid(uuid)] = made
        return made

    def _subscription(self) -> Sequence[Descriptor]:
        """Make the descriptor written to subscribe, where that needs a bond; Bumble makes the others."""
        if self.bonding is Bonding.NONE:
            return ()
        return (Descriptor(CCCD, _READABLE | _WRITEABLE | _WRITE_ENCRYPTED, b""),)

    def _read_level(self, _: Connection) -> bytes:
        return bytes(BatteryLevel(self.battery))

    def _own_time(self, uuid: str) -> Characteristic[bytes]:
        """Show the clock, and let it be set: as a Current Time (2A2B) or a Date Time (2A08)."""
        size = _TIME_SIZES[uuid]

        def take(_: Connection, value: bytes) -> None:
            if not self.clock.settable:
                raise ATT_Error(ErrorCode.WRITE_NOT_PERMITTED)
            if len(value) != size:
                raise ATT_Error(ErrorCode.INVALID_ATTRIBUTE_LENGTH)
            try:
                self.clock.take(value)
            except ValueError:
                raise ATT_Error(ErrorCode(0x80)) from None  # "data field ignored"

        settable = self.clock.settable
        return Characteristic[bytes](
            uuid,
            _READ | _WRITE if settable else _READ,
            _READABLE | _WRITEABLE,
            CharacteristicValue(read=lambda _: self.clock.current_time[:size], write=take),
        )

    # Being on and in reach

    @property
    def _on(self) -> Device:
        if self._device is None:
            raise LinkError(f"{self.name} is switched off.", "Add it to a VirtualRadio first.")
        return self._device

    async def attach(self, device: Device) -> None:
        """Become this Bumble device, power on and advertise; `VirtualRadio.add` calls it."""
        server = FaultyServer(device, self.faults)
        device.gatt_server = server
        device.keystore = MemoryKeyStore()
        device.pairing_config_factory = lambda _: bonds.config(WearableSide(self.bonding, self.passkey))
        device.on(Device.EVENT_CONNECTION, self._on_connection)
        server.on(FaultyServer.EVENT_CHARACTERISTIC_SUBSCRIPTION, self._on_subscription)
        self._device = device
        self._fill()
        await device.power_on()
        await self.come_back()

    def _fill(self) -> None:
        """Fill the table of attributes."""
        device, server = self._on, self._server
        server.clear()
        self._sent.clear()
        configured = self.configuration
        device.add_default_services(configured.gap_service_enabled, configured.gatt_service_enabled)
        services = self._services()
        news = [Characteristic(_ADDED_SERVICE, _READ, _READABLE, b"new") for _ in range(_ADDED)]
        added = Service(_ADDED_SERVICE, news)
        services = services[::-1] if self._moved else services
        services = [added, *services] if self._added else services
        for service in services:
            for characteristic in service.characteristics:
                for descriptor in characteristic.descriptors:
                    if descriptor.type == CCCD:
                        descriptor.value = server.make_descriptor_value(characteristic)
        device.add_services(services)

    @property
    def _server(self) -> FaultyServer:
        server = self._on.gatt_server
        assert isinstance(server, FaultyServer)  # noqa: S101  `attach` put it there
        return server

    async def detach(self) -> None:
        """Drop every link, stop advertising, power off."""
        if self._device is not None:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.go_away()
            await self._device.power_off()
            self._device = None

    def _on_connection(self, link: Connection) -> None:
        self.faults.connected()
        self.connected += 1
        self._repeat = self.faults.repeats if self.connected > 1 else 0
        if self.faults.meets(Step.CONNECT) is not None:
            self._server.lose(link)

    def _on_subscription(
        self, link: Connection, characteristic: Characteristic[bytes], notify: bool, indicate: bool
    ) -> None:
        name = short_uuid(characteristic.uuid.to_hex_str("-"))
        again = [frame for uuid, frame in self._last if uuid == name][-self._repeat :] if self._repeat else []
        if again and (notify or indicate):
            self._start(self._send_all(name, again))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside answering requests; ends with the wearable."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def linked(self) -> bool:
        """Whether anything is connected to it now."""
        return self._device is not None and bool(self._device.connections)

    @property
    def encrypted(self) -> bool:
        """Whether it is connected, and every link encrypted."""
        return self.linked and all(link.is_encrypted for link in self._on.connections.values())

    @property
    def bonded(self) -> bool:
        """Whether it keeps the keys of anybody."""
        keys = self._on.keystore
        return isinstance(keys, MemoryKeyStore) and bool(keys.all_keys)

    @property
    def subscribed(self) -> bool:
        """Whether somebody listens to its measurements now."""
        return self._device is not None and bool(self._listeners(self.measurement))

    async def drop_link(self) -> None:
        """Lose every link, and advertise again."""
        for link in list(self._on.connections.values()):
            await drop(link)

    async def go_away(self) -> None:
        """Walk out of reach: lose every link, and be heard no more."""
        await self._on.stop_advertising()
        await self.drop_link()
        await self._on.stop_advertising()

    async def come_back(self) -> None:
        """Be in reach again: advertise."""
        if not self._on.is_advertising:
            self._on.advertising_data = bytes(AdvertisingData(self.advertised()))
            await self._on.start_advertising(auto_restart=True)

    # What it sends

    def observe(self, signals: Signals, at: datetime) -> Sequence[Measurement]:
        """Make what it sends of how its wearer is at a moment; nothing where it sends what it is told."""
        return ()

    def _listeners(self, name: str) -> list[tuple[Connection, bool]]:
        """Who subscribed to a characteristic, and whether each value is to be confirmed."""
        subscribers = self._on.gatt_server.subscribers
        characteristic = self._sent.get(name)
        if characteristic is None:
            raise LinkError(f"{self.name} does not send {name}.", f"It sends {', '.join(self._sent)}.")
        indicates = bool(characteristic.properties & _INDICATE)
        wanted = 2 if indicates else 1
        return [
            (link, indicates)
            for link, written in subscribers.items()
            if isinstance(link, Connection) and written.get(characteristic.handle, b"\0")[0] & wanted
        ]

    def hears(self, name: str) -> bool:
        """Whether somebody listens to a characteristic now."""
        return self._device is not None and bool(self._listeners(name))

    async def measure(self, measurement: Measurement) -> bool:
        """Measure this, and send it. Returns whether anybody was there to hear it."""
        name = short_uuid(getattr(type(measurement), "UUID", self.measurement))
        return await self.send(bytes(measurement), name if name in self._sent else self.measurement)

    async def send(self, value: bytes, characteristic: str = "") -> bool:
        """Send these bytes as a measurement, whether or not they are one, as the faults have it.

        Returns whether anybody was there to hear it.
        """
        name = characteristic or self.measurement
        listeners = self._listeners(name)
        if not listeners or self.faults.silent:
            return bool(listeners)
        harm = self.faults.meets(Step.NOTIFY)
        if harm is Harm.DROP:
            await self.drop_link()
            return False
        self._last.append((name, value))
        if harm is None:
            for link, indicates in listeners:
                await self._transmit(link, name, self.faults.spoil(value), indicates)
        return True

    async def _transmit(self, link: Connection, name: str, value: bytes, indicates: bool) -> None:
        server, characteristic = self._on.gatt_server, self._sent[name]
        if not indicates:
            await server.notify_subscriber(link, characteristic, value)
            return
        try:
            await link.cancel_on_disconnection(server.indicate_subscriber(link, characteristic, value))
        except TimeoutError:
            await drop(link)  # as the standard has it when a value is not confirmed in time
        except asyncio.CancelledError:
            if link in server.subscribers:
                raise  # it was this task that was cancelled, not the link that ended

    async def _send_all(self, name: str, frames: Iterable[bytes]) -> None:
        for frame in frames:
            for link, indicates in self._listeners(name):
                await self._transmit(link, name, frame, indicates)

    async def flood(self, frames: Iterable[bytes], characteristic: str = "") -> int:
        """Send frame after frame as fast as the link takes them; return how many were sent.

        Stops when nobody listens any more.
        """
        name = characteristic or self.measurement
        count = 0
        for frame in frames:
            listeners = self._listeners(name)
            if not listeners:
                break
            for link, indicates in listeners:
                await self._transmit(link, name, frame, indicates)
                if count % 32 == 31:
                    await self._drained(link)
            count += 1
        return count

    async def _drained(self, link: Connection) -> None:
        """Wait until the controller has taken everything that waits for a link."""
        queue = self._on.host.le_acl_packet_queue
        if queue is not None and link.handle in self._on.connections:
            await queue.drain(link.handle)

    async def report_battery(self, percent: int) -> bool:
        """Set the battery's level, and notify it. Returns whether anybody was there to hear it."""
        self.battery = percent
        if not self.hears(BatteryLevel.UUID):
            return False
        return await self.send(bytes(BatteryLevel(percent)), BatteryLevel.UUID)

    # What happens to it

    async def battery_dies(self, levels: Iterable[int] = (20, 10, 5, 1)) -> None:
        """Report a level that falls, and go silent: the link is lost, nothing is advertised."""
        for percent in levels:
            await self.report_battery(percent)
        await self.go_away()

    async def new_battery(self) -> None:
        """Be there again, with a full battery."""
        self.battery = 100
        await self.come_back()

    async def forget_bonds(self) -> None:
        """Lose the keys of everybody it was paired with, and the links."""
        self._on.keystore = MemoryKeyStore()
        await self.drop_link()

    async def change_table(self, *, moved: bool = True, added: bool = True) -> None:
        """Lose the links and have another GATT table from now on, as after an update of the firmware.

        `moved` turns the services' order round, `added` puts one in front whose characteristics can only be
        read: all handles are different then.
        """
        await self.go_away()
        self._moved, self._added = moved, added
        self._fill()
        await self.come_back()
