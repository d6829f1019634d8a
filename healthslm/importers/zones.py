"""A zone's clock: how far it is ahead of UTC, and the hour that an autumn night has twice."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from healthslm.readings import Floats, Times, moment

_WITH_NAME = re.compile(r"(.*\d(?:\s*[AaPp]\.?[Mm]\.?)?)\s*\b([A-Z]{3,4})")
_AHEAD = {
    "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "MEZ": 60, "MESZ": 120, "EET": 120,
    "EEST": 180, "NST": -210, "NDT": -150, "AST": -240, "ADT": -180, "EST": -300, "EDT": -240, "CST": -360,
    "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600,
    "AEST": 600, "AEDT": 660, "ACST": 570, "ACDT": 630, "AWST": 480, "NZST": 720, "NZDT": 780, "JST": 540,
}  # fmt: skip
"""Minutes ahead of UTC; a name that zones of several countries share (BST, IST) says nothing."""
Durations = NDArray[np.timedelta64]
_QUARTER_US = 15 * 60_000_000
_CHANGES = (3, 4, 9, 10, 11)
"""Months in which clocks go back somewhere; in nearly all zones on a Sunday, before four."""
_SUNDAY, _LAST_HOUR = 6, 4


def without_name(text: str) -> tuple[str, int | None]:
    """Return a time without its zone's name, and that zone's minutes ahead: `1:30 EDT` is not `1:30 EST`."""
    if not text[-1:].isupper():
        return text, None
    found = _WITH_NAME.fullmatch(text)
    minutes = None if found is None else _AHEAD.get(found[2])
    return (text, None) if found is None or minutes is None else (found[1], minutes)


def ahead_of_utc(clock: Times, zone: ZoneInfo, again: NDArray[np.bool_]) -> Durations:
    """Return by how much the zone's clock is ahead, as durations; `again`: the second time that it shows it.

    Shapes `(n,)`. Asked once each quarter of an hour: no zone changes within one.
    """
    quarters, index = np.unique(clock.astype(np.int64) // _QUARTER_US, return_inverse=True)
    starts = [moment(one) for one in (quarters * _QUARTER_US).astype("M8[us]")]
    both = [[_ahead(one.replace(tzinfo=zone, fold=fold)) for one in starts] for fold in (0, 1)]
    table = np.array(both, dtype=np.int64).reshape(2, -1)
    made: Durations = table[again.astype(np.int64), index].astype("m8[us]")
    return made


def _ahead(time: datetime) -> int:
    offset = time.utcoffset()
    return 0 if offset is None else offset // timedelta(microseconds=1)


def is_twice(clock: Times, zone: ZoneInfo | None) -> NDArray[np.bool_]:
    """Mark the times that a clock may show twice, shape `(n,)`: in the zone; without one, wherever that is.

    NaT is none.
    """
    known = ~np.isnat(clock)
    found = np.zeros(len(clock), dtype=np.bool_)
    if zone is not None:
        some = clock[known]
        none = np.zeros(len(some), dtype=np.bool_)
        found[known] = ahead_of_utc(some, zone, none) > ahead_of_utc(some, zone, ~none)
        return found
    days = clock.astype("M8[D]")
    month = days.astype("M8[M]").astype(np.int64) % 12 + 1
    weekday = (days.astype(np.int64) + 3) % 7
    early = clock - days < np.timedelta64(_LAST_HOUR, "h")
    return np.asarray(known & np.isin(month, _CHANGES) & (weekday == _SUNDAY) & early, dtype=np.bool_)


def told_twice(clock: Times, zone: ZoneInfo) -> Floats | None:
    """Return minutes ahead of UTC of rows in the file's order where the hour of an autumn night comes twice.

    `None` where there is none such, or times go backwards elsewhere too: then nothing is certain.
    """
    steps = np.diff(clock)
    back = np.flatnonzero(steps <= np.timedelta64(0))
    twice = is_twice(clock, zone)
    here = back[twice[back] & twice[back + 1] & (steps[back] > -np.timedelta64(1, "h"))]
    days = clock[here].astype("M8[D]")
    if not len(here) or len(np.unique(days)) < len(days) or (steps < np.timedelta64(0)).sum() > len(here):
        return None
    if set(np.flatnonzero(steps < np.timedelta64(0)).tolist()) - set(here.tolist()):
        return None
    again = np.zeros(len(clock), dtype=np.bool_)
    for at in here.tolist():
        again[at + 1 :] |= twice[at + 1 :] & (clock[at + 1 :].astype("M8[D]") == clock[at].astype("M8[D]"))
    return np.asarray(ahead_of_utc(clock, zone, again).astype(np.int64) / 60e6, dtype=np.float64)


def in_zone(times: Times, clock: Times, zone: ZoneInfo) -> Times:
    """Return UTC from a zone's clock; where a clock was set back, the second of its hours twice over."""
    found: Times = clock - ahead_of_utc(clock, zone, np.asarray(times != clock, dtype=np.bool_))
    if (np.diff(found) >= np.timedelta64(0)).all():
        return found
    # The clock was set by more than the zone's own changes: it counts on from the beginning.
    passed: Times = times - (clock[0] - found[0])
    return passed
