"""What was usual for a person before a period: the middle half of four weeks of daily means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis import day_bounds
from healthslm.analysis.baseline import LEAST, MONTH
from healthslm.readings import KINDS, Feature, Kind
from healthslm.store import Store

_PERCENTILES = {"low": 25, "high": 75}
_DAY = timedelta(days=1)


def usual(store: Store, kinds: Iterable[Kind], start: datetime, zone: ZoneInfo) -> Iterator[Feature]:
    """Yield `KIND_usual_low` and `KIND_usual_high`: quartiles of the daily means before `start`.

    From the four weeks of local days that were over by then, in the kind's unit; of a kind with fewer than
    seven days with a usable reading, of waveforms and of what adds up, nothing.
    """
    last = start.astimezone(zone).date() - _DAY
    days = [last - n * _DAY for n in range(MONTH - 1, -1, -1)]
    edges = [day_bounds(days[0], zone)[0], *(day_bounds(day, zone)[1] for day in days)]
    for kind in kinds:
        info = KINDS[kind]
        if info.waveform or info.adds:
            continue
        rollup = store.rollup_between(kind, edges)
        means = rollup.mean[rollup.count > 0]
        if len(means) < LEAST:
            continue
        for name, percentile in _PERCENTILES.items():
            yield Feature(
                name=f"{kind}_usual_{name}",
                kind=kind,
                value=float(np.percentile(means, percentile)),
                unit=info.ucum,
                decimals=info.decimals,
                start=edges[0],
                end=edges[-1],
                count=int(rollup.count.sum()),
            )
