"""What can be asked of the readings, without knowing which are rows, which segments, which came just now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import UsageError
from healthslm.readings import KINDS, Kind, Reading, Window, reading
from healthslm.store import rollups, rows
from healthslm.store.codec import NONE, Columns, joined
from healthslm.store.database import Database
from healthslm.store.files import Mark
from healthslm.store.ids import DAY_US, DENSE, EARLIEST, HOUR_US, LATEST, SPANS, stream_and_time
from healthslm.store.integers import Int64s
from healthslm.store.journal import Journal
from healthslm.store.rollup_table import RollupTable
from healthslm.store.rollups import MICRO, Rollup, Totals
from healthslm.store.segments import Segments, Stream, in_order
from healthslm.store.shelf import Shelf

_COLUMNS = np.dtype([("time", "i8"), ("value", "f8"), ("id", "i8"), ("quality", "i2"), ("device", "i4")])
_SELECT = (
    "SELECT readings.id, kind, address, time, value, quality, device_time, sequence, context"
    " FROM readings JOIN devices ON devices.id = device"
)
_MOST_PERIODS = 10_000_000


class _Found(NamedTuple):
    """What of a kind there is, with the numbers of the devices that sent a stream."""

    columns: Columns
    ids: Int64s
    devices: NDArray[np.int32]


class Queries(Shelf):
    """The part of `Store` that reads readings. Each question sees one moment of the store."""

    def __init__(self, database: Database, mark: Mark, patience_s: float) -> None:
        super().__init__(database, mark, patience_s)
        self._journal = Journal(database)
        self._segments = Segments(database)
        self._rollups = RollupTable(database, lambda *period: self._columns(*period).columns)
        self._version = -1

    @contextmanager
    def _moment(self) -> Iterator[None]:
        with self._database.snapshot():
            self._begun()
            yield

    # Windows

    def window(self, kind: Kind, start: datetime, end: datetime) -> Window:
        """Return the readings of a kind in `[start, end)`, of all devices, sorted by time."""
        with self._moment():
            columns, ids, devices = self._columns(kind, rows.micros(start), rows.micros(end))
        return Window(
            kind=kind,
            start=start,
            end=end,
            times=columns.times.view("datetime64[us]"),
            values=columns.values,
            ids=ids,
            quality=columns.quality,
            devices=devices if KINDS[kind].holds and (devices != devices[:1]).any() else None,
        )

    def readings(self, kind: Kind, start: datetime, end: datetime) -> Iterator[Window]:
        """Yield the readings of a kind in `[start, end)` a UTC day at a time; days without any are left out.

        For periods that are too long for one window: a year of seconds takes a gigabyte.
        """
        first, last = rows.micros(start), rows.micros(end)
        edges = [first, *range(first - first % DAY_US + DAY_US, last, DAY_US), last]
        for begin, finish in pairwise(edges):
            part = self.window(kind, rows.moment(begin), rows.moment(finish))
            if len(part):
                yield part

    def _columns(self, kind: Kind, start: int, end: int) -> _Found:
        table = np.fromiter(
            self._database.each(
                "SELECT time, value, id, quality, device FROM readings"
                " WHERE kind = ? AND time >= ? AND time < ? ORDER BY time, device",
                (rows.KIND_CODES[kind], start, end),
            ),
            dtype=_COLUMNS,
        )
        found = []
        if len(table):
            columns = Columns(*(np.ascontiguousarray(table[name]) for name in ("time", "value", "quality")))
            ids, devices = (np.ascontiguousarray(table[name]) for name in ("id", "device"))
            found.append(_Found(columns, ids, devices))
        if kind in SPANS:
            for stream in self._segments.streams(kind):
                columns = self._of(stream, start, end)
                if len(columns.times):
                    device = np.full(len(columns.times), stream.device, np.int32)
                    found.append(_Found(columns, columns.times + stream.base, device))
        if not found:
            return _Found(NONE, NONE.times, np.empty(0, np.int32))
        if len(found) == 1:
            return found[0]
        columns, ids = joined([one.columns for one in found]), np.concatenate([one.ids for one in found])
        devices = np.concatenate([one.devices for one in found])
        order = columns.times.argsort(kind="stable")
        return _Found(columns.take(order), ids[order], devices[order])

    def _of(self, stream: Stream, start: int, end: int) -> Columns:
        """Return a stream's readings in segments and journal, in the order of time."""
        start, end = max(start, EARLIEST), min(end, LATEST + 1)
        if end <= start:
            return NONE
        sealed, newest = (
            self._segments.columns(stream, start, end),
            self._journal.columns(stream.id, start, end),
        )
        if not len(newest.times) or not len(sealed.times):
            return newest if len(newest.times) else sealed
        both = joined([sealed, newest])
        return both if newest.times[0] > sealed.times[-1] else in_order(both)

    # Roll-ups

    def rollup(
        self, kind: Kind, start: datetime, end: datetime, step: timedelta, *, percentiles: bool = False
    ) -> Rollup:
        """Return count, minimum, maximum and mean of each `step` of the period `[start, end)`.

        With `percentiles` what those need is read too, which takes several times as long.

        The last step ends with `end`. Fast, however much there is, where steps begin on whole hours
        (or minutes) of UTC; exact wherever they begin. Raises `UsageError` for steps that lead nowhere.
        """
        first, last, width = rows.micros(start), rows.micros(end), step // timedelta(microseconds=1)
        if width <= 0 or (last - first) // max(1, width) > _MOST_PERIODS:
            raise UsageError(
                f"A step of {step} does not divide this period into 1 to {_MOST_PERIODS:,} parts.",
                "Take a longer step.",
            )
        return self._rolled(kind, np.append(np.arange(first, last, width), last), percentiles)

    def rollup_between(self, kind: Kind, edges: list[datetime], *, percentiles: bool = False) -> Rollup:
        """Return the same for the periods between each of these times and the next: local days, say.

        Raises `UsageError` when the times do not rise.
        """
        found = np.array([rows.micros(edge) for edge in edges], np.int64)
        if len(found) < 2 or not (np.diff(found) > 0).all():
            raise UsageError(
                "The times between which to roll up do not rise.", "Give at least two, in order."
            )
        return self._rolled(kind, found, percentiles)

    def _rolled(self, kind: Kind, edges: Int64s, percentiles: bool) -> Rollup:
        with self._moment():
            totals = self._totals(kind, edges, percentiles)
        place = np.searchsorted(edges, totals.at, side="right") - 1
        totals = rollups.regrouped(totals, place) if len(place) else totals
        size = len(edges) - 1
        count, low, high = np.zeros(size, np.int64), np.full(size, np.nan), np.full(size, np.nan)
        total = np.zeros(size, np.int64)
        count[totals.at], low[totals.at], high[totals.at] = totals.usable, totals.low, totals.high
        total[totals.at] = totals.total
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / (count * float(MICRO))
        return Rollup(
            kind=kind,
            starts=edges[:-1].view("datetime64[us]"),
            end=rows.moment(int(edges[-1])),
            count=count,
            minimum=low,
            maximum=high,
            mean=mean,
            bin_width=rollups.bin_width(kind),
            histogram=totals.histogram if percentiles else None,
        )

    def _totals(self, kind: Kind, edges: Int64s, histogram: bool) -> Totals:
        """Return totals that each lie between two edges: stored ones, and what these do not reach."""
        start, end = int(edges[0]), int(edges[-1])
        parts = []
        if kind in SPANS:
            newest = self._newest_hours(kind)
            for level in reversed(rollups.LEVELS):
                whole = end - end % level.period
                if whole > start and not (edges[:-1] % level.period).any():
                    parts.append(self._rollups.totals(kind, start, whole, level, newest, histogram=histogram))
                    start = whole
        for begin, finish in _days(start, end):  # what is left, from the readings themselves
            columns = self._columns(kind, begin, finish).columns
            inner = edges[(edges > begin) & (edges < finish)].tolist()
            for low, high in pairwise([begin, *inner, finish]):
                a, b = columns.times.searchsorted((low, high))
                part = columns.take(slice(int(a), int(b)))
                parts.append(rollups.summarised_whole(kind, part, low))
        return rollups.joined(parts)

    def _newest_hours(self, kind: Kind) -> set[int]:
        """Return the hours (since 1970) of which the journal has readings of a kind."""
        return {
            hour
            for stream in self._segments.streams(kind)
            for hour in np.unique(
                self._journal.columns(stream.id, EARLIEST, LATEST).times // HOUR_US
            ).tolist()
        }

    # Single readings

    def reading(self, id: int) -> Reading | None:
        """Return the reading with an id, or `None` when there is none."""
        if not -(2**63) <= id < 2**63:
            return None
        with self._moment():
            if id < DENSE:
                return self._one(f"{_SELECT} WHERE readings.id = ?", (id,))
            stream = self._segments.stream_of(id)
            return None if stream is None else self._at(stream, stream_and_time(id)[1])

    def _at(self, stream: Stream, time: int) -> Reading | None:
        id_ = stream.base + time
        known = id_ in self._journal.known
        found = self._journal.value(id_) if known else self._segments.value(stream, time)
        if found is None:
            return None
        value, quality = found
        known_as = rows.quality_of(quality)
        return reading(rows.moment(time), stream.kind, value, stream.address, known_as, id=id_)

    def _one(self, sql: str, bindings: tuple[int | str, ...]) -> Reading | None:
        found = self._database.rows(sql, bindings)
        return rows.to_reading(found[0]) if found else None

    def latest(self, kind: Kind) -> Reading | None:
        """Return the newest reading of a kind, usable or not, or `None` when there is none."""
        with self._moment():
            sql = f"{_SELECT} WHERE kind = ? ORDER BY time DESC LIMIT 1"
            found = [self._one(sql, (rows.KIND_CODES[kind],))]
            found += [self._newest(stream) for stream in self._segments.streams(kind)]
        return max((one for one in found if one), key=lambda one: one.time, default=None)

    def latest_of(self, address: str, kind: Kind) -> Reading | None:
        """Return the newest reading of a kind that a device sent, or `None` when it sent none."""
        with self._moment():
            sql = f"{_SELECT} WHERE kind = ? AND address = ? ORDER BY time DESC LIMIT 1"
            found = [self._one(sql, (rows.KIND_CODES[kind], address))]
            found += [self._newest(s) for s in self._segments.streams(kind) if s.address == address]
        return max((one for one in found if one), key=lambda one: one.time, default=None)

    def _newest(self, stream: Stream) -> Reading | None:
        ends = self._ends(stream)
        return None if ends is None else self._at(stream, ends[1])

    def _ends(self, stream: Stream) -> tuple[int, int] | None:
        newest = self._journal.columns(stream.id, EARLIEST, LATEST).times
        ends = list(self._segments.ends(stream) or ())
        ends += [int(newest[0]), int(newest[-1])] if len(newest) else []
        return (min(ends), max(ends)) if ends else None

    # Overviews

    def kinds(self, start: datetime, end: datetime) -> set[Kind]:
        """Return the kinds that have a reading in `[start, end)`."""
        period = (rows.micros(start), rows.micros(end))
        sql = "SELECT 1 FROM readings WHERE kind = ? AND time >= ? AND time < ? LIMIT 1"
        with self._moment():
            return {
                kind
                for kind, code in rows.KIND_CODES.items()
                if self._database.rows(sql, (code, *period))
                or any(self._has(stream, *period) for stream in self._segments.streams(kind))
            }

    def sources(self, kind: Kind, start: datetime, end: datetime) -> tuple[str, ...]:
        """Return the addresses of the devices that sent readings of a kind in `[start, end)`."""
        period = (rows.micros(start), rows.micros(end))
        with self._moment():
            found = self._database.rows(
                "SELECT DISTINCT address FROM readings JOIN devices ON devices.id = device"
                " WHERE kind = ? AND time >= ? AND time < ?",
                (rows.KIND_CODES[kind], *period),
            )
            addresses = {address for (address,) in found}
            addresses |= {s.address for s in self._segments.streams(kind) if self._has(s, *period)}
        return tuple(sorted(addresses))

    def _has(self, stream: Stream, start: int, end: int) -> bool:
        start, end = max(start, EARLIEST), min(end, LATEST + 1)
        return start < end and (
            len(self._journal.columns(stream.id, start, end).times) > 0
            or self._segments.has(stream, start, end)
        )

    def span(self) -> tuple[datetime, datetime] | None:
        """Return the times of the first and the last reading, or `None` for an empty store."""
        sql = "SELECT min(time), max(time) FROM readings WHERE kind = ?"
        ends: list[int] = []
        with self._moment():
            for code in rows.KIND_CODES.values():  # one kind at a time, so that the index has the answer
                ends += (end for end in self._database.rows(sql, (code,))[0] if end is not None)
            for stream in self._segments.all():
                ends += self._ends(stream) or ()
        return (rows.moment(min(ends)), rows.moment(max(ends))) if ends else None

    def span_of(self, kind: Kind) -> tuple[datetime, datetime] | None:
        """Return the times of the first and the last reading of a kind, or `None` when there is none."""
        sql = "SELECT min(time), max(time) FROM readings WHERE kind = ?"
        with self._moment():
            ends = [end for end in self._database.rows(sql, (rows.KIND_CODES[kind],))[0] if end is not None]
            for stream in self._segments.streams(kind):
                ends += self._ends(stream) or ()
        return (rows.moment(min(ends)), rows.moment(max(ends))) if ends else None

    def days(self) -> list[datetime]:
        """Return the beginnings of the UTC days on which there was any reading, in order.

        Also of those that were deleted since, where their kind comes all the time.
        """
        with self._moment():
            found = {
                day
                for (day,) in self._database.rows(
                    "SELECT block FROM rollups WHERE level = ? UNION SELECT time / ? FROM readings",
                    (rollups.MINUTES.code, DAY_US),
                )
            }
            for stream in self._segments.all():
                times = self._journal.columns(stream.id, EARLIEST, LATEST).times
                found.update(np.unique(times // DAY_US).tolist())
        return [rows.moment(day * DAY_US) for day in sorted(found)]

    def count(self) -> int:
        """Return how many readings there are."""
        with self._moment():
            sparse = int(self._database.value("SELECT count(*) FROM readings"))
            return sparse + self._segments.count() + len(self._journal)

    def bytes_on_disk(self) -> int:
        """Return how many bytes the store's files take, the journal included."""
        total = 0
        for path in self._database.path.parent.glob(self._database.path.name + "*"):
            with contextlib.suppress(FileNotFoundError):  # the journal may just have been folded in
                total += path.stat().st_size
        return total

    def verify(self) -> None:
        """Read and check every page that is in use, every segment and every roll-up.

        Raises `DamagedError` with the first thing found. Takes about a second for ten million readings. What
        it cannot see: a page put back whole from an older copy of this file.
        """
        with self._moment():
            self._database.verify()
            self._segments.verify()
            self._rollups.verify(self._newest_hours)


def _days(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a period at the beginnings of the UTC days in it."""
    if start < end:
        yield from pairwise([start, *range(start - start % DAY_US + DAY_US, end, DAY_US), end])
