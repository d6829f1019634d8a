"""The days' numbers of a person's readings as a whole: what rules that look at days are asked with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis import Daily, DailySeries, Days
from healthslm.analysis.daily_vitals import DAILIES
from healthslm.readings import micros, moment
from healthslm.rules.base import Windows

_QUARTER_US = 15 * 60_000_000
"""Zones are apart by whole quarters of an hour: within one it is the same day."""


def days_of(windows: Windows, zone: ZoneInfo, dailies: Iterable[Daily] = DAILIES) -> Days:
    """Return the daily series that windows bear, of the days with readings."""
    return {
        daily.name: DailySeries.of(daily, windows, _dates(windows, daily, zone), zone)
        for daily in dailies
        if all(kind in windows for kind in daily.kinds)
    }


def _dates(windows: Windows, daily: Daily, zone: ZoneInfo) -> set[date]:
    found: set[date] = set()
    for kind in daily.kinds:
        numbers = micros(windows[kind]) // _QUARTER_US
        quarters = (np.unique(numbers) * _QUARTER_US).astype("M8[us]")
        found |= {moment(one).astimezone(zone).date() for one in quarters}
    # Hours from before midnight belong to the day that follows.
    return found | {day + timedelta(days=1) for day in found} if daily.hours[0] < 0 else found
