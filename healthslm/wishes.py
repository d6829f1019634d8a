"""How a person wants to be warned, changed in words: checked, noted in the trail, and made durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from healthslm.alerts import policy_words
from healthslm.alerts.policy import Policy, keep_policy, policy_of
from healthslm.alerts.policy_words import Known
from healthslm.errors import UsageError
from healthslm.rules import RULES
from healthslm.store import Store
from healthslm.store.audit import Event


@dataclass(frozen=True, slots=True)
class Change:
    """A setting by its name, as it was and is; `None` where it was, or is, not set."""

    name: str
    was: str | None
    now: str | None


def set_in_words(store: Store, words: Sequence[str], at: datetime) -> list[Change]:
    """Set what words like `quiet=22:00-07:00` say; nothing of it if one is wrong. Commits.

    Returns what changed. Raises `UsageError` for a word that cannot be meant.
    """
    return _change(store, words, policy_words.with_word, at)


def as_usual(store: Store, names: Sequence[str], at: datetime) -> list[Change]:
    """Set settings back to what is usual, by their names. Commits. Returns and raises as `set_in_words`."""
    return _change(store, names, _usual, at)


def all_as_usual(store: Store, at: datetime) -> None:
    """Set everything back: also the way out where what is kept cannot be read. Commits."""
    keep_policy(store, Policy())
    store.note_event(Event.SETTING_CHANGED, at, setting="alert policy", now="default")
    store.commit()


def _change(
    store: Store, words: Sequence[str], change: Callable[[Policy, str, Known], Policy], at: datetime
) -> list[Change]:
    known = Known(rules=[rule.name for rule in RULES], devices={d.address: d.name for d in store.devices()})
    before = after = policy_of(store)
    for word in words:
        after = change(after, word, known)
    if after == before:
        return []
    keep_policy(store, after)
    was, now = ({row.name: row.value for row in policy_words.rows(one)} for one in (before, after))
    names = (name for name in {**was, **now} if was.get(name) != now.get(name))
    changes = [Change(name, was.get(name), now.get(name)) for name in names]
    for one in changes:
        store.note_event(Event.SETTING_CHANGED, at, setting=f"alerts {one.name}", was=one.was, now=one.now)
    store.commit()
    return changes


def _usual(policy: Policy, word: str, known: Known) -> Policy:
    if "=" in word:
        raise UsageError("--reset takes names, without a value.", "Like: alerts policy --reset quiet")
    return policy_words.without(policy, word, known)
