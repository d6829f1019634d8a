"""Battery service (180F).

Source: Battery Service 1.0 and GATT Specification Supplement (2A19).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from device.gatt.fields import Reader
from device.gatt.measurement import GattService, by_uuid


@dataclass(frozen=True, slots=True)
class BatteryLevel:
    """Battery Level (2A19), `percent` from 0 to 100."""

    UUID: ClassVar[str] = "2A19"

    percent: int

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but one, and above 100."""
        fields = Reader(cls.UUID, value)
        percent = fields.uint8("the level")
        fields.end()
        if percent > 100:
            raise fields.error(f"a battery cannot be at {percent} %")
        return cls(percent)

    def __bytes__(self) -> bytes:
        return bytes((self.percent,))


SERVICE = GattService(
    number="180F",
    name="Battery",
    characteristics=by_uuid(BatteryLevel),
    measures=False,
)
