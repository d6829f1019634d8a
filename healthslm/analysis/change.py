"""How something changes over days, how long it was within bounds, and whether two things go together.

Sources:
[1] Spearman C. The proof and measurement of association between two things. Am J Psychol 1904;15:72-101.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.features import absent, of_window
from healthslm.analysis.trend import theil_sen
from healthslm.readings import KINDS, Feature, Floats, Kind, Window, moment

TREND_DAYS = 3
"""Days with readings that a trend needs."""
RELATION_DAYS = 7
"""Days with readings of both that a correlation needs; fewer say nothing."""


def daily_means(window: Window, zone: ZoneInfo) -> tuple[NDArray[np.int64], Floats]:
    """Return the local days with readings (proleptic ordinals) and the mean of each; shapes `(n,)`.

    Of a kind that adds up it is the day's sum.
    """
    good = window.usable()
    days = np.array([moment(t).astimezone(zone).date().toordinal() for t in good.times], dtype=np.int64)
    unique, index = np.unique(days, return_inverse=True)
    sums: Floats = np.bincount(index, weights=good.values, minlength=len(unique)).astype(np.float64)
    if KINDS[window.kind].adds:
        return unique, sums
    return unique, sums / np.maximum(np.bincount(index, minlength=len(unique)), 1)


def daily(window: Window, which: str, zone: ZoneInfo) -> Feature:
    """Return the `mean`, `min` or `max` of the days' sums (of the days' means, where nothing adds up).

    Only days with readings count: of the others nothing is known. As `<kind>_daily_<which>`.
    """
    info = KINDS[window.kind]
    name = f"{window.kind}_daily_{which}"
    days, values = daily_means(window, zone)
    if not len(days):
        why = f"no usable {info.title} reading in this period"
        return absent(name, window.kind, window.start, window.end, why, unit=info.ucum)
    good = window.usable()
    found = {"mean": float(values.mean()), "min": float(values.min()), "max": float(values.max())}
    return of_window(name, found[which], good, count=len(days))


def trend(window: Window, zone: ZoneInfo) -> tuple[Feature, ...]:
    """Return the Theil-Sen slope of the daily means, in the kind's unit per day, and its 95 % interval.

    As `<kind>_trend`, `<kind>_trend_low` and `<kind>_trend_high`; the last two have no value where the days
    are too few to bear one, none of them under three days.
    """
    info = KINDS[window.kind]
    names, unit = [f"{window.kind}_trend{end}" for end in ("", "_low", "_high")], f"{info.ucum}/d"
    days, means = daily_means(window, zone)
    good = window.usable()

    def none(name: str, why: str) -> Feature:
        return absent(name, window.kind, window.start, window.end, why, unit=unit)

    if len(days) < TREND_DAYS:
        why = f"{info.title} on {len(days)} day{'s' * (len(days) != 1)}, a trend needs {TREND_DAYS}"
        return tuple(none(name, why) for name in names)
    slope = theil_sen(days, means)
    return tuple(
        none(name, f"{len(days)} days bear no interval")
        if value is None
        else of_window(name, value, good, unit=unit, decimals=info.decimals + 2)
        for name, value in zip(names, (slope.value, slope.low, slope.high), strict=True)
    )


def in_range(window: Window, low: float | None, high: float | None) -> Feature:
    """Return the share of usable readings within `[low, high]`, in %, as `<kind>_in_range`.

    A bound may be open. Of a continuous stream that is the share of the time that readings speak for.
    """
    good = window.usable()
    name = f"{window.kind}_in_range"
    if not len(good):
        why = f"no usable {KINDS[window.kind].title} reading in this period"
        return absent(name, window.kind, window.start, window.end, why, unit="%")
    inside = (good.values >= (-np.inf if low is None else low)) & (
        good.values <= (np.inf if high is None else high)
    )
    return of_window(name, float(inside.mean() * 100), good, unit="%", decimals=0)


def _ranks(values: Floats) -> Floats:
    """Ranks from 0, ties sharing their mean."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: Floats = ends - (counts + 1) / 2
    return means[index]


def relation(one: Window, other: Window, zone: ZoneInfo) -> Feature:
    """Return Spearman's correlation [1] of the daily means, -1 to 1, as `<kind>_<other>_correlation`."""
    name = f"{one.kind}_{other.kind}_correlation"

    def none(why: str) -> Feature:
        return absent(name, one.kind, one.start, one.end, why, unit="1")

    one_days, one_means = daily_means(one, zone)
    other_days, other_means = daily_means(other, zone)
    both, first, second = np.intersect1d(one_days, other_days, return_indices=True)
    titles = f"{_title(one.kind)} and {_title(other.kind)}"
    if len(both) < RELATION_DAYS:
        return none(f"{titles} on {len(both)} same days, {RELATION_DAYS} are needed")
    a, b = _ranks(one_means[first]), _ranks(other_means[second])
    if not a.std() or not b.std():
        return none(f"{titles}: one of them never changed")
    good = one.usable()
    value = float(np.corrcoef(a, b)[0, 1])
    return of_window(name, value, good, unit="1", decimals=2, count=len(both))


def _title(kind: Kind) -> str:
    return KINDS[kind].title
