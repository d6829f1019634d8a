"""What is usual for a person: the median and robust spread of the days of a trailing month.

The last days are left out, so that a slow illness does not become the usual. A spread that was measured on
few days, or on days that happen to be alike, is drawn towards what is typical of people, as the estimate of a
variance from both would be.

Sources:
[1] Rousseeuw PJ, Croux C. Alternatives to the median absolute deviation. J Am Stat Assoc 1993;88:1273-1283
    (1.4826: the MAD of normal deviates as a standard deviation)
[2] Kruskal WH, Wallis WA. Use of ranks in one-criterion variance analysis. J Am Stat Assoc 1952;47:583-621
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthslm.readings import Floats, Ints

MONTH, GAP, LEAST = 28, 3, 7
"""Days of a baseline, days before it that are left out, and days with a value that it needs."""
TRUST = 28
"""The typical spread counts for so many days."""
_MAD = 1.4826
_WEEKS, _EACH = 8, 4
"""Weeks that weekdays are compared over, and values that each weekday needs."""
_CHI2_99 = 16.81
"""Of Kruskal and Wallis' H over seven weekdays one in a hundred is above it by chance [2]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """A baseline: its median, its spread (as a standard deviation), and the places of its days, `(n,)`."""

    center: float
    spread: float
    places: NDArray[np.intp]


def usual(days: Ints, values: Floats, day: int, *, typical: float, gap: int = GAP) -> Usual | None:
    """Return what was usual before `day`; `None` under seven days with a value.

    `days`: shape `(n,)`, proleptic ordinals; `values`: shape `(n,)`, NaN where there is none. The month ends
    `gap` days before `day`. `typical` is the spread from day to day that people have.
    """
    last = day - gap
    places = np.flatnonzero((days <= last) & (days > last - MONTH) & np.isfinite(values))
    if len(places) < LEAST:
        return None
    known = values[places]
    center = float(np.median(known))
    spread = _MAD * float(np.median(np.abs(known - center)))
    count = len(known)
    drawn = (count * spread**2 + TRUST * typical**2) / (count + TRUST)
    return Usual(center=center, spread=float(np.sqrt(drawn)), places=places)


def levelled(days: Ints, values: Floats) -> Floats:
    """Return values without their weekdays' habits, where the data bear that there are any; else unchanged.

    Every weekday needs four values in the last eight weeks, and they must differ by more than chance would
    have it once in a hundred [2]. Shapes `(n,)`, as in `usual`.
    """
    if not len(days):
        return values
    known = np.flatnonzero(np.isfinite(values) & (days > days[-1] - 7 * _WEEKS))
    weekday = days[known] % 7
    count = np.bincount(weekday, minlength=7)
    if (count < _EACH).any():
        return values
    order = values[known].argsort(kind="stable")
    rank = np.empty(len(known))
    rank[order] = np.arange(1, len(known) + 1)
    total = len(known)
    sums = np.bincount(weekday, rank, minlength=7)
    statistic = 12 / (total * (total + 1)) * float((sums**2 / count).sum()) - 3 * (total + 1)
    if statistic < _CHI2_99:
        return values
    center = np.median(values[known])
    offset = np.array([np.median(values[known][weekday == n]) - center for n in range(7)])
    return np.asarray(values - offset[days % 7])
