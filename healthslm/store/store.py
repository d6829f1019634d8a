"""`Store`: readings in. What comes out is in queries.py."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from healthslm.errors import MissingError, StoreError
from healthslm.readings import Kind, Reading, reading
from healthslm.store import rows, schema
from healthslm.store.audit import Event
from healthslm.store.codec import Columns
from healthslm.store.database import Database
from healthslm.store.files import Mark
from healthslm.store.ids import DENSE, EARLIEST, HOUR_US, LATEST, SPANS, stream_and_time
from healthslm.store.queries import Queries
from healthslm.store.segments import Stream, tidied

_INSERT = "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
FORGOTTEN = "forgotten"
"""The setting that says by kind before when (µs) nothing is kept."""


class Store(Queries):
    """An open store. Close it, or use it as a context manager; leaving it commits, whatever was raised.

    To be used by one thread at a time, not necessarily the one that opened it. Several processes may read
    at once and one may write; a second writer waits its turn, up to `patience_s`, then gets a `StoreError`.
    See `Transactions` for what is durable when, and `Shelf` for devices, settings, alerts and the outbox.

    A reading of a kind that comes all the time, of which its device says nothing but the value, is *dense*:
    it goes to the journal and from there into a segment. All others are rows.
    """

    def __init__(self, database: Database, mark: Mark, patience_s: float) -> None:
        super().__init__(database, mark, patience_s)
        self._devices: dict[str, int] = {}
        self._last: int | None = None
        self._deleted: set[tuple[Kind, str, int]] = set()
        self._forgotten: dict[Kind, int] = {}

    @property
    def folder(self) -> Path:
        """The folder of the store's files."""
        return self._database.path.parent

    @property
    def seal_after(self) -> int:
        """How many dense readings wait in the journal until they are sealed into segments."""
        return self._journal.most

    @seal_after.setter
    def seal_after(self, readings: int) -> None:
        self._journal.most = readings

    # Appending

    def append(self, readings: Iterable[Reading]) -> list[Reading]:
        """Store readings and return those that are new, each with its id, in the order given.

        Left out as duplicates: a second reading of the same kind, device and time; one of the same kind,
        device, device_time, value and sequence, which is a record that the device sent again; and what was
        deleted, or is older than what retention keeps of its kind. So a `device_time` must come from a clock
        that runs. The rest of what `append` means (seen at once, acknowledged at the next commit) is said at
        `Transactions`.
        Raises `StoreError`, storing none of them, for a reading without a number or a time zone, and when
        the disk or another process stands in the way.
        """
        given = list(readings)
        for one in given:
            rows.check(one)
        if not given:
            return []
        whole = all(_is_dense(r) and self._segments.find(r.kind, r.device) for r in given) or (
            len(given) == 1 and given[0].device in self._devices and self._last is not None
        )
        return self._write(partial(self._insert, given), single=whole)

    def _insert(self, readings: list[Reading]) -> list[Reading]:
        ids = [0] * len(readings)
        sparse: list[tuple[int, Reading]] = []
        for place, one in enumerate(readings):
            if not _is_dense(one):
                sparse.append((place, one))
                continue
            if sparse:  # in the order given: of two at one time, the first is kept
                self._insert_rows(sparse, ids)
                sparse = []
            id_ = self._insert_dense(one)
            if id_ is None:
                sparse.append((place, one))
            else:
                ids[place] = id_
        if sparse:
            self._insert_rows(sparse, ids)
        return [
            reading(r.time, r.kind, r.value, r.device, r.quality, r.device_time, r.sequence, id, r.context)
            for id, r in zip(ids, readings, strict=True)
            if id
        ]

    def _insert_dense(self, one: Reading) -> int | None:
        """Put a dense reading into the journal; returns its id, 0 for a duplicate, `None` if no id fits."""
        time = rows.micros(one.time)
        stream = self._stream(one.kind, one.device)
        if stream is None or not EARLIEST <= time <= LATEST:
            return None
        id_ = stream.base + time
        if id_ in self._journal.known or time < self._forgotten.get(one.kind, time):
            return 0
        if (self._deleted and (one.kind, one.device, time) in self._deleted) or self._stored(stream, time):
            return 0
        self._journal.add(id_, float(one.value), one.quality.value)
        return id_

    def _stored(self, stream: Stream, time: int) -> bool:
        """Say whether a stream has a reading at a time that is not in the journal."""
        if self._segments.contains(stream, time):
            return True
        return time <= stream.rows_last and bool(
            self._database.rows(
                "SELECT 1 FROM readings WHERE kind = ? AND device = ? AND time = ?",
                (rows.KIND_CODES[stream.kind], stream.device, time),
            )
        )

    def _insert_rows(self, placed: list[tuple[int, Reading]], ids: list[int]) -> None:
        """Insert readings as rows, and note the ids of those that are new at their places in `ids`."""
        placed = [(place, one) for place, one in placed if not self._left_out(one)]
        numbered = list(enumerate([one for _, one in placed], start=self._next_id()))
        kept = self._insert_numbered(numbered)
        for (id_, _), (place, _) in zip(numbered, placed, strict=True):
            if id_ in kept:
                ids[place] = id_

    def _insert_numbered(self, numbered: list[tuple[int, Reading]]) -> set[int]:
        """Insert readings as rows under these ids, which rise and are free; returns those that are new."""
        if not numbered:
            return set()
        database = self._database
        first, last = numbered[0][0], numbered[-1][0]
        new = [rows.to_row(one, id, self._device(one.device)) for id, one in numbered]
        before = database.changes
        if len(new) == 1:
            database.rows(_INSERT, new[0])
        else:
            database.many(_INSERT, new)
        self._last = max(last, self._next_id() - 1)
        if database.changes - before < len(new):
            sql = "SELECT id FROM readings WHERE id BETWEEN ? AND ?"
            kept = {id for (id,) in database.rows(sql, (first, last))}
        else:
            kept = {id for id, _ in numbered}
        changed: dict[Kind, set[int]] = {}
        for id_, one in numbered:
            if id_ in kept and one.kind in SPANS:
                time = rows.micros(one.time)
                changed.setdefault(one.kind, set()).add(time // HOUR_US)
                stream = self._segments.find(one.kind, one.device)
                if stream is not None:
                    stream.rows_last = max(stream.rows_last, time)
        for kind, hours in changed.items():
            self._rollups.changed(kind, hours)
        return kept

    def _left_out(self, one: Reading) -> bool:
        """Say whether a reading that would be a row is too old to be kept, or a dense one already."""
        if self._forgotten and rows.micros(one.time) < self._forgotten.get(one.kind, -(2**63)):
            return True
        stream = self._segments.find(one.kind, one.device) if one.kind in SPANS else None
        if stream is None:
            return False
        time = rows.micros(one.time)
        return stream.base + time in self._journal.known or self._segments.contains(stream, time)

    def append_columns(self, kind: Kind, device: str, columns: Columns) -> int:
        """Store many readings of a kind that comes all the time, of one device; return how many are new.

        Like `append` of as many readings with nothing but time, value and quality, at a fiftieth of the cost.
        Raises `StoreError`, storing none, for other kinds, values that are no numbers, and times before 2000
        or after 2071.
        """
        if kind not in SPANS:
            raise StoreError(f"Readings of {kind.value} are rows.", "Store them with append().")
        columns = tidied(columns)
        if not len(columns.times):
            return 0
        if columns.times[0] < EARLIEST or columns.times[-1] > LATEST:
            raise StoreError(
                f"Columns of {kind.value} from {device} reach beyond 2000 or 2071.",
                "None of them were stored.",
            )
        return self._write(partial(self._insert_columns, kind, device, columns))

    def _insert_columns(self, kind: Kind, device: str, columns: Columns) -> int:
        stream = self._stream(kind, device)
        if stream is None:
            raise StoreError(f"{device} is one device too many for this store.", "Store with append().")
        keep = columns.times >= self._forgotten.get(kind, EARLIEST)
        if self._journal.known:
            keep &= ~np.isin(columns.times, self._journal.columns(stream.id, EARLIEST, LATEST).times)
        if self._deleted:
            keep &= ~np.isin(columns.times, [t for k, d, t in self._deleted if (k, d) == (kind, device)])
        if columns.times[0] <= stream.rows_last:
            keep &= ~np.isin(columns.times, self._row_times(stream))
        if not keep.any():
            return 0
        columns = columns if keep.all() else columns.take(keep)
        fresh = self._segments.merge(stream, columns)
        self._rollups.changed(kind, np.unique(columns.times[fresh] // HOUR_US).tolist())
        self._rollups.refresh()
        return int(fresh.sum())

    def _row_times(self, stream: Stream) -> list[int]:
        sql = "SELECT time FROM readings WHERE kind = ? AND device = ?"
        found = self._database.rows(sql, (rows.KIND_CODES[stream.kind], stream.device))
        return [time for (time,) in found]

    # Sealing

    def _seal(self) -> None:
        """Move the journal into its segments, and bring the roll-ups up to date."""
        journal = self._journal
        numbers = journal.streams()
        for stream in self._segments.all():
            if stream.id in numbers:
                columns = journal.columns(stream.id, EARLIEST, LATEST)
                self._segments.merge(stream, columns)
                self._rollups.changed(stream.kind, np.unique(columns.times // HOUR_US).tolist())
        self._database.rows(
            "UPDATE ledger SET commits = ?, last_reading = ?",
            (self._database.value(schema.COMMITS), self._next_id() - 1),
        )
        self._database.rows("DELETE FROM journal")
        journal.clear()
        self._rollups.refresh()

    # Amending

    def correct(self, id: int, value: float, reason: str, at: datetime) -> Reading:
        """Give a reading another value, and keep the old one with the reason; returns it as it is now.

        Raises `MissingError` when there is no such reading, `StoreError` for a value that is no number.
        """
        before = self._amended(id)
        after = reading(
            before.time, before.kind, value, before.device, before.quality, before.device_time,
            before.sequence, id, before.context,
        )  # fmt: skip
        rows.check(after)
        self._write(partial(self._amend, before, value, reason, at))
        return after

    def delete(self, id: int, reason: str, at: datetime) -> None:
        """Take a reading out, and keep it with the reason; it does not come back with a later transfer.

        Raises `MissingError` when there is no such reading.
        """
        self._write(partial(self._amend, self._amended(id), None, reason, at))

    def _amended(self, id: int) -> Reading:
        if id in self._journal.known:
            self._write(self._seal)
        found = self.reading(id)
        if found is None:
            raise MissingError(f"There is no reading {id}.", "See `healthslm findings --json` for ids.")
        return found

    def _amend(self, before: Reading, value: float | None, reason: str, at: datetime) -> None:
        assert before.id is not None  # noqa: S101  it came out of the store
        _, code, device, *rest = rows.to_row(before, before.id, self._device(before.device))
        self._database.rows(
            "INSERT INTO amendments (reading, kind, device, time, value, quality, device_time, sequence,"
            " context, new_value, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (before.id, code, device, *rest, value, reason, rows.micros(at)),
        )
        if before.id >= DENSE:
            stream = self._segments.stream_of(before.id)
            assert stream is not None  # noqa: S101  it was just read from it
            self._segments.replace(stream, stream_and_time(before.id)[1], value)
        elif value is None:
            self._database.rows("DELETE FROM readings WHERE id = ?", (before.id,))
        else:
            self._database.rows("UPDATE readings SET value = ? WHERE id = ?", (value, before.id))
        event = Event.READING_DELETED if value is None else Event.READING_CORRECTED
        self._note(
            event,
            at,
            {
                "kind": before.kind.value,
                "time": before.time.isoformat(),
                "reason": reason,
                "reading": str(before.id),
            },
        )
        if before.kind in SPANS:
            time = rows.micros(before.time)
            self._rollups.changed(before.kind, [time // HOUR_US])
            if value is None:
                self._deleted.add((before.kind, before.device, time))

    # Retention

    def forget_before(self, kind: Kind, before: datetime, at: datetime) -> int:
        """Delete the readings of a kind from before then, and free their space; returns how many they were.

        Of a dense kind whole segments go, so up to a day more stays. Roll-ups stay. What is older is not
        taken in again, since a roll-up without its readings could not be kept right.
        """
        gone = self._write(partial(self._forget_before, kind, rows.micros(before), at))
        self.commit()
        self._database.shrink()
        return gone

    def _forget_before(self, kind: Kind, before: int, at: datetime) -> int:
        if self._journal.known:
            self._seal()
        self._rollups.refresh()
        if kind in SPANS:  # whole segments and hours: a roll-up that is left has all its readings or none
            before -= before % max(SPANS[kind], HOUR_US)
        gone = len(
            self._database.rows(
                "DELETE FROM readings WHERE kind = ? AND time < ? RETURNING 1",
                (rows.KIND_CODES[kind], before),
            )
        )
        gone += sum(self._segments.drop_before(stream, before) for stream in self._segments.streams(kind))
        if not gone:
            return 0
        self._forgotten[kind] = max(before, self._forgotten.get(kind, before))
        self._set(FORGOTTEN, json.dumps({kind.value: time for kind, time in self._forgotten.items()}))
        until = rows.moment(before).isoformat()
        self._note(Event.READINGS_FORGOTTEN, at, {"kind": kind.value, "before": until, "readings": gone})
        return gone

    # What is remembered

    def _stream(self, kind: Kind, address: str) -> Stream | None:
        found = self._segments.find(kind, address)
        return found or self._segments.make(kind, address, self._device(address))

    def _device(self, address: str) -> int:
        found = self._devices.get(address)
        if found is None:
            found = self._database.value("SELECT id FROM devices WHERE address = ?", (address,))
            if found is None:
                sql = "INSERT INTO devices (address) VALUES (?) RETURNING id"
                found = self._database.value(sql, (address,))
            self._devices[address] = int(found)
        return int(found)

    def _next_id(self) -> int:
        if self._last is None:
            self._last = int(self._database.value(schema.LAST_READING))
        return self._last + 1

    def _begun(self) -> None:
        version = self._database.version
        if version == self._version:
            return
        self._forget()
        self._journal.load()
        self._deleted = {
            (rows.kind_of(code), address, time)
            for code, address, time in self._database.rows(
                "SELECT kind, address, time FROM amendments JOIN devices ON devices.id = device"
                " WHERE new_value IS NULL"
            )
        }
        self._forgotten = {Kind(name): time for name, time in self.get(FORGOTTEN, {}).items()}
        self._version = version

    def _forget(self) -> None:
        self._devices.clear()
        self._segments.forget()
        self._last = None

    def _size(self) -> int:
        return len(self._journal)

    def _undo(self, size: int | None) -> None:
        self._forget()
        self._version = -1
        if size is None:
            self._journal.clear()
        else:
            self._journal.back_to(size)

    def _before_commit(self) -> int:
        number = int(self._database.value(schema.COMMITS)) + 1
        last = self._next_id() - 1
        if self._journal.pending and not self._journal.full:
            self._journal.write(number, last)
        else:
            if self._journal.full:
                self._seal()
            self._database.rows("UPDATE ledger SET commits = ?, last_reading = ?", (number, last))
        return number

    def _after_commit(self, number: int) -> None:
        if self._journal.pending:
            self._journal.committed(number)


def _is_dense(one: Reading) -> bool:
    return one.kind in SPANS and one.device_time is None and one.sequence is None and one.context is None
