"""High blood pressure: the average of at least two measurements taken together; a very high one alone."""

from __future__ import annotations

from datetime import timedelta

from healthslm.analysis import extreme, mean, paired
from healthslm.readings import Feature, Kind, Severity, Threshold, moment
from healthslm.rules.base import Case, Rule, Verdict

_HOME = "ESC/ESH 2018 and NICE NG136: the home threshold"
_SAME_DAY = "NICE NG136: assess on the same day"


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
MEASUREMENTS = 2
SITTING = timedelta(minutes=30)
"""Measurements within this time are one sitting, and are averaged."""


def _verdict(case: Case) -> Verdict | None:
    upper, lower = paired(case.windows[Kind.SYSTOLIC], case.windows[Kind.DIASTOLIC])
    if not len(upper):
        return None
    if len(upper) < MEASUREMENTS:
        # One alone is no average, but this high it is a reason to measure again now.
        high = upper.values[-1] >= case["systolic_urgent"] or lower.values[-1] >= case["diastolic_urgent"]
        return Verdict(severity=Severity.WATCH, onset=moment(upper.times[-1])) if high else None
    systolic, diastolic = float(upper.values.mean()), float(lower.values.mean())
    for level, severity in (("urgent", Severity.URGENT), ("watch", Severity.WATCH)):
        if systolic >= case[f"systolic_{level}"] or diastolic >= case[f"diastolic_{level}"]:
            return Verdict(severity=severity, onset=moment(upper.times[0]))
    return None


def _evidence(case: Case) -> tuple[Feature, ...]:
    upper, lower = paired(case.windows[Kind.SYSTOLIC], case.windows[Kind.DIASTOLIC])
    return mean(upper), mean(lower), extreme(upper, "max")


HIGH_PRESSURE = Rule(
    name="high_pressure",
    version="1",
    title="High blood pressure",
    source=(
        "Williams et al., 2018 ESC/ESH guidelines for arterial hypertension, Eur Heart J 2018;39:3021-3104 "
        "(home average 135/85); NICE NG136, 2019 (180/120: same-day assessment)"
    ),
    kinds=(Kind.SYSTOLIC, Kind.DIASTOLIC),
    lookback=SITTING,
    join=timedelta(hours=12),
    thresholds=THRESHOLDS,
    verdict=_verdict,
    evidence=_evidence,
    actions={
        Severity.WATCH: "Rest for five minutes and measure again; note it for your doctor if it stays high.",
        Severity.URGENT: "Rest for five minutes and measure again; if it stays this high call your doctor "
        "today, and with chest pain, breathlessness, weakness or confusion the emergency number.",
    },
    missing=("whether you had rested for five minutes before",),
)
