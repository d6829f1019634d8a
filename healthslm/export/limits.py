"""The thresholds that rules went by, on the clinician's page: drawn, and told where personal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from healthslm.export import words
from healthslm.export.chart import Scale
from healthslm.readings import Kind, Review, Threshold
from healthslm.rules.oxygen import NO_TARGET_LOW

Json = dict[str, Any]

_DRAWN = {
    Kind.HEART_RATE: (("high_heart_rate", "high_from"), ("low_heart_rate", "low_at")),
    Kind.SPO2: (("low_spo2", "watch_below"), ("low_spo2", "target_low")),
    Kind.TEMPERATURE: (("fever", "fever"), ("low_temperature", "low_at")),
    Kind.SYSTOLIC: (("high_pressure", "systolic_watch"),),
    Kind.DIASTOLIC: (("high_pressure", "diastolic_watch"),),
    Kind.RESPIRATORY_RATE: (("high_respiration", "watch_from"), ("low_respiration", "urgent_at")),
}
"""Of each chart the first level of a rule; the further ones are in the findings."""


def lines(kinds: tuple[Kind, ...], review: Review, axis: Scale) -> list[Json]:
    """Return where the thresholds of a chart stand, those that its axis reaches: `y` and the number."""
    found = {
        f"{one.value:g}": axis.y(one.value)
        for kind in kinds
        for one in thresholds_of(kind, review.thresholds)
    }
    return [{"y": y, "label": label} for label, y in found.items() if 0 <= y <= 1]


def thresholds_of(kind: Kind, thresholds: Mapping[str, Sequence[Threshold]]) -> Iterator[Threshold]:
    """Yield the thresholds, of those of all rules by name, that stand in the chart of a kind."""
    named = {(rule, one.name): one for rule, ones in thresholds.items() for one in ones}
    target = named.get(("low_spo2", "target_low"))
    has_target = target is not None and target.value > NO_TARGET_LOW
    for key in _DRAWN.get(kind, ()):
        one = named.get(key)
        # With a target set the usual levels do not count, and without one there is none.
        if one is not None and (kind is not Kind.SPO2 or (one is target) is has_target):
            yield one


def usual(kinds: tuple[Kind, ...], review: Review, axis: Scale | None) -> Json:
    """Return what was usual before the period, in words and, of a single kind, in the chart."""
    found = {feature.name: feature for feature in review.features}
    pairs = [
        (low, high)
        for kind in kinds
        if (low := found.get(f"{kind}_usual_low")) and (high := found.get(f"{kind}_usual_high"))
    ]
    told = " / ".join(f"{low.text}\u2013{high.text}" for low, high in pairs)
    drawn = [one for pair in pairs for one in pair] if len(kinds) == 1 and axis is not None else []
    marks = [axis.y(one.value) for one in drawn if axis is not None and one.value is not None]
    return {"text": f"usual {told}" if told else "", "lines": [y for y in marks if 0 <= y <= 1]}


def personal(review: Review) -> list[str]:
    """Return a sentence for each threshold that was set for this person: which, by whom, when and why."""
    tz = words.zone(review)
    return [
        f"{words.clean(rule, 50)}: {words.clean(words.signed(one, tz), 300)}"
        for rule, ones in sorted(review.thresholds.items())
        for one in ones
        if one.personal
    ]
