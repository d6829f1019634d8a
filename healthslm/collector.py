"""What `collect()` does with the events: into the store, into the live windows, before the rules."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from device import Event, Identity, LinkEvent, Notification
from healthslm.alerts import Alert, Engine
from healthslm.daily import DailyRules
from healthslm.errors import StoreError
from healthslm.history import History, reach_of
from healthslm.ingest import Ingest, device_from
from healthslm.links import Links
from healthslm.live import Live
from healthslm.readings import KINDS, UNUSABLE, Kind, Reading, Severity, moment
from healthslm.rules import Rule, Windows, judge
from healthslm.rules.devices import EXPLAINS
from healthslm.store import Store

_LOG = logging.getLogger(__name__)
WAITING = 200_000
"""Readings that are kept in memory while the store takes none: a day of everything."""
RECENT = timedelta(hours=3)
"""What was measured longer ago than this raises no alarm: it is history, and stands in the findings."""
LATE = timedelta(minutes=1)
"""What was measured longer ago than this is judged as of then too."""
EVERY = timedelta(milliseconds=100)
"""How often it is looked for what waits: values held back, rules still owed a question, days."""
_UNUSABLE = UNUSABLE.value
_MOST_SHOWED = 100
MOST_REASONS = 200
"""Reasons of refusal that are told apart; the rest are counted together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What came of one event; `event` is `None` for what was held back, or a rule still owed a question."""

    event: Event | None
    stored: Sequence[Reading] = ()
    refused: Sequence[str] = ()
    alerts: Sequence[Alert] = ()


@dataclass(slots=True)
class Tally:
    """Every reading accounted for: stored, a duplicate, refused with a reason, or not taken by the store.

    `dropped` are notifications that came faster than they were taken.
    """

    notifications: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    dropped: int = 0
    unsaved: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def refuse(self, reasons: Sequence[str]) -> None:
        """Count what was refused, and why."""
        self.refused += len(reasons)
        for reason in reasons:
            known = reason in self.reasons or len(self.reasons) < MOST_REASONS
            counted = reason if known else "other reasons"
            self.reasons[counted] = self.reasons.get(counted, 0) + 1


class Collector:
    """What `collect()` keeps between two events."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        rules: Sequence[Rule],
        zone: ZoneInfo,
        clock: Callable[[], datetime],
    ) -> None:
        self.store = store
        self.clock = clock
        self.engine = engine
        self.zone = zone
        # What comes late is judged as of then, so as much more is looked back on.
        self.reach = {kind: far + RECENT for kind, far in reach_of(rules).items()}
        self.live = Live(self.reach, store.device_numbers())
        self.history = History(store, zone)
        self.ingest = Ingest(zone)
        self.links = Links(store)
        self.waiting: list[Reading] = []
        self.tally = Tally()
        self._concerned: dict[Kind, tuple[Rule, ...]] = {
            kind: tuple(rule for rule in rules if kind in rule.kinds and not rule.daily) for kind in Kind
        }
        self._daily = DailyRules(rules, self.history, zone)
        self._asked: dict[str, datetime] = {}
        self._newest: dict[tuple[Kind, str], datetime] = {}
        self._owed: dict[str, tuple[Rule, datetime, datetime, bool]] = {}
        self._showed: dict[tuple[str, Severity], frozenset[str]] = {}
        self._quiet: dict[str, tuple[Rule, datetime, datetime]] = {}

    def remember(self, now: datetime) -> None:
        """Fill the live windows from the store, so that a restart forgets nothing."""
        for kind, far in self.reach.items():
            window = self.store.window(kind, now - far, now)
            devices = self.store.sources(kind, now - far, now)
            self.live.load(window, *devices[:1])
            newest = moment(window.times[-1]) if len(window) else None
            if newest is None or now - newest > RECENT:
                continue
            for device in devices:
                latest = self.store.latest_of(device, kind)
                if latest is not None:
                    self._newest[kind, device] = min(latest.time, now)
            for rule in self._concerned[kind]:
                if rule.later is not None:  # the program may have stopped before it could be asked
                    self._quiet[rule.name] = (rule, newest, newest)

    def take(self, events: Sequence[Event]) -> list[Update]:
        """Store what a batch of events brings in one go, and ask the rules that it concerns."""
        taken: list[tuple[Event, Sequence[Reading], Sequence[str]]] = []
        for event in events:
            if isinstance(event, Notification):
                self.tally.notifications += 1
                took = self.ingest.take(event)
                if took.refused:
                    self.tally.refuse(took.refused)
                taken.append((event, took.readings, took.refused))
            elif isinstance(event, Identity):
                self._know(event)
                taken.append((event, self.ingest.battery(event), ()))
            else:
                self._note(event)
                taken.append((event, (), ()))
        kept = self._keep([readings for _, readings, _ in taken])
        now = self.clock()
        updates = []
        for (event, _, refused), stored in zip(taken, kept, strict=True):
            alerts: Sequence[Alert] = ()
            if stored and isinstance(event, Notification):
                alerts = self.consider(stored, event.received_at, now)
            updates.append(Update(event=event, stored=stored, refused=refused, alerts=alerts))
        return updates

    def _note(self, event: LinkEvent) -> None:
        self.tally.dropped += event.dropped
        try:
            self.links.note(event)
        except StoreError as error:
            _LOG.error("What became of the link to %s could not be stored. %s", event.device, error)

    def _know(self, identity: Identity) -> None:
        try:
            self.store.know_device(device_from(identity, self.store.device(identity.device)))
        except StoreError as error:
            _LOG.error("What %s says of itself could not be stored. %s", identity.device, error)

    def _keep(self, groups: Sequence[Sequence[Reading]]) -> Sequence[Sequence[Reading]]:
        """Store readings and return the new ones of each group; while the store takes none, they wait."""
        readings = [reading for group in groups for reading in group]
        if not readings:
            return groups
        try:
            stored = self.store.append([*self.waiting, *readings] if self.waiting else readings)
        except StoreError as error:
            if not self.waiting:
                _LOG.error("%s Readings are judged, and wait in memory for the store.", error)
            room = WAITING - len(self.waiting)
            self.waiting += readings[:room]
            self.tally.unsaved += max(0, len(readings) - room)
            return groups
        self.tally.stored += len(stored)
        self.tally.duplicates += len(self.waiting) + len(readings) - len(stored)
        waited = bool(self.waiting)
        self.waiting.clear()
        if len(stored) == len(readings) and not waited:
            ahead = iter(stored)
            return [[next(ahead) for _ in group] for group in groups]
        new = {(r.kind, r.time, r.device): r for r in stored}
        return [
            [r for key in ((r.kind, r.time, r.device) for r in group) if (r := new.pop(key, None))]
            for group in groups
        ]

    def flush(self, now: datetime | None = None) -> list[Update]:
        """Store what was held back for a word that did not come; without `now` all of it."""
        held = self.ingest.flush(now)
        if not held:
            return []
        [stored] = self._keep([held])
        at = now or self.clock()
        alerts = self.consider(stored, at, at) if stored else ()
        return [Update(event=None, stored=stored, alerts=alerts)]

    def finish(self) -> None:
        """Store what still waits, and make everything durable. Raises `StoreError`: so many could not be."""
        self.flush()
        waited = len(self.waiting)
        try:
            if self.waiting:
                stored = len(self.store.append(self.waiting))
                self.tally.stored += stored
                self.tally.duplicates += waited - stored
            self.store.commit()
        except StoreError as error:
            self.tally.unsaved += waited
            lost = f"{waited} readings that waited in memory for it, and what" if waited else "What"
            came = "came in the second before it took no more" if waited else "came in the last second"
            raise type(error)(f"{error.message} {lost} {came} could not be kept.", error.hint) from error

    def consider(self, readings: Sequence[Reading], received_at: datetime, now: datetime) -> Sequence[Alert]:
        """Take new readings into the live windows, and ask every rule that looks at one of their kinds.

        One that was asked a moment ago is owed the question. Returns the alerts this raised.

        What was measured a while ago (a cuff that was switched on late, or whose clock is an hour slow) is
        judged as of then too, so that it does not fall out of what the rules look back on. Where something
        newer of its kind is known already by the same device it is history: it changes no alert, and raises
        none.
        """
        newest = readings[0].time if len(readings) == 1 else max(reading.time for reading in readings)
        self.live.add(readings, received_at)
        late = received_at - newest > LATE
        if late:
            self.history.changed(reading.time for reading in readings)
        if self._is_history(readings, newest, late, max(received_at, now)):
            return ()
        raised = []
        for reading in readings:
            usable = not (late or reading.quality.value & _UNUSABLE or reading.kind in EXPLAINS)
            for rule in self._concerned[reading.kind]:
                known = usable and self._may_say(rule, reading)
                if rule.later is not None:
                    self._quiet[rule.name] = (rule, newest, received_at)
                asked = self._asked.get(rule.name)
                if asked is received_at:
                    continue  # for another reading of the same notification
                if not late and asked is not None and abs(received_at - asked) < rule.every:
                    owed = self._owed.get(rule.name)
                    self._owed[rule.name] = (rule, newest, received_at, known or bool(owed and owed[3]))
                elif alert := self._ask(rule, newest, received_at, known):
                    raised.append(alert)
        return raised

    def _may_say(self, rule: Rule, reading: Reading) -> bool:
        """Say whether a reading can say that what a rule found is over: of a stream only its own device.

        A device that has fallen silent is not well because another one says so.
        """
        alert = self.engine.open_alert(rule.name)
        if alert is None or KINDS[reading.kind].holds is None:
            return True
        key = alert.id, alert.finding.severity  # what is worse may be another device's
        devices = self._showed.get(key)
        if devices is None:
            devices = self._showed[key] = self._sources(alert)
        return not devices or reading.device in devices

    def _sources(self, alert: Alert) -> frozenset[str]:
        """The devices whose readings an alert stands on; none where that cannot be had."""
        ids = {id_ for feature in alert.finding.evidence for id_ in feature.readings if id_ >= 0}
        try:
            found = [self.store.reading(id_) for id_ in ids]
        except StoreError:
            return frozenset()
        if len(self._showed) > _MOST_SHOWED:
            self._showed.clear()
        return frozenset(one.device for one in found if one is not None and KINDS[one.kind].holds)

    def _is_history(self, readings: Sequence[Reading], newest: datetime, late: bool, now: datetime) -> bool:
        """Say whether readings are about what is over: long ago, or late and overtaken by newer ones."""
        overtaken = True
        for reading in readings:
            known = self._newest.get((reading.kind, reading.device))
            if known is None or reading.time >= known:
                overtaken = False
                self._newest[reading.kind, reading.device] = reading.time
        return now - newest > RECENT or (late and overtaken)

    def _ask(self, rule: Rule, newest: datetime, received_at: datetime, known: bool) -> Alert | None:
        """Ask a rule about this moment, and about the one of the newest reading where that is long past.

        `known` says whether the readings can say that all is well.
        """
        self._asked[rule.name] = received_at
        self._owed.pop(rule.name, None)
        late = received_at - newest > LATE
        found = [
            finding
            for now in ((newest, received_at) if late else (received_at,))
            if (finding := judge(rule, self._windows(rule, now), now, zone=self.zone))
        ]
        worst = max(found, key=lambda finding: finding.severity, default=None)
        return self.engine.update(rule, worst, received_at, known=known)

    def _windows(self, rule: Rule, now: datetime) -> Windows:
        return self.live.windows(rule.kinds, now, rule.lookback)

    def _asked_later(self, now: datetime) -> list[Alert | None]:
        """Ask the rules that want to know what a reading is worth after which nothing came for a while.

        Not before that while is over, also when the program stops: the next start asks.
        """
        raised = []
        for rule, newest, received_at in list(self._quiet.values()):
            if rule.later is None or now - received_at < rule.later:
                continue
            del self._quiet[rule.name]
            then = newest + rule.later
            finding = judge(rule, self._windows(rule, then), then, zone=self.zone)
            if finding is not None:
                # The moment that it is said of, not the one of asking: a clock that leapt (a machine that
                # slept) would make another episode of the one that is told already.
                raised.append(self.engine.update(rule, finding, max(then, received_at)))
        return raised

    def settle(self, *, last: bool = False) -> Sequence[Alert]:
        """Ask the rules that are owed a question and may be asked again, and look after the days.

        At the `last` every rule is asked that is owed one, and nothing more is waited for. Returns the alerts
        this raised.
        """
        now = self.clock()
        due = [
            owed
            for owed in self._owed.values()
            if last or abs(now - self._asked.get(owed[0].name, now)) >= owed[0].every
        ]
        raised = [self._ask(*owed) for owed in due]
        raised += self._asked_later(now)
        raised += [
            self.engine.update(rule, finding, now, known=False)  # a day may be missing: that is not well
            for rule, finding in self._daily.step(now, self._windows)
        ]
        return [alert for alert in raised if alert]
