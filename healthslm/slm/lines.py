"""Which lines there are (`healthslm.slm.plan`): which words may come next, for the numbers of one question.

Needs none of what the calls are made of: the model's own process has this alone.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Mapping, Sequence

from healthslm.slm.names import Metric, Refusal, Statistic
from healthslm.slm.topics import TOPICS

END = ""
"""Among the words that may come next: the line may end here."""
METRICS = tuple(Metric)
STATISTICS = tuple(Statistic)
REASONS = tuple(Refusal)
SEVERITIES = ("info", "watch", "urgent", "emergency")
TOOLS = (
    "value", "trend", "compare", "time_in_range", "relate",
    "findings", "devices", "explain", "refuse", "emergency", "unclear",
)  # fmt: skip
UNITS = ("mmol", "F")
_NAMED = ("today", "yesterday", "last_night", "this_week", "last_week", "this_month", "last_month")
_WEEKDAYS = tuple(name.lower() for name in calendar.day_name)
_MONTHS = tuple(name.lower() for name in calendar.month_name if name)
_UNITS_OF_TIME = ("hours", "days", "weeks", "months")
_DAYS = tuple(str(number) for number in range(1, 32))
IN_RANGE: Mapping[Metric, tuple[float, float]] = {Metric.GLUCOSE: (70, 180)}
"""What "in range" means where nobody says more: the consensus' range of glucose (Battelino 2019)."""


class Lines:
    """Which lines there are for one question: `numbers` are those that it names, as it writes them."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self._numbers = tuple(dict.fromkeys(numbers))
        self._bounds = {n for n in self._numbers if re.fullmatch(r"\d+(?:\.\d+)?", n)}
        self._whole = tuple(n for n in self._numbers if n.isdigit() and 0 < int(n) < 10_000)

    def next(self, words: Sequence[str]) -> set[str]:
        """Return the words that may follow; `END` among them where the line may end. Empty: it is none."""
        if not words:
            return set(TOOLS)
        tool, rest = words[0], words[1:]
        if tool in ("value", "compare"):
            return self._after(rest, (METRICS, STATISTICS), periods=2 if tool == "compare" else 1)
        if tool == "trend":
            return self._after(rest, (METRICS,))
        if tool == "relate":
            return self._after(rest, (METRICS, METRICS))
        if tool == "findings":
            if rest and rest[0] in SEVERITIES:
                return self._period(rest[1:])
            return self._period(rest) | (set(SEVERITIES) if not rest else set())
        if tool == "time_in_range":
            return self._bounded(rest)
        last = {
            "explain": tuple(TOPICS), "refuse": REASONS, "unclear": ("metric", "period"),
            "devices": (), "emergency": (),
        }.get(tool)  # fmt: skip
        return set() if last is None else self._after(rest, (last,) if last else (), periods=0)

    def holds(self, line: str) -> bool:
        """Say whether a line is one of these, from its first word to its end."""
        words = line.split()
        return all(word in self.next(words[:n]) for n, word in enumerate(words)) and END in self.next(words)

    def _after(self, words: Sequence[str], slots: Sequence[Sequence[str]], *, periods: int = 1) -> set[str]:
        """Words for each slot in turn, then the periods."""
        for index, slot in enumerate(slots):
            if len(words) <= index:
                return {str(word) for word in slot}
            if words[index] not in slot:
                return set()
        rest = list(words[len(slots) :])
        if periods == 0:
            return set() if rest else {END}
        if periods == 1:
            return self._period(rest)
        if "/" in rest:
            return self._period(rest[rest.index("/") + 1 :]) - (set() if rest[-1] != "/" else {END})
        found = self._period(rest)
        return (found - {END}) | ({"/"} if rest and END in found else set())

    def _bounded(self, words: Sequence[str]) -> set[str]:
        if not words:
            return {str(metric) for metric in METRICS}
        if words[0] not in METRICS:
            return set()
        rest = list(words[1:])
        if not rest:
            # A question without a number has no bound: the line ends, and the bound is asked for.
            known = {"range"} if words[0] in IN_RANGE else set()
            return known | {"above", "below", "between"} if self._bounds else known or {END}
        if rest[0] == "range":
            return self._period(rest[1:])
        needed = 2 if rest[0] == "between" else 1
        form = ["number", "and", "number"][: 2 * needed - 1]
        for index, what in enumerate(form, start=1):
            allowed = self._bounds if what == "number" else {"and"}
            if len(rest) == index:
                return allowed
            if rest[index] not in allowed:
                return set()
        after = rest[1 + len(form) :]
        if after and after[0] in UNITS:
            return self._period(after[1:])
        return self._period(after) | (set(UNITS) if not after else set())

    def _period(self, words: Sequence[str]) -> set[str]:
        """No period, a named one, `last N unit`, a day, or two days with `to` between them."""
        if not words:
            return {END, *(("last",) if self._whole else ()), *_NAMED, *self._day([])}
        if words[0] == "last":
            slots: tuple[Sequence[str], ...] = (self._whole or (), _UNITS_OF_TIME)
            if len(words) <= 2:
                return set(slots[len(words) - 1])
            return {END} if len(words) == 3 else set()
        if words[0] in _NAMED[2:]:
            return {END} if len(words) == 1 else set()
        parts = list(words)
        if "to" in parts:
            return self._day(parts[parts.index("to") + 1 :])
        found = self._day(parts)
        return found | ({"to"} if END in found else set())

    def _day(self, words: Sequence[str]) -> set[str]:
        """`today`, `yesterday`, a weekday, `3 march [2025]`, `day 3`, `3 days ago`, `march`, `2026-03-03`."""
        numbers = [n for n in self._whole if n in _DAYS]
        years = {n for n in self._whole if len(n) == 4}
        dates = {n for n in self._numbers if re.fullmatch(r"\d{4}-\d\d-\d\d", n)}
        if not words:
            day = ("day",) if numbers else ()
            return {"today", "yesterday", *day, *_WEEKDAYS, *_MONTHS, *numbers, *dates}
        first, rest = words[0], list(words[1:])
        if first == "day":
            return set(numbers) if not rest else {END} if len(rest) == 1 else set()
        if first in numbers:
            if rest[:1] == ["days"]:
                return {"ago"} if len(rest) == 1 else {END}
            return {*_MONTHS, "days"} if not rest else ({END} | years if len(rest) == 1 else {END})
        return {END} if not rest else set()
