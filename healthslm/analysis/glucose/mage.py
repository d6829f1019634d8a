"""MAGE, the mean amplitude of glycemic excursions: turning points by two moving averages that cross.

Service FJ et al. Mean amplitude of glycemic excursions. Diabetes 1970;19:644-655; as an algorithm Fernandes
NJ et al. Open-source algorithm to calculate mean amplitude of glycemic excursions using short and long moving
averages. J Diabetes Sci Technol 2022;16:576-577, in the form that iglu has it since 4.0: upward and downward
excursions of more than a standard deviation, each taken as far as it goes, the mean of both directions.
"""

from __future__ import annotations

import numpy as np

from healthslm.analysis.glucose.trace import Trace, runs
from healthslm.readings import Floats

STEP = 5
"""Minutes of the grid, whatever the sensor's interval."""
SHORT, LONG = 5, 32
"""Points of the two moving averages."""
MAX_GAP = 180
"""Minutes. A longer gap parts the line in two, of which each has its own MAGE."""
_FEW = 7
_NOTHING = 1e-9
"""Averages that differ by less are the same; the last digits of a sum are no crossing."""


def mage(trace: Trace) -> float:
    """Return MAGE in mg/dL, NaN where no stretch is long enough or nothing goes up or down by an SD.

    Stretches between long gaps count by their length.
    """
    flat = trace.on(STEP).flat
    there = np.flatnonzero(~np.isnan(flat))
    if not len(there):
        return float("nan")
    flat = flat[there[0] : there[-1] + 1]
    amplitudes, weights = [], []
    for stretch in _stretches(flat):
        for amplitude in _both(stretch):
            amplitudes.append(amplitude)
            weights.append(len(stretch) - 1)
    return float(np.average(amplitudes, weights=weights)) if amplitudes else float("nan")


def _stretches(flat: Floats) -> list[Floats]:
    """Cut the line at its long gaps."""
    gap = np.isnan(flat)
    starts, lengths = runs(gap.astype(np.int8))
    long = gap[starts] & (lengths * STEP > MAX_GAP)
    found, begin = [], 0
    for start, length in zip(starts[long].tolist(), lengths[long].tolist(), strict=True):
        found.append(flat[begin:start])
        begin = start + length
    return [*found, flat[begin:]]


def _both(values: Floats) -> list[float]:
    """The mean heights of one stretch's upward and downward excursions, as far as there are any."""
    good = values[~np.isnan(values)]
    if len(values) < max(_FEW, LONG):
        return []
    sd = float(good.std(ddof=1))
    if sd < 1:
        return []
    points = _turning_points(values)
    found = (_upward(points, sd), _downward(points, sd))
    return [abs(sum(heights)) / len(heights) for heights in found if heights]


def _moving(values: Floats, width: int) -> Floats:
    """The mean of the last `width` points that are there; the first ones have that of the `width`th."""
    there = ~np.isnan(values)
    ones = np.ones(width)
    total = np.convolve(np.where(there, values, 0), ones, "valid")
    count = np.convolve(there.astype(np.float64), ones, "valid").round()
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.concatenate((np.full(width - 1, means[0]), means))


def _turning_points(values: Floats) -> list[float]:
    """The lowest and highest values between crossings of the two averages, in order of time."""
    above = _moving(values, SHORT) - _moving(values, LONG)
    above[np.abs(above) < _NOTHING] = 0
    crossings, highs = _crossings(values, above)
    found: list[float] = []
    left = crossings[0]
    for high, right in zip(highs, crossings[1:], strict=False):
        part = values[left : right + 1]
        turn = int(np.nanargmax(part) if high else np.nanargmin(part))
        found.append(float(part[turn]))
        left += turn
    return found


def _crossings(values: Floats, above: Floats) -> tuple[list[int], list[bool]]:
    """Where the short average crosses the long one, with both ends; and whether a high follows there."""
    there = ~np.isnan(values)
    known = ~np.isnan(above)
    judged = np.zeros(len(values), dtype=np.bool_)
    judged[1:] = there[1:] & there[:-1] & known[1:] & known[:-1]
    sign = np.sign(np.where(known, above, 0))
    # A crossing can only be where the sign changes, or where the line goes on after a gap.
    candidates = np.flatnonzero(judged[1:] & ((sign[1:] != sign[:-1]) | ~judged[:-1])) + 1
    crossings, highs = [0], [bool(above[0] > 0)]
    for at in candidates.tolist():
        if sign[at] * sign[at - 1] < 0 or sign[at] * sign[crossings[-1]] < 0:
            crossings.append(at)
            highs.append(bool(sign[at] > 0))
    return [*crossings, len(values) - 1], [*highs, bool(above[-1] > 0)]


def _upward(points: list[float], sd: float) -> list[float]:
    """Heights of the rises of at least an SD, each taken up to the highest point before a fall of an SD."""
    heights = []
    last = len(points) - 1
    at = since = 0
    while at <= last:
        low = min(points[since : at + 1])
        if points[at] - low < sd:
            at += 1
            continue
        top = at
        for after in range(at, last + 1):
            if points[after] > points[top]:
                top = after
            if points[after] - points[top] < -sd or after == last:
                heights.append(points[top] - low)
                since = at = after
                break
        if at == last:
            break
    return heights


def _downward(points: list[float], sd: float) -> list[float]:
    """The same of falls; the next one is looked for from this one's lowest point on."""
    heights = []
    last = len(points) - 1
    at = since = 0
    while at <= last:
        high = max(points[since : at + 1])
        if points[at] - high > -sd:
            at += 1
            continue
        bottom = at
        for after in range(at, last + 1):
            if points[after] < points[bottom]:
                bottom = after
            if points[after] - points[bottom] > sd or after == last:
                heights.append(points[bottom] - high)
                since, at = bottom, after
                break
        if at == last:
            break
    return heights
