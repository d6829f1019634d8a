"""How glucose goes up and down within and between days, from the even grid; NaN where the grid bears none.

Definitions as in iglu. Sources:
[1] Rodbard D. New and improved methods to characterize glycemic variability using continuous glucose
    monitoring. Diabetes Technol Ther 2009;11:551-565 (the standard deviations).
[2] McDonnell CM et al. A novel approach to continuous glucose analysis utilizing glycemic variation. Diabetes
    Technol Ther 2005;7:253-263 (CONGA).
[3] Molnar GD, Taylor WF, Ho MM. Day-to-day variation of continuously monitored glycaemia. Diabetologia
    1972;8:342-348 (MODD).
[4] Hermanides J et al. Glucose variability is associated with intensive care unit mortality. Crit Care Med
    2010;38:838-842 (MAG).
[5] Peyser TA et al. Glycemic variability percentage. Diabetes Technol Ther 2018;20:6-16 (GVP).
"""

from __future__ import annotations

import numpy as np

from healthslm.analysis.glucose.trace import Grid
from healthslm.readings import Floats

HOURS = (1, 2, 4, 24)
"""Hours between two values of CONGA; iglu's own is 24."""
_NAN = float("nan")


def _sd(values: Floats) -> float:
    good = values[~np.isnan(values)]
    return float(good.std(ddof=1)) if len(good) > 1 else _NAN


def _mean(values: Floats) -> float:
    good = values[~np.isnan(values)]
    return float(good.mean()) if len(good) else _NAN


def _means(table: Floats, axis: int) -> Floats:
    """Means along an axis of what is there; NaN where nothing is."""
    there = ~np.isnan(table)
    count = there.sum(axis=axis)
    total = np.where(there, table, 0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _sds(table: Floats, axis: int) -> Floats:
    """Standard deviations (n - 1) along an axis; NaN where fewer than two values are."""
    there = ~np.isnan(table)
    count = there.sum(axis=axis)
    off = np.where(there, table - np.expand_dims(_means(table, axis), axis), 0)
    return np.where(count > 1, np.sqrt((off**2).sum(axis=axis) / np.maximum(count - 1, 1)), np.nan)


def deviations(grid: Grid) -> dict[str, float]:
    """Return Rodbard's standard deviations [1] in mg/dL.

    Within days, between times of day, within an hour, of the days' means, between days at one time of day,
    and the latter without the days' means.
    """
    days = grid.days
    means = _means(days, 1)
    return {
        "sd_within": _mean(_sds(days, 1)),
        "sd_hhmm": _sd(_means(days, 0)),
        "sd_within_hour": _hourly(grid),
        "sd_daily_means": _sd(means),
        "sd_between": _mean(_sds(days, 0)),
        "sd_between_corrected": _mean(_sds(days - means[:, None], 0)),
    }


def _hourly(grid: Grid) -> float:
    """The mean of the standard deviations of every hour that holds at least two values."""
    width = round(60 / grid.step)
    flat = grid.flat
    if width < 3 or len(flat) < width:
        return _NAN
    there = ~np.isnan(flat)
    off = np.where(there, flat - _mean(flat), 0.0)
    ones = np.ones(width)
    count = np.convolve(there.astype(np.float64), ones, "valid").round()
    total, squares = np.convolve(off, ones, "valid"), np.convolve(off**2, ones, "valid")
    enough = count > 1
    n = count[enough]
    variance = (squares[enough] - total[enough] ** 2 / n) / (n - 1)
    return _mean(np.sqrt(np.maximum(variance, 0)))


def changes(grid: Grid) -> dict[str, float]:
    """Return CONGA [2] and MODD [3] in mg/dL, MAG [4] in mg/dL an hour, and GVP [5] in %."""
    flat = grid.flat
    hourly = round(60 / grid.step)
    found = {
        f"conga_{hours}": _sd(flat[hourly * hours :] - flat[: -hourly * hours]) if hourly else _NAN
        for hours in HOURS
    }
    steps = np.diff(flat)
    steps = steps[~np.isnan(steps)]
    flat_way = len(steps) * grid.step
    travelled = float(np.sqrt(grid.step**2 + steps**2).sum())
    return {
        **found,
        "modd": _mean(np.abs(np.diff(grid.days, axis=0)).ravel()),
        "mag": float(np.abs(steps).sum()) / (flat_way / 60) if len(steps) else _NAN,
        "gvp": (travelled / flat_way - 1) * 100 if len(steps) else _NAN,
    }
