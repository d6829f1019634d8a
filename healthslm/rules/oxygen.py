"""Low oxygen saturation that lasts, and, for people with a target set by a clinician, one above it.

Judged by the median of five covered minutes, and of a stream that is over before by that of its steady end;
where readings come too seldom for that (spot checks, a sensor that keeps slipping), as lasting.py says: by
the median of several, or two that lie at least a minute apart have to agree. One spot check alone that is low
enough for a doctor is to be measured again at once.

A target (in COPD often 88 to 92 %) is two thresholds that a clinician sets: `target_low` of `low_spo2`,
`target_high` of `spo2_above_target`. Each has a usual value at which it is off: at 70 % no target is set, and
above 100 % there is nothing. With `target_low` set, `low_spo2` steps back: its own levels, which are NEWS2's
scale 1, no longer count, and those of the target do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np

from healthslm.analysis import absent, extreme, mean
from healthslm.readings import KINDS, Feature, Kind, Severity, Threshold, moment
from healthslm.rules.alone import LATER, lone
from healthslm.rules.base import Case, Rule, Verdict, Windows
from healthslm.rules.lasting import Lasting, settled

_EVERY = timedelta(seconds=2)
"""A median of minutes does not change faster; several oximeters are asked of together."""
NO_TARGET_LOW, NO_TARGET_HIGH = 70.0, 100.0
"""The usual values of a target's bounds: none is set."""
_SCALE_2 = "NEWS2, SpO2 scale 2: 88-92 is the target"
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
    Threshold(
        name="target_low",
        value=NO_TARGET_LOW,
        unit="%",
        meaning="lower bound of a target set by a clinician, in place of the levels above; at 70 none is set",
        low=NO_TARGET_LOW,
        high=94,
        source=f"{_SCALE_2}; BTS 2017: 88-92 for people at risk of retaining carbon dioxide",
    ),
    Threshold(
        name="target_urgent_points",
        value=4,
        unit="%",
        meaning="further than this below the target, call a doctor now",
        low=1,
        high=10,
        source="NEWS2, SpO2 scale 2: 83 and under scores 3",
    ),
    Threshold(
        name="target_emergency_points",
        value=8,
        unit="%",
        meaning="further than this below the target, call the emergency number",
        low=2,
        high=15,
        source="no guideline has such a number: twice as far as where NEWS2 scores its most",
    ),
)
ABOVE_THRESHOLDS = (
    Threshold(
        name="target_high",
        value=NO_TARGET_HIGH,
        unit="%",
        meaning="upper bound of a target set by a clinician: above it, worth a look; at 100 none is set",
        low=88,
        high=NO_TARGET_HIGH,
        source="NEWS2, SpO2 scale 2: on oxygen, 93-94 scores 1, 95-96 scores 2, 97 and above scores 3",
    ),
)


def _levels(case: Case) -> tuple[tuple[float, Severity], ...]:
    """Below which level how severe, the worst first: the target's where one is set."""
    target = case["target_low"]
    if target > NO_TARGET_LOW:
        return (
            (target - case["target_emergency_points"], Severity.EMERGENCY),
            (target - case["target_urgent_points"], Severity.URGENT),
            (target, Severity.WATCH),
        )
    return (
        (case["emergency_below"], Severity.EMERGENCY),
        (case["urgent_below"], Severity.URGENT),
        (case["watch_below"], Severity.WATCH),
    )


def _prepare(windows: Windows, _thresholds: Mapping[str, float]) -> Lasting:
    return Lasting.of(windows.get(Kind.SPO2))


def _verdict(case: Case) -> Verdict | None:
    found = case.prepared.now(case.windows, Kind.SPO2, case.now)
    if found is None:
        return _alone(case)
    value, onset = found
    for bound, severity in _levels(case):
        if value < bound:
            return Verdict(severity=severity, onset=onset)
    return None


def _alone(case: Case) -> Verdict | None:
    """A spot check that nothing confirms yet, as low as would be urgent."""
    urgent = next(bound for bound, severity in _levels(case) if severity is Severity.URGENT)
    few = lone(case.windows[Kind.SPO2], case.now)
    if few is None or not bool((few.values < urgent).all()):
        return None
    return Verdict(severity=Severity.WATCH, onset=moment(few.times[0]), alone=True)


def _evidence(case: Case) -> tuple[Feature, ...]:
    window, pulse = case.windows[Kind.SPO2], case.windows[Kind.PULSE_RATE]
    low = case.prepared.extreme(window, "spo2_5min_low")
    if low is None:
        return extreme(settled(window), "min"), _no_five_minutes("spo2_5min_low", case)
    return low, extreme(window, "min"), mean(pulse)


def _no_five_minutes(name: str, case: Case) -> Feature:
    window = case.windows[Kind.SPO2]
    unit = KINDS[Kind.SPO2].ucum
    why = "no five minutes with enough readings"
    return absent(name, Kind.SPO2, window.start, window.end, why, unit=unit)


def _prepare_above(windows: Windows, thresholds: Mapping[str, float]) -> Lasting:
    # Without a target there is nothing to compute.
    set_ = thresholds["target_high"] < NO_TARGET_HIGH
    return Lasting.of(windows.get(Kind.SPO2) if set_ else None)


def _above(case: Case) -> Verdict | None:
    if case["target_high"] >= NO_TARGET_HIGH:
        return None
    found = case.prepared.now(case.windows, Kind.SPO2, case.now, high=True)
    if found is None or found[0] <= case["target_high"]:
        return None
    return Verdict(severity=Severity.WATCH, onset=found[1])


def _above_evidence(case: Case) -> tuple[Feature, ...]:
    window = case.windows[Kind.SPO2]
    high = case.prepared.extreme(window, "spo2_5min_high", np.argmax)
    if high is None:
        return extreme(settled(window), "max"), _no_five_minutes("spo2_5min_high", case)
    return high, extreme(window, "max")


_SOURCE = (
    "Royal College of Physicians, National Early Warning Score 2, 2017, SpO2 scales 1 and 2; "
    "British Thoracic Society, guideline for oxygen use in adults, Thorax 2017;72(Suppl 1)"
)
LOW_SPO2 = Rule(
    name="low_spo2",
    version="6",
    title="Low oxygen saturation",
    source=_SOURCE,
    kinds=(Kind.SPO2, Kind.PULSE_RATE),
    lookback=timedelta(minutes=30),
    every=_EVERY,
    join=timedelta(minutes=30),
    thresholds=THRESHOLDS,
    ordered=(
        ("emergency_below", "urgent_below", "watch_below"),
        ("target_urgent_points", "target_emergency_points"),
    ),
    prepare=_prepare,
    verdict=_verdict,
    evidence=_evidence,
    actions={
        Severity.WATCH: "Warm your hand, sit still and measure again; call your doctor if it stays low.",
        Severity.URGENT: "Sit upright, check that the sensor sits well on a warm finger, "
        "and call your doctor or the out-of-hours service now.",
        Severity.EMERGENCY: "If the sensor sits well, call the emergency number now.",
    },
    alone="Warm your hand, sit upright and still, and measure again at once; if it is still so, or you feel "
    "unwell, call your doctor or the out-of-hours service now, and when breathless, blue or confused the "
    "emergency number.",
    later=LATER,
    missing=("a target range that a clinician has not set here", "extra oxygen, if any"),
)
SPO2_ABOVE_TARGET = Rule(
    name="spo2_above_target",
    version="4",
    title="Oxygen saturation above the target",
    source=_SOURCE,
    kinds=(Kind.SPO2,),
    lookback=timedelta(minutes=30),
    every=_EVERY,
    join=timedelta(minutes=30),
    thresholds=ABOVE_THRESHOLDS,
    prepare=_prepare_above,
    verdict=_above,
    evidence=_above_evidence,
    actions={
        Severity.WATCH: "If you are using oxygen, compare its flow with what was ordered for you, and call "
        "whoever ordered it; without oxygen there is nothing to do.",
    },
    later=LATER,
    missing=(
        "whether extra oxygen is given, and how much: above the target matters only with it",
        "carbon dioxide in the blood, which too much oxygen can raise",
    ),
)
