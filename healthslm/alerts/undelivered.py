"""A hook that takes nothing is an event too: told by the other hooks, and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from healthslm.alerts.hooks import Hook
from healthslm.alerts.kept import OutboxRow
from healthslm.alerts.loose import Letter
from healthslm.alerts.watch import Watch, Watched
from healthslm.readings import Finding, Severity

WAITED = timedelta(minutes=10)
"""How long an alert waits for a hook that fails before the others are told."""


_OF = f"{Watched.UNDELIVERED}:"
_TRIES = 9
"""So many fill that time: each waits twice as long as the one before."""


class Outbox(Protocol):
    """What is needed of the store."""

    def outbox_next(self, hook: str) -> OutboxRow | None:
        """Return the payload that goes out next."""
        ...

    def outbox_dead(self, hook: str) -> Sequence[OutboxRow]:
        """Return the dead letters."""
        ...


def undelivered(
    store: Outbox,
    hooks: Sequence[Hook],
    now: datetime,
    in_hand: Callable[[str], Letter | None] = lambda _hook: None,
) -> Iterator[tuple[Watch, Finding | None]]:
    """Yield for each hook whether alerts have waited in vain, on the disk or `in_hand`, or were given up."""
    for hook in hooks:
        row = in_hand(hook.name) or store.outbox_next(hook.name)
        dead = store.outbox_dead(hook.name)
        # A clock that was set back says nothing of how long it waits: then the tries do.
        long = row is not None and (now - row.queued > WAITED or (now < row.queued and row.attempts > _TRIES))
        waits = long and row is not None and bool(row.error)
        finding = None
        if dead:
            finding = _finding(
                hook, dead[-1], now, f"{_many(len(dead))} for {hook.name} could not be delivered"
            )
        elif waits and row is not None:
            finding = _finding(hook, row, now, f"{hook.name} cannot be told of alerts")
        yield Watch(f"{_OF}{hook.name}", WAITED), finding


def removed(hooks: Sequence[Hook], rules: Iterable[str]) -> Iterator[Watch]:
    """Yield those of the rules that said so of a hook that is no more."""
    there = {f"{_OF}{hook.name}" for hook in hooks}
    return (Watch(rule, WAITED) for rule in rules if rule.startswith(_OF) and rule not in there)


def _many(count: int) -> str:
    return "An alert" if count == 1 else f"{count} alerts"


def _finding(hook: Hook, row: OutboxRow | Letter, now: datetime, title: str) -> Finding:
    return Finding(
        rule=f"{_OF}{hook.name}",
        version="1",
        severity=Severity.URGENT,
        title=title,
        action=f"Do not rely on {hook.name}. The last try said: {row.error} See: healthslm hooks list",
        source="healthslm: the outbox",
        start=row.queued,
        end=now,
        ongoing=True,
    )
