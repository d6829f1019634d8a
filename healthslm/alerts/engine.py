"""The state of every alert: confirmed, raised once, raised again when worse, resolved when it is over."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from healthslm.alerts.alert import CLOCK_SLACK, Alert, AlertState, Held
from healthslm.alerts.book import Book
from healthslm.alerts.hooks import Hook
from healthslm.alerts.kept import AlertStore
from healthslm.alerts.policy import Policy, policy_of
from healthslm.alerts.teller import Nobody, Post, Teller
from healthslm.errors import StoreError
from healthslm.readings import Finding, Severity

_LOG = logging.getLogger(__name__)
EASE = timedelta(minutes=10)
"""How long readings must stay below an alert's level before reaching it again is news again."""
UNKNOWN = timedelta(days=1)
"""How long an alert stays open of which nothing is known any more."""
TICK = timedelta(seconds=1)
"""How often it is looked whether anything is due by the clock alone."""
LEAP = timedelta(hours=1)
"""A clock that goes on by more between two looks was set, or this machine slept."""
NOT_SEEN = "not seen again, and not known to be well"
NOT_CONFIRMED = "it passed before it was confirmed"


class Asked(Protocol):
    """What has an alert: a rule, or something that is watched for its absence."""

    @property
    def name(self) -> str:
        """The dedupe key."""
        ...

    @property
    def join(self) -> timedelta:
        """How long it need not have held to be over."""
        ...


class Engine:
    """Turns what rules say now into alerts, and alerts into payloads in the outbox.

    An alert and its payloads are committed together before `update` or `tick` returns: from then on they are
    not lost. `now` is the data's time, `clock` that of deliveries (since when a payload waits); they differ
    only when a recorded day is played. `zone` is asked for the person's time zone whenever quiet hours depend
    on it: people travel. `post` is told what there is to deliver, and is given what the store does not take
    (a full disk): an alert does not wait for a disk.
    """

    def __init__(
        self,
        store: AlertStore,
        hooks: Sequence[Hook],
        *,
        clock: Callable[[], datetime],
        zone: Callable[[], tzinfo] = lambda: UTC,
        post: Post | None = None,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._ticked: datetime | None = None
        self._awake_since = datetime.min.replace(tzinfo=UTC)
        self._policy = Policy()
        self._book = Book(store)
        self._teller = Teller(store, self._book, hooks, clock=clock, zone=zone, post=post or Nobody())
        self.delivered = self._teller.delivered
        self.refresh()
        self._teller.tell_again()

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """The alerts that are raised and not resolved, the most severe first."""
        opened = (alert for alert in self._book.open.values() if alert.is_open)
        return tuple(sorted(opened, key=lambda a: (-a.severity, a.raised_at)))

    def open_alert(self, rule: str) -> Alert | None:
        """Return the alert of a rule that is not over, raised or not."""
        return self._book.open.get(rule)

    def use(self, hooks: Sequence[Hook], anew: Collection[str] = ()) -> None:
        """Tell these hooks from now on; those named `anew` as if they had never been told anything."""
        self._teller.use(hooks, anew)

    def refresh(self) -> None:
        """Read anew what another process may have written: acknowledgements, snoozes, alerts, the policy."""
        try:
            self._policy = policy_of(self._store)
        except StoreError as error:  # rather as it was, or as usual, than not at all
            _LOG.error("%s", error)
        self._elsewhere = self._store.changed_elsewhere
        self._book.refresh(self._clock())

    # What rules say

    def update(
        self, rule: Asked, finding: Finding | None, now: datetime, *, known: bool = True
    ) -> Alert | None:
        """Take what a rule says at `now`; return the alert if it was raised or got worse, else `None`.

        The same thing again is no new alert. It is over once the rule has not held for `rule.join` and the
        readings say so: where they say nothing (`known` is false: none came, or none that can be used), it is
        not over for that. A level that the readings have stayed below for `EASE` is left, so that getting
        worse again is news again.
        """
        alert = self._book.open.get(rule.name)
        if alert is not None and (known or finding is not None) and _is_another(alert, rule, now):
            well = finding is None  # the first word after so long is that all is well
            self._resolve(replace(alert, well_since=now) if well else alert, now)
            alert = None
        if finding is None:
            if alert is not None and known:
                self._well(alert, now)
            return None
        finding = replace(finding, severity=self._policy.level(rule.name, finding.severity))
        if alert is None:
            return self._new(rule, finding, now)
        if alert.state is AlertState.PENDING:
            return self._still_pending(alert, finding, now)
        alert = _eased(alert, finding.severity, now)
        if finding.severity > alert.severity:
            # Worse is news, also to somebody who has already seen the milder alert.
            worse = replace(alert.anew(now), severity=finding.severity, finding=finding, worse=True)
            return self._raise(worse, now)
        self._book.keep_seldom(replace(alert, last_seen=now, well_since=None), now)
        return None

    def _new(self, rule: Asked, finding: Finding, now: datetime) -> Alert | None:
        alert = Alert(
            id=self._new_id(),
            rule=rule.name,
            state=AlertState.RAISED,
            severity=finding.severity,
            finding=finding,
            raised_at=now,
            last_seen=now,
            join=rule.join,
        )
        if not self._policy.confirmation(rule.name, finding.severity):
            return self._raise(alert, now)
        self._book.keep(replace(alert, state=AlertState.PENDING))
        return None

    def _still_pending(self, alert: Alert, finding: Finding, now: datetime) -> Alert | None:
        worst = finding if finding.severity >= alert.severity else alert.finding
        alert = replace(alert, finding=worst, severity=worst.severity, last_seen=now)
        self._book.keep_seldom(alert, now)
        return self._confirmed(alert, now)

    def _confirmed(self, alert: Alert, now: datetime) -> Alert | None:
        """Raise what has held for its confirmation time."""
        waited = now - alert.raised_at
        if timedelta(0) <= waited < self._policy.confirmation(alert.rule, alert.severity):
            return None
        return self._raise(replace(alert, state=AlertState.RAISED, raised_at=now), now)

    def _well(self, alert: Alert, now: datetime) -> None:
        """Take in that the readings say it does not hold now."""
        if alert.state is AlertState.PENDING:
            self._resolve(replace(alert, ended=NOT_CONFIRMED), now)
            return
        alert = replace(alert, well_since=alert.well_since or now)
        self._book.keep_seldom(_eased(alert, Severity.INFO, now), now)

    # What the clock says

    def tick(self, now: datetime) -> list[Alert]:
        """Do what is due by the clock alone; return what was raised because it was confirmed by now.

        Confirms, ends, repeats, escalates, and tells what was held back. Call it often: it looks once a
        second.
        """
        if self._ticked is not None and timedelta(0) <= now - self._ticked < TICK:
            return []
        if self._ticked is not None and now - self._ticked > LEAP:
            self._awake_since = now
        self._ticked = now
        if self._store.changed_elsewhere != self._elsewhere:
            self.refresh()
        self._book.catch_up()
        raised = []
        for alert in list(self._book.open.values()):
            if alert.state is AlertState.PENDING:
                raised.append(self._confirmed(alert, now))
            elif _is_over(alert, now, self._awake_since):
                self._resolve(alert, now)
            elif alert.state is AlertState.ACKNOWLEDGED and not alert.seen_told:
                self._teller.acknowledged(alert)
        if self._book.open or self._book.untold:
            self._teller.tell([*self._book.open.values(), *self._book.untold.values()], self._policy, now)
            self._teller.commit()
        return [alert for alert in raised if alert is not None]

    def _raise(self, alert: Alert, now: datetime) -> Alert:
        self._teller.tell([self._book.keep(alert, mine=True)], self._policy, now)
        self._teller.commit()
        return self._book.open[alert.rule]

    def _resolve(self, alert: Alert, now: datetime) -> None:
        ended = alert.ended or ("" if alert.well_since is not None else NOT_SEEN)
        waits = alert.held in (Held.QUIET, Held.CAPPED) and alert.acknowledged_at is None
        over = replace(
            alert,
            state=AlertState.RESOLVED,
            resolved_at=now,
            ended=ended,
            held=alert.held if waits else Held.NOT,
        )
        self._teller.over(self._book.close(over))
        self._teller.commit()


def _is_another(alert: Alert, rule: Asked, now: datetime) -> bool:
    """Say whether what is seen now is another one: long after it, or it was seen when a clock was wrong."""
    return not -CLOCK_SLACK <= now - alert.last_seen <= rule.join


def _is_over(alert: Alert, now: datetime, awake_since: datetime) -> bool:
    """Say whether it has not held for long enough, as the readings say, or much longer where they do not.

    Much longer counts from `awake_since`: that nobody looked is no sign that it is over.
    """
    if alert.well_since:
        return now - alert.last_seen > alert.join
    return now - max(alert.last_seen, awake_since) > max(alert.join, UNKNOWN)


def _eased(alert: Alert, level: Severity, now: datetime) -> Alert:
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
    return eased
