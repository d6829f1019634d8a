"""The three verbs that compose everything: `collect()` always, `review()` when asked, `ask()` for a question.

Nothing in here computes, decides or formats; it says who is called in which order.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from device import Event, Kept, batches, left
from healthslm.absence import STEADY_FOR, Absence
from healthslm.alerts import Alert, Courier, Engine, Hook, desk
from healthslm.alerts.courier import Carry, call_here
from healthslm.alerts.policy import policy_of
from healthslm.analysis.measures import measures
from healthslm.clock import utc_now
from healthslm.collector import EVERY, Collector, Tally, Update
from healthslm.errors import HealthslmError, StoreError
from healthslm.history import LONG, History, overview, strip, usual
from healthslm.links import losses
from healthslm.query import perform
from healthslm.readings import (
    KINDS,
    Device,
    Feature,
    Finding,
    Kind,
    Note,
    Person,
    Review,
    Sentence,
    Summary,
)
from healthslm.reviewed import features_of, of_the_days, origins_of
from healthslm.rounds import Rounds
from healthslm.rulebook import guideline, in_force
from healthslm.rules import Rule, by_severity
from healthslm.rules.rhythm import IRREGULAR_RHYTHM
from healthslm.slm import EPISODES, Audience, Model, Reader, Triage, Writer, answer, narrate, route, triage
from healthslm.slm.tools import Call, Emergency, Unclear
from healthslm.store import Store

_LOG = logging.getLogger(__name__)
_STORED = {"2A18": Kind.GLUCOSE, "2AA7": Kind.SENSOR_GLUCOSE}
"""What the stored records of a characteristic become."""
_SLOW = timedelta(minutes=5)
"""Readings that speak for so long are few enough to be read one by one, however long the period."""


async def collect(
    events: AsyncIterator[Event],
    store: Store,
    *,
    zone: ZoneInfo,
    zone_now: Callable[[], ZoneInfo] | None = None,
    hooks: Sequence[Hook] = (),
    hooks_now: Callable[[], Sequence[Hook]] | None = None,
    carry: Carry = call_here,
    rules: Sequence[Rule] | None = None,
    clock: Callable[[], datetime] = utc_now,
    wall_clock: Callable[[], datetime] = utc_now,
    observe: Callable[[Update], None] = lambda _update: None,
    delivered: Callable[[str, str], None] = lambda _alert, _hook: None,
    elsewhere: Callable[[], None] = lambda: None,
    stop: asyncio.Event | None = None,
    counter: Callable[[], float] | None = None,
    alive: Callable[[], None] = lambda: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Tally:
    """Store every event's readings, judge them, and alert; until the events end or `stop` is set.

    Readings are durable within a second, an alert and its evidence before its hook is called. `clock` is the
    data's clock, `wall_clock` that of deliveries; they differ only when a recorded day is played. `carry`
    calls the hooks, in this process unless another does it; `hooks_now` is asked again whenever another
    process has written to the store. Days begin in `zone`; quiet hours are those of
    `zone_now`, where the person is just now. `observe` sees what came of each event, `delivered(alert_id,
    hook)` each alert that a hook took. `elsewhere` is called whenever another process has written to the
    store, as one that put a wearable on the list. With a `counter` (seconds, that go on while the machine
    sleeps) what is absent is an event too. `alive` is called at each of the rounds, ten a second: not while
    they hang. `monotonic` counts for how long a hook that failed is left alone.
    """
    collecting = _Collecting(
        store,
        zone=zone,
        zone_now=zone_now or (lambda: zone),
        hooks=hooks,
        hooks_now=hooks_now,
        carry=carry,
        rules=in_force(store) if rules is None else rules,
        clock=clock,
        wall_clock=wall_clock,
        observe=observe,
        delivered=delivered,
        elsewhere=elsewhere,
        counter=counter,
        alive=alive,
        monotonic=monotonic,
    )
    async with collecting.courier as courier:
        stopped = (stop or asyncio.Event()).wait()
        work = (collecting.consume(events), stopped, collecting.settle(), _commit_every_second(store))
        tasks = [asyncio.create_task(one) for one in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # what ended it, if it was an error
            collecting.last()
            await courier.drain(seconds=10)
            collecting.rounds.finish(clock())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for batch in left(events):  # what came while the hooks were called
                collecting.tell(collecting.collector.take(batch))
            collecting.collector.finish()
    return collecting.collector.tally


class _Collecting:
    """The parts that `collect()` is made of, and who tells whom."""

    def __init__(
        self,
        store: Store,
        *,
        zone: ZoneInfo,
        zone_now: Callable[[], ZoneInfo],
        hooks: Sequence[Hook],
        hooks_now: Callable[[], Sequence[Hook]] | None,
        carry: Carry,
        rules: Sequence[Rule],
        clock: Callable[[], datetime],
        wall_clock: Callable[[], datetime],
        observe: Callable[[Update], None],
        delivered: Callable[[str, str], None],
        elsewhere: Callable[[], None],
        counter: Callable[[], float] | None,
        alive: Callable[[], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._store, self._alive = store, alive
        self._written_elsewhere = elsewhere
        self._elsewhere = store.changed_elsewhere
        self._removed = desk.forgotten(store)
        self._said = ""
        self._hooks, self._hooks_now = tuple(hooks), hooks_now or (lambda: hooks)
        self._clock, self._counter = clock, counter or (lambda: 0.0)
        self._observe, self._delivered = observe, delivered
        self.courier = Courier(
            store,
            hooks,
            clock=wall_clock,
            carry=carry,
            on_delivered=self._on_delivered,
            monotonic=monotonic,
        )
        self._engine = Engine(store, hooks, clock=wall_clock, zone=zone_now, post=self.courier)
        self.collector = Collector(store, self._engine, rules, zone, clock)
        self.collector.remember(clock())
        absence = None if counter is None else _absence(store, self._engine, zone, clock(), counter())
        self.rounds = Rounds(store, self._engine, hooks, self.courier, absence)

    async def consume(self, events: AsyncIterator[Event]) -> None:
        """Take the events in, until there are no more."""
        async for batch in batches(events):
            self.tell(self.collector.take(batch))
            # A queue that is never empty never lets go of the loop by itself; no alert may wait behind it.
            await asyncio.sleep(0)

    async def settle(self) -> None:
        """Do again and again what is due by the clock. A store that cannot be read ends nothing."""
        while True:
            await asyncio.sleep(EVERY.total_seconds())
            self._alive()
            now = self._clock()
            try:
                self.tell(self.collector.flush(now))
                self._look_elsewhere()
                missed = self.rounds.make(now, self._counter())
                self._tell_of([*self.collector.settle(), *missed, *self._engine.tick(now)])
            except StoreError as error:
                _LOG.error("What is due could not be looked after. %s", error)
                await asyncio.sleep(1)

    def _look_elsewhere(self) -> None:
        """Take over what another process has set: whom to tell, and what to miss."""
        elsewhere = self._store.changed_elsewhere
        if elsewhere == self._elsewhere:
            return
        try:
            hooks, removed = tuple(self._hooks_now()), desk.forgotten(self._store)
            self.rounds.wished(policy_of(self._store))
            self._written_elsewhere()
        except HealthslmError as error:  # rather as it was than not at all, and looked at again
            if str(error) != self._said:
                self._said = str(error)
                _LOG.error("%s", error)
            return
        anew = {name for name, times in removed.items() if times != self._removed.get(name)}
        if hooks != self._hooks or anew:
            self._engine.use(hooks, anew)
            self.courier.use(hooks)
            self.rounds.use(hooks)
        self._hooks, self._removed, self._elsewhere, self._said = hooks, removed, elsewhere, ""

    def last(self) -> None:
        """Ask what is still to be asked, when nothing more comes."""
        self.tell(self.collector.flush())
        self._tell_of(self.collector.settle(last=True))

    def _tell_of(self, alerts: Sequence[Alert]) -> None:
        if alerts:
            self.tell([Update(event=None, alerts=alerts)])

    def tell(self, updates: Sequence[Update]) -> None:
        """Tell whoever watches what came of events."""
        for update in updates:
            self.rounds.heard(update.event, update.stored)
            try:
                self._observe(update)
            except Exception:  # whoever watches must not end the watch
                _LOG.exception("What came of an event could not be shown.")

    def _on_delivered(self, alert_ids: Sequence[str], hook: str, row: int) -> None:
        self._engine.delivered(alert_ids, hook, row)
        for alert_id in alert_ids:
            try:
                self._delivered(alert_id, hook)
            except Exception:  # whoever watches must not have an alert delivered twice
                _LOG.exception("That an alert was delivered could not be shown.")


def _absence(store: Store, engine: Engine, zone: ZoneInfo, now: datetime, counted: float) -> Absence:
    policy = policy_of(store)
    return Absence(
        store,
        now=now,
        monotonic=counted,
        zone=zone,
        expected=policy.expected,
        held=[alert.rule for alert in engine.open_alerts],
        steady_for=None if policy.paced else STEADY_FOR,
    )


_TICK_S = 0.1
"""Together with what `commit_if_due` waits it makes a second."""


async def _commit_every_second(store: Store) -> None:
    """Bound what a power cut can take: nothing stays uncommitted for more than a second."""
    while True:
        await asyncio.sleep(_TICK_S)
        try:
            store.commit_if_due(time.monotonic())
        except StoreError as error:
            _LOG.error("%s What was measured waits in memory; trying again.", error)
            await asyncio.sleep(1)


def kept(store: Store, address: str, characteristic: str) -> Kept | None:
    """Return the last stored record that is kept of a device: where a link goes on fetching."""
    kind = _STORED.get(characteristic)
    last = None if kind is None else store.latest_of(address, kind)
    if last is None or last.sequence is None:
        return None
    return Kept(sequence=last.sequence, device_time=last.device_time)


def review(
    store: Store,
    start: datetime,
    end: datetime,
    *,
    zone: ZoneInfo,
    made_at: datetime,
    audiences: Sequence[Audience] = (Audience.WEARER,),
    writer: Writer | None = None,
    rules: Sequence[Rule] | None = None,
) -> Review:
    """Review `[start, end)`: its readings, what the rules found in them, and a text for each audience.

    The findings are computed anew from the stored readings, by `rules` or those in force for this person. A
    kind that was ever measured and is missing in this period is among the features, as a value not known.
    """
    span = store.span()
    ever = store.kinds(span[0], span[1] + timedelta(microseconds=1)) if span else set()
    measured = [kind for kind in Kind if kind in ever and not KINDS[kind].waveform]
    long = [kind for kind in measured if end - start > LONG and (KINDS[kind].holds or _SLOW) < _SLOW]
    seen = {kind: overview(store, kind, start, end) for kind in long}
    windows = {
        kind: seen[kind].window if kind in seen else store.window(kind, start, end) for kind in measured
    }
    rules = in_force(store) if rules is None else rules
    history = History(store, zone)
    found = history.findings(rules, start, end)
    findings = by_severity((*found, *losses(store, start, end)))
    features = features_of(
        windows,
        irregular=any(f.rule == IRREGULAR_RHYTHM.name for f in findings),
        known={kind: one.features for kind, one in seen.items()},
    )
    texts = {
        audience: narrate(
            findings,
            features,
            audience=audience,
            zone=zone,
            writer=writer,
            episodes=1 if end - start > LONG else EPISODES,
        )
        for audience in audiences
    }
    whole = {kind: window for kind, window in windows.items() if window.step is None}
    of_days = of_the_days(history, windows, start, end, zone)
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
        features=(
            *features,
            *measures(whole, zone),
            *of_days,
            *usual(store, (kind for kind, window in windows.items() if len(window)), start, zone),
        ),
        findings=findings,
        summary=texts.get(Audience.WEARER),
        clinical=texts.get(Audience.CLINICIAN),
        notes={
            "rules": {rule.name: rule.version for rule in rules},
            "pressure guideline": guideline(store).name,
        },
        sources=sources,
        thresholds={rule.name: rule.thresholds for rule in rules},
        written=tuple(store.notes(start, end)),
        origins=origins_of(store, windows, sources),
        beats=strip(store, findings, of_days),
        spreads={kind: (one.lowest, one.highest) for kind, one in seen.items()},
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
    writer: Model | None = None,
    rules: Sequence[Rule] | None = None,
    said: Callable[[Sentence], None] = lambda _sentence: None,
) -> Answered:
    """Answer a question: a route, one typed, read-only query, and words that are held to what it brought.

    One in another language than English is told so, and gets the template's summary of the last day. `said`
    gets the first sentences as soon as each stands; the answer has them all, and has the last word.
    """
    rules = in_force(store) if rules is None else rules
    routed = route(question, now, zone, writer)
    result = perform(routed.call, store, now=now, zone=zone, rules=rules)
    words = answer(
        routed.call,
        result.features,
        findings=result.findings,
        zone=zone,
        writer=writer,
        language=routed.language,
        said=said,
    )
    if isinstance(routed.call, Unclear) and routed.language:
        begin, end = last_day(store, now, zone)
        known = review(store, begin, end, zone=zone, made_at=now, rules=rules).summary
        words = replace(words, sentences=(*words.sentences, *(known.sentences if known else ())))
    return Answered(call=routed.call, features=result.features, findings=result.findings, answer=words)


def at_once(question: str, *, now: datetime, zone: ZoneInfo) -> Answered | None:
    """Answer words of an emergency: they wait for no key, no store and no model. `None` for any other."""
    routed = route(question, now, zone)
    if not isinstance(routed.call, Emergency):
        return None
    words = answer(routed.call, (), zone=zone, writer=None, language=routed.language)
    return Answered(call=routed.call, features=(), findings=(), answer=words)


def last_day(store: Store, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the last day, by `now`, on which anything was measured; today where nothing ever was.

    Today ends now: what is still to come is no gap, and the day is not a whole one.
    """
    span = store.span()
    last = min(span[1], now) if span else now
    begin = last.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    until = min(begin + timedelta(days=1), now)
    return begin, until if until > begin else begin + timedelta(days=1)


def noted(store: Store, text: str, *, now: datetime, zone: ZoneInfo, reader: Reader | None = None) -> Triage:
    """Give a note its level, by its words and by the last day's findings that still hold, and keep it."""
    lately = History(store, zone).findings(in_force(store), now - timedelta(days=1), now)
    result = triage(text, reader, lately)
    store.add_note(Note(time=now, text=text, level=result.level, reason=result.reason, origin=result.origin))
    store.commit()
    return result


def origins(store: Store, summary: Summary) -> dict[int, Device]:
    """Return which device sent each reading that a text's numbers stand on, by the reading's id."""
    ids = {i for sentence in summary.sentences for claim in sentence.claims for i in claim.feature.readings}
    found = {i: store.reading(i) for i in ids}
    return {i: store.device(reading.device) for i, reading in found.items() if reading is not None}
