"""A stretch of one stream's readings as few bytes: three columns of small whole numbers, deflated.

Nothing is rounded: `decode(encode(columns))` gives the same bits back. What makes it small is knowing what is
sent: beats that follow each other without a hole, so that their times are the sums of their own lengths;
values that are whole steps of a sensor's resolution; a receiver's clock that is told in milliseconds.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import DamagedError
from healthslm.store import integers
from healthslm.store.integers import Int64s

_VERSION = 1
_HEAD = struct.Struct("<BBBBIqq")
"""Version; how times, values and quality are written; count; first time; the pace (ms) that times keep."""
_MOST = 1 << 24
"""Readings in one stretch at most: a header cannot make the reader ask for all the memory there is."""

# How the times are written: what each is expected to be after the one before.
_AFTER_LAST, _AFTER_VALUE = 0, 1
# How the values are written: as whole numbers of what, or as the floats they are.
_TENTHS = (0, 1, 2, 3)  # of 10^-n
_TICKS, _FLOATS = 8, 9
_ONE, _MANY = 0, 1  # the same quality throughout, or one each
_WHOLE = 1e12
"""Values from here on are written as floats: their thousandths would not be exact."""


class Columns(NamedTuple):
    """Readings of one kind and device, in the order of their times: parallel arrays of one length.

    `times` in µs since 1970 (UTC), each later than the one before; `values` in the kind's unit.
    """

    times: Int64s
    values: NDArray[np.float64]
    quality: NDArray[np.int16]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Columns:
        """Return some of the rows."""
        return Columns(self.times[rows], self.values[rows], self.quality[rows])


NONE = Columns(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.int16))


def joined(parts: list[Columns]) -> Columns:
    """Put columns behind each other, as they are."""
    if not parts:
        return NONE
    if len(parts) == 1:
        return parts[0]
    return Columns(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def encode(columns: Columns) -> bytes:
    """Write at least one reading."""
    times, values, quality = columns
    how_values, value_part = pack_values(values)
    spans = _spans(values)
    deltas = np.diff(times)
    beats = deltas - spans[1:]
    follows = len(times) > 1 and _cost(beats) < _cost(deltas // 1000)
    expected = beats if follows else deltas
    same = bool((quality == quality[0]).all())
    # A clock told in milliseconds leaves nothing for the second part.
    whole, rest = (expected, expected[:0]) if follows else (expected // 1000, expected % 1000)
    pace = int(np.median(whole)) if len(whole) and not follows else 0
    parts = [
        integers.pack(whole - pace),
        integers.pack_unsigned(rest.view(np.uint64)) if rest.any() else b"",
        value_part,
    ]
    parts.append(quality[:1].astype("<i2").tobytes() if same else integers.pack(quality.astype(np.int64)))
    head = _HEAD.pack(
        _VERSION,
        _AFTER_VALUE if follows else _AFTER_LAST,
        how_values,
        _ONE if same else _MANY,
        len(times),
        int(times[0]),
        pace,
    )
    return head + integers.frame(parts)


def count_of(data: bytes) -> int:
    """Return how many readings `decode` would make room for. Raises `DamagedError` where that is not said."""
    try:
        return int(_HEAD.unpack_from(data)[4])
    except struct.error as error:
        raise DamagedError("A stretch of readings has no beginning.") from error


def decode(data: bytes) -> Columns:
    """Read what `encode` wrote. Raises `DamagedError` for anything else."""
    try:
        return _decode(data)
    except (struct.error, zlib.error, ValueError, IndexError, OverflowError) as error:
        raise DamagedError("The store has a stretch of readings that cannot be read.") from error


def _decode(data: bytes) -> Columns:
    version, how_times, how_values, how_quality, count, first, pace = _HEAD.unpack_from(data)
    if version != _VERSION or not 0 < count <= _MOST:
        raise ValueError("not a stretch of this version")
    whole, rest, value_part, quality_part = integers.unframe(data, _HEAD.size, 4)
    values = unpack_values(how_values, value_part, count)
    moved = np.zeros(count, np.int64)
    moved[1:] = integers.unpack(whole, count - 1)
    if how_times == _AFTER_VALUE:
        moved[1:] += _spans(values)[1:]
    else:
        moved += pace
        moved *= 1000
        if rest:
            moved[1:] += integers.unpack_unsigned(rest, count - 1).view(np.int64)
    moved[0] = first
    quality = (
        np.full(count, np.frombuffer(quality_part, "<i2", 1)[0], np.int16)
        if how_quality == _ONE
        else integers.unpack(quality_part, count).astype(np.int16)
    )
    return Columns(np.cumsum(moved, out=moved), values, quality)


# Times


def _spans(values: NDArray[np.float64]) -> Int64s:
    """The values as µs, were they milliseconds: how long a beat lasted."""
    return np.rint(np.clip(values, -_WHOLE, _WHOLE) * 1000).astype(np.int64)


def _cost(differences: Int64s) -> float:
    """About how many bits it takes to write these."""
    return float(np.log2(1.0 + np.abs(differences.astype(np.float64))).sum())


# Values


def pack_values(values: NDArray[np.float64]) -> tuple[int, bytes]:
    """Write values as the differences of whole numbers, if there is a step of which all are multiples.

    Returns how they were written, and the bytes.
    """
    negative_zero = np.signbit(values) & (values == 0)
    if bool((np.abs(values) < _WHOLE).all()) and not negative_zero.any():
        for how in (*_TENTHS, _TICKS):
            whole = np.rint(values * (1.024 if how == _TICKS else 10.0**how)).astype(np.int64)
            if (_multiples(how, whole) == values).all():
                return how, integers.pack(np.diff(whole, prepend=0))
    return _FLOATS, integers.planes(values.view(np.uint64))


def unpack_values(how: int, data: bytes, count: int) -> NDArray[np.float64]:
    """Read what `pack_values` wrote. Raises `ValueError` and the like for other bytes."""
    if how == _FLOATS:
        return integers.from_planes(data, 8, count).view(np.float64)
    whole = integers.unpack(data, count)
    return _multiples(how, np.cumsum(whole, out=whole))


def _multiples(how: int, whole: Int64s) -> NDArray[np.float64]:
    if how == _TICKS:  # 1/1024 s, rounded to the microsecond, in milliseconds: an RR interval as it is sent
        beats: NDArray[np.float64] = np.rint(whole * (1e6 / 1024)) / 1e6 * 1000.0
        return beats
    if how not in _TENTHS:
        raise ValueError("values of an unknown step")
    decimals = whole.astype(np.float64)
    if how:
        decimals /= 10.0**how
    return decimals
