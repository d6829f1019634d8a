"""A sensor's readings of one person as one line, and that line on the even grid that iglu's metrics use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.quality import worn
from healthslm.readings import Floats, Ints, Times, Window, moment

INTER_GAP = 45
"""Minutes. Over a longer gap nothing is interpolated (iglu's `inter_gap`)."""
DAY = 1440
_MINUTE_US = 60_000_000
_HOUR_US = 60 * _MINUTE_US
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """Readings in order of time, each time once.

    `times`: shape `(n,)`, time that has passed, counted from the clock at the start (a clock that was changed
    leaves no hole and no overlap); `values`: shape `(n,)`, mg/dL; `clock`: shape `(n,)`, what the clock on
    the wall showed.
    """

    times: Times
    values: Floats
    clock: Times

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def midnight(self) -> np.datetime64:
        """Midnight before the first reading."""
        first: np.datetime64 = self.times[0].astype("M8[D]").astype("M8[us]")
        return first

    @cached_property
    def minutes(self) -> Floats:
        """Minutes since `midnight`, shape `(n,)`."""
        if not len(self):
            return np.array([], dtype=np.float64)
        return (self.times - self.midnight).astype(np.int64) / _MINUTE_US

    @cached_property
    def apart(self) -> Floats:
        """Minutes from each reading to the next, shape `(n - 1,)`."""
        return np.diff(self.minutes)

    @cached_property
    def interval(self) -> int | None:
        """The sensor's usual interval in whole minutes, at least 1; `None` of fewer than two readings."""
        return max(1, round(float(np.median(self.apart)))) if len(self) > 1 else None

    @cached_property
    def days(self) -> float:
        """Days from the first reading to the end of the last one's interval."""
        if self.interval is None:
            return 0.0
        return float(self.minutes[-1] - self.minutes[0] + self.interval) / DAY

    @cached_property
    def active(self) -> float:
        """Share of the time for which there are readings, 0 to 1, as iglu's `active_percent` counts it."""
        if self.interval is None:
            return 0.0
        step = self.interval
        whole = round(round(float(self.minutes[-1] - self.minutes[0])) / step) + 1
        wide = self.apart[np.round(self.apart) > step]
        missing = round((float(wide.sum()) - len(wide) * step) / step)
        return (whole - missing) / whole

    @cached_property
    def grid(self) -> Grid | None:
        """The line on a grid of its own interval; `None` where that is longer than 45 minutes."""
        if self.interval is None or self.interval > INTER_GAP:
            return None
        return self.on(_divisor(self.interval))

    def on(self, step: int) -> Grid:
        """Interpolate linearly every `step` minutes from the first midnight on, nowhere across a long gap.

        `step` divides a day. The first point is `step` after midnight, the last one a midnight.
        """
        t = self.minutes
        days = math.ceil(float(t[-1] - t[0]) / DAY + 1)
        at = step * np.arange(1, days * DAY // step + 1, dtype=np.float64)
        values = np.interp(at, t, self.values, left=np.nan, right=np.nan)
        after = np.minimum(np.searchsorted(t, at), len(t) - 1)
        wide = np.append(False, self.apart > INTER_GAP)
        values[wide[after] & (at < t[after]) & (at > t[0])] = np.nan
        return Grid(step=step, start=self.midnight, days=values.reshape(days, -1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Values every `step` minutes, NaN where there are none.

    `days`: shape `(days, 1440 // step)`, mg/dL; the first of a day is `step` minutes after midnight.
    """

    step: int
    start: np.datetime64
    days: Floats

    @cached_property
    def flat(self) -> Floats:
        """All days one after the other, shape `(n,)`."""
        return self.days.ravel()

    def time(self, index: int) -> np.datetime64:
        """When a point of `flat` was."""
        return self.start + np.timedelta64((index + 1) * self.step, "m")


def _divisor(minutes: int) -> int:
    """An interval that divides a day: iglu's way, to the nearest five minutes, at most twenty."""
    if DAY % minutes == 0:
        return minutes
    if minutes > 20:
        return 20
    rest = minutes % 5
    return minutes + 5 - rest if rest > 2 else max(minutes - rest, 1)


def trace_of(window: Window, zone: ZoneInfo = _UTC, clock: Times | None = None) -> Trace:
    """Return what can be computed with of a window, on the clock of `zone`.

    `clock`, shape of the window, says what the clock on the wall showed where a zone does not: of a file.
    """
    if clock is not None:
        kept = np.isin(window.ids, worn(window).ids)
        return Trace(times=window.times[kept], values=window.values[kept], clock=clock[kept])
    good = worn(window)
    if not len(good):
        return Trace(times=good.times, values=good.values, clock=good.times)
    shift = _shifts(good.times, zone)
    return Trace(
        times=good.times + np.timedelta64(int(shift[0]), "us"),
        values=good.values,
        clock=good.times + shift.astype("m8[us]"),
    )


def _shifts(times: Times, zone: ZoneInfo) -> Ints:
    """Microseconds that the zone's clock is ahead of UTC at each time; asked once an hour."""
    hours = times.astype(np.int64) // _HOUR_US
    unique, index = np.unique(hours, return_inverse=True)
    ahead = [_ahead(moment(np.datetime64(int(hour) * _HOUR_US, "us")), zone) for hour in unique]
    return np.array(ahead, dtype=np.int64)[index]


def _ahead(time: datetime, zone: ZoneInfo) -> int:
    offset = time.astimezone(UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1e6)


def runs(code: NDArray[np.int8]) -> tuple[Ints, Ints]:
    """Return where each run of equal codes begins, and how long it is; shapes `(n,)`."""
    if not len(code):
        empty = np.array([], dtype=np.int64)
        return empty, empty
    starts = np.concatenate(([0], np.flatnonzero(np.diff(code)) + 1)).astype(np.int64)
    return starts, np.diff(np.append(starts, len(code)))
