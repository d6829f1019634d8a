"""The record of an alert: a finding that somebody is to know about, and how far that has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from healthslm.readings import Finding, Severity

CLOCK_SLACK = timedelta(hours=1)
"""How far in the future something may seem to have happened: more is a clock that was wrong."""


class AlertState(StrEnum):
    """Where an alert is on its way.

    `PENDING` has to hold for its confirmation time first; `DELIVERED` says that a hook took it.
    """

    PENDING = "pending"
    RAISED = "raised"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Held(StrEnum):
    """Why an alert that is raised is not told now."""

    NOT = ""
    QUIET = "quiet hours"
    SNOOZED = "snoozed"
    CAPPED = "too many alerts this hour"
    GROUPED = "with the next of its group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """That a hook was told, `times` so far: a payload for it was last put into the outbox as that row."""

    at: datetime
    row: int
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A finding that somebody is to know about.

    `id` is random and says nothing about the finding, since it goes to every hook. `rule` is the dedupe key:
    one rule has one alert that is not resolved, and `join` is how long it need not have held to be over.
    `severity` is the level now; since `easing_since` the readings have said no more than `easing_to`.
    `last_seen` is when the rule last held; since `well_since` usable readings have said that it does not.
    `seen_told` says that the hooks that want to know were told of the acknowledgement.

    `due_since` is when this news could first be told: escalation counts from then. `told` are the hooks that
    were told of it, `delivered_to` those that took it. All three begin anew when it gets worse. `ended` says
    why it is over, where that is not that readings said so.
    """

    id: str
    rule: str
    state: AlertState
    severity: Severity
    finding: Finding
    raised_at: datetime
    last_seen: datetime
    join: timedelta = timedelta(days=1)
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    seen_told: bool = False
    snoozed_at: datetime | None = None
    snoozed_until: datetime | None = None
    well_since: datetime | None = None
    easing_since: datetime | None = None
    easing_to: Severity = Severity.INFO
    due_since: datetime | None = None
    told: Mapping[str, Told] = field(default_factory=dict)
    delivered_to: tuple[str, ...] = ()
    held: Held = Held.NOT
    worse: bool = False
    resolved_at: datetime | None = None
    ended: str = ""

    @property
    def is_open(self) -> bool:
        """Say whether it is neither over nor still waiting to be confirmed."""
        return self.state not in (AlertState.PENDING, AlertState.RESOLVED)

    def is_snoozed(self, now: datetime) -> bool:
        """Say whether somebody asked not to hear of it now. A clock that was wrong then ends it."""
        if self.snoozed_until is None or self.snoozed_at is None:
            return False
        return self.snoozed_at - CLOCK_SLACK <= now < self.snoozed_until

    @classmethod
    def passing(cls, finding: Finding, now: datetime, *, id: str) -> Alert:
        """Return an alert that is told and kept nowhere: no rule raised it, and nothing becomes of it."""
        return cls(
            id=id,
            rule=finding.rule,
            state=AlertState.RAISED,
            severity=finding.severity,
            finding=finding,
            raised_at=now,
            last_seen=now,
        )

    def anew(self, now: datetime) -> Alert:
        """Return the alert as news again: nobody was told of it yet."""
        return replace(
            self,
            state=AlertState.RAISED,
            last_seen=now,
            acknowledged_at=None,
            acknowledged_by="",
            seen_told=False,
            snoozed_at=None,
            snoozed_until=None,
            well_since=None,
            easing_since=None,
            due_since=None,
            told={},
            delivered_to=(),
            held=Held.NOT,
        )

    def to_json(self) -> str:
        """Return the alert as the store keeps it."""
        return _ALERT.dump_json(self).decode()

    @classmethod
    def from_json(cls, document: str) -> Alert:
        """Read an alert that `to_json` wrote, here or in an earlier version. Raises `ValidationError`."""
        return _ALERT.validate_json(document)

    @classmethod
    def if_readable(cls, document: str | None) -> Alert | None:
        """Read an alert that may be none, or damaged: nothing else is to stop for that."""
        try:
            return None if document is None else cls.from_json(document)
        except ValidationError:
            return None


_ALERT = TypeAdapter(Alert)
