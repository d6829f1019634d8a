"""High or low heart rate at rest for ten minutes; silent while somebody moves or does what looks like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis import absent, extreme, of_window
from healthslm.analysis.activity import (
    ALIVE_US,
    RECOVERY_US,
    SHOWS_MOVEMENT,
    UNSEEN,
    Movement,
    like_exertion,
    movement,
)
from healthslm.analysis.quality import worn
from healthslm.readings import KINDS, Feature, Floats, Ints, Kind, Severity, Threshold, micro, micros, moment
from healthslm.rules.base import Case, Rule, Verdict, Windows

WIDTH = timedelta(minutes=10)
DEMAND, SHARE = 0.6, 0.9
"""Share of the ten minutes that readings must speak for, and of that which must be beyond the threshold."""
ONSET_US = 60 * 60_000_000
"""How far before ten high minutes their onset is looked for."""
_WIDTH_US = int(WIDTH.total_seconds() * 1e6)
_EVERY = timedelta(minutes=1)
_ASKED = timedelta(minutes=2)
_EVERY_US, _RECENT_US = 60_000_000, 120_000_000
_CONSUMER = (
    "Apple, Heart health notifications on your Apple Watch, 2024: above 120 or below 40 bpm for ten minutes"
    " while inactive, both settable"
)
_NEWS2 = "Royal College of Physicians, National Early Warning Score 2, 2017: pulse of 131 and above scores 3"
HIGH_THRESHOLDS = (
    Threshold(
        name="high_from",
        value=120,
        unit="/min",
        meaning="from here on, at rest for ten minutes, worth a look",
        low=90,
        high=160,
        source=_CONSUMER,
    ),
    Threshold(
        name="urgent_from",
        value=131,
        unit="/min",
        meaning="from here on, at rest by a sensor of movement, call a doctor now",
        low=110,
        high=200,
        source=_NEWS2,
    ),
    Threshold(
        name="unseen_hours",
        value=6,
        unit="h",
        meaning="without a sensor of movement, after so long it is no longer taken for exertion",
        low=0.5,
        high=6,
        source="longer than a marathon takes nearly everybody",
    ),
)
LOW_THRESHOLDS = (
    Threshold(
        name="low_at",
        value=40,
        unit="/min",
        meaning="at or below it for ten minutes, worth a look",
        low=25,
        high=60,
        source=_CONSUMER,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Of the heart rate (`times`, `rates`) the `moments`, one a minute, at which a rule is asked.

    `held`, `urgent`: whether the ten minutes up to each were beyond the threshold, or the urgent one.
    """

    times: Ints
    rates: Floats
    moments: Ints
    held: NDArray[np.bool_]
    urgent: NDArray[np.bool_]
    moved: Movement

    def at(self, now: datetime) -> int:
        """The index of the moment that speaks for `now`, or -1."""
        time = micro(now)
        index = int(np.searchsorted(self.moments, time, side="right")) - 1
        return index if index >= 0 and time - int(self.moments[index]) <= _RECENT_US else -1

    def begun(self, index: int, earliest: int) -> int:
        """When the ten minutes began that last, without a break, until this moment."""
        broken = np.flatnonzero(~self.held[:index])
        first = int(broken[-1]) + 1 if len(broken) else 0
        return max(int(self.moments[first]) - _WIDTH_US, earliest)


def _prepare(windows: Windows, low: float, high: float, urgent: float) -> _Held:
    """Say of every minute's last reading whether the ten minutes up to it were within `[low, high]`."""
    good = worn(windows[Kind.HEART_RATE]) if Kind.HEART_RATE in windows else None
    if good is None or not len(good):
        none = np.array([], dtype=np.int64)
        no = none.astype(np.bool_)
        return _Held(
            times=none, rates=none.astype(np.float64), moments=none, held=no, urgent=no, moved=movement({})
        )
    at, rates = micros(good), good.values
    holds = KINDS[Kind.HEART_RATE].holds or _EVERY
    spoken = np.minimum(np.diff(at), int(holds.total_seconds() * 1e6))
    last = np.flatnonzero(np.append(np.diff(at // _EVERY_US) != 0, [True]))
    first = np.searchsorted(at, at[last] - _WIDTH_US)

    def lasted(beyond: NDArray[np.bool_]) -> NDArray[np.float64]:
        total = np.concatenate(([0], np.cumsum(spoken * beyond[:-1])))
        return np.asarray(total[last] - total[first], dtype=np.float64)

    beyond = (rates >= low) & (rates <= high)
    seen = lasted(np.ones(len(at), dtype=np.bool_))
    enough = seen >= DEMAND * _WIDTH_US
    held = enough & (lasted(beyond) >= SHARE * seen)
    return _Held(
        times=at,
        rates=rates,
        moments=at[last],
        held=held,
        urgent=held & (lasted(rates >= urgent) >= SHARE * seen) if held.any() else held,
        moved=movement(windows) if held.any() else movement({}),
    )


def _prepare_high(windows: Windows, thresholds: Mapping[str, float]) -> _Held:
    return _prepare(windows, thresholds["high_from"], np.inf, thresholds["urgent_from"])


def _prepare_low(windows: Windows, thresholds: Mapping[str, float]) -> _Held:
    return _prepare(windows, -np.inf, thresholds["low_at"], np.inf)


def _high(case: Case) -> Verdict | None:
    held: _Held = case.prepared
    index = held.at(case.now)
    if index < 0 or not held.held[index]:
        return None
    now = int(held.moments[index])
    earliest = micro(case.windows[Kind.HEART_RATE].start)
    begun = held.begun(index, earliest)
    onset = moment(np.datetime64(begun, "us"))
    if held.moved.known(now - ALIVE_US, now):
        if held.moved.moved(now - _WIDTH_US - RECOVERY_US, now):
            return None
        severity = Severity.URGENT if held.urgent[index] else Severity.WATCH
        return Verdict(severity=severity, onset=onset)
    if now - begun < case["unseen_hours"] * 3600e6:
        low, high = np.searchsorted(held.times, [max(begun - ONSET_US, earliest), now + 1])
        seconds = (held.times[low:high] - now) / 1e6
        if like_exertion(seconds, held.rates[low:high], case["high_from"]):
            return None
    return Verdict(severity=Severity.WATCH, onset=onset, missing=(UNSEEN,))


def _low(case: Case) -> Verdict | None:
    held: _Held = case.prepared
    index = held.at(case.now)
    if index < 0 or not held.held[index]:
        return None
    earliest = micro(case.windows[Kind.HEART_RATE].start)
    begun = held.begun(index, earliest)
    return Verdict(severity=Severity.WATCH, onset=moment(np.datetime64(begun, "us")))


def _evidence(case: Case) -> tuple[Feature, ...]:
    window = worn(case.windows[Kind.HEART_RATE])
    if not len(window):
        why = "no usable heart rate in this period"
        return (absent("heart_rate_median", window.kind, window.start, window.end, why, unit="/min"),)
    median = of_window("heart_rate_median", float(np.median(window.values)), window)
    return median, extreme(window, "max"), extreme(window, "min")


_SOURCE = f"{_CONSUMER}; {_NEWS2}"
HIGH_HEART_RATE = Rule(
    name="high_heart_rate",
    version="2",
    title="High heart rate at rest",
    source=_SOURCE,
    kinds=(Kind.HEART_RATE, *SHOWS_MOVEMENT),
    lookback=timedelta(hours=7, minutes=30),
    join=timedelta(minutes=30),
    every=_ASKED,
    thresholds=HIGH_THRESHOLDS,
    prepare=_prepare_high,
    verdict=_high,
    evidence=_evidence,
    actions={
        Severity.WATCH: "Sit down, rest for ten minutes and measure again; call your doctor if it stays "
        "high, and at once if you feel faint, short of breath or have chest pain.",
        Severity.URGENT: "Sit down and rest; call your doctor or the out-of-hours service now, and the "
        "emergency number if you feel faint, short of breath or have chest pain.",
    },
    missing=("why it is high: fever, pain, fear and medicines raise it too", "the ECG"),
)
LOW_HEART_RATE = Rule(
    name="low_heart_rate",
    version="1",
    title="Low heart rate",
    source=_CONSUMER,
    kinds=(Kind.HEART_RATE,),
    lookback=timedelta(hours=2),
    join=timedelta(minutes=30),
    every=_ASKED,
    thresholds=LOW_THRESHOLDS,
    prepare=_prepare_low,
    verdict=_low,
    evidence=_evidence,
    actions={
        Severity.WATCH: "Check that the sensor sits well; tell your doctor if this is new for you, "
        "and call the emergency number if you feel faint or confused.",
    },
    missing=("whether this is usual: trained people and sleep go below 40", "the ECG"),
)
