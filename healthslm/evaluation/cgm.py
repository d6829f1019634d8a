"""The figures of continuous glucose against their definitions, written out once more in plain loops."""

from __future__ import annotations

import math
from pathlib import Path

from healthslm.analysis.glucose import figures, trace_of
from healthslm.errors import UsageError
from healthslm.evaluation.cgm_reference import reference
from healthslm.evaluation.table import Line, Table
from healthslm.importers.glucose import GlucoseFile, read_glucose

LIMIT, MAGE_LIMIT = 0.01, 0.5
_NOTES = (
    "The definitions are iglu's (R, 4.x) and the consensus' (Battelino 2019); ours are computed another way.",
    "Readings that are a word (Low, High) have no number, and are in neither.",
)


def glucose_files(data: Path) -> list[Path]:
    """Return the CSV files of a folder, or the file itself. Raises `UsageError` where there is none."""
    if data.is_dir():
        found = sorted(path for path in data.iterdir() if path.name.endswith((".csv", ".csv.gz")))
        if not found:
            raise UsageError(f"There is no CSV file in {data}.", "Give another folder, or a file.")
        return found
    if not data.exists():
        raise UsageError(f"{data} is not there.", "Give a CSV file of glucose, or a folder with some.")
    return [data]


def run(data: Path) -> Table:
    """Compare every figure of every file; of several files the one in which it is furthest off.

    Raises `UsageError` when no file has readings.
    """
    worst: dict[str, tuple[float, Line]] = {}
    paths = glucose_files(data)
    files = 0
    for path in paths:
        read = read_glucose(path)
        if not len(read):
            continue
        files += 1
        for name, (off, one) in compared(read, path.name if len(paths) > 1 else "").items():
            if name not in worst or off > worst[name][0]:
                worst[name] = (off, one)
    if not files:
        raise UsageError(f"No file in {data} has glucose readings.", "Look: healthslm analyse glucose FILE")
    title = f"Continuous glucose against the definitions, {files} file{'s' * (files != 1)}"
    return Table(title=title, lines=tuple(one for _, one in worst.values()), notes=_NOTES)


def compared(read: GlucoseFile, name: str) -> dict[str, tuple[float, Line]]:
    """Return one line a figure with how far it is off: infinitely where only one of both has it.

    Where neither has it, it is less than nothing off, so that any number counts before it.
    """
    trace = trace_of(read.window(), clock=read.clock)
    ours = {one.name: one.value for one in figures(trace)}
    points = list(zip(trace.minutes.tolist(), trace.values.tolist(), strict=True))
    found = {}
    for key, given in reference(points).items():
        expected = given if given is not None and math.isfinite(given) else None
        limit = MAGE_LIMIT if key == "mage" else LIMIT
        mine = ours.get(key)
        if mine is None or expected is None:
            off = -1.0 if mine is None and expected is None else math.inf
        else:
            off = abs(mine - expected)
        line = Line(
            name=f"{key}, {name}" if name else key,
            value=mine,
            decimals=4,
            published="none" if expected is None else f"{expected:.4f}",
            reach=f"±{limit:g}",
            met=off <= limit,
            note="" if mine is not None else "none",
        )
        found[key] = (off, line)
    return found
