"""A clock that several processes share: a week passes in minutes, and for all of them at once.

Who keeps it sets it; the others read it from the same sixteen bytes. It has two hands, as a machine has: the
wall clock, which may be set wrong and right again, and seconds that only ever go on.
"""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

_HANDS = struct.Struct("<qq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


class SharedClock:
    """Tells what the file at `path` says; it is made where it is not there yet.

    Calling it gives the wall clock, aware, in UTC; `seconds` is the counter.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_HANDS.size))
        with path.open("r+b") as file:
            self._hands = mmap.mmap(file.fileno(), _HANDS.size)

    def set(self, wall: datetime, seconds: float) -> None:
        """Move both hands."""
        _HANDS.pack_into(self._hands, 0, (wall - _EPOCH) // _US, round(seconds * 1e6))

    def __call__(self) -> datetime:
        """Tell the time."""
        wall: int = _HANDS.unpack_from(self._hands, 0)[0]
        return _EPOCH + wall * _US

    def seconds(self) -> float:
        """Count the seconds."""
        return float(_HANDS.unpack_from(self._hands, 0)[1] / 1e6)
