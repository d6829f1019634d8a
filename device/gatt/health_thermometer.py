"""Health Thermometer service (1809): the measurement, what came on its way, where and how often it is taken.

Source: Health Thermometer Service 1.0 and GATT Specification Supplement (2A1C, 2A1D, 2A1E, 2A21).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import ClassVar, Self

from device.gatt.fields import DateTime, Number, Reader, encode_float32
from device.gatt.measurement import GattService, by_uuid


class TemperatureUnit(StrEnum):
    """The unit that the thermometer is set to."""

    CELSIUS = "C"
    FAHRENHEIT = "F"


class TemperatureSite(IntEnum):
    """Where on the body a temperature was taken."""

    ARMPIT = 1
    BODY = 2
    EAR = 3
    FINGER = 4
    GASTROINTESTINAL_TRACT = 5
    MOUTH = 6
    RECTUM = 7
    TOE = 8
    TYMPANUM = 9


def _site(number: int) -> TemperatureSite | int:
    # A site that is not assigned yet must not cost a good temperature.
    return TemperatureSite(number) if 1 <= number <= 9 else number


@dataclass(frozen=True, slots=True)
class _Temperature:
    """The layout that a result and what comes on its way share.

    `temperature` in `unit`; `timestamp` is the thermometer's own clock; `temperature_type` is the site, a
    bare number when it is not an assigned one, `None` when not sent (then 2A1D may tell).
    """

    UUID: ClassVar[str]

    temperature: Number
    unit: TemperatureUnit = TemperatureUnit.CELSIUS
    timestamp: DateTime | None = None
    temperature_type: TemperatureSite | int | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut, out of range or left over."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        measurement = cls(
            temperature=fields.float32("the temperature"),
            unit=TemperatureUnit.FAHRENHEIT if flags & 0x01 else TemperatureUnit.CELSIUS,
            timestamp=fields.date_time("the timestamp") if flags & 0x02 else None,
            temperature_type=_site(fields.uint8("the type")) if flags & 0x04 else None,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        flags = 0x01 if self.unit is TemperatureUnit.FAHRENHEIT else 0
        body = encode_float32(self.temperature)
        if self.timestamp is not None:
            flags |= 0x02
            body += bytes(self.timestamp)
        if self.temperature_type is not None:
            flags |= 0x04
            body += bytes((self.temperature_type,))
        return bytes((flags,)) + body


@dataclass(frozen=True, slots=True)
class TemperatureMeasurement(_Temperature):
    """One Temperature Measurement (2A1C), indicated when it is done.

    `temperature` in `unit`; `timestamp` is the thermometer's own clock; `temperature_type` is the site, a
    bare number when it is not an assigned one, `None` when not sent (then 2A1D may tell).
    """

    UUID: ClassVar[str] = "2A1C"


@dataclass(frozen=True, slots=True)
class IntermediateTemperature(_Temperature):
    """One Intermediate Temperature (2A1E), notified while the thermometer still rises: not a result.

    Fields as in `TemperatureMeasurement`.
    """

    UUID: ClassVar[str] = "2A1E"


@dataclass(frozen=True, slots=True)
class MeasurementInterval:
    """Measurement Interval (2A21): seconds from one measurement to the next; 0 where not periodic."""

    UUID: ClassVar[str] = "2A21"

    measurement_interval: int

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but two."""
        fields = Reader(cls.UUID, value)
        interval = fields.uint16("the interval")
        fields.end()
        return cls(interval)

    def __bytes__(self) -> bytes:
        return self.measurement_interval.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class TemperatureType:
    """Temperature Type (2A1D): the site, of a thermometer that always measures at the same one."""

    UUID: ClassVar[str] = "2A1D"

    temperature_type: TemperatureSite | int

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but one."""
        fields = Reader(cls.UUID, value)
        number = fields.uint8("the type")
        fields.end()
        return cls(_site(number))

    def __bytes__(self) -> bytes:
        return bytes((self.temperature_type,))


SERVICE = GattService(
    number="1809",
    name="Health Thermometer",
    characteristics=by_uuid(
        TemperatureMeasurement, TemperatureType, IntermediateTemperature, MeasurementInterval
    ),
    measurements=frozenset({"2A1C"}),
    state=frozenset({"2A1D"}),
)
