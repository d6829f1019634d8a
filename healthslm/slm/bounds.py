"""Bounds that a question names, in the metric's own unit: mg/dL and °C."""

from __future__ import annotations

from healthslm.readings.units import MG_PER_MMOL
from healthslm.slm.names import Metric

_CONSENSUS = {3.0: 54.0, 3.9: 70.0, 7.8: 140.0, 10.0: 180.0, 13.9: 250.0}
"""The consensus' bounds stand in both units as whole numbers (Battelino 2019): 10.0 mmol/L is 180 mg/dL."""


def converted(value: float, metric: Metric, unit: str) -> float:
    """Return a bound in mg/dL or °C; `unit` as said, in lower case, or empty.

    Without a unit the size tells: nobody has 8 mg/dL, and nobody 100 °C.
    """
    if metric is Metric.GLUCOSE and (unit.startswith("mmol") or (not unit and value < 35)):
        return _CONSENSUS.get(value, round(value * MG_PER_MMOL, 1))
    fahrenheit = "f" in unit or (not unit and value > 60)
    if metric is Metric.TEMPERATURE and fahrenheit:
        return round((value - 32) / 1.8, 1)
    return value
