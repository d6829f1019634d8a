"""What came out of a link, kept in a file of JSON lines, and the same events out of that file again.

async with watch(addresses) as heard, capture(path, heard) as events:
    async for event in events: ...                # as without; the file is written by the way

async with replay(path, speed=60) as events:
    async for event in events: ...                # the same events, an hour in a minute

The file is not encrypted. Its format is described in docs/capture.md.
"""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from device.adapter import utc_now
from device.errors import RecordError
from device.events import Event
from device.records import CapturedDevice, Header, event_of, header_line, header_of, line_of

__all__ = ["CapturedDevice", "Header", "Replay", "capture", "replay"]

_LOG = logging.getLogger(__name__)
LONGEST_LINE = 65_536
"""Bytes of a line: the longest value of an attribute takes 1,024 digits."""
_TURN = 64  # events: a file never waits, so it lets the event loop turn by itself


class _File:
    """The file being written: whole lines, each handed to the system at once, so that a kill loses none."""

    def __init__(self, path: Path, header: Header, write: Callable[[int, bytes], int]) -> None:
        self._path = path
        self._write = write
        self._size = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._descriptor: int | None = os.open(path, flags, 0o600)
        except FileExistsError:
            raise RecordError(
                f"There is already a file {path}.", "Name another one: nothing is overwritten."
            ) from None
        except OSError as e:
            raise RecordError(f"{path} cannot be written: {e.strerror}.") from e
        try:
            self._put(self._descriptor, header_line(header))
        except OSError as e:
            self.close()
            path.unlink(missing_ok=True)
            raise RecordError(f"{path} cannot be written: {e.strerror}.") from e

    def _put(self, descriptor: int, line: bytes) -> None:
        done = 0
        while done < len(line):
            count = self._write(descriptor, line[done:])
            if count == 0:
                raise OSError(errno.EIO, "nothing was written")
            done += count
        self._size += done

    def add(self, event: Event, monotonic_ns: int) -> None:
        """Write one event. When that fails the file ends with the event before it, and a word in the log."""
        if self._descriptor is None:
            return
        try:
            self._put(self._descriptor, line_of(event, monotonic_ns))
        except OSError as e:
            _LOG.error(
                "%s: %s. The capture ends here; listening goes on.", self._path, e.strerror or "cannot write"
            )
            with suppress(OSError):  # where even that fails, the cut last line is left out when it is read
                os.ftruncate(self._descriptor, self._size)
            self.close()

    def close(self) -> None:
        """Close; does nothing the second time."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                os.close(descriptor)
            except OSError as e:
                _LOG.error("%s: %s. Its end may be missing.", self._path, e.strerror)


@asynccontextmanager
async def capture(
    path: Path,
    events: AsyncIterator[Event],
    *,
    devices: Sequence[CapturedDevice] = (),
    clock: Callable[[], datetime] = utc_now,
    monotonic_ns: Callable[[], int] = time.monotonic_ns,
    write: Callable[[int, bytes], int] = os.write,
) -> AsyncIterator[AsyncIterator[Event]]:
    """Pass the events on, and write each into a new file at `path`, readable by its owner only.

    `devices` is what the header says of them. An event is in the file, as far as this machine's memory goes,
    before it is passed on: a kill loses none, a power cut what the system had not put on the disk yet. A
    full disk ends the capture, which the log says, and never the events.

    Raises `RecordError` when the file is there already, or cannot be made.
    """
    file = _File(path, Header(clock(), tuple(devices)), write)
    try:
        yield _Passing(events, file, monotonic_ns)
    finally:
        file.close()


class _Passing(AsyncIterator[Event]):
    """The events, each written before it is passed on."""

    def __init__(self, events: AsyncIterator[Event], file: _File, monotonic_ns: Callable[[], int]) -> None:
        self._events = events
        self._file = file
        self._monotonic_ns = monotonic_ns

    async def __anext__(self) -> Event:
        event = await anext(self._events)
        self._file.add(event, self._monotonic_ns())
        return event


@dataclass(frozen=True, slots=True)
class _Pace:
    """When the next event is due: as it was recorded, divided by `speed`."""

    speed: float
    began: float
    first_ns: int

    def due(self, monotonic_ns: int) -> float:
        return self.began + (monotonic_ns - self.first_ns) / 1e9 / self.speed


class Replay(AsyncIterator[Event]):
    """The events of a captured file, in its order. `header` says when and of what; `cut` where it breaks off.

    Iterating raises `RecordError`, which names the line and what is wrong with it. Only a last line without
    its end is no error: the machine may have lost its power. `cut` and the log say so.
    """

    def __init__(
        self,
        path: Path,
        lines: io.BufferedReader,
        speed: float | None,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._path = path
        self._lines = lines
        self._number = 0
        self._speed = speed
        self._monotonic = monotonic
        self._sleep = sleep
        self._pace: _Pace | None = None
        self.cut = ""
        line = self._line()
        if line is None or not line.endswith(b"\n"):
            raise RecordError(f"{path}, line 1: there is no whole first line.", "Is it a healthslm capture?")
        self.header = header_of(line, f"{path}, line 1")

    @classmethod
    def open(
        cls,
        path: Path,
        speed: float | None,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> Self:
        """Open the file, and read its header."""
        try:
            if path.exists() and not path.is_file():  # opening a pipe would wait for its other end
                raise RecordError(f"{path} is not a regular file.")
            lines = path.open("rb")
        except OSError as e:
            raise RecordError(f"{path} cannot be read: {e.strerror}.") from e
        try:
            return cls(path, lines, speed, monotonic, sleep)
        except BaseException:
            lines.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def _line(self) -> bytes | None:
        """Read the next line, or `None` at the end."""
        self._number += 1
        try:
            line = self._lines.readline(LONGEST_LINE + 1)
        except OSError as e:
            raise RecordError(f"{self._path}, line {self._number} cannot be read: {e.strerror}.") from e
        if len(line) > LONGEST_LINE:
            raise RecordError(f"{self._path}, line {self._number}: it is longer than {LONGEST_LINE:,} bytes.")
        return line or None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        line = None if self.cut else self._line()
        if line is None:
            raise StopAsyncIteration
        where = f"{self._path}, line {self._number}"
        try:
            event, monotonic_ns = event_of(line, where)
        except RecordError:
            if line.endswith(b"\n"):
                raise
            self.cut = f"{where} is cut off; all lines before it are used."
            _LOG.warning("%s", self.cut)
            raise StopAsyncIteration from None
        if self._speed is not None:
            await self._wait(monotonic_ns, self._speed)
        elif self._number % _TURN == 0:
            await asyncio.sleep(0)
        return event

    async def _wait(self, monotonic_ns: int, speed: float) -> None:
        if self._pace is None:
            self._pace = _Pace(speed, self._monotonic(), monotonic_ns)
        # From the beginning, not from the event before: waits that are a little long must not add up.
        ahead = self._pace.due(monotonic_ns) - self._monotonic()
        await self._sleep(max(0.0, ahead))


@asynccontextmanager
async def replay(
    path: Path,
    *,
    speed: float | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Replay]:
    """Read a captured file back: the events as they came, with the times at which they came then.

    `speed` 1 is as fast as then, 60 an hour in a minute, `None` as fast as they are taken; nothing is
    dropped, whoever takes slowly makes it slower. Raises `RecordError` when the file cannot be read or is no
    capture, `ValueError` for a speed that is not above 0.
    """
    if speed is not None and not 0 < speed < float("inf"):
        raise ValueError(f"a speed is above 0, and finite: {speed}")
    events = Replay.open(path, speed, monotonic, sleep)
    try:
        yield events
    finally:
        events.close()
