"""Lines of the clinician's page: home pressure and sensor glucose by guidelines, and the numbers of a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from healthslm.analysis.burden import OF_PERIOD
from healthslm.analysis.daily_vitals import SHOWN
from healthslm.export import words
from healthslm.readings import Feature, Review
from healthslm.rules.pressure_categories import category, guideline_named

_PRESSURE = "blood pressure at home, average"
_GLUCOSE = "glucose of a sensor, consensus"
_OF_THE_DAY = frozenset(daily.name for daily in SHOWN)


def lines(review: Review, *, profile: bool) -> list[str]:
    """Return a line for each group that the period has readings for: its figures, or why there are none.

    Not for glucose where its `profile` is on the page, which has them.
    """
    features = {feature.name: feature for feature in review.features}
    return [line for line in (_pressure(features, review), "" if profile else _glucose(features)) if line]


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


def of_the_day(review: Review, tz: ZoneInfo) -> list[str]:
    """Return a line for the numbers of a day, and one for each hour at which those of its night end.

    What is not known stands at the end of its line, each reason once with all that it is of. Of a longer
    period there is none: its rhythm by day is a chart (rhythm_page.py).
    """
    groups: dict[str, list[Feature]] = {}
    if any(feature.name == OF_PERIOD for feature in review.features):
        return []
    for feature in review.features:
        if feature.name in _OF_THE_DAY:
            groups.setdefault(_ended(feature.end, tz), []).append(feature)
    return [f"{when}: {'; '.join(_known_first(group))}" for when, group in groups.items()]


def _ended(end: datetime, tz: ZoneInfo) -> str:
    local = end.astimezone(tz)
    if (local.hour, local.minute) == (0, 0):
        day = local - timedelta(days=1)
        return f"of {day.day} {day:%b}"
    return f"of the night that ended {words.clock(end, tz, None)}"


def _known_first(group: list[Feature]) -> list[str]:
    told = [f"{words.title(f)} {words.value(f)}" for f in group if f.value is not None]
    unknown: dict[str, list[str]] = {}
    for feature in group:
        if feature.value is None:
            unknown.setdefault(words.value(feature), []).append(words.title(feature))
    return told + [f"{', '.join(titles)}: {why}" for why, titles in unknown.items()]
