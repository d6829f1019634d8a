"""The forecast of glucose in 30 minutes on days that it was not fitted to, beside the two simplest ones.

Each day is foretold twice: by the days before it alone, as it would be in use, and by all other days. What is
learnt from ends before the first reading that is used for the day, and begins after the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.forecast import HORIZON, LAGS, PRIOR, STEP, Pairs, expect, learn, pairs
from healthslm.analysis.glucose import episodes, trace_of
from healthslm.analysis.glucose.trace import DAY
from healthslm.errors import UsageError
from healthslm.evaluation.cgm import glucose_files
from healthslm.evaluation.table import Line, Table
from healthslm.importers.glucose import read_glucose
from healthslm.readings import Floats, Kind, Window, moment
from healthslm.rules import scan
from healthslm.rules.glucose import LOW_GLUCOSE_SOON

LOW = 70.0
_MINUTE_US = 60_000_000
_HOUR = timedelta(hours=1)
_NOTES = (
    "Root mean square error 30 minutes ahead. Fitted to the person's other days, never to the day itself.",
    "The linear trend is a least-squares line through the last 15 or 30 minutes; the better one counts.",
    "The truth is the sensor's own reading 30 minutes later, interpolated over at most 20 minutes.",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """Forecasts and truth of one person, all of shape `(n,)`, in mg/dL.

    `expected` by name of the method; `low` and `high` the interval of the one by the days before.
    """

    now: Floats
    truth: Floats
    expected: dict[str, Floats]
    low: Floats
    high: Floats

    def rmse(self, name: str) -> float:
        """Return a method's error."""
        return float(np.sqrt(np.mean((self.expected[name] - self.truth) ** 2)))


def measured(minutes: Floats, values: Floats) -> Measured | None:
    """Foretell every day of one person from days that it was not fitted to; `None` of nothing to foretell."""
    found = pairs(minutes, values)
    if not len(found.index):
        return None
    now = values[found.index]
    day = (minutes[found.index] // DAY).astype(np.int64)
    size = len(now)
    by_others, by_earlier, low, high = (np.empty(size) for _ in range(4))
    for one in np.unique(day):
        held = day == one
        begins, ends = found.start[held].min(), found.end[held].max()
        earlier = found.end < begins
        others = earlier | (found.start > ends)
        by_others[held], _, _ = _foretold(found, now, others, held)
        by_earlier[held], low[held], high[held] = _foretold(found, now, earlier, held)
    return Measured(
        now=now,
        truth=now + found.change,
        expected={
            "other days": by_others,
            "earlier days": by_earlier,
            "nobody's days": expect(PRIOR, found.inputs, now)[0],
            "last value": now,
            "line of 15 minutes": now + _line(found.inputs, 15),
            "line of 30 minutes": now + _line(found.inputs, 30),
        },
        low=low,
        high=high,
    )


def _foretold(
    found: Pairs, now: Floats, known: NDArray[np.bool_], held: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    model = learn(found.inputs[known], now[known], found.change[known])
    return expect(model, found.inputs[held], now[held])


def _line(changes: Floats, minutes: int) -> Floats:
    """The change that a least-squares line through the last so many minutes foretells."""
    points = round(minutes / STEP) + 1
    levels = np.hstack((np.zeros((len(changes), 1)), -np.cumsum(changes, axis=1)))[:, : min(points, LAGS + 1)]
    at = -STEP * np.arange(levels.shape[1])
    table = np.column_stack((np.ones(len(at)), at))
    intercept, slope = np.linalg.pinv(table) @ levels.T
    return np.asarray(intercept + slope * HORIZON, dtype=np.float64)


def run(data: Path) -> Table:
    """Measure over a file, or the files of a folder, one a person; errors are pooled over all forecasts.

    Raises `UsageError` when no file has an hour of readings.
    """
    people = []
    warned = [0, 0, 0, 0, 0.0]
    for path in glucose_files(data):
        read = read_glucose(path)
        if len(read):
            first = read.times[0].astype("M8[D]").astype("M8[us]")
            made = measured((read.times - first).astype(np.int64) / _MINUTE_US, read.values)
            people += [made] if made is not None else []
            warned = [a + b for a, b in zip(warned, warnings(read.window()), strict=True)]
    if not people:
        raise UsageError(f"No file in {data} has glucose over an hour.", "Give a sensor's readings.")
    return Table(
        title=f"Glucose in 30 minutes, {len(people)} file{'s' * (len(people) != 1)}",
        lines=(*_lines(people), *_warned(warned)),
        notes=_NOTES,
    )


def _pooled(people: Sequence[Measured], name: str) -> float:
    errors = np.concatenate([one.expected[name] - one.truth for one in people])
    return float(np.sqrt(np.mean(errors**2)))


_SIMPLE = ("last value", "line of 15 minutes", "line of 30 minutes")
_OURS = ("other days", "earlier days")


def _lines(people: Sequence[Measured]) -> list[Line]:
    simple = {name: _pooled(people, name) for name in _SIMPLE}
    best = min(simple.values())
    lines = []
    for name in _OURS:
        error = _pooled(people, name)
        lines.append(
            Line(
                name=f"ours, fitted to {name}",
                value=error,
                unit="mg/dL",
                published="18.2 mg/dL in type 1 diabetes (Rubin-Falcone 2020)",
                reach=f"< {best:.2f}",
                met=error < best,
            )
        )
    lines.append(Line(name="ours, fitted to nobody", value=_pooled(people, "nobody's days"), unit="mg/dL"))
    lines += [Line(name=f"by the {name}", value=error, unit="mg/dL") for name, error in simple.items()]
    wins = sum(all(p.rmse(own) < min(p.rmse(n) for n in _SIMPLE) for own in _OURS) for p in people)
    lines.append(
        Line(
            name="files in which ours is below all simple ones",
            value=float(wins),
            decimals=0,
            reach=f"{len(people)}",
            met=wins == len(people),
        )
    )
    inside = np.concatenate([(p.low <= p.truth) & (p.truth <= p.high) for p in people])
    lines.append(Line(name="truth within the 90 % interval", value=float(inside.mean()) * 100, unit="%"))
    return lines


def warnings(window: Window) -> tuple[int, int, int, int, float]:
    """Count for the rule of low glucose to come, fitted to nobody, over a window of sensor glucose.

    Returns low episodes with a warning in the hour before, all low episodes, warnings after which it was low
    within an hour, all warnings, and the days.
    """
    trace = trace_of(window)
    if trace.grid is None:
        return 0, 0, 0, 0, 0.0
    lows = [moment(e.start) for e in episodes(trace.grid) if e.direction == "low" and e.level == 1]
    found = scan(LOW_GLUCOSE_SOON, {Kind.SENSOR_GLUCOSE: window})
    told = [finding.start for finding in found]
    ends = [max(finding.end, finding.start) + _HOUR for finding in found]
    low_at = [moment(time) for time in trace.times[trace.values < LOW]]
    announced = sum(any(low - _HOUR <= at <= low for at in told) for low in lows)
    right = sum(any(at <= low <= end for low in low_at) for at, end in zip(told, ends, strict=True))
    return announced, len(lows), right, len(told), trace.days


def _warned(counted: Sequence[float]) -> list[Line]:
    announced, lows, right, told, days = counted
    return [
        Line(
            name="low episodes (< 70 mg/dL) that the rule announced",
            value=announced / lows * 100 if lows else None,
            unit="%",
            note="" if lows else "there was none",
        ),
        Line(
            name="announcements after which it was low within an hour",
            value=right / told * 100 if told else None,
            unit="%",
            note="" if told else "there was none",
        ),
        Line(name="announcements a week", value=told / days * 7 if days else None, unit="/wk"),
    ]
