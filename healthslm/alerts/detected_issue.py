"""An alert as a FHIR R4 `DetectedIssue`, for a hook with a record system behind it.

Source: FHIR R4 (4.0.1), http://hl7.org/fhir/R4/detectedissue.html. One resource that needs no other: what the
finding stands on is contained in it. Of the person there is nothing in it, not even a reference (`patient`
is 0..1): the receiver knows whose hook it is. So the Observations claim no vital signs profile, which would
demand a subject. Not covered: a narrative text, and what is told with it as resources of their own, for which
R4 has no place: those are named in `detail`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from healthslm import __version__
from healthslm.alerts.alert import Alert, AlertState
from healthslm.alerts.payload import ALSO, Form, Occasion, Tell, payload
from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.fhir.finding import (
    NOT_A_DEVICE,
    SEVERITY,
    advice,
    components,
    feature_code,
    feature_text,
    is_reading,
    rule_code,
    summary_code,
    told,
)
from healthslm.readings import KINDS, Feature, Kind
from healthslm.text import clean


def given(
    alert: Alert,
    form: Form,
    tell: Tell,
    occasion: Occasion = Occasion.NEW,
    also: Sequence[Alert] = (),
    note: str = "",
) -> str:
    """Return what a hook is given of an alert in the form it asked for; see `payload` for the rest.

    A DetectedIssue tells everything: a hook that is not told everything gets healthslm's own JSON.
    """
    if form is Form.FHIR and tell is Tell.FULL:
        return detected_issue(alert, occasion, also, note)
    return payload(alert, tell, occasion, also, note)


def detected_issue(alert: Alert, occasion: Occasion, also: Sequence[Alert] = (), note: str = "") -> str:
    """Return an alert as one DetectedIssue, as JSON; decimals keep their digits (38.0 stays 38.0).

    `meta.tag` has our own level and the occasion, since R4's `severity` does not tell an emergency from what
    is urgent. Times are UTC.
    """
    observations = _observations(alert.finding.evidence)
    contained = [resource for resource in observations if resource]
    evidence = [_evidence(*pair) for pair in zip(alert.finding.evidence, observations, strict=True)]
    mitigation = [*advice(alert.finding), *_seen(alert)]
    return coding.dumps(
        {
            "resourceType": "DetectedIssue",
            "meta": {"tag": _tags(alert, occasion)},
            **({"contained": contained} if contained else {}),
            "identifier": [{"system": coding.ALERTS, "value": alert.id}],
            "status": "final" if alert.state is AlertState.RESOLVED else "preliminary",
            "code": rule_code(alert.finding),
            "severity": SEVERITY[alert.severity],
            "identifiedPeriod": _period(alert),
            "author": {"type": "Device", "display": f"healthslm {__version__}"},
            **({"evidence": evidence} if evidence else {}),
            "detail": _detail(alert, occasion, also, note),
            **({"mitigation": mitigation} if mitigation else {}),
        }
    )


def _when(time: datetime) -> str:
    return coding.when(time, UTC)


def _tags(alert: Alert, occasion: Occasion) -> list[Json]:
    """The level and the occasion; a test is marked as one, so that no record system takes it for real."""
    tags = [
        {"system": coding.LEVELS, "code": alert.severity.word},
        {"system": coding.OCCASIONS, "code": occasion.value},
    ]
    return [*tags, coding.TEST] if occasion is Occasion.TEST else tags


def _period(alert: Alert) -> Json:
    """From when the episode began to when the rule last held; open while the alert is."""
    start = alert.finding.start
    over = alert.state is AlertState.RESOLVED
    return coding.period(start, max(start, alert.last_seen) if over else None, UTC)


def _observations(features: Sequence[Feature]) -> list[Json]:
    """An Observation for each feature; empty for a device's battery, which is nothing of a person."""
    return [
        {} if feature.kind is Kind.BATTERY else _observation(feature, f"evidence-{number}")
        for number, feature in enumerate(features, start=1)
    ]


def _observation(feature: Feature, name: str) -> Json:
    """The one reading that a feature is, or a statistic of its period: no mean is taken for a measurement."""
    base = {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "category": coding.category(feature.kind),
    }
    value, at = feature.value, feature.at
    if is_reading(feature) and at is not None and value is not None and math.isfinite(value):
        info = KINDS[feature.kind]
        return {
            **base,
            "code": coding.kind_code(feature.kind),
            "effectiveDateTime": _when(at),
            "valueQuantity": coding.quantity(coding.digits(value, info.decimals), info.ucum, info.unit),
        }
    return {
        **base,
        "code": summary_code(feature.kind),
        "effectivePeriod": coding.period(feature.start, feature.end, UTC),
        "component": components([feature]),
    }


def _evidence(feature: Feature, observation: Json) -> Json:
    code = coding.concept(feature_code(feature), text=feature_text(feature))
    detail = {"detail": [{"reference": f"#{observation['id']}"}]} if observation else {}
    return {"code": [code], **detail}


def _detail(alert: Alert, occasion: Occasion, also: Sequence[Alert], note: str) -> str:
    """What R4 has no field for. Who set a threshold for this person, and why, is not told."""
    personal = "; ".join(t.name for t in alert.finding.thresholds if t.personal)
    others = "; ".join(f"{clean(a.finding.title)} ({a.severity.word}, alert {a.id})" for a in also[:ALSO])
    more = len(also) - ALSO
    sentences = [
        clean(note),
        *told(alert.finding, alert.severity),
        f"Thresholds set for this person: {clean(personal)}." if personal else "",
        f"Raised: {_when(alert.raised_at)}.",
        f"Occasion: {occasion.value}.",
        f"Over: {clean(alert.ended) or 'the readings say so'}." if alert.state is AlertState.RESOLVED else "",
        f"Told with it: {others}{f'; and {more} more' if more > 0 else ''}." if others else "",
        NOT_A_DEVICE,
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _seen(alert: Alert) -> list[Json]:
    """That somebody has seen it: when, not who."""
    if alert.acknowledged_at is None:
        return []
    seen = coding.concept(text="Somebody has seen this alert.")
    return [{"action": seen, "date": _when(alert.acknowledged_at)}]
