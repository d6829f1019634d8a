"""Body Composition service (181B): the measurement and what the analyser can do.

Many scales of Xiaomi send a frame of their own under the number of this measurement: two control bytes, a
date, an impedance and a weight. Read by the standard's layout, its year would be a body fat of about 202 %.
So a reserved flag or a body fat above 100 % is refused, with words that say what it may be.

Source: Body Composition Service 1.0 and GATT Specification Supplement (2A9C, 2A9B). Xiaomi's frame:
openScale's and the ESPHome project's drivers for its scales.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import ClassVar, Self

from device.gatt.fields import DateTime, Reader, encode_known, encode_scaled
from device.gatt.measurement import GattService, by_uuid
from device.gatt.weight_scale import (
    HeightResolution,
    MassResolution,
    MassUnit,
    height_resolution,
    mass_resolution,
)

_OWN_LAYOUT = (
    "this may be a scale with a layout of its own (Xiaomi's send another frame under this number), so no "
    "body composition is read from it; add it by its maker instead"
)
_RESERVED = 0xE000


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyCompositionMeasurement:
    """One Body Composition Measurement (2A9C), indicated when it is done.

    `body_fat_percentage` and `muscle_percentage` in %, the first `None` when the measurement was not
    successful; `basal_metabolism` in kJ a day; masses in `unit`; `impedance` in Ω; `height` in m where the
    unit is kg, in inches where it is lb. Where one value is too long for the link, it comes in two with
    `multiple_packet` set, the second without what the first had.
    """

    UUID: ClassVar[str] = "2A9C"

    body_fat_percentage: float | None
    unit: MassUnit = MassUnit.KG
    timestamp: DateTime | None = None
    user_id: int | None = None
    basal_metabolism: int | None = None
    muscle_percentage: float | None = None
    muscle_mass: float | None = None
    fat_free_mass: float | None = None
    soft_lean_mass: float | None = None
    body_water_mass: float | None = None
    impedance: float | None = None
    weight: float | None = None
    height: float | None = None
    multiple_packet: bool = False

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on a layout of the maker's own, and on missing or left-over fields."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint16("the flags")
        if flags & _RESERVED:
            raise fields.error(f"it sets flags that the standard does not know; {_OWN_LAYOUT}")
        fat = fields.known(2, 10, "the body fat")
        if fat is not None and fat > 100:
            raise fields.error(f"a body fat of {fat} % cannot be; {_OWN_LAYOUT}")
        unit = MassUnit.LB if flags & 0x0001 else MassUnit.KG

        def mass(flag: int, what: str) -> float | None:
            return fields.scaled(2, unit.mass_steps, what) if flags & flag else None

        measurement = cls(
            body_fat_percentage=fat,
            unit=unit,
            timestamp=fields.date_time("the timestamp") if flags & 0x0002 else None,
            user_id=fields.uint8("the user id") if flags & 0x0004 else None,
            basal_metabolism=fields.uint16("the basal metabolism") if flags & 0x0008 else None,
            muscle_percentage=fields.scaled(2, 10, "the muscle percentage") if flags & 0x0010 else None,
            muscle_mass=mass(0x0020, "the muscle mass"),
            fat_free_mass=mass(0x0040, "the fat-free mass"),
            soft_lean_mass=mass(0x0080, "the soft lean mass"),
            body_water_mass=mass(0x0100, "the body water mass"),
            impedance=fields.scaled(2, 10, "the impedance") if flags & 0x0200 else None,
            weight=mass(0x0400, "the weight"),
            height=fields.scaled(2, unit.height_steps, "the height") if flags & 0x0800 else None,
            multiple_packet=bool(flags & 0x1000),
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        if self.body_fat_percentage is not None and self.body_fat_percentage > 100:
            raise ValueError(f"a body fat of {self.body_fat_percentage} % cannot be")
        flags = (0x0001 if self.unit is MassUnit.LB else 0) | (0x1000 if self.multiple_packet else 0)
        body = encode_known(self.body_fat_percentage, 10, 2)
        if self.timestamp is not None:
            flags |= 0x0002
            body += bytes(self.timestamp)
        if self.user_id is not None:
            flags |= 0x0004
            body += bytes((self.user_id,))
        steps = self.unit.mass_steps
        for flag, number, to_the_unit in (
            (0x0008, self.basal_metabolism, 1),
            (0x0010, self.muscle_percentage, 10),
            (0x0020, self.muscle_mass, steps),
            (0x0040, self.fat_free_mass, steps),
            (0x0080, self.soft_lean_mass, steps),
            (0x0100, self.body_water_mass, steps),
            (0x0200, self.impedance, 10),
            (0x0400, self.weight, steps),
            (0x0800, self.height, self.unit.height_steps),
        ):
            if number is not None:
                flags |= flag
                body += encode_scaled(number, to_the_unit, 2)
        return flags.to_bytes(2, "little") + body


class Features(IntFlag):
    """What a body composition analyser says that it can do."""

    TIME_STAMP = 1 << 0
    MULTIPLE_USERS = 1 << 1
    BASAL_METABOLISM = 1 << 2
    MUSCLE_PERCENTAGE = 1 << 3
    MUSCLE_MASS = 1 << 4
    FAT_FREE_MASS = 1 << 5
    SOFT_LEAN_MASS = 1 << 6
    BODY_WATER_MASS = 1 << 7
    IMPEDANCE = 1 << 8
    WEIGHT = 1 << 9
    HEIGHT = 1 << 10


@dataclass(frozen=True, slots=True)
class BodyCompositionFeature:
    """Body Composition Feature (2A9B): what the analyser can do, and how finely."""

    UUID: ClassVar[str] = "2A9B"

    features: Features
    mass_resolution: MassResolution | int = MassResolution.NOT_SPECIFIED
    height_resolution: HeightResolution | int = HeightResolution.NOT_SPECIFIED

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but four; bits that are not assigned are left aside."""
        fields = Reader(cls.UUID, value)
        bits = fields.uint32("the features")
        fields.end()
        return cls(
            Features(bits & 0x07FF), mass_resolution(bits >> 11 & 0x0F), height_resolution(bits >> 15 & 7)
        )

    def __bytes__(self) -> bytes:
        bits = self.features | self.mass_resolution << 11 | self.height_resolution << 15
        return int(bits).to_bytes(4, "little")


SERVICE = GattService(
    number="181B",
    name="Body Composition",
    characteristics=by_uuid(BodyCompositionMeasurement, BodyCompositionFeature),
    measurements=frozenset({"2A9C"}),
    state=frozenset({"2A9B"}),
)
