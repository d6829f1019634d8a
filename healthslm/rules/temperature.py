"""Fever: body temperature of 38.0 °C and above."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from healthslm.analysis import extreme
from healthslm.readings import Feature, Kind, Severity, Threshold, moment
from healthslm.rules.base import Case, Rule, Verdict

THRESHOLDS = (
    Threshold(
        name="fever",
        value=38.0,
        unit="Cel",
        meaning="from here on, a fever",
        low=37.2,
        high=39.0,
        source='NHS: "a high temperature is usually considered to be 38C or above"',
    ),
    Threshold(
        name="high",
        value=39.1,
        unit="Cel",
        meaning="from here on, twice in a row, call a doctor today",
        low=38.0,
        high=41.0,
        source="NEWS2: 39.1 °C and above scores 2",
    ),
)


def _verdict(case: Case) -> Verdict | None:
    good = case.windows[Kind.TEMPERATURE].usable()
    if not len(good) or good.values[-1] < case["fever"]:
        return None
    below = np.flatnonzero(good.values < case["fever"])
    first = int(below[-1]) + 1 if len(below) else 0
    # One reading may be tea or a badly placed probe; the higher level wants a second one that agrees.
    high = len(good) - first >= 2 and bool((good.values[-2:] >= case["high"]).all())
    return Verdict(severity=Severity.URGENT if high else Severity.WATCH, onset=moment(good.times[first]))


def _evidence(case: Case) -> tuple[Feature, ...]:
    window = case.windows[Kind.TEMPERATURE]
    return extreme(window, "max"), extreme(window, "latest")


FEVER = Rule(
    name="fever",
    version="1",
    title="Fever",
    source=(
        "NHS, High temperature (fever) in adults, 2023 (38 °C); "
        "Royal College of Physicians, National Early Warning Score 2, 2017 (39.1 °C)"
    ),
    kinds=(Kind.TEMPERATURE,),
    lookback=timedelta(hours=12),
    join=timedelta(hours=6),
    thresholds=THRESHOLDS,
    verdict=_verdict,
    evidence=_evidence,
    actions={
        Severity.WATCH: "Take your temperature again in half an hour, rest and drink enough; "
        "call your doctor if it lasts or you feel worse.",
        Severity.URGENT: "Call your doctor or the out-of-hours service today.",
    },
    missing=("where on the body the temperature was taken, unless the thermometer said so",),
)
