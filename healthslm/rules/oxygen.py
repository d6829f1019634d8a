"""Low oxygen saturation, judged by the median of five covered minutes.

Where readings come too seldom for that (spot checks, a sensor that keeps slipping), two that lie at least a
minute apart have to agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np

from healthslm.analysis import absent, extreme, mean, rolling_median
from healthslm.readings import KINDS, Feature, Floats, Kind, Severity, Threshold, Times, instant, moment
from healthslm.rules.base import Case, Rule, Verdict, Windows

WIDTH = timedelta(minutes=5)
DEMAND = 0.8
"""Share of the five minutes that readings must speak for."""
THRESHOLDS = (
    Threshold(
        name="watch_below",
        value=94,
        unit="%",
        meaning="below it, worth a look",
        low=80,
        high=97,
        source="NEWS2, SpO2 scale 1: 94-95 scores 1, 92-93 scores 2",
    ),
    Threshold(
        name="urgent_below",
        value=92,
        unit="%",
        meaning="below it, call a doctor now",
        low=75,
        high=95,
        source="NEWS2, SpO2 scale 1: 91 and under scores 3",
    ),
    Threshold(
        name="emergency_below",
        value=85,
        unit="%",
        meaning="below it, call the emergency number",
        low=70,
        high=90,
        source="BTS 2017: where treatment begins with a reservoir mask",
    ),
)
"""For people with a target set by a clinician (in COPD often 88-92 %), theirs take the place of these."""
_LEVELS = (
    ("emergency_below", Severity.EMERGENCY),
    ("urgent_below", Severity.URGENT),
    ("watch_below", Severity.WATCH),
)
_RECENT = np.timedelta64(1, "m")
"""A median from before that is not about now."""


def _prepare(windows: Windows, _thresholds: Mapping[str, float]) -> tuple[Times, Floats]:
    return rolling_median(windows[Kind.SPO2], width=WIDTH, demand=DEMAND)


def _verdict(case: Case) -> Verdict | None:
    times, medians = case.prepared
    at = int(np.searchsorted(times, instant(case.now), side="right")) - 1
    if at >= 0 and times[at] >= instant(case.now) - _RECENT:
        return _level(case, float(medians[at]), moment(times[at]) - WIDTH)
    return _spot(case)


def _level(case: Case, value: float, onset: datetime) -> Verdict | None:
    for threshold, severity in _LEVELS:
        if value < case[threshold]:
            return Verdict(severity=severity, onset=onset)
    return None


def _spot(case: Case) -> Verdict | None:
    """Judge sparse readings: the milder of the last minute's median and that of an earlier minute."""
    good = case.windows[Kind.SPO2].usable()
    if not len(good):
        return None
    last = good.times[-1]
    minute = np.timedelta64(1, "m")
    begun = good.times[np.searchsorted(good.times, last - np.timedelta64(WIDTH))]
    part = good.between(moment(begun), moment(last) + timedelta(microseconds=1))
    if last - begun >= minute and (part.coverage or 0.0) >= DEMAND:
        return None  # a stream that was just put on: five minutes of it will tell
    before = good.values[good.times <= last - minute]
    if not len(before):
        return None
    earlier = good.times[len(before) - 1]
    first = np.median(good.values[(good.times > earlier - minute) & (good.times <= earlier)])
    second = np.median(good.values[good.times > last - minute])
    return _level(case, float(max(first, second)), moment(earlier))


def _evidence(case: Case) -> tuple[Feature, ...]:
    window, pulse = case.windows[Kind.SPO2], case.windows[Kind.PULSE_RATE]
    times, medians = case.prepared
    inside = (times >= instant(window.start)) & (times < instant(window.end))
    times, medians = times[inside], medians[inside]
    if not len(medians):
        unit = KINDS[Kind.SPO2].ucum
        why = "no five minutes with enough readings"
        return (absent("spo2_5min_low", Kind.SPO2, window.start, window.end, why, unit=unit),)
    index = int(np.argmin(medians))
    end = moment(times[index])
    five = window.between(end - WIDTH, end + timedelta(microseconds=1)).usable()
    low = Feature(
        name="spo2_5min_low",
        kind=Kind.SPO2,
        value=float(medians[index]),
        unit=KINDS[Kind.SPO2].ucum,
        start=five.start,
        end=five.end,
        coverage=five.coverage,
        count=len(five),
        readings=(int(five.ids[0]), int(five.ids[-1])),
        at=end,
    )
    return low, extreme(window, "min"), mean(pulse)


LOW_SPO2 = Rule(
    name="low_spo2",
    version="2",
    title="Low oxygen saturation",
    source=(
        "Royal College of Physicians, National Early Warning Score 2, 2017, SpO2 scale 1; "
        "British Thoracic Society, guideline for oxygen use in adults, Thorax 2017;72(Suppl 1) (below 85 %)"
    ),
    kinds=(Kind.SPO2, Kind.PULSE_RATE),
    lookback=timedelta(minutes=30),
    join=timedelta(minutes=30),
    thresholds=THRESHOLDS,
    prepare=_prepare,
    verdict=_verdict,
    evidence=_evidence,
    actions={
        Severity.WATCH: "Warm your hand, sit still and measure again; call your doctor if it stays low.",
        Severity.URGENT: "Sit upright, check that the sensor sits well on a warm finger, "
        "and call your doctor or the out-of-hours service now.",
        Severity.EMERGENCY: "If the sensor sits well, call the emergency number now.",
    },
    missing=("a target range set by a clinician (in COPD 88-92 % may be the aim)", "extra oxygen, if any"),
)
