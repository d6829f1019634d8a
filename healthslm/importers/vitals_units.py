"""The numbers in cells, and their units: those named, and those that values can only be meant in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import UsageError
from healthslm.importers.glucose_columns import unit_in
from healthslm.importers.glucose_units import to_mg_per_dl
from healthslm.importers.lines import named
from healthslm.importers.rows import MISSING
from healthslm.readings import KINDS, Floats, Ints, Kind
from healthslm.readings.units import KG_PER_LB, KJ_PER_KCAL, M_PER_MILE, MMHG_PER_KPA

_PRESSURES = (Kind.SYSTOLIC, Kind.DIASTOLIC, Kind.MEAN_ARTERIAL)
_GLUCOSES = (Kind.GLUCOSE, Kind.SENSOR_GLUCOSE)
_NAMES: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.TEMPERATURE: (
        (r"°\s*f|fahrenheit|\bdeg\w* ?f\b|(?:^|[\W_])f$|(?:^|[\W_])f[\W_]|tempf$", "°F"),
        (r"°\s*c|celsius|\bcel\b|\bdeg\w* ?c\b|(?:^|[\W_])c$|(?:^|[\W_])c[\W_]|tempc$", "°C"),
    ),
    Kind.WEIGHT: ((r"kgs?(?![a-z])|kilo", "kg"), (r"lbs?(?![a-z])|pounds?|pfund", "lb")),
    Kind.SLEEP_DURATION: (
        (r"(?:^|[\W_])ms(?![a-z])|millis", "ms"),
        (r"minute|(?:^|[\W_]|sleep)mins?(?![a-z])", "min"),
        (r"hours?|stunden|(?:^|[\W_]|sleep)hrs?(?![a-z])|(?:^|[\W_])h(?![a-z])", "h"),
        (r"second|(?:^|[\W_])s(?:ec)?(?![a-z])", "s"),
    ),
    Kind.ENERGY: ((r"kj(?![a-z])|kilojoule", "kJ"), (r"cal", "kcal")),
    Kind.DISTANCE: (
        (r"km(?![a-z])|kilomet", "km"),
        (r"miles?|(?:^|[\W_])mi(?![a-z])", "mi"),
        (r"met(?:er|re)s?|(?:^|[\W_])m(?![a-z])", "m"),
    ),
    Kind.SPO2: ((r"%|percent|pct", "%"),),
    Kind.BODY_FAT: ((r"%|percent|pct", "%"), (r"kgs?(?![a-z])|lbs?(?![a-z])", "a weight")),
} | dict.fromkeys(_PRESSURES, ((r"kpa", "kPa"), (r"mm ?\[?hg", "mmHg")))
_FACTORS: Mapping[str, float] = {
    "lb": KG_PER_LB, "kJ": 1 / KJ_PER_KCAL, "km": 1000.0, "mi": M_PER_MILE, "kPa": MMHG_PER_KPA,
    "min": 1 / 60, "s": 1 / 3600, "ms": 1 / 3_600_000,
}  # fmt: skip
"""To the kind's own unit; what is not here is that already."""
_ASKED: Mapping[str, tuple[Kind, ...]] = {
    "kg": (Kind.WEIGHT,), "lb": (Kind.WEIGHT,), "°C": (Kind.TEMPERATURE,), "°F": (Kind.TEMPERATURE,),
    "mg/dL": _GLUCOSES, "mmol/L": _GLUCOSES, "m": (Kind.DISTANCE,), "km": (Kind.DISTANCE,),
    "mi": (Kind.DISTANCE,), "h": (Kind.SLEEP_DURATION,), "min": (Kind.SLEEP_DURATION,),
    "s": (Kind.SLEEP_DURATION,), "ms": (Kind.SLEEP_DURATION,), "kcal": (Kind.ENERGY,), "kJ": (Kind.ENERGY,),
    "mmHg": _PRESSURES, "kPa": _PRESSURES,
}  # fmt: skip
"""What `--unit` may say, and of which kinds."""
_PLAIN = {"c": "°C", "f": "°F"}
_COUNTS = re.compile(r"bpm|(?:beats|breaths|counts?)?\s*(?:/|per)?\s*min\w*|rpm|1/min|steps?|schritte|%")
_NUMBER = re.compile(r"([-+]?(?:\d[\d.,' ]*)?\d(?:[eE][-+]?\d+)?|[-+]?\.\d+)\s*(\D.*)?")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,' ]\d{3})+")
_MISSING = MISSING | {"inf", "-inf"}
_SHORT = 9
_MOST = 1e9
"""Nothing of a body is more, in whichever unit; sleep in ms is the most."""
_FAHRENHEIT = (86.0, 111.5)
"""30 to 44 °C in °F: no number there can be a body's temperature in °C."""
_TWICE = (1.9, 2.6)
"""How far off a weight is that was written in pounds among kilograms, or the other way about."""


def units_asked(units: Sequence[str]) -> dict[Kind, str]:
    """Return the units that somebody said, by kind. Raises `UsageError` for one that no kind has."""
    found: dict[Kind, str] = {}
    for said in units:
        low = _PLAIN.get(said.strip().lower().lstrip("°"), said.strip())
        unit = next((one for one in _ASKED if one.lower() == low.lower()), None)
        if unit is None:
            raise UsageError(f"{said!r} is no unit known here.", f"Give one of {', '.join(_ASKED)}.")
        found |= dict.fromkeys(_ASKED[unit], unit)
    return found


def unit_of(kind: Kind, text: str) -> str:
    """Return the unit that a name, or what stands behind a number, says; empty where it says none."""
    if kind in _GLUCOSES:
        return unit_in(text)
    low = text.casefold()
    return next((unit for pattern, unit in _NAMES.get(kind, ()) if re.search(pattern, low)), "")


def numbers(cells: Sequence[str], kind: Kind) -> tuple[Floats, list[str], dict[str, list[int]], int]:
    """Return the numbers, NaN for what is none, each cell's own unit, why not by index, and decimals written.

    A comma alone is the decimal sign; between groups of three digits of a count it parts thousands, unless
    another cell shows that it does not.
    """
    values = np.full(len(cells), np.nan)
    units = [""] * len(cells)
    wrong: dict[str, list[int]] = {}
    decimals = 0
    counts = kind is Kind.STEPS and all(
        _THOUSANDS.fullmatch(cell) for cell in cells if "," in cell or "'" in cell or " " in cell.strip()
    )
    for index, cell in enumerate(cells):
        if cell.isascii() and len(cell) <= _SHORT:  # most cells by far: digits, with a point at the most
            whole, point, behind_it = cell.partition(".")
            if whole.isdigit() and (not point or behind_it.isdigit()):
                values[index] = float(cell)
                decimals = max(decimals, len(behind_it))
                continue
        found = _NUMBER.fullmatch(cell)
        if found is None:
            reason = "no value" if cell.lower() in _MISSING else f"{cell[:20]!r} is no number"
            wrong.setdefault(reason, []).append(index)
            continue
        text, behind = _plain(found[1], counts), (found[2] or "").strip()
        unit = unit_of(kind, behind) if behind else ""
        known = not behind or unit or _COUNTS.fullmatch(behind.lower())
        if not known or abs(float(text)) > _MOST:
            wrong.setdefault(f"{cell[:20]!r} is no number", []).append(index)
            continue
        values[index] = float(text)
        units[index] = unit
        decimals = max(decimals, len(text.partition(".")[2]) if "e" not in text.lower() else 0)
    return values, units, wrong, decimals


def _plain(text: str, counts: bool) -> str:
    text = text.replace("'", "").replace(" ", "")
    if "," in text and "." in text:
        last = max(text.rfind(","), text.rfind("."))
        return text[:last].replace(",", "").replace(".", "") + "." + text[last + 1 :]
    for sign in ",.":
        if text.count(sign) > 1 or (sign == "," and counts):
            text = text.replace(sign, "")
    return text.replace(",", ".")


def converted(
    kind: Kind,
    values: Floats,
    units: list[str],
    decimals: int,
    lines: Ints,
    problems: list[str],
    *,
    said: str,
) -> Floats:
    """Return the values in the kind's unit; NaN where they can only be meant in another that is not certain.

    `units`: what each value's column, row or cell says, or `guessed`; empty where nothing does. `said`: what
    somebody asked for, which takes the place of that.
    """
    if not np.isfinite(values).any():
        return values
    told = np.array([said or unit for unit in units])
    if kind is Kind.TEMPERATURE:
        return _celsius(values, told, lines, problems)
    if kind in _GLUCOSES:
        return _glucose(values, told, decimals, lines, problems, sure=bool(said))
    if kind is Kind.SPO2:
        return _percent(values, lines, problems)
    if kind is Kind.BODY_FAT and (told == "a weight").any():
        problems.append(f"body fat, {named(lines[told == 'a weight'].tolist())}: a weight, no %; not used")
        return np.where(told == "a weight", np.nan, values)
    factors = np.array([_FACTORS.get(unit, 1.0) for unit in told.tolist()])
    made = np.where(factors == 1.0, values, np.round(values * factors, 4))
    return _one_scale(made, lines, problems) if kind is Kind.WEIGHT else made


def _celsius(values: Floats, told: NDArray[np.str_], lines: Ints, problems: list[str]) -> Floats:
    """°C and °F of a body cannot be taken for each other: which it is, each value says itself."""
    info = KINDS[Kind.TEMPERATURE]
    with np.errstate(invalid="ignore"):
        fahrenheit = (values >= _FAHRENHEIT[0]) & (values <= _FAHRENHEIT[1])
        celsius = (values >= info.low) & (values <= info.high)
    if fahrenheit.any() and celsius.any():
        few, unit = (fahrenheit, "°F") if fahrenheit.sum() <= celsius.sum() else (celsius, "°C")
        # Against what the column says, a few may as well be a device's code: no fever is made of those.
        against = few & (told != "") & (told != unit)
        for which, what in ((few & ~against, "converted"), (against, "not used")):
            if which.any():
                where = named(lines[which].tolist())
                problems.append(f"temperature, units mixed in one file: {where} can only be {unit}; {what}")
        values = np.where(against, np.nan, values)
    else:
        other = (fahrenheit & (told == "°C")) | (celsius & (told == "°F"))
        if other.any():
            seen = "°F" if fahrenheit.any() else "°C"
            problems.append(f"temperature: the column says another unit, but its values are {seen}")
    # What is a body's in neither, as of a thermometer left on a table, is in the unit that the others are.
    rest = (told == "°F") if (told != "").any() else np.full(len(values), fahrenheit.sum() > celsius.sum())
    use = fahrenheit | (rest & ~celsius)
    return np.where(use, np.round((values - 32) / 1.8, 3), values)


def _glucose(
    values: Floats, told: NDArray[np.str_], decimals: int, lines: Ints, problems: list[str], *, sure: bool
) -> Floats:
    made = np.full(len(values), np.nan)
    for unit in dict.fromkeys(told.tolist()):
        part = told == unit
        made[part], _ = to_mg_per_dl(values[part], decimals, lines[part], unit, problems, sure=sure)
    return made


def _percent(values: Floats, lines: Ints, problems: list[str]) -> Floats:
    """A column of 0.97 and the like can only be shares; among 97s it is none, and 1 is no 100 %."""
    there = values[np.isfinite(values) & (values > 0)]
    whole = bool(len(there)) and float(there.max()) <= 1 and float(there.min()) < 1
    with np.errstate(invalid="ignore"):
        share = (values > 0) & whole
    if share.any():
        where = named(lines[share].tolist())
        problems.append(f"oxygen saturation: {where} can only be shares of 1; converted to %")
    return np.where(share, np.round(values * 100, 4), values)


def guessed(kind: Kind, values: Floats, problems: list[str]) -> str:
    """Return the unit that nobody named, told from the middle of a whole column."""
    there = values[np.isfinite(values) & (values > 0)]
    if not len(there):
        return ""
    middle = float(np.median(there))
    unit = {
        Kind.WEIGHT: "kg",
        Kind.DISTANCE: "km" if middle < 100 else "m",
        Kind.SLEEP_DURATION: "h" if middle <= 24 else "min" if middle <= 1440 else "s",
    }.get(kind, "")
    if kind is Kind.SLEEP_DURATION and middle > 86_400:
        unit = "ms"
    if unit:
        title = KINDS[kind].title
        problems.append(f"{title}: the unit is not named; taken as {unit} (median {middle:g}), else --unit")
    return unit


def _one_scale(values: Floats, lines: Ints, problems: list[str]) -> Floats:
    """A weight that is twice or half the others is in the other unit, or another person's."""
    there = values[np.isfinite(values)]
    if len(there) < 3:
        return values
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = values / float(np.median(there))
        far = ((apart > _TWICE[0]) & (apart < _TWICE[1])) | (
            (1 / apart > _TWICE[0]) & (1 / apart < _TWICE[1])
        )
    if far.any():
        problems.append(
            f"weight, units mixed in one file? {named(lines[far].tolist())}: about twice or half of the"
            " others, as pounds among kilograms are; not used"
        )
    return np.where(far, np.nan, values)
