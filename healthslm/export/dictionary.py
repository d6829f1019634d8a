"""The data dictionary: every column of every table, as CSV for programs and as Markdown for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from healthslm.export.columns import TABLES, Column, Type
from healthslm.readings import KINDS

TITLES = {
    "readings": "One row a reading, usable or not, waveforms too; by kind, then by time.",
    "hours": "One row a kind and hour of the person's clock that has a usable reading. No waveforms.",
    "days": "One row a kind and local day that has a usable reading. No waveforms.",
    "findings": "One row a finding: what a rule saw. A prompt to act, not a diagnosis.",
    "notes": "One row a note of the person.",
}
NOTATION = {
    Type.TEXT: (
        "as it is; one that begins with = + - @ ' (or a wide form of these) has an apostrophe in front, so "
        "that no spreadsheet takes it for a formula: take one away to have the text",
        "string",
    ),
    Type.INTEGER: ("digits", "int64"),
    Type.NUMBER: ("the fewest digits that give the same double again", "double"),
    Type.YES_NO: ("true or false", "bool"),
    Type.TIME: (
        "ISO 8601 with microseconds and the offset from UTC: 2026-03-14T07:30:00.000000+01:00",
        "timestamp[us] in the person's time zone",
    ),
    Type.CLOCK: (
        "ISO 8601 without an offset, since the device told none: 2026-03-14T07:30:00.000000",
        "timestamp[us] without a time zone",
    ),
    Type.DATE: ("2026-03-14", "date32"),
    Type.JSON: ("JSON text", "string of JSON"),
}
"""How each type is written: in CSV, in Parquet."""
_HEAD = ("table", "column", "type", "unit", "meaning", "values", "source")


def _cells(table: str, column: Column) -> tuple[str, ...]:
    return (
        table,
        column.name,
        column.type.value,
        column.unit,
        column.meaning,
        column.values,
        column.source,
    )


def as_csv() -> bytes:
    """Return the dictionary as CSV, a row a column."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(_HEAD)
    rows.writerows(_cells(table, column) for table, columns in TABLES.items() for column in columns)
    return text.getvalue().encode()


def as_markdown() -> bytes:
    """Return the dictionary as a page: how cells are written, the columns, the kinds with code and unit."""
    parts = [
        "# Data dictionary of the healthslm tables",
        "Not a medical device. An empty cell (in Parquet: null) means not known or not told, never 0.",
        "CSV is RFC 4180 in UTF-8, with a header. In Parquet a column's unit, meaning, values and source are "
        "the metadata of its field.",
        _table(("type", "in CSV", "in Parquet"), [(t.value, *NOTATION[t]) for t in Type]),
    ]
    for name, columns in TABLES.items():
        parts += [f"## {name}", TITLES[name]]
        parts.append(_table(_HEAD[1:], [_cells(name, column)[1:] for column in columns]))
    kinds = [
        (
            kind.value,
            info.title,
            info.loinc or "",
            info.ucum,
            f"{info.low:g} to {info.high:g}",
            "amount" if info.adds else "waveform" if info.waveform else "stream" if info.holds else "spot",
        )
        for kind, info in KINDS.items()
    ]
    parts += [
        "## Kinds",
        "Outside of the plausible range a reading is kept and marked implausible. An amount is how much more "
        "than at the reading before.",
        _table(("kind", "title", "LOINC", "UCUM", "plausible", "comes as"), kinds),
        "This material contains content from LOINC (http://loinc.org), copyright Regenstrief Institute, "
        "Inc., available at no cost under its license.",
    ]
    return ("\n\n".join(parts) + "\n").encode()


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
