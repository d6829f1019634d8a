"""Oxygen saturation over hours: time below levels, and desaturations an hour (ODI3, ODI4).

Sources:
[1] Berry RB et al. The AASM Manual for the Scoring of Sleep and Associated Events, version 3, 2023:
    desaturation by 3 % or 4 % from the baseline before the event, lasting 10 s and more
[2] Kapur VK et al. J Clin Sleep Med 2017;13:479-504. doi:10.5664/jcsm.6506 (4 h of adequate oximetry)
[3] Chung F et al. Oxygen desaturation index from nocturnal oximetry. Anesth Analg 2012;114:993-1000
    (events an hour of recording; time below 90 %)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.features import absent, of_window
from healthslm.analysis.quality import worn
from healthslm.readings import KINDS, Feature, Floats, Ints, Kind, Window, micros

LEVELS = (94, 92, 90, 88)
"""Time below each of them, in % of the covered time; below 90 is CT90 (T90)."""
DROPS = (3, 4)
BASELINE_S, HELD_S, LASTS_S = 120, 5, 10
"""The baseline is the highest level held for 5 s within the 120 s before; an event lasts 10 s [1]."""
LEAST_HOURS = 4.0
"""Usable recording that a desaturation index is asked of [2]."""
LEAST_MINUTES = 60.0
"""Covered time below which shares of time stand for nothing; chosen here."""
COARSEST_S = 5.0
"""Readings further apart show too little of ten seconds."""
_BACK = 1.0
"""Points below the baseline at which an event is over."""
_KNOWN_S = 30
"""Of the 120 s before, so many have to be known for a baseline."""
_SECOND_US = 1_000_000


def time_below(window: Window) -> tuple[Feature, ...]:
    """Return the share of the covered time below each level, in %: `spo2_below_94` to `spo2_below_88`.

    Without value, and with the reason, where readings cover less than an hour, as spot checks do. What a
    sensor sends when it is off is no time below anything.
    """
    good = worn(window)
    held = _spoken(good)
    covered = float(held.sum())
    if covered < LEAST_MINUTES * 60:
        what = "no usable reading" if not len(good) else f"readings cover {covered / 60:.1f} minutes"
        why = f"{what}, {LEAST_MINUTES:.0f} are needed: spot checks have no share of time"
        return tuple(
            absent(f"spo2_below_{level}", Kind.SPO2, window.start, window.end, why, unit="%")
            for level in LEVELS
        )
    return tuple(
        of_window(
            f"spo2_below_{level}",
            100 * float(held[good.values < level].sum()) / covered,
            good,
            unit="%",
            decimals=1,
        )
        for level in LEVELS
    )


def _spoken(good: Window) -> Floats:
    """How long each reading speaks for, in s, shape `(n,)`."""
    holds = (KINDS[good.kind].holds or timedelta(seconds=1)).total_seconds()
    if not len(good):
        return np.array([], dtype=np.float64)
    at = micros(good) / 1e6
    return np.minimum(np.diff(at, append=at[-1] + 1.0), holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Depth:
    """Points below the baseline at every second, shape `(n,)`; where a level is known, and a baseline too."""

    below: Floats
    known: NDArray[np.bool_]
    usable: NDArray[np.bool_]

    @property
    def hours(self) -> float:
        return float(self.usable.sum()) / 3600


def _depth(good: Window) -> _Depth:
    if not len(good):
        none = np.array([], dtype=np.bool_)
        return _Depth(below=none.astype(np.float64), known=none, usable=none)
    level = _by_second(good)
    known = np.isfinite(level)
    baseline, based = _baseline(level, known)
    usable = known & based
    return _Depth(
        below=np.where(usable, baseline - np.where(known, level, 0.0), 0.0), known=known, usable=usable
    )


def _count(depth: _Depth, drop: float) -> int:
    """How often it fell by `drop` points and more from the baseline before, for ten seconds and more [1].

    An event begins at `drop` below the baseline and is over within a point of it; that far down it was for at
    least ten seconds. A level that lasts becomes the baseline after two minutes. A fall that ends where
    readings end is none: a finger that leaves the sensor looks like that.
    """
    deep = depth.below >= drop
    # Down from `drop` on, up within a point; in between as before.
    over = ~depth.usable | (depth.below <= _BACK)
    decided = np.maximum.accumulate(np.where(deep | over, np.arange(len(deep)), 0))
    down = deep[decided]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], down, [False])).astype(np.int8)))
    begin, after = edges[::2], edges[1::2]
    so_far = np.concatenate(([0], np.cumsum(deep)))
    lasted = so_far[after] - so_far[begin] >= LASTS_S
    return int(np.count_nonzero(lasted & np.append(depth.known, [False])[after]))


def _by_second(good: Window) -> Floats:
    """The level at every second from the first reading on; NaN where no reading speaks for it."""
    at = micros(good)
    second = (at - at[0]) // _SECOND_US
    size = int(second[-1]) + 1
    last = np.full(size, -1, dtype=np.int64)
    last[second] = np.arange(len(second))
    last = np.maximum.accumulate(last)
    age = np.arange(size) - second[last]
    holds = (KINDS[good.kind].holds or timedelta(seconds=1)).total_seconds()
    return np.where(age < holds, good.values[last], np.nan)


def _baseline(level: Floats, known: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """The highest level held for 5 s within the 120 s up to each second, and where enough of it is known."""
    floor = np.where(known, level, -np.inf)
    held = -_running_max(-floor, HELD_S)
    base = _running_max(held, BASELINE_S)
    seen: Ints = np.concatenate((np.zeros(BASELINE_S, dtype=np.int64), np.cumsum(known, dtype=np.int64)))
    enough = seen[BASELINE_S:] - seen[:-BASELINE_S] >= _KNOWN_S
    return np.where(np.isfinite(base), base, 0.0), enough & np.isfinite(base)


def _running_max(values: Floats, width: int) -> Floats:
    """The maximum of the last `width` values at each; van Herk's two passes, whatever the width."""
    size = len(values)
    padded = np.full((size + 2 * width) // width * width, -np.inf)
    padded[width - 1 : width - 1 + size] = values
    blocks = padded.reshape(-1, width)
    ahead = np.maximum.accumulate(blocks, axis=1).ravel()
    behind = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.asarray(np.maximum(behind[:size], ahead[width - 1 : width - 1 + size]), dtype=np.float64)


def desaturation_indices(window: Window) -> tuple[Feature, ...]:
    """Return `odi3` and `odi4`: desaturations an hour of usable recording, awake or asleep [1, 3].

    Without value, and with the reason, for spot checks, readings more than 5 s apart, and less than four
    hours [2]. Sleep is not seen: of a night's window it is the index of the night.
    """
    good = worn(window)
    why = _unfit(good)
    if why:
        return tuple(
            absent(f"odi{drop}", Kind.SPO2, window.start, window.end, why, unit="/h") for drop in DROPS
        )
    depth = _depth(good)
    if depth.hours < LEAST_HOURS:
        why = f"{depth.hours:.1f} h of usable recording, {LEAST_HOURS:.0f} are needed"
        return tuple(
            absent(f"odi{drop}", Kind.SPO2, window.start, window.end, why, unit="/h") for drop in DROPS
        )
    return tuple(
        of_window(f"odi{drop}", _count(depth, drop) / depth.hours, good, unit="/h", decimals=1)
        for drop in DROPS
    )


def _unfit(good: Window) -> str:
    """Why readings do not show desaturations at all; empty where they may."""
    if not len(good):
        return "no usable oxygen saturation reading in this period"
    if len(good) < 2:
        return "a spot check shows no desaturation"
    apart = float(np.median(np.diff(micros(good)))) / 1e6
    if apart > COARSEST_S:
        shown = f"{apart:.0f} s" if apart < 120 else f"{apart / 60:.0f} minutes"
        return f"readings are {shown} apart, at most {COARSEST_S:.0f} s are needed to see ten"
    return ""


def oxygen_features(windows: Mapping[Kind, Window]) -> tuple[Feature, ...]:
    """Return time below levels and desaturation indices of the window of `spo2`; nothing without one."""
    window = windows.get(Kind.SPO2)
    return () if window is None else (*time_below(window), *desaturation_indices(window))
