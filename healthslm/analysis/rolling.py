"""A median that moves through a window, and knows when it saw too little to speak."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from healthslm.readings import KINDS, Floats, Times, Window


def rolling_median(
    window: Window, *, width: timedelta, demand: float, step: timedelta = timedelta(seconds=30)
) -> tuple[Times, Floats]:
    """Return the medians of the last `width` at the readings' times, one a `step` at the most.

    Shapes: `(n,)` and `(n,)`; a moment at which readings speak for less than `demand` (0 to 1) of `width` is
    left out. A median over minutes is not moved by a single slipped reading.
    """
    good = window.usable()
    if not len(good):
        return good.times, good.values
    # One moment per step, always a reading's own time: nothing is claimed about times nobody measured at.
    bins = (good.times - good.times[0]) // np.timedelta64(step)
    last_of_bin = np.flatnonzero(np.append(bins[1:] != bins[:-1], [True]))
    kept, medians = [], []
    for index in last_of_bin:
        at = good.times[index]
        first = int(np.searchsorted(good.times, at - np.timedelta64(width), side="right"))
        part = good.times[first : index + 1]
        holds = np.timedelta64(KINDS[window.kind].holds or width)
        until = np.append(part[1:], at)
        if np.minimum(until - part, holds).sum() >= demand * np.timedelta64(width):
            kept.append(at)
            medians.append(float(np.median(good.values[first : index + 1])))
    return np.array(kept, dtype="datetime64[us]"), np.array(medians, dtype=np.float64)
