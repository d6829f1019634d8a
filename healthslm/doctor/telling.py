"""Who is told of an alert: whether it arrives, and what the policy never tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from healthslm.alerts import Alert, Hook
from healthslm.alerts.policy import Policy
from healthslm.alerts.policy_meaning import meaning
from healthslm.alerts.undelivered import Outbox, undelivered
from healthslm.doctor.check import Check, attention, ok, problem
from healthslm.text import many

WHAT = "hook"


class Mail(Outbox, Protocol):
    """What is needed of the store."""

    def outbox(self, hook: str) -> Sequence[object]:
        """Return what waits for a hook."""
        ...


def hooks(
    set_up: Sequence[Hook], mail: Mail, delivered: dict[str, datetime], now: datetime
) -> Iterator[Check]:
    """Say of each hook when it last took something, and what waits; `delivered` has the times by name."""
    if not set_up:
        yield attention(
            WHAT, "nobody is told of an alert: it is only shown here", "healthslm hooks add --help"
        )
    for hook, (_, finding) in zip(set_up, undelivered(mail, set_up, now), strict=True):
        last = delivered.get(hook.name)
        waiting = len(mail.outbox(hook.name))
        wait = f"; {many(waiting, 'message')} waiting" if waiting else ""
        if finding is not None:
            dead = len(mail.outbox_dead(hook.name))
            retry = f" Once it works: healthslm hooks retry {hook.name}" if dead else ""
            yield problem(WHAT, f"{finding.title}{wait}", f"{finding.action}{retry}")
        elif last is None:
            yield attention(
                WHAT,
                f"{hook.name} has taken nothing yet{wait}: whether it works is not known",
                f"healthslm hooks test {hook.name}",
            )
        else:
            yield ok(WHAT, f"{hook.name} last took a message at {last:%Y-%m-%d %H:%M} UTC{wait}")


def last_taken(alerts: Sequence[Alert], tests: dict[str, datetime]) -> dict[str, datetime]:
    """Return by hook when it last took an alert that is still kept, or a test."""
    last = dict(tests)
    for alert in alerts:
        for name in alert.delivered_to:
            told = alert.told.get(name)
            at = alert.raised_at if told is None else told.at
            last[name] = max(last.get(name, at), at)
    return last


def policy(chosen: Policy) -> Iterator[Check]:
    """Say what is never told, or late, because of how this person wants to be warned."""
    said = list(meaning(chosen))
    for sentence in said:
        yield attention("policy", sentence, "Where that is not meant: healthslm alerts policy")
    if not said:
        yield ok("policy", "nothing is held back for good, and nothing floods")
