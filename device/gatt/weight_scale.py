"""Weight Scale service (181D): the measurement and what the scale can do.

Source: Weight Scale Service 1.0 and GATT Specification Supplement (2A9D, 2A9E).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum
from typing import ClassVar, Self

from device.gatt.fields import DateTime, Reader, encode_known, encode_scaled
from device.gatt.measurement import GattService, by_uuid


class MassUnit(StrEnum):
    """What the scale is set to: kilograms, with heights in metres, or pounds, with heights in inches."""

    KG = "kg"
    LB = "lb"

    @property
    def mass_steps(self) -> int:
        """How many steps a mass has to the unit: 0.005 kg each, or 0.01 lb."""
        return 200 if self is MassUnit.KG else 100

    @property
    def height_steps(self) -> int:
        """How many steps a height has to the unit: 0.001 m each, or 0.1 in."""
        return 1000 if self is MassUnit.KG else 10


UNKNOWN_USER = 255
"""The user id that means: not known who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightMeasurement:
    """One Weight Measurement (2A9D), indicated when the person stands still.

    `weight` in `unit`, `None` when the measurement was not successful; `bmi` in kg/m²; `height` in m where
    the unit is kg, in inches where it is lb; `timestamp` is the scale's own clock; `user_id` 255 says that
    the scale does not know who. Flags that are not assigned are left aside, as the specification asks.
    """

    UUID: ClassVar[str] = "2A9D"

    weight: float | None
    unit: MassUnit = MassUnit.KG
    timestamp: DateTime | None = None
    user_id: int | None = None
    bmi: float | None = None
    height: float | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut, out of range or left over."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        unit = MassUnit.LB if flags & 0x01 else MassUnit.KG
        measurement = cls(
            unit=unit,
            weight=fields.known(2, unit.mass_steps, "the weight"),
            timestamp=fields.date_time("the timestamp") if flags & 0x02 else None,
            user_id=fields.uint8("the user id") if flags & 0x04 else None,
            bmi=fields.scaled(2, 10, "the BMI") if flags & 0x08 else None,
            height=fields.scaled(2, unit.height_steps, "the height") if flags & 0x08 else None,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        if (self.bmi is None) != (self.height is None):
            raise ValueError("BMI and height are sent both or neither")
        flags = 0x01 if self.unit is MassUnit.LB else 0
        body = encode_known(self.weight, self.unit.mass_steps, 2)
        if self.timestamp is not None:
            flags |= 0x02
            body += bytes(self.timestamp)
        if self.user_id is not None:
            flags |= 0x04
            body += bytes((self.user_id,))
        if self.bmi is not None and self.height is not None:
            flags |= 0x08
            body += encode_scaled(self.bmi, 10, 2) + encode_scaled(self.height, self.unit.height_steps, 2)
        return bytes((flags,)) + body


class Features(IntFlag):
    """What a weight scale says that it can do."""

    TIME_STAMP = 1 << 0
    MULTIPLE_USERS = 1 << 1
    BMI = 1 << 2


class MassResolution(IntEnum):
    """How finely a scale measures; its results are rounded to this, whatever the format could hold."""

    NOT_SPECIFIED = 0
    HALF_KG_OR_1_LB = 1
    FIFTH_KG_OR_HALF_LB = 2
    TENTH_KG_OR_FIFTH_LB = 3
    TWENTIETH_KG_OR_TENTH_LB = 4
    FIFTIETH_KG_OR_TWENTIETH_LB = 5
    HUNDREDTH_KG_OR_FIFTIETH_LB = 6
    TWO_HUNDREDTH_KG_OR_HUNDREDTH_LB = 7

    def step(self, unit: MassUnit) -> float | None:
        """Say how far two neighbouring results lie apart, in `unit`; `None` when not specified."""
        return (_KG_STEPS if unit is MassUnit.KG else _LB_STEPS)[self]


class HeightResolution(IntEnum):
    """How finely a height is kept."""

    NOT_SPECIFIED = 0
    CENTIMETRE_OR_1_INCH = 1
    HALF_CENTIMETRE_OR_HALF_INCH = 2
    MILLIMETRE_OR_TENTH_INCH = 3


_KG_STEPS = (None, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)
_LB_STEPS = (None, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


def mass_resolution(number: int) -> MassResolution | int:
    """Name a resolution; a number that is not assigned yet stays one, and must not cost the features."""
    return MassResolution(number) if number <= MassResolution.TWO_HUNDREDTH_KG_OR_HUNDREDTH_LB else number


def height_resolution(number: int) -> HeightResolution | int:
    """Name a resolution of heights, likewise."""
    return HeightResolution(number) if number <= HeightResolution.MILLIMETRE_OR_TENTH_INCH else number


@dataclass(frozen=True, slots=True)
class WeightScaleFeature:
    """Weight Scale Feature (2A9E): what the scale can do, and how finely."""

    UUID: ClassVar[str] = "2A9E"

    features: Features
    weight_resolution: MassResolution | int = MassResolution.NOT_SPECIFIED
    height_resolution: HeightResolution | int = HeightResolution.NOT_SPECIFIED

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but four; bits that are not assigned are left aside."""
        fields = Reader(cls.UUID, value)
        bits = fields.uint32("the features")
        fields.end()
        return cls(Features(bits & 0x07), mass_resolution(bits >> 3 & 0x0F), height_resolution(bits >> 7 & 7))

    def __bytes__(self) -> bytes:
        bits = self.features | self.weight_resolution << 3 | self.height_resolution << 7
        return int(bits).to_bytes(4, "little")


SERVICE = GattService(
    number="181D",
    name="Weight Scale",
    characteristics=by_uuid(WeightMeasurement, WeightScaleFeature),
    measurements=frozenset({"2A9D"}),
    state=frozenset({"2A9E"}),
)
