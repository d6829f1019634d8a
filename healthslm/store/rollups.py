"""Roll-ups: count, minimum, maximum, sum and histogram of the usable readings, by minute and by hour.

Sums are whole millionths of the unit, so they do not depend on the order in which readings came, and a
mean is exact to that. A histogram counts readings in bins as wide as the kind's last decimal, or wider where
that would be more than some three hundred of them; a percentile from it is exact to one bin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import UsageError
from healthslm.readings import KINDS, UNUSABLE, Floats, Ints, Kind, Times
from healthslm.store.codec import Columns
from healthslm.store.ids import DAY_US, HOUR_US, MINUTE_US
from healthslm.store.integers import Int64s

MICRO = 1_000_000
_BINS = 300
_MOST = 1e6
"""No kind has a larger usable value; the sum of a year of them fits into 64 bits."""
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
    many: Int64s


class Totals(NamedTuple):
    """The roll-ups of periods that have a reading, as parallel arrays sorted by `at`, where each begins (µs).

    `usable` and `unusable` count readings; `low` and `high` are NaN where none is usable; `total` is in
    millionths of the unit. The histogram's periods are times as in `at`.
    """

    at: Int64s
    usable: Int64s
    unusable: Int64s
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    total: Int64s
    histogram: Histogram

    def take(self, keep: NDArray[np.bool_]) -> Totals:
        """Return some of the periods."""
        kept = np.isin(self.histogram.period, self.at[keep])
        return Totals(
            self.at[keep],
            self.usable[keep],
            self.unusable[keep],
            self.low[keep],
            self.high[keep],
            self.total[keep],
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
    histogram: Histogram | None

    def __len__(self) -> int:
        return len(self.starts)

    def percentile(self, share: float) -> Floats:
        """Return the value below or at which this share (0 to 1) of each period's readings lie; NaN for none.

        The nearest-rank percentile, exact to half a bin's width and never outside of minimum and maximum.
        Raises `UsageError` where percentiles were not asked for, or for a share outside of 0 to 1.
        """
        if self.histogram is None:
            raise UsageError("This roll-up has no percentiles.", "Ask for it with percentiles=True.")
        if not 0 <= share <= 1:
            raise UsageError(f"A percentile's share is 0 to 1, not {share}.", "0.5 is the median.")
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
        within: Floats = np.clip(found, self.minimum, self.maximum)
        return within


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
    usable = ((columns.quality & int(UNUSABLE)) == 0) & (np.abs(columns.values) < _MOST)
    starts, place = _groups(index)
    values = columns.values
    total = np.rint(np.where(usable, values, 0.0) * MICRO).astype(np.int64)
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


def summarised_whole(kind: Kind, columns: Columns, start: int) -> Totals:
    """Roll readings up into one period, which begins at `start`."""
    if not len(columns.times):
        return NOTHING
    wide = int(columns.times[-1]) - start + 1
    found = summarise(kind, columns._replace(times=columns.times - start), wide)
    return found._replace(
        at=found.at + start, histogram=found.histogram._replace(period=found.histogram.period + start)
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
        np.add.reduceat(totals.usable, starts),
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
    at = np.concatenate([part.at for part in parts])
    order = at.argsort(kind="stable")
    counts = Histogram(*(np.concatenate(c) for c in zip(*(part.histogram for part in parts), strict=True)))
    inner = counts.period.argsort(kind="stable")
    return Totals(
        at[order],
        np.concatenate([part.usable for part in parts])[order],
        np.concatenate([part.unusable for part in parts])[order],
        np.concatenate([part.low for part in parts])[order],
        np.concatenate([part.high for part in parts])[order],
        np.concatenate([part.total for part in parts])[order],
        Histogram(*(column[inner] for column in counts)),
    )


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
    periods, bins, counts = periods[order], histogram.bin[order], histogram.many[order]
    new = np.empty(len(periods), bool)
    new[0] = True
    new[1:] = (periods[1:] != periods[:-1]) | (bins[1:] != bins[:-1])
    starts = np.flatnonzero(new)
    return Histogram(periods[starts], bins[starts], np.add.reduceat(counts, starts))
