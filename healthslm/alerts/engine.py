"""The state of every alert: raised once, raised again when it gets worse, resolved when it is over."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from healthslm.alerts.alert import CLOCK_SLACK, Alert, AlertState
from healthslm.alerts.hooks import Hook
from healthslm.alerts.kept import AlertStore
from healthslm.alerts.payload import payload
from healthslm.errors import StoreError, UsageError
from healthslm.readings import Finding, Severity
from healthslm.rules import Rule

_LOG = logging.getLogger(__name__)
EASE = timedelta(minutes=10)
"""How long readings must stay below an alert's level before reaching it again is news again."""


class Engine:
    """Turns what rules say now into alerts, and alerts into payloads in the outbox.

    An alert and its payloads are committed together before `update` returns: from then on they are not
    lost. `clock` is the delivery's wall clock (when a payload is due), not the data's time. When the store
    takes nothing (a full disk), `bring(alert_id, hook, payload)` is called instead: an alert does not wait
    for a disk.
    """

    def __init__(
        self,
        store: AlertStore,
        hooks: Sequence[Hook],
        *,
        clock: Callable[[], datetime],
        bring: Callable[[str, str, str], None] = lambda _alert, _hook, _payload: None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._store = store
        self._hooks = tuple(hooks)
        self._clock = clock
        self._bring = bring
        self._new_id = new_id
        self._written: dict[str, datetime] = {}
        self._open = {a.rule: a for a in _read(store) if a.state is not AlertState.RESOLVED}

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """The alerts that are not resolved, the most severe first."""
        return tuple(sorted(self._open.values(), key=lambda a: (-a.severity, a.raised_at)))

    def update(self, rule: Rule, finding: Finding | None, now: datetime) -> Alert | None:
        """Take what a rule says at `now`; return the alert if it was raised or got worse, else `None`.

        The same thing again is no new alert. It is over once the rule has not held for `rule.join`. A level
        that the readings have stayed below for `EASE` is left, so that getting worse again is news again.
        """
        alert = self._open.get(rule.name)
        if (
            alert is not None
            and not timedelta(0) <= now - alert.last_seen + CLOCK_SLACK <= rule.join + CLOCK_SLACK
        ):
            del self._open[rule.name]  # long over, or seen at a time that a wrong clock made up
            self._resolve(alert)
            alert = None
        if alert is not None:
            alert = self._eased(alert, finding.severity if finding else Severity.INFO, now)
        if finding is None:
            return None
        if alert is None:
            return self._raise(
                Alert(
                    id=self._new_id(),
                    rule=rule.name,
                    state=AlertState.RAISED,
                    severity=finding.severity,
                    finding=finding,
                    raised_at=now,
                    last_seen=now,
                )
            )
        if finding.severity > alert.severity:
            # Worse is news, also to somebody who has already seen the milder alert.
            worse = replace(
                alert,
                state=AlertState.RAISED,
                severity=finding.severity,
                finding=finding,
                last_seen=now,
                acknowledged_at=None,
                easing_since=None,
            )
            return self._raise(worse)
        self._seen(alert, now)
        return None

    def _eased(self, alert: Alert, level: Severity, now: datetime) -> Alert:
        """Lower an alert's level once the readings have stayed below it for a while, to `WATCH` at the least.

        Below `WATCH` it is not taken: what dithers around the first threshold is one alert.
        """
        if level >= alert.severity:
            eased = replace(alert, easing_since=None)
        elif alert.easing_since is None:
            eased = replace(alert, easing_since=now, easing_to=level)
        else:
            eased = replace(alert, easing_to=max(alert.easing_to, level))
        since = alert.easing_since
        if since is not None and now - since >= EASE:
            lower = min(alert.severity, max(alert.easing_to, Severity.WATCH))
            eased = replace(eased, severity=lower, easing_since=None)
        self._open[alert.rule] = eased
        return eased

    def _seen(self, alert: Alert, now: datetime) -> None:
        """Note that a rule still holds; written down once a minute, for a restart."""
        self._open[alert.rule] = replace(alert, last_seen=now)
        if now - self._written.get(alert.id, alert.raised_at) >= timedelta(minutes=1):
            self._written[alert.id] = now
            try:
                self._open[alert.rule] = self._current(self._open[alert.rule])
                self._save(self._open[alert.rule])
            except StoreError as error:
                _LOG.error("That an alert still holds could not be stored. %s", error)

    def _resolve(self, alert: Alert) -> None:
        try:
            self._save(replace(self._current(alert), state=AlertState.RESOLVED))
            self._store.commit()
        except StoreError as error:
            _LOG.error("That an alert is over could not be stored. %s", error)

    def _save(self, alert: Alert) -> None:
        self._store.put_alert(alert.id, alert.state, alert.raised_at, alert.to_json())

    def _current(self, alert: Alert) -> Alert:
        """Return an open alert with the acknowledgement that another process may have given it."""
        document = self._store.alert(alert.id)
        stored = Alert.from_json(document) if document is not None else alert
        if stored.acknowledged_at is None or alert.acknowledged_at is not None:
            return alert
        return replace(alert, state=stored.state, acknowledged_at=stored.acknowledged_at)

    def _raise(self, alert: Alert) -> Alert:
        self._open[alert.rule] = alert
        told = [(h.name, payload(alert, h.tell)) for h in self._hooks if alert.severity > Severity.INFO]
        try:
            self._save(alert)
            for hook, text in told:
                self._store.outbox_add([alert.id], hook, text, self._clock())
        except StoreError as error:
            _LOG.error("An alert could not be stored, and is told all the same. %s", error)
            for hook, text in told:
                self._bring(alert.id, hook, text)
            return alert
        try:
            self._store.commit()
        except StoreError as error:
            _LOG.error("An alert is not on the disk yet. %s", error)  # it is in the outbox, and goes out
        return alert

    def delivered(self, alert_id: str, hook: str) -> None:
        """Note that a hook took the alert."""
        for alert in self._open.values():
            if alert.id == alert_id:
                alert = self._current(alert)  # noqa: PLW2901  the same one, as it stands now
                acknowledged = alert.state is AlertState.ACKNOWLEDGED
                self._open[alert.rule] = replace(
                    alert,
                    state=alert.state if acknowledged else AlertState.DELIVERED,
                    delivered_to=tuple(dict.fromkeys((*alert.delivered_to, hook))),
                )
                self._save(self._open[alert.rule])
                return

    def acknowledge(self, alert_id: str, now: datetime) -> Alert:
        """Note that somebody has seen an alert; `alert_id` may be its first letters, if only one fits.

        Raises `UsageError` when none or several fit.
        """
        fits = [a for a in _read(self._store) if alert_id and a.id.startswith(alert_id)]
        if len(fits) != 1:
            what = "There is no alert" if not fits else f"There are {len(fits)} alerts"
            raise UsageError(
                f"{what} with an id that begins with {alert_id!r}.", "See `healthslm alerts list --all`."
            )
        over = fits[0].state is AlertState.RESOLVED
        alert = replace(
            fits[0], state=fits[0].state if over else AlertState.ACKNOWLEDGED, acknowledged_at=now
        )
        if not over:
            self._open[alert.rule] = alert
        self._save(alert)
        self._store.commit()
        return alert


def _read(store: AlertStore) -> Iterator[Alert]:
    """Read the store's alerts, newest first; one that cannot be read is said and left out."""
    for id_, _, _, document in store.alerts():
        try:
            yield Alert.from_json(document)
        except ValidationError:
            _LOG.error("The alert %s in the store cannot be read, and is left as it is.", id_)
