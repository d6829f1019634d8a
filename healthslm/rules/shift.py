"""Sustained shifts: resting heart rate up, or the night's heart-rate variability down, for days.

Illness, fever, alcohol, hard training, little sleep and new medicines do that; which of them it is nobody can
tell from here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from healthslm.analysis import Daily, DailySeries, absent, over_days
from healthslm.analysis.daily_vitals import NIGHT_HEART_RATE
from healthslm.analysis.resting import NIGHT_RMSSD, RESTING_HEART_RATE
from healthslm.analysis.shift import Shift, shift
from healthslm.readings import Feature, Floats, Ints, Severity, Threshold
from healthslm.rules.base import Case, Rule, Verdict

DAYS = 62
"""Days looked back: the month that is usual, and two for the habits of weekdays."""
FRESH = timedelta(hours=36)
"""A last day that ended longer ago says nothing about now."""
TYPICAL_RATE = 2.0
"""Spread of resting heart rate about a person's month, in /min; LifeSnaps, 20 people: 1.1 to 4.2."""
TYPICAL_RMSSD = 0.13
"""Spread of the logarithm of RMSSD about a person's month at one heart rate; LifeSnaps: 0.09 to 0.16."""
POWER = 3.0
"""RMSSD falls with about the third power of heart rate (LifeSnaps: 1.3 to 3.4), so a night at a higher rate
has less of it anyway; Sacha, Ann Noninvasive Electrocardiol 2014;19:207-216."""
_SEEN = "chosen on LifeSnaps (docs/baselines.md) for fewer than one alert in ten weeks of healthy people"


def recent(series: DailySeries | None, now: datetime, days: int = DAYS) -> DailySeries | None:
    """Return the last days of a series; `None` where there is none, or the latest is too long ago."""
    if series is None or not len(series) or now - series.features[-1].end > FRESH:
        return None
    low = int(np.searchsorted(series.dates, series.dates[-1] - days))
    return DailySeries(name=series.name, days=series.days[low:], features=series.features[low:])


def together(one: DailySeries, other: DailySeries) -> tuple[Ints, Floats, Floats]:
    """Return the days of the first series with its values and the other's, NaN where that has none."""
    values = dict(zip(other.dates.tolist(), other.values.tolist(), strict=True))
    return one.dates, one.values, np.array([values.get(day, np.nan) for day in one.dates.tolist()])


def shown(daily: Daily, series: DailySeries, seen: Shift) -> tuple[Feature, ...]:
    """Return a shift in the days' own numbers: the mean of its last days, the median of its usual ones.

    Where habits of weekdays were taken out, the change that was judged is not between these two: a third
    tells it.
    """
    last, month = ([series.features[n] for n in at.tolist()] for at in (seen.recent, seen.usual.places))
    mean, center = np.mean(series.values[seen.recent]), np.median(series.values[seen.usual.places])
    told = [("days", last, float(mean)), ("usual", month, float(center))]
    if seen.levelled:
        told.append(("change", [*month, *last], seen.change))
    return tuple(
        over_days(f"{daily.name}_{what}", days, value, unit=daily.unit, decimals=daily.decimals)
        for what, days, value in told
    )


def rate_shift(case: Case) -> tuple[DailySeries, Shift] | None:
    """Return the resting heart rates and their shift; `None` where nothing can be said."""
    series = recent(case.days.get(RESTING_HEART_RATE.name), case.now)
    if series is None:
        return None
    seen = shift(series.dates, series.values, typical=TYPICAL_RATE)
    return (series, seen) if isinstance(seen, Shift) else None


def _rate_verdict(case: Case) -> Verdict | None:
    found = rate_shift(case)
    if found is None:
        return None
    series, seen = found
    if seen.spreads < case["spreads"] or seen.change < case["rise"]:
        return None
    return Verdict(severity=Severity.WATCH, onset=series.features[int(seen.recent[0])].start)


def _rate_evidence(case: Case) -> tuple[Feature, ...]:
    found = rate_shift(case)
    if found is None:
        why = "too few days to say what is usual"
        return (absent("resting_heart_rate_days", RESTING_HEART_RATE.kinds[0], case.now, case.now, why),)
    return shown(RESTING_HEART_RATE, *found)


def variability_shift(case: Case) -> tuple[DailySeries, Shift] | None:
    """Return the nights' RMSSD and the shift of its logarithm at one heart rate, if it can be said."""
    rmssd = recent(case.days.get(NIGHT_RMSSD.name), case.now)
    rate = case.days.get(NIGHT_HEART_RATE.name)
    if rmssd is None or rate is None or not len(rate):
        return None
    days, values, rates = together(rmssd, rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.log(np.where(values > 0, values, np.nan)) + POWER * np.log(rates)
    seen = shift(days, level, typical=TYPICAL_RMSSD)
    return (rmssd, seen) if isinstance(seen, Shift) else None


def _variability_verdict(case: Case) -> Verdict | None:
    found = variability_shift(case)
    if found is None:
        return None
    series, seen = found
    if -seen.spreads < case["spreads"] or -100 * np.expm1(seen.change) < case["fall"]:
        return None
    return Verdict(severity=Severity.WATCH, onset=series.features[int(seen.recent[0])].start)


def _variability_evidence(case: Case) -> tuple[Feature, ...]:
    found = variability_shift(case)
    if found is None:
        why = "too few nights to say what is usual"
        return (absent("night_rmssd_ms_days", NIGHT_RMSSD.kinds[0], case.now, case.now, why, unit="ms"),)
    series, seen = found
    # What was judged is a logarithm at one heart rate: the two numbers alone do not show it.
    places = [*seen.usual.places.tolist(), *seen.recent.tolist()]
    change = over_days(
        "night_rmssd_ms_change",
        [series.features[n] for n in places],
        100 * float(np.expm1(seen.change)),
        unit="%",
        decimals=0,
    )
    return *shown(NIGHT_RMSSD, series, seen)[:2], change


def _spreads(value: float) -> Threshold:
    return Threshold(
        name="spreads",
        value=value,
        unit="1",
        meaning="so many times the usual spread away from the month's median",
        low=1.5,
        high=6,
        source=_SEEN,
    )


RAISED_RESTING_RATE = Rule(
    name="raised_resting_rate",
    version="2",
    title="Resting heart rate above your usual for days",
    source=(
        "Mishra et al., Nat Biomed Eng 2020;4:1208-1220, doi:10.1038/s41551-020-00640-6; Radin et al., "
        "Lancet Digit Health 2020;2:e85-e93 (resting heart rate against a person's own baseline)"
    ),
    kinds=(),
    daily=(RESTING_HEART_RATE,),
    days=DAYS,
    lookback=timedelta(0),
    join=timedelta(days=7),
    thresholds=(
        _spreads(2.1),
        Threshold(
            name="rise",
            value=3,
            unit="/min",
            meaning="and at least so much higher",
            low=1,
            high=15,
            source="Radin et al. 2020: illness raised it by a few beats",
        ),
    ),
    verdict=_rate_verdict,
    evidence=_rate_evidence,
    actions={
        Severity.WATCH: "Rest, drink enough and watch how you feel; "
        "call your doctor if you feel ill or it lasts."
    },
    missing=("what raised it: illness, fever, alcohol, training, little sleep or a new medicine",),
)
LOWERED_VARIABILITY = Rule(
    name="lowered_variability",
    version="2",
    title="Heart-rate variability below your usual for days",
    source=(
        "Hirten et al., J Med Internet Res 2021;23:e26107 (variability before illness is noticed); Sacha, "
        "Ann Noninvasive Electrocardiol 2014;19:207-216 (its dependence on heart rate)"
    ),
    kinds=(),
    daily=(NIGHT_RMSSD, NIGHT_HEART_RATE),
    days=DAYS,
    lookback=timedelta(0),
    join=timedelta(days=7),
    thresholds=(
        _spreads(1.7),
        Threshold(
            name="fall",
            value=15,
            unit="%",
            meaning="and at least so much lower than at the same heart rate before",
            low=5,
            high=60,
            source="ours: less is within what nights differ by",
        ),
    ),
    verdict=_variability_verdict,
    evidence=_variability_evidence,
    actions={
        Severity.WATCH: "Rest and watch how you feel; "
        "call your doctor if you feel ill or it lasts for more than a week."
    },
    missing=(
        "what lowered it: illness, alcohol, training, stress, little sleep or a new medicine",
        "a fall that comes with a faster heart: that is told as a raised resting heart rate",
    ),
)
