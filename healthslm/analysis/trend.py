"""How something changes from day to day: the Theil-Sen slope and its interval.

Sources:
[1] Sen PK. Estimates of the regression coefficient based on Kendall's tau. J Am Stat Assoc 1968;63:1379-1389
    (slope and interval)
[2] Gilbert RO. Statistical methods for environmental pollution monitoring. New York: Wiley, 1987:217-219
    (which of the slopes are the interval's ends)
[3] Kendall MG. Rank correlation methods. 4th ed. London: Griffin, 1970 (the variance with ties)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from healthslm.readings import Floats, Ints

_NORMAL_975 = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """Units of y per unit of x, and its 95 % interval; `None` where too few points bear one."""

    value: float
    low: float | None
    high: float | None


def theil_sen(x: Ints, y: Floats) -> Slope:
    """Return the median of the slopes between all pairs of points, with the interval of [1, 2].

    `x`, `y`: shape `(n,)`, finite, no two `x` alike; gaps between them may differ. Raises `ValueError` under
    two points.
    """
    if len(x) < 2:
        raise ValueError("A slope needs two points.")
    first, second = np.triu_indices(len(x), k=1)
    slopes = np.sort((y[second] - y[first]) / (x[second] - x[first]))
    value = float(np.median(slopes))
    n = len(x)
    _, ties = np.unique(y, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    width = _NORMAL_975 * np.sqrt(max(variance, 0.0))
    if width >= len(slopes):
        return Slope(value=value, low=None, high=None)
    # As many slopes are left out below as above.
    low = max(round((len(slopes) - width) / 2) - 1, 0)
    return Slope(value=value, low=float(slopes[low]), high=float(slopes[len(slopes) - 1 - low]))
