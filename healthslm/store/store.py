"""`Store`: readings in, windows out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from healthslm.readings import Kind, Reading, Window, reading
from healthslm.store import rows
from healthslm.store.database import Database
from healthslm.store.files import Mark
from healthslm.store.shelf import Shelf

_COLUMNS = np.dtype([("time", "i8"), ("value", "f8"), ("id", "i8"), ("quality", "i2")])
_SELECT = (
    "SELECT readings.id, kind, address, time, value, quality, device_time, sequence, context"
    " FROM readings JOIN devices ON devices.id = device"
)
_INSERT = "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


class Store(Shelf):
    """An open store. Close it, or use it as a context manager; leaving it commits, whatever was raised.

    To be used by one thread at a time, not necessarily the one that opened it. Several processes may read
    at once and one may write; a second writer waits its turn, up to `patience_s`, then gets a `StoreError`.
    See `Transactions` for what is durable when, and `Shelf` for devices, settings, alerts and the outbox.
    """

    def __init__(self, database: Database, mark: Mark, patience_s: float) -> None:
        super().__init__(database, mark, patience_s)
        self._devices: dict[str, int] = {}
        self._last: int | None = None

    @property
    def folder(self) -> Path:
        """The folder of the store's files."""
        return self._database.path.parent

    def append(self, readings: Iterable[Reading]) -> list[Reading]:
        """Store readings and return those that are new, each with its id, in the order given.

        Left out as duplicates: a second reading of the same kind, device and time; and one of the same kind,
        device, device_time, value and sequence, which is a record that the device sent again. So a
        `device_time` must come from a clock that runs. The rest of what `append` means (seen at once,
        acknowledged at the next commit) is said at `Transactions`.
        Raises `StoreError`, storing none of them, for a reading without a number or a time zone, and when
        the disk or another process stands in the way.
        """
        given = list(readings)
        for one in given:
            rows.check(one)
        if not given:
            return []
        single = len(given) == 1 and given[0].device in self._devices and self._last is not None
        return self._write(partial(self._insert, given), single=single)

    def _insert(self, readings: list[Reading]) -> list[Reading]:
        database, devices = self._database, self._devices
        first = self._next_id()
        for address in {r.device for r in readings}:
            if address not in devices:
                devices[address] = self._device(address)
        before = database.changes
        new = [rows.to_row(r, id, devices[r.device]) for id, r in enumerate(readings, start=first)]
        if len(new) == 1:
            database.rows(_INSERT, new[0])
        else:
            database.many(_INSERT, new)
        self._last = first + len(readings) - 1
        given: Iterable[tuple[int, Reading]] = enumerate(readings, start=first)
        if database.changes - before < len(readings):
            stored = {id for (id,) in database.rows("SELECT id FROM readings WHERE id >= ?", (first,))}
            given = [(id, r) for id, r in given if id in stored]
        return [
            reading(r.time, r.kind, r.value, r.device, r.quality, r.device_time, r.sequence, id, r.context)
            for id, r in given
        ]

    def _next_id(self) -> int:
        if self._last is None:
            self._last = int(self._database.value("SELECT last_reading FROM ledger"))
        return self._last + 1

    def _before_commit(self) -> None:
        if self._last is not None:
            self._database.rows("UPDATE ledger SET last_reading = ?", (self._last,))

    def _forget(self) -> None:
        # Nobody else writes while a transaction is open, so within one this needs no asking.
        self._last = None
        self._devices.clear()

    def _device(self, address: str) -> int:
        id_ = self._database.value("SELECT id FROM devices WHERE address = ?", (address,))
        if id_ is None:
            id_ = self._database.value("INSERT INTO devices (address) VALUES (?) RETURNING id", (address,))
        return int(id_)

    def window(self, kind: Kind, start: datetime, end: datetime) -> Window:
        """Return the readings of a kind in `[start, end)`, of all devices, sorted by time."""
        table = np.fromiter(
            self._database.each(
                "SELECT time, value, id, quality FROM readings WHERE kind = ? AND time >= ? AND time < ?"
                " ORDER BY time, device",
                (rows.KIND_CODES[kind], rows.micros(start), rows.micros(end)),
            ),
            dtype=_COLUMNS,
        )
        return Window(
            kind=kind,
            start=start,
            end=end,
            times=np.ascontiguousarray(table["time"]).view("datetime64[us]"),
            values=np.ascontiguousarray(table["value"]),
            ids=np.ascontiguousarray(table["id"]),
            quality=np.ascontiguousarray(table["quality"]),
        )

    def latest(self, kind: Kind) -> Reading | None:
        """Return the newest reading of a kind, usable or not, or `None` when there is none."""
        return self._one(f"{_SELECT} WHERE kind = ? ORDER BY time DESC LIMIT 1", rows.KIND_CODES[kind])

    def reading(self, id: int) -> Reading | None:
        """Return the reading with an id, or `None` when there is none."""
        return self._one(f"{_SELECT} WHERE readings.id = ?", id) if -(2**63) <= id < 2**63 else None

    def _one(self, sql: str, binding: int) -> Reading | None:
        found = self._database.rows(sql, (binding,))
        return rows.to_reading(found[0]) if found else None

    def kinds(self, start: datetime, end: datetime) -> set[Kind]:
        """Return the kinds that have a reading in `[start, end)`."""
        period = (rows.micros(start), rows.micros(end))
        sql = "SELECT 1 FROM readings WHERE kind = ? AND time >= ? AND time < ? LIMIT 1"
        return {kind for kind, code in rows.KIND_CODES.items() if self._database.rows(sql, (code, *period))}

    def latest_of(self, address: str, kind: Kind) -> Reading | None:
        """Return the newest reading of a kind that a device sent, or `None` when it sent none."""
        found = self._database.rows(
            f"{_SELECT} WHERE kind = ? AND address = ? ORDER BY time DESC LIMIT 1",
            (rows.KIND_CODES[kind], address),
        )
        return rows.to_reading(found[0]) if found else None

    def sources(self, kind: Kind, start: datetime, end: datetime) -> tuple[str, ...]:
        """Return the addresses of the devices that sent readings of a kind in `[start, end)`."""
        found = self._database.rows(
            "SELECT DISTINCT address FROM readings JOIN devices ON devices.id = device"
            " WHERE kind = ? AND time >= ? AND time < ? ORDER BY address",
            (rows.KIND_CODES[kind], rows.micros(start), rows.micros(end)),
        )
        return tuple(address for (address,) in found)

    def span(self) -> tuple[datetime, datetime] | None:
        """Return the times of the first and the last reading, or `None` for an empty store."""
        sql = "SELECT min(time), max(time) FROM readings WHERE kind = ?"
        ends: list[int] = []
        for code in rows.KIND_CODES.values():  # one kind at a time, so that the index has the answer
            ends += (end for end in self._database.rows(sql, (code,))[0] if end is not None)
        return (rows.moment(min(ends)), rows.moment(max(ends))) if ends else None

    def count(self) -> int:
        """Return how many readings there are."""
        return int(self._database.value("SELECT count(*) FROM readings"))

    def bytes_on_disk(self) -> int:
        """Return how many bytes the store's files take, the journal included."""
        total = 0
        for path in self.folder.glob(self._database.path.name + "*"):
            with contextlib.suppress(FileNotFoundError):  # the journal may just have been folded in
                total += path.stat().st_size
        return total

    def verify(self) -> None:
        """Read and check every page that is in use. Raises `DamagedError` with the first thing found.

        Takes about a second for a million readings. What it cannot see: a page put back whole from an older
        copy of this file.
        """
        self._database.verify()
