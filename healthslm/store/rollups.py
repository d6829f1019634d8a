"""Roll-ups: count, minimum, maximum, sum and histogram of the usable readings, by minute and by hour.

Sums are whole millionths of the unit, so they do not depend on the order in which readings came, and a
mean is exact to that. A histogram counts readings in bins as wide as the kind's last decimal, or wider where
that would be more than some three hundred of them; a percentile from it is exact to one bin.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import DamagedError
from healthslm.readings import KINDS, UNUSABLE, Floats, Ints, Kind, Times
from healthslm.store import codec, integers
from healthslm.store.codec import Columns
from healthslm.store.ids import DAY_US, HOUR_US, MINUTE_US
from healthslm.store.integers import Int64s

MICRO = 1_000_000
_BINS = 300
_SUM_MOST = 2.0**62
_CELLS = 1 << 22
"""Where there are no more pairs of period and bin than that, counting them is faster than sorting."""


class Level(NamedTuple):
    """A fineness: how long a period is, and how long a block of them that is kept together, in µs."""

    code: int
    period: int
    block: int


MINUTES, HOURS = Level(0, MINUTE_US, DAY_US), Level(1, HOUR_US, 32 * DAY_US)
LEVELS = (MINUTES, HOURS)


class Histogram(NamedTuple):
    """How many readings of each period fell into each bin: three parallel arrays, sorted by both."""

    period: Int64s
    bin: Int64s
    count: Int64s


class Totals(NamedTuple):
    """The roll-ups of periods that have a reading, as parallel arrays, sorted by `at`, where each begins (µs).

    `count` is of the usable readings, `unusable` of the others; `low` and `high` are NaN where `count` is 0;
    `total` is in millionths of the unit. The histogram's periods are times as in `at`.
    """

    at: Int64s
    count: Int64s
    unusable: Int64s
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    total: Int64s
    histogram: Histogram

    def take(self, keep: NDArray[np.bool_]) -> Totals:
        """Return some of the periods."""
        kept = np.isin(self.histogram.period, self.at[keep])
        return Totals(
            *(column[keep] for column in self[:6]),
            Histogram(*(column[kept] for column in self.histogram)),
        )


_EMPTY = np.empty(0, np.int64)
NOTHING = Totals(_EMPTY, _EMPTY, _EMPTY, np.empty(0), np.empty(0), _EMPTY, Histogram(_EMPTY, _EMPTY, _EMPTY))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rollup:
    """What the readings of a kind came to in each of some periods: parallel arrays, one place a period.

    `starts` in UTC; `count` of usable readings; `minimum`, `maximum` and `mean` in the kind's unit, NaN where
    there was none. `bin_width` is what a percentile is exact to.
    """

    kind: Kind
    starts: Times
    end: datetime
    count: Ints
    minimum: Floats
    maximum: Floats
    mean: Floats
    bin_width: float
    histogram: Histogram

    def __len__(self) -> int:
        return len(self.starts)

    def percentile(self, share: float) -> Floats:
        """Return the value below or at which this share (0 to 1) of each period's readings lie; NaN for none.

        The nearest-rank percentile, exact to half a bin's width and never outside of minimum and maximum.
        Raises `ValueError` for a share outside of 0 to 1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"a percentile's share is 0 to 1, not {share}")
        found = np.full(len(self), np.nan)
        period, bins, count = self.histogram
        if not len(period):
            return found
        before = np.concatenate(([0], np.cumsum(count)))
        first = np.searchsorted(period, np.arange(len(self) + 1))
        has = self.count > 0
        rank = np.maximum(1, np.ceil(share * self.count - 1e-9)).astype(np.int64)
        at = np.searchsorted(before, before[first[:-1]] + rank, side="left") - 1
        found[has] = bins[at[has]] * self.bin_width
        return np.clip(found, self.minimum, self.maximum)


def bin_width(kind: Kind) -> float:
    """Return the width of a kind's bins: 1, 2 or 5 of a decimal, at least its last one."""
    info = KINDS[kind]
    least = max(10.0**-info.decimals, (info.high - info.low) / _BINS * 0.9)
    for decimal in range(-6, 7):
        for of in (1, 2, 5):
            width = float(f"{of}e{decimal}")
            if width >= least:
                return width
    raise AssertionError(f"{kind} has an impossible range")


def summarise(kind: Kind, columns: Columns, period: int) -> Totals:
    """Roll readings (sorted by time) up into periods of so many µs, counted from 1970."""
    if not len(columns.times):
        return NOTHING
    index = columns.times // period
    usable = (columns.quality & int(UNUSABLE)) == 0
    starts, place = _groups(index)
    values = columns.values
    total = np.zeros(len(values), np.int64)
    np.rint(np.where(usable, values, 0.0) * MICRO, out=(rounded := np.empty(len(values))))
    total[:] = rounded
    count = np.add.reduceat(usable.astype(np.int64), starts)
    low = np.minimum.reduceat(np.where(usable, values, np.inf), starts)
    high = np.maximum.reduceat(np.where(usable, values, -np.inf), starts)
    none = count == 0
    low[none] = high[none] = np.nan
    at = index[starts] * period
    bins = np.rint(values[usable] / bin_width(kind)).astype(np.int64)
    return Totals(
        at,
        count,
        np.diff(np.append(starts, len(values))) - count,
        low,
        high,
        np.add.reduceat(total, starts),
        _counted(at, place[usable], bins),
    )


def coarser(totals: Totals, period: int) -> Totals:
    """Put periods together into longer ones of so many µs, counted from 1970."""
    if not len(totals.at):
        return NOTHING
    return regrouped(totals, totals.at // period * period)


def regrouped(totals: Totals, into: Int64s) -> Totals:
    """Put periods together: those with the same number in `into`, which rises, become the period there."""
    starts, _ = _groups(into)
    with np.errstate(invalid="ignore"):
        low, high = np.fmin.reduceat(totals.low, starts), np.fmax.reduceat(totals.high, starts)
    periods = into[np.searchsorted(totals.at, totals.histogram.period)]
    return Totals(
        into[starts],
        np.add.reduceat(totals.count, starts),
        np.add.reduceat(totals.unusable, starts),
        low,
        high,
        np.add.reduceat(totals.total, starts),
        _merged(periods, totals.histogram),
    )


def joined(parts: list[Totals]) -> Totals:
    """Put totals together that have no period in common, in the order of time."""
    parts = [part for part in parts if len(part.at)]
    if len(parts) < 2:
        return parts[0] if parts else NOTHING
    columns = [np.concatenate(column) for column in zip(*(part[:6] for part in parts), strict=True)]
    counts = [np.concatenate(c) for c in zip(*(part.histogram for part in parts), strict=True)]
    order = columns[0].argsort(kind="stable")
    inner = counts[0].argsort(kind="stable")
    return Totals(*(column[order] for column in columns), Histogram(*(column[inner] for column in counts)))


def _groups(index: Int64s) -> tuple[NDArray[np.intp], Int64s]:
    """Say where each run of equal numbers begins, and in which run each number is."""
    new = np.empty(len(index), bool)
    new[0] = True
    np.not_equal(index[1:], index[:-1], out=new[1:])
    return np.flatnonzero(new), np.cumsum(new) - 1


def _counted(at: Int64s, place: Int64s, bins: Int64s) -> Histogram:
    if not len(bins):
        return Histogram(_EMPTY, _EMPTY, _EMPTY)
    low = int(bins.min())
    wide = int(bins.max()) - low + 1
    key = place * wide + (bins - low)
    if len(at) * wide <= _CELLS:
        counts = np.bincount(key)
        keys = np.flatnonzero(counts)
        counts = counts[keys]
    else:
        keys, counts = np.unique(key, return_counts=True)
    return Histogram(at[keys // wide], keys % wide + low, counts.astype(np.int64))


def _merged(periods: Int64s, histogram: Histogram) -> Histogram:
    """Add up the counts of the same period and bin."""
    if not len(periods):
        return Histogram(_EMPTY, _EMPTY, _EMPTY)
    order = np.lexsort((histogram.bin, periods))
    periods, bins, counts = periods[order], histogram.bin[order], histogram.count[order]
    new = np.empty(len(periods), bool)
    new[0] = True
    new[1:] = (periods[1:] != periods[:-1]) | (bins[1:] != bins[:-1])
    starts = np.flatnonzero(new)
    return Histogram(periods[starts], bins[starts], np.add.reduceat(counts, starts))


# As bytes

_HEAD = struct.Struct("<BBBI")  # version, how low and high are written, count
_PART = struct.Struct("<I")
_VERSION = 1
_MOST = 100_000


def encode(totals: Totals, period: int) -> tuple[bytes, bytes]:
    """Write the totals of a block: the summary, and the histogram. Those are read one without the other."""
    has = totals.count > 0
    how_low, low = codec.pack_values(totals.low[has])
    how_high, high = codec.pack_values(totals.high[has])
    unit = max(1, int(np.gcd.reduce(totals.total))) if len(totals.total) else 1
    parts = [
        integers.pack(np.diff(totals.at // period, prepend=0)),
        integers.pack(totals.count),
        integers.pack(totals.unusable) if totals.unusable.any() else b"",
        low,
        high,
        unit.to_bytes(8, "little") + integers.pack(np.diff(totals.total // unit, prepend=0)),
    ]
    head = _HEAD.pack(_VERSION, how_low, how_high, len(totals.at))
    summary = head + b"".join(_PART.pack(len(part)) + part for part in parts)
    return summary, _encoded(totals)


def _encoded(totals: Totals) -> bytes:
    period, bins, count = totals.histogram
    first = np.searchsorted(period, totals.at)
    many = np.diff(np.append(first, len(period)))
    gaps = np.diff(bins, prepend=0)
    parts = (integers.pack(many), integers.pack(gaps), integers.pack(count))
    return _PART.pack(len(bins)) + b"".join(_PART.pack(len(part)) + part for part in parts)


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
    at_part, count_part, unusable_part, low_part, high_part, total_part = _parts(summary, _HEAD.size, 6)
    at = np.cumsum(integers.unpack(at_part, size)) * period
    count = integers.unpack(count_part, size)
    has = count > 0
    low, high = np.full(size, np.nan), np.full(size, np.nan)
    low[has] = codec.unpack_values(how_low, low_part, int(has.sum()))
    high[has] = codec.unpack_values(how_high, high_part, int(has.sum()))
    unit = int.from_bytes(total_part[:8], "little")
    return Totals(
        at,
        count,
        integers.unpack(unusable_part, size) if unusable_part else np.zeros(size, np.int64),
        low,
        high,
        np.cumsum(integers.unpack(total_part[8:], size)) * unit,
        Histogram(_EMPTY, _EMPTY, _EMPTY) if histogram is None else _decoded_histogram(histogram, at),
    )


def _decoded_histogram(data: bytes, at: Int64s) -> Histogram:
    (size,) = _PART.unpack_from(data)
    many_part, gaps_part, count_part = _parts(data, _PART.size, 3)
    many = integers.unpack(many_part, len(at))
    if (many < 0).any() or int(many.sum()) != size:
        raise ValueError("a histogram that does not add up")
    return Histogram(
        np.repeat(at, many), np.cumsum(integers.unpack(gaps_part, size)), integers.unpack(count_part, size)
    )


def _parts(data: bytes, at: int, count: int) -> list[bytes]:
    parts = []
    for _ in range(count):
        (size,) = _PART.unpack_from(data, at)
        at += _PART.size
        parts.append(data[at : at + size])
        if len(parts[-1]) != size:
            raise ValueError("cut")
        at += size
    return parts
