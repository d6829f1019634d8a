"""Writing whole files or none: a good file is never replaced by half of one."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` by way of a temporary file beside it; readable by its owner only.

    Raises `ExportError` that names the path; what was there before is then untouched.
    """
    with staged(path, data):
        pass


@contextmanager
def staged(path: Path, data: bytes) -> Iterator[None]:
    """Have `data` whole and durable beside `path` while the block runs, and at `path` when it ended well.

    For what may only be there if something else was done: where the block raises, nothing was written. Raises
    as `write_whole` does.
    """
    temporary = None
    try:
        if path.is_dir():  # seen now, not when the block has done what cannot be undone
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        _forget(temporary)
        raise _told(path, error) from error
    try:
        yield
    except BaseException:
        _forget(temporary)
        raise
    try:
        os.replace(temporary, path)
    except OSError as error:
        _forget(temporary)
        raise _told(path, error) from error


def _forget(temporary: str | None) -> None:
    if temporary is not None:
        Path(temporary).unlink(missing_ok=True)


def _told(path: Path, error: OSError) -> ExportError:
    hint = _HINTS.get(error.errno or 0, "Choose another folder.")
    return ExportError(f"{path} could not be written: {error.strerror or error}.", hint)
