"""Blood Pressure service (1810): the measurement, the cuff's pressure on the way, and what the device can do.

Source: Blood Pressure Service 1.1.1 and GATT Specification Supplement (2A35, 2A36, 2A49).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import ClassVar, Self

from device.gatt.fields import DateTime, Number, Reader, Special, encode_sfloat
from device.gatt.measurement import GattService, by_uuid


class PressureUnit(StrEnum):
    """The unit that the device is set to."""

    MMHG = "mmHg"
    KPA = "kPa"


class MeasurementStatus(IntFlag):
    """What the device saw go wrong. With neither bit of the pulse-rate range set, the rate is within it."""

    BODY_MOVEMENT_DETECTED = 1 << 0
    CUFF_TOO_LOOSE = 1 << 1
    IRREGULAR_PULSE_DETECTED = 1 << 2
    PULSE_RATE_ABOVE_LIMIT = 1 << 3
    PULSE_RATE_BELOW_LIMIT = 1 << 4
    IMPROPER_MEASUREMENT_POSITION = 1 << 5


class Features(IntFlag):
    """What a blood-pressure monitor says that it can do."""

    BODY_MOVEMENT_DETECTION = 1 << 0
    CUFF_FIT_DETECTION = 1 << 1
    IRREGULAR_PULSE_DETECTION = 1 << 2
    PULSE_RATE_RANGE_DETECTION = 1 << 3
    MEASUREMENT_POSITION_DETECTION = 1 << 4
    MULTIPLE_BONDS = 1 << 5
    E2E_CRC = 1 << 6
    USER_DATA_SERVICE = 1 << 7
    USER_FACING_TIME = 1 << 8


UNKNOWN_USER = 255
"""The user id that means: not known who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circumstances:
    """What both pressures carry besides the pressure. `pulse_rate` in beats a minute."""

    unit: PressureUnit = PressureUnit.MMHG
    timestamp: DateTime | None = None
    pulse_rate: Number | None = None
    user_id: int | None = None
    measurement_status: MeasurementStatus | None = None

    def _write(self, pressures: tuple[Number, Number, Number]) -> bytes:
        """Write the layout that both share: three pressures, then whatever the flags announce."""
        flags = 0x01 if self.unit is PressureUnit.KPA else 0
        body = b"".join(map(encode_sfloat, pressures))
        if self.timestamp is not None:
            flags |= 0x02
            body += bytes(self.timestamp)
        if self.pulse_rate is not None:
            flags |= 0x04
            body += encode_sfloat(self.pulse_rate)
        if self.user_id is not None:
            flags |= 0x08
            body += bytes((self.user_id,))
        if self.measurement_status is not None:
            flags |= 0x10
            body += int(self.measurement_status).to_bytes(2, "little")
        return bytes((flags,)) + body


def _unit(flags: int) -> PressureUnit:
    return PressureUnit.KPA if flags & 0x01 else PressureUnit.MMHG


def _timestamp(fields: Reader, flags: int) -> DateTime | None:
    return fields.date_time("the timestamp") if flags & 0x02 else None


def _pulse_rate(fields: Reader, flags: int) -> Number | None:
    return fields.sfloat("the pulse rate") if flags & 0x04 else None


def _user_id(fields: Reader, flags: int) -> int | None:
    return fields.uint8("the user id") if flags & 0x08 else None


def _status(fields: Reader, flags: int) -> MeasurementStatus | None:
    return MeasurementStatus(fields.uint16("the status")) if flags & 0x10 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BloodPressureMeasurement(_Circumstances):
    """One Blood Pressure Measurement (2A35), indicated when the cuff is done.

    `systolic`, `diastolic` and `mean_arterial_pressure` in `unit`; a device that measures only some of them
    sends `Special.NAN` for the others. `timestamp` is the device's own clock.
    """

    UUID: ClassVar[str] = "2A35"

    systolic: Number
    diastolic: Number
    mean_arterial_pressure: Number

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut, out of range or left over."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        measurement = cls(
            systolic=fields.sfloat("the systolic pressure"),
            diastolic=fields.sfloat("the diastolic pressure"),
            mean_arterial_pressure=fields.sfloat("the mean arterial pressure"),
            unit=_unit(flags),
            timestamp=_timestamp(fields, flags),
            pulse_rate=_pulse_rate(fields, flags),
            user_id=_user_id(fields, flags),
            measurement_status=_status(fields, flags),
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        return self._write((self.systolic, self.diastolic, self.mean_arterial_pressure))


@dataclass(frozen=True, slots=True, kw_only=True)
class IntermediateCuffPressure(_Circumstances):
    """Intermediate Cuff Pressure (2A36), notified while the cuff deflates. Not a result.

    The layout is the measurement's own, with two pressures unused: they are skipped, and written as NaN.
    """

    UUID: ClassVar[str] = "2A36"

    cuff_pressure: Number

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut, out of range or left over."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        pressure = fields.sfloat("the cuff pressure")
        fields.uint(4, "the unused fields")
        measurement = cls(
            cuff_pressure=pressure,
            unit=_unit(flags),
            timestamp=_timestamp(fields, flags),
            pulse_rate=_pulse_rate(fields, flags),
            user_id=_user_id(fields, flags),
            measurement_status=_status(fields, flags),
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        return self._write((self.cuff_pressure, Special.NAN, Special.NAN))


@dataclass(frozen=True, slots=True)
class BloodPressureFeature:
    """Blood Pressure Feature (2A49)."""

    UUID: ClassVar[str] = "2A49"

    features: Features

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but two."""
        fields = Reader(cls.UUID, value)
        features = Features(fields.uint16("the features"))
        fields.end()
        return cls(features)

    def __bytes__(self) -> bytes:
        return int(self.features).to_bytes(2, "little")


SERVICE = GattService(
    number="1810",
    name="Blood Pressure",
    characteristics=by_uuid(BloodPressureMeasurement, IntermediateCuffPressure, BloodPressureFeature),
    measurements=frozenset({"2A35"}),
    state=frozenset({"2A49"}),
)
