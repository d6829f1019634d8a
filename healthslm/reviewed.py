"""What a review holds beside what the rules found: the numbers of its windows and days, and their origins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis import describe
from healthslm.analysis.daily_vitals import SHOWN
from healthslm.analysis.variability import summary
from healthslm.history import LONG, History, burden
from healthslm.readings import KINDS, Feature, Kind, Quality, Reading, Window
from healthslm.store import Store


def features_of(
    windows: Mapping[Kind, Window],
    *,
    irregular: bool,
    known: Mapping[Kind, tuple[Feature, ...]] = MappingProxyType({}),
) -> tuple[Feature, ...]:
    """Return what analysis makes of a period's windows, kind by kind in the order of the table of kinds.

    The variability of a rhythm that was `irregular` for a while is not what its numbers mean: not given. Of
    an overview (`Window.step`) the features are `known` already.
    """
    features: list[Feature] = []
    for kind in (k for k in Kind if k in windows):
        if kind is Kind.RR_INTERVAL:
            why = "the rhythm was irregular for part of the time"
            if windows[kind].step is not None:
                why = f"the period is longer than {LONG.days} days"
                nothing = Window.of(kind, windows[kind].start, windows[kind].end, ())
                features += [replace(f, reason=why) for f in summary(nothing)]
                continue
            features += [
                replace(f, value=None, reason=why) if irregular else f for f in summary(windows[kind])
            ]
        elif kind in known:
            features += known[kind]
        elif kind is not Kind.BATTERY:
            features += describe(windows[kind])
    return tuple(features)


def origins_of(
    store: Store, windows: Mapping[Kind, Window], sources: Mapping[Kind, Sequence[str]]
) -> dict[int, Reading]:
    """The single measurements of which a window alone does not say which device they are of, or when it said.

    Never those of a stream: they are too many to be looked up one by one.
    """
    ids = [
        int(window.ids[row])
        for kind, window in windows.items()
        if KINDS[kind].holds is None and not KINDS[kind].adds and kind is not Kind.BATTERY
        for row in np.flatnonzero(
            (window.quality & int(Quality.CLOCK_CORRECTED) != 0) | (len(sources[kind]) > 1)
        )
    ]
    found = ((one, store.reading(one)) for one in ids)
    return {one: reading for one, reading in found if reading is not None}


def of_the_days(
    history: History, windows: Mapping[Kind, Window], start: datetime, end: datetime, zone: ZoneInfo
) -> tuple[Feature, ...]:
    """The numbers of the last whole day and night of a period of a day or two; of a longer one its rhythm.

    Those that cannot be had are among them with their reasons, of kinds that were measured in the period.
    """
    if end - start > LONG:
        return burden(history, start, end, zone)
    first, last = (at.astimezone(zone).date() for at in (start, end))
    measured = {kind for kind, window in windows.items() if len(window)}
    days = history.days([daily for daily in SHOWN if measured.issuperset(daily.kinds)], first, last, now=end)
    found = (series.features[-1] for series in days.values() if len(series))
    return tuple(feature for feature in found if feature.end > start)
