"""Writing whole files or none: a good file is never replaced by half of one."""

from __future__ import annotations

import errno
import os
import tempfile
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
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        hint = _HINTS.get(error.errno or 0, "Choose another folder.")
        raise ExportError(f"{path} could not be written: {error.strerror or error}.", hint) from error
