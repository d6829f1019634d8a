"""Physical Activity Monitor service (183E): activity, heart and breath, steps and sleep, by session.

Source, in place of the adopted text, against which it has not been held: the bits of each flags field, the
sleep stages and the op codes are those of Physical Activity Monitor Service 1.0 as the project
bluetooth-sig-python lists its tables; the order and widths of the fields are those of Philips' server and
client of the service's draft (2017), which keep them in the order of those bits. The sleep stage is wider
than the draft's: version 1.0 has more stages than fit into eight bits. No public text that was found gives
the resolution of the quantities, so they come out as the counts that were sent, without a unit; only what is
a plain count can be used as it is: steps, floors, awakenings, beats a minute, breaths a minute.

Values that do not fit into a notification come in segments, which `device.gatt.segments` joins.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Any, ClassVar, NamedTuple, Self

from device.gatt.fields import Reader
from device.gatt.measurement import GattService, by_uuid
from device.gatt.physical_activity_sessions import (
    ActivityCurrentSession,
    PhysicalActivityMonitorControlPoint,
    PhysicalActivityMonitorFeatures,
    PhysicalActivitySessionDescriptor,
)
from device.gatt.segments import ACTIVITY_MONITOR, Header


class _Field(NamedTuple):
    """One field that a bit of the flags announces; a negative size is a signed integer's."""

    name: str
    size: int


def _of(size: int, names: str) -> tuple[_Field, ...]:
    return tuple(_Field(name, size) for name in names.split())


def _spread(size: int, name: str) -> tuple[_Field, ...]:
    return _of(size, f"minimum_{name} maximum_{name} average_{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """What all data carry: the session, seconds since its start as sent, and a running number."""

    UUID: ClassVar[str]
    _FLAGS: ClassVar[int]  # bytes of the flags field
    _FIELDS: ClassVar[tuple[_Field, ...]]  # from bit 0 upwards
    _WORN: ClassVar[int] = 0  # the bit that says: the device is worn

    session_id: int
    sub_session_id: int
    relative_timestamp: int
    sequence_number: int
    segment_counter: int = 0

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on a part of a segmented value, and on missing or left-over fields."""
        fields = Reader(cls.UUID, value)
        header = ACTIVITY_MONITOR.read(fields.uint8("the header"))
        if not header.whole:
            raise fields.error("it is one segment of several, which must be joined first")
        flags = fields.uint(cls._FLAGS, "the flags")
        if flags & ~(cls._WORN | (1 << len(cls._FIELDS)) - 1):
            raise fields.error(f"flags {flags:#x} announce fields that are not assigned")
        parts: dict[str, Any] = {
            "session_id": fields.uint16("the session"),
            "sub_session_id": fields.uint16("the sub-session"),
            "relative_timestamp": fields.uint32("the time stamp"),
            "sequence_number": fields.uint32("the sequence number"),
        }
        for bit, (name, size) in enumerate(cls._FIELDS):
            if flags & 1 << bit:
                what = name.replace("_", " ")
                parts[name] = fields.uint(size, what) if size > 0 else fields.sint(-size, what)
        fields.end()
        if cls._WORN:
            parts["device_worn"] = bool(flags & cls._WORN)
        return cls(segment_counter=header.counter, **parts)

    def _state(self) -> int:
        """Write the flags that announce no field."""
        return 0

    def __bytes__(self) -> bytes:
        flags, body = self._state(), b""
        for bit, (name, size) in enumerate(self._FIELDS):
            count = getattr(self, name)
            if count is not None:
                flags |= 1 << bit
                body += int(count).to_bytes(abs(size), "little", signed=size < 0)
        return (
            ACTIVITY_MONITOR.write(Header(True, True, self.segment_counter))
            + flags.to_bytes(self._FLAGS, "little")
            + self.session_id.to_bytes(2, "little")
            + self.sub_session_id.to_bytes(2, "little")
            + self.relative_timestamp.to_bytes(4, "little")
            + self.sequence_number.to_bytes(4, "little")
            + body
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instantaneous(_Data):
    """What the data of a moment carry besides: whether the device is worn, where it can tell."""

    device_worn: bool = False

    def _state(self) -> int:
        return self._WORN if self.device_worn else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralActivityInstantaneousData(_Instantaneous):
    """General Activity Instantaneous Data (2B3C), notified: what the person does now. Counts as sent."""

    UUID: ClassVar[str] = "2B3C"
    _FLAGS: ClassVar[int] = 3
    _WORN: ClassVar[int] = 1 << 23
    _FIELDS: ClassVar[tuple[_Field, ...]] = (
        *_of(2, "normal_walking_energy_expenditure_per_hour intensity_energy_expenditure_per_hour"),
        *_of(2, "total_energy_expenditure_per_hour fat_burned_per_hour"),
        *_of(1, "metabolic_equivalent"),
        *_of(2, "speed motion_cadence"),
        *_of(-3, "elevation"),
        *_of(2, "activity_count_per_minute activity_level activity_type"),
    )

    normal_walking_energy_expenditure_per_hour: int | None = None
    intensity_energy_expenditure_per_hour: int | None = None
    total_energy_expenditure_per_hour: int | None = None
    fat_burned_per_hour: int | None = None
    metabolic_equivalent: int | None = None
    speed: int | None = None
    motion_cadence: int | None = None
    elevation: int | None = None
    activity_count_per_minute: int | None = None
    activity_level: int | None = None
    activity_type: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralActivitySummaryData(_Data):
    """General Activity Summary Data (2B3D), indicated: what was done in a session. Counts as sent."""

    UUID: ClassVar[str] = "2B3D"
    _FLAGS: ClassVar[int] = 4
    _FIELDS: ClassVar[tuple[_Field, ...]] = (
        *_of(4, "normal_walking_energy_expenditure intensity_energy_expenditure total_energy_expenditure"),
        *_of(2, "fat_burned"),
        *_spread(1, "metabolic_equivalent"),
        *_of(3, "distance"),
        *_spread(2, "speed"),
        *_of(3, "duration_of_normal_walking_episodes duration_of_intensity_walking_episodes"),
        *_spread(2, "motion_cadence"),
        *_of(-1, "floors"),
        *_of(3, "positive_elevation_gain negative_elevation_gain"),
        *_of(4, "activity_count"),
        *_spread(2, "activity_level"),
        *_of(2, "average_activity_type"),
        *_of(3, "worn_duration"),
    )

    normal_walking_energy_expenditure: int | None = None
    intensity_energy_expenditure: int | None = None
    total_energy_expenditure: int | None = None
    fat_burned: int | None = None
    minimum_metabolic_equivalent: int | None = None
    maximum_metabolic_equivalent: int | None = None
    average_metabolic_equivalent: int | None = None
    distance: int | None = None
    minimum_speed: int | None = None
    maximum_speed: int | None = None
    average_speed: int | None = None
    duration_of_normal_walking_episodes: int | None = None
    duration_of_intensity_walking_episodes: int | None = None
    minimum_motion_cadence: int | None = None
    maximum_motion_cadence: int | None = None
    average_motion_cadence: int | None = None
    floors: int | None = None
    positive_elevation_gain: int | None = None
    negative_elevation_gain: int | None = None
    activity_count: int | None = None
    minimum_activity_level: int | None = None
    maximum_activity_level: int | None = None
    average_activity_level: int | None = None
    average_activity_type: int | None = None
    worn_duration: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardioRespiratoryActivityInstantaneousData(_Instantaneous):
    """CardioRespiratory Activity Instantaneous Data (2B3E), notified. Rates a minute; the rest as sent."""

    UUID: ClassVar[str] = "2B3E"
    _FLAGS: ClassVar[int] = 2
    _WORN: ClassVar[int] = 1 << 15
    _FIELDS: ClassVar[tuple[_Field, ...]] = (
        *_of(1, "vo2_max heart_rate"),
        *_of(2, "pulse_inter_beat_interval"),
        *_of(1, "resting_heart_rate"),
        *_of(2, "heart_rate_variability"),
        *_of(1, "respiration_rate resting_respiration_rate"),
    )

    vo2_max: int | None = None
    heart_rate: int | None = None
    pulse_inter_beat_interval: int | None = None
    resting_heart_rate: int | None = None
    heart_rate_variability: int | None = None
    respiration_rate: int | None = None
    resting_respiration_rate: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardioRespiratoryActivitySummaryData(_Data):
    """CardioRespiratory Activity Summary Data (2B3F), indicated. Rates a minute; the rest as sent."""

    UUID: ClassVar[str] = "2B3F"
    _FLAGS: ClassVar[int] = 4
    _FIELDS: ClassVar[tuple[_Field, ...]] = (
        *_of(3, " ".join(f"time_in_heart_rate_zone_{n}" for n in range(1, 6))),
        *_spread(1, "vo2_max"),
        *_spread(1, "heart_rate"),
        *_spread(2, "pulse_inter_beat_interval"),
        *_spread(1, "resting_heart_rate"),
        *_spread(2, "heart_rate_variability"),
        *_spread(1, "respiration_rate"),
        *_spread(1, "resting_respiration_rate"),
        *_of(3, "worn_duration"),
    )

    time_in_heart_rate_zone_1: int | None = None
    time_in_heart_rate_zone_2: int | None = None
    time_in_heart_rate_zone_3: int | None = None
    time_in_heart_rate_zone_4: int | None = None
    time_in_heart_rate_zone_5: int | None = None
    minimum_vo2_max: int | None = None
    maximum_vo2_max: int | None = None
    average_vo2_max: int | None = None
    minimum_heart_rate: int | None = None
    maximum_heart_rate: int | None = None
    average_heart_rate: int | None = None
    minimum_pulse_inter_beat_interval: int | None = None
    maximum_pulse_inter_beat_interval: int | None = None
    average_pulse_inter_beat_interval: int | None = None
    minimum_resting_heart_rate: int | None = None
    maximum_resting_heart_rate: int | None = None
    average_resting_heart_rate: int | None = None
    minimum_heart_rate_variability: int | None = None
    maximum_heart_rate_variability: int | None = None
    average_heart_rate_variability: int | None = None
    minimum_respiration_rate: int | None = None
    maximum_respiration_rate: int | None = None
    average_respiration_rate: int | None = None
    minimum_resting_respiration_rate: int | None = None
    maximum_resting_respiration_rate: int | None = None
    average_resting_respiration_rate: int | None = None
    worn_duration: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCounterActivitySummaryData(_Data):
    """Step Counter Activity Summary Data (2B40), indicated. Steps; distance and duration as sent."""

    UUID: ClassVar[str] = "2B40"
    _FLAGS: ClassVar[int] = 1
    _FIELDS: ClassVar[tuple[_Field, ...]] = _of(
        3, "normal_walking_steps intensity_steps floor_steps distance worn_duration"
    )

    normal_walking_steps: int | None = None
    intensity_steps: int | None = None
    floor_steps: int | None = None
    distance: int | None = None
    worn_duration: int | None = None


class SleepStage(IntFlag):
    """The stage or stages that a sleeper is in, as finely as the device can tell."""

    WAKE = 1 << 0
    SLEEP = 1 << 1
    REM = 1 << 2
    NON_REM = 1 << 3
    LIGHT_SLEEP = 1 << 4
    DEEP_SLEEP = 1 << 5
    N1 = 1 << 6
    N2 = 1 << 7
    N3 = 1 << 8
    N4 = 1 << 9
    ACTIVE_SLEEP = 1 << 10
    QUIET_SLEEP = 1 << 11
    INTERMEDIATE_SLEEP = 1 << 12
    AROUSAL = 1 << 13
    UNKNOWN = 1 << 23


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepActivityInstantaneousData(_Instantaneous):
    """Sleep Activity Instantaneous Data (2B41), notified. Beats a minute; light levels as sent.

    `sleep_stage` holds the bits of `SleepStage`: 24 of them in version 1.0, which has more stages than fit
    into the draft's eight.
    """

    UUID: ClassVar[str] = "2B41"
    _FLAGS: ClassVar[int] = 2
    _WORN: ClassVar[int] = 1 << 15
    _FIELDS: ClassVar[tuple[_Field, ...]] = (
        *_of(3, "visible_light_level uv_light_level ir_light_level sleep_stage"),
        *_of(1, "sleeping_heart_rate"),
    )

    visible_light_level: int | None = None
    uv_light_level: int | None = None
    ir_light_level: int | None = None
    sleep_stage: int | None = None
    sleeping_heart_rate: int | None = None

    @property
    def stages(self) -> SleepStage | None:
        """The stage in words; `None` when not sent."""
        return None if self.sleep_stage is None else SleepStage(self.sleep_stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepActivitySummaryData(_Data):
    """Sleep Activity Summary Data (2B42), indicated. Counts as sent."""

    UUID: ClassVar[str] = "2B42"
    _FLAGS: ClassVar[int] = 3
    _FIELDS: ClassVar[tuple[_Field, ...]] = (
        *_of(3, "total_sleep_time total_wake_time total_bed_time"),
        *_of(2, "number_of_awakenings sleep_latency"),
        *_of(1, "sleep_efficiency"),
        *_of(2, "snooze_time number_of_toss_and_turn_events"),
        *_of(3, "time_of_awakening_after_alarm"),
        *_spread(3, "visible_light_level"),
        *_spread(3, "uv_light_level"),
        *_spread(3, "ir_light_level"),
        *_of(1, "average_sleeping_heart_rate"),
        *_of(3, "worn_duration"),
    )

    total_sleep_time: int | None = None
    total_wake_time: int | None = None
    total_bed_time: int | None = None
    number_of_awakenings: int | None = None
    sleep_latency: int | None = None
    sleep_efficiency: int | None = None
    snooze_time: int | None = None
    number_of_toss_and_turn_events: int | None = None
    time_of_awakening_after_alarm: int | None = None
    minimum_visible_light_level: int | None = None
    maximum_visible_light_level: int | None = None
    average_visible_light_level: int | None = None
    minimum_uv_light_level: int | None = None
    maximum_uv_light_level: int | None = None
    average_uv_light_level: int | None = None
    minimum_ir_light_level: int | None = None
    maximum_ir_light_level: int | None = None
    average_ir_light_level: int | None = None
    average_sleeping_heart_rate: int | None = None
    worn_duration: int | None = None


SERVICE = GattService(
    number="183E",
    name="Physical Activity Monitor",
    characteristics=by_uuid(
        PhysicalActivityMonitorFeatures,
        GeneralActivityInstantaneousData,
        GeneralActivitySummaryData,
        CardioRespiratoryActivityInstantaneousData,
        CardioRespiratoryActivitySummaryData,
        StepCounterActivitySummaryData,
        SleepActivityInstantaneousData,
        SleepActivitySummaryData,
        PhysicalActivityMonitorControlPoint,
        ActivityCurrentSession,
        PhysicalActivitySessionDescriptor,
    ),
    measurements=frozenset({"2B3C", "2B3D", "2B3E", "2B3F", "2B40", "2B41", "2B42"}),
    state=frozenset({"2B3B", "2B44"}),
)
