"""What is wrong with a window of readings: gaps, not worn, flat, jumping, sensor-off codes, twice the same.

It takes nothing away: `worn` gives what may be computed with. The limits are of what a body can do and of
what sensors send, not of care; a paced heart may be as steady as a stuck sensor, so a flat line is told,
not cut. Only a stream can be flat or have a gap: a diary's pulse that is the same for a month is neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from healthslm.readings import KINDS, Kind, Quality, Window, moment

OFF_CODES: Mapping[Kind, tuple[float, ...]] = {
    Kind.HEART_RATE: (0, 255),
    Kind.PULSE_RATE: (0, 255, 511),
    Kind.SPO2: (0, 127, 255),
    Kind.RESPIRATORY_RATE: (0, 255),
    Kind.RR_INTERVAL: (0, 65535),
    Kind.SENSOR_GLUCOSE: (0,),
}
"""What sensors send when there is nothing to measure: all bits of the field, or none."""
_FLAT: Mapping[Kind, timedelta] = {
    Kind.HEART_RATE: timedelta(minutes=30),
    Kind.PULSE_RATE: timedelta(minutes=30),
    Kind.RR_INTERVAL: timedelta(minutes=2),
    Kind.SENSOR_GLUCOSE: timedelta(hours=3),
}
"""The same to the last digit for longer than this is worth a look. SpO2 of 98 may well last all night."""
_JUMP: Mapping[Kind, tuple[float, timedelta]] = {
    Kind.HEART_RATE: (50, timedelta(seconds=2)),
    Kind.PULSE_RATE: (50, timedelta(seconds=2)),
    Kind.SPO2: (8, timedelta(seconds=2)),
    Kind.SENSOR_GLUCOSE: (60, timedelta(minutes=6)),
}
"""No body changes by so much within so long; a rhythm can, so heart rate's limit is wide."""
_STREAM = timedelta(minutes=1)
"""A stream sends at least this often, unless one reading of it speaks for longer."""
_TWICE = 1.2
"""RR intervals that add up to so much more than the time they came in are of two sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, from `start` to `end`, seen at `count` readings (0 for a gap)."""

    what: str
    start: datetime
    end: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowQuality:
    """How far a window can be relied on.

    `coverage` is that of the usable readings (`None` for spot measurements), `usable` how many of all
    `readings` they are; `problems` are in order of time.
    """

    coverage: float | None
    usable: int
    readings: int
    problems: tuple[Problem, ...]


def _off(window: Window) -> NDArray[np.bool_]:
    found = np.zeros(len(window), dtype=np.bool_)
    for code in OFF_CODES.get(window.kind, ()):  # a handful: faster than a search for each value
        found |= window.values == code
    return found


def lost(window: Window) -> NDArray[np.bool_]:
    """Say where a sensor says or shows that it is on nobody: flagged so, a code, or what no body has.

    Shape `(n,)`. What a device calls faulty for another reason is not meant: weak blood flow is one.
    """
    info = KINDS[window.kind]
    flags = int(Quality.NOT_WORN | Quality.NO_CONTACT | Quality.IMPLAUSIBLE)
    with np.errstate(invalid="ignore"):
        outside = ~((window.values >= info.low) & (window.values <= info.high))
    marked: NDArray[np.bool_] = (window.quality & flags) != 0
    return marked | outside | _off(window)


def worn(window: Window) -> Window:
    """Return what may be computed with: usable, plausible, no sensor-off code, each time once."""
    info = KINDS[window.kind]
    good = window.usable()
    with np.errstate(invalid="ignore"):
        keep = (good.values >= info.low) & (good.values <= info.high) & ~_off(good)
    if window.kind is not Kind.RR_INTERVAL and not info.adds:
        keep[1:] &= good.times[1:] != good.times[:-1]
    return good if keep.all() else good.where(keep)


def quality(window: Window) -> WindowQuality:
    """Say what is wrong with a window, span by span."""
    good = worn(window)
    gaps = good.gaps if _stream(window) else ()
    flags = window.quality.astype(np.int64)
    with np.errstate(invalid="ignore"):
        info = KINDS[window.kind]
        outside = ~((window.values >= info.low) & (window.values <= info.high))
    off = _off(window)
    found = [
        *_spans(window, off, "sensor off"),
        *_spans(window, ((flags & int(Quality.NOT_WORN | Quality.NO_CONTACT)) != 0) & ~off, "not worn"),
        *_spans(window, (flags & int(Quality.SENSOR_FAULT | Quality.FROZEN)) != 0, "sensor fault"),
        *_spans(window, (((flags & int(Quality.IMPLAUSIBLE)) != 0) | outside) & ~off, "implausible"),
        *_flat(window, good),
        *_jumps(good),
        *_twice(window, good),
        *(Problem(what="gap", start=a, end=b, count=0) for a, b in gaps),
    ]
    return WindowQuality(
        coverage=good.coverage,
        usable=len(good),
        readings=len(window),
        problems=tuple(sorted(found, key=lambda one: (one.start, one.what))),
    )


def _stream(window: Window) -> bool:
    """Whether readings follow each other about as soon as one of them speaks for; none at all are a gap."""
    holds = window.step or KINDS[window.kind].holds
    if holds is None:
        return False
    if len(window) < 2:
        return not len(window)
    return bool(np.median(np.diff(window.times)) <= np.timedelta64(max(holds, _STREAM)))


def _spans(window: Window, marked: NDArray[np.bool_], what: str) -> list[Problem]:
    """Stretches of readings that follow each other and are all marked."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marked, [False])).astype(np.int8)))
    return [
        Problem(what=what, start=moment(window.times[a]), end=moment(window.times[b - 1]), count=b - a)
        for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]


def _flat(window: Window, good: Window) -> list[Problem]:
    marked = _spans(window, (window.quality & int(Quality.FLAT_LINE)) != 0, "flat line")
    longest = _FLAT.get(window.kind)
    if longest is None or not len(good) or not _stream(window):
        return marked
    cuts = np.flatnonzero(np.diff(good.values) != 0) + 1
    lows, highs = np.append(0, cuts), np.append(cuts, len(good)) - 1
    long_ = good.times[highs] - good.times[lows] >= np.timedelta64(longest)
    return marked + [
        Problem(what="flat line", start=moment(good.times[a]), end=moment(good.times[b]), count=b - a + 1)
        for a, b in zip(lows[long_].tolist(), highs[long_].tolist(), strict=True)
    ]


def _jumps(good: Window) -> list[Problem]:
    limit = _JUMP.get(good.kind)
    if limit is None or len(good) < 2:
        return []
    far = (np.abs(np.diff(good.values)) > limit[0]) & (np.diff(good.times) <= np.timedelta64(limit[1]))
    return [
        Problem(what="jump", start=moment(good.times[i]), end=moment(good.times[i + 1]), count=2)
        for i in np.flatnonzero(far).tolist()
    ]


def _twice(window: Window, good: Window) -> list[Problem]:
    """Readings of one instant, and RR intervals that add up to more than the time they came in."""
    if len(good) < 2:
        return []
    if window.kind is Kind.RR_INTERVAL:
        span = float((good.times[-1] - good.times[0]) / np.timedelta64(1, "ms"))
        several = len(good) >= 64 and float(good.values[1:].sum()) > _TWICE * span
        count = len(good) if several else 0
    else:
        count = int((np.diff(window.times) == np.timedelta64(0)).sum())
    if not count:
        return []
    return [Problem(what="two sources", start=moment(good.times[0]), end=moment(good.times[-1]), count=count)]
