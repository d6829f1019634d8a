"""Writes what is heard while locked, so that a power cut takes a second of it at the most."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import Event, Identity, LinkEvent, LinkState, Notification
from device.records import line_of
from healthslm.sealed.choice import Choice
from healthslm.sealed.frames import LONGEST, Frames, begin
from healthslm.sealed.reading import FOLDER, SUFFIX, damaged_in, sealed_in

_LOG = logging.getLogger(__name__)
WAITING = 200_000
"""Events that are kept in memory while the disk takes none: a day of everything."""
_FRAME = LONGEST // 2
_FILE = 4 << 20
"""Bytes of a file: then another is begun, with another key."""


class Sealer:
    """Seals events into files of the store's folder. Use as a context; `flush` makes durable what was added.

    What a file was sealed with is in this process for as long as it writes that file, and nowhere after.
    """

    def __init__(
        self,
        folder: Path,
        choice: Choice,
        random: Callable[[int], bytes] = os.urandom,
        write: Callable[[int, bytes], int] = os.write,
        most: int = WAITING,
    ) -> None:
        self._folder = folder / FOLDER
        self._choice = choice
        self._random = random
        self._written = write
        self._most = most
        self._waiting: list[bytes] = []
        self._descriptor: int | None = None
        self._frames: Frames | None = None
        self._size = 0
        self._failed = False
        self.sealed = 0
        """Notifications that are on the disk."""
        self.lost = 0
        """Events that there was no room for: the disk took none, and memory was full."""

    def __enter__(self) -> Sealer:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush(last=True)
        self.lost += len(self._waiting)

    def add(self, event: Event, monotonic_ns: int = 0) -> None:
        """Add an event; of the links only that something was lost on the way."""
        if isinstance(event, LinkEvent) and event.state is not LinkState.DROPPED:
            return
        assert isinstance(event, (Notification, Identity, LinkEvent))  # noqa: S101  there are no others
        if len(self._waiting) >= self._most:
            self.lost += 1
            return
        self._waiting.append(line_of(event, monotonic_ns))

    def flush(self, *, last: bool = False) -> None:
        """Write what waits, durably; what the disk does not take goes on waiting, and is logged once."""
        try:
            while self._waiting:
                self._put()
            if last and self._frames is not None:
                self._end()
            self._failed = False
        except OSError as error:
            if not self._failed:
                _LOG.error(
                    "What is heard cannot be written: %s. It waits in memory.", error.strerror or error
                )
            self._failed = True

    def _put(self) -> None:
        if self._frames is None or self._descriptor is None:
            self._begin()
        assert self._frames is not None  # noqa: S101  `_begin` made it
        count = size = 0
        for line in self._waiting:
            if count and size + len(line) > _FRAME:
                break
            count, size = count + 1, size + len(line)
        taken = self._waiting[:count]
        self._write(self._frames.seal(b"".join(taken)))
        del self._waiting[:count]
        self.sealed += sum(b'"value"' in line for line in taken)
        if self._size > _FILE:
            self._end()

    def _begin(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        home = self._folder.parent
        # A number that was given stays given: what was found changed is kept under it.
        number = 1 + max((int(path.stem) for path in [*sealed_in(home), *damaged_in(home)]), default=0)
        # By the folder itself: a link in its place would take what is sealed elsewhere.
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(f"{number:08}{SUFFIX}", flags, 0o600, dir_fd=folder)
            self._size = 0
            own = X25519PrivateKey.from_private_bytes(self._random(32))
            head, self._frames = begin(self._choice.public, own)
            self._write(head)
            os.fsync(folder)
        finally:
            os.close(folder)

    def _end(self) -> None:
        assert self._frames is not None  # noqa: S101  who calls knows that a file is open
        frames, self._frames = self._frames, None
        self._write(frames.seal(b"", last=True))
        self._close()

    def _write(self, content: bytes) -> None:
        """Write all of it or nothing, durably; a file that took a part is left, and another begun.

        Raises `OSError`. The reader takes a file for what it holds up to where it was cut off.
        """
        assert self._descriptor is not None  # noqa: S101  who calls opened it
        try:
            done = 0
            while done < len(content):
                done += self._written(self._descriptor, content[done:])
            os.fsync(self._descriptor)
            self._size += done
        except OSError:
            try:
                os.ftruncate(self._descriptor, self._size)
                if self._size == 0:
                    self._remove_empty()
            finally:
                self._frames = None
                self._close()
            raise

    def _remove_empty(self) -> None:
        there = sealed_in(self._folder.parent)
        if there and there[-1].stat().st_size == 0:
            there[-1].unlink()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
