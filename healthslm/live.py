"""The last hours of readings in memory, as the windows that rules look at: no query per notification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from healthslm.readings import Kind, Reading, Window, instant

_TICK = timedelta(microseconds=1)
_ROOM = 1024
"""Readings a kind has room for at first."""


class _Column:
    """The readings of one kind, sorted by time, in arrays that grow at the end and are trimmed in front."""

    def __init__(self) -> None:
        self._times = np.empty(_ROOM, dtype="datetime64[us]")
        self._values = np.empty(_ROOM, dtype=np.float64)
        self._ids = np.empty(_ROOM, dtype=np.int64)
        self._quality = np.empty(_ROOM, dtype=np.int16)
        self._low = self._high = 0

    def _arrays(self) -> tuple[NDArray[np.generic], ...]:
        return self._times, self._values, self._ids, self._quality

    def _make_room(self, oldest: np.datetime64) -> None:
        """Drop what is older than `oldest`; grow only when that did not free half of the room."""
        self._low += int(np.searchsorted(self._times[self._low : self._high], oldest))
        kept = self._high - self._low
        size = len(self._times) * (2 if kept > len(self._times) // 2 else 1)
        moved = []
        for array in self._arrays():
            new = np.empty(size, dtype=array.dtype)
            new[:kept] = array[self._low : self._high]
            moved.append(new)
        self._times, self._values, self._ids, self._quality = moved
        self._low, self._high = 0, kept

    def add(self, reading: Reading, oldest: np.datetime64) -> None:
        time = instant(reading.time)
        if time < oldest:
            return
        if self._high == len(self._times):
            self._make_room(oldest)
        at = self._high
        if at > self._low and time < self._times[at - 1]:  # a late one: make its place
            at = self._low + int(np.searchsorted(self._times[self._low : self._high], time, side="right"))
            for array in self._arrays():
                array[at + 1 : self._high + 1] = array[at : self._high].copy()
        self._times[at] = time
        self._values[at] = reading.value
        self._ids[at] = reading.id if reading.id is not None else -1
        self._quality[at] = int(reading.quality)
        self._high += 1

    def load(self, window: Window) -> None:
        """Take over a window as the column's beginning."""
        size = max(_ROOM, 2 * len(window))
        self._times, self._values, self._ids, self._quality = (
            np.concatenate((array, np.empty(size - len(window), dtype=array.dtype)))
            for array in (window.times, window.values, window.ids, window.quality)
        )
        self._low, self._high = 0, len(window)

    def window(self, kind: Kind, start: datetime, end: datetime) -> Window:
        whole = slice(self._low, self._high)
        low, high = self._low + np.searchsorted(self._times[whole], [instant(start), instant(end)])
        return Window(
            kind=kind,
            start=start,
            end=end,
            times=self._times[low:high],
            values=self._values[low:high],
            ids=self._ids[low:high],
            quality=self._quality[low:high],
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
