"""A block of roll-ups as few bytes: a summary, and a histogram that is only read where it is asked for."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from healthslm.errors import DamagedError
from healthslm.store import codec, integers
from healthslm.store.integers import Int64s
from healthslm.store.rollups import NOTHING, Histogram, Totals

_HEAD = struct.Struct("<BBBI")  # version, how low and high are written, count
_SIZE = struct.Struct("<I")
_VERSION = 1
_MOST = 100_000


def encode(totals: Totals, period: int) -> tuple[bytes, bytes]:
    """Write the totals of a block: the summary, and the histogram. Those are read one without the other."""
    has = totals.usable > 0
    how_low, low = codec.pack_values(totals.low[has])
    how_high, high = codec.pack_values(totals.high[has])
    unit = max(1, int(np.gcd.reduce(totals.total))) if len(totals.total) else 1
    parts = [
        integers.pack(np.diff(totals.at // period, prepend=0)),
        integers.pack(totals.usable),
        integers.pack(totals.unusable) if totals.unusable.any() else b"",
        low,
        high,
        unit.to_bytes(8, "little") + integers.pack(np.diff(totals.total // unit, prepend=0)),
    ]
    head = _HEAD.pack(_VERSION, how_low, how_high, len(totals.at))
    summary = head + integers.frame(parts)
    return summary, _encoded(totals)


def _encoded(totals: Totals) -> bytes:
    period, bins, many = totals.histogram
    first = np.searchsorted(period, totals.at)
    each = np.diff(np.append(first, len(period)))
    gaps = np.diff(bins, prepend=0)
    parts = (integers.pack(each), integers.pack(gaps), integers.pack(many))
    return _SIZE.pack(len(bins)) + integers.frame(parts)


def counts_of(summary: bytes, histogram: bytes) -> tuple[int, int]:
    """Return for how many periods and bins `decode` would make room. Raises `DamagedError` as it does."""
    try:
        return int(_HEAD.unpack_from(summary)[3]), int(_SIZE.unpack_from(histogram)[0])
    except struct.error as error:
        raise DamagedError("A roll-up has no beginning.") from error


def decode(summary: bytes, histogram: bytes | None, period: int) -> Totals:
    """Read what `encode` wrote; `histogram` may be left out. Raises `DamagedError` for other bytes."""
    try:
        return _decoded(summary, histogram, period)
    except (struct.error, zlib.error, ValueError, IndexError, OverflowError) as error:
        raise DamagedError("The store has a roll-up that cannot be read.") from error


def _decoded(summary: bytes, histogram: bytes | None, period: int) -> Totals:
    version, how_low, how_high, size = _HEAD.unpack_from(summary)
    if version != _VERSION or size > _MOST:
        raise ValueError("not a roll-up of this version")
    at_part, usable_part, unusable_part, low_part, high_part, total_part = integers.unframe(
        summary, _HEAD.size, 6
    )
    at = np.cumsum(integers.unpack(at_part, size)) * period
    usable = integers.unpack(usable_part, size)
    has = usable > 0
    low, high = np.full(size, np.nan), np.full(size, np.nan)
    low[has] = codec.unpack_values(how_low, low_part, int(has.sum()))
    high[has] = codec.unpack_values(how_high, high_part, int(has.sum()))
    unit = int.from_bytes(total_part[:8], "little")
    return Totals(
        at,
        usable,
        integers.unpack(unusable_part, size) if unusable_part else np.zeros(size, np.int64),
        low,
        high,
        np.cumsum(integers.unpack(total_part[8:], size)) * unit,
        NOTHING.histogram if histogram is None else _decoded_histogram(histogram, at),
    )


def _decoded_histogram(data: bytes, at: Int64s) -> Histogram:
    (size,) = _SIZE.unpack_from(data)
    bins_part, gaps_part, many_part = integers.unframe(data, _SIZE.size, 3)
    bins = integers.unpack(bins_part, len(at))
    if (bins < 0).any() or int(bins.sum()) != size:
        raise ValueError("a histogram that does not add up")
    return Histogram(
        np.repeat(at, bins), np.cumsum(integers.unpack(gaps_part, size)), integers.unpack(many_part, size)
    )
