"""The ambulatory glucose profile: percentiles by time of day, all days laid over each other.

Johnson ML et al. Utilizing the ambulatory glucose profile to standardize and implement continuous glucose
monitoring in clinical practice. Diabetes Technol Ther 2019;21(Suppl 2):S217-S225. Not smoothed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from healthslm.analysis.glucose.trace import DAY, Trace
from healthslm.readings import Floats, Ints

PERCENTILES = (5, 25, 50, 75, 95)
_MINUTE_US = 60_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """Percentiles by time of day.

    `minutes`: shape `(n,)`, minutes after midnight by the clock on the wall; `values`: shape `(5, n)`, mg/dL,
    the 5th, 25th, 50th, 75th and 95th percentile, NaN where no day has a value; `days`: shape `(n,)`, of how
    many days.
    """

    minutes: Ints
    values: Floats
    days: Ints


def profile(trace: Trace) -> Profile | None:
    """Return the profile on the trace's grid; `None` where it has none."""
    grid = trace.grid
    if grid is None:
        return None
    columns = DAY // grid.step
    flat = grid.flat
    minute = grid.step * np.arange(1, len(flat) + 1)
    ahead = (trace.clock - trace.times).astype(np.int64) // _MINUTE_US
    if ahead.any():  # a clock that was changed: each point goes where the clock was at the reading before it
        before = np.maximum(np.searchsorted(trace.minutes, minute, side="right") - 1, 0)
        minute = minute + ahead[before]
    column = (minute // grid.step) % columns
    order = np.argsort(column, kind="stable")
    order = order[~np.isnan(flat[order])]
    days = np.bincount(column[order], minlength=columns)
    table = np.full((int(days.max(initial=1)), columns), np.nan)
    row = np.arange(len(order)) - np.repeat(np.cumsum(days) - days, days)
    table[row, column[order]] = flat[order]
    return Profile(minutes=grid.step * np.arange(columns), values=_percentiles(table, days), days=days)


def _percentiles(table: Floats, count: Ints) -> Floats:
    """Percentiles of each column's values, linear between them (R's type 7), as `nanpercentile`, but fast."""
    ordered = np.sort(table, axis=0)  # NaN go to the end
    found = np.full((len(PERCENTILES), table.shape[1]), np.nan)
    there = np.flatnonzero(count)
    for row, wanted in enumerate(PERCENTILES):
        place = (count[there] - 1) * wanted / 100
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, count[there] - 1)
        below, above = ordered[low, there], ordered[high, there]
        found[row, there] = below + (above - below) * (place - low)
    return found
