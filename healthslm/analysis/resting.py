"""Resting heart rate, night-time variability, nocturnal dip, and recovery after exertion.

Sources:
[1] Speed C et al. Measure by measure: resting heart rate across the 24-hour cycle. PLOS Digit Health
    2023;2(4):e0000236. doi:10.1371/journal.pdig.0000236 (what "resting" is taken for; lows of rest and sleep)
[2] O'Brien E et al. J Hypertens 2013;31:1731-1768 (day 9 to 21 h and night 1 to 6 h by the clock; that the
    night begins at 0 h here is ours, as everywhere in this package)
[3] Cole CR et al. N Engl J Med 1999;341:1351-1357. doi:10.1056/NEJM199910283411804 (recovery in one minute)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from healthslm.analysis.beats import FIVE_US, beats_in, of_one_device
from healthslm.analysis.days import Daily
from healthslm.analysis.features import absent, of_window
from healthslm.analysis.quality import worn
from healthslm.analysis.variability import CLEAN, IRREGULAR
from healthslm.readings import KINDS, Feature, Floats, Kind, Window, micro, micros

_FIVE_S = 300.0
LEAST_BINS, LEAST_NIGHT, LEAST_RMSSD = 48, 12, 6
"""Five-minute parts of a day (4 h), of day and night each for a dip, and of clean beats for a night's
RMSSD."""
LOW = 5.0
"""Percentile of a day's five-minute means: an hour's worth of lows, whatever single ones are [1]."""


def fives(window: Window) -> tuple[Floats, Floats]:
    """Return the means of the five-minute parts that readings cover by half, and when those begin.

    Shapes `(n,)` and `(n,)`; the beginnings are in s after the window's.
    """
    good = worn(window)
    at = micros(good)
    holds = KINDS[window.kind].holds
    if not len(at) or holds is None:
        return np.array([]), np.array([])
    first = int(at[0]) // FIVE_US
    bins = at // FIVE_US - first
    spoken = np.minimum(np.diff(at, append=at[-1] + 1_000_000) / 1e6, holds.total_seconds())
    count = np.bincount(bins)
    covered = np.bincount(bins, spoken) >= _FIVE_S / 2
    begin = micro(window.start)
    starts = ((np.flatnonzero(covered) + first) * FIVE_US - begin) / 1e6
    return np.bincount(bins, good.values)[covered] / count[covered], starts


def _seldom(window: Window) -> str:
    """Why a heart rate covers nothing though it was sent all along; empty where it was sent often enough."""
    good = worn(window)
    holds = KINDS[window.kind].holds
    if holds is None or len(good) < 2:
        return ""
    most = 2 * holds.total_seconds()  # half of a five-minute part has to be covered
    apart = float(np.median(np.diff(micros(good)))) / 1e6
    if apart <= most:
        return ""
    far = f"{apart:.0f} s" if apart < 55 else "a minute" if apart < 90 else f"{apart / 60:.0f} minutes"
    return f"heart rate readings are {far} apart, one at least every {most:.0f} s is needed"


def _resting(windows: Mapping[Kind, Window]) -> Feature:
    window = windows[Kind.HEART_RATE]
    means, _ = fives(window)
    if len(means) < LEAST_BINS:
        covers = f"heart rate covers {len(means) / 12:.1f} h of the day, {LEAST_BINS / 12:.0f} are needed"
        why = _seldom(window) or covers
        return absent("resting_heart_rate", window.kind, window.start, window.end, why, unit="/min")
    return of_window("resting_heart_rate", float(np.percentile(means, LOW)), worn(window), decimals=0)


def _dip(windows: Mapping[Kind, Window]) -> Feature:
    window = windows[Kind.HEART_RATE]
    means, starts = fives(window)
    length = (window.end - window.start).total_seconds()
    day, night = means[starts < 12 * 3600], means[starts >= length - 6 * 3600]
    if len(day) < LEAST_NIGHT or len(night) < LEAST_NIGHT:
        hours = f"{len(day) / 12:.1f} h by day and {len(night) / 12:.1f} h at night"
        why = _seldom(window) or f"heart rate covers {hours}, 1 each is needed"
        return absent("nocturnal_dip", window.kind, window.start, window.end, why, unit="%")
    dip = 100 * (1 - float(night.mean()) / float(day.mean()))
    return of_window("nocturnal_dip", dip, worn(window), unit="%", decimals=1)


def _night_rmssd(windows: Mapping[Kind, Window]) -> Feature:
    window = of_one_device(windows[Kind.RR_INTERVAL])

    def none(why: str) -> Feature:
        return absent("night_rmssd_ms", window.kind, window.start, window.end, why, unit="ms")

    if not len(window):
        return none("no RR interval in this night")
    beats = beats_in(window)
    if beats.irregular > IRREGULAR:
        return none(
            f"the rhythm is irregular: {beats.irregular:.0%} of the intervals are off their neighbours"
        )
    bins = micros(window) // FIVE_US
    bins = bins - bins[0]
    pairs = np.flatnonzero(beats.successive)
    squares = (beats.rr[pairs] - beats.rr[pairs - 1]) ** 2
    size = int(bins[-1]) + 1
    clean = np.bincount(bins[beats.normal], beats.nn, minlength=size) >= CLEAN * _FIVE_S * 1000
    count = np.bincount(bins[pairs], minlength=size)
    good = clean & (count > 0)
    if int(good.sum()) < LEAST_RMSSD:
        return none(f"{int(good.sum())} clean five minutes of beats, {LEAST_RMSSD} are needed")
    parts = np.sqrt(np.bincount(bins[pairs], squares, minlength=size)[good] / count[good])
    value = float(np.median(parts))
    return of_window(
        "night_rmssd_ms", value, window.usable(), unit="ms", decimals=0, count=int(count[good].sum())
    )


RESTING_HEART_RATE = Daily(
    name="resting_heart_rate",
    title="resting heart rate",
    unit="/min",
    decimals=0,
    kinds=(Kind.HEART_RATE,),
    compute=_resting,
)
"""The 5th percentile of a day's five-minute means; of waking rest alone where the night was not worn."""
NIGHT_RMSSD = Daily(
    name="night_rmssd_ms",
    title="RMSSD at night",
    unit="ms",
    decimals=0,
    kinds=(Kind.RR_INTERVAL,),
    compute=_night_rmssd,
    hours=(0, 6),
    version="3",
)
"""The median of the night's five-minute RMSSD."""
NOCTURNAL_DIP = Daily(
    name="nocturnal_dip",
    title="nocturnal dip of heart rate",
    unit="%",
    decimals=1,
    kinds=(Kind.HEART_RATE,),
    compute=_dip,
    hours=(-15, 6),
)
"""How much lower the heart rate is from 0 to 6 h than from 9 to 21 h the day before, after [2]."""

EXERTED = 110.0
_TEN_US, _BOUT, _MINUTE = 10_000_000, 18, 6


def heart_rate_recovery(window: Window) -> Feature:
    """Return by how much the heart rate fell in the first minute after exertion, in /min [3].

    The largest fall after three minutes at 110 /min and more; of ten-second means, so that no single reading
    makes it. Whether somebody stood still in that minute is not seen.
    """
    name = "heart_rate_recovery"
    good = worn(window)
    at = micros(good)
    why = f"no three minutes at {EXERTED:.0f} /min and more, with a minute after them"
    if not len(at):
        return absent(name, window.kind, window.start, window.end, why, unit="/min")
    bins = at // _TEN_US - int(at[0]) // _TEN_US
    count = np.bincount(bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(bins, good.values) / count
    high = np.concatenate(([0], np.cumsum(np.nan_to_num(means) >= EXERTED)))
    ends = np.arange(_BOUT, len(means) - _MINUTE + 1)
    ends = ends[high[ends] - high[ends - _BOUT] == _BOUT]
    falls = means[ends - 1] - means[ends + _MINUTE - 1]
    falls = falls[np.isfinite(falls)]
    if not len(falls):
        return absent(name, window.kind, window.start, window.end, why, unit="/min")
    return of_window(name, float(falls.max()), good, unit="/min", decimals=0)


HEART_RATE_RECOVERY = Daily(
    name="heart_rate_recovery",
    title="fall of heart rate in the first minute after exertion",
    unit="/min",
    decimals=0,
    kinds=(Kind.HEART_RATE,),
    compute=lambda windows: heart_rate_recovery(windows[Kind.HEART_RATE]),
)
