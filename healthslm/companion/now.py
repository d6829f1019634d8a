"""How things are just now: the latest values, what to act on, the wearables, and whether anybody listens."""

from __future__ import annotations

from datetime import datetime, timedelta

from healthslm import as_json
from healthslm.absence.beat import last_beat
from healthslm.alerts import Alert, AlertState, desk
from healthslm.alerts.policy import Policy, policy_of
from healthslm.as_json import Ids
from healthslm.companion.answers import Json
from healthslm.companion.box import Box
from healthslm.readings import KINDS, UNUSABLE, Kind, Reading, Severity
from healthslm.store import Store

SHOWN = (
    Kind.HEART_RATE,
    Kind.SPO2,
    Kind.TEMPERATURE,
    Kind.SYSTOLIC,
    Kind.DIASTOLIC,
    Kind.SENSOR_GLUCOSE,
    Kind.GLUCOSE,
    Kind.RESPIRATORY_RATE,
    Kind.WEIGHT,
    Kind.STEPS,
)
"""What is shown of now, in this order, as far as it was measured."""
_LATELY = timedelta(days=7)
"""A value that is older is no value of now."""
_HANGS = timedelta(minutes=2)
_DAY = timedelta(days=1)


def matters(alert: Alert, now: datetime) -> bool:
    """Say whether to show an alert: open, or severe, of the last day, and seen by nobody."""
    if alert.state is AlertState.PENDING:
        return False
    if alert.state is not AlertState.RESOLVED:
        return True
    unseen = alert.acknowledged_at is None and alert.severity >= Severity.URGENT
    return unseen and now - alert.raised_at < _DAY


def now_of(box: Box, store: Store) -> Json:
    """Return what the first view shows. Times are ISO 8601; ages are for the page to count on from `time`."""
    now = box.clock()
    policy = policy_of(store)
    found = [alert for alert in desk.alerts_in(store) if matters(alert, now)]
    found.sort(key=lambda a: (a.acknowledged_at is not None, -a.severity, -a.raised_at.timestamp()))
    latest = (store.latest(kind) for kind in SHOWN)
    return {
        "time": now.isoformat(),
        "person": store.get("person", {}).get("name", ""),
        "listening": listening(box, now),
        "vitals": [vital(one, store) for one in latest if one is not None and now - one.time < _LATELY],
        "alerts": [alert_json(alert, policy) for alert in found],
        "notes": [
            {"time": note.time.isoformat(), "level": note.level}
            for note in reversed(store.notes(now - _DAY, now + _DAY))
            if note.level == Severity.EMERGENCY.word  # no alert comes of a note, so it is told of here
        ],
    }


def listening(box: Box, now: datetime) -> Json:
    """Say whether `healthslm run` is at work, and when it last was."""
    beat = last_beat(box.home)
    at_work = beat is not None and not beat.clean and timedelta(0) <= now - beat.at < _HANGS
    return {"at_work": at_work, "last": beat.at.isoformat() if beat else None}


def vital(one: Reading, store: Store) -> Json:
    """Return the latest reading of a kind. One that cannot be used has its reasons, and no value."""
    info = KINDS[one.kind]
    usable = not one.quality & UNUSABLE
    return {
        "kind": one.kind.value,
        "title": info.title,
        "unit": info.unit,
        "value": f"{one.value:.{info.decimals}f}" if usable else None,
        "time": one.time.isoformat(),
        "quality": as_json.quality(one.quality),
        "holds_s": info.holds.total_seconds() if info.holds else None,
        "device": store.device(one.device).name or one.device,
        "reading": str(one.id),
    }


def alert_json(alert: Alert, policy: Policy) -> Json:
    """Return an alert, with for how many minutes it may be snoozed."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "state": alert.state.value,
        "severity": alert.severity.word,
        "raised_at": alert.raised_at.isoformat(),
        "acknowledged_at": alert.acknowledged_at.isoformat() if alert.acknowledged_at else None,
        "acknowledged_by": alert.acknowledged_by,
        "snoozed_until": alert.snoozed_until.isoformat() if alert.snoozed_until else None,
        "over": alert.state is AlertState.RESOLVED,
        "snooze_min": list(policy.snooze_min.get(alert.severity, ())),
        "finding": as_json.finding(alert.finding, Ids.TEXT),
    }
