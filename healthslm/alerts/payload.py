"""What a hook is given: as little as the person chose. Schemas are described in docs/alerts.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from healthslm import __version__
from healthslm.alerts.alert import Alert, AlertState
from healthslm.readings import KINDS, Feature, Reading

SCHEMA = "healthslm.alert/1"
"""Version of an alert's payload. A field may be added within a version, none changes meaning."""
HEARTBEAT = "healthslm.heartbeat/1"
"""Version of what says that healthslm is at work."""
VITALS = "healthslm.vitals/1"
"""Version of what tells a hook the latest of the kinds that were chosen for it."""


class Tell(StrEnum):
    """How much a hook is told: chosen hook by hook, and as little as possible unless somebody chose more."""

    SEVERITY = "severity"
    TITLE = "title"
    FULL = "full"


class Form(StrEnum):
    """As what a hook gets an alert: healthslm's own JSON, or a FHIR R4 `DetectedIssue`."""

    HEALTHSLM = "healthslm"
    FHIR = "fhir"


class Occasion(StrEnum):
    """Why a hook is told now."""

    NEW = "new"
    WORSE = "worse"
    AGAIN = "again"
    ESCALATED = "escalated"
    HELD = "held"
    ACKNOWLEDGED = "acknowledged"
    OVER = "over"
    STOPPED = "stopped"
    TEST = "test"


CALLS = frozenset({Occasion.AGAIN, Occasion.ESCALATED})
"""Those that an acknowledgement makes needless, though they wait in the outbox already."""
_ALWAYS = frozenset({"schema", "id", "severity", "state", "occasion", "raised_at", "also", "more", "message"})
TOLD: dict[Tell, frozenset[str]] = {
    Tell.SEVERITY: _ALWAYS,
    Tell.TITLE: _ALWAYS | {"rule", "title", "action"},
    Tell.FULL: _ALWAYS | {"rule", "title", "action", "finding"},
}
"""The fields of a payload, by how much a hook is told."""
ALSO = 20
"""So many of those told with an alert are named one by one; of the others there is the number."""
_NAMED = 5
_SOMETHING = "There is something to look at: open healthslm."
_PLAIN = {
    Occasion.ACKNOWLEDGED: "Somebody has seen it.",
    Occasion.OVER: "It is over.",
    Occasion.TEST: "This is a test: nothing is the matter.",
}


def payload(
    alert: Alert, tell: Tell, occasion: Occasion = Occasion.NEW, also: Sequence[Alert] = (), note: str = ""
) -> str:
    """Return what a hook is given of an alert, as JSON (schema `healthslm.alert/1`).

    `severity`: only the level and that there is something to look at. `title`: the finding's title and its
    next step too. `full`: also the numbers it stands on, with the ids of their readings. `also` are those
    that are told with it, `note` what is to be said besides, which names nothing of a finding.
    """
    body: dict[str, object] = _short(alert, tell) | {
        "schema": SCHEMA,
        "occasion": occasion,
        "also": [_short(other, tell) for other in also[:ALSO]],
        "more": max(0, len(also) - ALSO),
        "message": _message(alert, tell, occasion, also, note),
    }
    if tell is Tell.FULL:
        body["finding"] = _finding(alert)
    return json.dumps(body, ensure_ascii=False)


def _short(alert: Alert, tell: Tell) -> dict[str, object]:
    said: dict[str, object] = {
        "id": alert.id,
        "severity": alert.severity.word,
        "state": alert.state,
        "raised_at": alert.raised_at.astimezone(UTC).isoformat(),
    }
    if tell is not Tell.SEVERITY:
        said |= {"rule": alert.rule, "title": alert.finding.title, "action": alert.finding.action}
    return said


def _message(alert: Alert, tell: Tell, occasion: Occasion, also: Sequence[Alert], note: str) -> str:
    plain = _PLAIN[Occasion.OVER] if alert.state is AlertState.RESOLVED else _PLAIN.get(occasion)
    if tell is Tell.SEVERITY:
        first = plain or _SOMETHING
        others = f"{len(also)} more with it." if also else ""
    else:
        first = f"{alert.finding.title}. {plain or alert.finding.action}"
        others = f"Also: {_titles(also)}." if also else ""
    return " ".join(part for part in (note, first, others) if part)


def _titles(alerts: Sequence[Alert]) -> str:
    named = "; ".join(alert.finding.title for alert in alerts[:_NAMED])
    return named if len(alerts) <= _NAMED else f"{named}; and {len(alerts) - _NAMED} more"


def _finding(alert: Alert) -> dict[str, object]:
    finding = alert.finding
    return {
        "rule": finding.rule,
        "version": finding.version,
        "source": finding.source,
        "since": finding.start.astimezone(UTC).isoformat(),
        "evidence": [
            {"name": f.name, "value": f.text, "unit": f.unit, "reason": f.reason, "readings": stored(f)}
            for f in finding.evidence
        ],
        "missing": finding.missing,
    }


def stored(feature: Feature) -> list[int]:
    """Return the ids of a feature's readings; one that a full disk kept out of the store has none."""
    return [id for id in feature.readings if id >= 0]


def heartbeat(at: datetime, every_s: float) -> str:
    """Return what says that healthslm is at work, and when it will say so again (`healthslm.heartbeat/1`)."""
    return json.dumps(
        {
            "schema": HEARTBEAT,
            "at": at.astimezone(UTC).isoformat(),
            "every_s": every_s,
            "version": __version__,
        }
    )


def vitals(readings: Sequence[Reading]) -> str:
    """Return the latest readings of some kinds (`healthslm.vitals/1`), each in its kind's unit."""
    return json.dumps(
        {"schema": VITALS, "vitals": [_vital(reading) for reading in readings]}, ensure_ascii=False
    )


def _vital(reading: Reading) -> Mapping[str, object]:
    info = KINDS[reading.kind]
    return {
        "kind": reading.kind.value,
        "title": info.title,
        "value": round(reading.value, info.decimals),
        "unit": info.unit,
        "at": reading.time.astimezone(UTC).isoformat(),
    }
