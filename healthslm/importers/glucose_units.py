"""mg/dL or mmol/L, whichever the values can be meant in, by which factor; words that stand for no number."""

from __future__ import annotations

import re

import numpy as np

from healthslm.importers.lines import named
from healthslm.readings import Floats, Ints
from healthslm.readings.units import MG_PER_MMOL

__all__ = ["MG_PER_MMOL", "to_mg_per_dl"]

_FACTORS = (MG_PER_MMOL, 18.018, 18.0, 18.0156, 18.0182, 18.02)
"""Those that people convert with."""
_MMOL_BELOW = 30.0
"""A median below is mmol/L: nobody lives with a median of 30 mg/dL, nor with one of 30 mmol/L."""
_MOST_MMOL = 33.4
"""No sensor shows more mmol/L (600 mg/dL), and none so few mg/dL."""
_BOUNDS = {3.0: 54.0, 3.9: 70.0, 10.0: 180.0, 13.9: 250.0}
"""The consensus' bounds in both units; 10.0 mmol/L is within 180 mg/dL, though it is 180.16."""
_WHOLE = 0.95

LOW_WORDS = frozenset(("low", "lo", "niedrig", "tief", "bas", "bajo", "basso", "laag", "baixo", "lav", "låg"))
HIGH_WORDS = frozenset(("high", "hi", "hoch", "haut", "alto", "alta", "élevé", "hoog", "høj", "hög", "høy"))
_BOUND = re.compile(r"([<>])\s*\d+(?:[.,]\d+)?.*")


def side_of(cell: str) -> int:
    """Say what a meter shows instead of a number: -1 for too low, 1 for too high, 0 for neither."""
    word = cell.lower().strip(" .!")
    bound = _BOUND.fullmatch(word)
    if word in LOW_WORDS or (bound is not None and bound[1] == "<"):
        return -1
    return 1 if word in HIGH_WORDS or bound is not None else 0


def to_mg_per_dl(
    values: Floats, decimals: int, lines: Ints, told: str, problems: list[str], *, sure: bool = False
) -> tuple[Floats, str]:
    """Return the values in mg/dL, NaN where they can only be meant in the other unit, and the file's unit.

    `told` is what the column says, and with `sure` what somebody said. Sensors measure whole mg/dL: values
    in mmol/L with two decimals or more that are whole mg/dL by one of the usual factors become those again.
    """
    there = values[np.isfinite(values)]
    if not len(there):
        return values, told
    middle = float(np.median(there))
    seen = "mmol/L" if middle < _MMOL_BELOW else "mg/dL"
    if not told:
        problems.append(f"the unit is not named: taken as {seen} (median {middle:g})")
    elif told != seen and not sure:
        problems.append(f"the column says {told}, but its values (median {middle:g}) are {seen}")
    unit = told if sure else seen
    with np.errstate(invalid="ignore"):
        other = values > _MOST_MMOL if unit == "mmol/L" else (values < _MOST_MMOL) & (values > 0)
    if other.any():
        mixed = "mg/dL" if unit == "mmol/L" else "mmol/L"
        where = named(lines[other].tolist())
        problems.append(f"units mixed in one file: {where} can only be {mixed}, the others {unit}; not used")
    kept = np.where(other, np.nan, values)
    return (_converted(kept, decimals) if unit == "mmol/L" else kept), unit


def _converted(values: Floats, decimals: int) -> Floats:
    good = values[np.isfinite(values)]
    if decimals >= 2:
        for factor in _FACTORS:
            off = np.abs(good * factor - np.round(good * factor))
            if len(good) and float(np.mean(off <= 0.5 * 10.0**-decimals * factor + 0.01)) >= _WHOLE:
                return np.asarray(np.round(values * factor), dtype=np.float64)
    made = values * MG_PER_MMOL
    for bound, same in _BOUNDS.items():
        made[np.abs(values - bound) < 1e-9] = same
    return made
