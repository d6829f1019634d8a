"""The field types of GATT characteristics: the only reader and writer of bytes.

Everything is little-endian. Medical numbers are IEEE 11073-20601 floats: SFLOAT has a 12-bit mantissa and
a 4-bit exponent, FLOAT 24 and 8 bits, both two's complement, base 10. Five mantissas of each are not
numbers; they come out as `Special`, which no arithmetic takes, so that they can never pass for a reading.

Source: GATT Specification Supplement (Bluetooth SIG); IEEE 11073-20601 annex F.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum
from typing import ClassVar, Self

from device.errors import DecodeError


class Special(Enum):
    """What an IEEE 11073 float says when it has no number to say."""

    NAN = "not a number"
    NRES = "not at this resolution"
    POSITIVE_INFINITY = "+infinity"
    NEGATIVE_INFINITY = "-infinity"
    RESERVED = "reserved"


Number = float | Special
"""A medical value: a float, or the `Special` that stood in its place."""

_SPECIALS = (
    Special.POSITIVE_INFINITY,  # 0x07FE, 0x007FFFFE
    Special.NAN,  # 0x07FF, 0x007FFFFF
    Special.NRES,  # 0x0800, 0x00800000
    Special.RESERVED,  # 0x0801, 0x00800001
    Special.NEGATIVE_INFINITY,  # 0x0802, 0x00800002
)


# For each exponent nibble what to multiply with and what to divide by: one rounding, so 364, -1 is 36.4.
_POWERS = tuple((float(10**e), 1.0) if e >= 0 else (1.0, float(10**-e)) for e in (*range(8), *range(-8, 0)))


def sfloat(raw: int) -> Number:
    """Decode a 16-bit SFLOAT given as an unsigned integer."""
    mantissa = raw & 0x0FFF
    if 0x07FE <= mantissa <= 0x0802 and raw < 0x1000:
        return _SPECIALS[mantissa - 0x07FE]
    times, over = _POWERS[raw >> 12]
    return (mantissa - 0x1000 if mantissa > 0x07FF else mantissa) * times / over


def float32(raw: int) -> Number:
    """Decode a 32-bit FLOAT (`medfloat32`) given as an unsigned integer."""
    mantissa, exponent = raw & 0xFFFFFF, raw >> 24
    if 0x7FFFFE <= mantissa <= 0x800002 and exponent == 0:
        return _SPECIALS[mantissa - 0x7FFFFE]
    mantissa -= (mantissa & 0x800000) << 1
    exponent -= (exponent & 0x80) << 1
    # Dividing integers rounds once, so 364 and -1 make exactly the float that is written 36.4.
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent


def _encode(value: Number, mantissa_bits: int, exponent_bits: int) -> int:
    """Encode a number with as many of its decimals as fit; `ValueError` when it is too large."""
    top = 1 << (mantissa_bits - 1)
    if isinstance(value, Special):
        return top - 2 + _SPECIALS.index(value)
    decimal = Decimal(repr(float(value)))
    if not decimal.is_finite():
        raise ValueError(f"{value} is not a number: give a Special")
    lowest, highest = -(1 << (exponent_bits - 1)), (1 << (exponent_bits - 1)) - 1
    # Only what the number needs, so that 98 stays 98·10⁰; then coarser until the mantissa fits.
    exponent = int(decimal.normalize().as_tuple().exponent) if decimal else 0
    for power in range(min(max(exponent, lowest), highest), highest + 1):
        mantissa = int(decimal.scaleb(-power).to_integral_value(ROUND_HALF_EVEN))
        # The five mantissas beside ±top are only free where the exponent is not 0.
        if abs(mantissa) <= top - 3 or (power != 0 and -top <= mantissa < top):
            return (mantissa & (2 * top - 1)) | ((power & ((1 << exponent_bits) - 1)) << mantissa_bits)
    raise ValueError(f"{value} does not fit into a {mantissa_bits + exponent_bits}-bit medical float")


def encode_sfloat(value: Number) -> bytes:
    """Encode as SFLOAT, rounded to three or four digits. Raises `ValueError` beyond ±2.045·10¹⁰."""
    return _encode(value, 12, 4).to_bytes(2, "little")


def encode_float32(value: Number) -> bytes:
    """Encode as FLOAT, rounded to six or seven digits. Raises `ValueError` when too large."""
    return _encode(value, 24, 8).to_bytes(4, "little")


def encode_scaled(value: float, steps: int, size: int) -> bytes:
    """Encode as an unsigned integer of `size` bytes, `steps` to the unit; `ValueError` beyond it."""
    raw = round(value * steps)
    if not 0 <= raw < 1 << (8 * size):
        raise ValueError(f"{value} does not fit into {size} bytes of {steps} steps to the unit")
    return raw.to_bytes(size, "little")


def encode_known(value: float | None, steps: int, size: int) -> bytes:
    """Encode like `encode_scaled`, in a format whose last value says that there is none: `None`."""
    last = b"\xff" * size
    if value is None:
        return last
    encoded = encode_scaled(value, steps, size)
    if encoded == last:
        raise ValueError(f"{value} would read as not known")
    return encoded


def _crc_table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        crc = octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16(value: bytes) -> int:
    """The E2E-CRC of the Bluetooth SIG's medical services: CRC-16/MCRF4XX (0x1021 reflected, from 0xFFFF)."""
    table, crc = _CRC_TABLE, 0xFFFF
    for octet in value:
        crc = crc >> 8 ^ table[(crc ^ octet) & 0xFF]
    return crc


def encode_crc(value: bytes, crc_ok: bool | None) -> bytes:
    """The two bytes that end `value`: none when it has no E2E-CRC, a wrong one where `crc_ok` is false."""
    if crc_ok is None:
        return b""
    return (crc16(value) ^ (0 if crc_ok else 0xFFFF)).to_bytes(2, "little")


_DST_OFFSETS = {0: 0, 2: 30, 4: 60, 8: 120, 255: None}
"""Minutes by the number sent; 255 is not known."""
_DST_NUMBERS = {minutes: number for number, minutes in _DST_OFFSETS.items()}


def encode_time_zone(minutes: int | None) -> bytes:
    """Encode minutes east of UTC in steps of 15; `None` as not known. Raises `ValueError` for other steps."""
    if minutes is None:
        return b"\x80"
    if minutes % 15 or not -48 <= minutes // 15 <= 56:
        raise ValueError(f"a time zone of {minutes} minutes cannot be sent: it counts quarters of an hour")
    return (minutes // 15).to_bytes(1, "little", signed=True)


def encode_dst_offset(minutes: int | None) -> bytes:
    """Encode minutes of daylight saving time: 0, 30, 60, 120 or `None`. Raises `ValueError` for others."""
    if minutes not in _DST_NUMBERS:
        raise ValueError(f"daylight saving time of {minutes} minutes cannot be sent: 0, 30, 60 or 120 can")
    return bytes((_DST_NUMBERS[minutes],))


@dataclass(frozen=True, slots=True)
class DateTime:
    """A device's own clock, as sent: no time zone; year, month and day are 0 where the device does not know.

    A month 13 is kept too: `datetime` is then `None` and `fault` says what is wrong. Most are fields of a
    measurement; some cuffs and scales have one of their own, by which their clock is read and set.

    Source: GATT Specification Supplement, Date Time (2A08).
    """

    UUID: ClassVar[str] = "2A08"

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int

    @classmethod
    def of(cls, moment: dt.datetime) -> Self:
        """Take the fields of a `datetime` as they stand; its zone is not sent."""
        return cls(moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but seven."""
        fields = Reader(cls.UUID, value)
        moment = cls(fields.uint16("the year"), *fields.take(5, "the time"))
        fields.end()
        return moment

    @property
    def datetime(self) -> dt.datetime | None:
        """The naive `datetime`; `None` when a part is unknown or the day does not exist."""
        try:
            return dt.datetime(self.year, self.month, self.day, self.hour, self.minute, self.second)  # noqa: DTZ001  the device sends no zone
        except ValueError:
            return None

    @property
    def fault(self) -> str:
        """What is outside the format's ranges; empty when nothing is."""
        checks = (
            ("year", self.year, self.year == 0 or 1582 <= self.year <= 9999),
            ("month", self.month, 0 <= self.month <= 12),
            ("day", self.day, 0 <= self.day <= 31),
            ("hour", self.hour, 0 <= self.hour <= 23),
            ("minute", self.minute, 0 <= self.minute <= 59),
            ("second", self.second, 0 <= self.second <= 59),
        )
        return ", ".join(f"{name} {value}" for name, value, right in checks if not right)

    def __bytes__(self) -> bytes:
        clock = (self.month, self.day, self.hour, self.minute, self.second)
        return self.year.to_bytes(2, "little") + bytes(clock)


class Reader:
    """Takes fields off a value from left to right; whatever is missing or left over is a `DecodeError`."""

    __slots__ = ("at", "characteristic", "value")

    def __init__(self, characteristic: str, value: bytes) -> None:
        self.characteristic = characteristic
        self.value = value
        self.at = 0

    def error(self, why: str) -> DecodeError:
        """Make the error that names this value."""
        return DecodeError(self.characteristic, self.value, why)

    def uint(self, size: int, what: str) -> int:
        """Take an unsigned integer of `size` bytes."""
        at = self.at
        self.at = end = at + size
        if end > len(self.value):
            raise self.error(f"it ends before {what} ({end} bytes needed, {len(self.value)} came)")
        return int.from_bytes(self.value[at:end], "little")

    def uint8(self, what: str) -> int:
        """Take one byte. Written out like `sfloat`: every measurement begins with one."""
        at = self.at
        if at >= len(self.value):
            return self.uint(1, what)  # which says what is missing
        self.at = at + 1
        return self.value[at]

    def uint16(self, what: str) -> int:
        """Take two bytes."""
        return self.uint(2, what)

    def uint24(self, what: str) -> int:
        """Take three bytes."""
        return self.uint(3, what)

    def uint32(self, what: str) -> int:
        """Take four bytes."""
        return self.uint(4, what)

    def sint(self, size: int, what: str) -> int:
        """Take a signed integer of `size` bytes."""
        raw, top = self.uint(size, what), 1 << (8 * size - 1)
        return raw - 2 * top if raw >= top else raw

    def scaled(self, size: int, steps: int, what: str) -> float:
        """Take an unsigned integer that counts `steps` to the unit, in that unit."""
        return self.uint(size, what) / steps

    def known(self, size: int, steps: int, what: str) -> float | None:
        """Take one like `scaled`, of a format whose last value says that there is none."""
        raw = self.uint(size, what)
        return None if raw == (1 << (8 * size)) - 1 else raw / steps

    def take(self, size: int, what: str) -> bytes:
        """Take `size` bytes as they are."""
        at = self.at
        self.at = end = at + size
        if end > len(self.value):
            raise self.error(f"it ends before the end of {what} ({end} bytes needed, {len(self.value)} came)")
        return bytes(self.value[at:end])

    def sfloat(self, what: str) -> Number:
        """Take a 16-bit medical float. Written out: a stream of oximetry is little else."""
        at, value = self.at, self.value
        if at + 2 > len(value):
            return sfloat(self.uint(2, what))  # which says what is missing
        self.at = at + 2
        return sfloat(value[at] | value[at + 1] << 8)

    def float32(self, what: str) -> Number:
        """Take a 32-bit medical float."""
        return float32(self.uint(4, what))

    def date_time(self, what: str) -> DateTime:
        """Take a Date Time of seven bytes, as sent: a clock gone astray says nothing against the value."""
        year = self.uint(2, what)
        return DateTime(year, *(self.uint(1, what) for _ in range(5)))

    def time_zone(self, what: str) -> int | None:
        """Take a Time Zone: minutes east of UTC without daylight saving time; `None` when not known."""
        steps = self.sint(1, what)
        if steps == -128:
            return None
        if not -48 <= steps <= 56:
            raise self.error(f"{what} has no such number {steps}")
        return 15 * steps

    def dst_offset(self, what: str) -> int | None:
        """Take a DST Offset: minutes of daylight saving time; `None` when not known."""
        number = self.uint(1, what)
        if number not in _DST_OFFSETS:
            raise self.error(f"{what} has no such number {number}")
        return _DST_OFFSETS[number]

    def crc(self) -> bool | None:
        """Take an E2E-CRC over everything before, if there is one, and say whether it is right."""
        before = self.value[: self.at]
        if len(self.value) == self.at:
            return None
        sent = self.uint(2, "the E2E-CRC")
        self.end()
        return sent == crc16(before)

    def end(self) -> None:
        """Make sure that nothing is left over."""
        if self.at != len(self.value):
            raise self.error(f"{len(self.value) - self.at} more bytes than its flags announce")
