"""Writing whole files or none: a good file is never replaced by half of one."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from healthslm.errors import ExportError

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


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` by way of a temporary file beside it; readable by its owner only.

    Raises `ExportError` that names the path; what was there before is then untouched.
    """
    write_together([(path, lambda file: _put(file, data))])


def write_together(files: Iterable[tuple[Path, Fill]]) -> None:
    """Write files by way of temporary ones beside them, which take their places when all are finished.

    Whatever is raised on the way, by the disk or by what fills a file, leaves all that was there before.
    Raises `ExportError` that names the path.
    """
    finished: list[tuple[str, Path]] = []
    try:
        for path, fill in files:
            with _naming(path):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if path.is_dir():  # said now, not when others have taken their places
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
                finished.append((temporary, path))
                with os.fdopen(handle, "wb") as file:
                    fill(file)
                    file.flush()
                    os.fsync(file.fileno())
        for temporary, path in finished:
            with _naming(path):
                os.replace(temporary, path)
    finally:
        for temporary, _ in finished:
            Path(temporary).unlink(missing_ok=True)


def _put(file: BinaryIO, data: bytes) -> None:
    file.write(data)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "Choose another folder.")
        raise ExportError(f"{path} could not be written: {error.strerror or error}.", hint) from error
