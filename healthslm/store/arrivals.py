"""What another store had, taken into this one: what is here stays, what is new is added, all is counted.

Used inside of `Store.at_once`, so that all of it is there afterwards or nothing. Nothing here is remembered
for a second try. Ids of readings stay what they were in a store that never had any; in another one, readings
get new ones, and `id_here` says which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import StoreError
from healthslm.readings import Device, Kind, Note, Reading
from healthslm.store import rows
from healthslm.store.audit import Event
from healthslm.store.codec import Columns
from healthslm.store.ids import DENSE, EARLIEST, LATEST, dense_id, stream_and_time
from healthslm.store.rollups import Totals
from healthslm.store.segments import Stream, tidied
from healthslm.store.store import FORGOTTEN, Store
from healthslm.store.whole import Amended, Digest


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of things of one sort. `other` is what is otherwise here: that stayed as it is here.

    `deleted` was taken out here, and `forgotten` is older than what is kept here: those stay out.
    """

    new: int = 0
    there: int = 0
    other: int = 0
    deleted: int = 0
    forgotten: int = 0

    def add(self, more: Tally) -> None:
        """Add another tally to this one."""
        self.new += more.new
        self.there += more.there
        self.other += more.other
        self.deleted += more.deleted
        self.forgotten += more.forgotten


class _Here(NamedTuple):
    """A reading's row as it is here."""

    id: int
    value: float
    quality: int
    device_time: int | None
    sequence: int | None
    context: str | None


class Arrivals:
    """Takes things into a store. `named` are the ids of rows that something else refers to."""

    def __init__(self, store: Store, named: Collection[int] = ()) -> None:
        self._store = store
        self._database = store._database
        if store._journal.known:
            store._seal()
        store._rollups.refresh()
        self._named = frozenset(named)
        self._ids: dict[int, int] = {}
        self._streams: dict[int, Stream] = {}
        self._keeps = store._next_id() == 1 and not store._segments.all()

    # Devices and readings

    def device(self, device: Device, *, listed: bool) -> Tally:
        """Take in a device; what is known here of one of the same address stays, but gaps are filled."""
        here = self._store.device(device.address)
        known = device.address in self._store.device_numbers()
        on_list = known and any(one.address == device.address for one in self._store.devices())
        merged = {
            name: getattr(here, name) or getattr(device, name)
            for name in ("name", "manufacturer", "model", "serial", "firmware")
        }
        number = self._store._device(device.address)
        self._database.rows(
            "UPDATE devices SET added = ?, name = ?, manufacturer = ?, model = ?, serial = ?, firmware = ?"
            " WHERE id = ?",
            (int(on_list or (listed and not known)), *merged.values(), number),
        )
        if not known:
            return Tally(new=1)
        return Tally(there=1) if Device(address=device.address, **merged) == device else Tally(other=1)

    def stream(self, number: int, kind: Kind, address: str) -> None:
        """Say which stream the dense ids with a number are of. Raises `StoreError` where no more fit."""
        store = self._store
        found = store._segments.find(kind, address)
        if found is None:
            device = store._device(address)
            found = store._segments.make(kind, address, device, number if self._keeps else None)
        if found is None:
            raise StoreError(f"{address} is one device too many for this store.", "Nothing was taken in.")
        self._streams[number] = found

    def columns(self, number: int, columns: Columns) -> Tally:
        """Take in some of a stream's readings, each time once; `StoreError` for what cannot be kept."""
        stream = self._streams[number]
        columns = tidied(columns)
        first, last = int(columns.times[0]), int(columns.times[-1])
        if first < EARLIEST or last > LATEST:
            raise StoreError(
                f"Readings of {stream.kind.value} from {stream.address} reach beyond 2000 or 2071.",
                "Nothing was taken in.",
            )
        same, there = self._compared(stream, columns)
        deleted = np.isin(columns.times, self._deleted_times(stream)) & ~there
        forgotten = columns.times < self._store._forgotten.get(stream.kind, EARLIEST)
        forgotten &= ~there & ~deleted
        fresh = columns.take(~(there | deleted | forgotten))
        if len(fresh.times):
            self._store._insert_columns(stream.kind, stream.address, fresh)
        self._store._segments.drop_decoded()
        return Tally(
            new=len(fresh.times),
            there=int(same.sum()),
            other=int((there & ~same).sum()),
            deleted=int(deleted.sum()),
            forgotten=int(forgotten.sum()),
        )

    def _compared(self, stream: Stream, columns: Columns) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Say of each reading whether the same is here, and whether any of its time is."""
        store, times = self._store, columns.times
        first, last = int(times[0]), int(times[-1])
        here = store._of(stream, first, last + 1)
        place = here.times.searchsorted(times)
        there = np.isin(times, here.times)
        same = np.zeros(len(times), bool)
        at = place[there]
        same[there] = (here.values[at].view(np.int64) == columns.values[there].view(np.int64)) & (
            here.quality[at] == columns.quality[there]
        )
        if first <= stream.rows_last:
            sql = "SELECT time, value FROM readings WHERE kind = ? AND device = ? AND time BETWEEN ? AND ?"
            key = (rows.KIND_CODES[stream.kind], stream.device, first, last)
            for time, value in self._database.rows(sql, key):
                spot = int(times.searchsorted(time))
                if spot < len(times) and times[spot] == time:
                    there[spot], same[spot] = True, value == columns.values[spot]
        return same, there

    def _deleted_times(self, stream: Stream) -> list[int]:
        key = (stream.kind, stream.address)
        return [time for kind, address, time in self._store._deleted if (kind, address) == key]

    def singles(self, readings: Sequence[Reading]) -> Tally:
        """Take in readings that are rows, in the order of their ids; `StoreError` for what none can be."""
        store = self._store
        for one in readings:
            rows.check(one)
        # Of what is here already no ids are given: saying it again leaves no trace.
        kept_out = [one for one in readings if store._left_out(one) or self._is_here(one)]
        left_out = {id(one) for one in kept_out}
        taken = [one for one in readings if id(one) not in left_out]
        first = store._next_id()
        numbered = [(one.id or 0 if self._keeps else first + n, one) for n, one in enumerate(taken)]
        inserted = store._insert_numbered(numbered)
        tally = Tally(new=len(inserted))
        for id_, one in numbered:
            if id_ in inserted:
                self._name(one.id, id_)
            else:
                kept_out.append(one)
        for one in kept_out:
            self._why(one, tally)
        store._rollups.refresh()
        return tally

    def _is_here(self, one: Reading) -> bool:
        device = self._store._device(one.device)
        return not self._keeps and self._row(one.kind, device, rows.micros(one.time)) is not None

    def _why(self, one: Reading, tally: Tally) -> None:
        """Count a reading that was not taken in by what stood in its way."""
        _, _, device, time, *said = rows.to_row(one, 0, self._store._device(one.device))
        found = self._row(one.kind, device, time)
        if found is not None:
            self._name(one.id, found.id)
            same = list(found[1:]) == said
            tally.there += same
            tally.other += not same
            return
        dense = self._dense(one.kind, one.device, time)
        if dense is not None:
            tally.there += dense == one.value
            tally.other += dense != one.value
        elif time < self._store._forgotten.get(one.kind, -(2**63)):
            tally.forgotten += 1
        elif self._is_deleted(one.kind, device, time):
            tally.deleted += 1
        else:  # a record that the device sent again, under another time
            tally.there += 1

    def _row(self, kind: Kind, device: int, time: int) -> _Here | None:
        found = self._database.rows(
            "SELECT id, value, quality, device_time, sequence, context FROM readings"
            " WHERE kind = ? AND time = ? AND device = ?",
            (rows.KIND_CODES[kind], time, device),
        )
        return _Here(*found[0]) if found else None

    def _is_deleted(self, kind: Kind, device: int, time: int) -> bool:
        sql = "SELECT 1 FROM amendments WHERE kind = ? AND device = ? AND time = ? AND new_value IS NULL"
        return bool(self._database.rows(sql, (rows.KIND_CODES[kind], device, time)))

    def _dense(self, kind: Kind, address: str, time: int) -> float | None:
        stream = self._store._segments.find(kind, address)
        found = None if stream is None else self._store._segments.value(stream, time)
        return None if found is None else found[0]

    def _name(self, id: int | None, here: int) -> None:
        if id is not None and id in self._named:
            self._ids[id] = here

    def id_here(self, id: int) -> int:
        """Return the id that a reading has here; one that was not taken in gets an id of its own."""
        if id < 1:  # a mean's, which stands for no single reading
            return id
        if id >= DENSE:
            number, time = stream_and_time(id)
            stream = self._streams.get(number)
            if stream is None:  # of which nothing came: here its number may be another stream's
                return id if self._keeps else -1
            return dense_id(stream.id, time)
        if id not in self._ids:
            store = self._store
            self._ids[id] = id if self._keeps else store._next_id()
            store._last = max(store._next_id() - 1, self._ids[id])
        return self._ids[id]

    def given(self, last: int) -> None:
        """Give no id again that was ever given there, where ids stay what they were."""
        if self._keeps:
            self._store._last = max(self._store._next_id() - 1, last)

    # What was amended, and what is left of what was forgotten

    def amended(self, ones: Sequence[Amended]) -> Tally:
        """Take in the amendments of one reading, where it is here as they left it."""
        store = self._store
        before, final = ones[0].before, ones[-1].new_value
        time, device = rows.micros(before.time), store._device(before.device)
        row = self._row(before.kind, device, time)
        value = self._dense(before.kind, before.device, time) if row is None else row.value
        missing = [one for one in ones if not self._has(one, device)]
        if not missing:
            return Tally(there=len(ones))
        if value != final:
            return Tally(there=len(ones) - len(missing), other=len(missing))
        for one in missing:
            _, code, *rest = rows.to_row(one.before, 0, device)
            self._database.rows(
                "INSERT INTO amendments (reading, kind, device, time, value, quality, device_time, sequence,"
                " context, new_value, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (self.id_here(one.before.id or 0), code, *rest, one.new_value, one.reason, one.at),
            )
            if one.new_value is None:
                store._deleted.add((before.kind, before.device, time))
        return Tally(new=len(missing), there=len(ones) - len(missing))

    def _has(self, one: Amended, device: int) -> bool:
        _, code, *rest = rows.to_row(one.before, 0, device)
        found = self._database.rows(
            "SELECT reading FROM amendments WHERE kind = ? AND device = ? AND time = ? AND value = ?"
            " AND quality = ? AND device_time IS ? AND sequence IS ? AND context IS ? AND new_value IS ?"
            " AND reason = ? AND at = ?",
            (code, *rest, one.new_value, one.reason, one.at),
        )
        if found:
            self._name(one.before.id, found[0][0])
        return bool(found)

    def leftover(self, kind: Kind, minutes: Totals) -> int:
        """Take in the roll-ups of one UTC day whose readings are gone; returns how many hours were new."""
        return self._store._rollups.take_in(kind, minutes)

    def forgotten(self, before: dict[Kind, int]) -> None:
        """Take no readings in any more that were forgotten there: their roll-ups could not be kept right."""
        store = self._store
        merged = dict(store._forgotten)
        for kind, time in before.items():
            merged[kind] = max(time, merged.get(kind, time))
        if merged != store._forgotten:
            store._forgotten = merged
            store._set(FORGOTTEN, json.dumps({kind.value: time for kind, time in merged.items()}))

    # Everything else

    def note(self, note: Note) -> Tally:
        """Take in a note; the same words of the same time are the same note."""
        row = (rows.micros(note.time), note.text, note.level, note.reason, note.origin)
        here = "SELECT 1 FROM notes WHERE time = ? AND text = ? AND level = ? AND reason = ? AND origin = ?"
        if self._database.rows(here, row):
            return Tally(there=1)
        taken = note.id < 1 or self._database.rows("SELECT 1 FROM notes WHERE id = ?", (note.id,))
        sql = "INSERT INTO notes (id, time, text, level, reason, origin) VALUES (?, ?, ?, ?, ?, ?)"
        self._database.rows(sql, (None if taken else note.id, *row))
        return Tally(new=1)

    def alert(
        self, id: str, state: str, raised_at: int, document: str, alike: Callable[[str, str], bool]
    ) -> Tally:
        """Take in an alert. `alike` says whether two documents of one alert say the same."""
        here = self._store.alert(id)
        if here is not None:
            return Tally(there=1) if alike(here, document) else Tally(other=1)
        self._database.rows("INSERT INTO alerts VALUES (?, ?, ?, ?)", (id, state, raised_at, document))
        return Tally(new=1)

    def digest(self, one: Digest) -> Tally:
        """Take in what a day came to, where nothing is known of it here."""
        here = self._store.digests(one.name, one.day, one.day).get(one.day)
        if here is not None:
            return Tally(there=1) if here == (one.seen, one.value) else Tally(other=1)
        self._store._set_digests(one.name, {one.day: (one.seen, one.value)})
        return Tally(new=1)

    def setting(self, name: str, value: Any, empty: Iterable[Any] = ()) -> Tally:
        """Take in a setting where there is none here, or an `empty` one."""
        here = self._store.get(name)
        if here == value:
            return Tally(there=1)
        if here is not None and here not in list(empty):
            return Tally(other=1)
        self._store._set(name, json.dumps(value, ensure_ascii=False, allow_nan=False))
        return Tally(new=1)

    def noted(self, at: datetime, **detail: str | float | None) -> None:
        """Say in the trail that it was taken in."""
        self._store._note(Event.IMPORTED, at, detail)
