"""What people do with alerts: say that they have seen one, or ask not to hear of it for a while.

Works on the store alone, so that any process can: the engine looks again when another has written. In its own
process `Engine.refresh` tells it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from healthslm.alerts.alert import CLOCK_SLACK, Alert, AlertState
from healthslm.alerts.kept import AlertStore
from healthslm.alerts.payload import CALLS
from healthslm.alerts.policy import Policy
from healthslm.errors import UsageError

_LOG = logging.getLogger(__name__)
_ALL = "alerts snoozed"
LATELY = "alerts told lately"
"""Under this name the store keeps by hook what counts against its cap, and what belongs together."""
FORGOTTEN = "hooks removed"
OPEN = frozenset(AlertState) - {AlertState.RESOLVED}


def alerts_in(
    store: AlertStore, since: datetime | None = None, states: Collection[AlertState] | None = None
) -> Iterator[Alert]:
    """Read the store's alerts, newest first; one that cannot be read is said and left out."""
    for id_, _, _, document in store.alerts(since, states):
        try:
            yield Alert.from_json(document)
        except ValidationError:
            _LOG.error("The alert %s in the store cannot be read, and is left as it is.", id_)


def find(store: AlertStore, alert_id: str) -> Alert:
    """Return the alert whose id begins so. Raises `UsageError` when none or several fit."""
    fits = [a for a in alerts_in(store) if alert_id and a.id.startswith(alert_id)]
    if len(fits) != 1:
        what = "There is no alert" if not fits else f"There are {len(fits)} alerts"
        raise UsageError(
            f"{what} with an id that begins with {alert_id!r}.", "See `healthslm alerts list --all`."
        )
    return fits[0]


def acknowledge(store: AlertStore, alert_id: str, now: datetime, by: str = "") -> Alert:
    """Note that somebody has seen an alert: from now on nobody is called for it. Commits.

    `alert_id` may be its first letters, if only one fits; else `UsageError` is raised, and for an alert that
    is still to be confirmed: nobody was told of it, so nobody can have seen it, and it would never be told.
    """

    def seen(alert: Alert) -> Alert:
        if alert.state is AlertState.PENDING:
            raise UsageError(f"{alert.finding.title} ({alert.id[:8]}) is not confirmed yet.", "Wait for it.")
        over = alert.state is AlertState.RESOLVED
        state = alert.state if over else AlertState.ACKNOWLEDGED
        return replace(alert, state=state, acknowledged_at=now, acknowledged_by=by)

    alert = _change(store, find(store, alert_id), seen)
    call_off(store, now)
    store.commit()
    return alert


def snooze(store: AlertStore, alert_id: str, minutes: int | None, policy: Policy, now: datetime) -> Alert:
    """Tell nobody of an alert for a while; then it is news again, if it has not been seen by then. Commits.

    `None` minutes are the first that its level may be snoozed for. Raises `UsageError` for another time, and
    for what is over or acknowledged already.
    """
    alert = find(store, alert_id)
    if not alert.is_open or alert.state is AlertState.ACKNOWLEDGED:
        raise UsageError(f"{alert.finding.title} ({alert.id[:8]}) is {alert.state}: nobody is told of it.")
    choices = policy.snooze_min.get(alert.severity, ())
    chosen = minutes if minutes is not None or not choices else choices[0]
    if chosen is None or chosen not in choices:
        may = ", ".join(map(str, choices)) or "no time at all"
        word = alert.severity.word
        raise UsageError(
            f"What is {word} cannot be snoozed for {chosen} minutes.",
            f"It may be {may}; others can be allowed with: healthslm alerts policy snooze.{word}=…",
        )

    def later(alert: Alert) -> Alert:
        until = now + timedelta(minutes=chosen)
        return replace(alert, snoozed_at=now, snoozed_until=until, due_since=None)

    alert = _change(store, alert, later)
    call_off(store, now)
    store.commit()
    return alert


def snooze_all(store: AlertStore, minutes: int, now: datetime) -> datetime:
    """Tell nobody of anything for a while, but of the emergencies that the policy spares; 0 ends it. Commits.

    Returns until when. Raises `UsageError` for more than a day.
    """
    if not 0 <= minutes <= 24 * 60:
        raise UsageError(f"Everything cannot be snoozed for {minutes} minutes.", "A day, 1440, is the most.")
    until = now + timedelta(minutes=minutes)
    store.put(_ALL, {"at": now.isoformat(), "until": until.isoformat()})
    store.commit()
    return until


def untold(alert: Alert, hooks: Collection[str]) -> Mapping[str, Any]:
    """Return what of an alert is otherwise once these hooks are no more, or others of the same names."""
    return {
        "told": {name: told for name, told in alert.told.items() if name not in hooks},
        "delivered_to": tuple(name for name in alert.delivered_to if name not in hooks),
    }


def forgotten(store: AlertStore) -> Mapping[str, int]:
    """Return how many times a hook of each name was removed: one that is there again is another one."""
    kept = store.get(FORGOTTEN, {})
    return kept if isinstance(kept, dict) else {}


def forget_hook(store: AlertStore, name: str) -> None:
    """Drop what waits for a hook that is removed; one of the same name will be told anew. Commits not."""
    store.outbox_forget(name)
    store.put(FORGOTTEN, {**forgotten(store), name: forgotten(store).get(name, 0) + 1})
    lately = store.get(LATELY)
    if isinstance(lately, dict) and lately.pop(name, None) is not None:
        store.put(LATELY, lately)
    for alert in list(alerts_in(store, states=OPEN)):
        if name in alert.told:
            _change(store, alert, lambda alert: replace(alert, **untold(alert, {name})))


def all_snoozed_until(store: AlertStore, now: datetime) -> datetime | None:
    """Return until when everything is snoozed, or `None`. A clock that was wrong then ends it."""
    kept: Any = store.get(_ALL)
    if kept is None:
        return None
    try:
        at, until = (datetime.fromisoformat(kept[name]) for name in ("at", "until"))
        return until if at - CLOCK_SLACK <= now < until else None
    except (ValueError, TypeError, KeyError):  # rather one alert too many than one too few
        _LOG.error("Until when everything is snoozed cannot be read: nothing is.")
        return None


def call_off(store: AlertStore, now: datetime) -> None:
    """Take out of the outbox every call that is needless now: all its alerts are seen, over or snoozed.

    That it is news is told all the same, once: who has not heard of it yet may want to know.
    """
    for row in store.outbox_waiting(CALLS):
        if not called_for(store, row.alert_ids, now):
            store.outbox_done(row.id)


def called_for(store: AlertStore, alert_ids: Iterable[str], now: datetime) -> bool:
    """Say whether somebody is still to be called for one of these alerts: neither seen, over nor snoozed."""
    return any(_calls(store, id_, now) for id_ in alert_ids)


def _calls(store: AlertStore, alert_id: str, now: datetime) -> bool:
    alert = Alert.if_readable(store.alert(alert_id))
    if alert is None:
        return True
    return alert.is_open and alert.state is not AlertState.ACKNOWLEDGED and not alert.is_snoozed(now)


def _change(store: AlertStore, alert: Alert, change: Callable[[Alert], Alert]) -> Alert:
    def changed(document: str | None) -> tuple[str, datetime, str]:
        now = change(Alert.if_readable(document) or alert)
        return now.state, now.raised_at, now.to_json()

    return Alert.from_json(store.change_alert(alert.id, changed))
