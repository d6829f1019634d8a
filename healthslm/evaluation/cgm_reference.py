"""The definitions once more, reading by reading in plain loops: what the fast ones are held against.

Nothing here is shared with `healthslm.analysis.glucose`; it is slow, and meant to be read beside the papers
and iglu's documentation. Times are minutes since the midnight before the first reading, values mg/dL.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median, stdev

Points = Sequence[tuple[float, float]]
Cells = list[float | None]


def reference(points: Points) -> dict[str, float | None]:
    """Return the figures by name; `None` where the definition gives none."""
    values = [value for _, value in points]
    mean = fmean(values)
    sd = stdev(values) if len(values) > 1 else math.nan
    found: dict[str, float | None] = {
        "mean": mean,
        "median": median(values),
        "sd": sd,
        "cv": sd / mean * 100,
        "gmi": 3.31 + 0.02392 * mean,
        "ea1c": (46.7 + mean) / 28.7,
        "j_index": 0.001 * (mean + sd) ** 2,
        "m_value": fmean(1000 * abs(math.log10(value / 90)) ** 3 for value in values),
    }
    found |= _ranges(values) | _risks(points)
    gaps = [b[0] - a[0] for a, b in pairwise(points)]
    step = max(1, round(median(gaps))) if gaps else 0
    found["active_percent"] = _active(points, gaps, step) if gaps else 0.0
    if not gaps or step > 45:
        return found
    step = _dividing(step)
    days = _grid(points, step)
    found |= _deviations(days, step) | _changes(days, step) | _episodes(days, step)
    found["mage"] = _mage(points)
    return found


def _ranges(values: list[float]) -> dict[str, float | None]:
    def share(good: Sequence[bool]) -> float:
        return 100 * sum(good) / len(values)

    found: dict[str, float | None] = {}
    for bound in (54, 70):
        found[f"below_{bound}"] = share([v < bound for v in values])
    for bound in (140, 180, 250):
        found[f"above_{bound}"] = share([v > bound for v in values])
    for low, high in ((70, 180), (70, 140), (63, 140)):
        found[f"in_range_{low}_{high}"] = share([low <= v <= high for v in values])
    very_low, low_ = share([v < 54 for v in values]), share([54 <= v < 70 for v in values])
    very_high, high_ = share([v > 250 for v in values]), share([180 < v <= 250 for v in values])
    found |= {"tbr_level2": very_low, "tbr_level1": low_, "tar_level1": high_, "tar_level2": very_high}
    found["tir"] = found["in_range_70_180"]
    found["gri"] = min(100.0, 3 * very_low + 2.4 * low_ + 1.6 * very_high + 0.8 * high_)
    return found


def _risks(points: Points) -> dict[str, float | None]:
    low, high = [], []
    days: dict[int, list[float]] = {}
    for minute, value in points:
        f = math.log(value) ** 1.084 - 5.381
        low.append(22.77 * min(f, 0) ** 2 if value < 112.5 else 0.0)
        high.append(22.77 * max(f, 0) ** 2 if value >= 112.5 else 0.0)
        days.setdefault(int(minute // 1440), []).append(f)
    daily = [22.77 * max(*fs, 0) ** 2 + 22.77 * min(*fs, 0) ** 2 for fs in days.values()]
    return {"lbgi": fmean(low), "hbgi": fmean(high), "adrr": fmean(daily)}


def _active(points: Points, gaps: list[float], step: int) -> float:
    whole = round(round(points[-1][0] - points[0][0]) / step) + 1
    lost = sum(gap - step for gap in gaps if round(gap) > step)
    return 100 * (whole - round(lost / step)) / whole


def _dividing(step: int) -> int:
    if 1440 % step == 0:
        return step
    if step > 20:
        return 20
    return step + 5 - step % 5 if step % 5 > 2 else max(step - step % 5, 1)


def _grid(points: Points, step: int) -> list[Cells]:
    """One list a day, of a value every `step` minutes, the first `step` after midnight."""
    count = math.ceil((points[-1][0] - points[0][0]) / 1440 + 1)
    days: list[Cells] = []
    place = 0
    for day in range(count):
        row: Cells = []
        for number in range(1, 1440 // step + 1):
            when = day * 1440 + number * step
            while place + 1 < len(points) and points[place + 1][0] <= when:
                place += 1
            row.append(_between(points, place, when))
        days.append(row)
    return days


def _between(points: Points, place: int, when: float) -> float | None:
    before = points[place]
    if when < points[0][0] or when > points[-1][0]:
        return None
    if before[0] == when:
        return before[1]
    after = points[place + 1]
    if after[0] - before[0] > 45:
        return None
    part = (when - before[0]) / (after[0] - before[0])
    return before[1] + part * (after[1] - before[1])


def _there(cells: Sequence[float | None]) -> list[float]:
    return [cell for cell in cells if cell is not None]


def _sd(cells: Sequence[float | None]) -> float | None:
    good = _there(cells)
    return stdev(good) if len(good) > 1 else None


def _mean(cells: Sequence[float | None]) -> float | None:
    good = _there(cells)
    return fmean(good) if good else None


def _deviations(days: list[Cells], step: int) -> dict[str, float | None]:
    columns = [list(column) for column in zip(*days, strict=True)]
    means = [_mean(day) for day in days]
    corrected = [
        [None if cell is None or mean is None else cell - mean for cell in day]
        for day, mean in zip(days, means, strict=True)
    ]
    flat = [cell for day in days for cell in day]
    width = round(60 / step)
    hours = [_sd(flat[i : i + width]) for i in range(len(flat) - width + 1)] if width > 2 else []
    return {
        "sd_within": _mean([_sd(day) for day in days]),
        "sd_hhmm": _sd([_mean(column) for column in columns]),
        "sd_within_hour": _mean(hours),
        "sd_daily_means": _sd(means),
        "sd_between": _mean([_sd(column) for column in columns]),
        "sd_between_corrected": _mean([_sd(column) for column in zip(*corrected, strict=True)]),
    }


def _apart(cells: Cells, lag: int) -> list[float]:
    return [b - a for a, b in zip(cells, cells[lag:], strict=False) if a is not None and b is not None]


def _changes(days: list[Cells], step: int) -> dict[str, float | None]:
    flat = [cell for day in days for cell in day]
    found: dict[str, float | None] = {
        f"conga_{hours}": _sd(_apart(flat, round(60 / step) * hours)) for hours in (1, 2, 4, 24)
    }
    found["modd"] = _mean([abs(change) for change in _apart(flat, 1440 // step)])
    steps = _apart(flat, 1)
    found["mag"] = sum(abs(s) for s in steps) / (len(steps) * step / 60) if steps else None
    way = sum(math.hypot(step, s) for s in steps)
    found["gvp"] = (way / (len(steps) * step) - 1) * 100 if steps else None
    return found


def _episodes(days: list[Cells], step: int) -> dict[str, float | None]:
    flat = [cell for day in days for cell in day]
    found: dict[str, float | None] = {}
    for name, low, bound in (
        ("low_level1", True, 70),
        ("low_level2", True, 54),
        ("high_level1", False, 180),
        ("high_level2", False, 250),
    ):
        lengths = _lengths(flat, step, low=low, bound=bound)
        found[f"episodes_{name}"] = float(len(lengths))
        found[f"episodes_{name}_minutes"] = fmean(lengths) * step if lengths else None
    return found


def _lengths(flat: Cells, step: int, *, low: bool, bound: float) -> list[int]:
    """Points of each episode: begun by 15 minutes beyond, ended by 15 minutes back, or by a gap."""
    need = math.ceil(15 / step)
    lengths, begun, beyond, back = [], None, 0, 0
    for index, cell in enumerate([*flat, None]):
        if cell is None:
            if begun is not None:
                lengths.append(index - begun)
            begun, beyond, back = None, 0, 0
            continue
        if cell < bound if low else cell > bound:
            beyond, back = beyond + 1, 0
            if begun is None and beyond == need:
                begun = index - need + 1
        else:
            beyond, back = 0, back + 1
            if begun is not None and back == need:
                lengths.append(index - need + 1 - begun)
                begun = None
    return lengths


def _mage(points: Points) -> float | None:
    flat = [cell for day in _grid(points, 5) for cell in day]
    known = [i for i, cell in enumerate(flat) if cell is not None]
    if not known:
        return None
    flat = flat[known[0] : known[-1] + 1]
    stretches: list[Cells] = [[]]
    gap: Cells = []
    for cell in flat:
        if cell is None:
            gap.append(cell)
            continue
        if len(gap) * 5 > 180:
            stretches.append([])
        else:
            stretches[-1] += gap
        gap = []
        stretches[-1].append(cell)
    total = weight = 0.0
    for stretch in stretches:
        for height in _heights(stretch):
            total += height * (len(stretch) - 1)
            weight += len(stretch) - 1
    return total / weight if weight else None


def _heights(stretch: Cells) -> list[float]:
    """The mean height of the rises and that of the falls."""
    sd = _sd(stretch)
    if len(stretch) < 32 or sd is None or sd < 1:
        return []
    points = _turns(stretch)
    rises, falls = _excursions(points, sd, 1), _excursions(points, sd, -1)
    return [fmean(ones) for ones in (rises, falls) if ones]


def _turns(stretch: Cells) -> list[float]:
    delta: list[float | None] = []
    for i in range(len(stretch)):
        short = _mean(stretch[max(i, 4) - 4 : max(i, 4) + 1])
        long = _mean(stretch[max(i, 31) - 31 : max(i, 31) + 1])
        delta.append(None if short is None or long is None else _rounded(short - long))
    first = delta[0]
    cross = [(0, first is not None and first > 0)]
    for i in range(1, len(stretch)):
        here, before, last = delta[i], delta[i - 1], delta[cross[-1][0]]
        if stretch[i] is None or stretch[i - 1] is None or here is None or before is None:
            continue
        if here * before < 0 or (last is not None and here * last < 0):
            cross.append((i, here > 0))
    cross.append((len(stretch) - 1, False))
    turns = []
    left = 0
    for (_, high), (right, _) in pairwise(cross):
        part = [(cell, -i) for i, cell in enumerate(stretch[left : right + 1]) if cell is not None]
        value, place = max(part) if high else min((v, -i) for v, i in part)
        turns.append(value)
        left += -place if high else place
    return turns


def _rounded(difference: float) -> float:
    return 0.0 if abs(difference) < 1e-9 else difference


def _excursions(points: list[float], sd: float, sign: int) -> list[float]:
    """Rises (`sign` 1) or falls (-1) of at least an SD, each as far as it goes before an SD the other way."""
    ups = [sign * point for point in points]
    found = []
    since = at = 0
    while at < len(ups):
        base = min(ups[since : at + 1])
        if ups[at] - base < sd:
            at += 1
            continue
        top = at
        for k in range(at, len(ups)):
            top = k if ups[k] > ups[top] else top
            if ups[k] - ups[top] < -sd or k == len(ups) - 1:
                found.append(ups[top] - base)
                # iglu goes on from where a rise is over, but from the very point of a fall.
                since = k if sign > 0 else top
                at = k
                break
        if at == len(ups) - 1:
            break
    return found
