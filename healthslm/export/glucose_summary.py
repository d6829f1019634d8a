"""The consensus' figures of sensor glucose as Observations: one panel, and one Observation a figure.

Source: HL7 Continuous Glucose Monitoring guide 1.0.0, http://hl7.org/fhir/uv/cgm. Shares have two decimals,
as it asks. A figure that the consensus does not let stand (less than 14 days of 70 %) has its reason, and
then neither it nor the panel claims the guide's profile, which demands a value. Not covered: molar units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from healthslm.analysis.glucose import glucose_features
from healthslm.export.devices import CGM
from healthslm.export.entries import Entries
from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.readings import Feature, Kind, Window
from healthslm.text import clean

_PANEL = "107931-8"
_RANGES = (
    ("cgm_tbr_level2", "104642-4", "time below 54 mg/dL"),
    ("cgm_tbr_level1", "104641-6", "time from 54 to 69 mg/dL"),
    ("cgm_tir", "97510-2", "time from 70 to 180 mg/dL"),
    ("cgm_tar_level1", "104640-8", "time from 181 to 250 mg/dL"),
    ("cgm_tar_level2", "104639-0", "time above 250 mg/dL"),
)
# Units are spelt as the guide fixes them: "mg/dl" is the unit's name, mg/dL its code.
_FIGURES = (
    ("cgm_mean", "97507-8", "mean glucose", "mean-glucose-mass-per-volume", ("mg/dL", "mg/dl", 1)),
    ("cgm_gmi", "97506-0", "glucose management indicator", "gmi", ("%", "%", 2)),
    ("cgm_cv", "104638-2", "coefficient of variation", "coefficient-of-variation", ("%", "%", 2)),
    ("cgm_days", "104636-6", "days of wear", "days-of-wear", ("d", "days", 1)),
    ("cgm_active_percent", "104637-4", "sensor active", "sensor-active-percentage", ("%", "%", 2)),
)


def add_glucose(entries: Entries, window: Window, tz: ZoneInfo, subject: Json, device: Json) -> Json | None:
    """Add the figures of a window of sensor glucose; return the panel's Reference, if it has readings.

    `device` is `{"device": Reference}`, or empty where several sensors were worn.
    """
    features = {one.name: one for one in glucose_features(window, tz)} if len(window) else {}
    if "cgm_mean" not in features:
        return None
    base = {
        "resourceType": "Observation",
        "status": "final",
        "category": coding.category(Kind.SENSOR_GLUCOSE),
        "subject": subject,
        "effectivePeriod": coding.period(window.start, window.end, tz),
        **device,
    }
    ranges, known = _ranges(features)
    members = [entries.add({**base, **_claim("times-in-ranges", known=known), **ranges})]
    for name, code, text, profile, unit in _FIGURES:
        value = _value(features.get(name), unit)
        has = "valueQuantity" in value
        known = known and has
        members.append(
            entries.add({**base, **_claim(profile, known=has), "code": _code(code, text), **value})
        )
    panel = {"code": _code(_PANEL, "summary of continuous glucose monitoring"), "hasMember": members}
    return entries.add({**base, **({"meta": _meta("cgm-summary")} if known else {}), **panel})


def _ranges(features: Mapping[str, Feature]) -> tuple[Json, bool]:
    values = [_value(features.get(name), ("%", "%", 2)) for name, _, _ in _RANGES]
    parts = [
        {"code": _code(code, text), **value} for (_, code, text), value in zip(_RANGES, values, strict=True)
    ]
    code = _code("106793-3", "times in ranges of glucose")
    return {"code": code, "component": parts}, all("valueQuantity" in value for value in values)


def _value(feature: Feature | None, unit: Sequence[str | int]) -> Json:
    ucum, name, decimals = unit
    if feature is None or feature.value is None:
        why = "not computed" if feature is None else clean(feature.reason) or "no reason was given"
        return {"dataAbsentReason": coding.absent("unknown", why)}
    return {"valueQuantity": coding.quantity(Decimal(f"{feature.value:.{decimals}f}"), str(ucum), str(name))}


def _claim(profile: str, *, known: bool) -> Json:
    return {"meta": _meta(f"cgm-summary-{profile}")} if known else {}


def _meta(profile: str) -> Json:
    return {"profile": [f"{CGM}/{profile}"]}


def _code(code: str, text: str) -> Json:
    """The guide's code, in our words: LOINC's own display is not in the guide."""
    return coding.concept({"system": coding.LOINC, "code": code}, text=text)
