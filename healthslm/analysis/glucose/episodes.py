"""Episodes of low and high glucose by the rule of 15 minutes.

Battelino T et al. Diabetes Care 2019;42:1593-1603, after Danne T et al. Diabetes Care 2017;40:1631-1640: an
episode begins with 15 minutes beyond the bound, and ends with 15 minutes back; level 1 below 70 or above 180
mg/dL, level 2 below 54 or above 250 mg/dL; extended: more than 120 minutes below 70. As in iglu's
`episode_calculation` on its grid; an episode ends at the latest where the readings do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from healthslm.analysis.glucose.trace import DAY, Grid, runs

MINUTES = 15
EXTENDED = 120
BOUNDS: Mapping[str, tuple[str, int, float]] = {
    "low_level1": ("low", 1, 70.0),
    "low_level2": ("low", 2, 54.0),
    "high_level1": ("high", 1, 180.0),
    "high_level2": ("high", 2, 250.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One episode: `direction` is `low` or `high`; `mean` and `extreme` are in mg/dL.

    `start` and `end` are on the trace's own clock (`Trace.times`); `open_ended`: the readings ended first.
    """

    direction: str
    level: int
    start: np.datetime64
    end: np.datetime64
    minutes: int
    mean: float
    extreme: float
    open_ended: bool


def spans(
    grid: Grid, direction: str, bound: float, *, minutes: float = MINUTES
) -> list[tuple[int, int, bool]]:
    """Return the episodes: first and last index into `grid.flat`, and whether the readings ended first."""
    flat = grid.flat
    there = ~np.isnan(flat)
    with np.errstate(invalid="ignore"):
        beyond = flat < bound if direction == "low" else flat > bound
    code = np.where(there, beyond, 2).astype(np.int8)
    starts, lengths = runs(code)
    need, back = math.ceil(minutes / grid.step), math.ceil(MINUTES / grid.step)
    found: list[tuple[int, int, bool]] = []
    begun: int | None = None
    for start, length, what in zip(starts.tolist(), lengths.tolist(), code[starts].tolist(), strict=True):
        if begun is None:
            begun = start if what == 1 and length >= need else None
        elif what == 2 or (what == 0 and length >= back):
            found.append((begun, start - 1, what == 2))
            begun = None
    if begun is not None:
        found.append((begun, len(flat) - 1, True))
    return found


def episodes(grid: Grid) -> tuple[Episode, ...]:
    """Return all episodes of both levels, in order of time; those of level 2 lie within ones of level 1."""
    found = []
    for direction, level, bound in BOUNDS.values():
        for first, last, ended in spans(grid, direction, bound):
            part = grid.flat[first : last + 1]
            found.append(
                Episode(
                    direction=direction,
                    level=level,
                    start=grid.time(first),
                    end=grid.time(last) + np.timedelta64(grid.step, "m"),
                    minutes=(last - first + 1) * grid.step,
                    mean=float(part.mean()),
                    extreme=float(part.min() if direction == "low" else part.max()),
                    open_ended=ended,
                )
            )
    return tuple(sorted(found, key=lambda one: (one.start, one.direction, one.level)))


def counts(grid: Grid) -> dict[str, float]:
    """Return how many episodes there were, how many a day of readings, and how long they were on average.

    `low_only_level1` are those that never became level 2; `low_extended` those of more than two hours.
    """
    recorded = float((~np.isnan(grid.flat)).sum()) * grid.step / DAY
    kinds = {name: spans(grid, direction, bound) for name, (direction, _, bound) in BOUNDS.items()}
    for direction in ("low", "high"):
        worse = kinds[f"{direction}_level2"]
        kinds[f"{direction}_only_level1"] = [
            one
            for one in kinds[f"{direction}_level1"]
            if not any(a <= one[1] and one[0] <= b for a, b, _ in worse)
        ]
    # iglu asks for so many points: one more than fill two hours.
    kinds["low_extended"] = spans(grid, "low", BOUNDS["low_level1"][2], minutes=EXTENDED + grid.step)
    found = {}
    for name, ones in kinds.items():
        minutes = [(last - first + 1) * grid.step for first, last, _ in ones]
        found[f"episodes_{name}"] = float(len(ones))
        found[f"episodes_{name}_per_day"] = len(ones) / recorded if recorded else float("nan")
        found[f"episodes_{name}_minutes"] = sum(minutes) / len(minutes) if minutes else float("nan")
    return found
