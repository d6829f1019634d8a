"""Sensor glucose from a file: Dexcom Clarity, LibreView, or any CSV with a time and mg/dL or mmol/L.

What cannot be used is named with its lines, and the rest is used. Only the sensor's own even readings count:
of LibreView the history (record type 0), of Clarity the EGV rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import UsageError
from healthslm.importers.clock import Stamps, each_once, in_order, stamps_of
from healthslm.importers.glucose_columns import Columns, columns_of
from healthslm.importers.glucose_units import to_mg_per_dl
from healthslm.importers.lines import named, unused
from healthslm.importers.rows import MISSING, rows_of, text_of
from healthslm.readings import KINDS, Floats, Ints, Kind, Times, Window, moment

_LOW_WORDS = frozenset(
    ("low", "lo", "niedrig", "tief", "bas", "bajo", "basso", "laag", "baixo", "lav", "låg")
)
_HIGH_WORDS = frozenset(("high", "hi", "hoch", "haut", "alto", "alta", "élevé", "hoog", "høj", "hög", "høy"))
_BOUND = re.compile(r"([<>])\s*(\d+(?:[.,]\d+)?)")
_LIBRE_HISTORY, _LIBRE_SCAN = "0", "1"


@dataclass(frozen=True, kw_only=True, eq=False)
class GlucoseFile:
    """What a file holds, in order of time, each time once.

    `times`: shape `(n,)`, time passed on the clock of the file's beginning; `clock`: shape `(n,)`, what the
    clock showed; `values`: shape `(n,)`, mg/dL; `lines`: shape `(n,)`, each reading's line in the file.
    `unit` is the file's (`mg/dL`, `mmol/L`, empty without any reading), `source` `clarity`, `libreview` or
    `csv`.
    `low` and `high` count the readings that were a word instead of a number: beyond what the sensor shows.
    """

    times: Times
    clock: Times
    values: Floats
    lines: Ints
    unit: str = ""
    source: str = "csv"
    low: int = 0
    high: int = 0
    problems: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.times)

    def window(self) -> Window:
        """Return the readings as a window; its times are the file's clock read as UTC, its ids the lines."""
        if not len(self):
            start = moment(np.datetime64(0, "us"))
            return Window.of(Kind.SENSOR_GLUCOSE, start, start, ())
        apart = np.diff(self.times)
        step = np.median(apart).astype("m8[us]") if len(apart) else np.timedelta64(1, "m")
        return Window(
            kind=Kind.SENSOR_GLUCOSE,
            start=moment(self.times[0]),
            end=max(moment(self.times[-1] + step), moment(self.times[-1]) + timedelta(microseconds=1)),
            times=self.times,
            values=self.values,
            ids=self.lines,
            quality=np.zeros(len(self), dtype=np.int16),
        )


def read_glucose(path: Path, *, unit: str = "") -> GlucoseFile:
    """Read a file, gzipped or not; `unit` (`mg/dL` or `mmol/L`) takes the place of what the file says.

    Raises `UsageError` when the file cannot be read at all, and for another unit.
    """
    if unit not in ("", "mg/dL", "mmol/L"):
        raise UsageError(f"{unit!r} is no unit of glucose.", "Give mg/dL or mmol/L.")
    problems: list[str] = []
    rows = rows_of(text_of(path, kind="a CSV file, or an export of Clarity or LibreView"), problems)
    columns = columns_of(rows, problems)
    if columns is None:
        return _nothing(path.name, problems, "" if rows else f"{path.name}: there is no reading in it")
    return _read(path.name, rows, columns, unit, problems)


def _nothing(name: str, problems: list[str], why: str = "") -> GlucoseFile:
    none = np.array([], dtype="M8[us]")
    if why or not problems:
        problems.append(why or f"{name}: there is no reading in it")
    empty = np.array([], dtype=np.int64)
    return GlucoseFile(
        times=none, clock=none, values=empty.astype(np.float64), lines=empty, problems=tuple(problems)
    )


def _read(
    name: str, rows: list[tuple[int, list[str]]], columns: Columns, unit: str, problems: list[str]
) -> GlucoseFile:
    rows = _of_the_sensor(rows[columns.first :], columns, problems)
    if not rows:
        return _nothing(name, problems, f"{name}: there is no reading in it")
    lines = np.array([line for line, _ in rows], dtype=np.int64)
    cells = [row[columns.glucose] if columns.glucose < len(row) else "" for _, row in rows]
    stamps = stamps_of([columns.stamp(row) for _, row in rows], lines, problems)
    counted = columns.numbers([row for _, row in rows])
    raw, words, decimals = _numbers(cells, lines, problems)
    values, unit = to_mg_per_dl(raw, decimals, lines, unit or columns.unit, problems, sure=bool(unit))
    values = _plausible(values, lines, problems)
    keep = np.isfinite(values) & stamps.known
    _tell_words(words, int(keep.sum()), lines, problems)
    if not keep.any():
        none = _nothing(name, problems, f"{name}: no row has both a time and a value")
        return replace(none, unit=unit, low=int((words < 0).sum()), high=int((words > 0).sum()))
    made = _ordered(stamps, values, lines, keep, counted, problems)
    return replace(
        made,
        unit=unit,
        source=columns.source,
        low=int((words < 0).sum()),
        high=int((words > 0).sum()),
        problems=tuple(problems),
    )


def _of_the_sensor(
    rows: list[tuple[int, list[str]]], columns: Columns, problems: list[str]
) -> list[tuple[int, list[str]]]:
    """Only the sensor's own readings, of one person."""
    if columns.person is not None:
        who = columns.person
        people = list(dict.fromkeys(row[who] for _, row in rows if who < len(row)))
        if len(people) > 1:
            others = ", ".join(repr(one[:20]) for one in people[1:4])
            problems.append(f"{len(people)} people in one file: {people[0]!r} is used, not {others} …")
            rows = [(line, row) for line, row in rows if who < len(row) and row[who] == people[0]]
    if columns.kind is None:
        return rows
    kind = columns.kind
    by_kind: dict[str, list[tuple[int, list[str]]]] = {}
    for line, row in rows:
        by_kind.setdefault(row[kind] if kind < len(row) else "", []).append((line, row))
    if columns.source == "libreview":
        return _libre(by_kind, columns, problems)
    calibrations = [
        line for what, ones in by_kind.items() if what.lower().startswith(("cal", "kal")) for line, _ in ones
    ]
    if calibrations:
        where = named(sorted(calibrations))
        problems.append(f"{where}: calibration by a drop of blood, no sensor reading; not used")
    return by_kind.get("EGV") or by_kind.get("egv") or []


def _libre(
    by_kind: dict[str, list[tuple[int, list[str]]]], columns: Columns, problems: list[str]
) -> list[tuple[int, list[str]]]:
    history, scans = by_kind.get(_LIBRE_HISTORY, []), by_kind.get(_LIBRE_SCAN, [])
    if history:
        if scans:
            problems.append(
                f"{len(scans)} scans (record type 1) are left out: they would count the times twice at which"
                " somebody looked"
            )
        return history
    if scans and columns.scan is not None:
        problems.append("no history (record type 0) in it: the scans (record type 1) are used")
        glucose, scan = columns.glucose, columns.scan
        return [
            (line, [*row[:glucose], row[scan] if scan < len(row) else "", *row[glucose + 1 :]])
            for line, row in scans
        ]
    return []


def _numbers(cells: Sequence[str], lines: Ints, problems: list[str]) -> tuple[Floats, NDArray[np.int8], int]:
    """The numbers (NaN for what is none), words for too low (-1) and too high (1), decimals written."""
    values = np.full(len(cells), np.nan)
    words = np.zeros(len(cells), dtype=np.int8)
    wrong: dict[str, list[int]] = {}
    decimals = 0
    for index, cell in enumerate(cells):
        text = cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell
        try:
            values[index] = float(text)
        except ValueError:
            word = cell.lower().strip(".!")
            bound = _BOUND.fullmatch(cell)
            if word in _LOW_WORDS or (bound and bound[1] == "<"):
                words[index] = -1
            elif word in _HIGH_WORDS or bound:
                words[index] = 1
            else:
                reason = "no value" if word in MISSING else f"{cell[:20]!r} is no number"
                wrong.setdefault(reason, []).append(int(lines[index]))
            continue
        decimals = max(decimals, len(text.partition(".")[2]))
        if not np.isfinite(values[index]):
            values[index] = np.nan
            wrong.setdefault("no value", []).append(int(lines[index]))
    problems += unused(wrong)
    return values, words, decimals


def _tell_words(words: NDArray[np.int8], numbers: int, lines: Ints, problems: list[str]) -> None:
    for sign, word, side, bound in ((-1, "Low", "below", "54"), (1, "High", "above", "250")):
        where = lines[words == sign]
        if len(where):
            share = len(where) / (int((words != 0).sum()) + numbers)
            problems.append(
                f"{named(where.tolist())}: {word!r}, {side} what the sensor shows; there is no number to"
                f" compute with. Counted as {side} {bound} mg/dL they would be {share:.1%} of all readings"
            )


def _plausible(values: Floats, lines: Ints, problems: list[str]) -> Floats:
    info = KINDS[Kind.SENSOR_GLUCOSE]
    with np.errstate(invalid="ignore"):
        off = values == 0
        outside = ((values < info.low) | (values > info.high)) & ~off
    if off.any():
        problems.append(f"{named(lines[off].tolist())}: 0 is a sensor that is off, no glucose; not used")
    if outside.any():
        where = named(lines[outside].tolist())
        problems.append(f"{where}: outside of {info.low:g} to {info.high:g} mg/dL; not used")
    return np.where(off | outside, np.nan, values)


def _ordered(
    stamps: Stamps,
    values: Floats,
    lines: Ints,
    keep: NDArray[np.bool_],
    counted: Floats | None,
    problems: list[str],
) -> GlucoseFile:
    """Put the readings into the order of time, with a clock that was changed undone, and each time once."""
    stamps = stamps.where(keep)
    counted = None if counted is None else counted[keep]
    values, lines = values[keep], lines[keep]
    times, clock, order = in_order(stamps, lines, counted, problems)
    values, lines = values[order], lines[order]
    last = each_once(times, values, lines, problems)
    return GlucoseFile(times=times[last], clock=clock[last], values=values[last], lines=lines[last])
