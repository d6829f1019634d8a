"""High or low heart rate at rest for ten minutes; silent while somebody moves or does what looks like it.

Of a sensor that reports once in up to five minutes each minute with a reading counts as that minute, and the
finding says how far apart they were.
"""

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
    rose_as_in_exertion,
)
from healthslm.analysis.quality import worn
from healthslm.readings import (
    KINDS,
    Feature,
    Floats,
    Ints,
    Kind,
    Severity,
    Threshold,
    Window,
    micro,
    micros,
    moment,
)
from healthslm.rules.base import Case, Rule, Verdict, Windows

WIDTH = timedelta(minutes=10)
DEMAND, SHARE = 0.6, 0.9
"""Share of the ten minutes that readings must speak for, and of that which must be beyond the threshold."""
STEPLESS = "exertion without steps, as on a bicycle or in a boat: the rate rose as it does then"
"""What a finding could not see where a sensor shows no movement, and the heart rate looks like it."""
FEW, LONG = 5, timedelta(minutes=30)
"""So many minutes with readings at least, of the ten or, where readings come more seldom, of so long."""
ONSET_US = 60 * 60_000_000
"""How far before ten high minutes their onset is looked for."""
_WIDTH_US = int(WIDTH.total_seconds() * 1e6)
_EVERY = timedelta(minutes=1)
_ASKED = timedelta(minutes=2)
_EVERY_US, _RECENT_US = 60_000_000, 120_000_000
_LONG_US = int(LONG.total_seconds() * 1e6)
_SPEAKS_US = 5 * _EVERY_US
"""So long at most a reading of a sensor that reports seldom speaks for: here, and not in coverage."""
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
        meaning="where no sensor shows movement, after so long it is no longer taken for exertion",
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

    `held`, `urgent`: whether the time up to each, from `since` on, was beyond the threshold, or the urgent
    one.
    `apart`: in so many µs about one reading came, where they were too few to speak for all of it; else 0.
    """

    times: Ints
    rates: Floats
    moments: Ints
    since: Ints
    apart: Ints
    held: NDArray[np.bool_]
    urgent: NDArray[np.bool_]
    moved: Movement

    def at(self, now: datetime) -> int:
        """The index of the moment that speaks for `now`, or -1."""
        time = micro(now)
        index = int(np.searchsorted(self.moments, time, side="right")) - 1
        if index < 0:
            return -1
        recent = 2 * _SPEAKS_US if self.apart[index] else _RECENT_US
        return index if time - int(self.moments[index]) <= recent else -1

    def begun(self, index: int, earliest: int) -> int:
        """When the time began that lasts, without a break, until this moment."""
        broken = np.flatnonzero(~self.held[:index])
        first = int(broken[-1]) + 1 if len(broken) else 0
        return max(int(self.since[first]), earliest)

    def unseen(self, index: int) -> tuple[str, ...]:
        """What lay between readings that came seldom."""
        apart = int(self.apart[index]) / _EVERY_US
        if not apart:
            return ()
        far = "less than a minute" if apart < 0.75 else "about a minute" if apart < 1.5 else "minutes"
        return (f"heart rate between the readings, which were {far} apart",)


def judged(window: Window) -> bool:
    """Whether a heart rate was seen closely enough, at any time, for a rule to hold."""
    return bool(_prepare({window.kind: window}, -np.inf, np.inf, np.inf).held.any())


def _prepare(windows: Windows, low: float, high: float, urgent: float) -> _Held:
    """Say of every minute's last reading whether the time up to it was within `[low, high]`."""
    good = worn(windows[Kind.HEART_RATE]) if Kind.HEART_RATE in windows else None
    if good is None or not len(good):
        none = np.array([], dtype=np.int64)
        no = none.astype(np.bool_)
        return _Held(
            times=none,
            rates=none.astype(np.float64),
            moments=none,
            since=none,
            apart=none,
            held=no,
            urgent=no,
            moved=movement({}),
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
    dense = seen >= DEMAND * _WIDTH_US
    few = _Few.of(at, last)

    def throughout(beyond: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.where(dense, lasted(beyond) >= SHARE * seen, few.enough & few.throughout(beyond))

    held = throughout(beyond)
    return _Held(
        times=at,
        rates=rates,
        moments=at[last],
        since=at[np.where(dense, first, np.searchsorted(at, at[last] - few.width))],
        apart=np.where(dense, 0, few.apart),
        held=held,
        urgent=held & throughout(rates >= urgent) if held.any() else held,
        moved=movement(windows) if held.any() else movement({}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Few:
    """The same by minutes with readings, however few: of ten minutes, or where these hold too few of thirty.

    `last` is the index of each minute's last reading, `first` the minute at which its `width` (µs) begins.
    """

    last: Ints
    first: Ints
    width: Ints
    apart: Ints
    enough: NDArray[np.bool_]

    @classmethod
    def of(cls, at: Ints, last: Ints) -> _Few:
        """Say of each minute whether those before it are enough."""
        minutes = at[last]
        number = np.arange(1, len(last) + 1)
        ten, thirty = (np.searchsorted(minutes, minutes - width) for width in (_WIDTH_US, _LONG_US))
        close = number - ten >= FEW
        first, width = np.where(close, ten, thirty), np.where(close, _WIDTH_US, _LONG_US)
        total = np.concatenate(([0], np.cumsum(np.minimum(np.diff(minutes), _SPEAKS_US))))
        enough = (number - first >= FEW) & (total - total[first] >= DEMAND * width)
        readings = last + 1 - np.searchsorted(at, minutes - width)
        return cls(last=last, first=first, width=width, apart=width // readings, enough=enough)

    def throughout(self, beyond: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether the minutes were beyond, each by half of its readings."""
        count = np.diff(self.last, prepend=-1)
        total = np.cumsum(beyond)[self.last]
        minutes = np.concatenate(([0], np.cumsum(2 * np.diff(total, prepend=0) >= count)))
        number = np.arange(1, len(self.last) + 1)
        share = (minutes[number] - minutes[self.first]) / (number - self.first)
        return np.asarray(share >= SHARE)


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
    if held.moved.moved(int(held.since[index]) - RECOVERY_US, now):
        return None
    severity = Severity.URGENT if held.urgent[index] else Severity.WATCH
    missing = held.unseen(index)
    low, high = np.searchsorted(held.times, [max(begun - ONSET_US, earliest), now + 1])
    seconds, rates = (held.times[low:high] - now) / 1e6, held.rates[low:high]
    soon = now - begun < case["unseen_hours"] * 3600e6
    if not held.moved.known(now - ALIVE_US, now):
        if soon and like_exertion(seconds, rates, case["high_from"]):
            return None
        return Verdict(severity=Severity.WATCH, onset=onset, missing=(UNSEEN, *missing))
    if soon and severity > Severity.WATCH and rose_as_in_exertion(seconds, rates, case["high_from"]):
        return Verdict(severity=Severity.WATCH, onset=onset, missing=(STEPLESS, *missing))
    return Verdict(severity=severity, onset=onset, missing=missing)


def _low(case: Case) -> Verdict | None:
    held: _Held = case.prepared
    index = held.at(case.now)
    if index < 0 or not held.held[index]:
        return None
    earliest = micro(case.windows[Kind.HEART_RATE].start)
    begun = held.begun(index, earliest)
    return Verdict(
        severity=Severity.WATCH, onset=moment(np.datetime64(begun, "us")), missing=held.unseen(index)
    )


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
    version="3",
    title="High heart rate at rest",
    source=_SOURCE,
    kinds=(Kind.HEART_RATE, *SHOWS_MOVEMENT),
    lookback=timedelta(hours=7, minutes=30),
    join=timedelta(minutes=30),
    every=_ASKED,
    thresholds=HIGH_THRESHOLDS,
    ordered=(("high_from", "urgent_from"),),
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
    version="2",
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
