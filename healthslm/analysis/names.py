"""Features in words: their names as a person reads them, their units and values."""

from __future__ import annotations

from healthslm.analysis.burden import OF_PERIOD
from healthslm.analysis.daily_vitals import DAILIES
from healthslm.readings import KINDS, Feature
from healthslm.text import clean

STATISTICS = {
    "latest": "latest",
    "mean": "mean",
    "min": "lowest",
    "max": "highest",
    "count": "number of",
    "total": "total",
}
"""The endings of feature names, and how a person reads them."""

CONSENSUS = {
    "cgm_tir": "70 to 180 mg/dL",
    "cgm_tbr_level1": "54 to 69",
    "cgm_tbr_level2": "below 54",
    "cgm_tar_level1": "181 to 250",
    "cgm_tar_level2": "above 250",
    "cgm_mean": "mean",
    "cgm_gmi": "GMI",
    "cgm_cv": "CV",
    "cgm_mage": "MAGE",
    "cgm_gri": "glycemia risk index",
    "cgm_active_percent": "sensor active",
}
"""The consensus' figures of continuous glucose, as they stand beside each other."""
_SPECIAL = {
    "spo2_5min_low": "lowest 5-minute median of oxygen saturation",
    "rmssd_ms": "RMSSD",
    "sdnn_ms": "SDNN",
    "mean_nn_ms": "mean NN interval",
    "irregular_share": "share of beats without order",
    "irregular_minutes": "irregular for",
    "spo2_5min_high": "highest 5-minute median of oxygen saturation",
    "spo2_below_94": "time with oxygen saturation below 94 %",
    "spo2_below_92": "time with oxygen saturation below 92 %",
    "spo2_below_90": "time with oxygen saturation below 90 % (CT90)",
    "spo2_below_88": "time with oxygen saturation below 88 %",
    "odi3": "desaturations by 3 points (ODI3)",
    "odi4": "desaturations by 4 points (ODI4)",
    "systolic_worst_sitting_mean": "systolic average of the worst sitting",
    "diastolic_worst_sitting_mean": "diastolic average of the worst sitting",
    "pressure_sittings": "sittings in this episode",
    "home_systolic": "systolic average at home",
    "home_diastolic": "diastolic average at home",
    "home_pressure_sittings": "sittings that the average at home stands on",
    "morning_evening_difference": "systolic, mornings less evenings",
    "morning_surge": "morning surge of systolic pressure",
    "respiratory_rate_5min_high": "highest 5-minute median of respiratory rate",
    "respiratory_rate_5min_low": "lowest 5-minute median of respiratory rate",
    OF_PERIOD: "share of beats without order in the period",
    "rr_trace": "RR intervals of the latest irregular quarter of an hour",
    "heart_rate_median": "median heart rate",
    **{name: f"sensor glucose, {title}" for name, title in CONSENSUS.items()},
    **{f"{kind}_usual_low": f"usual {info.title}, lower quarter" for kind, info in KINDS.items()},
    **{f"{kind}_usual_high": f"usual {info.title}, upper quarter" for kind, info in KINDS.items()},
    "glucose_in_30min": "sensor glucose forecast for half an hour on",
    "glucose_in_30min_error": "usual error of that forecast",
    "weight_latest": "latest weight",
    "weight_gain_3_days": "weight gained within three days",
    "weight_gain_7_days": "weight gained within seven days",
    **{daily.name: daily.title for daily in DAILIES},
    **{f"{daily.name}_days": f"{daily.title}, last days" for daily in DAILIES},
    **{f"{daily.name}_usual": f"usual {daily.title}" for daily in DAILIES},
    **{f"{daily.name}_change": f"{daily.title}, change that was judged" for daily in DAILIES},
    "night_rmssd_ms_change": "RMSSD at night, change at the same heart rate",
}


def statistic(feature: Feature) -> str:
    """Return the statistic a feature's name ends in (`mean`, `max`, ...), or `""` for a named computation."""
    head, _, tail = feature.name.rpartition("_")
    return tail if head == feature.kind and tail in STATISTICS else ""


def title(feature: Feature) -> str:
    """Return a feature's name as a person reads it: `temperature_max` is `highest temperature`."""
    ending = statistic(feature)
    if ending:
        return f"{STATISTICS[ending]} {KINDS[feature.kind].title}"
    return _SPECIAL.get(feature.name, clean(feature.name.replace("_", " "), 60))


def unit(feature: Feature) -> str:
    """Return a feature's unit as a person reads it: `bpm` for the UCUM `/min`."""
    info = KINDS[feature.kind]
    if feature.unit == "1":
        return ""  # a count
    return info.unit if feature.unit == info.ucum else feature.unit


def value(feature: Feature) -> str:
    """Return a feature's value with its unit, or why there is none."""
    if feature.value is None:
        return f"not known ({clean(feature.reason, 160) or 'no reason was given'})"
    return f"{feature.text} {unit(feature)}".strip()
