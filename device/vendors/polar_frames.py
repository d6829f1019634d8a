"""The frames of samples that Polar's sensors send: ECG, acceleration, pulse intervals.

A frame carries neither its sample rate nor, where it is compressed, the factor of its units: both are in
what the control point says, see `device.vendors.polar_control`.

Source: Polar's "Online measurement" (version 1.0, 2024) and the BLE SDK that it belongs to
(polarofficial/polar-ble-sdk). Left out: ECG frame types 1 to 3, other types of measurement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from itertools import pairwise
from struct import unpack
from typing import ClassVar, NamedTuple, Self

from device.errors import DecodeError
from device.gatt.fields import Reader

DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
_TYPE, _COMPRESSED = 0x3F, 0x80
_RAW_SIZES = {0: 1, 1: 2, 2: 3}  # acceleration: bytes of one axis by frame type


class PmdType(IntEnum):
    """What is measured, as the control point and the frames number it."""

    ECG = 0
    PPG = 1
    ACC = 2
    PPI = 3
    GYRO = 5
    MAGNETOMETER = 6
    SKIN_TEMPERATURE = 7
    SDK_MODE = 9
    LOCATION = 10
    PRESSURE = 11
    TEMPERATURE = 12
    OFFLINE_RECORDING = 13
    OFFLINE_HR = 14


@dataclass(frozen=True, slots=True)
class PmdFrame:
    """One frame of samples (fb005c82): an `EcgFrame`, an `AccFrame` or a `PpiFrame`.

    `timestamp_ns` is that of its last sample, in ns since 2000-01-01 of the sensor's own clock, which nobody
    may ever have set; 0 where a PPI frame has none.
    """

    UUID: ClassVar[str] = DATA

    timestamp_ns: int

    @classmethod
    def from_bytes(cls, value: bytes) -> PmdFrame:
        """Decode. Raises `DecodeError` for any other type or layout, and for samples that are cut."""
        kind = value[0] & _TYPE if value else None
        for frame in (EcgFrame, AccFrame, PpiFrame):
            if kind == frame.TYPE:
                return frame.from_bytes(value)
        why = "it is empty" if kind is None else f"measurements of type {kind} are not understood here"
        raise DecodeError(cls.UUID, value, why)

    def __bytes__(self) -> bytes:
        raise ValueError("a frame without a type has no bytes: make an EcgFrame, an AccFrame or a PpiFrame")


def _open(kind: PmdType, value: bytes) -> tuple[Reader, int, int]:
    """Read what every frame begins with: its reader, the timestamp and the frame type."""
    fields = Reader(DATA, value)
    if fields.uint8("its type") & _TYPE != kind:
        raise fields.error(f"it is not a frame of {kind.name}")
    return fields, fields.uint(8, "the timestamp"), fields.uint8("the frame type")


def _head(kind: PmdType, timestamp: int, frame_type: int) -> bytes:
    return bytes((kind,)) + timestamp.to_bytes(8, "little") + bytes((frame_type,))


def _rest(fields: Reader, size: int) -> int:
    """How many samples of `size` bytes are left; anything between two samples is an error."""
    left = len(fields.value) - fields.at
    if left == 0 or left % size:
        raise fields.error(f"{left} bytes of samples, not of {size} bytes each")
    return left // size


@dataclass(frozen=True, slots=True)
class EcgFrame(PmdFrame):
    """ECG, frame type 0: `samples` in µV, oldest first."""

    TYPE: ClassVar[PmdType] = PmdType.ECG

    samples: tuple[int, ...]

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` for another frame type, or samples that are cut."""
        fields, timestamp, layout = _open(cls.TYPE, value)
        if layout != 0:
            raise fields.error(f"ECG frame type {layout} is not understood here")
        count = _rest(fields, 3)
        body = value[fields.at :]
        whole = range(0, 3 * count, 3)
        return cls(timestamp, tuple(int.from_bytes(body[i : i + 3], "little", signed=True) for i in whole))

    def __bytes__(self) -> bytes:
        head = _head(self.TYPE, self.timestamp_ns, 0)
        return head + b"".join(v.to_bytes(3, "little", signed=True) for v in self.samples)


class Acceleration(NamedTuple):
    """One sample of the three axes."""

    x: int
    y: int
    z: int


@dataclass(frozen=True, slots=True)
class AccFrame(PmdFrame):
    """Acceleration: `samples` oldest first, in mg where `compressed` is false.

    Where it is true they are to be multiplied by the factor that the sensor gave when it was started, to
    have g in `frame_type` 0 and mg in 1. On the air the first sample is then whole, the others differences.
    """

    TYPE: ClassVar[PmdType] = PmdType.ACC

    samples: tuple[Acceleration, ...]
    frame_type: int = 1
    compressed: bool = False

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` for other frame types, or samples that are cut."""
        fields, timestamp, layout = _open(cls.TYPE, value)
        kind = layout & ~_COMPRESSED
        if kind not in _RAW_SIZES or (layout & _COMPRESSED and kind == 2):
            raise fields.error(f"acceleration frame type {layout:#04x} is not understood here")
        if layout & _COMPRESSED:
            return cls(timestamp, _expand(fields), kind, True)
        size = _RAW_SIZES[kind]
        count = 3 * _rest(fields, 3 * size)
        body = value[fields.at :]
        if size == 3:
            axes = iter(
                [int.from_bytes(body[i : i + 3], "little", signed=True) for i in range(0, len(body), 3)]
            )
        else:
            axes = iter(unpack(f"<{count}{'b' if size == 1 else 'h'}", body))
        return cls(timestamp, tuple(map(Acceleration._make, zip(axes, axes, axes, strict=True))), kind)

    def __bytes__(self) -> bytes:
        if not self.samples:
            raise ValueError("a frame has at least one sample")
        layout = self.frame_type | (_COMPRESSED if self.compressed else 0)
        head = _head(self.TYPE, self.timestamp_ns, layout)
        if self.compressed:
            return head + _compress(self.samples)
        size = _RAW_SIZES[self.frame_type]
        return head + b"".join(v.to_bytes(size, "little", signed=True) for s in self.samples for v in s)


def _expand(fields: Reader) -> tuple[Acceleration, ...]:
    """Read a whole sample of 16 bits an axis, then blocks: bits a difference, samples, packed differences."""
    samples = [Acceleration(*(fields.sint(2, "a sample") for _ in range(3)))]
    while fields.at < len(fields.value):
        width = fields.uint8("the size of the differences")
        count = fields.uint8("the number of differences")
        if not 1 <= width <= 32 or count == 0:
            raise fields.error(f"a block of {count} differences of {width} bits")
        size = (3 * count * width + 7) // 8
        deltas = _unpack(fields.uint(size, "the differences"), width, 3 * count)
        for i in range(0, 3 * count, 3):
            last = samples[-1]
            samples.append(Acceleration(last.x + deltas[i], last.y + deltas[i + 1], last.z + deltas[i + 2]))
    return tuple(samples)


def _compress(samples: tuple[Acceleration, ...]) -> bytes:
    """Encode with one size of difference a block of at most 255 samples."""
    parts = [b"".join(v.to_bytes(2, "little", signed=True) for v in samples[0])]
    for at in range(1, len(samples), 255):
        block = samples[at - 1 : at + 255]
        deltas = [b - a for old, new in pairwise(block) for a, b in zip(old, new, strict=True)]
        width = max(max(d, ~d).bit_length() + 1 for d in deltas)
        parts.append(bytes((width, len(deltas) // 3)) + _pack(deltas, width))
    return b"".join(parts)


def _unpack(bits: int, width: int, count: int) -> list[int]:
    """Take `count` signed numbers of `width` bits, the first from the lowest bits."""
    mask, sign = (1 << width) - 1, 1 << (width - 1)
    return [((bits >> (i * width) & mask) ^ sign) - sign for i in range(count)]


def _pack(numbers: Sequence[int], width: int) -> bytes:
    mask = (1 << width) - 1
    bits = sum((number & mask) << (i * width) for i, number in enumerate(numbers))
    return bits.to_bytes((len(numbers) * width + 7) // 8, "little")


class PpiFlags(IntFlag):
    """What a pulse interval is worth."""

    BLOCKER = 1
    """The interval is not valid: there was movement."""
    SKIN_CONTACT = 2
    """Where contact is supported: the sensor lies well on the skin."""
    SKIN_CONTACT_SUPPORTED = 4


@dataclass(frozen=True, slots=True)
class PulseInterval:
    """One interval between two pulses.

    `heart_rate` in beats a minute, 0 while the sensor does not know it; `interval` and its `error_estimate`
    in ms. `skin_contact` is `None` where the sensor cannot tell. (Polar's paper says of the third flag that
    it is set when contact is *not* supported, its SDK the opposite: here the SDK is followed.)
    """

    heart_rate: int
    interval: int
    error_estimate: int
    flags: PpiFlags = field(default=PpiFlags(0))

    @property
    def valid(self) -> bool:
        """Whether the sensor vouches for the interval."""
        return PpiFlags.BLOCKER not in self.flags

    @property
    def skin_contact(self) -> bool | None:
        """Whether the sensor lies on the skin."""
        supported = PpiFlags.SKIN_CONTACT_SUPPORTED in self.flags
        return PpiFlags.SKIN_CONTACT in self.flags if supported else None

    def __bytes__(self) -> bytes:
        pair = self.interval.to_bytes(2, "little") + self.error_estimate.to_bytes(2, "little")
        return bytes((self.heart_rate,)) + pair + bytes((self.flags,))


@dataclass(frozen=True, slots=True)
class PpiFrame(PmdFrame):
    """Intervals between pulses, frame type 0: `samples` oldest first."""

    TYPE: ClassVar[PmdType] = PmdType.PPI

    samples: tuple[PulseInterval, ...]

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` for another frame type, or samples that are cut."""
        fields, timestamp, layout = _open(cls.TYPE, value)
        if layout != 0:
            raise fields.error(f"PPI frame type {layout} is not understood here")
        samples = tuple(
            PulseInterval(
                fields.uint8("the heart rate"),
                fields.uint16("the interval"),
                fields.uint16("its error"),
                PpiFlags(fields.uint8("the flags")),
            )
            for _ in range(_rest(fields, 6))
        )
        return cls(timestamp, samples)

    def __bytes__(self) -> bytes:
        return _head(self.TYPE, self.timestamp_ns, 0) + b"".join(bytes(s) for s in self.samples)


def sample_offsets(samples: int, rate: float) -> tuple[float, ...]:
    """When each of a frame's samples was taken, in seconds before (so: ≤ 0) the frame's timestamp.

    `rate` in Hz, as negotiated: `choose` on what the sensor offered.
    """
    return tuple((i - samples + 1) / rate for i in range(samples))


def interval_offsets(samples: Iterable[PulseInterval]) -> tuple[float, ...]:
    """When each pulse interval of a frame ended, in seconds before (so: ≤ 0) the frame's timestamp."""
    intervals = [s.interval for s in samples]
    return tuple(-sum(intervals[i + 1 :]) / 1000 for i in range(len(intervals)))
