"""Recorded readings, once more as if they came now: what a hook is told by the default rules and policy.

What is played goes the way of `collect()` after the store: live windows, rules, engine, rounds. Nobody
acknowledges anything, so that every repetition is told too. The numbers of days are given, not computed from
what is played.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from healthslm.alerts import CommandHook, Courier, Engine, Tell
from healthslm.analysis import Days
from healthslm.bench.ways import PASSPHRASE, UTC
from healthslm.collector import Collector
from healthslm.readings import KINDS, Floats, Kind, Quality, Reading, Severity, Times, moment
from healthslm.rounds import Rounds
from healthslm.rules import RULES, judge
from healthslm.store import CHEAPEST, Store, create

HANDED_OVER = timedelta(seconds=5)
"""Readings are handed over once in so long: that is as often as any rule changes its mind."""
_LOOK = timedelta(seconds=30)
_LOOKING = timedelta(minutes=10)
"""So long after the last reading it is looked often for what is due; then, while an alert is open, seldom."""
_SELDOM = timedelta(minutes=10)
_AFTERWARDS = timedelta(hours=4)
"""So long after the last reading repetitions are waited for."""
_ASK_DAYS = timedelta(hours=6)
"""The rules of days are asked when a day is over, and again so often until the next one is."""
_DAILY = tuple(rule for rule in RULES if rule.daily)
_LIVE = tuple(rule for rule in RULES if not rule.daily)
_HOOK = CommandHook(name="ear", argv=("true",), tell=Tell.TITLE)
"""Never called: what waits for it is taken out of the outbox at once, as delivered."""

Columns = Mapping[Kind, tuple[Times, Floats]]
"""Times (UTC) and values of each kind, both of shape `(n,)`, in order of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody's readings, and the numbers of their days; `weeks` is how long they were watched in all."""

    name: str
    weeks: float
    columns: Columns = field(default_factory=dict)
    days: Days = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What the hook was told once: when, of which rules (the worst first), how severe, on which occasion."""

    at: datetime
    rules: tuple[str, ...]
    severity: Severity
    occasion: str


def told(person: Person) -> list[Message]:
    """Play a person's readings and days; return every message, in order of time."""
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        store, _ = create(Path(folder) / "store", PASSPHRASE, profile=CHEAPEST)
        with store:
            return _Replay(store, person).play()


class _Replay:
    def __init__(self, store: Store, person: Person) -> None:
        self._person = person
        self._store = store
        self._now = datetime.min.replace(tzinfo=UTC)
        self._heard = self._now
        self._told: list[Message] = []
        self._steps = sorted(_steps(person), key=lambda step: step[0])
        if self._steps:
            self._now = self._heard = self._steps[0][0]
        self._engine = Engine(store, (_HOOK,), clock=lambda: self._now)
        self._collector = Collector(store, self._engine, _LIVE, UTC, lambda: self._now)
        self._rounds = Rounds(
            store, self._engine, (_HOOK,), Courier(store, (_HOOK,), clock=lambda: self._now)
        )

    def play(self) -> list[Message]:
        for at, readings in self._steps:
            self._wait(at)
            if readings is None:
                self._ask_days()
            else:
                self._heard = at
                self._collector.consider(readings, at, at)
            self._look()
        self._wait(self._now + _AFTERWARDS)
        return self._told

    def _ask_days(self) -> None:
        for rule in _DAILY:
            finding = judge(rule, {}, self._now, zone=UTC, days=self._person.days)
            self._engine.update(rule, finding, self._now, known=False)

    def _wait(self, until: datetime) -> None:
        """Let the time pass, with a look at what is due by the clock."""
        while self._now < until:
            if self._now - self._heard < _LOOKING:
                step = _LOOK
            elif self._engine.open_alerts:
                step = _SELDOM
            else:
                step = until - self._now
            self._now = min(self._now + step, until)
            if self._now < until:
                self._look()

    def _look(self) -> None:
        self._collector.settle()
        self._rounds.make(self._now, self._now.timestamp())
        self._engine.tick(self._now)
        if not self._engine.open_alerts:
            return
        for row in self._store.outbox(_HOOK.name):
            said = json.loads(row.payload)
            self._told.append(
                Message(
                    at=self._now,
                    rules=(said["rule"], *(other["rule"] for other in said["also"])),
                    severity=Severity[said["severity"].upper()],
                    occasion=said["occasion"],
                )
            )
            self._store.outbox_done(row.id)
            self._engine.delivered(row.alert_ids, _HOOK.name, row.id)


def _steps(person: Person) -> Iterator[tuple[datetime, list[Reading] | None]]:
    """What happens when: readings that are handed over, or `None` where the rules of days are asked."""
    for at in _ends(person.days):
        yield at, None
    if not person.columns:
        return
    times = np.concatenate([times for times, _ in person.columns.values()]).astype("M8[us]")
    values = np.concatenate([values for _, values in person.columns.values()])
    kinds = [kind for kind, (times_, _) in person.columns.items() for _ in range(len(times_))]
    order = np.argsort(times, kind="stable")
    turns = times[order].astype(np.int64) // (HANDED_OVER // timedelta(microseconds=1))
    for some in np.split(order, np.flatnonzero(np.diff(turns)) + 1):
        readings = [_reading(moment(times[n]), kinds[n], float(values[n]), n) for n in some.tolist()]
        yield readings[-1].time, readings


def _reading(at: datetime, kind: Kind, value: float, number: int) -> Reading:
    info = KINDS[kind]
    quality = Quality.GOOD if info.low <= value <= info.high else Quality.IMPLAUSIBLE
    return Reading(time=at, kind=kind, value=value, device="", quality=quality, id=number + 1)


def _ends(days: Days) -> list[datetime]:
    ends = {feature.end for series in days.values() for feature in series.features}
    return sorted({end + n * _ASK_DAYS for end in ends for n in range(4)})
