"""What a rule saw, as parts of a DetectedIssue and of the Observations it stands on.

Sources: FHIR R4 DetectedIssue, http://hl7.org/fhir/R4/detectedissue.html, and the shape that the R4 operation
`$stats` answers with: the vital sign as code, one component a statistic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from healthslm.analysis import names
from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.readings import KINDS, Feature, Finding, Kind, Severity
from healthslm.text import clean

SEVERITY = {
    Severity.EMERGENCY: "high",
    Severity.URGENT: "high",
    Severity.WATCH: "moderate",
    Severity.INFO: "low",
}
"""R4 has three levels: `told` says which of ours it is."""
NOT_A_DEVICE = "Not a medical device. A finding is a prompt to act, not a diagnosis."


def rule_code(finding: Finding) -> Json:
    """Return the code of a DetectedIssue: the rule, and the title in words."""
    rule = {"system": coding.RULES, "code": clean(finding.rule, 100).replace(" ", "_") or "unnamed"}
    return coding.concept(rule, text=clean(finding.title) or clean(finding.rule, 100))


def told(finding: Finding, severity: Severity) -> list[str]:
    """Return what R4 has no field for, a sentence each: the level, rule, source, and what it cannot see."""
    return [
        f"Severity: {severity.word}.",
        f"Rule {clean(finding.rule, 80)}, version {clean(finding.version, 40)}.",
        f"Source: {clean(finding.source) or 'none given'}.",
        *([f"The rule could not see: {clean('; '.join(finding.missing))}."] if finding.missing else []),
    ]


def advice(finding: Finding) -> list[Json]:
    """Return the next step as a mitigation, where there is one."""
    action = clean(finding.action)
    return [{"action": coding.concept(text=f"Advice to the wearer: {action}")}] if action else []


def feature_code(feature: Feature) -> Json:
    """Return the Coding of our own name of a feature."""
    return {"system": coding.FEATURES, "code": clean(feature.name, 100).replace(" ", "_") or "unnamed"}


def feature_text(feature: Feature) -> str:
    """Return a feature in words: `highest temperature: 38.3 °C`."""
    return f"{names.title(feature)}: {names.value(feature)}"


def is_reading(feature: Feature) -> bool:
    """Say whether a feature's value is that of one reading: the latest, the lowest or the highest."""
    return names.statistic(feature) in ("latest", "min", "max")


def summary_code(kind: Kind) -> Json:
    """Return the code of an Observation that holds statistics of a kind."""
    return {**coding.kind_code(kind), "text": f"{KINDS[kind].title}, statistics of the period"}


def components(features: Sequence[Feature]) -> list[Json]:
    """Return features of one kind and period as components, and how much they stand on."""
    return [*(_component(f) for f in features), *_amounts(features)]


def _component(feature: Feature) -> Json:
    """One statistic as a component: HL7's code for it where there is one, and our own name for it."""
    standard = coding.statistic_code(names.statistic(feature))
    code = coding.concept(*([standard] if standard else []), feature_code(feature), text=names.title(feature))
    if feature.value is None or not math.isfinite(feature.value):
        why = clean(feature.reason) or "no reason was given"
        return {"code": code, "dataAbsentReason": coding.absent("unknown", why)}
    amount = coding.quantity(Decimal(feature.text), feature.unit or "1", names.unit(feature) or "1")
    return {"code": code, "valueQuantity": amount}


def _amounts(features: Sequence[Feature]) -> list[Json]:
    """How much the statistics stand on: the count of readings, and the share of the period they speak for."""
    told = next((f for f in features if f.count or f.coverage is not None), None)
    if told is None:
        return []
    count_code = coding.statistic_code("count")
    own = {"system": coding.FEATURES, "code": "coverage"}
    parts: list[Json] = []
    if count_code and not any(names.statistic(f) == "count" for f in features):
        code = coding.concept(count_code, text="number of readings")
        # An integer, not a Quantity: "1" is not among the units that the vital signs profiles allow.
        parts.append({"code": code, "valueInteger": told.count})
    if told.coverage is not None:
        share = coding.quantity(Decimal(f"{told.coverage * 100:.1f}"), "%", "%")
        text = "share of the period that readings speak for"
        parts.append({"code": coding.concept(own, text=text), "valueQuantity": share})
    return parts
