"""The file of a backup: a header, the encrypted database as it is, and a seal over both.

```
 0  "healthslm backup"       16 bytes
16  version                  uint32, big-endian as all here: 1
20  H, where the database begins: a whole number of pages of 4096
24  D, the database's length  uint64
32  J, the length of the JSON below  uint32
36  SHA-256 of bytes 0-35 and of the JSON
68  JSON: {"made": time, "keys": what keys.json said}; then zeros up to H
 H  the database, its pages encrypted and authenticated with the data key
H+D HMAC-SHA256 of everything before it, under HKDF-SHA256(data key, salt: the store's id,
    info: "healthslm backup 1")
```

The JSON stands in the open: when it was made, and the key slots, which are of no use without a passphrase or
the recovery words. What was measured, how much and of whom is in the database only. The digest tells damage
to the header from a wrong passphrase; the seal finds any other change, also pages put together from two
backups, which the database's own authentication of single pages would not.

SQLite writes and reads the database where it lies, through a VFS that adds H to every offset: nothing is
written twice.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import stat
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NoReturn
from urllib.parse import quote

import apsw
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from healthslm.errors import DamagedError, StoreError
from healthslm.store import database
from healthslm.store.keys import KEY_BYTES, KeyFile

MAGIC = b"healthslm backup"
VERSION = 1
SEAL_BYTES = 32
_FIXED = struct.Struct(">16sIIQI")
_JSON_AT = _FIXED.size + 32
_MOST_HEADER = 1 << 20
_CHUNK = 1 << 20
_OTHER = "Take another backup; healthslm backup --list shows those of the schedule."

Progress = Callable[[str, int, int], None]
"""`progress(step, done, total)`, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a backup says in the open: when it was made (aware), its key slots, where the database lies."""

    made: datetime
    key_file: KeyFile
    database_at: int
    database_bytes: int

    @property
    def total_bytes(self) -> int:
        """How long the whole file is."""
        return self.database_at + self.database_bytes + SEAL_BYTES


def header_bytes(made: datetime, keys: bytes, database_bytes: int) -> bytes:
    """Write the header, zeros up to the database included."""
    said = json.dumps({"made": made.isoformat(), "keys": keys.decode()}).encode()
    length = -(-(_JSON_AT + len(said)) // database.PAGE) * database.PAGE
    fixed = _FIXED.pack(MAGIC, VERSION, length, database_bytes, len(said))
    return (fixed + hashlib.sha256(fixed + said).digest() + said).ljust(length, b"\0")


def is_backup(path: Path) -> bool:
    """Say whether a file begins as a backup does."""
    try:
        with _opened(path) as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, StoreError):
        return False


def read_header(path: Path) -> Header:
    """Read what a backup says in the open.

    Raises `DamagedError` for a file that is cut, changed or no backup, `StoreError` for one of a newer
    healthslm and one that cannot be read.
    """
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            return _parsed(path, file, size)
    except OSError as error:
        _unreadable(path, error)


def _parsed(path: Path, file: BinaryIO, size: int) -> Header:
    fixed = file.read(_FIXED.size)
    if fixed[: len(MAGIC)] != MAGIC[: len(fixed)] or not fixed:
        raise DamagedError(f"{path} is no backup of healthslm.", "Name the file that `backup` wrote.")
    if len(fixed) < _FIXED.size:
        raise DamagedError(f"{path} is cut: it ends after {size} bytes.", _OTHER)
    _, version, database_at, database_bytes, said_bytes = _FIXED.unpack(fixed)
    if version > VERSION:
        raise StoreError(
            f"{path} is a backup of version {version}; this healthslm knows {VERSION}.", "Update healthslm."
        )
    damaged = DamagedError(f"{path} is damaged: its header is not what was written.", _OTHER)
    if database_at > _MOST_HEADER or said_bytes > _MOST_HEADER:
        raise damaged
    digest, said = file.read(32), file.read(said_bytes)
    if size < database_at + database_bytes + SEAL_BYTES and len(said) < said_bytes:
        raise DamagedError(f"{path} is cut: it ends after {size} bytes, within its header.", _OTHER)
    if digest != hashlib.sha256(fixed + said).digest() or database_at < _JSON_AT + said_bytes:
        raise damaged
    try:
        fields = json.loads(said)
        made, keys = datetime.fromisoformat(fields["made"]), fields["keys"].encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise damaged from None
    if made.tzinfo is None or database_at % database.PAGE or database_bytes % database.PAGE:
        raise damaged
    key_file = KeyFile.parse(keys, path)
    header = Header(made=made, key_file=key_file, database_at=database_at, database_bytes=database_bytes)
    if size != header.total_bytes:
        more = "is cut" if size < header.total_bytes else "has grown"
        raise DamagedError(f"{path} {more}: it has {size} of {header.total_bytes} bytes.", _OTHER)
    return header


def sealer(key: bytes, store_id: bytes) -> HMAC:
    """Return what seals a backup of a store, to be fed everything before the seal."""
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=store_id, info=b"healthslm backup 1")
    return HMAC(kdf.derive(key), SHA256())


def sealed_parts(path: Path, header: Header, key: bytes, progress: Progress | None = None) -> Iterator[bytes]:
    """Yield the database's bytes; at the end compare the seal.

    Raises `DamagedError` when it does not fit, so what was yielded is to be trusted only after the end.
    """
    seal = sealer(key, header.key_file.store_id)
    try:
        with _opened(path) as file:
            seal.update(file.read(header.database_at))
            left = header.database_bytes
            while left:
                part = file.read(min(left, _CHUNK))
                if not part:
                    raise DamagedError(f"{path} was cut while it was read.", _OTHER)
                seal.update(part)
                left -= len(part)
                yield part
                if progress:
                    progress("reading it back", header.database_bytes - left, header.database_bytes)
            found = file.read(SEAL_BYTES)
    except OSError as error:
        _unreadable(path, error)
    try:
        seal.verify(found)
    except InvalidSignature:
        raise DamagedError(f"{path} is damaged: its seal does not fit what is in it.", _OTHER) from None


def check_seal(path: Path, header: Header, key: bytes, progress: Progress | None = None) -> None:
    """Read the whole file and compare its seal. Raises `DamagedError`."""
    for _ in sealed_parts(path, header, key, progress):
        pass


def connect(path: Path, database_at: int, *, key: bytes, cipher: str, write: bool = False) -> apsw.Connection:
    """Open the database inside a file, to read it as it lies there, or to `write` it anew."""
    _register()
    uri = f"file:{quote(os.fsencode(path.absolute()))}?at={database_at}"
    if write:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
    else:
        flags, uri = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, uri + "&immutable=1"
    with database.translated(path):
        connection = apsw.Connection(uri, flags=flags, vfs="multipleciphers-" + _Inside.NAME)
        try:
            connection.pragma("page_size", database.PAGE)
            database.unlock(connection, key, cipher)
            if write:  # nothing has to survive: what is cut short is thrown away as a whole
                connection.pragma("journal_mode", "off")
                connection.pragma("synchronous", "off")
            else:
                connection.pragma("trusted_schema", False)
                connection.pragma("temp_store", "memory")
        except BaseException:
            connection.close()
            raise
    return connection


class _InsideFile(apsw.VFSFile):
    def __init__(self, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._at = name.uri_int("at", 0) if isinstance(name, apsw.URIFilename) else 0
        super().__init__("unix", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802  SQLite's names
        return super().xRead(amount, offset + self._at)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset + self._at)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize + self._at)

    def xFileSize(self) -> int:  # noqa: N802
        return max(0, super().xFileSize() - self._at)


class _Inside(apsw.VFS):
    """Files of which SQLite sees what comes after the offset `at` of their URI."""

    NAME = "inside"

    def __init__(self) -> None:
        super().__init__(self.NAME, "unix")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _InsideFile(name, flags)


@functools.cache
def _register() -> _Inside:
    """Register the VFS once for good: the cipher's own on top of it would outlive it."""
    return _Inside()


def _opened(path: Path) -> BinaryIO:
    """Open a plain file to read. Raises `StoreError` for what is none: a pipe would be waited on for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreError(f"{path} is no plain file.", "Name the file that `backup` wrote.")
    return os.fdopen(descriptor, "rb")


def _unreadable(path: Path, error: OSError) -> NoReturn:
    raise StoreError(
        f"{path} cannot be read: {error.strerror or type(error).__name__}.",
        "See that it is there, that it belongs to you, and that its disk is connected.",
    ) from error
