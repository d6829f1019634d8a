"""Puts what hooks are to be told into the outbox, and notes in the alerts who was told and who took it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Protocol

from healthslm.alerts.alert import CLOCK_SLACK, Alert, AlertState, Held, Told
from healthslm.alerts.book import Book
from healthslm.alerts.desk import LATELY, all_snoozed_until, call_off, untold
from healthslm.alerts.detected_issue import given
from healthslm.alerts.hooks import Hook
from healthslm.alerts.kept import AlertStore
from healthslm.alerts.loose import Letter
from healthslm.alerts.payload import CALLS, Occasion
from healthslm.alerts.policy import Policy
from healthslm.alerts.telling import Lately, Message, afterwards, held_for_all, messages
from healthslm.errors import StoreError
from healthslm.readings import Severity

_LOG = logging.getLogger(__name__)


class Post(Protocol):
    """Who takes payloads to the hooks."""

    def wake(self, hook: str) -> None:
        """Hear that there is something new for a hook in the outbox."""
        ...

    def bring(self, hook: str, letter: Letter) -> None:
        """Take a payload that is not on the disk."""
        ...


class Nobody:
    """A `Post` where the outbox is looked at by somebody else."""

    def wake(self, hook: str) -> None:
        """Tell nobody."""

    def bring(self, hook: str, letter: Letter) -> None:
        """Bring it to nobody."""


class Teller:
    """Tells hooks of alerts; see `Engine` for the arguments. Nothing is on its way before `commit()`."""

    def __init__(
        self,
        store: AlertStore,
        book: Book,
        hooks: Sequence[Hook],
        *,
        clock: Callable[[], datetime],
        zone: Callable[[], tzinfo],
        post: Post,
    ) -> None:
        self._store = store
        self._book = book
        self._hooks = tuple(hooks)
        self._clock = clock
        self._zone = zone
        self._post = post
        self._queued: list[tuple[str, Letter]] = []
        self._now: datetime | None = None
        kept = store.get(LATELY, {})
        known = kept if isinstance(kept, dict) else {}
        self._lately = {h.name: Lately.from_json(known.get(h.name)) for h in hooks}

    def use(self, hooks: Sequence[Hook], anew: Collection[str] = ()) -> None:
        """Tell these hooks from now on. What another of the same name was told, a new one was not.

        `anew` are names that were removed meanwhile, and are there again though nothing is otherwise.
        """
        gone = {hook.name for hook in self._hooks if hook not in hooks} | set(anew)
        self._hooks = tuple(hooks)
        kept = {name: lately for name, lately in self._lately.items() if name not in gone}
        self._lately = {h.name: kept.get(h.name) or Lately() for h in hooks}
        for name in gone:
            self._store.outbox_forget(name)
        for alert in [*self._book.open.values(), *self._book.untold.values()]:
            self._book.note(alert, **untold(alert, gone))

    def tell_again(self) -> None:
        """Take back that hooks were told what was in memory alone when the program ended."""
        for alert in [*self._book.open.values(), *self._book.untold.values()]:
            lost = {h for h, told in alert.told.items() if told.row < 0 and h not in alert.delivered_to}
            self._book.note(alert, **untold(alert, lost))

    def tell(self, alerts: Iterable[Alert], policy: Policy, now: datetime) -> None:
        """Put into the outbox what is due of these alerts, and note why the others wait."""
        self._now = now
        free = self._not_held_for_all(alerts, policy, now)
        held: dict[str, Held] = {}
        sent = False
        for hook in self._hooks:
            told, waiting = messages(free, hook, policy, self._lately[hook.name], now)
            held |= waiting
            for message in told:
                sent = True
                self._was_told(message, self._send(message), now)
        for alert in map(self._book.latest, free):
            why = held.get(alert.id, Held.NOT)
            if alert.held is not why:
                self._book.keep(replace(alert, held=why))
        if sent:
            self._keep_lately()

    def _not_held_for_all(self, alerts: Iterable[Alert], policy: Policy, now: datetime) -> list[Alert]:
        local = now.astimezone(self._zone())
        snoozed = all_snoozed_until(self._store, now) is not None
        free: list[Alert] = []
        for alert in alerts:
            if (
                alert.state in (AlertState.PENDING, AlertState.ACKNOWLEDGED)
                or alert.severity is Severity.INFO
            ):
                continue
            why = held_for_all(alert, policy, now, local, snoozed)
            if why is not Held.NOT:
                if alert.held is not why:
                    self._book.keep(replace(alert, held=why))
            elif alert.due_since is None or alert.due_since > now + CLOCK_SLACK:
                free.append(self._book.note(alert, due_since=now))
            else:
                free.append(alert)
        return free

    def _was_told(self, message: Message, row: int, now: datetime) -> None:
        hook = message.hook.name
        for alert in map(self._book.latest, message.alerts):
            times = alert.told[hook].times + 1 if hook in alert.told else 1
            self._book.note(alert, told={**alert.told, hook: Told(at=now, row=row, times=times)})

    def acknowledged(self, alert: Alert) -> None:
        """Tell those who want to hear it that somebody has seen an alert."""
        self._book.note(alert, seen_told=True)
        for message in afterwards(alert, self._hooks, Occasion.ACKNOWLEDGED):
            self._send(message)

    def over(self, alert: Alert) -> None:
        """Tell those who want to hear it that an alert is over; nobody is called for it any more."""
        try:
            call_off(self._store, self._now or self._clock())
        except StoreError as error:
            _LOG.error("That an alert is over could not be stored. %s", error)
        for message in afterwards(alert, self._hooks, Occasion.OVER):
            self._send(message)

    def _send(self, message: Message) -> int:
        """Put a message into the outbox, or bring it at once while the store takes none; return its row."""
        hook, worst = message.hook, message.alerts[0]
        ids = [alert.id for alert in message.alerts]
        text = given(worst, hook.form, hook.tell, message.occasion, message.alerts[1:], message.note)
        first, row, now = message.severity is Severity.EMERGENCY, -1, self._clock()
        try:
            row = self._store.outbox_add(ids, hook.name, text, now, first=first, occasion=message.occasion)
        except StoreError as error:
            _LOG.error("An alert could not be stored, and is told all the same. %s", error)
        calls = message.occasion in CALLS
        letter = Letter(alert_ids=tuple(ids), payload=text, queued=now, row=row, first=first, calls=calls)
        self._queued.append((hook.name, letter))
        return row

    def commit(self) -> None:
        """Make what was told durable, and have it delivered: by the disk, or without it."""
        queued, self._queued = self._queued, []
        stored = True
        try:
            self._store.commit()
        except StoreError as error:
            stored = False
            _LOG.error("An alert is not on the disk yet, and is told all the same. %s", error)
        for hook, letter in queued:
            if stored and letter.row >= 0:
                self._post.wake(hook)
            else:
                self._post.bring(hook, letter)

    def delivered(self, alert_ids: Sequence[str], hook: str, row: int) -> None:
        """Note that a hook took a payload that tells of these alerts."""
        for alert in self._book.by_id(alert_ids):
            told = alert.told.get(hook)
            if told is None or row < told.row:
                continue  # an older word than what it is to know
            state = AlertState.DELIVERED if alert.state is AlertState.RAISED else alert.state
            to = tuple(dict.fromkeys((*alert.delivered_to, hook)))
            # What is told again is told so long after it was taken, not after it was put into the outbox.
            taken = replace(told, at=self._now or told.at)
            self._book.note(alert, state=state, delivered_to=to, told={**alert.told, hook: taken})

    def _keep_lately(self) -> None:
        try:
            self._store.put(LATELY, {name: lately.to_json() for name, lately in self._lately.items()})
        except StoreError as error:
            _LOG.error("What was told lately could not be stored. %s", error)
