"""What pyrage reads from and writes to, so that what goes wrong there is heard in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Sink(Protocol):
    """What bytes can be written to: a file, or what passes for one."""

    def write(self, data: bytes, /) -> int: ...  # noqa: D102


class Source:
    """Pieces as a file to read; what goes wrong in making them is kept, for pyrage says it is its own."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""
        self.error: Exception | None = None

    def read(self, size: int) -> bytes:
        """Return some bytes, `size` at the most; none at the end."""
        try:
            while not self._left and (piece := next(self._pieces, None)) is not None:
                self._left = piece
        except Exception as error:
            self.error = error
            raise
        found, self._left = self._left[:size], self._left[size:]
        return found


class Target:
    """A file to write; what goes wrong in writing it is kept."""

    def __init__(self, file: Sink) -> None:
        self._file = file
        self.error: Exception | None = None

    def write(self, data: bytes) -> int:
        """Write, and keep what goes wrong."""
        try:
            return self._file.write(data)
        except Exception as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Whoever opened the file sees to that."""
