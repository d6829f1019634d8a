"""Ten years in a store, made from one month that was stored: to see what does not slow down with size.

Its segments and roll-ups are copied with later times, row by row; storing so many readings anew takes an hour
on a small board, and the file would be the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from healthslm.bench.store_data import DAY_US, FIRST
from healthslm.errors import UsageError
from healthslm.store import DATABASE, Access, database, rollup_bytes, rows
from healthslm.store.database import Database
from healthslm.store.ids import HOUR_US
from healthslm.store.rollups import HOURS, LEVELS, Level

MONTH_US = HOURS.block
"""A block of hourly roll-ups: what is shifted by whole ones keeps its place in them."""
_FIRST_TIME = slice(8, 16)
"""Where a segment's data says its first time; all others are told from there (codec.py)."""


def months(years: float) -> int:
    """Return how many months of 32 days so many years are, rounded up."""
    return -(-round(years * 365 * DAY_US) // MONTH_US)


def multiply(access: Access, count: int) -> None:
    """Copy the month from `FIRST` on, all that a store has, behind itself: `count` months in all.

    The store must be closed. Raises `UsageError` for one with more than a month.
    """
    path = access.folder / DATABASE
    connection = database.connect(
        path,
        key=access.key,
        store_id=access.key_file.store_id,
        cipher=access.key_file.cipher,
        patience_s=1,
    )
    try:
        _multiply(Database(connection, path), count)
        connection.pragma("wal_checkpoint(truncate)")
    finally:
        connection.close()


def _multiply(store: Database, count: int) -> None:
    segments = store.rows("SELECT id, first, last, count, data FROM segments")
    blocks = [
        (kind, level, block, rollup_bytes.decode(summary, histogram, level.period))
        for level in LEVELS
        for kind, block, summary, histogram in store.rows(
            "SELECT kind, block, summary, histogram FROM rollups WHERE level = ?", (level.code,)
        )
    ]
    readings = store.rows(
        "SELECT id, kind, device, time, value, quality, device_time, sequence, context FROM readings"
    )
    if max((row[2] for row in segments), default=0) // MONTH_US > rows.micros(FIRST) // MONTH_US:
        raise UsageError("More than a month is stored.", "Multiply a store with a month in it.")
    stale = store.rows("SELECT kind, hour FROM stale")
    last_id = max((row[0] for row in readings), default=0)
    for number in range(1, count):
        shift = number * MONTH_US
        store.rows("BEGIN")
        store.many("INSERT INTO segments VALUES (?, ?, ?, ?, ?)", _later(segments, shift))
        store.many("INSERT INTO rollups VALUES (?, ?, ?, ?, ?)", _later_blocks(blocks, shift))
        store.many(
            "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    id_ + number * last_id,
                    kind,
                    device,
                    time + shift,
                    value,
                    quality,
                    own and own + shift,
                    *rest,
                )
                for id_, kind, device, time, value, quality, own, *rest in readings
            ),
        )
        store.many(
            "INSERT INTO stale VALUES (?, ?)", ((kind, hour + shift // HOUR_US) for kind, hour in stale)
        )
        store.rows("COMMIT")
    store.rows("UPDATE ledger SET last_reading = (SELECT coalesce(max(id), 0) FROM readings)")


def _later(segments: list[Any], shift: int) -> Iterator[tuple[int, int, int, int, bytes]]:
    for id_, first, last, count, data in segments:
        changed = bytearray(data)
        changed[_FIRST_TIME] = (first + shift).to_bytes(8, "little", signed=True)
        yield id_ + shift, first + shift, last + shift, count, bytes(changed)


def _later_blocks(blocks: list[Any], shift: int) -> Iterator[tuple[Any, ...]]:
    level: Level
    for kind, level, block, totals in blocks:
        counts = totals.histogram
        moved = totals._replace(at=totals.at + shift, histogram=counts._replace(period=counts.period + shift))
        yield (
            kind,
            level.code,
            block + shift // level.block,
            *rollup_bytes.encode(moved, level.period),
        )
