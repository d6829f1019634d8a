"""What a rule is: a name, a version, a source, and two pure functions over windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from healthslm.readings import Feature, Kind, Severity, Window

Windows = Mapping[Kind, Window]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule says about one moment: how severe, and since when the readings have shown it."""

    severity: Severity
    onset: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One clinical rule.

    `verdict(windows, now)` looks back over `lookback` from `now` and says whether the rule holds then;
    `evidence(windows)` gives the features of a whole episode. `kinds` are what it needs: a new reading of
    one of them is a reason to ask again, and every one of them has a window. Moments closer together than
    `join` are one episode. `actions` says, level by level, what to do next. `missing` says what the rule
    cannot see at all.
    """

    name: str
    version: str
    title: str
    source: str
    kinds: tuple[Kind, ...]
    lookback: timedelta
    join: timedelta
    verdict: Callable[[Windows, datetime], Verdict | None]
    evidence: Callable[[Windows], tuple[Feature, ...]]
    actions: Mapping[Severity, str]
    missing: tuple[str, ...] = ()
