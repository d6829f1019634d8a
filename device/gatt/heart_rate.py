"""Heart Rate service (180D): the measurement, where the sensor sits, and what it can be told.

Source: Heart Rate Service 1.0 and GATT Specification Supplement (2A37, 2A38, 2A39).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct, error
from typing import ClassVar, Self

from device.errors import DecodeError
from device.gatt.fields import Reader
from device.gatt.measurement import GattService, by_uuid

_WIDE, _CONTACT, _CONTACT_SUPPORTED, _ENERGY, _RR = 0x01, 0x02, 0x04, 0x08, 0x10
_RR_LAYOUTS = tuple(Struct(f"<{n}H") for n in range(256))
"""One ready layout for each number of RR intervals that fits into the longest ATT value."""


@dataclass(frozen=True, slots=True)
class HeartRateMeasurement:
    """One Heart Rate Measurement (2A37), sent about once a second.

    `heart_rate` in beats a minute; `sensor_contact` is `None` when the sensor cannot tell;
    `energy_expended` in kJ since the last reset; `rr_intervals` in 1/1024 s, oldest first.
    """

    UUID: ClassVar[str] = "2A37"

    heart_rate: int
    sensor_contact: bool | None = None
    energy_expended: int | None = None
    rr_intervals: tuple[int, ...] = ()

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut or left over."""
        # Without the Reader: a strap sends one a second and years of them are read back from a capture.
        try:
            flags = value[0]
            if flags & _WIDE:
                rate, at = value[1] | value[2] << 8, 3
            else:
                rate, at = value[1], 2
            energy = None
            if flags & _ENERGY:
                energy = value[at] | value[at + 1] << 8
                at += 2
        except IndexError:
            raise DecodeError(cls.UUID, value, "it ends before its last announced field") from None
        rest = len(value) - at
        intervals: tuple[int, ...] = ()
        if flags & _RR:
            if rest == 0 or rest & 1 or rest > 510:
                raise DecodeError(cls.UUID, value, f"RR intervals of {rest} bytes, not of pairs of bytes")
            intervals = _RR_LAYOUTS[rest >> 1].unpack_from(value, at)
        elif rest:
            raise DecodeError(cls.UUID, value, f"{rest} more bytes than its flags announce")
        contact = bool(flags & _CONTACT) if flags & _CONTACT_SUPPORTED else None
        return cls(rate, contact, energy, intervals)

    def __bytes__(self) -> bytes:
        wide = self.heart_rate > 255
        flags = _WIDE if wide else 0
        if self.sensor_contact is not None:
            flags |= _CONTACT_SUPPORTED | (_CONTACT if self.sensor_contact else 0)
        body = self.heart_rate.to_bytes(2 if wide else 1, "little")
        if self.energy_expended is not None:
            flags |= _ENERGY
            body += self.energy_expended.to_bytes(2, "little")
        if self.rr_intervals:
            flags |= _RR
            try:
                body += _RR_LAYOUTS[len(self.rr_intervals)].pack(*self.rr_intervals)
            except (error, IndexError):
                raise ValueError(f"RR intervals do not fit: {self.rr_intervals}") from None
        return bytes((flags,)) + body

    @property
    def rr_seconds(self) -> tuple[float, ...]:
        """The RR intervals in seconds, oldest first."""
        return tuple(interval / 1024 for interval in self.rr_intervals)


class BodyLocation(IntEnum):
    """Where a heart-rate sensor is worn."""

    OTHER = 0
    CHEST = 1
    WRIST = 2
    FINGER = 3
    HAND = 4
    EAR_LOBE = 5
    FOOT = 6


@dataclass(frozen=True, slots=True)
class BodySensorLocation:
    """Body Sensor Location (2A38)."""

    UUID: ClassVar[str] = "2A38"

    location: BodyLocation

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but one, or a location that is not assigned."""
        fields = Reader(cls.UUID, value)
        location = fields.uint8("the location")
        fields.end()
        if location > BodyLocation.FOOT:
            raise fields.error(f"location {location} is not assigned")
        return cls(BodyLocation(location))

    def __bytes__(self) -> bytes:
        return bytes((self.location,))


class HeartRateCommand(IntEnum):
    """What a heart-rate sensor can be told."""

    RESET_ENERGY_EXPENDED = 1


@dataclass(frozen=True, slots=True)
class HeartRateControlPoint:
    """Heart Rate Control Point (2A39): what is written to the sensor."""

    UUID: ClassVar[str] = "2A39"

    command: HeartRateCommand

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but one, or a command that is not assigned."""
        fields = Reader(cls.UUID, value)
        command = fields.uint8("the command")
        fields.end()
        if command != HeartRateCommand.RESET_ENERGY_EXPENDED:
            raise fields.error(f"command {command} is not assigned")
        return cls(HeartRateCommand(command))

    def __bytes__(self) -> bytes:
        return bytes((self.command,))


SERVICE = GattService(
    number="180D",
    name="Heart Rate",
    characteristics=by_uuid(HeartRateMeasurement, BodySensorLocation, HeartRateControlPoint),
    measurements=frozenset({"2A37"}),
    silence={"2A37": 300},
)
