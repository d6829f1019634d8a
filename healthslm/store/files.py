"""Small files beside the database: written whole or not at all, readable by their owner only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from healthslm.errors import DamagedError, StoreError

_OWNER_ONLY = 0o600
_POLL_S = 0.01


def _trouble(doing: str, path: Path, error: OSError) -> StoreError:
    reason = error.strerror or type(error).__name__
    return StoreError(
        f"{path} cannot be {doing}: {reason}.",
        "See that the folder belongs to you and that its disk is neither full nor read-only.",
    )


def make_private_folder(folder: Path) -> None:
    """Make `folder` (mode 0700) and its parents; one that is there already keeps its mode."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if not folder.is_dir():
            raise NotADirectoryError(20, "something that is no folder is in its place")
    except OSError as error:
        raise _trouble("made", folder, error) from error


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Keep others from making, restoring or updating a store in `folder` meanwhile.

    Waits for one that is at it, or without `wait` raises `StoreError`.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _trouble("read", folder, error) from error
    try:
        with contextlib.suppress(OSError):  # a file system without locks has to do without
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    f"Another process is making a store in {folder}.", "Wait until it is done, and open that."
                ) from None
        yield
    finally:
        os.close(descriptor)


class InUse:
    """A lock on a store's folder: many hold it who have the store open, or one who replaces its files.

    It is on a file of its own, `store.lock`, which is never replaced. Where there can be none (a read-only
    medium, a file system without locks) it holds nothing back.
    """

    NAME = "store.lock"

    def __init__(self, folder: Path, *, alone: bool, patience_s: float) -> None:
        """Wait up to `patience_s` for the lock. Raises `StoreError` when others hold it for longer."""
        self._descriptor: int | None = None
        path = folder / self.NAME
        with contextlib.suppress(OSError):
            self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _OWNER_ONLY)
        if self._descriptor is None:
            return
        way = fcntl.LOCK_NB | (fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        until = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(self._descriptor, way)
            except BlockingIOError:
                if time.monotonic() >= until:
                    self.close()
                    raise _in_use(folder, alone=alone) from None
                time.sleep(_POLL_S)
            except OSError:
                return
            else:
                return

    def close(self) -> None:
        """Let others in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _in_use(folder: Path, *, alone: bool) -> StoreError:
    if alone:
        return StoreError(
            f"The store in {folder} is open elsewhere.",
            "Stop `healthslm run`, or wait for the other command, and say it again. Nothing was changed.",
        )
    return StoreError(
        f"The store in {folder} is being replaced by another process.", "Wait until that is done."
    )


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read; it must not be there yet."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))
    except OSError as error:
        raise _trouble("written", path, error) from error


def write_private(path: Path, content: bytes) -> None:
    """Put `content` at `path` as a whole, durably: after a power cut the old is there or the new."""
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _trouble("written", path, error) from error


def rename(path: Path, to: Path) -> None:
    """Give a finished file its name, durably."""
    try:
        path.replace(to)
        sync_folder(to.parent)
    except OSError as error:
        raise _trouble("written", to, error) from error


def remove(path: Path) -> None:
    """Take a file away if it is there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _trouble("removed", path, error) from error


def destroy(path: Path) -> None:
    """Overwrite a file, or all the files of a folder, and take it away; what is not there is fine.

    On flash memory the old cells may outlive that for a while: what counts is that they are encrypted.
    """
    if path.is_dir() and not path.is_symlink():
        for part in path.iterdir():
            destroy(part)
        path.rmdir()
        return
    if path.is_file() and not path.is_symlink():
        with path.open("r+b") as file:
            left = path.stat().st_size
            while left > 0:
                left -= file.write(bytes(min(left, 1 << 20)))
            file.flush()
            os.fsync(file.fileno())
    path.unlink(missing_ok=True)


def read_bounded(path: Path, limit: int) -> bytes:
    """Read a small file; one that is no plain file or longer than `limit` bytes raises `DamagedError`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited on for ever
            raise DamagedError(
                f"{path} is no plain file.", "Put the real one back from a copy of the folder."
            )
        if status.st_size > limit:
            raise DamagedError(
                f"{path} has {status.st_size} bytes; healthslm writes at most {limit}.",
                "Put the real one back from a copy of the folder.",
            )
        return path.read_bytes()
    except OSError as error:
        raise _trouble("read", path, error) from error


class Mark:
    """How many commits were acknowledged, in a file of its own beside the database.

    SQLite takes the first journal frame whose checksum fails for the end of the journal: after a power cut
    that is right, after a flipped bit it silently drops everything committed later. The mark is the second
    witness. It is written after the commit is durable and never synced itself, so it may say too little
    (after a power cut) but never too much. Missing or garbled it says 0: it can warn, never get in the way.
    """

    _LAYOUT = struct.Struct(">4sQI")  # magic, commits, CRC-32 over magic, commits and the store's id
    _MAGIC = b"HSLM"

    def __init__(self, path: Path, store_id: bytes) -> None:
        self.path = path
        self._store_id = store_id
        self._descriptor: int | None = None
        with contextlib.suppress(OSError):  # without its witness the store works all the same
            self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NONBLOCK, _OWNER_ONLY)

    def _pack(self, commits: int) -> bytes:
        check = zlib.crc32(struct.pack(">4sQ", self._MAGIC, commits) + self._store_id)
        return self._LAYOUT.pack(self._MAGIC, commits, check)

    def read(self) -> int:
        """Return how many commits were acknowledged at least."""
        if self._descriptor is None:
            return 0
        try:
            content = os.pread(self._descriptor, self._LAYOUT.size, 0)
        except OSError:
            return 0
        if len(content) != self._LAYOUT.size:
            return 0
        commits: int = self._LAYOUT.unpack(content)[1]
        return commits if content == self._pack(commits) else 0

    def write(self, commits: int) -> None:
        """Note that so many commits are durable. A failure is no failure of the commit, so it is silent."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._descriptor, self._pack(commits), 0)

    @contextlib.contextmanager
    def turn(self, patience_s: float) -> Iterator[None]:
        """Queue up to write: who waits for the database's lock keeps the others from taking it first.

        SQLite only polls for its lock, so a process that writes all the time would nearly always win against
        one that wants to write once. Nobody is held up for longer than `patience_s`, turn or no turn.
        """
        mine = False
        for _ in range(max(1, round(patience_s / _POLL_S))):
            if self._descriptor is None:
                break
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_POLL_S)
            except OSError:
                break  # a file system without locks: SQLite's own have to do
            else:
                mine = True
                break
        try:
            yield
        finally:
            if mine and self._descriptor is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
