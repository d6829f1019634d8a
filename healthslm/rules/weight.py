"""Weight that rises within days: in heart failure a sign of fluid."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from healthslm.analysis import DailySeries, absent, over_days
from healthslm.analysis.daily_vitals import DAY_WEIGHT
from healthslm.readings import Feature, Kind, Severity, Threshold
from healthslm.rules.base import Case, Rule, Verdict
from healthslm.rules.shift import recent

OTHERS = 0.10
"""A weight so far from the last days' median is another person's, or in another unit: it is left out."""
_BACK = 14
_ENOUGH = 3
"""Days that say whose weight it is."""
_SPANS = (("gain_3_days", 3), ("gain_7_days", 7))


def own(series: DailySeries) -> DailySeries:
    """Return the days whose weight is the person's own: within a tenth of the median of the fortnight."""
    values = series.values
    keep = np.isfinite(values)
    for n in np.flatnonzero(keep).tolist():
        near = keep & (np.abs(series.dates - series.dates[n]) <= _BACK)
        if near.sum() > _ENOUGH:
            center = float(np.median(values[near]))
            keep[n] = abs(values[n] - center) <= OTHERS * center
    places = np.flatnonzero(keep).tolist()
    return DailySeries(
        name=series.name,
        days=tuple(series.days[n] for n in places),
        features=tuple(series.features[n] for n in places),
    )


def gain(series: DailySeries, within: int) -> tuple[float, int] | None:
    """Return by how much the last day's weight is above the lowest of the days before, and that day's place.

    In kg; only days up to `within` before count. `None` where there is none.
    """
    if not len(series):
        return None
    before = np.flatnonzero(series.dates[:-1] >= series.dates[-1] - within)
    if not len(before):
        return None
    lowest = int(before[np.argmin(series.values[before])])
    return float(series.values[-1] - series.values[lowest]), lowest


def weights(case: Case) -> DailySeries | None:
    """Return the person's own weights up to today, if the last is fresh."""
    series = recent(case.days.get(DAY_WEIGHT.name), case.now, days=3 * _BACK)
    if series is None:
        return None
    mine = own(series)
    # When the last weight is somebody else's, nothing is known of this one today.
    return mine if len(mine) and mine.days[-1] == series.days[-1] else None


def _verdict(case: Case) -> Verdict | None:
    series = weights(case)
    if series is None:
        return None
    for name, within in _SPANS:
        found = gain(series, within)
        if found is not None and found[0] > case[name]:
            return Verdict(severity=Severity.WATCH, onset=series.features[found[1]].start)
    return None


def _evidence(case: Case) -> tuple[Feature, ...]:
    series = weights(case)
    made = []
    for name, within in _SPANS:
        found = None if series is None else gain(series, within)
        if series is None or found is None:
            why = f"no earlier weight within {within} days"
            made.append(absent(f"weight_{name}", Kind.WEIGHT, case.now, case.now, why, unit="kg"))
            continue
        days = series.features[found[1] :]
        made.append(over_days(f"weight_{name}", days, found[0], unit="kg", decimals=1))
    if series is not None:
        latest = float(series.values[-1])
        made.append(over_days("weight_latest", series.features[-1:], latest, unit="kg", decimals=1))
    return tuple(made)


WEIGHT_GAIN = Rule(
    name="weight_gain",
    version="1",
    title="Weight rising within days",
    source=(
        "McDonagh et al., 2021 ESC guidelines for heart failure, Eur Heart J 2021;42:3599-3726 (more than "
        "2 kg in 3 days); American Heart Association, Managing heart failure symptoms (5 lb in a week)"
    ),
    kinds=(),
    daily=(DAY_WEIGHT,),
    days=42,
    lookback=timedelta(0),
    join=timedelta(days=3),
    thresholds=(
        Threshold(
            name="gain_3_days",
            value=2.0,
            unit="kg",
            meaning="more than this within three days, worth a call",
            low=0.5,
            high=5,
            source="ESC 2021: more than 2 kg in 3 days",
        ),
        Threshold(
            name="gain_7_days",
            value=2.3,
            unit="kg",
            meaning="more than this within a week, worth a call",
            low=1,
            high=8,
            source="AHA: 5 lb in a week",
        ),
    ),
    verdict=_verdict,
    evidence=_evidence,
    actions={
        Severity.WATCH: "Weigh yourself again tomorrow morning before breakfast; with heart failure call "
        "your doctor or heart-failure nurse today, and with breathlessness at rest the emergency number."
    },
    missing=(
        "whether you have heart failure: without it a gain like this is mostly food and drink",
        "clothes, scales and times of day, if they changed",
    ),
)
