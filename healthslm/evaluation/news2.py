"""NEWS2 against the printed table of the Royal College of Physicians: every cell, both SpO2 scales."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from healthslm.evaluation.table import Table, line
from healthslm.rules.news2 import news2

# The chart as it is printed: parameter, what else is told, points, and the cell's first and last value.
_ALWAYS: Mapping[str, Any] = {}
CHART: tuple[tuple[str, Mapping[str, Any], int, float, float], ...] = (
    ("respiration", _ALWAYS, 3, 1, 8),
    ("respiration", _ALWAYS, 1, 9, 11),
    ("respiration", _ALWAYS, 0, 12, 20),
    ("respiration", _ALWAYS, 2, 21, 24),
    ("respiration", _ALWAYS, 3, 25, 60),
    ("spo2", {"scale": 1}, 3, 50, 91),
    ("spo2", {"scale": 1}, 2, 92, 93),
    ("spo2", {"scale": 1}, 1, 94, 95),
    ("spo2", {"scale": 1}, 0, 96, 100),
    ("spo2", {"scale": 2}, 3, 50, 83),
    ("spo2", {"scale": 2}, 2, 84, 85),
    ("spo2", {"scale": 2}, 1, 86, 87),
    ("spo2", {"scale": 2}, 0, 88, 92),
    ("spo2", {"scale": 2, "oxygen": False}, 0, 93, 100),
    ("spo2", {"scale": 2, "oxygen": True}, 1, 93, 94),
    ("spo2", {"scale": 2, "oxygen": True}, 2, 95, 96),
    ("spo2", {"scale": 2, "oxygen": True}, 3, 97, 100),
    ("systolic", _ALWAYS, 3, 50, 90),
    ("systolic", _ALWAYS, 2, 91, 100),
    ("systolic", _ALWAYS, 1, 101, 110),
    ("systolic", _ALWAYS, 0, 111, 219),
    ("systolic", _ALWAYS, 3, 220, 300),
    ("pulse", _ALWAYS, 3, 20, 40),
    ("pulse", _ALWAYS, 1, 41, 50),
    ("pulse", _ALWAYS, 0, 51, 90),
    ("pulse", _ALWAYS, 1, 91, 110),
    ("pulse", _ALWAYS, 2, 111, 130),
    ("pulse", _ALWAYS, 3, 131, 250),
    ("temperature", _ALWAYS, 3, 30.0, 35.0),
    ("temperature", _ALWAYS, 1, 35.1, 36.0),
    ("temperature", _ALWAYS, 0, 36.1, 38.0),
    ("temperature", _ALWAYS, 1, 38.1, 39.0),
    ("temperature", _ALWAYS, 2, 39.1, 43.0),
)
WORDS: tuple[tuple[Mapping[str, Any], str, int], ...] = (
    ({"oxygen": False}, "oxygen", 0),
    ({"oxygen": True}, "oxygen", 2),
    *(({"consciousness": letter}, "consciousness", 0 if letter == "A" else 3) for letter in "ACVPU"),
)


def cells() -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Yield each value that can stand in the chart: the parameter, what to score, the printed points."""
    for name, told, points, first, last in CHART:
        tenths = 1 if name == "temperature" else 10
        for value in range(round(first * 10), round(last * 10) + 1, tenths):
            yield name, {**told, name: value / 10}, points
    for told, name, points in WORDS:
        yield name, told, points


def run() -> Table:
    """Score every value of every cell and count those that agree with the chart."""
    counts: dict[str, list[int]] = {}
    for name, told, points in cells():
        scale = f", scale {told['scale']}" if name == "spo2" else ""
        right = counts.setdefault(f"{name}{scale}", [0, 0])
        right[0] += news2(**told).points.get(name) == points
        right[1] += 1
    lines = [
        line(f"{name}: {total} values", 100 * right / total, "%", least=100, published="RCP 2017")
        for name, (right, total) in counts.items()
    ]
    return Table(title="NEWS2 against the RCP's chart", lines=tuple(lines))
