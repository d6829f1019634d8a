"""The encrypted store and what it is measured against, each behind the same few calls.

The others keep one row a reading. The SQLite ones have the unique index by kind, time and device that makes
the same reading twice be stored once; DuckDB has none (its own would take several times its table), so it
stores such a reading twice. All commit durably: WAL and `synchronous=FULL`, or what DuckDB does by itself.
"""

from __future__ import annotations

import importlib.util
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from healthslm.bench.store_data import DAY_US
from healthslm.readings import UNUSABLE, Kind, Reading
from healthslm.store import CHEAPEST, Access, Store, create, open_unlocked, rows, unlock
from healthslm.store.codec import Columns
from healthslm.store.transactions import GROUP_S

_PASSPHRASE = "only for a bench"  # noqa: S105  the store is thrown away
_KEY = "53" * 32


class Daily(NamedTuple):
    """Count, minimum, mean and maximum of each day that has a reading."""

    readings: NDArray[np.int64]
    low: NDArray[np.float64]
    mean: NDArray[np.float64]
    high: NDArray[np.float64]


class Keeper(Protocol):
    """Something that keeps readings in a folder, open. Times are in µs since 1970."""

    def add(self, kind: Kind, device: str, columns: Columns) -> None:
        """Take in many readings, to be committed."""

    def add_list(self, readings: list[Reading]) -> None:
        """Take in readings, to be committed."""

    def add_one(self, one: Reading) -> None:
        """Take in one reading; commit when the last commit was a second ago."""

    def commit(self) -> None:
        """Make everything durable."""

    def latest(self, kind: Kind) -> float:
        """Return the newest value."""

    def window(self, kind: Kind, start: int, end: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return times and values as arrays, in the order of time."""

    def daily(self, kind: Kind, start: int, end: int) -> Daily:
        """Roll the usable readings up by UTC day."""

    def close(self) -> None:
        """Commit and let the files go."""


class Ours:
    """The encrypted store; opened with its key, since Argon2 takes what it is told to take."""

    def __init__(self, folder: Path, access: Access | None = None) -> None:
        if not (folder / "store").exists():
            create(folder / "store", _PASSPHRASE, profile=CHEAPEST)[0].close()
        self.store: Store = open_unlocked(access or access_to(folder))

    def add(self, kind: Kind, device: str, columns: Columns) -> None:
        """Take in columns."""
        self.store.append_columns(kind, device, columns)

    def add_list(self, readings: list[Reading]) -> None:
        """Append."""
        self.store.append(readings)

    def add_one(self, one: Reading) -> None:
        """Append as `healthslm run` does."""
        self.store.append((one,))
        self.store.commit_if_due(time.monotonic())

    def commit(self) -> None:
        """Commit."""
        self.store.commit()

    def latest(self, kind: Kind) -> float:
        """Return the newest value."""
        found = self.store.latest(kind)
        assert found is not None  # noqa: S101  it was stored
        return found.value

    def window(self, kind: Kind, start: int, end: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the window's arrays."""
        found = self.store.window(kind, rows.moment(start), rows.moment(end))
        return found.times, found.values

    def daily(self, kind: Kind, start: int, end: int) -> Daily:
        """Ask for the roll-up."""
        found = self.store.rollup(kind, rows.moment(start), rows.moment(end), timedelta(days=1))
        has = found.count > 0
        return Daily(found.count[has], found.minimum[has], found.mean[has], found.maximum[has])

    def close(self) -> None:
        """Close."""
        self.store.close()


def access_to(folder: Path) -> Access:
    """Unlock the encrypted store in a folder: the part of opening that takes the Argon2 time."""
    return unlock(folder / "store", _PASSPHRASE)


_TABLE = """
CREATE TABLE IF NOT EXISTS readings (
    kind INTEGER NOT NULL, device INTEGER NOT NULL, time {time} NOT NULL, value {value} NOT NULL,
    quality INTEGER NOT NULL
)
"""
_DAILY = f"""
SELECT count(*), min(value), avg(value), max(value) FROM readings
WHERE kind = ? AND time >= ? AND time < ? AND (quality & {int(UNUSABLE)}) = 0
GROUP BY time {{divided}} {DAY_US} ORDER BY min(time)
"""  # noqa: S608  constants
_WINDOW = "SELECT time, value FROM readings WHERE kind = ? AND time >= ? AND time < ? ORDER BY time"
_LATEST = "SELECT value FROM readings WHERE kind = ? ORDER BY time DESC LIMIT 1"


class _Rows:
    """What the rows have in common: a connection as of Python's DB-API, and a device's number."""

    _INSERT = "INSERT INTO readings VALUES (?, ?, ?, ?, ?)"
    _BEGIN = "BEGIN"

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._devices: dict[str, int] = {}
        self._begun = False
        self._committed_at = -GROUP_S

    def _begin(self) -> None:
        if not self._begun:
            self._connection.execute(self._BEGIN)
            self._begun = True

    def _device(self, address: str) -> int:
        return self._devices.setdefault(address, len(self._devices))

    def _row(self, one: Reading) -> tuple[int, int, int, float, int]:
        kind, device = rows.KIND_CODES[one.kind], self._device(one.device)
        return kind, device, rows.micros(one.time), one.value, one.quality.value

    def add_list(self, readings: list[Reading]) -> None:
        self._begin()
        self._connection.executemany(self._INSERT, [self._row(one) for one in readings])

    def add_one(self, one: Reading) -> None:
        self._begin()
        self._connection.execute(self._INSERT, self._row(one))
        now = time.monotonic()
        if now - self._committed_at >= GROUP_S:
            self.commit()
            self._committed_at = now

    def commit(self) -> None:
        if self._begun:
            self._connection.execute("COMMIT")
            self._begun = False

    def latest(self, kind: Kind) -> float:
        (value,) = self._connection.execute(_LATEST, (rows.KIND_CODES[kind],)).fetchone()
        return float(value)

    def close(self) -> None:
        self.commit()
        self._connection.close()


class SqliteRows(_Rows):
    """One row a reading in SQLite, encrypted if the connection is."""

    _INSERT = "INSERT OR IGNORE INTO readings VALUES (?, ?, ?, ?, ?)"
    _BEGIN = "BEGIN IMMEDIATE"

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA synchronous = full")
        connection.execute(_TABLE.format(time="INTEGER", value="REAL"))
        connection.execute("CREATE UNIQUE INDEX IF NOT EXISTS by_time ON readings (kind, time, device)")

    def add(self, kind: Kind, device: str, columns: Columns) -> None:
        """Insert."""
        self._begin()
        code, number = rows.KIND_CODES[kind], self._device(device)
        lists = (column.tolist() for column in columns)
        self._connection.executemany(
            self._INSERT, ((code, number, *rest) for rest in zip(*lists, strict=True))
        )

    def window(self, kind: Kind, start: int, end: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Select."""
        found = self._connection.execute(_WINDOW, (rows.KIND_CODES[kind], start, end))
        table = np.fromiter(found, dtype=[("time", "i8"), ("value", "f8")])
        return table["time"], table["value"]

    def daily(self, kind: Kind, start: int, end: int) -> Daily:
        """Select."""
        sql = _DAILY.format(divided="/")
        found = self._connection.execute(sql, (rows.KIND_CODES[kind], start, end)).fetchall()
        return Daily(*(np.array(column) for column in zip(*found, strict=True)))


class DuckRows(_Rows):
    """One row a reading in DuckDB, which keeps them by columns."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        connection.execute(_TABLE.format(time="BIGINT", value="DOUBLE"))

    def add(self, kind: Kind, device: str, columns: Columns) -> None:
        """Insert the arrays as they are."""
        self._begin()
        names = ("time", "value", "quality")
        self._connection.register("given", dict(zip(names, columns, strict=True)))
        sql = "INSERT INTO readings SELECT ?, ?, time, value, quality FROM given"
        self._connection.execute(sql, (rows.KIND_CODES[kind], self._device(device)))
        self._connection.unregister("given")

    def add_list(self, readings: list[Reading]) -> None:
        """Insert them as arrays: one by one it would take a hundred times as long."""
        self._begin()
        columns = zip(*map(self._row, readings), strict=True)
        names = ("kind", "device", "time", "value", "quality")
        self._connection.register("given", dict(zip(names, map(np.array, columns), strict=True)))
        self._connection.execute("INSERT INTO readings SELECT * FROM given")
        self._connection.unregister("given")

    def window(self, kind: Kind, start: int, end: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Select."""
        found = self._connection.execute(_WINDOW, (rows.KIND_CODES[kind], start, end)).fetchnumpy()
        return found["time"], found["value"]

    def daily(self, kind: Kind, start: int, end: int) -> Daily:
        """Select."""
        sql = _DAILY.format(divided="//")
        found = self._connection.execute(sql, (rows.KIND_CODES[kind], start, end)).fetchnumpy()
        return Daily(*found.values())


def _sqlite(folder: Path) -> Keeper:
    return SqliteRows(sqlite3.connect(folder / "rows.sqlite", isolation_level=None))


def _sqlcipher(folder: Path) -> Keeper:
    import sqlcipher3  # noqa: PLC0415  of the extra

    connection = sqlcipher3.connect(str(folder / "rows.sqlcipher"), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{_KEY}'\"")  # raw, like ours: no key derivation
    return SqliteRows(connection)


def _duckdb(folder: Path) -> Keeper:
    import duckdb  # noqa: PLC0415  of the extra

    return DuckRows(duckdb.connect(folder / "rows.duckdb"))


def _duckdb_encrypted(folder: Path) -> Keeper:
    import duckdb  # noqa: PLC0415  of the extra

    connection = duckdb.connect()
    try:
        connection.execute("LOAD httpfs")  # has the cipher that DuckDB trusts for writing
    except duckdb.Error:
        connection.execute("SET force_mbedtls_unsafe = true")
    path = folder / "rows-encrypted.duckdb"
    connection.execute(f"ATTACH '{path}' AS bench (ENCRYPTION_KEY '{_KEY}')")
    connection.execute("USE bench")
    return DuckRows(connection)


class Contender(NamedTuple):
    """A name, how to open it in a folder, and the package it needs."""

    name: str
    open: Callable[[Path], Keeper]
    package: str = ""

    def absent(self) -> bool:
        """Whether its package is not installed."""
        return bool(self.package) and importlib.util.find_spec(self.package) is None


OURS = Contender("healthslm", Ours)
OTHERS = (
    Contender("SQLite rows", _sqlite),
    Contender("SQLCipher rows", _sqlcipher, "sqlcipher3"),
    Contender("DuckDB", _duckdb, "duckdb"),
    Contender("DuckDB encrypted", _duckdb_encrypted, "duckdb"),
)
CONTENDERS = {one.name: one for one in (OURS, *OTHERS)}


@contextmanager
def opened(contender: Contender, folder: Path) -> Iterator[Keeper]:
    """Open one, and close it afterwards."""
    keeper = contender.open(folder)
    try:
        yield keeper
    finally:
        keeper.close()
