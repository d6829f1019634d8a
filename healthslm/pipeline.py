"""The three verbs that compose everything: `collect()` always, `review()` when asked, `ask()` for a question.

Nothing in here computes, decides or formats; it says who is called in which order.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from device import Event, Identity, LinkEvent
from healthslm.alerts import Alert, Courier, Engine, Hook
from healthslm.analysis import describe, hrv
from healthslm.clock import utc_now
from healthslm.errors import StoreError
from healthslm.ingest import Ingest, device_from
from healthslm.live import Live
from healthslm.query import perform
from healthslm.readings import Device, Feature, Finding, Kind, Person, Reading, Review, Summary, Window
from healthslm.rules import RULES, Rule, judge, scan_all
from healthslm.rules.rhythm import IRREGULAR_RHYTHM
from healthslm.slm import Audience, Writer, answer, narrate, route
from healthslm.slm.tools import Call, Unclear
from healthslm.store import Store

_LOG = logging.getLogger(__name__)
WAITING = 200_000
"""Readings that are kept in memory while the store takes none: a day of everything."""
RECENT = timedelta(hours=3)
"""What was measured longer ago than this raises no alarm: it is history, and stands in the findings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What came of one event: what `collect()` tells its observer."""

    event: Event
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


class _Collector:
    """What `collect()` keeps between two events."""

    def __init__(self, store: Store, engine: Engine, rules: Sequence[Rule], zone: ZoneInfo) -> None:
        self.store = store
        self.engine = engine
        self.rules = rules
        self.reach = max((rule.lookback for rule in rules), default=timedelta(hours=1))
        self.live = Live(self.reach)
        self.ingest = Ingest(zone)
        self.waiting: list[Reading] = []
        self.tally = Tally()

    def remember(self, now: datetime) -> None:
        """Fill the live windows from the store, so that a restart forgets nothing."""
        for kind in {k for rule in self.rules for k in rule.kinds}:
            self.live.load(self.store.window(kind, now - self.reach, now))

    def take(self, event: Event) -> Update:
        """Store what one event brings and ask the rules that it concerns."""
        if isinstance(event, LinkEvent):
            self.tally.dropped += event.dropped
            return Update(event=event)
        if isinstance(event, Identity):
            self._know(event)
            return Update(event=event, stored=self._keep(self.ingest.battery(event)))
        self.tally.notifications += 1
        took = self.ingest.take(event)
        for reason in took.refused:
            self.tally.refused += 1
            self.tally.reasons[reason] = self.tally.reasons.get(reason, 0) + 1
        kept = self._keep(took.readings)
        self.live.add(kept, event.received_at)
        return Update(
            event=event, stored=kept, refused=took.refused, alerts=self._judge(kept, event.received_at)
        )

    def _know(self, identity: Identity) -> None:
        try:
            self.store.know_device(device_from(identity, self.store.device(identity.device)))
        except StoreError as error:
            _LOG.error("What %s says of itself could not be stored. %s", identity.device, error)

    def _keep(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Store readings and return the new ones; while the store takes none, they wait and are judged."""
        if not readings:
            return ()
        try:
            stored = self.store.append([*self.waiting, *readings])
        except StoreError as error:
            if not self.waiting:
                _LOG.error("%s Readings are judged, and wait in memory for the store.", error)
            room = WAITING - len(self.waiting)
            self.waiting += readings[:room]
            self.tally.unsaved += max(0, len(readings) - room)
            return readings
        self.tally.stored += len(stored)
        self.tally.duplicates += len(self.waiting) + len(readings) - len(stored)
        if not self.waiting:
            return stored
        self.waiting.clear()
        new = {(r.kind, r.time, r.device) for r in readings}
        return [r for r in stored if (r.kind, r.time, r.device) in new]

    def finish(self) -> None:
        """Store what still waits, and make everything durable. Raises `StoreError` when that cannot be."""
        self.tally.unsaved += len(self.waiting)
        if self.waiting:
            waited = len(self.waiting)
            self.tally.stored += len(self.store.append(self.waiting))
            self.tally.unsaved -= waited
        self.store.commit()

    def _judge(self, readings: Sequence[Reading], received_at: datetime) -> list[Alert]:
        """Ask every rule that looks at one of these kinds; the alerts that this raised.

        What was measured a while ago (a cuff that was switched on late, or whose clock is an hour slow) is
        judged as of then too, so that it does not fall out of what the rules look back on.
        """
        kinds = {r.kind for r in readings}
        if not kinds:
            return []
        newest = max(r.time for r in readings)
        if received_at - newest > RECENT:
            return []  # from a device's memory: it stands in the findings, and changes no alert
        late = received_at - newest > timedelta(minutes=1)
        raised = []
        for rule in self.rules:
            if kinds.isdisjoint(rule.kinds):
                continue
            found = [
                finding
                for now in ((newest, received_at) if late else (received_at,))
                if (finding := judge(rule, self.live.windows(rule.kinds, now, rule.lookback), now))
            ]
            worst = max(found, key=lambda f: f.severity, default=None)
            if alert := self.engine.update(rule, worst, received_at):
                raised.append(alert)
        return raised


async def collect(
    events: AsyncIterator[Event],
    store: Store,
    *,
    zone: ZoneInfo,
    hooks: Sequence[Hook] = (),
    rules: Sequence[Rule] = RULES,
    clock: Callable[[], datetime] = utc_now,
    wall_clock: Callable[[], datetime] = utc_now,
    observe: Callable[[Update], None] = lambda _update: None,
    delivered: Callable[[str, str], None] = lambda _alert, _hook: None,
    stop: asyncio.Event | None = None,
) -> Tally:
    """Store every event's readings, judge them, and alert; until the events end or `stop` is set.

    Readings are durable within a second, an alert and its evidence before its hook is called. `clock` is the
    data's clock, `wall_clock` that of deliveries; they differ only when a recorded day is played. `observe`
    sees what came of each event, `delivered(alert_id, hook)` each alert that a hook took.
    """

    def on_delivered(alert_id: str, hook: str) -> None:
        engine.delivered(alert_id, hook)
        delivered(alert_id, hook)

    bringing = Courier(store, hooks, clock=wall_clock, on_delivered=on_delivered)
    engine = Engine(store, hooks, clock=wall_clock, bring=bringing.bring)
    collector = _Collector(store, engine, rules, zone)
    collector.remember(clock())

    async def consume() -> None:
        async for event in events:
            update = collector.take(event)
            if update.alerts:
                courier.wake()
                # A full queue never lets go of the loop by itself; the alert must not wait behind it.
                await asyncio.sleep(0)
            try:
                observe(update)
            except Exception:  # whoever watches must not end the watch
                _LOG.exception("What came of an event could not be shown.")

    async with bringing as courier:
        stopped = (stop or asyncio.Event()).wait()
        tasks = [asyncio.create_task(c) for c in (consume(), stopped, _commit_every_second(store))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # what ended it, if it was an error
            await courier.drain(seconds=10)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            collector.finish()
    return collector.tally


async def _commit_every_second(store: Store) -> None:
    """Bound what a power cut can take: nothing stays uncommitted for more than a second."""
    while True:
        await asyncio.sleep(0.5)
        try:
            store.commit_if_due(time.monotonic())
        except StoreError as error:
            _LOG.error("%s What was measured waits in memory; trying again.", error)


def features_of(windows: Mapping[Kind, Window], *, irregular: bool) -> tuple[Feature, ...]:
    """Return what analysis makes of a period's windows, kind by kind in the order of the table of kinds.

    The variability of a rhythm that was `irregular` for a while is not what its numbers mean: not given.
    """
    features: list[Feature] = []
    for kind in (k for k in Kind if k in windows):
        if kind is Kind.RR_INTERVAL:
            why = "the rhythm was irregular for part of the time"
            features += [replace(f, value=None, reason=why) if irregular else f for f in hrv(windows[kind])]
        elif kind is not Kind.BATTERY:
            features += describe(windows[kind])
    return tuple(features)


def review(
    store: Store,
    start: datetime,
    end: datetime,
    *,
    zone: ZoneInfo,
    made_at: datetime,
    audiences: Sequence[Audience] = (Audience.WEARER,),
    writer: Writer | None = None,
    rules: Sequence[Rule] = RULES,
) -> Review:
    """Review `[start, end)`: its readings, what the rules found in them, and a text for each audience.

    The findings are computed anew from the stored readings, by the rules that are in force now. A kind that
    was ever measured and is missing in this period is among the features, as a value that is not known.
    """
    span = store.span()
    ever = store.kinds(span[0], span[1] + timedelta(microseconds=1)) if span else set()
    windows = {kind: store.window(kind, start, end) for kind in Kind if kind in ever}
    findings = scan_all(rules, windows)
    features = features_of(windows, irregular=any(f.rule == IRREGULAR_RHYTHM.name for f in findings))
    texts = {
        audience: narrate(findings, features, audience=audience, zone=zone, writer=writer)
        for audience in audiences
    }
    sources = {kind: store.sources(kind, start, end) for kind in windows}
    heard = {address for addresses in sources.values() for address in addresses}
    person = store.get("person", {})
    return Review(
        person=Person(name=person.get("name", ""), birth_date=person.get("birth_date", "")),
        start=start,
        end=end,
        made_at=made_at,
        timezone=zone.key,
        devices=tuple(store.device(address) for address in sorted(heard)),
        windows=windows,
        features=features,
        findings=findings,
        summary=texts.get(Audience.WEARER),
        clinical=texts.get(Audience.CLINICIAN),
        notes={"rules": {rule.name: rule.version for rule in rules}},
        sources=sources,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A question's way: the call that it became, the features it brought, and the answer in words."""

    call: Call | Unclear
    features: tuple[Feature, ...]
    findings: tuple[Finding, ...]
    answer: Summary


def ask(
    store: Store,
    question: str,
    *,
    now: datetime,
    zone: ZoneInfo,
    writer: Writer | None = None,
    rules: Sequence[Rule] = RULES,
) -> Answered:
    """Answer a question: a route, one typed, read-only query, and words that are held to what it brought."""
    call = route(question, now, zone)
    result = perform(call, store, now=now, zone=zone, rules=rules)
    words = answer(call, result.features, findings=result.findings, zone=zone, writer=writer)
    return Answered(call=call, features=result.features, findings=result.findings, answer=words)


def origins(store: Store, summary: Summary) -> dict[int, Device]:
    """Return which device sent each reading that a text's numbers stand on, by the reading's id."""
    ids = {i for sentence in summary.sentences for claim in sentence.claims for i in claim.feature.readings}
    found = {i: store.reading(i) for i in ids}
    return {i: store.device(reading.device) for i, reading in found.items() if reading is not None}
