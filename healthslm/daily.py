"""Asking the rules that look at days, a little at a time: who listens must not stop for a month."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from healthslm.history import History
from healthslm.readings import Finding
from healthslm.rules import Rule, Windows, judge

EVERY = timedelta(minutes=10)
"""Days do not change faster."""


class DailyRules:
    """The rules with daily series, asked once in `EVERY` from then on when all their days are computed."""

    def __init__(self, rules: Sequence[Rule], history: History, zone: ZoneInfo) -> None:
        self._rules = tuple(rule for rule in rules if rule.daily)
        self._history = history
        self._zone = zone
        self._asked: datetime | None = None
        self._work: Iterator[None] | None = None

    def step(
        self, now: datetime, windows: Callable[[Rule, datetime], Windows]
    ) -> Sequence[tuple[Rule, Finding | None]]:
        """Compute one day's number, or when none is missing ask every rule; empty while there is work."""
        if self._work is None:
            if not self._rules or (self._asked is not None and timedelta(0) <= now - self._asked < EVERY):
                return ()
            self._asked = now
            self._work = chain.from_iterable(self._missing(rule, now) for rule in self._rules)
        for _ in self._work:
            return ()
        self._work = None
        return [(rule, self._ask(rule, now, windows(rule, now))) for rule in self._rules]

    def _missing(self, rule: Rule, now: datetime) -> Iterator[None]:
        today = now.astimezone(self._zone).date()
        return self._history.missing(rule.daily, today - timedelta(days=rule.days), today, now=now)

    def _ask(self, rule: Rule, now: datetime, windows: Windows) -> Finding | None:
        today = now.astimezone(self._zone).date()
        days = self._history.days(rule.daily, today - timedelta(days=rule.days), today, now=now)
        return judge(rule, windows, now, zone=self._zone, days=days)
