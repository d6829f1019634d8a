"""Numbers from windows of readings: no thresholds, no clock, no I/O.

Every function takes `Window`s (healthslm.readings) and returns `Feature`s; where a number cannot be had,
the feature's value is `None` and its reason says why.
"""

from healthslm.analysis.change import daily, in_range, relation, trend
from healthslm.analysis.days import Daily, DailySeries, Days, day_bounds, over_days
from healthslm.analysis.features import absent, describe, extreme, mean, of_window, total
from healthslm.analysis.pressure import paired
from healthslm.analysis.rolling import rolling_median

__all__ = [
    "Daily",
    "DailySeries",
    "Days",
    "absent",
    "daily",
    "day_bounds",
    "describe",
    "extreme",
    "in_range",
    "mean",
    "of_window",
    "over_days",
    "paired",
    "relation",
    "rolling_median",
    "total",
    "trend",
]
