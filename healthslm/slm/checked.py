"""Whether the model's files are those that were built, without reading 77 MB at every start.

Every file is hashed once; its hash is then remembered in `checked.json` beside the manifest, with the size,
the inode and the two times (of the content and of the inode) that the file system keeps. A file of which any
of these differs is hashed again. That takes a damaged, cut, replaced or edited file, and one whose time was
put back; not a medium that gives other bytes back for a file that nobody wrote to, nor somebody who may write
this folder and makes manifest and record agree with it. Against the first `healthslm doctor`, `model info`
and `model build` hash every byte; whoever can do the second can change the program too.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from healthslm.slm.source import check_hash

RECORD = "checked.json"
_HINT = "Build it again: healthslm model build."


def check_files(folder: Path, hashes: Mapping[str, str], *, all_bytes: bool = False) -> None:
    """Compare a folder's files with their SHA-256: those that changed since the last time, or all.

    Raises `ModelError` naming the file and both hashes. A folder that cannot be written remembers nothing.
    """
    before = {} if all_bytes else _remembered(folder)
    now = {}
    for name, expected in hashes.items():
        state = _state(folder / name, expected)
        if before.get(name) != state:
            check_hash(folder / name, expected, f"The language model's file {folder / name}", _HINT)
        now[name] = state
    if now != before:
        _remember(folder, now)


def _state(path: Path, expected: str) -> list[str | int]:
    found = path.stat()
    return [expected, found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def _remembered(folder: Path) -> Mapping[str, object]:
    """What was seen last; nothing where it cannot be read."""
    try:
        record = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _remember(folder: Path, states: Mapping[str, object]) -> None:
    with contextlib.suppress(OSError):
        new = folder / f".{RECORD}.{os.getpid()}"
        new.write_text(json.dumps(states), encoding="ascii")
        new.replace(folder / RECORD)
