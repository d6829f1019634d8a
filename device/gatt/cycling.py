"""Cycling Speed and Cadence service (1816): the measurement, what two of them say, what the sensor can do.

Source: Cycling Speed and Cadence Service 1.0 and GATT Specification Supplement (2A5B, 2A5C).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import ClassVar, Self

from device.gatt.fields import Reader
from device.gatt.measurement import GattService, by_uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class CscMeasurement:
    """One CSC Measurement (2A5B), notified about once a second: counters, from which `movement` makes rates.

    Revolutions since the counter was set, the wheel's to 2³², the crank's to 2¹⁶; event times, of the latest
    revolution counted, in 1/1024 s of a clock that begins anew every 64 s. Both of a pair are `None` where
    the sensor does not have it.
    """

    UUID: ClassVar[str] = "2A5B"

    cumulative_wheel_revolutions: int | None = None
    last_wheel_event_time: int | None = None
    cumulative_crank_revolutions: int | None = None
    last_crank_event_time: int | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when fields are missing, cut or left over."""
        fields = Reader(cls.UUID, value)
        flags = fields.uint8("the flags")
        measurement = cls(
            cumulative_wheel_revolutions=fields.uint32("the wheel revolutions") if flags & 0x01 else None,
            last_wheel_event_time=fields.uint16("the wheel event time") if flags & 0x01 else None,
            cumulative_crank_revolutions=fields.uint16("the crank revolutions") if flags & 0x02 else None,
            last_crank_event_time=fields.uint16("the crank event time") if flags & 0x02 else None,
        )
        fields.end()
        return measurement

    def __bytes__(self) -> bytes:
        flags, body = 0, b""
        for flag, size, revolutions, time in (
            (0x01, 4, self.cumulative_wheel_revolutions, self.last_wheel_event_time),
            (0x02, 2, self.cumulative_crank_revolutions, self.last_crank_event_time),
        ):
            if (revolutions is None) != (time is None):
                raise ValueError("revolutions and their event time are sent both or neither")
            if revolutions is not None and time is not None:
                flags |= flag
                body += revolutions.to_bytes(size, "little") + time.to_bytes(2, "little")
        return bytes((flags,)) + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What happened between two measurements; `None` where that cannot be known.

    `wheel_revolutions` is a number of turns, so that a circumference makes it a distance, and
    `wheel_seconds` the time that they took; `crank_cadence` in revolutions a minute.
    """

    wheel_revolutions: int | None = None
    wheel_seconds: float | None = None
    crank_cadence: float | None = None


def movement(earlier: CscMeasurement, later: CscMeasurement) -> Movement:
    """Compare two measurements of one sensor that were received less than 64 s apart.

    Counters and clock may have begun anew in between. A counter that went back was set, so nothing is known;
    nor is a cadence while no new revolution was counted, since the next one may come at any speed.
    """
    wheel, wheel_seconds = _between(
        earlier.cumulative_wheel_revolutions,
        earlier.last_wheel_event_time,
        later.cumulative_wheel_revolutions,
        later.last_wheel_event_time,
        bits=32,
    )
    crank, crank_seconds = _between(
        earlier.cumulative_crank_revolutions,
        earlier.last_crank_event_time,
        later.cumulative_crank_revolutions,
        later.last_crank_event_time,
        bits=16,
    )
    return Movement(
        wheel_revolutions=wheel,
        wheel_seconds=wheel_seconds,
        crank_cadence=60 * crank / crank_seconds if crank and crank_seconds else None,
    )


def _between(
    count: int | None, time: int | None, next_count: int | None, next_time: int | None, *, bits: int
) -> tuple[int | None, float | None]:
    """Take the difference of two readings of a counter and of its clock, both modulo their size."""
    if count is None or time is None or next_count is None or next_time is None:
        return None, None
    turns = (next_count - count) % (1 << bits)
    # Nobody pedals half a counter's range within 64 s: it was set to a lower value.
    if turns >= 1 << (bits - 1):
        return None, None
    return turns, (next_time - time) % (1 << 16) / 1024


class Features(IntFlag):
    """What a cycling sensor says that it can do."""

    WHEEL_REVOLUTION_DATA = 1 << 0
    CRANK_REVOLUTION_DATA = 1 << 1
    MULTIPLE_SENSOR_LOCATIONS = 1 << 2


@dataclass(frozen=True, slots=True)
class CscFeature:
    """CSC Feature (2A5C): what the sensor can do."""

    UUID: ClassVar[str] = "2A5C"

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
    number="1816",
    name="Cycling Speed and Cadence",
    characteristics=by_uuid(CscMeasurement, CscFeature),
    measurements=frozenset({"2A5B"}),
    silence={"2A5B": 600},
    state=frozenset({"2A5C"}),
)
