"""A call as one short line, the form in which the model writes it: `value heart_rate max yesterday`.

The line names periods and bounds as the question does; working out dates and converting units is for this
program, never for the model. `healthslm.slm.lines` says which words may come next: what is written is always
a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from healthslm.slm.bounds import converted
from healthslm.slm.lines import IN_RANGE, SEVERITIES, UNITS
from healthslm.slm.names import Metric, Refusal, Statistic
from healthslm.slm.periods import Period, resolve
from healthslm.slm.tools import (
    Call,
    Compare,
    Devices,
    Emergency,
    Explain,
    Findings,
    Refuse,
    Relate,
    TimeInRange,
    Trend,
    Unclear,
    Value,
)

_UNKNOWN = {
    "metric": "I did not understand which measurement is meant, or nothing here measures it. "
    "Ask, for example, for heart rate, oxygen, temperature, blood pressure, glucose, weight, sleep or steps.",
    "period": "I do not know which time is meant. Ask, for example, for today, yesterday, last night, "
    "Monday, the last 3 days, last week, or from 3 March to 9 March.",
    "bound": "Above or below which value? Ask, for example, how long it was above 120 today.",
}


def read(line: str, now: datetime, zone: ZoneInfo) -> Call | Unclear:
    """Return the call that a line stands for, its periods worked out and its bounds in the metric's own unit.

    Raises `UnknownPeriodError` for a period that has not begun or lies beyond the calendar.
    """
    tool, *words = line.split()
    if tool in ("devices", "emergency"):
        return Devices() if tool == "devices" else Emergency()
    if tool == "explain":
        return Explain(topic=words[0])
    if tool == "refuse":
        return Refuse(reason=Refusal(words[0]))
    if tool == "unclear":
        return Unclear(why=_UNKNOWN[words[0]])
    if tool == "findings":
        severity = words.pop(0) if words and words[0] in SEVERITIES else None
        return Findings.model_validate({"severity": severity, "period": _when(words, "today", now, zone)})
    metric = Metric(words.pop(0))
    if tool == "trend":
        return Trend(metric=metric, period=_when(words, "last 30 days", now, zone))
    if tool == "relate":
        other = Metric(words.pop(0))
        return Relate(metric=metric, other_metric=other, period=_when(words, "last 30 days", now, zone))
    if tool == "time_in_range" and not words:
        return Unclear(why=_UNKNOWN["bound"])
    if tool == "time_in_range":
        low, high, words = _range(words, metric)
        return TimeInRange(metric=metric, low=low, high=high, period=_when(words, "today", now, zone))
    statistic = Statistic(words.pop(0))
    if tool == "compare":
        cut = words.index("/")
        one, other_period = _when(words[:cut], "", now, zone), _when(words[cut + 1 :], "", now, zone)
        return Compare(metric=metric, statistic=statistic, period=one, other_period=other_period)
    if statistic is Statistic.LATEST and not words:
        return Value(metric=metric, statistic=statistic)
    return Value(metric=metric, statistic=statistic, period=_when(words, "today", now, zone))


def _when(words: Sequence[str], usual: str, now: datetime, zone: ZoneInfo) -> Period:
    return resolve(" ".join(words) or usual, now, zone)


def _range(words: list[str], metric: Metric) -> tuple[float | None, float | None, list[str]]:
    """The bounds, converted, and the words after them."""
    if words[0] == "range":
        return *IN_RANGE.get(metric, (None, None)), words[1:]
    count = 4 if words[0] == "between" else 2
    numbers = [float(word) for word in words[1:count:2]]
    rest = words[count:]
    unit = rest.pop(0) if rest and rest[0] in UNITS else ""
    made = sorted(converted(number, metric, unit.lower()) for number in numbers)
    if len(made) == 2:
        return made[0], made[1], rest
    return (made[0], None, rest) if words[0] == "above" else (None, made[0], rest)
