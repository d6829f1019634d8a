"""Writing whole files or none: a good file is never replaced by half of one."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

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
def staged(files: Iterable[tuple[Path, Fill]]) -> Iterator[list[Path]]:
    """Have files whole and durable beside their places while the block runs, and there when it ended well.

    Yields where they are until then. Whatever is raised on the way, by the disk, by what fills a file or by
    the block, leaves all that was there before. Raises `ExportError` that names the path.
    """
    finished: list[tuple[Path, Path]] = []
    try:
        for path, fill in files:
            with _naming(path):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if path.is_dir():  # said now, not when the block has done what cannot be undone
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
                finished.append((Path(name), path))
                with os.fdopen(handle, "wb") as file:
                    fill(file)
                    file.flush()
                    os.fsync(file.fileno())
        yield [temporary for temporary, _ in finished]
        for temporary, path in finished:
            with _naming(path):
                temporary.replace(path)
    finally:
        for temporary, _ in finished:
            temporary.unlink(missing_ok=True)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "Choose another folder.")
        raise ExportError(f"{path} could not be written: {error.strerror or error}.", hint) from error
