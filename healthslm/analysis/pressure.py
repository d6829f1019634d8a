"""Blood pressure: systolic and diastolic of one cuff inflation belong together."""

from __future__ import annotations

import numpy as np

from healthslm.readings import Window


def paired(systolic: Window, diastolic: Window) -> tuple[Window, Window]:
    """Return the usable readings of both windows that were taken at the same instant, in step.

    A cuff gives both at one time stamp; a value without its partner (NaN from the device, implausible) is
    left out of averages, as a guideline's average is one of complete measurements.
    """
    upper, lower = systolic.usable(), diastolic.usable()
    _both, first, second = np.intersect1d(upper.times, lower.times, return_indices=True)
    keep_upper = np.zeros(len(upper), dtype=np.bool_)
    keep_lower = np.zeros(len(lower), dtype=np.bool_)
    keep_upper[first], keep_lower[second] = True, True
    return upper.where(keep_upper), lower.where(keep_lower)
