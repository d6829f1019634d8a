"""RR intervals from a CSV file: a column `rr_s` or `rr_ms`, or a bare column; one entry for each data row."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from healthslm.importers.lines import named, unused
from healthslm.importers.rows import MISSING, TOO_LONG, is_too_long, is_too_wide, text_of, too_wide
from healthslm.readings import Floats, Ints

_DECIMAL, _DECIMAL_S = re.compile(r"\s*\d+,\d+\s*"), re.compile(r"\s*[0-2],\d+\s*")
_UNITS = {"rr_ms": "ms", "rr_s": "s"}
_OTHER_NAMES = frozenset(("rr", "rri", "rr_interval", "nn", "nni", "nn_interval", "ibi"))
"""Names without a unit: it is told from the values, as of a bare column."""
_SECONDS_BELOW = 10.0
"""A median below is seconds: no heart beats once in ten seconds, and none a hundred times a second."""
_AS_SECONDS, _AS_MS = (0.2, 3.0), (200.0, 3000.0)
"""Values that can only be meant in the one unit, or only in the other."""

_NAMES = 12
"""So many of a file's columns are named where none is the right one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RrFile:
    """What a file holds: `rr_ms`, shape `(n,)`, one entry a data row, NaN where the row has no usable number.

    `rows`: shape `(n,)`, the data rows' numbers from 0; `unit` as in the file (`s`, `ms`; empty without any);
    `labels`: the other columns of numbers by name, shape `(n,)`, NaN where there is none; `note`: the text of
    the lines that begin with `#`; `problems`: what could not be used, line by line, and what was assumed.
    """

    rr_ms: Floats
    rows: Ints
    unit: str
    labels: Mapping[str, Floats] = field(default_factory=dict)
    note: str = ""
    problems: tuple[str, ...] = ()


def read_rr(path: Path) -> RrFile:
    """Read RR intervals from a CSV file, gzipped or not; `,`, `;` or tab between columns.

    Rows whose value is missing, no number or not above zero are kept as NaN and named; so are values in the
    other unit than the file's. Raises `UsageError` when the file cannot be read at all.
    """
    lines, note = _lines(path)
    problems: list[str] = []
    if not lines:
        problems.append(f"{path.name}: there is no reading in it")
        return _nothing(note, problems)
    table = _table(lines, problems)
    has_header = not all(_is_value(cell) for cell in table[0][1])
    header = [cell.strip() for cell in table[0][1]] if has_header else []
    rows = table[1:] if has_header else table
    # A blank line of a single column is a missing value; between several columns it is nothing.
    width = len(header) or max(len(cells) for _, cells in rows)
    if width > 1:
        rows = [(line, cells) for line, cells in rows if any(cell.strip() for cell in cells)]
    column, unit = _column(header, width, path.name, problems)
    if column is None:
        return _nothing(note, problems, count=len(rows))
    if not rows:
        problems.append(f"{path.name}: there is no reading in it")
        return _nothing(note, problems)
    values = _numbers(rows, column, problems)
    rr_ms, unit = _in_ms(values, unit, [line for line, _ in rows], problems)
    labels = _labels(header, rows, column, problems)
    return RrFile(
        rr_ms=rr_ms,
        rows=np.arange(len(rows), dtype=np.int64),
        unit=unit,
        labels=labels,
        note=note,
        problems=tuple(problems),
    )


def _nothing(note: str, problems: list[str], count: int = 0) -> RrFile:
    return RrFile(
        rr_ms=np.full(count, np.nan),
        rows=np.arange(count, dtype=np.int64),
        unit="",
        note=note,
        problems=tuple(problems),
    )


def _lines(path: Path) -> tuple[list[tuple[int, str]], str]:
    """The lines with their numbers from 1, without those that begin with `#`, and the text of those."""
    text = text_of(path, kind="a CSV file with one RR interval a line")
    numbered = list(enumerate(text.split("\n"), start=1))
    while numbered and not numbered[-1][1].strip():
        numbered.pop()
    note = " ".join(line.lstrip("# ").strip() for _, line in numbered if line.startswith("#"))
    lines = [(number, line) for number, line in numbered if not line.startswith("#")]
    while lines and not lines[0][1].strip():
        lines.pop(0)
    return lines, note


def _table(lines: list[tuple[int, str]], problems: list[str]) -> list[tuple[int, list[str]]]:
    """Part the lines into cells; where the comma is the decimal sign, it becomes a point."""
    first = lines[0][1]
    delimiter = next((one for one in (";", "\t") if one in first), ",")
    comma_is_point = delimiter != ","
    # A bare column, or one below a name without a comma, with decimals as written in much of Europe.
    named_alone = any(map(str.isalpha, first)) and "," not in first
    bare = [line for _, line in lines[named_alone:] if line.strip()]
    decimal = _DECIMAL if named_alone else _DECIMAL_S
    if not comma_is_point and bare and all(map(decimal.fullmatch, bare)):
        comma_is_point, delimiter = True, ";"
    table, long_ = [], []
    for number, line in lines:
        try:
            (cells,) = list(csv.reader([line], delimiter=delimiter)) or [[""]]
        except csv.Error:  # a field longer than csv takes
            cells = line.split(delimiter)
        if is_too_wide(cells):
            raise too_wide(number, len(cells))
        if any(map(is_too_long, cells)):
            long_.append(number)
            cells = ["" if is_too_long(one) else one for one in cells]
        table.append((number, [c.replace(",", ".") for c in cells] if comma_is_point else cells))
    if long_:
        problems.append(f"{named(long_)}: {TOO_LONG}")
    return table


def _number(cell: str) -> float | None:
    try:
        # In quotes a decimal comma parts no cells.
        return float(cell.replace(",", ".") if _DECIMAL.fullmatch(cell) else cell)
    except ValueError:
        return None


def _is_value(cell: str) -> bool:
    """Whether a cell can be data: a number, or what stands for a missing one."""
    return cell.strip().lower() in MISSING or _number(cell) is not None


def _column(header: list[str], width: int, name: str, problems: list[str]) -> tuple[int | None, str]:
    """Say which column holds the intervals, and in which unit (empty: to be told from the values)."""
    lower = [one.lower() for one in header]
    known = [(lower.index(one), unit) for one, unit in _UNITS.items() if one in lower]
    if known:
        if len(known) > 1:
            problems.append(f"{name}: there is both rr_ms and rr_s; rr_ms is used")
        return known[0]
    for index, one in enumerate(lower):
        bare, _, unit = re.sub(r"[\s(\[\])]+", " ", one).strip().partition(" ")
        if bare in _OTHER_NAMES and unit in ("", "s", "ms"):
            problems.append(f"{name}: column {header[index]!r} is taken as the RR intervals")
            return index, unit
    if width == 1:
        return 0, ""
    names = ", ".join(one[:30] for one in header[:_NAMES]) or f"{width} columns without a name"
    names += f" and {len(header) - _NAMES} more" * (len(header) > _NAMES)
    problems.append(f"{name}: no column rr_s or rr_ms; there is: {names}")
    return None, ""


def _numbers(rows: list[tuple[int, list[str]]], column: int, problems: list[str]) -> Floats:
    """The column's numbers, NaN for each that is none; every such line is told of."""
    values = np.full(len(rows), np.nan)
    wrong: dict[str, list[int]] = {}
    for index, (line, cells) in enumerate(rows):
        cell = cells[column].strip() if column < len(cells) else ""
        number = _number(cell)
        if cell.lower() in MISSING:
            wrong.setdefault("no value", []).append(line)
        elif number is None:
            wrong.setdefault(f"{cell[:20]!r} is no number", []).append(line)
        elif not math.isfinite(number):
            wrong.setdefault("no finite number", []).append(line)
        elif number <= 0:
            wrong.setdefault("an interval is above zero", []).append(line)
        else:
            values[index] = number
    problems += unused(wrong)
    return values


def _in_ms(values: Floats, unit: str, lines: list[int], problems: list[str]) -> tuple[Floats, str]:
    """Convert to ms; the unit is what most values can be meant in, whatever the column is called."""
    there = values[np.isfinite(values)]
    if not len(there):
        return values, unit
    told = "s" if float(np.median(there)) < _SECONDS_BELOW else "ms"
    if not unit:
        problems.append(f"the unit is not named: taken as {told} (median {np.median(there):g})")
    elif told != unit:
        problems.append(f"the column says {unit}, but its values (median {np.median(there):g}) are {told}")
    low, high = _AS_MS if told == "s" else _AS_SECONDS
    with np.errstate(invalid="ignore"):
        other = (values >= low) & (values <= high)
    if other.any():
        where = named([lines[i] for i in np.flatnonzero(other).tolist()])
        mixed = "ms" if told == "s" else "s"
        problems.append(f"units mixed in one file: {where} in {mixed}, the others in {told}; not used")
    kept = np.where(other, np.nan, values)
    return (kept * 1000 if told == "s" else kept), told


def _labels(
    header: list[str], rows: list[tuple[int, list[str]]], column: int, problems: list[str]
) -> dict[str, Floats]:
    """The other columns that hold numbers; a time or sample that goes backwards is told of."""
    found = {}
    for index, name in enumerate(header):
        if index == column or not name:
            continue
        cells = (row[index] if index < len(row) else "" for _, row in rows)
        values = np.array([math.nan if (n := _number(c)) is None else n for c in cells], dtype=np.float64)
        if not np.isfinite(values).any():
            continue
        found[name] = values
        if "sample" in name.lower() or "time" in name.lower():
            back = np.flatnonzero(np.diff(values) < 0)
            if len(back):
                where = named([rows[i + 1][0] for i in back.tolist()])
                problems.append(f"{name} goes backwards at {where}; the rows are taken in the file's order")
    return found
