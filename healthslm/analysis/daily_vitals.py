"""One number a day of what illness moves: the night's heart rate and breathing, temperature by hours, weight.

Temperature has its own course over the day, so hours are compared with the same hours of other days; the
night is 0 to 6 h by the clock, as in resting.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from healthslm.analysis.burden import burden
from healthslm.analysis.days import Daily
from healthslm.analysis.features import absent, of_window
from healthslm.analysis.oxygen import desaturation_indices, time_below
from healthslm.analysis.quality import worn
from healthslm.analysis.resting import HEART_RATE_RECOVERY, NIGHT_RMSSD, NOCTURNAL_DIP, RESTING_HEART_RATE
from healthslm.readings import KINDS, Feature, Kind, Window


def _median(name: str, kind: Kind, least: int) -> Callable[[Mapping[Kind, Window]], Feature]:
    """The median of a kind's readings; it needs so many of them."""

    def compute(windows: Mapping[Kind, Window]) -> Feature:
        good = worn(windows[kind])
        if len(good) < least:
            few = f"{len(good)} usable {KINDS[kind].title} readings, {least} are needed"
            return absent(name, kind, good.start, good.end, few, unit=KINDS[kind].ucum)
        return of_window(name, float(np.median(good.values)), good)

    return compute


def _daily(
    name: str, title: str, kind: Kind, *, hours: tuple[float, float] = (0, 24), least: int = 1
) -> Daily:
    info = KINDS[kind]
    return Daily(
        name=name,
        title=title,
        unit=info.ucum,
        decimals=info.decimals,
        kinds=(kind,),
        compute=_median(name, kind, least),
        hours=hours,
    )


NIGHT_HEART_RATE = _daily("night_heart_rate", "heart rate at night", Kind.HEART_RATE, hours=(0, 6), least=600)
NIGHT_RESPIRATION = _daily(
    "night_respiration", "respiratory rate at night", Kind.RESPIRATORY_RATE, hours=(0, 6)
)
NIGHT_SPO2 = _daily("night_spo2", "oxygen saturation at night", Kind.SPO2, hours=(0, 6))
DAY_SPO2 = _daily("day_spo2", "oxygen saturation by day", Kind.SPO2, hours=(6, 24))
NIGHT_TEMPERATURE = _daily("night_temperature", "temperature at night", Kind.TEMPERATURE, hours=(0, 8))
DAY_TEMPERATURE = _daily("day_temperature", "temperature by day", Kind.TEMPERATURE, hours=(8, 16))
EVENING_TEMPERATURE = _daily(
    "evening_temperature", "temperature in the evening", Kind.TEMPERATURE, hours=(16, 24)
)
DAY_WEIGHT = _daily("day_weight", "weight of the day", Kind.WEIGHT)
DAY_BURDEN = Daily(
    name="af_burden",
    title="beats without order, as in atrial fibrillation",
    unit="%",
    decimals=0,
    kinds=(Kind.RR_INTERVAL,),
    compute=lambda windows: burden(windows[Kind.RR_INTERVAL]),
)
"""The share of a day's beats that the detector of irregular rhythm calls AF; only an ECG shows what it is."""


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
    DAY_BURDEN,
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
)
"""Every daily series there is."""
