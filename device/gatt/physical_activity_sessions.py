"""Physical Activity Monitor service (183E): what the monitor can do, and its sessions and sub-sessions.

Source: the feature bits and op codes are those of Physical Activity Monitor Service 1.0 as the project
bluetooth-sig-python lists them; the op codes are also those of Philips' server of the service's draft (2017).
The sessions (2B44, 2B45) are laid out as in Philips' client of that draft; their times come out as sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import ClassVar, Self

from device.gatt.fields import Reader


class Features(IntFlag):
    """What a physical activity monitor says that it can do."""

    MULTIPLE_USERS = 1 << 0
    USER_DATA_SERVICE = 1 << 1
    DEVICE_WORN = 1 << 2
    NORMAL_WALKING_ENERGY_EXPENDITURE = 1 << 3
    NORMAL_WALKING_ENERGY_EXPENDITURE_PER_HOUR = 1 << 4
    INTENSITY_ENERGY_EXPENDITURE = 1 << 5
    INTENSITY_ENERGY_EXPENDITURE_PER_HOUR = 1 << 6
    TOTAL_ENERGY_EXPENDITURE = 1 << 7
    TOTAL_ENERGY_EXPENDITURE_PER_HOUR = 1 << 8
    FAT_BURNED = 1 << 9
    FAT_BURNED_PER_HOUR = 1 << 10
    METABOLIC_EQUIVALENT = 1 << 11
    DISTANCE = 1 << 12
    SPEED = 1 << 13
    DURATION_OF_NORMAL_WALKING_EPISODES = 1 << 14
    DURATION_OF_INTENSITY_WALKING_EPISODES = 1 << 15
    MOTION_CADENCE = 1 << 16
    FLOORS = 1 << 17
    POSITIVE_ELEVATION_GAIN = 1 << 18
    NEGATIVE_ELEVATION_GAIN = 1 << 19
    ELEVATION = 1 << 20
    ACTIVITY_COUNT = 1 << 21
    ACTIVITY_COUNT_PER_MINUTE = 1 << 22
    ACTIVITY_LEVEL = 1 << 23
    ACTIVITY_TYPE = 1 << 24
    WORN_DURATION = 1 << 25
    TIME_IN_HEART_RATE_ZONE_1 = 1 << 26
    TIME_IN_HEART_RATE_ZONE_2 = 1 << 27
    TIME_IN_HEART_RATE_ZONE_3 = 1 << 28
    TIME_IN_HEART_RATE_ZONE_4 = 1 << 29
    TIME_IN_HEART_RATE_ZONE_5 = 1 << 30
    VO2_MAX = 1 << 31
    HEART_RATE = 1 << 32
    PULSE_INTER_BEAT_INTERVAL = 1 << 33
    RESTING_HEART_RATE = 1 << 34
    HEART_RATE_VARIABILITY = 1 << 35
    RESPIRATION_RATE = 1 << 36
    RESTING_RESPIRATION_RATE = 1 << 37
    NORMAL_WALKING_STEPS = 1 << 38
    INTENSITY_STEPS = 1 << 39
    FLOOR_STEPS = 1 << 40
    TOTAL_SLEEP_TIME = 1 << 41
    TOTAL_WAKE_TIME = 1 << 42
    TOTAL_BED_TIME = 1 << 43
    NUMBER_OF_AWAKENINGS = 1 << 44
    SLEEP_LATENCY = 1 << 45
    SLEEP_EFFICIENCY = 1 << 46
    SNOOZE_TIME = 1 << 47
    NUMBER_OF_TOSS_AND_TURN_EVENTS = 1 << 48
    TIME_OF_AWAKENING_AFTER_ALARM = 1 << 49
    VISIBLE_LIGHT_LEVEL = 1 << 50
    UV_LIGHT_LEVEL = 1 << 51
    IR_LIGHT_LEVEL = 1 << 52
    SLEEP_STAGE = 1 << 53
    SLEEPING_HEART_RATE = 1 << 54


@dataclass(frozen=True, slots=True)
class PhysicalActivityMonitorFeatures:
    """Physical Activity Monitor Features (2B3B): what the monitor can do."""

    UUID: ClassVar[str] = "2B3B"

    features: Features

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but eight."""
        fields = Reader(cls.UUID, value)
        features = Features(fields.uint(8, "the features"))
        fields.end()
        return cls(features)

    def __bytes__(self) -> bytes:
        return int(self.features).to_bytes(8, "little")


class OpCode(IntEnum):
    """What a monitor is told, and what it answers."""

    ENQUIRE_SESSIONS = 0x01
    ENQUIRE_SUB_SESSIONS = 0x02
    GET_ENDED_SESSION_DATA = 0x03
    START_SESSION_SUB_SESSION = 0x04
    STOP_SESSION = 0x05
    DELETE_ENDED_SESSION = 0x06
    SET_AVERAGE_ACTIVITY_TYPE = 0x07
    GET_ENDED_SESSION_DATA_SUCCESS_RESPONSE = 0xFA
    ENQUIRE_SUB_SESSIONS_SUCCESS_RESPONSE = 0xFB
    ENQUIRE_SESSIONS_SUCCESS_RESPONSE = 0xFC
    GET_ENDED_SESSION_DATA_ERROR_RESPONSE = 0xFD
    ENQUIRE_SUB_SESSIONS_ERROR_RESPONSE = 0xFE
    ENQUIRE_SESSIONS_ERROR_RESPONSE = 0xFF


_OP_CODES = frozenset(OpCode)


@dataclass(frozen=True, slots=True)
class PhysicalActivityMonitorControlPoint:
    """Physical Activity Monitor Control Point (2B43): an op code, and its parameters as sent."""

    UUID: ClassVar[str] = "2B43"

    op_code: OpCode
    parameters: bytes = b""

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when it is empty, or the op code is not assigned."""
        fields = Reader(cls.UUID, value)
        op_code = fields.uint8("the op code")
        if op_code not in _OP_CODES:
            raise fields.error(f"op code {op_code:#04x} is not assigned")
        return cls(OpCode(op_code), bytes(value[1:]))

    def __bytes__(self) -> bytes:
        return bytes((self.op_code,)) + self.parameters


@dataclass(frozen=True, slots=True)
class SessionTime:
    """A moment as a monitor keeps it: `base_time` in seconds, `time_offset` beside it, both as sent."""

    base_time: int
    time_offset: int

    @classmethod
    def read(cls, fields: Reader, what: str) -> Self:
        """Take one off a value."""
        return cls(fields.uint32(what), fields.uint16(f"{what}'s offset"))

    def __bytes__(self) -> bytes:
        return self.base_time.to_bytes(4, "little") + self.time_offset.to_bytes(2, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityCurrentSession:
    """Activity Current Session (2B44): the session and sub-session that run, or ran last."""

    UUID: ClassVar[str] = "2B44"

    running: bool
    session_id: int
    session_start: SessionTime
    sub_session_id: int
    sub_session_start: SessionTime

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but 17, or flags that are not assigned."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        if flags & ~0x01:
            raise fields.error(f"flags {flags:#04x} are not assigned")
        session = cls(
            running=bool(flags),
            session_id=fields.uint16("the session"),
            session_start=SessionTime.read(fields, "the session's start"),
            sub_session_id=fields.uint16("the sub-session"),
            sub_session_start=SessionTime.read(fields, "the sub-session's start"),
        )
        fields.end()
        return session

    def __bytes__(self) -> bytes:
        return (
            bytes((self.running,))
            + self.session_id.to_bytes(2, "little")
            + bytes(self.session_start)
            + self.sub_session_id.to_bytes(2, "little")
            + bytes(self.sub_session_start)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalActivitySessionDescriptor:
    """Physical Activity Session Descriptor (2B45): one session, or one sub-session of it, that was asked for.

    `sub_session_id` is `None` where a whole session is described, `end` while it runs.
    """

    UUID: ClassVar[str] = "2B45"

    session_id: int
    start: SessionTime
    end: SessionTime | None = None
    sub_session_id: int | None = None
    deleted: bool = False

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing or left over, or flags are not assigned."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        if flags & ~0x07:
            raise fields.error(f"flags {flags:#04x} are not assigned")
        descriptor = cls(
            session_id=fields.uint16("the session"),
            sub_session_id=None if flags & 0x01 else fields.uint16("the sub-session"),
            start=SessionTime.read(fields, "the start"),
            end=None if flags & 0x02 else SessionTime.read(fields, "the end"),
            deleted=bool(flags & 0x04),
        )
        fields.end()
        return descriptor

    def __bytes__(self) -> bytes:
        flags = (self.sub_session_id is None) | (self.end is None) << 1 | self.deleted << 2
        body = self.session_id.to_bytes(2, "little")
        if self.sub_session_id is not None:
            body += self.sub_session_id.to_bytes(2, "little")
        body += bytes(self.start)
        if self.end is not None:
            body += bytes(self.end)
        return bytes((flags,)) + body
