"""Everything at once: the figures of a trace, each with unit and reason; and whether it is long enough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis.features import absent, of_window
from healthslm.analysis.glucose.episodes import counts
from healthslm.analysis.glucose.indices import gri, ranges, risk, spread
from healthslm.analysis.glucose.mage import mage
from healthslm.analysis.glucose.trace import INTER_GAP, Trace, trace_of
from healthslm.analysis.glucose.variability import changes, deviations
from healthslm.analysis.quality import worn
from healthslm.readings import Feature, Window

DAYS, ACTIVE = 14, 0.7
"""What the consensus asks for before its figures stand for a person (Battelino 2019, table 1)."""
SENSOR_EVERY = 15
"""Minutes: the slowest sensors record so often. What is further apart on the median is somebody's fingers."""
_PLAIN = ("mean", "median", "min", "max", "sd", "cv", "days")
"""Figures that single readings have too; all others are of a line."""
_UTC = ZoneInfo("UTC")
_MG, _SHARE, _NUMBER = ("mg/dL", 1), ("%", 1), ("", 1)
_OTHER: Mapping[str, tuple[str, int]] = {
    "cv": _SHARE,
    "gmi": ("%", 1),
    "ea1c": ("%", 1),
    "gri": _NUMBER,
    "j_index": _NUMBER,
    "m_value": _NUMBER,
    "lbgi": _NUMBER,
    "hbgi": _NUMBER,
    "adrr": _NUMBER,
    "mag": ("mg/dL/h", 1),
    "gvp": _SHARE,
    "active_percent": _SHARE,
    "days": ("d", 1),
}
_NO_GRID = f"readings are more than {INTER_GAP} minutes apart"
_WHY = {
    "sd": "one reading has no spread",
    "mage": "no stretch of 160 minutes in which glucose goes up or down by a standard deviation",
    "modd": "no time of day has readings on two days in a row",
    "sd_daily_means": "there is one day",
    "sd_between": "no time of day has readings on two days",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a trace. Without a `value` there is a `reason`."""

    name: str
    value: float | None
    unit: str
    decimals: int
    reason: str = ""


def unit_of(name: str) -> tuple[str, int]:
    """Return a figure's unit and how many decimals a person reads."""
    if name.startswith("episodes_"):
        return (
            ("/d", 2) if name.endswith("per_day") else (("min", 0) if name.endswith("minutes") else ("", 0))
        )
    if name.startswith(("below_", "above_", "in_range_", "tbr", "tir", "tar")):
        return _SHARE
    return _OTHER.get(name, _MG)


def no_sensor(trace: Trace) -> str:
    """Say why readings cannot be of a continuous sensor; empty where they can."""
    if trace.interval is None or trace.interval <= SENSOR_EVERY:
        return ""
    return f"readings are {trace.interval} minutes apart: no continuous sensor (one every {SENSOR_EVERY})"


def insufficient(trace: Trace) -> str:
    """Say why a trace is too little for the consensus' figures; empty when it is enough."""
    if why := no_sensor(trace):
        return why
    short = []
    if trace.days < DAYS:
        short.append(f"{trace.days:.1f} days of readings")
    if trace.active < ACTIVE:
        short.append(f"readings for {trace.active:.0%} of the time")
    if not short:
        return ""
    return f"{' and '.join(short)}; the consensus asks for {DAYS} days and {ACTIVE:.0%}"


def figures(trace: Trace) -> tuple[Figure, ...]:
    """Return every figure of a trace, computed whether or not it is long enough for the consensus.

    Names are iglu's in lower case, beside the consensus'; what cannot be had has a reason.
    """
    if not len(trace):
        return ()
    dates = trace.clock.astype("M8[D]").astype(np.int64)
    found = {**spread(trace.values), **ranges(trace.values), **risk(trace.values, dates)}
    found["gri"] = gri(found)
    found["days"] = trace.days
    found["active_percent"] = trace.active * 100
    grid = trace.grid
    if grid is not None:
        found |= deviations(grid) | changes(grid) | counts(grid)
        found["mage"] = mage(trace)
    return tuple(_figure(name, value, trace) for name, value in found.items())


def sensor_figures(trace: Trace) -> tuple[Figure, ...]:
    """Return the same without what needs a sensor, where readings are further apart than one's.

    Shares of such readings are no shares of time, and their mean is none of all hours.
    """
    why = no_sensor(trace)
    return tuple(
        replace(one, value=None, reason=why) if why and one.name not in _PLAIN else one
        for one in figures(trace)
    )


def _figure(name: str, value: float, trace: Trace) -> Figure:
    unit, decimals = unit_of(name)
    if math.isfinite(value):
        return Figure(name=name, value=value, unit=unit, decimals=decimals)
    if name.startswith("episodes_"):
        reason = "there was none"
    elif len(trace) < 2:
        reason = _WHY["sd"]
    else:
        reason = _WHY.get(name, "too few readings that belong together")
    return Figure(name=name, value=None, unit=unit, decimals=decimals, reason=reason)


def glucose_features(window: Window, zone: ZoneInfo = _UTC) -> tuple[Feature, ...]:
    """Return the consensus' figures of a window of sensor glucose, as `cgm_<name>`.

    Where the window holds less than 14 days of 70 % they have no value, and the reason says what there is;
    `figures()` gives the numbers all the same, for whoever shows them as such. How much there is has a value
    always.
    """
    good = worn(window)
    trace = trace_of(window, zone)
    if not len(trace):
        why = "no usable sensor glucose in this period"
        return (absent("cgm_mean", window.kind, window.start, window.end, why, unit="mg/dL"),)
    little = insufficient(trace)
    made = []
    for one in figures(trace):
        name = f"cgm_{one.name}"
        always = one.name == "days" or (one.name == "active_percent" and not no_sensor(trace))
        why = one.reason or ("" if always else little)
        if one.value is None or why:
            made.append(absent(name, window.kind, window.start, window.end, why, unit=one.unit))
        else:
            made.append(of_window(name, one.value, good, unit=one.unit, decimals=one.decimals))
    if trace.grid is None:
        why = "only one reading" if trace.interval is None else _NO_GRID
        made.append(absent("cgm_mage", window.kind, window.start, window.end, why, unit="mg/dL"))
    return tuple(made)


def reach(trace: Trace) -> timedelta:
    """Return how long the last reading stands: the sensor's usual interval."""
    return timedelta(minutes=trace.interval or 1)
