"""The ambulatory glucose profile on the clinician's page, in the consensus' layout.

Battelino T et al. Clinical targets for continuous glucose monitoring data interpretation. Diabetes Care
2019;42:1593-1603, figure 3: time in ranges as one bar, the figures beside it, and the profile of all days
laid over each other: median, 25th to 75th and 5th to 95th percentile, with the target range marked.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.glucose import trace_of
from healthslm.analysis.glucose.profile import PERCENTILES, Profile, profile
from healthslm.export import words
from healthslm.readings import KINDS, Feature, Floats, Kind, Review

Json = dict[str, Any]

TARGET = (70.0, 180.0)
"""mg/dL: the range in which most people are to be [Battelino 2019, table 2]."""
_LOW, _HIGH = 40.0, 350.0
"""Ends of the axis; what is higher makes it longer."""
_DAY_MINUTES = 24 * 60
_RANGES = ("cgm_tar_level2", "cgm_tar_level1", "cgm_tir", "cgm_tbr_level1", "cgm_tbr_level2")
_FIGURES = ("cgm_mean", "cgm_gmi", "cgm_cv", "cgm_mage", "cgm_gri", "cgm_active_percent")
_GOALS = {"cgm_tir": "goal > 70 %", "cgm_tbr_level2": "goal < 1 %", "cgm_tar_level2": "goal < 5 %"}
"""For most adults with diabetes; a clinician may have set others [table 2 there]."""


def agp(review: Review, tz: ZoneInfo) -> Json | None:
    """Return the panel; `None` without a sensor's readings in the period. Values in mg/dL."""
    window = words.windows(review).get(Kind.SENSOR_GLUCOSE)
    if window is None or window.step is not None:
        return None
    found = profile(trace_of(window, tz))
    if found is None or not np.isfinite(found.values).any():
        return None
    top = max(_HIGH, float(np.ceil(np.nanmax(found.values) / 50) * 50))
    features = {feature.name: feature for feature in review.features}
    return {
        "bands": [_band(found, outer, top) for outer in (0, 1)],
        "median": [_points(found, 2, run, top) for run in _runs(found)],
        "targets": [{"y": _y(value, top), "label": f"{value:g}"} for value in TARGET],
        "yticks": [{"y": _y(value, top), "label": f"{value:g}"} for value in (*TARGET, 250.0, top, 54.0)],
        "xticks": [{"x": hour / 24, "label": f"{hour:02d}:00"} for hour in range(0, 25, 3)],
        "ranges": [_range(features, name) for name in _RANGES if _known(features, name)],
        "figures": [
            {"name": words.CONSENSUS[name], "value": words.value(features[name])}
            for name in _FIGURES
            if _known(features, name)
        ],
        "missing": _missing(features),
        "told": f"{int(found.days.max())} days laid over each other; line: median; dark: 25th to 75th, "
        f"light: {PERCENTILES[0]}th to {PERCENTILES[-1]}th percentile; {KINDS[Kind.SENSOR_GLUCOSE].unit}",
    }


def _known(features: dict[str, Feature], name: str) -> bool:
    return name in features and features[name].value is not None


def _range(features: dict[str, Feature], name: str) -> Json:
    feature = features[name]
    return {
        "name": words.CONSENSUS[name],
        "share": (feature.value or 0.0) / 100,
        "value": words.value(feature),
        "goal": _GOALS.get(name, ""),
    }


def _missing(features: dict[str, Feature]) -> str:
    headline = features.get("cgm_tir")
    if headline is None or headline.value is not None:
        return ""
    return f"Time in ranges is not known: {words.clean(headline.reason, 160)}."


def _y(value: float, top: float) -> float:
    return round((top - value) / (top - _LOW), 4)


def _runs(found: Profile) -> Iterator[NDArray[np.intp]]:
    """The stretches of the day at which there is a value."""
    there = np.flatnonzero(np.isfinite(found.values[2]))
    edges = [0, *(np.flatnonzero(np.diff(there) > 1) + 1).tolist(), len(there)]
    return (there[a:b] for a, b in pairwise(edges))


def _points(found: Profile, row: int, run: NDArray[np.intp], top: float) -> list[list[float]]:
    values: Floats = np.clip(found.values[row, run], _LOW, top)
    return [
        [round(minute / _DAY_MINUTES, 4), _y(value, top)]
        for minute, value in zip(found.minutes[run].tolist(), values.tolist(), strict=True)
    ]


def _band(found: Profile, outer: int, top: float) -> list[list[list[float]]]:
    """The area between a lower percentile and its counterpart, as polygons."""
    return [
        _points(found, outer, run, top) + _points(found, len(PERCENTILES) - 1 - outer, run, top)[::-1]
        for run in _runs(found)
    ]
