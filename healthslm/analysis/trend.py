"""How something changes from day to day: the Theil-Sen slope and its interval.

Sources:
[1] Sen PK. Estimates of the regression coefficient based on Kendall's tau. J Am Stat Assoc 1968;63:1379-1389
    (slope and interval)
[2] Kendall MG. Rank correlation methods. 4th ed. London: Griffin, 1970 (the variance with ties)
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

    @property
    def sure(self) -> bool:
        """The interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def theil_sen(x: Ints, y: Floats) -> Slope:
    """Return the median of the slopes between all pairs of points, with the interval of [1].

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
    low, high = int((len(slopes) - width) / 2), int(np.ceil((len(slopes) + width) / 2))
    if width >= len(slopes):
        return Slope(value=value, low=None, high=None)
    return Slope(value=value, low=float(slopes[low]), high=float(slopes[min(high, len(slopes) - 1)]))
