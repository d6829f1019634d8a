"""Fast and slow breathing that lasts: the median of five covered minutes, or sparse counts that agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from healthslm.analysis import absent, extreme
from healthslm.analysis.activity import ALIVE_US, RECOVERY_US, SHOWS_MOVEMENT, UNSEEN, Movement, movement
from healthslm.readings import KINDS, Feature, Kind, Severity, Threshold, micro, moment
from healthslm.rules.alone import LATER, lone
from healthslm.rules.base import Case, Rule, Verdict, Windows
from healthslm.rules.lasting import Lasting

_NEWS2 = "NEWS2: 8 and under scores 3, 9-11 scores 1, 21-24 scores 2, 25 and above scores 3"
_UNIT = KINDS[Kind.RESPIRATORY_RATE].ucum
HIGH_THRESHOLDS = (
    Threshold(
        name="watch_from",
        value=21,
        unit=_UNIT,
        meaning="from here on, at rest, worth a look",
        low=16,
        high=40,
        source=_NEWS2,
    ),
    Threshold(
        name="urgent_from",
        value=25,
        unit=_UNIT,
        meaning="from here on, at rest, call a doctor now",
        low=20,
        high=60,
        source=_NEWS2,
    ),
)
LOW_THRESHOLDS = (
    Threshold(
        name="urgent_at",
        value=8,
        unit=_UNIT,
        meaning="at or below it, call a doctor now",
        low=4,
        high=11,
        source=_NEWS2,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Breathing:
    """Medians of the breathing rate, and when somebody moved."""

    lasting: Lasting
    moved: Movement


def _prepare(windows: Windows, thresholds: Mapping[str, float]) -> _Breathing:
    window = windows.get(Kind.RESPIRATORY_RATE)
    fast = window is not None and bool((window.values >= thresholds["watch_from"]).any())
    return _Breathing(lasting=Lasting.of(window), moved=movement(windows if fast else {}))


def _high(case: Case) -> Verdict | None:
    seen: _Breathing = case.prepared
    found = seen.lasting.now(case.windows, Kind.RESPIRATORY_RATE, case.now, high=True)
    if found is None:
        verdict = _alone(case, lambda count: count >= case["urgent_from"])
        then = micro(case.now) if verdict is None else micro(verdict.onset)
        return None if seen.moved.moved(then - RECOVERY_US, then) else verdict
    # A median between two counts is as far as the lower one.
    if found[0] < case["watch_from"]:
        return None
    severity = Severity.URGENT if found[0] >= case["urgent_from"] else Severity.WATCH
    now, since = (micro(one) for one in (case.now, found[1]))
    if seen.moved.moved(since - RECOVERY_US, now):
        return None
    if not seen.moved.known(now - ALIVE_US, now):
        return Verdict(severity=severity, onset=found[1], missing=(UNSEEN,))
    return Verdict(severity=severity, onset=found[1])


def _prepare_low(windows: Windows, _thresholds: Mapping[str, float]) -> Lasting:
    return Lasting.of(windows.get(Kind.RESPIRATORY_RATE))


def _low(case: Case) -> Verdict | None:
    found = case.prepared.now(case.windows, Kind.RESPIRATORY_RATE, case.now)
    if found is None:
        return _alone(case, lambda count: count <= case["urgent_at"])
    return Verdict(severity=Severity.URGENT, onset=found[1]) if found[0] <= case["urgent_at"] else None


def _alone(case: Case, beyond: Callable[[float], bool]) -> Verdict | None:
    """One count alone: to be counted again."""
    few = lone(case.windows[Kind.RESPIRATORY_RATE], case.now)
    if few is None or not all(beyond(count) for count in few.values.tolist()):
        return None
    return Verdict(severity=Severity.WATCH, onset=moment(few.times[0]), alone=True)


def _high_evidence(case: Case) -> tuple[Feature, ...]:
    return _told(case, case.prepared.lasting, high=True)


def _low_evidence(case: Case) -> tuple[Feature, ...]:
    return _told(case, case.prepared, high=False)


def _told(case: Case, lasting: Lasting, *, high: bool) -> tuple[Feature, ...]:
    window = case.windows[Kind.RESPIRATORY_RATE]
    name = "respiratory_rate_5min_high" if high else "respiratory_rate_5min_low"
    found = lasting.extreme(window, name, np.argmax if high else np.argmin)
    furthest = extreme(window, "max" if high else "min")
    if found is None:
        why = "no five minutes with enough readings"
        return furthest, absent(name, window.kind, window.start, window.end, why, unit=_UNIT)
    return found, furthest


_SOURCE = "Royal College of Physicians, National Early Warning Score 2, 2017, respiration rate"
_MISSING = ("how you feel: breathlessness matters more than the count", "how the sensor counts breaths")
HIGH_RESPIRATION = Rule(
    name="high_respiration",
    version="5",
    title="Fast breathing at rest",
    source=_SOURCE,
    kinds=(Kind.RESPIRATORY_RATE, *SHOWS_MOVEMENT),
    lookback=timedelta(minutes=30),
    join=timedelta(minutes=30),
    every=timedelta(minutes=1),
    thresholds=HIGH_THRESHOLDS,
    ordered=(("watch_from", "urgent_from"),),
    prepare=_prepare,
    verdict=_high,
    evidence=_high_evidence,
    alone="Sit down, rest and count again at once, over a whole minute; if it is still so, or you feel unwell"
    " or short of breath, call your doctor or the out-of-hours service now, and with blue lips the emergency"
    " number.",
    later=LATER,
    actions={
        Severity.WATCH: "Sit down, rest for ten minutes and count again; call your doctor if it stays fast.",
        Severity.URGENT: "Sit upright and rest; call your doctor or the out-of-hours service now, and the "
        "emergency number if you are short of breath at rest or your lips are blue.",
    },
    missing=_MISSING,
)
LOW_RESPIRATION = Rule(
    name="low_respiration",
    version="4",
    title="Slow breathing",
    source=_SOURCE,
    kinds=(Kind.RESPIRATORY_RATE,),
    lookback=timedelta(minutes=30),
    join=timedelta(minutes=30),
    every=timedelta(minutes=1),
    thresholds=LOW_THRESHOLDS,
    prepare=_prepare_low,
    verdict=_low,
    evidence=_low_evidence,
    alone="Count again at once, over a whole minute; if it is still so, or you feel unwell, call your doctor "
    "or the out-of-hours service now; if the person cannot be woken or breathes badly, the emergency number.",
    later=LATER,
    actions={
        Severity.WATCH: "Count again over a whole minute; call your doctor if it stays slow.",
        Severity.URGENT: "Check that the person can be woken and breathes well; if not, call the emergency "
        "number now; otherwise call a doctor or the out-of-hours service.",
    },
    missing=(*_MISSING, "sleep and slow breathing on purpose", "medicines that slow breathing"),
)
