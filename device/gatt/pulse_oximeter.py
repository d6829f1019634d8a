"""Pulse Oximeter service (1822): spot-check and continuous measurements, and what the device can do.

Source: Pulse Oximeter Service 1.0.1 and GATT Specification Supplement (2A5E, 2A5F, 2A60).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import ClassVar, Self

from device.gatt.fields import DateTime, Number, Reader, encode_sfloat
from device.gatt.measurement import GattService, by_uuid


class MeasurementStatus(IntFlag):
    """How far a measurement can be trusted, in the service's own words."""

    MEASUREMENT_ONGOING = 1 << 5
    EARLY_ESTIMATED_DATA = 1 << 6
    VALIDATED_DATA = 1 << 7
    FULLY_QUALIFIED_DATA = 1 << 8
    DATA_FROM_MEASUREMENT_STORAGE = 1 << 9
    DATA_FOR_DEMONSTRATION = 1 << 10
    DATA_FOR_TESTING = 1 << 11
    CALIBRATION_ONGOING = 1 << 12
    MEASUREMENT_UNAVAILABLE = 1 << 13
    QUESTIONABLE_MEASUREMENT_DETECTED = 1 << 14
    INVALID_MEASUREMENT_DETECTED = 1 << 15


class SensorStatus(IntFlag):
    """Device and Sensor Status: what the device sees wrong with itself, the signal or the fit."""

    EXTENDED_DISPLAY_UPDATE_ONGOING = 1 << 0
    EQUIPMENT_MALFUNCTION_DETECTED = 1 << 1
    SIGNAL_PROCESSING_IRREGULARITY_DETECTED = 1 << 2
    INADEQUATE_SIGNAL_DETECTED = 1 << 3
    POOR_SIGNAL_DETECTED = 1 << 4
    LOW_PERFUSION_DETECTED = 1 << 5
    ERRATIC_SIGNAL_DETECTED = 1 << 6
    NONPULSATILE_SIGNAL_DETECTED = 1 << 7
    QUESTIONABLE_PULSE_DETECTED = 1 << 8
    SIGNAL_ANALYSIS_ONGOING = 1 << 9
    SENSOR_INTERFERENCE_DETECTED = 1 << 10
    SENSOR_UNCONNECTED_TO_USER = 1 << 11
    UNKNOWN_SENSOR_CONNECTED = 1 << 12
    SENSOR_DISPLACED = 1 << 13
    SENSOR_MALFUNCTIONING = 1 << 14
    SENSOR_DISCONNECTED = 1 << 15


class Features(IntFlag):
    """What a pulse oximeter says that it can do."""

    MEASUREMENT_STATUS_SUPPORT_PRESENT = 1 << 0
    SENSOR_STATUS_SUPPORT_PRESENT = 1 << 1
    MEASUREMENT_STORAGE_FOR_SPOT_CHECK = 1 << 2
    TIMESTAMP_FOR_SPOT_CHECK = 1 << 3
    SPO2PR_FAST = 1 << 4
    SPO2PR_SLOW = 1 << 5
    PULSE_AMPLITUDE_INDEX = 1 << 6
    MULTIPLE_BONDS = 1 << 7


def _status_bytes(flag: int, value: int | None, size: int) -> tuple[int, bytes]:
    """Write an optional flag field: its bit in the flags, and its bytes."""
    return (0, b"") if value is None else (flag, int(value).to_bytes(size, "little"))


@dataclass(frozen=True, slots=True)
class PlxSpotCheckMeasurement:
    """One PLX Spot-Check Measurement (2A5E), indicated when a spot check is done.

    `spo2` in %, `pulse_rate` in beats a minute, `pulse_amplitude_index` in %; `clock_not_set` says that the
    timestamp counts from a default, not from now.
    """

    UUID: ClassVar[str] = "2A5E"

    spo2: Number
    pulse_rate: Number
    timestamp: DateTime | None = None
    measurement_status: MeasurementStatus | None = None
    sensor_status: SensorStatus | None = None
    pulse_amplitude_index: Number | None = None
    clock_not_set: bool = False

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut, out of range or left over."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        measurement = cls(
            spo2=fields.sfloat("SpO2"),
            pulse_rate=fields.sfloat("the pulse rate"),
            timestamp=fields.date_time("the timestamp") if flags & 0x01 else None,
            measurement_status=MeasurementStatus(fields.uint16("the status")) if flags & 0x02 else None,
            sensor_status=SensorStatus(fields.uint24("the sensor status")) if flags & 0x04 else None,
            pulse_amplitude_index=fields.sfloat("the amplitude index") if flags & 0x08 else None,
            clock_not_set=bool(flags & 0x10),
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        status_flag, status = _status_bytes(0x02, self.measurement_status, 2)
        sensor_flag, sensor = _status_bytes(0x04, self.sensor_status, 3)
        flags = status_flag | sensor_flag | (0x10 if self.clock_not_set else 0)
        body = encode_sfloat(self.spo2) + encode_sfloat(self.pulse_rate)
        if self.timestamp is not None:
            flags |= 0x01
            body += bytes(self.timestamp)
        body += status + sensor
        if self.pulse_amplitude_index is not None:
            flags |= 0x08
            body += encode_sfloat(self.pulse_amplitude_index)
        return bytes((flags,)) + body


@dataclass(frozen=True, slots=True)
class SpO2PR:
    """Oxygen saturation in % and pulse rate in beats a minute, over one averaging time."""

    spo2: Number
    pulse_rate: Number

    def __bytes__(self) -> bytes:
        return encode_sfloat(self.spo2) + encode_sfloat(self.pulse_rate)


def _pair(fields: Reader, which: str) -> SpO2PR:
    return SpO2PR(fields.sfloat(f"SpO2 ({which})"), fields.sfloat(f"the pulse rate ({which})"))


@dataclass(frozen=True, slots=True)
class PlxContinuousMeasurement:
    """One PLX Continuous Measurement (2A5F), notified while the sensor is on.

    `spo2` in % and `pulse_rate` in beats a minute are SpO2PR-Normal; `fast` and `slow` the other averaging
    times; `pulse_amplitude_index` in %.
    """

    UUID: ClassVar[str] = "2A5F"

    spo2: Number
    pulse_rate: Number
    fast: SpO2PR | None = None
    slow: SpO2PR | None = None
    measurement_status: MeasurementStatus | None = None
    sensor_status: SensorStatus | None = None
    pulse_amplitude_index: Number | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut or left over."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        measurement = cls(
            spo2=fields.sfloat("SpO2"),
            pulse_rate=fields.sfloat("the pulse rate"),
            fast=_pair(fields, "fast") if flags & 0x01 else None,
            slow=_pair(fields, "slow") if flags & 0x02 else None,
            measurement_status=MeasurementStatus(fields.uint16("the status")) if flags & 0x04 else None,
            sensor_status=SensorStatus(fields.uint24("the sensor status")) if flags & 0x08 else None,
            pulse_amplitude_index=fields.sfloat("the amplitude index") if flags & 0x10 else None,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        status_flag, status = _status_bytes(0x04, self.measurement_status, 2)
        sensor_flag, sensor = _status_bytes(0x08, self.sensor_status, 3)
        flags = status_flag | sensor_flag
        body = encode_sfloat(self.spo2) + encode_sfloat(self.pulse_rate)
        if self.fast is not None:
            flags |= 0x01
            body += bytes(self.fast)
        if self.slow is not None:
            flags |= 0x02
            body += bytes(self.slow)
        body += status + sensor
        if self.pulse_amplitude_index is not None:
            flags |= 0x10
            body += encode_sfloat(self.pulse_amplitude_index)
        return bytes((flags,)) + body


@dataclass(frozen=True, slots=True)
class PlxFeatures:
    """PLX Features (2A60): what the device can do, and which status bits it ever sets."""

    UUID: ClassVar[str] = "2A60"

    features: Features
    measurement_status_support: MeasurementStatus | None = None
    sensor_status_support: SensorStatus | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut or left over."""
        fields = Reader(cls.UUID, value)
        features = Features(fields.uint16("the features"))
        status = sensor = None
        if features & Features.MEASUREMENT_STATUS_SUPPORT_PRESENT:
            status = MeasurementStatus(fields.uint16("the status support"))
        if features & Features.SENSOR_STATUS_SUPPORT_PRESENT:
            sensor = SensorStatus(fields.uint24("the sensor status support"))
        fields.end()
        return cls(features, status, sensor)

    def __bytes__(self) -> bytes:
        status_flag, status = _status_bytes(1, self.measurement_status_support, 2)
        sensor_flag, sensor = _status_bytes(2, self.sensor_status_support, 3)
        features = (self.features & ~3) | status_flag | sensor_flag
        return int(features).to_bytes(2, "little") + status + sensor


SERVICE = GattService(
    number="1822",
    name="Pulse Oximeter",
    characteristics=by_uuid(PlxSpotCheckMeasurement, PlxContinuousMeasurement, PlxFeatures),
    measurements=frozenset({"2A5E", "2A5F"}),
    silence={"2A5F": 300},
    state=frozenset({"2A60"}),
)
