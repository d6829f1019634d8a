"""High and low blood pressure: the average of a sitting of at least two; an extreme one alone.

Where a systolic pressure comes without a diastolic one, it is judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np

from healthslm.analysis import extreme, of_window, paired
from healthslm.analysis.pressure import SITTING, separate
from healthslm.analysis.quality import worn
from healthslm.readings import Feature, Kind, Severity, Threshold, Window, moment
from healthslm.rules.base import Case, Rule, Verdict

_HOME = "ESC/ESH 2018 and NICE NG136: the home threshold"
_SAME_DAY = "NICE NG136: assess on the same day"
_LOW = "NHS, Low blood pressure, 2023: 90/60 and less; NEWS2: a systolic pressure of 90 and under scores 3"


def _threshold(name: str, value: float, meaning: str, low: float, high: float, source: str) -> Threshold:
    return Threshold(
        name=name, value=value, unit="mm[Hg]", meaning=meaning, low=low, high=high, source=source
    )


THRESHOLDS = (
    _threshold("systolic_watch", 135, "from here on, worth a look", 110, 170, _HOME),
    _threshold("diastolic_watch", 85, "from here on, worth a look", 70, 105, _HOME),
    _threshold("systolic_urgent", 180, "from here on, call a doctor today", 150, 200, _SAME_DAY),
    _threshold("diastolic_urgent", 120, "from here on, call a doctor today", 95, 130, _SAME_DAY),
)
LOW_THRESHOLDS = (
    _threshold("systolic_low", 90, "at or below it, worth a look", 70, 110, _LOW),
    _threshold(
        "systolic_very_low",
        80,
        "at or below it, call a doctor now",
        60,
        100,
        "no guideline for the home has such a number: ten below where NEWS2 scores its most",
    ),
)
MEASUREMENTS = 2


def _sitting(case: Case) -> tuple[Window, Window]:
    """The complete measurements, a minute apart; without any, the systolic ones that have no diastolic."""
    upper, lower = separate(*paired(case.windows[Kind.SYSTOLIC], case.windows[Kind.DIASTOLIC]))
    if len(upper):
        return upper, lower
    bare = _bare(case)
    return separate(bare, bare)[0], lower


def _bare(case: Case) -> Window:
    """The usable systolic readings at whose time there is no diastolic one, not even one that was refused."""
    good = worn(case.windows[Kind.SYSTOLIC])
    return good.where(~np.isin(good.times, case.windows[Kind.DIASTOLIC].times))


def _judged(severity: Severity, onset: np.datetime64, lower: Window, *, alone: bool = False) -> Verdict:
    missing = () if len(lower) else ("diastolic pressure: there is none",)
    return Verdict(severity=severity, onset=moment(onset), missing=missing, alone=alone)


def _high(case: Case) -> Verdict | None:
    upper, lower = _sitting(case)
    if not len(upper):
        return None
    if len(upper) < MEASUREMENTS:
        # One alone is no average, but this high it is a reason to measure again now.
        high = upper.values[-1] >= case["systolic_urgent"] or (
            len(lower) > 0 and lower.values[-1] >= case["diastolic_urgent"]
        )
        return _judged(Severity.WATCH, upper.times[-1], lower, alone=True) if high else None
    systolic = float(upper.values.mean())
    diastolic = float(lower.values.mean()) if len(lower) else -np.inf
    for level, severity in (("urgent", Severity.URGENT), ("watch", Severity.WATCH)):
        if systolic >= case[f"systolic_{level}"] or diastolic >= case[f"diastolic_{level}"]:
            return _judged(severity, upper.times[0], lower)
    return None


def _low(case: Case) -> Verdict | None:
    upper, lower = _sitting(case)
    if not len(upper):
        return None
    if len(upper) < MEASUREMENTS:
        low = upper.values[-1] <= case["systolic_very_low"]
        return _judged(Severity.WATCH, upper.times[-1], lower, alone=True) if low else None
    systolic = float(upper.values.mean())
    if systolic > case["systolic_low"]:
        return None
    severity = Severity.URGENT if systolic <= case["systolic_very_low"] else Severity.WATCH
    return _judged(severity, upper.times[0], lower)


def _high_evidence(case: Case) -> tuple[Feature, ...]:
    return _told(case, "max", _high)


def _low_evidence(case: Case) -> tuple[Feature, ...]:
    return _told(case, "min", _low)


def _told(case: Case, which: str, verdict: Callable[[Case], Verdict | None]) -> tuple[Feature, ...]:
    """The means of an episode's worst sitting, the extreme of all, and how many sittings there were.

    The extreme is also of those without a diastolic. An episode may join sittings of half a day, and its
    severity is that of the worst: a mean of them all would say less than that.
    """
    upper, lower = _sitting(case)
    whole = worn(case.windows[Kind.SYSTOLIC])
    every = whole.where(np.isin(whole.times, np.concatenate([upper.times, _bare(case).times])))
    worst = _worst(case, upper, -1.0 if which == "min" else 1.0, verdict)
    means = [_mean(part) for part in (worst or (upper, lower)) if len(part)]
    return *means, extreme(every, which), _number(upper)


def _worst(
    case: Case, upper: Window, sign: float, verdict: Callable[[Case], Verdict | None]
) -> tuple[Window, Window] | None:
    """The sitting that was judged the most severe, as the rule judged it; of equal ones the furthest out."""
    found = []
    for time in upper.times:
        until = moment(time) + timedelta(microseconds=1)
        windows = {kind: case.windows[kind].between(until - SITTING, until) for kind in _KINDS}
        then = replace(case, windows=windows, now=moment(time))
        judged = verdict(then)
        if judged is not None:
            sitting = _sitting(then)
            found.append((judged.severity, sign * float(sitting[0].values.mean()), sitting))
    return max(found, key=lambda one: one[:2])[2] if found else None


def _mean(part: Window) -> Feature:
    first, last = moment(part.times[0]), moment(part.times[-1])
    exact = part.between(first, last + timedelta(microseconds=1))
    name = f"{part.kind}_worst_sitting_mean"
    return replace(of_window(name, float(exact.values.mean()), exact), at=first)


def _number(upper: Window) -> Feature:
    """How many sittings measurements are: each begins more than half an hour after the one before it did."""
    count, begun = 0, None
    for time in upper.times:
        if begun is None or time - begun > np.timedelta64(SITTING):
            count, begun = count + 1, time
    return of_window("pressure_sittings", count, upper, unit="1", decimals=0)


_KINDS = (Kind.SYSTOLIC, Kind.DIASTOLIC)
_JOIN = timedelta(hours=12)
HIGH_PRESSURE = Rule(
    name="high_pressure",
    version="4",
    title="High blood pressure",
    source=(
        "Williams et al., 2018 ESC/ESH guidelines for arterial hypertension, Eur Heart J 2018;39:3021-3104 "
        "(home average 135/85); NICE NG136, 2019 (180/120: same-day assessment)"
    ),
    kinds=_KINDS,
    lookback=SITTING,
    join=_JOIN,
    thresholds=THRESHOLDS,
    ordered=(("systolic_watch", "systolic_urgent"), ("diastolic_watch", "diastolic_urgent")),
    verdict=_high,
    evidence=_high_evidence,
    actions={
        Severity.WATCH: "Rest for five minutes and measure again; note it for your doctor if it stays high.",
        Severity.URGENT: "Rest for five minutes and measure again; if it stays this high call your doctor "
        "today, and with chest pain, breathlessness, weakness or confusion the emergency number.",
    },
    alone="Rest for five minutes and measure again at once; if it is still this high, or you feel unwell, "
    "call your doctor today, and with chest pain, breathlessness, weakness or confusion the emergency "
    "number.",
    missing=("whether you had rested for five minutes before",),
)
LOW_PRESSURE = Rule(
    name="low_pressure",
    version="3",
    title="Low blood pressure",
    source=(
        "NHS, Low blood pressure (hypotension), 2023; Royal College of Physicians, National Early Warning "
        "Score 2, 2017"
    ),
    kinds=_KINDS,
    lookback=SITTING,
    join=_JOIN,
    thresholds=LOW_THRESHOLDS,
    ordered=(("systolic_very_low", "systolic_low"),),
    verdict=_low,
    evidence=_low_evidence,
    actions={
        Severity.WATCH: "Sit or lie down and measure again; tell your doctor if it stays low or you feel "
        "dizzy.",
        Severity.URGENT: "Lie down and measure again; if it stays this low call your doctor or the "
        "out-of-hours service now, and when faint, confused, breathless or bleeding the emergency number.",
    },
    alone="Lie down and measure again at once; if it is still this low, or you feel unwell, call your doctor "
    "or the out-of-hours service now, and when faint, confused, breathless or bleeding the emergency number.",
    missing=(
        "whether this is usual: healthy people can have a low pressure without harm",
        "whether you lay, sat or stood",
    ),
)
