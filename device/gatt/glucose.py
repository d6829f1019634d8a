"""Glucose service (1808): a fingertip measurement, its context, and what the meter can do.

A meter sends its stored measurements after a request to the Record Access Control Point (2A52). A context
follows its measurement as a value of its own, with the same sequence number: `join` puts them together.

Source: Glucose Service 1.0.1 and GATT Specification Supplement (2A18, 2A34, 2A51).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum
from struct import Struct
from typing import Any, ClassVar, Self, TypeVar

from device.errors import DecodeError
from device.gatt.fields import DateTime, Number, Reader, encode_sfloat, sfloat
from device.gatt.measurement import GattService, by_uuid
from device.gatt.record_access import RecordAccessControlPoint


class ConcentrationUnit(StrEnum):
    """The unit that a concentration is sent in: 1 kg/L is 100,000 mg/dL, 1 mol/L is 1,000 mmol/L."""

    KG_PER_L = "kg/L"
    MOL_PER_L = "mol/L"


class SampleType(IntEnum):
    """Which fluid was measured. Control solution is a test of the meter, not of a person."""

    CAPILLARY_WHOLE_BLOOD = 1
    CAPILLARY_PLASMA = 2
    VENOUS_WHOLE_BLOOD = 3
    VENOUS_PLASMA = 4
    ARTERIAL_WHOLE_BLOOD = 5
    ARTERIAL_PLASMA = 6
    UNDETERMINED_WHOLE_BLOOD = 7
    UNDETERMINED_PLASMA = 8
    INTERSTITIAL_FLUID = 9
    CONTROL_SOLUTION = 10


class SampleLocation(IntEnum):
    """Where the sample came from; the subcutaneous tissue is for continuous monitors only."""

    FINGER = 1
    ALTERNATE_SITE_TEST = 2
    EARLOBE = 3
    CONTROL_SOLUTION = 4
    SUBCUTANEOUS_TISSUE = 5
    NOT_AVAILABLE = 15


class SensorStatus(IntFlag):
    """Sensor Status Annunciation: what the meter saw go wrong."""

    DEVICE_BATTERY_LOW = 1 << 0
    SENSOR_MALFUNCTION = 1 << 1
    SAMPLE_SIZE_INSUFFICIENT = 1 << 2
    STRIP_INSERTION_ERROR = 1 << 3
    STRIP_TYPE_INCORRECT = 1 << 4
    RESULT_HIGHER_THAN_DEVICE_CAN_PROCESS = 1 << 5
    RESULT_LOWER_THAN_DEVICE_CAN_PROCESS = 1 << 6
    TEMPERATURE_TOO_HIGH = 1 << 7
    TEMPERATURE_TOO_LOW = 1 << 8
    READ_INTERRUPTED = 1 << 9
    GENERAL_DEVICE_FAULT = 1 << 10
    TIME_FAULT = 1 << 11


class Features(IntFlag):
    """What a glucose meter says that it can do."""

    LOW_BATTERY_DETECTION = 1 << 0
    SENSOR_MALFUNCTION_DETECTION = 1 << 1
    SAMPLE_SIZE_DETECTION = 1 << 2
    STRIP_INSERTION_ERROR_DETECTION = 1 << 3
    STRIP_TYPE_ERROR_DETECTION = 1 << 4
    RESULT_HIGH_LOW_DETECTION = 1 << 5
    TEMPERATURE_HIGH_LOW_DETECTION = 1 << 6
    READ_INTERRUPT_DETECTION = 1 << 7
    GENERAL_DEVICE_FAULT = 1 << 8
    TIME_FAULT = 1 << 9
    MULTIPLE_BONDS = 1 << 10


_TYPES = tuple(SampleType(n) if 1 <= n <= 10 else n for n in range(16))
_LOCATIONS = tuple(SampleLocation(n) if n in {1, 2, 3, 4, 5, 15} else n for n in range(16))


def type_and_location(octet: int) -> tuple[SampleType | int, SampleLocation | int]:
    """Split the octet that names both; one that is not assigned stays an `int`, so it costs no reading."""
    return _TYPES[octet & 0x0F], _LOCATIONS[octet >> 4]


OVERRUN, UNDERRUN = 0x7FFF, -0x8000
"""The time offsets that say that the true one does not fit: the time of the measurement is then not known."""

_TIME_OFFSET, _CONCENTRATION, _MOL, _STATUS, _CONTEXT = 0x01, 0x02, 0x04, 0x08, 0x10
_HEAD = Struct("<BHHBBBBB")
_OFFSET = Struct("<h")
_SAMPLE = Struct("<HB")
_LENGTHS = tuple(
    10 + 2 * bool(f & _TIME_OFFSET) + 3 * bool(f & _CONCENTRATION) + 2 * bool(f & _STATUS) for f in range(256)
)


@dataclass(frozen=True, slots=True)
class GlucoseMeasurement:
    """One Glucose Measurement (2A18).

    `concentration` in `unit`, as sent; both `None` when the meter measured none, and so are `sample_type` and
    `sample_location`. `base_time` is the meter's own clock as it ran then, `time_offset` the minutes by which
    its user had shifted the time shown: `time` is their sum. `context_follows` announces a 2A34.
    """

    UUID: ClassVar[str] = "2A18"

    sequence_number: int
    base_time: DateTime
    time_offset: int | None = None
    concentration: Number | None = None
    unit: ConcentrationUnit | None = None
    sample_type: SampleType | int | None = None
    sample_location: SampleLocation | int | None = None
    sensor_status: SensorStatus | None = None
    context_follows: bool = False

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut or left over."""
        # Without the Reader: a meter sends its whole store at once.
        if len(value) < _HEAD.size or len(value) != _LENGTHS[value[0]]:
            wanted = _LENGTHS[value[0]] if value else _HEAD.size
            raise DecodeError(cls.UUID, value, f"{len(value)} bytes, and its flags announce {wanted}")
        flags, number, *clock = _HEAD.unpack_from(value)
        base_time = DateTime(*clock)  # as sent, whatever it says
        at = _HEAD.size
        offset = concentration = unit = sample_type = location = status = None
        if flags & _TIME_OFFSET:
            (offset,) = _OFFSET.unpack_from(value, at)
            at += 2
        if flags & _CONCENTRATION:
            raw, octet = _SAMPLE.unpack_from(value, at)
            concentration = sfloat(raw)
            unit = ConcentrationUnit.MOL_PER_L if flags & _MOL else ConcentrationUnit.KG_PER_L
            sample_type, location = _TYPES[octet & 0x0F], _LOCATIONS[octet >> 4]
            at += 3
        if flags & _STATUS:
            status = SensorStatus(value[at] | value[at + 1] << 8)
        context = bool(flags & _CONTEXT)
        return cls(number, base_time, offset, concentration, unit, sample_type, location, status, context)

    def __bytes__(self) -> bytes:
        flags = _CONTEXT if self.context_follows else 0
        body = b""
        if self.time_offset is not None:
            flags |= _TIME_OFFSET
            body += _OFFSET.pack(self.time_offset)
        if self.concentration is not None:
            flags |= _CONCENTRATION | (_MOL if self.unit is ConcentrationUnit.MOL_PER_L else 0)
            octet = (self.sample_type or 0) | (self.sample_location or 0) << 4
            body += encode_sfloat(self.concentration) + bytes((octet,))
        if self.sensor_status is not None:
            flags |= _STATUS
            body += int(self.sensor_status).to_bytes(2, "little")
        return bytes((flags,)) + self.sequence_number.to_bytes(2, "little") + bytes(self.base_time) + body

    @property
    def time(self) -> dt.datetime | None:
        """When it was measured, as the meter showed it: naive; `None` when that is not known."""
        moment = self.base_time.datetime
        if moment is None or self.time_offset in {OVERRUN, UNDERRUN}:
            return None
        try:
            return moment + dt.timedelta(minutes=self.time_offset or 0)
        except OverflowError:  # the year 9999 and an offset
            return None


class CarbohydrateId(IntEnum):
    """Which meal the carbohydrate belongs to."""

    BREAKFAST = 1
    LUNCH = 2
    DINNER = 3
    SNACK = 4
    DRINK = 5
    SUPPER = 6
    BRUNCH = 7


class Meal(IntEnum):
    """When it was measured, by the meals of the day."""

    PREPRANDIAL = 1
    POSTPRANDIAL = 2
    FASTING = 3
    CASUAL = 4
    BEDTIME = 5


class Tester(IntEnum):
    """Who measured."""

    SELF = 1
    HEALTH_CARE_PROFESSIONAL = 2
    LAB_TEST = 3
    NOT_AVAILABLE = 15


class Health(IntEnum):
    """What the person said about their health at the time."""

    MINOR_HEALTH_ISSUES = 1
    MAJOR_HEALTH_ISSUES = 2
    DURING_MENSES = 3
    UNDER_STRESS = 4
    NO_HEALTH_ISSUES = 5
    NOT_AVAILABLE = 15


class MedicationId(IntEnum):
    """Which kind of insulin was taken."""

    RAPID_ACTING_INSULIN = 1
    SHORT_ACTING_INSULIN = 2
    INTERMEDIATE_ACTING_INSULIN = 3
    LONG_ACTING_INSULIN = 4
    PRE_MIXED_INSULIN = 5


class MedicationUnit(StrEnum):
    """The unit that an amount of medication is sent in."""

    KG = "kg"
    L = "L"


_Id = TypeVar("_Id", bound=IntEnum)

EXERCISE_OVERRUN = 0xFFFF
"""The exercise duration that says that it was longer than can be sent."""


def _known(kind: type[_Id], number: int) -> _Id | int:
    return kind(number) if number in kind._value2member_map_ else number


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucoseMeasurementContext:
    """What surrounded the measurement with the same `sequence_number` (2A34): Glucose Measurement Context.

    `carbohydrate` in kg; `exercise_duration` in s, `exercise_intensity` in %; `medication` in
    `medication_unit`; `hba1c` in %. An id that is not assigned stays an `int`; `extended_flags` have no
    meaning yet.
    """

    UUID: ClassVar[str] = "2A34"

    sequence_number: int
    extended_flags: int | None = None
    carbohydrate_id: CarbohydrateId | int | None = None
    carbohydrate: Number | None = None
    meal: Meal | int | None = None
    tester: Tester | int | None = None
    health: Health | int | None = None
    exercise_duration: int | None = None
    exercise_intensity: int | None = None
    medication_id: MedicationId | int | None = None
    medication: Number | None = None
    medication_unit: MedicationUnit | None = None
    hba1c: Number | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing or cut, or something else than zeros is left.

        Meters are known to fill the value up with zeros; behind extended flags, which are reserved, anything
        may follow. Neither is kept.
        """
        fields = Reader(cls.UUID, value)
        flags, number = fields.uint8("the flags"), fields.uint16("the sequence number")
        found: dict[str, Any] = {}
        if flags & 0x80:
            found["extended_flags"] = fields.uint8("the extended flags")
        if flags & 0x01:
            found["carbohydrate_id"] = _known(CarbohydrateId, fields.uint8("the carbohydrate's id"))
            found["carbohydrate"] = fields.sfloat("the carbohydrate")
        if flags & 0x02:
            found["meal"] = _known(Meal, fields.uint8("the meal"))
        if flags & 0x04:
            octet = fields.uint8("the tester and the health")
            found["tester"] = _known(Tester, octet & 0x0F)
            found["health"] = _known(Health, octet >> 4)
        if flags & 0x08:
            found["exercise_duration"] = fields.uint16("the exercise's duration")
            found["exercise_intensity"] = fields.uint8("the exercise's intensity")
        if flags & 0x10:
            found["medication_id"] = _known(MedicationId, fields.uint8("the medication's id"))
            found["medication"] = fields.sfloat("the medication")
            found["medication_unit"] = MedicationUnit.L if flags & 0x20 else MedicationUnit.KG
        if flags & 0x40:
            found["hba1c"] = fields.sfloat("the HbA1c")
        if not flags & 0x80 and any(value[fields.at :]):
            fields.end()
        return cls(sequence_number=number, **found)

    def __bytes__(self) -> bytes:
        flags, body = 0, b""
        if self.extended_flags is not None:
            flags |= 0x80
            body += bytes((self.extended_flags,))
        if self.carbohydrate_id is not None and self.carbohydrate is not None:
            flags |= 0x01
            body += bytes((self.carbohydrate_id,)) + encode_sfloat(self.carbohydrate)
        if self.meal is not None:
            flags |= 0x02
            body += bytes((self.meal,))
        if self.tester is not None and self.health is not None:
            flags |= 0x04
            body += bytes((self.tester | self.health << 4,))
        if self.exercise_duration is not None and self.exercise_intensity is not None:
            flags |= 0x08
            body += self.exercise_duration.to_bytes(2, "little") + bytes((self.exercise_intensity,))
        if self.medication_id is not None and self.medication is not None:
            flags |= 0x10 | (0x20 if self.medication_unit is MedicationUnit.L else 0)
            body += bytes((self.medication_id,)) + encode_sfloat(self.medication)
        if self.hba1c is not None:
            flags |= 0x40
            body += encode_sfloat(self.hba1c)
        return bytes((flags,)) + self.sequence_number.to_bytes(2, "little") + body


def join(
    measurements: Iterable[GlucoseMeasurement], contexts: Iterable[GlucoseMeasurementContext]
) -> tuple[tuple[GlucoseMeasurement, GlucoseMeasurementContext | None], ...]:
    """Put each measurement of one meter beside its context, in the measurements' order.

    Of several contexts with one sequence number the last counts: a meter sends it again when its user changes
    it. A context without a measurement is left out.
    """
    by_number = {context.sequence_number: context for context in contexts}
    return tuple((one, by_number.get(one.sequence_number)) for one in measurements)


@dataclass(frozen=True, slots=True)
class GlucoseFeature:
    """Glucose Feature (2A51)."""

    UUID: ClassVar[str] = "2A51"

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
    number="1808",
    name="Glucose",
    characteristics=by_uuid(
        GlucoseMeasurement, GlucoseMeasurementContext, GlucoseFeature, RecordAccessControlPoint
    ),
    measurements=frozenset({"2A18", "2A34"}),
    state=frozenset({"2A51"}),
)
