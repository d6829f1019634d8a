"""The last hours of readings in memory, as the windows that rules look at: no query per notification."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from healthslm.readings import KINDS, Kind, Reading, Window, micro, micros

_TICK = timedelta(microseconds=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_ROOM = 1024
"""Readings a kind has room for at first."""
_MOST = 256
"""New readings that wait at most."""


class _Column:
    """The readings of one kind, sorted by time, in arrays that grow at the end and are trimmed in front.

    New ones wait in a list until somebody looks: writing into an array one by one takes ten times as long,
    and so does finding the place of each late one.
    """

    def __init__(self, number: Callable[[str], int]) -> None:
        self._number = number
        self._several = False
        self._devices = np.empty(_ROOM, dtype=np.int32)
        self._times = np.empty(_ROOM, dtype=np.int64)
        self._values = np.empty(_ROOM, dtype=np.float64)
        self._ids = np.empty(_ROOM, dtype=np.int64)
        self._quality = np.empty(_ROOM, dtype=np.int16)
        self._low = self._high = 0
        self._new: list[Reading] = []
        self._oldest = _LONG_AGO

    @property
    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return self._times, self._values, self._ids, self._quality, self._devices

    def add(self, reading: Reading, oldest: datetime) -> None:
        """Take in a reading, unless it is older than `oldest`."""
        if reading.time < oldest:
            return
        self._oldest = oldest
        self._new.append(reading)
        if len(self._new) >= _MOST:
            self._settle()

    def _settle(self) -> None:
        """Write what waits into the arrays, late ones in their places."""
        new, self._new = self._new, []
        if not new:
            return
        if self._high + len(new) > len(self._times):
            self._make_room(len(new))
        at, end = self._high, self._high + len(new)
        times = self._times[at:end]
        times[:] = [micro(r.time) for r in new]
        self._values[at:end] = [r.value for r in new]
        self._ids[at:end] = [-1 if r.id is None else r.id for r in new]
        self._quality[at:end] = [r.quality.value for r in new]
        devices = self._devices[at:end]
        devices[:] = [self._number(r.device) for r in new]
        if not self._several:
            self._several = bool((devices != self._devices[self._low]).any())
        self._high = end
        before = self._times[at - 1] if at > self._low else times[0]
        if times[0] < before or (len(new) > 1 and (times[1:] < times[:-1]).any()):
            self._sort(self._low + int(self._times[self._low : at].searchsorted(times.min(), side="right")))

    def _sort(self, start: int) -> None:
        """Bring everything from `start` on into the order of time; what came first stays first."""
        order = start + self._times[start : self._high].argsort(kind="stable")
        for array in self._arrays:
            array[start : self._high] = array[order]

    def _make_room(self, more: int) -> None:
        """Drop what is too old; grow only when that did not free half of the room."""
        low = self._low + int(np.searchsorted(self._times[self._low : self._high], micro(self._oldest)))
        kept = self._high - low
        size = len(self._times)
        while size < 2 * (kept + more):
            size *= 2
        for name in ("_times", "_values", "_ids", "_quality", "_devices"):
            old = getattr(self, name)
            array = np.empty(size, dtype=old.dtype)
            array[:kept] = old[low : self._high]
            setattr(self, name, array)
        self._low, self._high = 0, kept

    def load(self, window: Window, device: int) -> None:
        """Take over a window as the column's beginning; `device` sent it, where one alone did."""
        size = max(_ROOM, 2 * len(window))
        self._several = window.devices is not None
        devices = np.full(len(window), device, np.int32) if window.devices is None else window.devices
        for name, part in (
            ("_times", micros(window)),
            ("_values", window.values),
            ("_ids", window.ids),
            ("_quality", window.quality),
            ("_devices", devices),
        ):
            array = np.empty(size, dtype=getattr(self, name).dtype)
            array[: len(window)] = part
            setattr(self, name, array)
        self._low, self._high = 0, len(window)

    def window(self, kind: Kind, start: datetime, end: datetime) -> Window:
        """Return the readings in `[start, end)`."""
        self._settle()
        times = self._times[self._low : self._high]
        low = self._low + int(times.searchsorted(micro(start)))
        high = self._low + int(times.searchsorted(micro(end)))
        return Window(
            kind=kind,
            start=start,
            end=end,
            times=self._times[low:high].view("M8[us]"),
            values=self._values[low:high],
            ids=self._ids[low:high],
            quality=self._quality[low:high],
            devices=self._devices[low:high] if self._several and KINDS[kind].holds else None,
        )


class Live:
    """Windows over the last `reach` of each kind, fed reading by reading; other kinds are not kept.

    `numbers` are those by which the store tells devices apart, whose windows are loaded.

    A window shares memory with the next ones: use it before adding more.
    """

    def __init__(
        self, reach: Mapping[Kind, timedelta], numbers: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        self._reach = reach
        self._numbers = dict(numbers)
        self._columns: dict[Kind, _Column] = {}

    def load(self, window: Window, device: str = "") -> None:
        """Begin with what is already known of a kind, as after a restart; `device` sent it, if one alone."""
        column = self._columns[window.kind] = _Column(self._number)
        column.load(window, self._number(device))

    def _number(self, address: str) -> int:
        number = self._numbers.get(address)
        if number is None:
            number = self._numbers[address] = max(self._numbers.values(), default=0) + 1
        return number

    def add(self, readings: Iterable[Reading], now: datetime) -> None:
        """Take in readings; what is older than the reach is left out."""
        reach, columns = self._reach, self._columns
        for reading in readings:
            far = reach.get(reading.kind)
            if far is None:
                continue
            column = columns.get(reading.kind)
            if column is None:
                column = columns[reading.kind] = _Column(self._number)
            column.add(reading, now - far)

    def windows(self, kinds: Iterable[Kind], now: datetime, back: timedelta) -> Mapping[Kind, Window]:
        """Return the windows `[now - back, now]` of some kinds; an empty one where nothing came."""
        start, end = now - back, now + _TICK
        return {
            kind: column.window(kind, start, end)
            if (column := self._columns.get(kind))
            else Window.of(kind, start, end, ())
            for kind in kinds
        }
