"""Running Speed and Cadence service (1814): the measurement and what the sensor can do.

Source: Running Speed and Cadence Service 1.0 and GATT Specification Supplement (2A53, 2A54).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import ClassVar, Self

from device.gatt.fields import Reader, encode_scaled
from device.gatt.measurement import GattService, by_uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class RscMeasurement:
    """One RSC Measurement (2A53), notified about once a second.

    `instantaneous_speed` in m/s; `instantaneous_cadence` in steps a minute; `instantaneous_stride_length` and
    `total_distance` in m, the last since it was reset; `running` is false while walking, and for a sensor
    that cannot tell (`Features.WALKING_OR_RUNNING_STATUS`).
    """

    UUID: ClassVar[str] = "2A53"

    instantaneous_speed: float
    instantaneous_cadence: int
    instantaneous_stride_length: float | None = None
    total_distance: float | None = None
    running: bool = False

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut or left over."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        measurement = cls(
            instantaneous_speed=fields.scaled(2, 256, "the speed"),
            instantaneous_cadence=fields.uint8("the cadence"),
            instantaneous_stride_length=(
                fields.scaled(2, 100, "the stride length") if flags & 0x01 else None
            ),
            total_distance=fields.scaled(4, 10, "the total distance") if flags & 0x02 else None,
            running=bool(flags & 0x04),
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        flags = 0x04 if self.running else 0
        body = encode_scaled(self.instantaneous_speed, 256, 2) + self.instantaneous_cadence.to_bytes(
            1, "little"
        )
        if self.instantaneous_stride_length is not None:
            flags |= 0x01
            body += encode_scaled(self.instantaneous_stride_length, 100, 2)
        if self.total_distance is not None:
            flags |= 0x02
            body += encode_scaled(self.total_distance, 10, 4)
        return bytes((flags,)) + body


class Features(IntFlag):
    """What a running sensor says that it can do."""

    INSTANTANEOUS_STRIDE_LENGTH = 1 << 0
    TOTAL_DISTANCE = 1 << 1
    WALKING_OR_RUNNING_STATUS = 1 << 2
    CALIBRATION_PROCEDURE = 1 << 3
    MULTIPLE_SENSOR_LOCATIONS = 1 << 4


@dataclass(frozen=True, slots=True)
class RscFeature:
    """RSC Feature (2A54): what the sensor can do."""

    UUID: ClassVar[str] = "2A54"

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
    number="1814",
    name="Running Speed and Cadence",
    characteristics=by_uuid(RscMeasurement, RscFeature),
    measurements=frozenset({"2A53"}),
    silence={"2A53": 600},
    state=frozenset({"2A54"}),
)
