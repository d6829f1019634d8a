"""The text of a file of readings, and its rows with their line numbers."""

from __future__ import annotations

import csv
import gzip
import re
import stat
import zlib
from collections import Counter
from pathlib import Path

from healthslm.errors import UsageError
from healthslm.importers.lines import named

Rows = list[tuple[int, list[str]]]
"""Cells with the number of the line that they begin in, from 1."""
MISSING = frozenset(("", "nan", "na", "n/a", "null", "none", "-", "--", "---"))
"""What a cell without a value says, in small letters."""
_SHOWN = 30
"""Lines by which the delimiter is told."""
_MOST_COLUMNS = 2000
_LONGEST = 4000
"""Characters of a cell: no number, no date and no remark has more."""
_OFTEN = 5
"""Characters of cells that many rows have in common."""
_QUOTED_LINES = 30
"""A remark in quotes goes over no more lines than these."""


def text_of(path: Path, *, kind: str = "a CSV file") -> str:
    """Return a file's text, unpacked when it is gzipped; UTF-8, UTF-16 with its mark, or Windows-1252.

    Raises `UsageError` when it cannot be read, or is no text; `kind` is what is asked for instead. A pipe
    that nobody writes into would be waited for, so only a regular file is read.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise UsageError(f"{path} is no regular file.", f"Save it first, and give the path of {kind}.")
        raw = path.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path} cannot be read: {reason}.", "Give the path of a CSV file.") from error
    except (EOFError, zlib.error) as error:
        raise UsageError(
            f"{path} is a damaged gzip file.", "Get it once more, or unpack it first."
        ) from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise UsageError(f"{path} is no text.", f"Give {kind}.")
    return re.sub(r"\r+\n|\r", "\n", text)


def rows_of(text: str, problems: list[str]) -> Rows:
    """Return the rows with their line numbers, without empty ones and those that begin with `#`.

    A quote that is not closed would swallow the lines after it: it is named, and counts as a letter. Cells
    too long for any reading are named and left empty. Raises `UsageError` for thousands of columns.
    """
    delimiter = _delimiter(text)
    lines = text.split("\n")
    width = _width(lines, delimiter)
    rows: Rows = []
    shared: dict[str, str] = {}
    open_, long_, wide = [], [], []
    number = 0
    while number < len(lines):
        line = lines[number]
        begun, number = number, number + 1
        if line.startswith("#") or not line.strip():
            continue
        if '"' in line:
            whole = _quoted(lines, begun, delimiter, width)
            if whole is None:
                open_.append(number)
            cells, used = whole or (line.split(delimiter), 1)
            number = begun + used
        else:
            cells = line.split(delimiter)
        if len(cells) > _MOST_COLUMNS:
            wide.append(begun + 1)
            if len(rows) < _SHOWN:
                raise too_wide(begun + 1, len(cells))
            continue
        if len(line) > _LONGEST and any(len(cell) > _LONGEST for cell in cells):
            long_.append(begun + 1)
            cells = ["" if len(cell) > _LONGEST else cell for cell in cells]
        lines[begun] = ""  # a large file is not kept twice, nor a number once for each time that it occurs
        cells = [cell.strip() for cell in cells]
        cells = [shared.setdefault(cell, cell) if len(cell) <= _OFTEN else cell for cell in cells]
        if any(cells):
            rows.append((begun + 1, cells))
    problems += [
        f"{named(found)}: {what}"
        for found, what in (
            (open_, "a quote that is not closed; read as a letter"),
            (long_, TOO_LONG),
            (wide, f"more than {_MOST_COLUMNS:,} columns; not used"),
        )
        if found
    ]
    return rows


TOO_LONG = f"a cell of more than {_LONGEST:,} characters; left out"
"""What is said of such lines."""


def is_too_long(cell: str) -> bool:
    """Whether a cell is longer than that of any reading."""
    return len(cell) > _LONGEST


def is_too_wide(cells: list[str]) -> bool:
    """Whether a row has more columns than any table of readings."""
    return len(cells) > _MOST_COLUMNS


def too_wide(line: int, count: int) -> UsageError:
    """Return the refusal of a table with too many columns; the names of none are told."""
    return UsageError(
        f"Line {line} has {count:,} columns: that is no table of readings (at most {_MOST_COLUMNS:,}).",
        "Give a CSV file with one row for each time.",
    )


def _width(lines: list[str], delimiter: str) -> int:
    """How many cells most of the first lines have."""
    head = [line.count(delimiter) + 1 for line in lines[:_SHOWN] if line.strip() and not line.startswith("#")]
    return Counter(head).most_common(1)[0][0] if head else 1


def _quoted(lines: list[str], begun: int, delimiter: str, width: int) -> tuple[list[str], int] | None:
    """The cells of a row with quotes, and how many lines it goes over; `None` where a quote stays open.

    So it does where it would swallow a line that is a whole row itself.
    """
    part = lines[begun : begun + _QUOTED_LINES]
    reader = csv.reader([*(f"{line}\n" for line in part), "end"], delimiter=delimiter)
    try:
        cells = next(reader)
    except csv.Error:  # longer than csv takes; without the quotes it is as long
        return lines[begun].split(delimiter), 1
    used = reader.line_num
    swallowed = part[1:used]
    if used > len(part) or any(line.count(delimiter) + 1 >= width for line in swallowed if line.strip()):
        return None
    return cells, used


def _delimiter(text: str) -> str:
    """The one that occurs equally often on most lines: a decimal comma is not in the header."""
    head = [line for line in text[:8000].split("\n")[:_SHOWN] if line.strip() and not line.startswith("#")]

    def often(one: str) -> tuple[int, int, bool]:
        counts = Counter(line.count(one) for line in head if one in line)
        count, lines = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return lines, count, one == ","

    return max(",;\t|", key=often)
