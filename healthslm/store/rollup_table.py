"""The roll-ups in the store: brought up to date hour by hour, and put together for a question.

An hour whose readings changed since is `stale`: it is computed from its readings until it is written anew.
So a roll-up that is told always agrees with the readings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from healthslm.errors import DamagedError
from healthslm.readings import Kind
from healthslm.store import rollup_bytes, rollups, rows
from healthslm.store.codec import Columns
from healthslm.store.database import Database
from healthslm.store.ids import DAY_US, HOUR_US, SPANS
from healthslm.store.rollups import HOURS, MINUTES, Level, Totals

Read = Callable[[Kind, int, int], Columns]
"""Gives the readings of a kind with `start <= time < end` (µs), of all devices, in the order of time."""


class RollupTable:
    """The tables `rollups` and `stale`. `read` gives the readings that are summarised."""

    def __init__(self, database: Database, read: Read) -> None:
        self._database = database
        self._read = read

    def changed(self, kind: Kind, hours: Iterable[int]) -> None:
        """Note that the readings of these hours (counted from 1970) are not what was summarised."""
        code = rows.KIND_CODES[kind]
        self._database.many("INSERT OR IGNORE INTO stale VALUES (?, ?)", [(code, hour) for hour in hours])

    def refresh(self) -> None:
        """Summarise the stale hours anew."""
        stale: dict[Kind, list[int]] = {}
        for code, hour in self._database.rows("SELECT kind, hour FROM stale ORDER BY kind, hour"):
            stale.setdefault(rows.kind_of(code), []).append(hour)
        if not stale:
            return
        for kind, hours in stale.items():
            days: dict[int, list[int]] = {}
            for hour in hours:
                days.setdefault(hour // 24, []).append(hour)
            fresh_hours = []
            for day, of_day in days.items():  # a day at a time: that is how the readings are kept
                minutes = self._summarised(kind, of_day, MINUTES)
                self._write(kind, MINUTES, day, of_day, minutes)
                fresh_hours.append((of_day, rollups.coarser(minutes, HOUR_US)))
            self._write_hours(kind, fresh_hours)
        self._database.rows("DELETE FROM stale")

    def _summarised(self, kind: Kind, hours: list[int], level: Level) -> Totals:
        """Summarise some hours, which rise, from their readings."""
        parts = []
        most = 24 if SPANS[kind] >= DAY_US else 1  # an hour of a waveform is half a million readings
        for first, last in _runs(hours, most):
            columns = self._read(kind, first * HOUR_US, (last + 1) * HOUR_US)
            parts.append(rollups.summarise(kind, columns, level.period))
        return rollups.joined(parts)

    def _write_hours(self, kind: Kind, fresh: list[tuple[list[int], Totals]]) -> None:
        blocks: dict[int, tuple[list[int], list[Totals]]] = {}
        for hours, totals in fresh:  # a day lies in one block
            known, parts = blocks.setdefault(hours[0] * HOUR_US // HOURS.block, ([], []))
            known += hours
            parts.append(totals)
        for block, (hours, parts) in blocks.items():
            self._write(kind, HOURS, block, hours, rollups.joined(parts))

    def _write(self, kind: Kind, level: Level, block: int, hours: list[int], fresh: Totals) -> None:
        """Put fresh totals into a block, in place of what these hours had there."""
        before = self._block(kind, level, block, histogram=True)
        if before is not None:
            outside = ~np.isin(before.at // HOUR_US, np.array(hours))
            fresh = rollups.joined([before.take(outside), fresh])
        key = (rows.KIND_CODES[kind], level.code, block)
        if not len(fresh.at):
            self._database.rows("DELETE FROM rollups WHERE kind = ? AND level = ? AND block = ?", key)
            return
        self._database.rows(
            "INSERT INTO rollups VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, level, block) DO UPDATE SET"
            " summary = excluded.summary, histogram = excluded.histogram",
            (*key, *rollup_bytes.encode(fresh, level.period)),
        )

    def leftover(self, kind: Kind, before: int) -> Iterator[Totals]:
        """Yield the minutes of a kind before then (µs, a whole hour), a day at a time."""
        sql = "SELECT block FROM rollups WHERE kind = ? AND level = ? AND block <= ? ORDER BY block"
        last = (before - 1) // MINUTES.block
        for (block,) in self._database.rows(sql, (rows.KIND_CODES[kind], MINUTES.code, last)):
            found = self._block(kind, MINUTES, block, histogram=True) or rollups.NOTHING
            found = found.take(found.at < before)
            if len(found.at):
                yield found

    def take_in(self, kind: Kind, minutes: Totals) -> int:
        """Put the minutes of one day in where there is nothing of their hour; returns how many hours.

        Nothing may be stale.
        """
        day = int(minutes.at[0]) // MINUTES.block
        here = self._block(kind, MINUTES, day, histogram=False) or rollups.NOTHING
        new = minutes.take(~np.isin(minutes.at // HOUR_US, here.at // HOUR_US))
        hours = np.unique(new.at // HOUR_US).tolist()
        if hours:
            self._write(kind, MINUTES, day, hours, new)
            self._write_hours(kind, [(hours, rollups.coarser(new, HOUR_US))])
        return len(hours)

    def _block(self, kind: Kind, level: Level, block: int, *, histogram: bool) -> Totals | None:
        wanted = "summary, histogram" if histogram else "summary, NULL"
        found = self._database.rows(
            f"SELECT {wanted} FROM rollups WHERE kind = ? AND level = ? AND block = ?",  # noqa: S608  constants
            (rows.KIND_CODES[kind], level.code, block),
        )
        return rollup_bytes.decode(found[0][0], found[0][1], level.period) if found else None

    def totals(
        self, kind: Kind, start: int, end: int, level: Level, newest: set[int], *, histogram: bool
    ) -> Totals:
        """Return the totals of a level's periods in `[start, end)` (µs, whole periods).

        `newest` are hours that have readings which were not sealed yet.
        """
        code = rows.KIND_CODES[kind]
        first, last = start // HOUR_US, (end - 1) // HOUR_US
        stale = {
            hour
            for (hour,) in self._database.rows(
                "SELECT hour FROM stale WHERE kind = ? AND hour BETWEEN ? AND ?", (code, first, last)
            )
        }
        stale |= {hour for hour in newest if first <= hour <= last}
        wanted = "summary, histogram" if histogram else "summary, NULL"
        stored = rollups.joined(
            [
                rollup_bytes.decode(summary, counts, level.period)
                for summary, counts in self._database.rows(
                    f"SELECT {wanted} FROM rollups"  # noqa: S608  constants
                    " WHERE kind = ? AND level = ? AND block BETWEEN ? AND ? ORDER BY block",
                    (code, level.code, start // level.block, (end - 1) // level.block),
                )
            ]
        )
        if stale:
            stored = stored.take(~np.isin(stored.at // HOUR_US, np.array(sorted(stale))))
            stored = rollups.joined([stored, self._summarised(kind, sorted(stale), level)])
        if len(stored.at) and (stored.at[0] < start or stored.at[-1] >= end):
            stored = stored.take((stored.at >= start) & (stored.at < end))
        return stored

    def verify(self, newest: Callable[[Kind], set[int]]) -> None:
        """See that every roll-up is what its readings come to, while there are any.

        `newest` gives the hours of a kind with readings that were not sealed yet. Raises `DamagedError`
        naming the first roll-up that is not. Hours without a reading are passed over: theirs were deleted,
        and the roll-up is what is left of them.
        """
        for (code,) in self._database.rows("SELECT DISTINCT kind FROM rollups"):
            kind = rows.kind_of(code)
            skipped = np.array(
                sorted(
                    {h for (h,) in self._database.rows("SELECT hour FROM stale WHERE kind = ?", (code,))}
                    | newest(kind)
                ),
                np.int64,
            )
            hours: tuple[int | None, Totals] = (None, rollups.NOTHING)
            for (day,) in self._database.rows(
                "SELECT block FROM rollups WHERE kind = ? AND level = ? ORDER BY block", (code, MINUTES.code)
            ):
                start = day * MINUTES.block
                if hours[0] != start // HOURS.block:
                    block = start // HOURS.block
                    hours = block, self._block(kind, HOURS, block, histogram=True) or rollups.NOTHING
                found = self._summarised(kind, list(range(day * 24, day * 24 + 24)), MINUTES)
                found = found.take(~np.isin(found.at // HOUR_US, skipped))
                told = self._block(kind, MINUTES, day, histogram=True) or rollups.NOTHING
                self._compare(kind, told, found)
                self._compare(kind, hours[1], rollups.coarser(found, HOUR_US))

    def _compare(self, kind: Kind, told: Totals, found: Totals) -> None:
        told = told.take(np.isin(told.at // HOUR_US, found.at // HOUR_US))
        flat = zip((*told[:6], *told.histogram), (*found[:6], *found.histogram), strict=True)
        if not all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in flat):
            raise DamagedError(
                f"{self._database.path} is damaged: a roll-up of {kind.value} is not what its readings say."
            )


def _runs(hours: list[int], most: int) -> list[tuple[int, int]]:
    """Put hours that follow each other together, so many at most: first and last of each run."""
    runs: list[tuple[int, int]] = []
    for hour in hours:
        if runs and runs[-1][1] == hour - 1 and hour - runs[-1][0] < most:
            runs[-1] = (runs[-1][0], hour)
        else:
            runs.append((hour, hour))
    return runs
