"""The last hours of readings in memory, as the windows that rules look at: no query per notification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import numpy as np

from healthslm.readings import Kind, Reading, Window, instant

_TICK = timedelta(microseconds=1)
_ROOM = 1024
"""Readings a kind has room for at first."""
_ROW = np.dtype([("time", "M8[us]"), ("value", "f8"), ("id", "i8"), ("quality", "i2")])


class _Column:
    """The readings of one kind, sorted by time, in an array that grows at the end and is trimmed in front."""

    def __init__(self) -> None:
        self._rows = np.empty(_ROOM, dtype=_ROW)
        self._low = self._high = 0

    def _make_room(self, oldest: np.datetime64) -> None:
        """Drop what is older than `oldest`; grow only when that did not free half of the room."""
        self._low += int(np.searchsorted(self._rows["time"][self._low : self._high], oldest))
        kept = self._rows[self._low : self._high]
        rows = np.empty(len(self._rows) * (2 if len(kept) > len(self._rows) // 2 else 1), dtype=_ROW)
        rows[: len(kept)] = kept
        self._rows, self._low, self._high = rows, 0, len(kept)

    def add(self, reading: Reading, oldest: np.datetime64) -> None:
        time = instant(reading.time)
        if time < oldest:
            return
        if self._high == len(self._rows):
            self._make_room(oldest)
        at = self._high
        if at > self._low and time < self._rows["time"][at - 1]:  # a late one: make its place
            times = self._rows["time"][self._low : self._high]
            at = self._low + int(np.searchsorted(times, time, side="right"))
            self._rows[at + 1 : self._high + 1] = self._rows[at : self._high].copy()
        self._rows[at] = (time, reading.value, -1 if reading.id is None else reading.id, int(reading.quality))
        self._high += 1

    def load(self, window: Window) -> None:
        """Take over a window as the column's beginning."""
        self._rows = np.empty(max(_ROOM, 2 * len(window)), dtype=_ROW)
        filled = self._rows[: len(window)]
        filled["time"], filled["value"] = window.times, window.values
        filled["id"], filled["quality"] = window.ids, window.quality
        self._low, self._high = 0, len(window)

    def window(self, kind: Kind, start: datetime, end: datetime) -> Window:
        rows = self._rows[self._low : self._high]
        low, high = np.searchsorted(rows["time"], [instant(start), instant(end)])
        part = rows[low:high]
        return Window(
            kind=kind,
            start=start,
            end=end,
            times=part["time"],
            values=part["value"],
            ids=part["id"],
            quality=part["quality"],
        )


class Live:
    """Windows over the last `reach`, fed reading by reading.

    A window shares memory with the next ones: use it before adding more.
    """

    def __init__(self, reach: timedelta) -> None:
        self._reach = reach
        self._columns: dict[Kind, _Column] = {}

    def load(self, window: Window) -> None:
        """Begin with what is already known of a kind, as after a restart."""
        column = self._columns[window.kind] = _Column()
        column.load(window)

    def add(self, readings: Iterable[Reading], now: datetime) -> None:
        """Take in readings; what is older than the reach is left out."""
        oldest = instant(now - self._reach)
        for reading in readings:
            self._columns.setdefault(reading.kind, _Column()).add(reading, oldest)

    def windows(self, kinds: Iterable[Kind], now: datetime, back: timedelta) -> Mapping[Kind, Window]:
        """Return the windows `[now - back, now]` of some kinds; an empty one where nothing came."""
        start, end = now - back, now + _TICK
        return {
            kind: column.window(kind, start, end)
            if (column := self._columns.get(kind))
            else Window.of(kind, start, end, ())
            for kind in kinds
        }
