"""A level that lasts: the median of covered minutes, or two sparse readings that agree."""

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
_NONE = (np.array([], dtype="M8[us]"), np.array([], dtype=np.float64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """Medians of five covered minutes: `times` and `medians`, shape `(n,)` each."""

    times: Times
    medians: Floats

    @classmethod
    def of(cls, window: Window | None) -> Lasting:
        """Compute the medians of what may be computed with: no sensor-off code, nothing implausible."""
        times, medians = _NONE if window is None else rolling_median(worn(window), width=WIDTH, demand=DEMAND)
        return cls(times=times, medians=medians)

    def now(
        self, windows: Mapping[Kind, Window], kind: Kind, now: datetime, *, high: bool = False
    ) -> tuple[float, datetime] | None:
        """Return the level that has lasted until `now`, and since when at least; `None` without one.

        `windows` hold the readings of the rule's look back. Where readings come too seldom for five covered
        minutes (spot checks, a sensor that keeps slipping), it is the milder of the last minute's median and
        that of an earlier minute: the higher one, or with `high` the lower one.
        """
        time = instant(now)
        at = int(self.times.searchsorted(time, side="right")) - 1
        if at >= 0 and self.times[at] >= time - _RECENT:
            return float(self.medians[at]), moment(self.times[at]) - WIDTH
        return _spot(settled(windows[kind]), min if high else max)

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


def _spot(good: Window, milder: Callable[[float, float], float]) -> tuple[float, datetime] | None:
    if not len(good):
        return None
    last = good.times[-1]
    begun = good.times[np.searchsorted(good.times, last - np.timedelta64(WIDTH))]
    part = good.between(moment(begun), moment(last) + timedelta(microseconds=1))
    if last - begun >= _MINUTE and (part.coverage or 0.0) >= DEMAND:
        return None  # a stream that was just put on: five minutes of it will tell
    before = good.values[good.times <= last - _MINUTE]
    if not len(before):
        return None
    earlier = good.times[len(before) - 1]
    first = np.median(good.values[(good.times > earlier - _MINUTE) & (good.times <= earlier)])
    second = np.median(good.values[good.times > last - _MINUTE])
    return milder(float(first), float(second)), moment(earlier)
