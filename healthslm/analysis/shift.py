"""Whether the last days differ from what is usual: the mean of up to three days against the month before.

A mean over a fixed number of days finds shifts of that length better than a cumulative sum (Page, Biometrika
1954;41:100-115), which fits shifts of any length: at the same number of alerts in healthy people 84 % against
79 % for heart rate, 82 % against 80 % for RMSSD (docs/baselines.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.baseline import GAP, Usual, levelled, usual
from healthslm.readings import Floats, Ints

KNOWN = 2
"""Of the last three days so many must be known, the latest among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How far the last days are from what is usual.

    `change` is in the values' unit, `spreads` the same as a multiple of the usual spread; `recent` are the
    places of the days it was seen on, shape `(k,)`. `levelled` says that habits of weekdays were taken out
    first: then the values themselves differ by another amount.
    """

    change: float
    spreads: float
    usual: Usual
    recent: NDArray[np.intp]
    levelled: bool


def shift(days: Ints, values: Floats, *, typical: float, length: int = GAP) -> Shift | str:
    """Return the shift at the last day, or why nothing can be said of it.

    `days`: shape `(n,)`, proleptic ordinals in order; `values`: shape `(n,)`, NaN where there is none;
    `typical`: the spread from day to day that people have; `length`: days that the shift is seen over.
    """
    if not len(days) or not np.isfinite(values[-1]):
        return "the last day is not known"
    level = levelled(days, values)
    recent = np.flatnonzero((days > days[-1] - length) & np.isfinite(level))
    if len(recent) < min(KNOWN, length):
        return f"{len(recent)} of the last {length} days known, {min(KNOWN, length)} are needed"
    before = usual(days, level, int(days[-1]), typical=typical, gap=length)
    if before is None:
        return "too few days in the month before to say what is usual"
    change = float(level[recent].mean()) - before.center
    return Shift(
        change=change,
        spreads=change / before.spread,
        usual=before,
        recent=recent,
        levelled=level is not values,
    )
