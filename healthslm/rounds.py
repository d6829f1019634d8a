"""What `collect()` looks after by the clock, and not because something came: see `Rounds`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from device import Event, Identity, LinkEvent, Notification
from healthslm.absence import Absence
from healthslm.alerts import Alert, Engine, Hook
from healthslm.alerts.loose import Letter
from healthslm.alerts.payload import heartbeat, vitals
from healthslm.alerts.policy import Policy
from healthslm.alerts.undelivered import removed, undelivered
from healthslm.readings import UNUSABLE, Kind, Reading
from healthslm.store import Store

EVERY = timedelta(seconds=5)
"""How often a round is made."""


class States(Protocol):
    """What is needed of the courier."""

    def state(self, hook: str, what: str, payload: str) -> None:
        """Tell a hook how something is now."""
        ...

    def in_hand(self, hook: str) -> Letter | None:
        """Return the payload that is in memory alone and has waited longest for a hook."""
        ...


class Rounds:
    """Asks what is absent and which hook takes nothing, and tells the hooks that asked that all is at work.

    `courier` brings what is not kept for later: heartbeats, and the latest readings of the kinds that were
    chosen for a hook; and it says what is in memory alone and waits. Without `absence` nothing is missed: a
    recorded day is played.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        hooks: Sequence[Hook],
        courier: States,
        absence: Absence | None = None,
    ) -> None:
        self._store = store
        self._engine = engine
        self._courier = courier
        self._absence = absence
        self.use(hooks)
        self._latest: dict[Kind, Reading] = {}
        self._said: dict[tuple[str, str], datetime] = {}
        self._made: datetime | None = None

    def use(self, hooks: Sequence[Hook]) -> None:
        """Look after these hooks from now on."""
        self._hooks = tuple(hooks)
        self._chosen = frozenset(kind for hook in hooks for kind in hook.vitals)

    def wished(self, policy: Policy) -> None:
        """Miss what the person wants missed, from now on."""
        if self._absence is not None:
            self._absence.wished(policy.expected, paced=policy.paced)

    def heard(self, event: Event | None, readings: Sequence[Reading]) -> None:
        """Take note of an event, and of the new readings that came of it; of none, what was held back."""
        if self._absence is not None:
            if isinstance(event, LinkEvent):
                self._absence.link(event)
            elif readings:
                self._absence.heard(readings, _when(event, readings))
        if not self._chosen:
            return
        for reading in readings:  # the newest of what some hook wants to know, and can be relied on
            if reading.kind in self._chosen and not reading.quality & UNUSABLE:
                before = self._latest.get(reading.kind)
                if before is None or before.time <= reading.time:
                    self._latest[reading.kind] = reading

    def make(self, now: datetime, monotonic: float) -> list[Alert]:
        """Make a round if it is time; return the alerts that this raised.

        `monotonic` is a counter in seconds that goes on while the machine sleeps.
        """
        for hook in self._hooks:
            self._keep_informed(hook, now)
        if self._made is not None and timedelta(0) <= now - self._made < EVERY:
            return []
        self._made = now
        absent = self._absence.look(now, monotonic) if self._absence is not None else ()
        raised = [self._engine.update(watch, finding, now) for watch, finding in absent]
        raised += [
            self._engine.update(hook, finding, now)
            for hook, finding in undelivered(self._store, self._hooks, now, self._courier.in_hand)
        ]
        for rule in removed(self._hooks, (alert.rule for alert in self._engine.open_alerts)):
            self._engine.update(rule, None, now)
        return [alert for alert in raised if alert is not None]

    def finish(self, now: datetime) -> None:
        """Say that the end is meant."""
        if self._absence is not None:
            self._absence.finish(now)

    def _keep_informed(self, hook: Hook, now: datetime) -> None:
        if hook.heartbeat_min and self._is_due(hook.name, "heartbeat", now, hook.heartbeat_min * 60):
            self._courier.state(hook.name, "heartbeat", heartbeat(now, hook.heartbeat_min * 60))
        news = [
            reading
            for kind in hook.vitals
            if (reading := self._latest.get(kind)) and self._is_news(hook, reading, now)
        ]
        if news:
            self._courier.state(hook.name, "vitals", vitals(news))

    def _is_news(self, hook: Hook, reading: Reading, now: datetime) -> bool:
        told = self._said.get((hook.name, reading.kind))
        if told is not None and reading.time <= told:
            return False
        if not self._is_due(hook.name, f"vitals {reading.kind}", now, hook.vitals_s):
            return False
        self._said[hook.name, reading.kind] = reading.time
        return True

    def _is_due(self, hook: str, what: str, now: datetime, every_s: float) -> bool:
        last = self._said.get((hook, what))
        if last is not None and timedelta(0) <= now - last < timedelta(seconds=every_s):
            return False
        self._said[hook, what] = now
        return True


def _when(event: Event | None, readings: Sequence[Reading]) -> datetime:
    """When readings came in."""
    if isinstance(event, Notification):
        return event.received_at
    return event.at if isinstance(event, Identity) else readings[-1].time
