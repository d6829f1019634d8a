"""A long period of a continuous stream, from its roll-ups: a year is not read reading by reading."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from healthslm.analysis import absent, extreme
from healthslm.readings import KINDS, Feature, Floats, Kind, Window, moment
from healthslm.store import Store

LONG = timedelta(days=2)
"""A period longer than this is looked at through its roll-ups."""
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_BY_HOUR = timedelta(days=32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Overview:
    """A stream's means, what `describe` would say of all its readings, and the extremes of each mean.

    `window`: a mean by the minute, of over 32 days by the hour; `lowest`, `highest`: shape `(n,)`, of the
    readings that each of its means is of.
    """

    window: Window
    features: tuple[Feature, ...]
    lowest: Floats
    highest: Floats


def overview(store: Store, kind: Kind, start: datetime, end: datetime) -> Overview:
    """Look at a stream's roll-ups; the extremes and the latest are single readings, with their ids."""
    step = _HOUR if end - start > _BY_HOUR else _MINUTE
    rolled = store.rollup(kind, start, end, step)
    some = np.flatnonzero(rolled.count)
    window = Window(
        kind=kind,
        start=start,
        end=end,
        times=rolled.starts[some],
        values=rolled.mean[some],
        ids=np.full(len(some), -1, dtype=np.int64),
        quality=np.zeros(len(some), dtype=np.int16),
        step=step,
    )
    info = KINDS[kind]
    if not len(some):
        why = f"no usable {info.title} reading in this period"
        names = (f"{kind}_{which}" for which in ("latest", "mean", "min", "max"))
        features = tuple(absent(name, kind, start, end, why, unit=info.ucum) for name in names)
        return Overview(window=window, features=features, lowest=window.values, highest=window.values)

    def bin_of(index: int) -> Window:
        begin = moment(rolled.starts[index])
        return store.window(kind, begin, min(begin + step, end))

    def one(which: str, index: int) -> Feature:
        return _over(extreme(bin_of(index), which), window, int(rolled.count.sum()), coverage)

    first, last = bin_of(int(some[0])).usable(), bin_of(int(some[-1])).usable()
    # A reading speaks no longer here than in a short period: a minute with one of them is not covered whole.
    holds = np.timedelta64(info.holds or step)
    spoken = np.minimum(rolled.count[some] * holds, np.timedelta64(step)).sum()
    coverage = min(1.0, float(spoken / np.timedelta64(end - start)))
    mean = Feature(
        name=f"{kind}_mean",
        kind=kind,
        value=float(np.average(rolled.mean[some], weights=rolled.count[some])),
        unit=info.ucum,
        decimals=info.decimals,
        start=start,
        end=end,
        coverage=coverage,
        count=int(rolled.count.sum()),
        readings=(int(first.ids[0]), int(last.ids[-1])) if len(first) and len(last) else (),
    )
    lowest, highest = some[np.argmin(rolled.minimum[some])], some[np.argmax(rolled.maximum[some])]
    return Overview(
        window=window,
        features=(one("latest", int(some[-1])), mean, one("min", int(lowest)), one("max", int(highest))),
        lowest=rolled.minimum[some],
        highest=rolled.maximum[some],
    )


def _over(feature: Feature, window: Window, count: int, coverage: float) -> Feature:
    """Make a feature of a part one of the whole: the same reading, found among all of them."""
    return replace(feature, start=window.start, end=window.end, coverage=coverage, count=count)
