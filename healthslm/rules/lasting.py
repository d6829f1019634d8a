"""A level that lasts: the median of covered minutes, or what readings that come more seldom agree on.

From the best there is to the least: five covered minutes; the last half minute and more of a stream that was
taken off before, where it is steady; five minutes of readings that come about once a minute; two that agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from healthslm.analysis import rolling_median
from healthslm.analysis.quality import lost, worn
from healthslm.readings import KINDS, Feature, Floats, Kind, Times, Window, instant, moment

WIDTH = timedelta(minutes=5)
DEMAND = 0.8
"""Share of the five minutes that readings must speak for."""
_MINUTE = np.timedelta64(1, "m")
_RECENT = np.timedelta64(1, "m")
"""A median from before that is not about now."""
SETTLES = np.timedelta64(5, "s")
"""So long after a sensor was on nobody, and before it is again, it shows what it likes: a finger going in or
out. Oximeters average over so long and more."""
ALIKE, SETTLED_FOR = np.timedelta64(10, "s"), np.timedelta64(30, "s")
"""A stream sends within so long; steady for so long, it agrees with itself."""
STREAMS, STEADY = 5, 4.0
"""So many readings at least are a stream; steady is one whose middle eight tenths lie so close together."""
SEVERAL, SPREAD_OUT = 3, np.timedelta64(2, "m")
"""So many readings within five minutes, over so long at least, are judged by their median."""
_NONE = np.array([], dtype="M8[us]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """Medians of five covered minutes: when they end, when their first reading was, shape `(n,)` each."""

    times: Times
    begins: Times
    medians: Floats

    @classmethod
    def of(cls, window: Window | None) -> Lasting:
        """Compute the medians of what may be computed with: no sensor-off code, nothing implausible."""
        if window is None:
            return cls(times=_NONE, begins=_NONE, medians=np.array([], dtype=np.float64))
        good = worn(window)
        times, medians = rolling_median(good, width=WIDTH, demand=DEMAND)
        first = np.searchsorted(good.times, times - np.timedelta64(WIDTH))
        return cls(times=times, begins=good.times[first], medians=medians)

    def now(
        self, windows: Mapping[Kind, Window], kind: Kind, now: datetime, *, high: bool = False
    ) -> tuple[float, datetime] | None:
        """Return the level that has lasted until `now`, and since when at least; `None` without one.

        `windows` hold the readings of the rule's look back. Where readings come too seldom for five covered
        minutes (spot checks, a sensor that keeps slipping), it is the milder of the last minute's
        median and that of the last five minutes, or, where these hold fewer than three, that of an earlier
        minute: the higher one, or with `high` the lower one. Of a stream that was taken off before
        five minutes were over, it is the median of its end where that is steady, else what nine tenths of it
        are beyond.
        """
        time = instant(now)
        at = int(self.times.searchsorted(time, side="right")) - 1
        if at >= 0 and self.times[at] >= time - _RECENT:
            return float(self.medians[at]), moment(self.begins[at])
        good = settled(windows[kind])
        if not len(good):
            return None
        if time - good.times[-1] >= _MINUTE and (told := ended(good, high=high)) is not None:
            return told
        return _spot(good, min if high else max)

    def extreme(
        self, window: Window, name: str, pick: Callable[[Floats], np.intp] = np.argmin
    ) -> Feature | None:
        """Return the lowest (or by `pick` another) median within a window; `None` without any."""
        inside = (self.times >= instant(window.start)) & (self.times < instant(window.end))
        times, medians = self.times[inside], self.medians[inside]
        if not len(medians):
            return None
        index = int(pick(medians))
        end = moment(times[index])
        five = worn(window.between(end - WIDTH, end + timedelta(microseconds=1)))
        return Feature(
            name=name,
            kind=window.kind,
            value=float(medians[index]),
            unit=KINDS[window.kind].ucum,
            start=five.start,
            end=five.end,
            coverage=five.coverage,
            count=len(five),
            readings=(int(five.ids[0]), int(five.ids[-1])) if len(five) else (),
            at=end,
        )


def settled(window: Window) -> Window:
    """Return what may be computed with of a window, less what lies beside times at which it was on nobody."""
    good = worn(window)
    off = window.times[lost(window)]
    if not len(off) or not len(good):
        return good
    after = np.searchsorted(off, good.times)
    before = off[np.maximum(after - 1, 0)]
    behind = off[np.minimum(after, len(off) - 1)]
    near = (np.abs(good.times - before) <= SETTLES) | (np.abs(behind - good.times) <= SETTLES)
    return good.where(~near)


def ended(good: Window, *, high: bool = False) -> tuple[float, datetime] | None:
    """Return the level at which a stream ended, and since when; `None` where its end says nothing.

    An oximeter was on the finger for a minute or two. A finger that slides in or out is not steady; a
    saturation that lasts for half a minute is. One that sways about one level has to have lasted for a
    minute, and counts as its milder end.
    """
    cuts = np.flatnonzero(np.diff(good.times) > ALIKE)
    run = slice(int(cuts[-1]) + 1 if len(cuts) else 0, len(good))
    times, values = good.times[run], good.values[run]
    inside = times >= max(times[0] + SETTLES, times[-1] - np.timedelta64(WIDTH))
    times, values = times[inside], values[inside]
    if len(times) < STREAMS or times[-1] - times[0] < SETTLED_FOR - SETTLES:
        return None
    lower, upper = np.percentile(values, [10, 90])
    if upper - lower <= STEADY:
        return float(np.median(values)), moment(times[0])
    half = len(values) // 2
    slid = abs(float(np.median(values[:half]) - np.median(values[half:]))) > STEADY
    if slid or times[-1] - times[0] < _MINUTE:
        return None
    return float(lower if high else upper), moment(times[0])


def _spot(good: Window, milder: Callable[[float, float], float]) -> tuple[float, datetime] | None:
    last = good.times[-1]
    part = good.between(moment(last) - WIDTH, moment(last) + timedelta(microseconds=1))
    begun = part.times[0]
    tight = part.between(moment(begun), part.end)
    if last - begun >= _MINUTE and (tight.coverage or 0.0) >= DEMAND:
        return None  # a stream that was just put on: five minutes of it will tell, or its end
    if len(part) >= SEVERAL and last - begun >= SPREAD_OUT:
        latest = np.median(part.values[part.times > last - _MINUTE])
        return milder(float(np.median(part.values)), float(latest)), moment(begun)
    before = good.values[good.times <= last - _MINUTE]
    if not len(before):
        return None
    earlier = good.times[len(before) - 1]
    first = np.median(good.values[(good.times > earlier - _MINUTE) & (good.times <= earlier)])
    second = np.median(good.values[good.times > last - _MINUTE])
    return milder(float(first), float(second)), moment(earlier)
