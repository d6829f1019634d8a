"""A median that moves through a window, and knows when it saw too little to speak."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from healthslm.readings import KINDS, Floats, Times, Window, micros


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
    # One moment per step of the clock, always a reading's own time: nothing is claimed about times nobody
    # measured at, and a longer window has the same moments.
    bins = micros(good) // (step // timedelta(microseconds=1))
    last = np.flatnonzero(np.append(bins[1:] != bins[:-1], [True]))
    first = np.searchsorted(good.times, good.times[last] - np.timedelta64(width), side="right")
    holds = np.timedelta64(KINDS[window.kind].holds or width)
    spoken = np.append([0], np.cumsum(np.minimum(np.diff(good.times), holds).astype(np.int64)))
    seen = spoken[last] - spoken[first]
    covered = seen >= demand * (width // timedelta(microseconds=1))
    low, size = first[covered], last[covered] - first[covered] + 1
    medians = np.empty(len(low))
    for one in np.unique(size).tolist():  # a steady stream has a few sizes: many medians at once
        rows = size == one
        medians[rows] = np.median(good.values[low[rows, None] + np.arange(one)], axis=1)
    return good.times[last[covered]], medians
