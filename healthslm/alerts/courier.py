"""Brings payloads from the outbox to the hooks: at least once, in order, no hook waiting for another."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

from healthslm.alerts.desk import called_for
from healthslm.alerts.hooks import Hook
from healthslm.alerts.kept import AlertStore, OutboxRow
from healthslm.alerts.loose import Letter, Loose, key_of
from healthslm.clock import utc_now
from healthslm.errors import HookError, StoreError

_LOG = logging.getLogger(__name__)
FIRST_RETRY = timedelta(seconds=2)
LAST_RETRY = timedelta(minutes=15)
DEAD_AFTER = timedelta(days=3)
"""A payload that a hook has not taken for so long is a dead letter: kept, shown, and not tried again."""
DEAD_SEEN = timedelta(hours=6)
"""And not before it was tried for so long by a clock that is never set: one that leaps gives nothing up."""
REFUSED = 5
"""After so many failures of one payload another is tried: it may be this one alone that is refused."""

Carry = Callable[[Hook, str, str], Awaitable[None]]
"""Hands a payload to a hook, with the key that is the same for every repetition; raises `HookError`."""


def back_off(attempts: int, jitter: float) -> timedelta:
    """Return how long to wait after `attempts` failures: doubling, capped, half by `jitter` (0 to 1)."""
    wait = min(FIRST_RETRY * 2.0 ** min(attempts, 20), LAST_RETRY)
    return timedelta(seconds=wait.total_seconds() * (0.5 + 0.5 * jitter))


async def call_here(hook: Hook, payload: str, key: str) -> None:
    """Call a hook in this very process."""
    await hook.call(payload, key=key, clock=utc_now)


def make_ready(hooks: Iterable[Hook]) -> None:
    """Load what the hooks need, so that no alert waits for it; what is missing is said."""
    for hook in hooks:
        try:
            hook.ready()
        except HookError as error:  # it fails when it is called, and none of the others
            _LOG.error("%s", error)


class Courier:
    """One task a hook, each emptying its part of the outbox; use as `async with`.

    `wake(hook)` tells one that there is something new; they also look by themselves once a second, for a hook
    that has been left alone long enough. `carry` brings a payload to a hook, here or by another process.
    `on_delivered(alert_ids, hook, row)` is called after each success; `monotonic` is a clock never set.
    """

    def __init__(
        self,
        store: AlertStore,
        hooks: Sequence[Hook],
        *,
        clock: Callable[[], datetime],
        carry: Carry = call_here,
        on_delivered: Callable[[Sequence[str], str, int], None] = lambda _alerts, _hook, _row: None,
        jitter: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._hooks: dict[str, Hook] = {}
        self._clock = clock
        self._carry = carry
        self._on_delivered = on_delivered
        self._jitter = jitter
        self._monotonic = monotonic
        self._news: dict[str, asyncio.Event] = {}
        self._hold: dict[str, float] = {}
        self._loose: dict[str, Loose] = {}
        self._states: dict[str, dict[str, str]] = {}
        self._taken: dict[int, str] = {}
        self._failing: dict[int, float] = {}
        self._alone: dict[str, dict[int, float]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._serving = False
        self.use(hooks)

    async def __aenter__(self) -> Courier:
        self._serving = True
        self._serve_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._serving = False
        for task in self._tasks.values():
            task.cancel()
        for ended in await asyncio.gather(*self._tasks.values(), return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    def use(self, hooks: Sequence[Hook]) -> None:
        """Bring to these hooks from now on what waits for them."""
        now = {hook.name: hook for hook in hooks}
        for name in [name for name, hook in self._hooks.items() if now.get(name) != hook]:
            del self._hooks[name], self._news[name], self._loose[name], self._states[name]
            self._hold.pop(name, None)
            del self._alone[name]
            if name in self._tasks:
                self._tasks.pop(name).cancel()
        for name in now.keys() - self._hooks.keys():
            self._hooks[name] = now[name]
            self._news[name], self._loose[name], self._states[name] = asyncio.Event(), Loose(), {}
            self._alone[name] = {}
        if self._serving:
            self._serve_all()

    def _serve_all(self) -> None:
        new = [hook for name, hook in self._hooks.items() if name not in self._tasks]
        if self._carry is call_here:  # else the other process sees to it
            make_ready(new)
        self._tasks |= {hook.name: asyncio.create_task(self._serve(hook)) for hook in new}

    def wake(self, hook: str) -> None:
        """Say that there is something new for a hook; one that failed is tried again for its sake."""
        self._hold.pop(hook, None)
        if hook in self._news:
            self._news[hook].set()

    def _held(self, name: str) -> bool:
        """Say whether a hook that failed is being left alone for a while (by a clock that is never set)."""
        return self._monotonic() < self._hold.get(name, -math.inf)

    def bring(self, hook: str, letter: Letter) -> None:
        """Take a payload that is not on the disk, if it will ever be.

        It is tried until the hook takes it, or the process ends, and goes before what the outbox has.
        """
        if hook in self._loose:
            self._loose[hook].add(letter)
            self.wake(hook)

    def in_hand(self, hook: str) -> Letter | None:
        """Return the payload that is in memory alone and has waited longest for a hook."""
        return self._loose[hook].oldest() if hook in self._loose else None

    def state(self, hook: str, what: str, payload: str) -> None:
        """Tell a hook how something is now; what it was not told meanwhile is not news any more."""
        self._states[hook][what] = payload
        self._news[hook].set()

    async def drain(self, seconds: float) -> bool:
        """Wait until nothing is due any more, for `seconds` at the most; says whether it got there."""
        until = self._monotonic() + seconds
        while self._monotonic() < until:
            if not any(self._waits(name) for name in self._hooks if not self._held(name)):
                return True
            await asyncio.sleep(0.02)
        return False

    def _waits(self, name: str) -> bool:
        return self._next(name) is not None

    async def _serve(self, hook: Hook) -> None:
        news = self._news[hook.name]
        while True:
            news.clear()
            try:
                await self.deliver(hook)
            except StoreError as error:
                # The outbox itself cannot be read or written (a full disk, say): say so, and keep trying.
                _LOG.error("%s", error)
            except Exception:  # one hook's fault must not end its deliveries for good
                _LOG.exception("hook %s: a delivery failed in a way nobody foresaw; trying again.", hook.name)
            try:
                async with asyncio.timeout(1.0):
                    await news.wait()
            except TimeoutError:
                continue

    async def deliver(self, hook: Hook) -> None:
        """Hand over what waits for one hook, emergencies first, then the oldest.

        After a failure nothing goes out for a while, or until there is news: later payloads do not overtake.
        But one that fails again and again while the hook takes another is refused for what it says: it waits
        alone.
        """
        suspect: Letter | OutboxRow | None = None
        until = -math.inf
        alone = self._alone[hook.name]
        # One by one: an emergency that comes meanwhile is the next.
        while not self._held(hook.name) and (one := self._next(hook.name, suspect)):
            tried = one.attempts
            if await self._hand_over(hook, one):
                if suspect is not None:  # the hook takes something: it is that one alone
                    alone[_place(suspect)] = until
                    suspect = None
            elif suspect is not None:  # the hook takes nothing
                self._hold[hook.name] = max(until, self._hold[hook.name])
                break
            elif tried + 1 < REFUSED:
                break
            else:
                suspect, until = one, self._hold.pop(hook.name)
        else:
            if suspect is not None and _place(suspect) in alone:  # as it was known to be
                alone[_place(suspect)] = until
            elif suspect is not None:  # nothing else is there to tell by
                self._hold[hook.name] = until
        await self._tell_states(hook)

    def _next(self, name: str, suspect: Letter | OutboxRow | None = None) -> Letter | OutboxRow | None:
        """Return what goes out next; beside a `suspect` what was tried least: whether the hook takes that."""
        now = self._monotonic()
        alone = {place for place, until in self._alone[name].items() if now < until}
        alone |= set() if suspect is None else {_place(suspect)}
        probing = suspect is not None
        letter = self._loose[name].next(alone, least_tried=probing)
        if letter is not None and not (probing and letter.attempts):
            return letter
        row = self._store.outbox_next(name, alone, least_tried=probing)
        if letter is None or row is None:
            return letter or row
        return letter if letter.attempts <= row.attempts else row

    async def _hand_over(self, hook: Hook, one: Letter | OutboxRow) -> bool:
        if isinstance(one, Letter):
            return await self._deliver_loose(hook, one)
        return await self._deliver(hook, one)

    async def _try(self, hook: Hook, payload: str, key: str) -> str:
        """Call a hook; return what went wrong, or nothing."""
        try:
            await self._carry(hook, payload, key)
        except HookError as error:
            return error.message
        except Exception as error:  # a fault of ours is one try in vain like any other
            _LOG.exception("hook %s: a delivery failed in a way nobody foresaw.", hook.name)
            return f"hook {hook.name}: it failed in a way nobody foresaw ({type(error).__name__})."
        return ""

    async def _deliver_loose(self, hook: Hook, letter: Letter) -> bool:
        loose = self._loose[hook.name]
        if letter.calls and not called_for(self._store, letter.alert_ids, self._clock()):
            loose.done(letter)
            return True
        letter.error = await self._try(hook, letter.payload, letter.key)
        if letter.error:
            _LOG.error("%s The alert is not on the disk; it is tried again.", letter.error)
            self._leave_alone(hook, letter.attempts)
            letter.attempts += 1
            return False
        loose.done(letter)
        if letter.row >= 0:  # it may be on the disk by now, or come to be: it is not handed over twice
            self._taken[letter.row] = letter.payload
        self._on_delivered(letter.alert_ids, hook.name, letter.row)
        return True

    async def _deliver(self, hook: Hook, row: OutboxRow) -> bool:
        if self._taken.get(row.id) != row.payload:
            error = await self._try(hook, row.payload, key_of(row.alert_ids, row.id))
            if error:
                self._failed(hook, row, error)
                return False
            self._failing.pop(row.id, None)
            self._alone[hook.name].pop(row.id, None)
            self._taken[row.id] = row.payload  # should the disk be full now, the hook is not called again
            self._on_delivered(row.alert_ids, hook.name, row.id)
        self._store.outbox_done(row.id)
        self._store.commit()
        self._taken.pop(row.id, None)
        return True

    def _failed(self, hook: Hook, row: OutboxRow, error: str) -> None:
        """Leave a hook alone for a while; give a payload up that it has not taken for days."""
        wait = self._leave_alone(hook, row.attempts)
        self._store.outbox_failed(row.id, error)
        seen_s = self._monotonic() - self._failing.setdefault(row.id, self._monotonic())
        if seen_s >= DEAD_SEEN.total_seconds() and self._clock() - row.queued > DEAD_AFTER:
            self._store.outbox_bury(row.id)
            self._failing.pop(row.id, None)
            _LOG.error("%s It is given up after %d days.", error, DEAD_AFTER.days)
        else:
            _LOG.warning("%s It is tried again in %.0f s.", error, wait.total_seconds())
        self._store.commit()

    def _leave_alone(self, hook: Hook, attempts: int) -> timedelta:
        wait = back_off(attempts, self._jitter())
        self._hold[hook.name] = self._monotonic() + wait.total_seconds()
        return wait

    async def _tell_states(self, hook: Hook) -> None:
        states = self._states[hook.name]
        while states and not self._held(hook.name):
            what = next(iter(states))
            try:
                await self._carry(hook, states.pop(what), what)
            except HookError as error:  # the next one says it better; only alerts are kept for later
                _LOG.info("%s", error.message)
                return


def _place(one: Letter | OutboxRow) -> int:
    """The row of a payload: a letter may be on the disk by now, and is not to be tried as two."""
    return one.place if isinstance(one, Letter) else one.id
