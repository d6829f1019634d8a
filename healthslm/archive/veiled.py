"""A file on the disk that only this process can read, for what is large and must not lie open.

It has no name, and what is in it is encrypted (AES-256 in counter mode, so that any place can be read) under
a key that is drawn for it and kept nowhere. When it is closed, or the process ends, it is gone.
"""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

if TYPE_CHECKING:
    from typing_extensions import Buffer

_BLOCK = 16


class Veiled(io.RawIOBase):
    """Such a file, in a folder. To be written once from its beginning, then read anywhere."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._key = os.urandom(32)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed with this one
        self._at = self._size = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def writable(self) -> bool:
        """It can be written, at its end."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def write(self, data: Buffer, /) -> int:
        """Add bytes at the end. No place is written twice, so none shares a key stream with another."""
        plain = bytes(data)
        self._file.seek(self._size)
        self._file.write(self._mixed(plain, self._size))
        self._size += len(plain)
        self._at = self._size
        return len(plain)

    def readinto(self, buffer: Buffer, /) -> int:
        """Read what fits."""
        view = memoryview(buffer).cast("B")
        self._file.seek(self._at)
        found = self._mixed(self._file.read(len(view)), self._at)
        view[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _mixed(self, data: bytes, at: int) -> bytes:
        """Encrypt what is to stand at a place, or decrypt what stands there: the same thing."""
        counter = (at // _BLOCK).to_bytes(_BLOCK, "big")
        stream = Cipher(algorithms.AES(self._key), modes.CTR(counter)).encryptor()
        stream.update(bytes(at % _BLOCK))
        return stream.update(data)

    def close(self) -> None:
        """Let it go."""
        self._file.close()
        super().close()
