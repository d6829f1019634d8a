"""The tables as files: CSV (RFC 4180) and Parquet, streamed from the store, with their data dictionary.

The same review and store give the same bytes; of Parquet, with the same version of pyarrow.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, BinaryIO
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.errors import ExportError
from healthslm.export import dictionary, words
from healthslm.export.columns import TABLES, Column, Type
from healthslm.export.files import Fill, filling
from healthslm.export.rows import ROWS, Batch
from healthslm.export.source import Source
from healthslm.readings import Ints, Review, moment

if TYPE_CHECKING:
    import pyarrow as pa

_MINUTE_US, _SECOND_US = 60_000_000, 1_000_000
_FORMULA = tuple("=+-@'\t\r＝＋－＠")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection), and the mark against it."""
_GROUP = 16_384
"""Rows in a row group of Parquet: what is in memory before it is written."""


def csv_files(review: Review, source: Source) -> list[tuple[str, Fill]]:
    """Return the CSV files, each as the ending of its name and what fills it."""
    zone = words.zone(review)
    tables = [(f".{name}.csv", partial(_fill_csv, name, review, source, zone)) for name in TABLES]
    return [*tables, *_dictionary()]


def parquet_files(review: Review, source: Source) -> list[tuple[str, Fill]]:
    """Return the Parquet files likewise. Raises `ExportError` where pyarrow is not installed."""
    # Read when it is first imported: its own allocator keeps what is freed, 20 MB more.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra, and 60 MB that only this needs
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise ExportError(
            "Parquet needs the package pyarrow.",
            "Install it with: pip install 'healthslm[tables]'; or use --format csv.",
        ) from error
    del pyarrow  # the name is `pa` here
    zone = words.zone(review)
    tables = [(f".{name}.parquet", partial(_fill_parquet, pa, name, review, source, zone)) for name in TABLES]
    return [*tables, *_dictionary()]


def _dictionary() -> list[tuple[str, Fill]]:
    made = {".data-dictionary.csv": dictionary.as_csv(), ".data-dictionary.md": dictionary.as_markdown()}
    return [(ending, filling(data)) for ending, data in made.items()]


# CSV


def _fill_csv(name: str, review: Review, source: Source, zone: ZoneInfo, file: BinaryIO) -> None:
    columns = TABLES[name]
    head: list[Iterable[str]] = [(column.name,) for column in columns]
    file.write(_lines(head))
    for batch in ROWS[name](review, source):
        file.write(_lines([_written(*pair, zone) for pair in zip(columns, batch, strict=True)]))


def _lines(cells: list[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(zip(*cells, strict=True))
    return text.getvalue().encode()


def _written(column: Column, values: Any, zone: ZoneInfo) -> Iterable[str]:
    """Return the cells of a column as text; what is missing is empty."""
    if column.type is Type.TIME:
        return local(np.asarray(values, np.int64), zone)
    if isinstance(values, np.ndarray):
        values = values.tolist()
    return map(_AS_TEXT[column.type], values)


def local(times_us: Ints, zone: ZoneInfo) -> list[str]:
    """Write times (µs since 1970) by the clock of a zone, with their offsets: many at a time."""
    # Clocks change on whole minutes, and reading after reading falls into the same one.
    minutes, place = np.unique(times_us // _MINUTE_US, return_inverse=True)
    offsets = [_offset(minute, zone) for minute in minutes.tolist()]
    shown = times_us + np.array(offsets, np.int64)[place] * _SECOND_US
    text = np.datetime_as_string(shown.view("M8[us]"), unit="us").tolist()
    endings = [_ending(offset) for offset in offsets]
    return [one + endings[n] for one, n in zip(text, place.tolist(), strict=True)]


def _offset(minute: int, zone: ZoneInfo) -> int:
    offset = moment(np.datetime64(minute, "m")).astimezone(zone).utcoffset()
    return round(offset.total_seconds()) if offset else 0


def _ending(offset_s: int) -> str:
    hours, seconds = divmod(abs(offset_s), 3600)
    minutes, seconds = divmod(seconds, 60)
    odd = f":{seconds:02d}" if seconds else ""  # local mean time, before there were time zones
    return f"{'-' if offset_s < 0 else '+'}{hours:02d}:{minutes:02d}{odd}"


@lru_cache(maxsize=1024)
def text_cell(text: str | None) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula; removing one apostrophe undoes it."""
    text = text or ""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _integer(value: int | None) -> str:
    return "" if value is None else str(value)


def _yes_no(value: bool) -> str:
    return "true" if value else "false"


def _clock(time: datetime | None) -> str:
    return "" if time is None else time.isoformat(timespec="microseconds")


_AS_TEXT: dict[Type, Callable[[Any], str]] = {
    Type.TEXT: text_cell,
    Type.JSON: text_cell,
    Type.NUMBER: _number,
    Type.INTEGER: _integer,
    Type.YES_NO: _yes_no,
    Type.CLOCK: _clock,
    Type.DATE: date.isoformat,
}


# Parquet


def _fill_parquet(pa: Any, name: str, review: Review, source: Source, zone: ZoneInfo, file: BinaryIO) -> None:
    schema = _schema(pa, name, zone)
    with pa.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _grouped(ROWS[name](review, source)):
            batches = [_record_batch(pa, schema, batch) for batch in group]
            writer.write_table(pa.Table.from_batches(batches))


def _grouped(batches: Iterator[Batch]) -> Iterator[list[Batch]]:
    group: list[Batch] = []
    rows = 0
    for batch in batches:
        group.append(batch)
        rows += len(batch[0])
        if rows >= _GROUP:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _record_batch(pa: Any, schema: pa.Schema, batch: Batch) -> pa.RecordBatch:
    arrays = [
        pa.array(values, pa.int64()).view(field.type)  # a time is made as µs
        if pa.types.is_timestamp(field.type) and field.type.tz
        else pa.array(values, field.type)
        for field, values in zip(schema, batch, strict=True)
    ]
    return pa.record_batch(arrays, schema=schema)


def _schema(pa: Any, name: str, zone: ZoneInfo) -> pa.Schema:
    """Return the schema of a table, with unit, meaning, values and source of each field as its metadata."""
    types = {
        Type.TEXT: pa.string(),
        Type.JSON: pa.string(),
        Type.NUMBER: pa.float64(),
        Type.INTEGER: pa.int64(),
        Type.YES_NO: pa.bool_(),
        Type.TIME: pa.timestamp("us", tz=zone.key),
        Type.CLOCK: pa.timestamp("us"),
        Type.DATE: pa.date32(),
    }
    fields = [
        pa.field(
            column.name,
            types[column.type],
            metadata={
                "unit": column.unit,
                "meaning": column.meaning,
                "values": column.values,
                "source": column.source,
            },
        )
        for column in TABLES[name]
    ]
    return pa.schema(fields, metadata={"table": name, "contents": dictionary.TITLES[name]})
