"""The alerts that are not over, in memory and in the store, where other processes write to them as well."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from healthslm.alerts.alert import Alert, AlertState, Held
from healthslm.alerts.desk import OPEN, alerts_in
from healthslm.alerts.kept import AlertStore
from healthslm.errors import StoreError

_LOG = logging.getLogger(__name__)
_EVERY = timedelta(minutes=1)
"""How often it is written down that an alert still holds, for a restart."""
_UNTOLD = timedelta(days=14)
"""What was raised longer ago, is over, and was held back until now is told nobody any more."""


class Book:
    """Every open alert by its rule, and those that are over and that nobody was told of yet.

    What the store does not take (a full disk) is said, goes on in memory, and is written when it does.
    """

    def __init__(self, store: AlertStore) -> None:
        self._store = store
        self._written: dict[str, datetime] = {}
        self._known: dict[str, Alert] = {}
        self._unwritten: dict[str, Alert] = {}
        self.open: dict[str, Alert] = {}
        self.untold: dict[str, Alert] = {}

    def refresh(self, now: datetime) -> None:
        """Read anew what another process may have written."""
        for alert in alerts_in(self._store, states=OPEN):
            mine = self.open.get(alert.rule)
            if mine is not None and mine.id != alert.id:
                continue  # that it is over could not be written yet
            self.open[alert.rule] = alert if mine is None else self._with_theirs(mine, alert)
            self._known[alert.id] = alert
        over = alerts_in(self._store, now - _UNTOLD, {AlertState.RESOLVED})
        self.untold = {alert.id: alert for alert in over if alert.held is not Held.NOT}

    def by_id(self, ids: Iterable[str]) -> list[Alert]:
        """Return some alerts as they stand now, those too that are over."""
        wanted = dict.fromkeys(ids)
        found = {a.id: a for a in (*self.open.values(), *self.untold.values()) if a.id in wanted}
        for id_ in wanted:
            if id_ not in found and (alert := Alert.if_readable(self._store.alert(id_))) is not None:
                found[id_] = alert
        return list(found.values())

    def latest(self, alert: Alert) -> Alert:
        """Return an alert as it stands now."""
        mine = self.open.get(alert.rule)
        return mine if mine is not None and mine.id == alert.id else self.untold.get(alert.id, alert)

    def note(self, alert: Alert, **changes: Any) -> Alert:
        """Change what is noted of an alert, and write it down where that is new."""
        changed = replace(alert, **changes)
        return alert if changed == alert else self.keep(changed)

    def keep(self, alert: Alert, *, mine: bool = False) -> Alert:
        """Write an alert down, and go on with it, with what another process may have written meanwhile.

        Unless it is `mine` alone: who has seen the milder one has not seen the worse one.
        """
        alert = self._save(alert, mine=mine)
        if alert.state is not AlertState.RESOLVED:
            self.open[alert.rule] = alert
        elif alert.held is Held.NOT:
            self.untold.pop(alert.id, None)
        else:
            self.untold[alert.id] = alert
        return alert

    def keep_seldom(self, alert: Alert, now: datetime) -> None:
        """Go on with an alert, and write it down once in a while."""
        self.open[alert.rule] = alert
        if now - self._written.get(alert.id, alert.raised_at) >= _EVERY:
            self._written[alert.id] = now
            self.keep(alert)

    def catch_up(self) -> None:
        """Write down what the store did not take; while it does not, the others wait too."""
        for alert in list(self._unwritten.values()):
            self.keep(self.latest(alert))  # not as it was then: somebody may have seen it meanwhile
            if alert.id in self._unwritten:
                return

    def close(self, alert: Alert) -> Alert:
        """Take an alert out that is over, and write that down."""
        self.open.pop(alert.rule, None)
        alert = self.keep(alert)
        self._known.pop(alert.id, None)
        self._written.pop(alert.id, None)
        return alert

    def _save(self, alert: Alert, *, mine: bool) -> Alert:
        def change(document: str | None) -> tuple[str, datetime, str]:
            theirs = None if mine else Alert.if_readable(document)
            now = alert if theirs is None else self._with_theirs(alert, theirs)
            return now.state, now.raised_at, now.to_json()

        try:
            kept = Alert.from_json(self._store.change_alert(alert.id, change))
        except StoreError as error:
            _LOG.error("What became of an alert could not be stored. %s", error)
            self._unwritten[alert.id] = alert
            return alert
        self._unwritten.pop(alert.id, None)
        self._known[alert.id] = kept
        return kept

    def _with_theirs(self, mine: Alert, theirs: Alert) -> Alert:
        """Return my alert with what another process changed of it since I last read or wrote it."""
        known = self._known.get(mine.id)
        if known is None:  # it was over here already
            known = replace(mine, snoozed_at=theirs.snoozed_at)
        acknowledged = theirs.acknowledged_at != known.acknowledged_at
        snoozed = theirs.snoozed_at != known.snoozed_at
        if acknowledged:
            state = mine.state if mine.state is AlertState.RESOLVED else theirs.state
            mine = replace(
                mine,
                state=state,
                acknowledged_at=theirs.acknowledged_at,
                acknowledged_by=theirs.acknowledged_by,
            )
        if snoozed:
            mine = replace(
                mine,
                snoozed_at=theirs.snoozed_at,
                snoozed_until=theirs.snoozed_until,
                due_since=None,
            )
        return mine
