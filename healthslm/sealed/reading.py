"""Reads what was sealed while the store was locked."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import Event, RecordError
from device.records import event_of
from healthslm.errors import DamagedError, StoreError
from healthslm.sealed.frames import HEAD, LONGEST, Frames, opened

_LOG = logging.getLogger(__name__)
FOLDER, SUFFIX, DAMAGED = "sealed", ".sealed", ".damaged"
_TAG = 16


def sealed_in(folder: Path) -> list[Path]:
    """Return the sealed files of a store's folder, the oldest first."""
    return _numbered(folder, SUFFIX)


def damaged_in(folder: Path) -> list[Path]:
    """Return the files that were found changed, and are kept; the oldest first."""
    return _numbered(folder, DAMAGED)


def _numbered(folder: Path, suffix: str) -> list[Path]:
    found = (folder / FOLDER).glob(f"*{suffix}")
    return sorted(path for path in found if path.stem.isascii() and path.stem.isdigit() and path.is_file())


def read(path: Path, keys: Sequence[X25519PrivateKey]) -> Iterator[Event]:
    """Yield the events of a file, in the order in which they were heard.

    One that was cut off, as by a power cut, ends where it was cut. Raises `DamagedError`, after what comes
    before it, for a file that was changed, or that none of the keys opens; `StoreError` for one that the disk
    does not give now.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            if len(head) < HEAD:
                return
            first = _frame(file)
            if first is None:
                return
            frames, lines, last = _begun(head, first, keys)
            while True:
                yield from _events(lines, path)
                if last:
                    return
                sealed = _frame(file)
                if sealed is None:
                    _LOG.info("%s was not ended: power was cut, or the program.", path.name)
                    return
                lines, last = frames.open(sealed)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror or error}.",
            "It is kept, and read again at the next start.",
        ) from error
    except DamagedError as error:
        raise DamagedError(
            f"{path} was changed or is another store's. {error.message}",
            "What comes before it is taken in; the file is kept.",
        ) from error


def _begun(head: bytes, first: bytes, keys: Sequence[X25519PrivateKey]) -> tuple[Frames, bytes, bool]:
    """Return the frames of a file, the first of them opened. Raises `DamagedError` for none of these keys."""
    for key in keys:
        frames = opened(head, key)
        try:
            return frames, *frames.open(first)
        except DamagedError:
            continue
    raise DamagedError("None of the store's keys opens it.")


def _frame(file: BinaryIO) -> bytes | None:
    """Read a frame; `None` where there is no whole one. Raises `DamagedError` for an impossible length."""
    size = file.read(4)
    if len(size) < 4:
        return None
    length = int.from_bytes(size, "big")
    if not _TAG <= length <= LONGEST + _TAG:
        raise DamagedError("A frame has a length that none has.")
    sealed = file.read(length)
    return sealed if len(sealed) == length else None


def _events(lines: bytes, path: Path) -> Iterator[Event]:
    for line in lines.splitlines():
        try:
            yield event_of(line, path.name)[0]
        except RecordError as error:  # as of a newer version: the others are none the worse
            _LOG.error("%s", error)
