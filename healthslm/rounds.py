"""What `collect()` looks after by the clock, and not because something came: see `Rounds`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain

from healthslm.alerts import Alert, Engine, Hook
from healthslm.alerts.payload import heartbeat, vitals
from healthslm.alerts.undelivered import undelivered
from healthslm.readings import UNUSABLE, Kind, Reading
from healthslm.store import Store

EVERY = timedelta(seconds=5)
"""How often a round is made."""


class Rounds:
    """Asks whether a hook takes nothing, and tells the hooks that asked for it that all is at work.

    `tell_state(hook, what, payload)` brings what is not kept for later: heartbeats, and the latest readings
    of the kinds that were chosen for a hook.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        hooks: Sequence[Hook],
        tell_state: Callable[[str, str, str], None],
    ) -> None:
        self._store = store
        self._engine = engine
        self._hooks = tuple(hooks)
        self._tell_state = tell_state
        self._chosen = frozenset(kind for hook in hooks for kind in hook.vitals)
        self._latest: dict[Kind, Reading] = {}
        self._said: dict[tuple[str, str], datetime] = {}
        self._made: datetime | None = None

    def heard(self, readings: Iterable[Reading]) -> None:
        """Take note of what came: only the newest of what some hook wants to know, and can be relied on."""
        for reading in readings:
            if reading.kind in self._chosen and not reading.quality & UNUSABLE:
                before = self._latest.get(reading.kind)
                if before is None or before.time <= reading.time:
                    self._latest[reading.kind] = reading

    def make(self, now: datetime) -> list[Alert]:
        """Make a round if it is time; return the alerts that this raised."""
        for hook in self._hooks:
            self._keep_informed(hook, now)
        if self._made is not None and timedelta(0) <= now - self._made < EVERY:
            return []
        self._made = now
        found = chain(undelivered(self._store, self._hooks, now))
        raised = [self._engine.update(asked, finding, now) for asked, finding in found]
        return [alert for alert in raised if alert is not None]

    def _keep_informed(self, hook: Hook, now: datetime) -> None:
        if hook.heartbeat_min and self._is_due(hook.name, "heartbeat", now, hook.heartbeat_min * 60):
            self._tell_state(hook.name, "heartbeat", heartbeat(now, hook.heartbeat_min * 60))
        news = [
            reading
            for kind in hook.vitals
            if (reading := self._latest.get(kind)) and self._is_news(hook, reading, now)
        ]
        if news:
            self._tell_state(hook.name, "vitals", vitals(news))

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
