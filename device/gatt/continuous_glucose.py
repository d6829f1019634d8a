"""Continuous Glucose Monitoring service (181F): measurements, the session they belong to, and its settings.

A measurement's time is the minutes since the session's start, so a link reads the start (2AAA) first. Every
value may end in an E2E-CRC. `crc_ok` is `None` without one; where it is `False` the value was changed on its
way, and nothing in it may be taken for a reading.

Source: Continuous Glucose Monitoring Service 1.0.2 and GATT Specification Supplement (2AA7 to 2AAC).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntFlag
from struct import Struct
from typing import ClassVar, Self

from device.errors import DecodeError
from device.gatt.cgm_specific_ops import CgmSpecificOpsControlPoint
from device.gatt.fields import (
    DateTime,
    Number,
    Reader,
    crc16,
    encode_crc,
    encode_dst_offset,
    encode_sfloat,
    encode_time_zone,
    sfloat,
)
from device.gatt.glucose import SampleLocation, SampleType, type_and_location
from device.gatt.measurement import GattService, by_uuid
from device.gatt.record_access import RecordAccessControlPoint


class Status(IntFlag):
    """The status octet of the Sensor Status Annunciation."""

    SESSION_STOPPED = 1 << 0
    DEVICE_BATTERY_LOW = 1 << 1
    SENSOR_TYPE_INCORRECT_FOR_DEVICE = 1 << 2
    SENSOR_MALFUNCTION = 1 << 3
    DEVICE_SPECIFIC_ALERT = 1 << 4
    GENERAL_DEVICE_FAULT = 1 << 5


class CalTemp(IntFlag):
    """The calibration and temperature octet of the Sensor Status Annunciation."""

    TIME_SYNCHRONIZATION_REQUIRED = 1 << 0
    CALIBRATION_NOT_ALLOWED = 1 << 1
    CALIBRATION_RECOMMENDED = 1 << 2
    CALIBRATION_REQUIRED = 1 << 3
    SENSOR_TEMPERATURE_TOO_HIGH = 1 << 4
    SENSOR_TEMPERATURE_TOO_LOW = 1 << 5


class Warnings(IntFlag):
    """The warning octet of the Sensor Status Annunciation: what the device says about the result itself."""

    LOWER_THAN_PATIENT_LOW_LEVEL = 1 << 0
    HIGHER_THAN_PATIENT_HIGH_LEVEL = 1 << 1
    LOWER_THAN_HYPO_LEVEL = 1 << 2
    HIGHER_THAN_HYPER_LEVEL = 1 << 3
    RATE_OF_DECREASE_EXCEEDED = 1 << 4
    RATE_OF_INCREASE_EXCEEDED = 1 << 5
    LOWER_THAN_DEVICE_CAN_PROCESS = 1 << 6
    HIGHER_THAN_DEVICE_CAN_PROCESS = 1 << 7


class Features(IntFlag):
    """What a continuous monitor says that it can do."""

    CALIBRATION = 1 << 0
    PATIENT_HIGH_LOW_ALERTS = 1 << 1
    HYPO_ALERTS = 1 << 2
    HYPER_ALERTS = 1 << 3
    RATE_OF_INCREASE_DECREASE_ALERTS = 1 << 4
    DEVICE_SPECIFIC_ALERT = 1 << 5
    SENSOR_MALFUNCTION_DETECTION = 1 << 6
    SENSOR_TEMPERATURE_HIGH_LOW_DETECTION = 1 << 7
    SENSOR_RESULT_HIGH_LOW_DETECTION = 1 << 8
    LOW_BATTERY_DETECTION = 1 << 9
    SENSOR_TYPE_ERROR_DETECTION = 1 << 10
    GENERAL_DEVICE_FAULT = 1 << 11
    E2E_CRC = 1 << 12
    MULTIPLE_BONDS = 1 << 13
    MULTIPLE_SESSIONS = 1 << 14
    TREND_INFORMATION = 1 << 15
    QUALITY = 1 << 16


# A flag value is made only once: this is decoded for every record of a session.
_STATUS = tuple(Status(n) for n in range(256))
_CAL_TEMP = tuple(CalTemp(n) for n in range(256))
_WARNING = tuple(Warnings(n) for n in range(256))

_HEAD = Struct("<BBHH")
_SFLOAT = Struct("<H")
_TREND, _QUALITY, _WITH_WARNING, _WITH_CAL_TEMP, _WITH_STATUS = 0x01, 0x02, 0x20, 0x40, 0x80
_OCTETS = _WITH_WARNING | _WITH_CAL_TEMP | _WITH_STATUS
_SIZES = tuple(_HEAD.size + 2 * (f & 0x03).bit_count() + (f & _OCTETS).bit_count() for f in range(256))
"""How long a record is without its E2E-CRC, by its flags."""


@dataclass(frozen=True, slots=True)
class CgmRecord:
    """One record of a CGM Measurement.

    `glucose` in mg/dL, `time_offset` in minutes since the session's start, `trend` in mg/dL a minute,
    `quality` in %. The octets of the status are `None` where the device left them out: nothing to say.
    """

    glucose: Number
    time_offset: int
    status: Status | None = None
    cal_temp: CalTemp | None = None
    warning: Warnings | None = None
    trend: Number | None = None
    quality: Number | None = None
    crc_ok: bool | None = None

    def __bytes__(self) -> bytes:
        flags, rest = 0, b""
        octets = ((_WITH_STATUS, self.status), (_WITH_CAL_TEMP, self.cal_temp), (_WITH_WARNING, self.warning))
        for bit, octet in octets:
            if octet is not None:
                flags |= bit
                rest += bytes((octet,))
        for bit, number in ((_TREND, self.trend), (_QUALITY, self.quality)):
            if number is not None:
                flags |= bit
                rest += encode_sfloat(number)
        size = _SIZES[flags] + (0 if self.crc_ok is None else 2)
        record = (
            bytes((size, flags)) + encode_sfloat(self.glucose) + self.time_offset.to_bytes(2, "little") + rest
        )
        return record + encode_crc(record, self.crc_ok)


@dataclass(frozen=True, slots=True)
class CgmMeasurement:
    """One CGM Measurement (2AA7): as many records as the device put into the notification, oldest first."""

    UUID: ClassVar[str] = "2AA7"

    records: tuple[CgmRecord, ...]

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` without a record, or when a size is not what the flags say."""
        records = []
        at, end = 0, len(value)
        while at < end:
            if end - at < _HEAD.size:
                raise DecodeError(cls.UUID, value, f"{end - at} bytes are left, too few for a record")
            size = value[at]
            # The E2E-CRC has no flag: the two bytes that a record is longer than its flags say are the CRC.
            extra = size - _SIZES[value[at + 1]]
            if extra not in (0, 2) or at + size > end:
                why = f"a record of {size} bytes with {end - at} left, and its flags announce {size - extra}"
                raise DecodeError(cls.UUID, value, why)
            records.append(_record(value, at, size - extra, extra != 0))
            at += size
        if not records:
            raise DecodeError(cls.UUID, value, "it has no record")
        return cls(tuple(records))

    def __bytes__(self) -> bytes:
        return b"".join(map(bytes, self.records))

    @property
    def intact(self) -> tuple[CgmRecord, ...]:
        """The records that may be taken for readings: without an E2E-CRC, or with a right one."""
        return tuple(record for record in self.records if record.crc_ok is not False)


def _record(value: bytes, at: int, size: int, with_crc: bool) -> CgmRecord:
    """Decode the record that begins at `at`; `size` bytes of it are known to be there, and then its CRC."""
    _, flags, glucose, time_offset = _HEAD.unpack_from(value, at)
    start, end = at, at + size
    at += _HEAD.size
    status = cal_temp = warning = trend = quality = crc_ok = None
    if flags & _OCTETS:
        if flags & _WITH_STATUS:
            status = _STATUS[value[at]]
            at += 1
        if flags & _WITH_CAL_TEMP:
            cal_temp = _CAL_TEMP[value[at]]
            at += 1
        if flags & _WITH_WARNING:
            warning = _WARNING[value[at]]
            at += 1
    if flags & _TREND:
        trend = sfloat(_SFLOAT.unpack_from(value, at)[0])
        at += 2
    if flags & _QUALITY:
        quality = sfloat(_SFLOAT.unpack_from(value, at)[0])
    if with_crc:
        crc_ok = crc16(value[start:end]) == value[end] | value[end + 1] << 8
    return CgmRecord(sfloat(glucose), time_offset, status, cal_temp, warning, trend, quality, crc_ok)


@dataclass(frozen=True, slots=True)
class CgmFeature:
    """CGM Feature (2AA8): what the device can do, which fluid it measures and where it sits."""

    UUID: ClassVar[str] = "2AA8"

    features: Features
    sample_type: SampleType | int
    sample_location: SampleLocation | int
    crc_ok: bool | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but six, or a CRC of a device that knows none."""
        fields = Reader(cls.UUID, value)
        features = Features(fields.uint24("the features"))
        sample_type, location = type_and_location(fields.uint8("the type and the sample location"))
        sent = fields.uint16("the E2E-CRC")
        fields.end()
        crc_ok = None
        if features & Features.E2E_CRC:
            crc_ok = sent == crc16(value[:4])
        elif sent != 0xFFFF:
            raise fields.error(f"E2E-CRC {sent:#06x} though the device does not support it (0xffff)")
        return cls(features, sample_type, location, crc_ok)

    def __bytes__(self) -> bytes:
        octet = self.sample_type | self.sample_location << 4
        body = int(self.features).to_bytes(3, "little") + bytes((octet,))
        if not self.features & Features.E2E_CRC:
            return body + b"\xff\xff"
        return body + encode_crc(body, self.crc_ok is not False)


@dataclass(frozen=True, slots=True)
class CgmStatus:
    """CGM Status (2AA9): the state of the sensor at `time_offset` minutes since the session's start."""

    UUID: ClassVar[str] = "2AA9"

    time_offset: int
    status: Status
    cal_temp: CalTemp
    warning: Warnings
    crc_ok: bool | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but five, and seven with E2E-CRC."""
        fields = Reader(cls.UUID, value)
        return cls(
            time_offset=fields.uint16("the time offset"),
            status=_STATUS[fields.uint8("the status octet")],
            cal_temp=_CAL_TEMP[fields.uint8("the calibration and temperature octet")],
            warning=_WARNING[fields.uint8("the warning octet")],
            crc_ok=fields.crc(),
        )

    def __bytes__(self) -> bytes:
        body = self.time_offset.to_bytes(2, "little") + bytes((self.status, self.cal_temp, self.warning))
        return body + encode_crc(body, self.crc_ok)


@dataclass(frozen=True, slots=True)
class CgmSessionStartTime:
    """CGM Session Start Time (2AAA): local time, with its zone.

    `time_zone` in minutes east of UTC, `dst_offset` in minutes of daylight saving time; `None` where the
    device does not know. Both are part of `session_start_time`.
    """

    UUID: ClassVar[str] = "2AAA"

    session_start_time: DateTime
    time_zone: int | None = None
    dst_offset: int | None = None
    crc_ok: bool | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` for a field out of range or any length but 9, or 11 with CRC."""
        fields = Reader(cls.UUID, value)
        return cls(
            session_start_time=fields.date_time("the session's start"),
            time_zone=fields.time_zone("the time zone"),
            dst_offset=fields.dst_offset("the daylight saving time"),
            crc_ok=fields.crc(),
        )

    def __bytes__(self) -> bytes:
        body = bytes(self.session_start_time)
        body += encode_time_zone(self.time_zone) + encode_dst_offset(self.dst_offset)
        return body + encode_crc(body, self.crc_ok)

    @property
    def datetime(self) -> dt.datetime | None:
        """The start with its zone; naive when the zone is not known, `None` when the day is not."""
        start = self.session_start_time.datetime
        if start is None or self.time_zone is None:
            return start
        zone = dt.timedelta(minutes=self.time_zone + (self.dst_offset or 0))
        return start.replace(tzinfo=dt.timezone(zone))


@dataclass(frozen=True, slots=True)
class CgmSessionRunTime:
    """CGM Session Run Time (2AAB): how many hours after its start the session ends."""

    UUID: ClassVar[str] = "2AAB"

    run_time: int
    crc_ok: bool | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but two, and four with E2E-CRC."""
        fields = Reader(cls.UUID, value)
        return cls(fields.uint16("the run time"), fields.crc())

    def __bytes__(self) -> bytes:
        body = self.run_time.to_bytes(2, "little")
        return body + encode_crc(body, self.crc_ok)


SERVICE = GattService(
    number="181F",
    name="Continuous Glucose Monitoring",
    characteristics=by_uuid(
        CgmMeasurement,
        CgmFeature,
        CgmStatus,
        CgmSessionStartTime,
        CgmSessionRunTime,
        CgmSpecificOpsControlPoint,
        RecordAccessControlPoint,
    ),
    measurements=frozenset({"2AA7"}),
    silence={"2AA7": 1800},
    state=frozenset({"2AA8", "2AA9", "2AAA", "2AAB"}),
)
