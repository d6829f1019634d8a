"""The text of a file of readings, and its rows with their line numbers."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from pathlib import Path

from healthslm.errors import UsageError

Rows = list[tuple[int, list[str]]]
"""Cells with the number of the line that they begin in, from 1."""
MISSING = frozenset(("", "nan", "na", "n/a", "null", "none", "-", "--", "---"))
"""What a cell without a value says, in small letters."""
_SHOWN = 30
"""Lines by which the delimiter is told."""


def text_of(path: Path, *, kind: str = "a CSV file") -> str:
    """Return a file's text, unpacked when it is gzipped; UTF-8, UTF-16 with its mark, or Windows-1252.

    Raises `UsageError` when it cannot be read, or is no text; `kind` is what is asked for instead.
    """
    try:
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


def rows_of(text: str) -> Rows:
    """Return the rows with their line numbers, without empty ones and those that begin with `#`."""
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    rows: Rows = []
    number = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return rows
        except csv.Error:  # a field longer than any number: the row counts as one without cells
            cells = []
        if any(cell.strip() for cell in cells) and not cells[0].startswith("#"):
            rows.append((number, [cell.strip() for cell in cells]))
        number = reader.line_num + 1


def _delimiter(text: str) -> str:
    """The one that occurs equally often on most lines: a decimal comma is not in the header."""
    head = [line for line in text[:8000].split("\n")[:_SHOWN] if line.strip() and not line.startswith("#")]

    def often(one: str) -> tuple[int, int, bool]:
        counts = Counter(line.count(one) for line in head if one in line)
        count, lines = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return lines, count, one == ","

    return max(",;\t|", key=often)
