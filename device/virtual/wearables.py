"""Wearables that are not there: each a real GATT server, measuring what it is told to measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bumble import hci
from bumble.att import Attribute
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service

from device.errors import LinkError
from device.gatt import Measurement
from device.gatt import device_information as info
from device.gatt.battery import BatteryLevel
from device.gatt.blood_pressure import BloodPressureFeature, BloodPressureMeasurement
from device.gatt.blood_pressure import Features as PressureFeatures
from device.gatt.device_information import DeviceInformationString
from device.gatt.health_thermometer import TemperatureMeasurement
from device.gatt.heart_rate import BodyLocation, BodySensorLocation, HeartRateMeasurement
from device.gatt.measurement import Characteristic as Readable
from device.gatt.pulse_oximeter import Features as OximeterFeatures
from device.gatt.pulse_oximeter import PlxContinuousMeasurement, PlxFeatures

_ADVERTISING_INTERVAL_MS = 20.0  # the shortest that Bluetooth allows: nobody waits for a virtual device
_DISCOVERABLE = bytes((0x06,))  # LE general discoverable, no classic Bluetooth
_READ = Characteristic.Properties.READ
_NOTIFY = Characteristic.Properties.NOTIFY
_INDICATE = Characteristic.Properties.INDICATE
_READABLE = Attribute.Permissions.READABLE


class Wearable:
    """One virtual device: its measurement, its battery, and who it says it is.

    `service` and `measurement` number what it measures; `indicates` tells whether each value is confirmed by
    the receiver. `features` are further characteristics that can be read.
    """

    service: ClassVar[str]
    measurement: ClassVar[str]
    indicates: ClassVar[bool] = False
    features: ClassVar[Sequence[Readable]] = ()
    model: ClassVar[str]

    def __init__(self, address: str, name: str = "", *, battery: int = 80) -> None:
        self.address = address.upper()
        self.name = name or self.model
        self.battery = battery
        self._device: Device | None = None
        kind = _INDICATE if self.indicates else _NOTIFY
        self._value = Characteristic[bytes](self.measurement, kind, Attribute.Permissions(0))
        self._level = Characteristic[bytes](
            BatteryLevel.UUID, _READ | _NOTIFY, _READABLE, CharacteristicValue(read=self._read_level)
        )

    @property
    def configuration(self) -> DeviceConfiguration:
        """The Bumble device that this wearable is."""
        advertising = AdvertisingData(
            [
                (AdvertisingData.FLAGS, _DISCOVERABLE),
                (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()),
                (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, bytes(UUID(self.service))),
            ]
        )
        return DeviceConfiguration(
            name=self.name,
            address=hci.Address(self.address),
            advertising_interval_min=_ADVERTISING_INTERVAL_MS,
            advertising_interval_max=_ADVERTISING_INTERVAL_MS,
            advertising_data=bytes(advertising),
        )

    def identity(self) -> dict[str, str]:
        """What the Device Information service says."""
        serial = self.address.replace(":", "")[-6:]
        return {"manufacturer": "Virtual", "model": self.model, "serial": serial, "firmware": "1.0"}

    def _services(self) -> list[Service]:
        features = [_constant(type(m).UUID, bytes(m)) for m in self.features]
        said = self.identity()
        strings = {
            info.MANUFACTURER_NAME: said["manufacturer"],
            info.MODEL_NUMBER: said["model"],
            info.SERIAL_NUMBER: said["serial"],
            info.FIRMWARE_REVISION: said["firmware"],
        }
        about = [_constant(uuid, bytes(DeviceInformationString(text))) for uuid, text in strings.items()]
        return [
            Service(self.service, [self._value, *features]),
            Service("180F", [self._level]),
            Service("180A", about),
        ]

    def _read_level(self, _: Connection) -> bytes:
        return bytes(BatteryLevel(self.battery))

    @property
    def _on(self) -> Device:
        if self._device is None:
            raise LinkError(f"{self.name} is switched off.", "Add it to a VirtualRadio first.")
        return self._device

    async def attach(self, device: Device) -> None:
        """Become this Bumble device, power on and advertise; `VirtualRadio.add` calls it."""
        device.add_services(self._services())
        self._device = device
        await device.power_on()
        await self.come_back()

    async def detach(self) -> None:
        """Drop every link, stop advertising, power off."""
        if self._device is not None:
            await self.go_away()
            await self._device.power_off()
            self._device = None

    def _listeners(self, characteristic: Characteristic[bytes]) -> list[Connection]:
        wanted = 2 if characteristic is self._value and self.indicates else 1
        subscribers = self._on.gatt_server.subscribers
        return [
            link
            for link, written in subscribers.items()
            if isinstance(link, Connection) and written.get(characteristic.handle, b"\0")[0] & wanted
        ]

    @property
    def linked(self) -> bool:
        """Whether anything is connected to it now."""
        return self._device is not None and bool(self._device.connections)

    @property
    def encrypted(self) -> bool:
        """Whether it is connected, and every link encrypted."""
        return self.linked and all(link.is_encrypted for link in self._on.connections.values())

    @property
    def subscribed(self) -> bool:
        """Whether somebody listens to its measurements now."""
        return self._device is not None and bool(self._listeners(self._value))

    async def measure(self, measurement: Measurement) -> bool:
        """Measure this, and send it. Returns whether anybody was there to hear it."""
        return await self.send(bytes(measurement))

    async def send(self, value: bytes) -> bool:
        """Send these bytes as a measurement, whether or not they are one."""
        listeners = self._listeners(self._value)
        server = self._on.gatt_server
        for link in listeners:
            if self.indicates:
                await server.indicate_subscriber(link, self._value, value)
            else:
                await server.notify_subscriber(link, self._value, value)
        return bool(listeners)

    async def report_battery(self, percent: int) -> bool:
        """Set the battery's level, and notify it. Returns whether anybody was there to hear it."""
        self.battery = percent
        listeners = self._listeners(self._level)
        for link in listeners:
            await self._on.gatt_server.notify_subscriber(link, self._level, bytes(BatteryLevel(percent)))
        return bool(listeners)

    async def drop_link(self) -> None:
        """Lose every link, and advertise again."""
        await self._drop()

    async def _drop(self) -> None:
        for link in list(self._on.connections.values()):
            try:
                await link.disconnect(hci.HCI_CONNECTION_TIMEOUT_ERROR)
            except hci.HCI_StatusError:
                continue  # the other side was quicker

    async def go_away(self) -> None:
        """Walk out of reach: lose every link, and be heard no more."""
        await self._on.stop_advertising()
        await self._drop()
        await self._on.stop_advertising()

    async def come_back(self) -> None:
        """Be in reach again: advertise."""
        if not self._on.is_advertising:
            await self._on.start_advertising(auto_restart=True)


def _constant(uuid: str, value: bytes) -> Characteristic[bytes]:
    return Characteristic(uuid, _READ, _READABLE, value)


class ChestStrap(Wearable):
    """A heart-rate strap with RR intervals and contact detection; notifies once a second."""

    service = "180D"
    measurement = HeartRateMeasurement.UUID
    features = (BodySensorLocation(BodyLocation.CHEST),)
    model = "Chest strap"


class PulseOximeter(Wearable):
    """A pulse oximeter that measures continuously; notifies while it is worn."""

    service = "1822"
    measurement = PlxContinuousMeasurement.UUID
    features = (PlxFeatures(OximeterFeatures(0)),)
    model = "Pulse oximeter"


class BloodPressureCuff(Wearable):
    """An upper-arm cuff; indicates each measurement once it is done, with its own clock's time."""

    service = "1810"
    measurement = BloodPressureMeasurement.UUID
    indicates = True
    features = (BloodPressureFeature(PressureFeatures.BODY_MOVEMENT_DETECTION),)
    model = "Blood pressure cuff"


class Thermometer(Wearable):
    """An ear thermometer; indicates each measurement once it is done, with its own clock's time."""

    service = "1809"
    measurement = TemperatureMeasurement.UUID
    indicates = True
    model = "Thermometer"
