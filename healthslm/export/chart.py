"""Charts as plain numbers: where on the paper each stroke goes. The template only draws them.

All coordinates are shares of the chart's width (0 left, 1 right) and height (0 top, 1 bottom). Nothing
clinical is decided here: axes follow the data, marked spans are those of the findings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from healthslm.export.words import usable
from healthslm.readings import KINDS, Finding, Floats, Kind, Window, instant, moment

Json = dict[str, Any]

BUCKETS = 320
"""Buckets over a chart's width; each keeps its first, lowest, highest and last value, so extremes survive."""
BANDS = 160
"""Buckets over a chart's width of which the lowest and highest reading are drawn as a bar."""
LABELLED = 10
"""Spot measurements up to which every one is labelled with its value."""
_SHARE = 1 / BUCKETS
_TAG = 0.025
"""Width of one character of a finding's number above a chart."""
_TAGS = 3
"""Numbers that stand together above a chart at the most; the others are told by an ellipsis."""

# How much of an axis is shown at the least, so that a calm day does not look like a wild one. Display only.
_SPAN = {
    Kind.HEART_RATE: 60.0,
    Kind.PULSE_RATE: 60.0,
    Kind.SPO2: 12.0,
    Kind.TEMPERATURE: 2.5,
    Kind.SYSTOLIC: 60.0,
    Kind.RR_INTERVAL: 600.0,
}
_STEPS = tuple(m * 10.0**e for e in range(-1, 4) for m in (1, 2, 5))
_HOURS = (timedelta(hours=h) for h in (1, 2, 3, 6, 12, 24, 48, 168, 336, 720))
_TICKS = (*(timedelta(minutes=m) for m in (5, 10, 15, 30)), *_HOURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A value axis: its ends and where it is labelled."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def y(self, value: float) -> float:
        """Where a value stands, 0 at the top."""
        return round((self.high - value) / (self.high - self.low), 4)


def scale(kind: Kind, low: float, high: float) -> Scale:
    """Return an axis for values from `low` to `high`: round ends, three or four round labels."""
    span = max(high - low, _SPAN.get(kind, 1.0))
    middle = (low + high) / 2
    bottom, top = min(low, middle - span / 2), max(high, middle + span / 2)
    if kind is Kind.SPO2 and top > 100:
        bottom, top = bottom - (top - 100), 100.0
    step = next((s for s in _STEPS if span / s <= 4), span / 3)
    first, last = math.floor(bottom / step), math.ceil(top / step)
    ticks = tuple(round(n * step, 6) for n in range(first, last + 1))
    return Scale(low=ticks[0], high=ticks[-1], ticks=ticks)


def place(times: Iterable[np.datetime64], start: datetime, end: datetime) -> NDArray[np.float64]:
    """Return where times stand on an axis from `start` to `end`, 0 left and 1 right."""
    spent = np.asarray(list(times), dtype="datetime64[us]") - instant(start)
    share = spent / np.timedelta64(end - start)
    return np.asarray(np.clip(share, 0, 1), dtype=np.float64)


def thin(x: Floats, values: Floats) -> NDArray[np.int64]:
    """Return the indices to draw: of each bucket the first, lowest, highest and last."""
    if len(x) <= BUCKETS:
        return np.arange(len(x))
    bucket = np.minimum((x * BUCKETS).astype(np.int64), BUCKETS - 1)
    edges = np.concatenate(([0], np.flatnonzero(np.diff(bucket)) + 1, [len(x)]))
    kept: set[int] = set()
    for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[a:b]
        kept.update((a, b - 1, a + int(np.argmin(part)), a + int(np.argmax(part))))
    return np.array(sorted(kept), dtype=np.int64)


def holes(window: Window) -> list[tuple[float, float]]:
    """Return the stretches without data that are wide enough to be seen, as shares of the width."""
    times = [(instant(a), instant(b)) for a, b in window.gaps]
    if not times:
        return []
    edges = place(np.array(times).ravel(), window.start, window.end).reshape(-1, 2)
    return [(round(a, 4), round(b, 4)) for a, b in edges.tolist() if b - a >= _SHARE]


def line(window: Window, axis: Scale) -> list[list[list[float]]]:
    """Return a dense series as strokes, broken wherever there is a hole to be seen."""
    good = usable(window)
    if not len(good):
        return []
    x = place(good.times, window.start, window.end)
    keep = thin(x, good.values)
    # Broken by the readings' own holes, not by the distance of what thinning left.
    wide = np.flatnonzero(np.diff(x) >= _SHARE + _holds(window))
    strokes: list[list[list[float]]] = []
    part = np.searchsorted(wide, keep)
    for number in np.unique(part):
        chosen = keep[part == number].tolist()
        strokes.append([[round(float(x[i]), 4), axis.y(float(good.values[i]))] for i in chosen])
    return strokes


def band(window: Window, lowest: Floats, highest: Floats, axis: Scale) -> list[list[float]]:
    """Return each bucket from its highest to its lowest reading: `[left, top, bottom]`.

    `lowest` and `highest`: shape `(n,)`, of the readings that each mean in the window is of.
    """
    bucket = (place(window.times, window.start, window.end) * BANDS).astype(np.int64).clip(0, BANDS - 1)
    first = np.flatnonzero(np.diff(bucket, prepend=-1))
    if not len(first):
        return []
    tops, bottoms = np.maximum.reduceat(highest, first), np.minimum.reduceat(lowest, first)
    rows = zip(bucket[first].tolist(), tops.tolist(), bottoms.tolist(), strict=True)
    return [[round(number / BANDS, 4), axis.y(top), axis.y(bottom)] for number, top, bottom in rows]


def _holds(window: Window) -> float:
    holds = KINDS[window.kind].holds or timedelta(0)
    return float(holds / (window.end - window.start))


def dots(window: Window, axis: Scale) -> list[Json]:
    """Return spot measurements as dots; all labelled when few, else the lowest, highest and latest."""
    good = usable(window)
    if not len(good):
        return []
    x = place(good.times, window.start, window.end)
    keep = thin(x, good.values).tolist()
    marked = {int(np.argmin(good.values)), int(np.argmax(good.values)), len(good) - 1}
    places = KINDS[window.kind].decimals
    made: list[Json] = [
        {
            "x": round(float(x[i]), 4),
            "y": axis.y(float(good.values[i])),
            "label": f"{good.values[i]:.{places}f}" if len(good) <= LABELLED or i in marked else "",
        }
        for i in keep
    ]
    _sparse(made, [keep.index(i) for i in sorted(marked)], 0.05)
    return made


def bars(upper: Window, lower: Window, axis: Scale) -> list[Json]:
    """Return blood pressures as bars from diastolic to systolic; a value without its partner as a dot."""
    tops = dict(zip(*_pairs(upper), strict=True))
    bottoms = dict(zip(*_pairs(lower), strict=True))
    times = sorted({*tops, *bottoms})
    if len(times) > BUCKETS:
        highest = sorted(times, key=lambda t: (-tops.get(t, 0.0), t))[: BUCKETS // 2]
        times = sorted({*highest, *times[:: len(times) // (BUCKETS // 2) + 1]})
    x = place([instant(t) for t in times], upper.start, upper.end)
    marked = [max(times, key=lambda t: tops.get(t, 0.0)), times[-1]] if times else []
    made: list[Json] = []
    for at, where in zip(times, x.tolist(), strict=True):
        top, bottom = tops.get(at), bottoms.get(at)
        told = f"{'?' if top is None else f'{top:.0f}'}/{'?' if bottom is None else f'{bottom:.0f}'}"
        ends = [v for v in (top, bottom) if v is not None]
        label = told if len(times) <= LABELLED or at in marked else ""
        made.append({"x": round(where, 4), "y0": axis.y(max(ends)), "y1": axis.y(min(ends)), "label": label})
    _sparse(made, [times.index(t) for t in marked], 0.09)
    return made


def _pairs(window: Window) -> tuple[list[datetime], list[float]]:
    good = usable(window)
    return [moment(t) for t in good.times], good.values.tolist()


def spans(findings: Sequence[tuple[int, Finding]], start: datetime, end: datetime) -> list[Json]:
    """Return the findings' episodes that touch the period, each with the number it has on the page."""
    made = []
    for number, finding in findings:
        if finding.start < end and finding.end >= start:
            x0, x1 = place([instant(finding.start), instant(finding.end)], start, end).tolist()
            made.append({"x0": round(x0, 4), "x1": round(x1, 4), "label": str(number)})
    return made


def tags(spans: Sequence[Json]) -> list[Json]:
    """Return the numbers above the marked spans; those that would lie on each other become one, `1, 3`."""
    groups: list[tuple[float, list[str]]] = []
    for span in sorted(spans, key=lambda s: float(s["x0"])):
        if groups and span["x0"] - groups[-1][0] < _TAG * (1 + 2 * min(len(groups[-1][1]), _TAGS)):
            if span["label"] not in groups[-1][1]:
                groups[-1][1].append(span["label"])
        else:
            groups.append((span["x0"], [span["label"]]))
    return [
        {"x": x, "label": ", ".join(sorted(labels, key=int)[:_TAGS]) + (", …" if len(labels) > _TAGS else "")}
        for x, labels in groups
    ]


def _sparse(marks: list[Json], first: Sequence[int], width: float) -> None:
    """Take away labels that would lie on another; those of the indices in `first` are kept before others."""
    kept: list[float] = []
    for index in dict.fromkeys((*first, *range(len(marks)))):
        mark = marks[index]
        if mark["label"] and any(abs(mark["x"] - x) < width for x in kept):
            mark["label"] = ""
        elif mark["label"]:
            kept.append(mark["x"])


def time_ticks(start: datetime, end: datetime, tz: ZoneInfo, most: int = 8) -> list[Json]:
    """Return the labels of a time axis at round local times, dates where a day begins in longer periods."""
    step = next((t for t in _TICKS if (end - start) / t <= most), (end - start) / most)
    local = start.astimezone(tz)
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    made: list[Json] = []
    number = 0
    while True:
        # Wall time: at a clock change the label stays round and its place moves.
        wall = day.replace(tzinfo=None) + number * step
        at = wall.replace(tzinfo=tz)
        number += 1
        if at.timestamp() > end.timestamp():
            return made
        if at.timestamp() < start.timestamp():
            continue
        share = float(place([instant(at)], start, end)[0])
        whole_days = step >= timedelta(hours=24)
        label = f"{wall.day} {wall:%b}" if whole_days else f"{wall:%H:%M}"
        if share >= 1 and not whole_days and label == "00:00":
            label = "24:00"
        made.append({"x": round(share, 4), "label": label})


def value_ticks(kind: Kind, axis: Scale) -> list[Json]:
    """Return the labels of a value axis; with more than four steps every other one."""
    step = axis.ticks[1] - axis.ticks[0]
    places = 0 if step >= 1 and float(step).is_integer() else KINDS[kind].decimals or 1
    shown = axis.ticks if len(axis.ticks) <= 5 else axis.ticks[::2]
    return [{"y": axis.y(t), "label": f"{t:.{places}f}"} for t in shown]


def strip(window: Window, longest: timedelta, tz: ZoneInfo) -> Json | None:
    """Return the two minutes (`longest`) of a window that hold the most beats, every beat a dot; or `None`.

    Of equally full ones the first. The x axis is seconds from its first beat.
    """
    good = usable(window)
    if len(good) < 2:
        return None
    width = np.timedelta64(longest)
    until = np.searchsorted(good.times, good.times + width)
    first = int(np.argmax(until - np.arange(len(good))))
    chosen = slice(first, int(until[first]))
    times, values = good.times[chosen], good.values[chosen]
    begin = moment(times[0])
    axis = scale(window.kind, float(values.min()), float(values.max()))
    x = place(times, begin, begin + longest)
    return {
        "from": f"{begin.astimezone(tz):%H:%M:%S}",
        "to": f"{moment(times[-1]).astimezone(tz):%H:%M:%S}",
        "beats": len(values),
        "dots": [[round(a, 4), axis.y(v)] for a, v in zip(x.tolist(), values.tolist(), strict=True)],
        "yticks": value_ticks(window.kind, axis),
        "xticks": [
            {"x": s / longest.total_seconds(), "label": f"{s} s"}
            for s in range(0, int(longest.total_seconds()) + 1, 20)
        ],
    }
