"""The record of an alert, its payload, and what the alerts need of the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from pydantic import TypeAdapter

from healthslm.readings import Feature, Finding, Severity

SCHEMA = "healthslm.alert/1"
"""Version of the payload; see docs/alerts.md. A field may be added within a version, none changes meaning."""


class AlertState(StrEnum):
    """Where an alert is on its way."""

    RAISED = "raised"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A finding that somebody is to know about.

    `id` is random and says nothing about the finding, since it goes to every hook. `rule` is the dedupe key:
    one rule has one alert that is not resolved. `last_seen` is when the rule last held. `severity` is the
    level now; since `easing_since` the readings have said no more than `easing_to`.
    """

    id: str
    rule: str
    state: AlertState
    severity: Severity
    finding: Finding
    raised_at: datetime
    last_seen: datetime
    acknowledged_at: datetime | None = None
    delivered_to: tuple[str, ...] = ()
    easing_since: datetime | None = None
    easing_to: Severity = Severity.INFO

    def to_json(self) -> str:
        """Return the alert as the store keeps it."""
        return _ALERT.dump_json(self).decode()

    @classmethod
    def from_json(cls, document: str) -> Alert:
        """Read an alert that `to_json` wrote."""
        return _ALERT.validate_json(document)


_ALERT = TypeAdapter(Alert)


class Tell(StrEnum):
    """How much a hook is told: chosen hook by hook, and as little as possible unless somebody chose more."""

    SEVERITY = "severity"
    TITLE = "title"
    FULL = "full"


_ALWAYS = frozenset({"schema", "id", "severity", "raised_at", "message"})
TOLD: dict[Tell, frozenset[str]] = {
    Tell.SEVERITY: _ALWAYS,
    Tell.TITLE: _ALWAYS | {"title", "action"},
    Tell.FULL: _ALWAYS | {"title", "action", "finding"},
}
"""The fields of a payload, by how much a hook is told."""


def payload(alert: Alert, tell: Tell) -> str:
    """Return what a hook is given, as JSON (schema `healthslm.alert/1`).

    `severity`: only the level and that there is something to look at. `title`: the finding's title and its
    next step too. `full`: also the numbers it stands on, with the ids of their readings.
    """
    finding = alert.finding
    body: dict[str, object] = {
        "schema": SCHEMA,
        "id": alert.id,
        "severity": alert.severity.word,
        "raised_at": alert.raised_at.astimezone(UTC).isoformat(),
        "message": "There is something to look at: open healthslm.",
    }
    if tell is not Tell.SEVERITY:
        body |= {
            "title": finding.title,
            "action": finding.action,
            "message": f"{finding.title}. {finding.action}",
        }
    if tell is Tell.FULL:
        body["finding"] = {
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
    return json.dumps(body, ensure_ascii=False)


def stored(feature: Feature) -> list[int]:
    """Return the ids of a feature's readings; one that a full disk kept out of the store has none."""
    return [id for id in feature.readings if id >= 0]


class OutboxRow(Protocol):
    """A payload on its way: what `AlertStore.outbox` returns."""

    @property
    def id(self) -> int:
        """The row's number; ever growing, so rows of a hook go out in order."""
        ...

    @property
    def alert_id(self) -> str:
        """The alert it tells of."""
        ...

    @property
    def hook(self) -> str:
        """The name of the hook it is for."""
        ...

    @property
    def payload(self) -> str:
        """The JSON to hand over."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was tried in vain."""
        ...


class AlertStore(Protocol):
    """What the alerts need of the store. Every method is durable only after `commit()`."""

    def put_alert(self, id: str, state: str, raised_at: datetime, document: str) -> None:
        """Insert or replace an alert."""
        ...

    def alert(self, id: str) -> str | None:
        """Return the document of an alert as it stands now."""
        ...

    def alerts(self, since: datetime | None = None) -> list[tuple[str, str, datetime, str]]:
        """Return id, state, time and document of the alerts, newest first."""
        ...

    def outbox_add(self, alert_id: str, hook: str, payload: str, due: datetime) -> int:
        """Queue a payload for a hook."""
        ...

    def outbox(self, hook: str) -> Sequence[OutboxRow]:
        """Return the payloads that wait for a hook, oldest first."""
        ...

    def outbox_done(self, id: int) -> None:
        """Take a delivered payload out."""
        ...

    def outbox_retry(self, id: int, due: datetime, error: str) -> None:
        """Note a failed attempt and when to try again."""
        ...

    def commit(self) -> None:
        """Make everything so far durable."""
        ...
