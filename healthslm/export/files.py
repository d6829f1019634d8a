"""Writing whole files or none: a good file is never replaced by half of one.

Until it is whole a file has no name, where the system can do that: what is killed on the way leaves nothing.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from healthslm.errors import ExportError

if TYPE_CHECKING:
    from typing_extensions import Buffer

_HINTS = {
    errno.ENOSPC: "The disk is full: make room and try again.",
    errno.EDQUOT: "Your share of the disk is full: make room and try again.",
    errno.EFBIG: "The file may not get that large here: choose another folder.",
    errno.EROFS: "It is read-only: choose another folder.",
    errno.EACCES: "You may not write there: choose another folder.",
    errno.EPERM: "You may not write there: choose another folder.",
    errno.ENOTDIR: "A part of the path is a file: choose another folder.",
    errno.EEXIST: "A file of that name is in the way: choose another folder.",
    errno.EISDIR: "A folder of that name is in the way: move it.",
}
Fill = Callable[[BinaryIO], None]
"""What puts a file's bytes into it, as many at a time as it likes."""


class _Bounded(io.BytesIO):
    """A file in memory that takes no more than so much."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Buffer, /) -> int:
        written = super().write(data)
        if self.tell() > self._most:
            raise ExportError(
                f"The files have more than {self._most / 1e6:.0f} MB, which is the most to be had at once.",
                "Choose a shorter period or fewer formats.",
            )
        return written


def filled(fill: Fill, most: int = 1 << 40) -> bytes:
    """Return a file's bytes, for what has to have all at once. Raises `ExportError` for more than `most`."""
    file = _Bounded(most)
    fill(file)
    return file.getvalue()


def filling(data: bytes) -> Fill:
    """Return what puts these bytes into a file."""

    def fill(file: BinaryIO) -> None:
        file.write(data)

    return fill


@contextmanager
def staged(files: Iterable[tuple[Path, Fill]]) -> Iterator[list[BinaryIO]]:
    """Have files whole and durable while the block runs, and at their places when it ended well.

    Yields them open, to be read. Whatever is raised on the way, by the disk, by what fills a file or by the
    block, leaves all that was there before. Raises `ExportError` that names the path.
    """
    with ExitStack() as stack:
        finished: list[_Waiting] = []
        for path, fill in files:
            with _naming(path):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if path.is_dir():  # said now, not when the block has done what cannot be undone
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                waiting = stack.enter_context(_waiting(path))
                fill(waiting.file)
                waiting.file.flush()
                os.fsync(waiting.file.fileno())
                finished.append(waiting)
        yield [one.file for one in finished]
        for one in finished:
            with _naming(one.path):
                if one.nameless:
                    # With a folder's number, which an absolute path has no use for, the link is followed.
                    os.link(_at(one.file.fileno()), one.name, src_dir_fd=one.folder)
                one.name.replace(one.path)
                os.fsync(one.folder)


class _Waiting(NamedTuple):
    """A file that is to be at `path`, and the `name` beside it from which it gets there."""

    file: BinaryIO
    path: Path
    name: Path
    folder: int
    nameless: bool


@contextmanager
def _waiting(path: Path) -> Iterator[_Waiting]:
    """Open a file for its owner only, without a name where the system has that."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    name = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = _nameless(path.parent)
        nameless = handle is not None
        if handle is None:
            handle, made = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
            name = Path(made)
        file = os.fdopen(handle, "w+b")
        try:
            yield _Waiting(file, path, name, folder, nameless)
        finally:
            with suppress(OSError):  # what is left to be written then could not be, and that was said
                file.close()
    finally:
        name.unlink(missing_ok=True)
        os.close(folder)


def _nameless(folder: Path) -> int | None:
    """Open a file without a name, or return `None`: not every system and file system has that."""
    try:
        handle = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except (AttributeError, OSError):  # what else is wrong with the folder is found again
        return None
    if os.path.exists(_at(handle)):
        return handle
    os.close(handle)
    return None


def _at(handle: int) -> str:
    return f"/proc/self/fd/{handle}"


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "Choose another folder.")
        raise ExportError(f"{path} could not be written: {error.strerror or error}.", hint) from error
