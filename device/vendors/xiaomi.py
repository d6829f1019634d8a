"""Xiaomi's scales: weight, and the impedance of the body, in layouts of their own under assigned numbers.

Their 2A9D and 2A9C are not the Bluetooth SIG's: read as the standard's, a flag would pass for a weight and
a date for body fat. So the scales are recognised by their names, and their values renamed. Body fat is not
computed: it would be a formula's, with the person's age and height in it, and no measurement.

Source: oliexdev/openScale (MiScaleHandler), octogradiste/weight_scale (that 2A9C notifies). Not covered:
weighings kept in the scale, and scales that only advertise their values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import ClassVar, Self

from device.gatt.fields import DateTime, Reader
from device.vendors.family import Family, Talk

WEIGHT, BODY = "xiaomi:2A9D", "xiaomi:2A9C"
_OURS = {"2A9D": WEIGHT, "2A9C": BODY}


class WeightUnit(StrEnum):
    """The unit that the scale is set to."""

    KILOGRAM = "kg"
    POUND = "lb"
    JIN = "jin"


_KILOGRAMS = {WeightUnit.KILOGRAM: 1.0, WeightUnit.POUND: 0.45359237, WeightUnit.JIN: 0.5}
_STEPS = {WeightUnit.KILOGRAM: 200, WeightUnit.POUND: 100, WeightUnit.JIN: 100}


class WeightFlags(IntFlag):
    """The first byte of a Mi Scale's value; other bits have no public meaning."""

    POUND = 0x01
    JIN = 0x10
    STABILISED = 0x20
    REMOVED = 0x80


class BodyFlags(IntFlag):
    """The first two bytes of a Mi Body Composition Scale's value; other bits have no public meaning."""

    POUND = 0x0001
    IMPEDANCE = 0x0200
    STABILISED = 0x2000
    JIN = 0x4000
    REMOVED = 0x8000


def _unit(pound: bool, jin: bool) -> WeightUnit:
    if pound:
        return WeightUnit.POUND
    return WeightUnit.JIN if jin else WeightUnit.KILOGRAM


@dataclass(frozen=True, slots=True)
class XiaomiWeight:
    """What a Mi Scale sends (2A9D, ten bytes), several times a weighing.

    `weight` in `unit`; `timestamp` by the scale's own clock. Only a `settled` weight is a result.
    """

    UUID: ClassVar[str] = WEIGHT

    flags: WeightFlags
    weight: float
    timestamp: DateTime

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but ten."""
        fields = Reader(cls.UUID, value)
        flags = WeightFlags(fields.uint8("the flags"))
        unit = _unit(WeightFlags.POUND in flags, WeightFlags.JIN in flags)
        weight = fields.uint16("the weight") / _STEPS[unit]
        timestamp = fields.date_time("the time")
        fields.end()
        return cls(flags, weight, timestamp)

    def __bytes__(self) -> bytes:
        raw = round(self.weight * _STEPS[self.unit])
        return bytes((self.flags,)) + raw.to_bytes(2, "little") + bytes(self.timestamp)

    @property
    def unit(self) -> WeightUnit:
        """The unit of `weight`."""
        return _unit(WeightFlags.POUND in self.flags, WeightFlags.JIN in self.flags)

    @property
    def weight_kg(self) -> float:
        """The weight in kg."""
        return self.weight * _KILOGRAMS[self.unit]

    @property
    def stabilised(self) -> bool:
        """Whether the weight has come to rest."""
        return WeightFlags.STABILISED in self.flags

    @property
    def removed(self) -> bool:
        """Whether the person has stepped off; the last weight is then sent again."""
        return WeightFlags.REMOVED in self.flags

    @property
    def settled(self) -> bool:
        """Whether this is a result: at rest, with the person on the scale."""
        return self.stabilised and not self.removed


@dataclass(frozen=True, slots=True)
class XiaomiBodyComposition:
    """What a Mi Body Composition Scale sends (2A9C, 13 bytes), several times a weighing.

    `weight` in `unit`; `impedance` in Ω, `None` while it is not measured (in socks it never is); `timestamp`
    by the scale's own clock. Only a `settled` weight is a result. One weighing gives it twice, first
    without and then with the impedance.
    """

    UUID: ClassVar[str] = BODY

    flags: BodyFlags
    weight: float
    timestamp: DateTime
    impedance: int | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but 13."""
        fields = Reader(cls.UUID, value)
        flags = BodyFlags(fields.uint16("the flags"))
        timestamp = fields.date_time("the time")
        impedance = fields.uint16("the impedance")
        unit = _unit(BodyFlags.POUND in flags, BodyFlags.JIN in flags)
        weight = fields.uint16("the weight") / _STEPS[unit]
        fields.end()
        measured = BodyFlags.IMPEDANCE in flags and impedance > 0
        return cls(flags, weight, timestamp, impedance if measured else None)

    def __bytes__(self) -> bytes:
        raw = round(self.weight * _STEPS[self.unit])
        head = self.flags.to_bytes(2, "little") + bytes(self.timestamp)
        return head + (self.impedance or 0).to_bytes(2, "little") + raw.to_bytes(2, "little")

    @property
    def unit(self) -> WeightUnit:
        """The unit of `weight`."""
        return _unit(BodyFlags.POUND in self.flags, BodyFlags.JIN in self.flags)

    @property
    def weight_kg(self) -> float:
        """The weight in kg."""
        return self.weight * _KILOGRAMS[self.unit]

    @property
    def stabilised(self) -> bool:
        """Whether the weight has come to rest."""
        return BodyFlags.STABILISED in self.flags

    @property
    def removed(self) -> bool:
        """Whether the person has stepped off; the last weight is then sent again."""
        return BodyFlags.REMOVED in self.flags

    @property
    def settled(self) -> bool:
        """Whether this is a result: at rest, with the person on the scale."""
        return self.stabilised and not self.removed


class XiaomiConversation:
    """Renames what would pass for the standard's."""

    listens = frozenset(_OURS)

    def __init__(self, wanted: Collection[str] = ()) -> None:
        pass

    def frames(self, characteristic: str, value: bytes) -> Iterable[tuple[str, bytes]]:
        """Rename the value; one is one frame."""
        return [(_OURS.get(characteristic, characteristic), value)]

    async def talk(self, talk: Talk) -> None:
        """Say nothing: it sends while somebody stands on it."""


FAMILY = Family(
    name="Xiaomi",
    names=("MI_SCALE", "MI SCALE2", "MIBCS", "MIBFS"),
    characteristics={WEIGHT: XiaomiWeight, BODY: XiaomiBodyComposition},
    converse=XiaomiConversation,
)
