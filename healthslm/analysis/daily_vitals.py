"""One number a day of what illness moves: the night's heart rate and breathing, temperature by hours, weight.

Temperature has its own course over the day, so hours are compared with the same hours of other days; the
night is 0 to 6 h by the clock, as in resting.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from healthslm.analysis.beats import FIVE_US
from healthslm.analysis.burden import irregular_share, judged_minutes
from healthslm.analysis.days import Daily
from healthslm.analysis.features import absent, of_window
from healthslm.analysis.oxygen import desaturation_indices, time_below
from healthslm.analysis.quality import worn
from healthslm.analysis.resting import (
    HEART_RATE_RECOVERY,
    LEAST_NIGHT,
    NIGHT_RMSSD,
    NOCTURNAL_DIP,
    RESTING_HEART_RATE,
    fives,
)
from healthslm.readings import KINDS, Feature, Kind, Window, micros

LEAST_PARTS = 3
"""Five-minute parts of a night with a reading: one spot check, or a sensor that was in for seconds, is no
night."""

Enough = Callable[[Window], str]
"""Says why readings are too few, or nothing."""


def _any(good: Window) -> str:
    return "" if len(good) else f"no usable {KINDS[good.kind].title} reading"


def _covered(good: Window) -> str:
    """As the dip asks of its night: an hour, of which readings speak for the half of each five minutes."""
    parts = len(fives(good)[0])
    if parts >= LEAST_NIGHT:
        return ""
    hours = f"{parts / 12:.1f} h of the night, {LEAST_NIGHT / 12:.0f} is needed"
    return f"{KINDS[good.kind].title} covers {hours}"


def _spread(good: Window) -> str:
    parts = len(np.unique(micros(good) // FIVE_US))
    if parts >= LEAST_PARTS:
        return ""
    seen = f"{parts} five-minute part{'s' * (parts != 1)} of the night"
    return f"{KINDS[good.kind].title} was read in {seen}, {LEAST_PARTS} are needed"


def _median(name: str, kind: Kind, enough: Enough) -> Callable[[Mapping[Kind, Window]], Feature]:
    """The median of a kind's readings, where they are enough."""

    def compute(windows: Mapping[Kind, Window]) -> Feature:
        good = worn(windows[kind])
        few = enough(good)
        if few:
            return absent(name, kind, good.start, good.end, few, unit=KINDS[kind].ucum)
        return of_window(name, float(np.median(good.values)), good)

    return compute


def _daily(
    name: str,
    title: str,
    kind: Kind,
    *,
    hours: tuple[float, float] = (0, 24),
    enough: Enough = _any,
    version: str = "1",
) -> Daily:
    info = KINDS[kind]
    return Daily(
        name=name,
        title=title,
        unit=info.ucum,
        decimals=info.decimals,
        kinds=(kind,),
        compute=_median(name, kind, enough),
        hours=hours,
        version=version,
    )


NIGHT_HEART_RATE = _daily(
    "night_heart_rate", "heart rate at night", Kind.HEART_RATE, hours=(0, 6), enough=_covered, version="2"
)
NIGHT_RESPIRATION = _daily(
    "night_respiration",
    "respiratory rate at night",
    Kind.RESPIRATORY_RATE,
    hours=(0, 6),
    enough=_spread,
    version="2",
)
NIGHT_SPO2 = _daily(
    "night_spo2", "oxygen saturation at night", Kind.SPO2, hours=(0, 6), enough=_spread, version="2"
)
DAY_SPO2 = _daily("day_spo2", "oxygen saturation by day", Kind.SPO2, hours=(6, 24))
NIGHT_TEMPERATURE = _daily("night_temperature", "temperature at night", Kind.TEMPERATURE, hours=(0, 8))
DAY_TEMPERATURE = _daily("day_temperature", "temperature by day", Kind.TEMPERATURE, hours=(8, 16))
EVENING_TEMPERATURE = _daily(
    "evening_temperature", "temperature in the evening", Kind.TEMPERATURE, hours=(16, 24)
)
DAY_WEIGHT = _daily("day_weight", "weight of the day", Kind.WEIGHT)
IRREGULAR_SHARE_OF_DAY = Daily(
    name="irregular_share_of_day",
    title="share of beats without order",
    unit="%",
    decimals=0,
    kinds=(Kind.RR_INTERVAL,),
    compute=lambda windows: irregular_share(windows[Kind.RR_INTERVAL]),
    version="3",
)
"""What the rule of irregular rhythm judges by, of the whole day; it alone confirms nothing, and only an ECG
shows which rhythm it is."""
JUDGED_MINUTES_OF_DAY = Daily(
    name="judged_minutes_of_day",
    title="minutes of beats that were judged",
    unit="min",
    decimals=0,
    kinds=(Kind.RR_INTERVAL,),
    compute=lambda windows: judged_minutes(windows[Kind.RR_INTERVAL]),
    version="2",
)


def _night_oxygen(
    name: str, title: str, unit: str, figures: Callable[[Window], tuple[Feature, ...]]
) -> Daily:
    """One of the `figures` of oxygen saturation, of the night from 22 to 8 h by the clock."""

    def compute(windows: Mapping[Kind, Window]) -> Feature:
        (found,) = (one for one in figures(windows[Kind.SPO2]) if one.name == name)
        return replace(found, name=f"night_{name}")

    return Daily(
        name=f"night_{name}",
        title=title,
        unit=unit,
        decimals=1,
        kinds=(Kind.SPO2,),
        compute=compute,
        hours=(-2, 8),
    )


NIGHT_ODI3, NIGHT_ODI4 = (
    _night_oxygen(
        f"odi{drop}", f"desaturations by {drop} points at night (ODI{drop})", "/h", desaturation_indices
    )
    for drop in (3, 4)
)
NIGHT_BELOW_90 = _night_oxygen(
    "spo2_below_90", "time at night with oxygen saturation below 90 % (CT90)", "%", time_below
)

SHOWN = (
    RESTING_HEART_RATE,
    NOCTURNAL_DIP,
    HEART_RATE_RECOVERY,
    NIGHT_RMSSD,
    IRREGULAR_SHARE_OF_DAY,
    NIGHT_ODI3,
    NIGHT_ODI4,
    NIGHT_BELOW_90,
)
"""What a day's page tells beside the readings."""
DAILIES = (
    *SHOWN,
    NIGHT_HEART_RATE,
    NIGHT_RESPIRATION,
    NIGHT_SPO2,
    DAY_SPO2,
    NIGHT_TEMPERATURE,
    DAY_TEMPERATURE,
    EVENING_TEMPERATURE,
    DAY_WEIGHT,
    JUDGED_MINUTES_OF_DAY,
)
"""Every daily series there is."""
