"""Dense readings: streams, and the segments that hold a span of each.

A stream is one kind of one device. Its readings of one UTC day (of ten minutes, for a waveform) are one row
of `segments`, compressed; one that comes late is sorted into its row, which is then written anew.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import DamagedError, StoreError
from healthslm.readings import Kind
from healthslm.store import codec, rows
from healthslm.store.codec import NONE, Columns, joined
from healthslm.store.database import Database
from healthslm.store.ids import EARLIEST, LATEST, SPANS, STREAMS, dense_id, span_start, stream_and_time

_KEPT = 8
"""Segments that are kept as they were read: each takes up to 2 MB, and some are asked for again and again."""


@dataclass(slots=True)
class Stream:
    """One kind of one device. `last` is the time (µs) of its last reading in a segment; -1 where none is.

    `rows_last` is that of its last reading among the sparse ones, where such a stream may have some; `base`
    is what is added to a time to make the id of a reading of this stream.
    """

    id: int
    kind: Kind
    device: int
    address: str
    last: int
    rows_last: int
    base: int = field(init=False)

    def __post_init__(self) -> None:
        self.base = dense_id(self.id, 0)

    @property
    def every(self) -> tuple[int, int]:
        """The lowest id that a reading of it can have, and the first that is of the next stream."""
        return self.base + EARLIEST, self.base + LATEST + 1

    def ids(self, start: int, end: int) -> tuple[int, int]:
        """Return the ids of the first and the last possible segment that has a time in `[start, end)`."""
        return self.base + span_start(self.kind, start), self.base + end - 1


class Segments:
    """The tables `streams` and `segments`. Everything remembered of them is dropped by `forget`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._streams: dict[tuple[Kind, str], Stream] | None = None
        self._decoded: OrderedDict[int, Columns] = OrderedDict()

    def forget(self) -> None:
        """Drop what is remembered: another process wrote, or what was written here was undone."""
        self._streams = None
        self._decoded.clear()

    def drop_decoded(self) -> None:
        """Drop the segments that are kept as they were read: who goes through all needs none twice."""
        self._decoded.clear()

    # Streams

    def _all(self) -> dict[tuple[Kind, str], Stream]:
        if self._streams is None:
            self._streams = {}
            for id_, code, device, address in self._database.rows(
                "SELECT streams.id, kind, device, address FROM streams JOIN devices ON devices.id = device"
                " ORDER BY kind, device"
            ):
                kind = rows.kind_of(code)
                self._streams[kind, address] = self._known(id_, kind, device, address)
        return self._streams

    def find(self, kind: Kind, address: str) -> Stream | None:
        """Return the stream of a kind and a device, or `None` where there is none."""
        return (self._streams if self._streams is not None else self._all()).get((kind, address))

    def make(self, kind: Kind, address: str, device: int, number: int | None = None) -> Stream | None:
        """Make a stream that there is not, under this number if it is free; `None` when no more fit."""
        streams = self._all()
        if len(streams) >= STREAMS - 1:
            return None
        if any(stream.id == number for stream in streams.values()):
            number = None
        sql = "INSERT INTO streams (id, kind, device) VALUES (?, ?, ?) RETURNING id"
        id_ = int(self._database.value(sql, (number, rows.KIND_CODES[kind], device)))
        streams[kind, address] = made = self._known(id_, kind, device, address)
        return made

    def streams(self, kind: Kind) -> list[Stream]:
        """Return the streams of a kind."""
        return [stream for stream in self._all().values() if stream.kind is kind]

    def all(self) -> list[Stream]:
        """Return every stream."""
        return list(self._all().values())

    def stream_of(self, id: int) -> Stream | None:
        """Return the stream that a dense id names, or `None` when there is none."""
        number, _ = stream_and_time(id)
        return next((stream for stream in self.all() if stream.id == number), None)

    def _known(self, id: int, kind: Kind, device: int, address: str) -> Stream:
        low, high = dense_id(id, EARLIEST), dense_id(id + 1, EARLIEST)
        last = self._database.value(
            "SELECT last FROM segments WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1", (low, high)
        )
        rows_last = self._database.value(
            "SELECT max(time) FROM readings WHERE kind = ? AND device = ?", (rows.KIND_CODES[kind], device)
        )
        return Stream(
            id, kind, device, address, -1 if last is None else last, -1 if rows_last is None else rows_last
        )

    # Reading

    def columns(self, stream: Stream, start: int, end: int) -> Columns:
        """Return a stream's readings with `start <= time < end` (µs), in the order of time."""
        if end <= start:
            return NONE
        parts = []
        for id_, first, last in self._database.rows(
            "SELECT id, first, last FROM segments WHERE id >= ? AND id <= ?", stream.ids(start, end)
        ):
            if last < start or first >= end:
                continue
            part = self._segment(id_)
            if first < start or last >= end:
                low, high = part.times.searchsorted((start, end))
                part = part.take(slice(int(low), int(high)))
            parts.append(part)
        return joined(parts)

    def has(self, stream: Stream, start: int, end: int) -> bool:
        """Say whether a stream has a reading with `start <= time < end`."""
        for id_, first, last in self._database.rows(
            "SELECT id, first, last FROM segments WHERE id >= ? AND id <= ?", stream.ids(start, end)
        ):
            if start <= first < end or start <= last < end:
                return True
            if first < start and last >= end:
                low, high = self._segment(id_).times.searchsorted((start, end))
                if low < high:
                    return True
        return False

    def contains(self, stream: Stream, time: int) -> bool:
        """Say whether a stream has a reading at a time."""
        if time > stream.last:
            return False
        times = self._segment(stream.base + span_start(stream.kind, time)).times
        at = int(times.searchsorted(time))
        return at < len(times) and bool(times[at] == time)

    def value(self, stream: Stream, time: int) -> tuple[float, int] | None:
        """Return value and quality of a stream's reading at a time, or `None` when there is none."""
        part = self.columns(stream, time, time + 1)
        return (float(part.values[0]), int(part.quality[0])) if len(part.times) else None

    def ends(self, stream: Stream) -> tuple[int, int] | None:
        """Return the times of a stream's first and last reading here, or `None` when there is none."""
        if stream.last < 0:
            return None
        sql = "SELECT first FROM segments WHERE id >= ? AND id < ? ORDER BY id LIMIT 1"
        first = self._database.value(sql, stream.every)
        return int(first), stream.last

    def count(self) -> int:
        """Return how many readings there are."""
        return int(self._database.value("SELECT coalesce(sum(count), 0) FROM segments"))

    def _segment(self, id: int) -> Columns:
        found = self._decoded.get(id)
        if found is None:
            data = self._database.value("SELECT data FROM segments WHERE id = ?", (id,))
            if data is None:
                return NONE
            found = codec.decode(data)
            self._keep(id, found)
        else:
            self._decoded.move_to_end(id)
        return found

    def _keep(self, id: int, columns: Columns) -> None:
        self._decoded[id] = columns
        self._decoded.move_to_end(id)
        while len(self._decoded) > _KEPT:
            self._decoded.popitem(last=False)

    # Writing

    def merge(self, stream: Stream, new: Columns) -> NDArray[np.bool_]:
        """Write readings, sorted by time and each time once, into their segments.

        Returns for each whether it was new: one at a time at which the stream has a reading is left out.
        """
        span = SPANS[stream.kind]
        index = new.times // span
        bounds = np.flatnonzero(np.diff(index)) + 1
        fresh = np.ones(len(new.times), bool)
        for low, high in zip([0, *bounds.tolist()], [*bounds.tolist(), len(index)], strict=True):
            id_ = stream.base + int(index[low]) * span
            part = new.take(slice(low, high))
            before = self._segment(id_)
            if len(before.times):
                fresh[low:high] = ~np.isin(part.times, before.times)
                if not fresh[low:high].any():
                    continue
                part = in_order(joined([before, part.take(fresh[low:high])]))
            self._put(id_, part)
            if high == len(index):  # the newest is what the next ones are added to
                self._keep(id_, part)
            else:
                self._decoded.pop(id_, None)
        stream.last = max(stream.last, int(new.times[-1]))
        return fresh

    def replace(self, stream: Stream, time: int, value: float | None) -> None:
        """Give the reading at a time another value, or take it out. It must be there."""
        id_ = stream.base + span_start(stream.kind, time)
        part = self._segment(id_)
        at = int(part.times.searchsorted(time))
        self._decoded.pop(id_, None)
        if value is not None:
            values = part.values.copy()
            values[at] = value
            self._put(id_, part._replace(values=values))
            return
        keep = np.ones(len(part.times), bool)
        keep[at] = False
        if keep.any():
            self._put(id_, part.take(keep))
        else:
            self._database.rows("DELETE FROM segments WHERE id = ?", (id_,))
        self.forget()  # the stream's last may be another now

    def _put(self, id: int, part: Columns) -> None:
        self._database.rows(
            "INSERT INTO segments VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " first = excluded.first, last = excluded.last, count = excluded.count, data = excluded.data",
            (id, int(part.times[0]), int(part.times[-1]), len(part.times), codec.encode(part)),
        )

    def drop_before(self, stream: Stream, before: int) -> int:
        """Delete the segments whose whole span is over before then; returns how many readings they had."""
        span = SPANS[stream.kind]
        end = stream.base + before - before % span - span
        found = self._database.rows(
            "DELETE FROM segments WHERE id >= ? AND id <= ? RETURNING count", (stream.every[0], end)
        )
        self.forget()
        return sum(count for (count,) in found)

    def verify(self) -> None:
        """Read every segment and see that it is what its row says. Raises `DamagedError` for the first."""
        for id_, first, last, count, data in self._database.each(
            "SELECT id, first, last, count, data FROM segments"
        ):
            columns = codec.decode(data)
            _, start = stream_and_time(id_)
            right = (
                len(columns.times) == count
                and first == columns.times[0] >= start
                and last == columns.times[-1]
                and bool((np.diff(columns.times) > 0).all())
            )
            if not right:
                raise DamagedError(f"{self._database.path} is damaged: segment {id_} is not what it says.")


def in_order(part: Columns) -> Columns:
    """Return columns in the order of time; what is of one time stays as it is."""
    return part.take(part.times.argsort(kind="stable"))


def tidied(columns: Columns) -> Columns:
    """Return columns in the order of time, of those at one time the first.

    Raises `StoreError` for columns of different lengths, and for values that are no numbers.
    """
    if not len(columns.times) == len(columns.values) == len(columns.quality):
        raise StoreError("Columns of readings have different lengths.", "None of them were stored.")
    if not np.isfinite(columns.values).all():
        raise StoreError("Columns of readings have a value that is no number.", "None of them were stored.")
    if (np.diff(columns.times) > 0).all():
        return columns
    columns = in_order(columns)
    keep = np.ones(len(columns.times), bool)
    keep[1:] = np.diff(columns.times) > 0
    return columns.take(keep)
