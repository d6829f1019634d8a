"""Everything in a store, piece by piece: what an archive is made of. What takes it in is arrivals.py.

Read it inside of `moment`, so that all pieces are of one moment. What is on its way to a hook (the outbox) is
not among it: it is this machine's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np

from healthslm.readings import Device, Kind, Note, Reading
from healthslm.store import rows
from healthslm.store.codec import Columns
from healthslm.store.ids import EARLIEST, LATEST, SPANS
from healthslm.store.rollups import Totals
from healthslm.store.segments import Stream
from healthslm.store.store import FORGOTTEN, Store

_READING = "kind, address, time, value, quality, device_time, sequence, context"


class Amended(NamedTuple):
    """What a reading was before it was corrected, or deleted: then `new_value` is `None`. `at` in µs."""

    before: Reading
    new_value: float | None
    reason: str
    at: int


class Digest(NamedTuple):
    """What was computed from a local day (proleptic ordinal), and the fingerprint of what it was made of."""

    name: str
    day: int
    seen: bytes
    value: str


class TrailEntry(NamedTuple):
    """A line of the audit trail as it is chained; `at` in µs, `detail` is JSON."""

    id: int
    at: int
    event: str
    detail: str
    chain: bytes


class Whole:
    """Reads a whole store, in an order that is the same for the same store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store._database

    def moment(self) -> AbstractContextManager[None]:
        """Let all that is read in a block be of one moment, whatever other processes write meanwhile.

        What this store has not committed yet is committed first.
        """
        self._store.commit()
        return self._store._moment()

    def last_reading(self) -> int:
        """Return the highest id that was ever given to a reading that is a row."""
        return self._store._next_id() - 1

    def devices(self) -> Iterator[tuple[Device, bool]]:
        """Yield every device ever heard, in the order in which they came, and whether it is on the list."""
        listed = {device.address for device in self._store.devices()}
        for (address,) in self._database.rows("SELECT address FROM devices ORDER BY id"):
            yield self._store.device(address), address in listed

    def streams(self) -> list[Stream]:
        """Return the streams, in the order of their numbers."""
        return sorted(self._store._segments.all(), key=lambda stream: stream.id)

    def columns(self, stream: Stream, most: int) -> Iterator[Columns]:
        """Yield a stream's readings in the order of time, at most so many at once."""
        span = SPANS[stream.kind]
        starts = {
            id_ - stream.base
            for (id_,) in self._database.rows(
                "SELECT id FROM segments WHERE id >= ? AND id < ?", stream.every
            )
        }
        newest = self._store._journal.columns(stream.id, EARLIEST, LATEST + 1).times
        starts.update((np.unique(newest // span) * span).tolist())
        for start in sorted(starts):
            columns = self._store._of(stream, start, start + span)
            self._store._segments.drop_decoded()
            for first in range(0, len(columns.times), most):
                yield columns.take(slice(first, first + most))

    def singles(self) -> Iterator[Reading]:
        """Yield the readings that are rows, in the order of their ids."""
        for row in self._database.each(
            f"SELECT readings.id, {_READING} FROM readings"  # noqa: S608  a constant
            " JOIN devices ON devices.id = device ORDER BY readings.id"
        ):
            yield rows.to_reading(row)

    def amendments(self) -> Iterator[Amended]:
        """Yield what was corrected and deleted, in the order in which it was."""
        for *row, new_value, reason, at in self._database.each(
            f"SELECT reading, {_READING}, new_value, reason, at FROM amendments"  # noqa: S608  a constant
            " JOIN devices ON devices.id = device ORDER BY amendments.id"
        ):
            yield Amended(rows.to_reading(tuple(row)), new_value, reason, at)

    def notes(self) -> Iterator[Note]:
        """Yield the notes, in the order of their numbers."""
        for id_, time, text, level, reason, origin in self._database.each(
            "SELECT id, time, text, level, reason, origin FROM notes ORDER BY id"
        ):
            yield Note(id=id_, time=rows.moment(time), text=text, level=level, reason=reason, origin=origin)

    def alerts(self) -> Iterator[tuple[str, str, int, str]]:
        """Yield id, state, time (µs) and JSON of each alert, in the order in which they were raised."""
        yield from self._database.each(
            "SELECT id, state, raised_at, document FROM alerts ORDER BY raised_at, id"
        )

    def settings(self) -> Iterator[tuple[str, Any]]:
        """Yield the settings, in the order of their names; not what retention forgot, see `forgotten`."""
        for name, value in self._database.rows("SELECT name, value FROM settings ORDER BY name"):
            if name != FORGOTTEN:
                yield name, json.loads(value)

    def forgotten(self) -> dict[Kind, int]:
        """Return by kind before when (µs) nothing is kept any more."""
        return dict(sorted(self._store._forgotten.items()))

    def leftover(self, kind: Kind) -> Iterator[Totals]:
        """Yield what is left of the forgotten readings of a kind: minutes, a UTC day at a time."""
        yield from self._store._rollups.leftover(kind, self._store._forgotten.get(kind, EARLIEST))

    def digests(self) -> Iterator[Digest]:
        """Yield what was computed from days."""
        for row in self._database.each("SELECT name, day, seen, value FROM digests ORDER BY name, day"):
            yield Digest(*row)

    def trail(self) -> Iterator[TrailEntry]:
        """Yield the audit trail, the oldest entry first."""
        for row in self._database.each("SELECT id, at, event, detail, chain FROM audit ORDER BY id"):
            yield TrailEntry(*row)
