"""Categories of blood pressure by a selectable guideline, in the office and at home.

Pure: an average in, a category out. The boundaries of a guideline's office table do not hold for averages
taken at home; each guideline's own table for the home stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from healthslm.errors import UsageError


class Setting(StrEnum):
    """Where the pressure was measured."""

    OFFICE = "office"
    HOME = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category and where it begins, in mmHg: from either of the two on; infinite where one decides."""

    name: str
    systolic_from: float
    diastolic_from: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """A guideline's tables, each from its lowest category upwards; the first one begins at nothing."""

    name: str
    title: str
    source: str
    tables: Mapping[Setting, tuple[Category, ...]]
    home_source: str


def _table(*rows: tuple[str, float, float]) -> tuple[Category, ...]:
    return tuple(Category(name=n, systolic_from=upper, diastolic_from=lower) for n, upper, lower in rows)


AHA_2017 = Guideline(
    name="aha-2017",
    title="ACC/AHA 2017",
    source=(
        "Whelton PK et al. 2017 ACC/AHA guideline for high blood pressure in adults. Hypertension "
        "2018;71:e13-e115, table 6"
    ),
    home_source="the same, table 11: 130/80 is 130/80 at home, 140/90 is 135/85",
    tables={
        Setting.OFFICE: _table(
            ("normal", -math.inf, -math.inf),
            ("elevated", 120, math.inf),
            ("hypertension, stage 1", 130, 80),
            ("hypertension, stage 2", 140, 90),
        ),
        Setting.HOME: _table(
            ("normal", -math.inf, -math.inf),
            ("elevated", 120, math.inf),
            ("hypertension, stage 1", 130, 80),
            ("hypertension, stage 2", 135, 85),
        ),
    },
)
ESC_2024 = Guideline(
    name="esc-2024",
    title="ESC 2024",
    source=(
        "McEvoy JW et al. 2024 ESC Guidelines for elevated blood pressure and hypertension. Eur Heart J "
        "2024;45:3912-4018, table 5"
    ),
    home_source="the same, table 5: non-elevated below 120/70, hypertension from 135/85 on at home",
    tables={
        Setting.OFFICE: _table(
            ("non-elevated", -math.inf, -math.inf),
            ("elevated", 120, 70),
            ("hypertension", 140, 90),
        ),
        Setting.HOME: _table(
            ("non-elevated", -math.inf, -math.inf),
            ("elevated", 120, 70),
            ("hypertension", 135, 85),
        ),
    },
)
GUIDELINES: Mapping[str, Guideline] = {one.name: one for one in (AHA_2017, ESC_2024)}


def category(
    systolic: float, diastolic: float, guideline: Guideline = ESC_2024, *, setting: Setting = Setting.HOME
) -> Category:
    """Return the highest category that either average, in mmHg, reaches; compared unrounded."""
    reached = [
        one
        for one in guideline.tables[setting]
        if systolic >= one.systolic_from or diastolic >= one.diastolic_from
    ]
    return reached[-1]


def guideline_named(name: str) -> Guideline:
    """Return a guideline. Raises `UsageError` naming those there are."""
    try:
        return GUIDELINES[name.lower()]
    except KeyError:
        raise UsageError(f"There is no guideline {name!r}.", f"There are: {', '.join(GUIDELINES)}.") from None
