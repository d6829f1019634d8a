"""What a store says, as something that can be compared, and whether its roll-ups say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from healthslm.readings import UNUSABLE, Kind
from healthslm.store import Store

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
KINDS = (Kind.HEART_RATE, Kind.RR_INTERVAL, Kind.SPO2, Kind.GLUCOSE, Kind.WEIGHT)


def said(store: Store, *, ids: bool = True) -> dict[str, Any]:
    """Everything that was stored, in plain Python. Ids are of no interest after a call that was repeated."""
    found: dict[str, Any] = {}
    for kind in KINDS:
        window = store.window(kind, BEGIN, END)
        columns = [window.times.astype(np.int64), window.values, window.quality]
        found[kind.value] = [column.tolist() for column in (*columns, *([window.ids] if ids else []))]
    found["amendments"] = store._database.rows(
        "SELECT kind, time, value, new_value, reason FROM amendments ORDER BY kind, time, value, reason"
    )
    found["alerts"] = store.alerts()
    found["settings"] = store.get("round", 0)
    return found


def roll_ups_agree(store: Store, kind: Kind) -> None:
    """Compare roll-ups of minutes, hours and days with what the readings of those come to."""
    window = store.window(kind, BEGIN, END)
    if not len(window):
        return
    ends = window.times.astype(np.int64)[[0, -1]] // 1_000_000
    days = [datetime.fromtimestamp(int(s), UTC).replace(hour=0, minute=0, second=0) for s in ends]
    begin, end = max(days[0], days[1] - timedelta(days=3)), days[1] + timedelta(days=1)
    for step in (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)):
        rolled = store.rollup(kind, begin, end, step)
        edges = np.append(rolled.starts.astype(np.int64), round(end.timestamp() * 1e6))
        good = (window.quality & int(UNUSABLE)) == 0
        times, values = window.times.astype(np.int64)[good], window.values[good]
        at = times.searchsorted(edges)
        has = np.flatnonzero(np.diff(at))
        assert np.array_equal(rolled.count, np.diff(at)), f"{kind} by {step}: count"
        for n in has[:50]:
            part = values[at[n] : at[n + 1]]
            assert rolled.minimum[n] == part.min()
            assert rolled.maximum[n] == part.max()
            assert abs(rolled.mean[n] - part.mean()) < 1e-6
