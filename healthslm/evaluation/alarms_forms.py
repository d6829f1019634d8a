"""A file of vital signs saved once more in other forms, as people's programs do; its readings stay."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from healthslm.importers.vitals import VitalsTable
from healthslm.importers.vitals_columns import Layout
from healthslm.readings import Kind

Table = list[list[str]]
"""A header and rows, cell by cell."""
_DECIMAL = re.compile(r"-?\d+\.\d+")
_OTHER_NAMES: Mapping[Kind, str] = {
    Kind.HEART_RATE: "Herzfrequenz", Kind.SPO2: "Oxygen saturation", Kind.SYSTOLIC: "SYS",
    Kind.DIASTOLIC: "DIA", Kind.TEMPERATURE: "Körpertemperatur", Kind.RESPIRATORY_RATE: "Breaths per minute",
    Kind.WEIGHT: "Gewicht", Kind.BODY_FAT: "Körperfett", Kind.GLUCOSE: "Blutzucker",
    Kind.STEPS: "Step count", Kind.ENERGY: "Energy burned", Kind.DISTANCE: "Strecke",
    Kind.SLEEP_DURATION: "Asleep", Kind.PULSE_RATE: "Pulse rate",
}  # fmt: skip
_SHEET_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  a sheet's days have no zone
_SEED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to save a file: how its rows change, and the bytes that they become; `dates`: dates change."""

    name: str
    rows: Callable[[VitalsTable], Table]
    written: Callable[[Table], bytes]
    dates: bool = False


def _plain(read: VitalsTable) -> Table:
    _layout(read)
    return [list(read.header), *(list(row) for _, row in read.data)]


def _layout(read: VitalsTable) -> Layout:
    if read.layout is None:
        raise ValueError(f"{read.name} has no readings that could be saved once more")
    return read.layout


def _dated(write: Callable[[datetime, bool], str]) -> Callable[[VitalsTable], Table]:
    """Write the dates anew, in one column; `write` is told whether there is a date alone."""

    def made(read: VitalsTable) -> Table:
        first, *rest = _layout(read).time
        table = _plain(read)
        for place, row in enumerate(table[1:]):
            time: datetime | None = read.stamps.clock[place].item()
            if time is not None and first < len(row):
                row[first] = write(time, bool(read.bare[place]))
        return [[cell for n, cell in enumerate(row) if n not in rest] for row in table]

    return made


def _by_format(date: str, clock: str) -> Callable[[datetime, bool], str]:
    return lambda time, alone: f"{time:{date}}" if alone else f"{time:{date} {clock}}"


def _serial(time: datetime, alone: bool) -> str:
    days = (time - _SHEET_ZERO).total_seconds() / 86400
    return f"{days:.0f}" if alone else f"{days:.9f}".rstrip("0").rstrip(".")


def _renamed(read: VitalsTable) -> Table:
    layout = _layout(read)
    header, *rows = _plain(read)
    for column in layout.columns:
        kind = column.meaning.kind
        other = None if kind is None or column.meaning.pair else _OTHER_NAMES.get(kind)
        if other is not None and not column.meaning.mean:
            header[column.number] = f"{other} [{column.unit}]" if column.unit else other
    names = ("Zeitstempel",) if len(layout.time) == 1 else ("Datum", "Uhrzeit")
    for number, name in zip(layout.time, names, strict=True):
        header[number] = name
    if layout.person is not None:
        header[layout.person] = "Patient ID"
    return [header, *rows]


def _upper(read: VitalsTable) -> Table:
    header, *rows = _plain(read)
    return [[name.upper() for name in header], *rows]


def _shuffled(read: VitalsTable) -> Table:
    header, *rows = _plain(read)
    return [header, *(rows[n] for n in np.random.default_rng(_SEED).permutation(len(rows)).tolist())]


def _twice(read: VitalsTable) -> Table:
    header, *rows = _plain(read)
    return [header, *(row for row in rows for _ in range(2))]


def _appended(read: VitalsTable) -> Table:
    header, *rows = _plain(read)
    return [header, *rows, *rows]


def _text(table: Table, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(table)  # type: ignore[arg-type]  # one of csv's own
    return buffer.getvalue()


def _comma(table: Table) -> bytes:
    rows = [[cell.replace(".", ",") if _DECIMAL.fullmatch(cell) else cell for cell in row] for row in table]
    return _text(rows, ";").encode()


def _utf8(table: Table) -> bytes:
    return _text(table).encode()


FORMS = (
    Form(name="semicolons, decimal comma", rows=_plain, written=_comma),
    Form(name="tabs", rows=_plain, written=lambda table: _text(table, "\t").encode()),
    Form(name="strokes", rows=_plain, written=lambda table: _text(table, "|").encode()),
    Form(name="UTF-16", rows=_plain, written=lambda table: _text(table).encode("utf-16")),
    Form(
        name="UTF-8 with its mark, CRLF",
        rows=_plain,
        written=lambda table: _text(table).replace("\n", "\r\n").encode("utf-8-sig"),
    ),
    Form(name="all quoted", rows=_plain, written=lambda table: _text(table, quoting=csv.QUOTE_ALL).encode()),
    Form(name="gzip", rows=_plain, written=lambda table: gzip.compress(_utf8(table), mtime=0)),
    Form(name="ISO dates", rows=_dated(_by_format("%Y-%m-%d", "%H:%M:%S")), written=_utf8, dates=True),
    Form(name="month names", rows=_dated(_by_format("%d-%b-%y", "%H:%M:%S")), written=_utf8, dates=True),
    Form(
        name="day first, points", rows=_dated(_by_format("%d.%m.%Y", "%H:%M:%S")), written=_comma, dates=True
    ),
    Form(
        name="day first, strokes", rows=_dated(_by_format("%d/%m/%Y", "%H:%M:%S")), written=_utf8, dates=True
    ),
    Form(name="US, 12 hours", rows=_dated(_by_format("%m/%d/%Y", "%I:%M:%S %p")), written=_utf8, dates=True),
    Form(name="a sheet's day numbers", rows=_dated(_serial), written=_utf8, dates=True),
    Form(name="other names of columns", rows=_renamed, written=_utf8),
    Form(name="names in capitals", rows=_upper, written=_utf8),
    Form(name="rows shuffled", rows=_shuffled, written=_utf8),
    Form(name="each row twice", rows=_twice, written=_utf8),
    Form(name="all rows appended once more", rows=_appended, written=_utf8),
)


def forms_for(read: VitalsTable) -> tuple[Form, ...]:
    """Return the forms that lose nothing of a file: dates with parts of seconds, or an offset, stay."""
    known = read.stamps.clock[read.stamps.known]
    exact = bool((known == known.astype("M8[s]")).all()) and not np.isfinite(read.stamps.ahead).any()
    return FORMS if exact else tuple(form for form in FORMS if not form.dates)
