"""Everything at once: the figures of a trace, each with unit and reason; and whether it is long enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis.features import absent
from healthslm.analysis.figure import Figure
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
    """Say why a trace is too little for the consensus' figures; empty when it is enough.

    It goes by the digits that are printed: a sensor whose clock runs fast has its fortnight all the same.
    """
    if why := no_sensor(trace):
        return why
    days, active, least = round(trace.days, 1), round(100 * trace.active), round(100 * ACTIVE)
    short = []
    if days < DAYS:
        short.append((f"{days:.1f} days of readings", f"{DAYS} days"))
    if active < least:
        short.append((f"readings for {active}% of the time", f"{least}%"))
    if not short:
        return ""
    has, asked = (" and ".join(parts) for parts in zip(*short, strict=True))
    return f"{has}; the consensus asks for {asked}"


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
    if name.startswith("episodes_"):
        why = "there was none"
    elif len(trace) < 2:
        why = _WHY["sd"]
    else:
        why = _WHY.get(name, "too few readings that belong together")
    return Figure.of(name, value, unit, decimals, why=why)


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
        return (absent("cgm_tir", window.kind, window.start, window.end, why, unit="%"),)
    little = insufficient(trace)
    always = ("days",) if no_sensor(trace) else ("days", "active_percent")
    made = [
        one.feature(window, good, prefix="cgm_", why="" if one.name in always else little)
        for one in figures(trace)
    ]
    if trace.grid is None:
        why = "only one reading" if trace.interval is None else _NO_GRID
        made.append(absent("cgm_mage", window.kind, window.start, window.end, why, unit="mg/dL"))
    return tuple(made)


def reach(trace: Trace) -> timedelta:
    """Return how long the last reading stands: the sensor's usual interval."""
    return timedelta(minutes=trace.interval or 1)
