"""What a rule is: a name, a version, a source, its thresholds, and two pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.analysis import Daily, Days
from healthslm.errors import UsageError
from healthslm.readings import Feature, Kind, Severity, Threshold, Window

Windows = Mapping[Kind, Window]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a rule is asked about: the windows up to `now`, the days that were over then, and its thresholds.

    `case["watch_below"]` is a threshold's value. `prepared` is what the rule's own `prepare` made of windows
    that may reach further on both sides than this case's: cut it to `windows` before use.
    """

    windows: Windows
    now: datetime
    zone: ZoneInfo
    thresholds: Mapping[str, float]
    days: Days = field(default_factory=dict)
    prepared: Any = None

    def __getitem__(self, threshold: str) -> float:
        return self.thresholds[threshold]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule says about one moment: how severe, and since when the readings have shown it.

    `missing` is what it could not see this time, beside what it never can. `alone`: it stands on one reading
    that nothing confirms (alone.py).
    """

    severity: Severity
    onset: datetime
    missing: tuple[str, ...] = ()
    alone: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One clinical rule.

    `verdict(case)` looks back over `lookback` from `case.now` and says whether the rule holds then;
    `evidence(case)` gives the features of a whole episode. `kinds` are what it needs: a new reading of one of
    them is a reason to ask again, and every one of them has a window. `daily` are the series it needs, for
    `days` days back; a rule with such is asked when a day's hours are over. Live it is asked at most once in
    `every`. What is dear to compute and the same for many moments, `prepare(windows, thresholds)` computes
    once. Moments closer together than `join` are one episode. `actions` says, level by level, what to do
    next; `alone` what to do when one reading alone is all that there is. `ordered` names thresholds of which
    each is at most the next one, whatever somebody sets. A rule with `later` is asked once more so long after
    a reading that nothing followed: only then is it known to be alone, or the end of a stream. `missing` says
    what the rule cannot see at all.
    """

    name: str
    version: str
    title: str
    source: str
    kinds: tuple[Kind, ...]
    lookback: timedelta
    join: timedelta
    verdict: Callable[[Case], Verdict | None]
    evidence: Callable[[Case], tuple[Feature, ...]]
    actions: Mapping[Severity, str]
    thresholds: tuple[Threshold, ...] = ()
    ordered: tuple[tuple[str, ...], ...] = ()
    alone: str = ""
    later: timedelta | None = None
    missing: tuple[str, ...] = ()
    daily: tuple[Daily, ...] = ()
    days: int = 0
    every: timedelta = timedelta(milliseconds=100)
    prepare: Callable[[Windows, Mapping[str, float]], Any] | None = None

    @cached_property
    def settings(self) -> Mapping[str, float]:
        """The thresholds in force, by name."""
        return {threshold.name: threshold.value for threshold in self.thresholds}

    def threshold(self, name: str) -> Threshold:
        """Return one threshold. Raises `UsageError` naming those there are."""
        for threshold in self.thresholds:
            if threshold.name == name:
                return threshold
        there = ", ".join(threshold.name for threshold in self.thresholds) or "none"
        raise UsageError(f"The rule {self.name} has no threshold {name!r}.", f"It has: {there}.")

    def having(self, name: str, value: float, *, by: str, at: datetime | None, why: str) -> Rule:
        """Return the rule with one threshold set for this person, signed by `by`.

        Raises `UsageError` for a name it has not, for a value outside of what may be set, and for one that
        crosses the level beside it.
        """
        old = self.threshold(name)
        if not old.low <= value <= old.high:
            raise UsageError(
                f"{name} of {self.name} cannot be {value:g} {old.unit}.",
                f"It may be {old.low:g} to {old.high:g}.",
            )
        self._check_order(name, value)
        usual = old.value if old.usual is None else old.usual
        new = replace(old, value=value, usual=usual, by=by, at=at, why=why)
        return replace(self, thresholds=tuple(new if one is old else one for one in self.thresholds))

    def _check_order(self, name: str, value: float) -> None:
        for names in self.ordered:
            if name not in names:
                continue
            place = names.index(name)
            for other in names:
                bound = self.settings[other]
                if other == name or (value >= bound if names.index(other) < place else value <= bound):
                    continue
                side = "below" if value < bound else "above"
                unit = self.threshold(name).unit
                raise UsageError(
                    f"{name} of {self.name} cannot be {value:g} {unit}: {other} is {bound:g}, and it must not"
                    f" be {side} that.",
                    f"Set {other} first, or choose another number.",
                )
