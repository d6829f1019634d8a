"""What guidelines ask of a period, as lines of the clinician's page: home pressure, sensor glucose."""

from __future__ import annotations

from collections.abc import Mapping

from healthslm.export import words
from healthslm.readings import Feature, Review
from healthslm.rules.pressure_categories import category, guideline_named

_PRESSURE = "blood pressure at home, average"
_GLUCOSE = "glucose of a sensor, consensus"


def lines(review: Review) -> list[str]:
    """Return a line for each group that the period has readings for: its figures, or why there are none."""
    features = {feature.name: feature for feature in review.features}
    return [line for line in (_pressure(features, review), _glucose(features)) if line]


def _unknown(group: str, headline: Feature) -> str:
    return f"{group}: not known ({words.clean(headline.reason, 140)})"


def _pressure(features: Mapping[str, Feature], review: Review) -> str:
    upper, lower = features.get("home_systolic"), features.get("home_diastolic")
    if upper is None:
        return ""
    if upper.value is None or lower is None or lower.value is None:
        return _unknown(_PRESSURE, upper)
    guideline = guideline_named(str(review.notes["pressure guideline"]))
    found = category(upper.value, lower.value, guideline)
    told = f"{upper.value:.0f}/{lower.value:.0f} mmHg, n={upper.count} after the first day"
    beside = features.get("morning_evening_difference")
    if beside is not None and beside.value is not None:
        told += f", {words.title(beside)} {beside.value:+.0f}"
    return f"{_PRESSURE}: {told}; {found.name} by {guideline.title}'s table for the home"


def _glucose(features: Mapping[str, Feature]) -> str:
    headline = features.get("cgm_tir")
    if headline is None:
        return ""
    if headline.value is None:
        return _unknown(_GLUCOSE, headline)
    told = [
        f"{title} {words.value(features[name])}"
        for name, title in words.CONSENSUS.items()
        if name in features and features[name].value is not None
    ]
    return f"{_GLUCOSE}: {', '.join(told)}"
