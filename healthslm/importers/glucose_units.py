"""mg/dL or mmol/L, whichever the values can be meant in, by which factor; words that stand for no number."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from healthslm.importers.lines import named
from healthslm.readings import KINDS, Floats, Ints, Kind
from healthslm.readings.units import MG_PER_MMOL

__all__ = ["MG_PER_MMOL", "to_mg_per_dl"]

_FACTORS = (MG_PER_MMOL, 18.018, 18.0, 18.0156, 18.0182, 18.02)
"""Those that people convert with."""
_LEAST_MG = KINDS[Kind.GLUCOSE].low
"""No meter shows fewer mg/dL: what is below can only be mmol/L."""
_METERS_MMOL = 33.4
"""Meters and sensors show no more mmol/L (600 mg/dL); a laboratory does."""
_MOST_MMOL = KINDS[Kind.GLUCOSE].high / MG_PER_MMOL
"""What is above can only be mg/dL."""
_ENOUGH_DECIMALS = 10
"""So many values with decimals, and none of more than 33.4, are mmol/L, whatever the column is called."""
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

    `told` is what the column says, and with `sure` what somebody said: that holds, unless a column's values
    can only be the other. Where nothing is told the values tell it; those that could be either are not used.
    Sensors measure whole mg/dL: values in mmol/L with two decimals or more that are whole mg/dL by one of the
    usual factors become those again.
    """
    there = values[np.isfinite(values) & (values > 0)]
    if not len(there):
        return values, told
    unit = told
    if not told:
        unit = _seen(there)
        if unit:
            problems.append(f"the unit is not named: taken as {unit} (median {np.median(there):g})")
    elif not sure and (other := _other_than(told, there)):
        problems.append(
            f"the column says {told}, but its values (median {np.median(there):g}) can only be {other};"
            f" taken as {other}, else --unit"
        )
        unit = other
    never, either = _doubted(values, unit, there, told)
    if never.any():
        _tell_other(never, unit, len(there), lines, problems)
    if either.any():
        but = f"; the others are {unit}" if unit and len(there) > int(either.sum()) else ""
        problems.append(
            f"{named(lines[either].tolist())}: could be mg/dL or mmol/L{but}; not used: say which with --unit"
        )
    kept = np.where(never | either, np.nan, values)
    return (_converted(kept, decimals) if unit == "mmol/L" else kept), unit


def _fractions(values: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(values != np.round(values), dtype=np.bool_) & np.isfinite(values)


def _seen(there: Floats) -> str:
    """The unit that a column's values can only be meant in, as far as most of them go; empty for either."""
    middle = float(np.median(there))
    if middle > _METERS_MMOL:
        return "mg/dL"
    none_mg = bool((there <= _METERS_MMOL).all())
    some_mmol = bool((there < _LEAST_MG).any())
    many = int(_fractions(there).sum()) >= _ENOUGH_DECIMALS
    return "mmol/L" if middle < _LEAST_MG or (none_mg and (some_mmol or many)) else ""


def _other_than(told: str, there: Floats) -> str:
    """The unit that values can only be in against their column's name; empty where the name can be right."""
    if told == "mg/dL":
        inside = bool(((there >= 1) & (there <= _METERS_MMOL)).all())
        return "mmol/L" if inside and int(_fractions(there).sum()) >= _ENOUGH_DECIMALS else ""
    return "mg/dL" if 2 * int((there > _MOST_MMOL).sum()) > len(there) else ""


def _doubted(
    values: Floats, unit: str, there: Floats, told: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which values can only be the other unit, and which could be either."""
    named_ = bool(told) and told == unit
    with np.errstate(invalid="ignore"):
        only_mmol = (values > 0) & (values < _LEAST_MG)
        only_mg = values > (_MOST_MMOL if named_ else _METERS_MMOL)
        small, large = (values > 0) & (values <= _METERS_MMOL), values > _METERS_MMOL
    if not unit:
        return only_mmol & False, np.isfinite(values) & (values > 0)
    if unit == "mmol/L":
        return only_mg, large & ~only_mg & bool(only_mg.any())
    mixed = bool(only_mmol.any()) or bool(told and not named_)
    if named_:
        # A low is whole mg/dL; beside mmol/L a decimal is one too, and where most are those nothing is sure.
        most = 2 * int(only_mmol.sum()) > int((small & ~only_mmol).sum()) and bool(small.sum() == len(there))
        return only_mmol, small & ~only_mmol & ((_fractions(values) & mixed) | (mixed and most))
    return only_mmol, small & ~only_mmol & (_fractions(values) | mixed)


def _tell_other(never: NDArray[np.bool_], unit: str, count: int, lines: Ints, problems: list[str]) -> None:
    where, other = named(lines[never].tolist()), "mg/dL" if unit == "mmol/L" else "mmol/L"
    if int(never.sum()) == count:
        problems.append(f"{where}: can only be {other}, not {unit}; not used: if so, give --unit {other}")
    else:
        problems.append(f"units mixed in one file: {where} can only be {other}, the others {unit}; not used")


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
