"""How far a store had come, noted outside its folder: an old copy put back in its place is noticed.

Everything in the folder may be put back together, its `store.mark` too, and fits together as it did. So the
number of commits, and the head of the audit trail's chain, are kept in the user's state folder as well, a
small file for each store and place. What is noted is durable in the store first, so it may say too little
(it is written at opening, at closing and once an hour, to spare the flash) and never too much.

Not noticed: an old copy put back together with the state folder, or in a place where it never was.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import apsw

from healthslm.errors import RolledBackError, StoreError
from healthslm.store import database, files, schema

EVERY_S = 3600.0
_LAYOUT = struct.Struct(">4sQQ32sI")  # magic, commits, audit entries, its head; CRC-32 over these and the id
_MAGIC = b"HSLW"
_NO_CHAIN = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How far a store had come: its commits, and how long its audit trail was and how that ended."""

    commits: int
    audits: int = 0
    chain: bytes = _NO_CHAIN


class Witness:
    """What is noted of one store in one place. Missing or garbled it says nothing and is in nobody's way."""

    def __init__(self, state: Path, folder: Path, store_id: bytes) -> None:
        name = hashlib.sha256(store_id + os.fsencode(folder.resolve())).hexdigest()[:32]
        self.path = state / "witness" / name
        self._store_id = store_id

    def _pack(self, seen: Seen) -> bytes:
        said = (_MAGIC, seen.commits, seen.audits, seen.chain)
        return _LAYOUT.pack(*said, zlib.crc32(_LAYOUT.pack(*said, 0) + self._store_id))

    def read(self) -> Seen | None:
        """Return what was noted last."""
        try:
            content = files.read_bounded(self.path, _LAYOUT.size)
        except StoreError:
            return None
        if len(content) != _LAYOUT.size:
            return None
        _, commits, audits, chain, _ = _LAYOUT.unpack(content)
        seen = Seen(commits=commits, audits=audits, chain=chain)
        return seen if content == self._pack(seen) else None

    def note(self, seen: Seen) -> None:
        """Note how far the store has come. It works without its witness, so a failure is silent."""
        with contextlib.suppress(StoreError):
            files.make_private_folder(self.path.parent)
            files.write_private(self.path, self._pack(seen))

    def forget(self) -> None:
        """Forget what was noted: the store is older from now on because somebody wants it so."""
        files.remove(self.path)


def look(connection: apsw.Connection) -> Seen:
    """Return how far a store has come."""
    commits = schema.commits(connection)
    if not _has_audit(connection):
        return Seen(commits=commits)
    entries = int(connection.execute("SELECT coalesce(max(id), 0) FROM audit").get)
    return Seen(commits=commits, audits=entries, chain=_chain_at(connection, entries) or _NO_CHAIN)


def check(connection: apsw.Connection, path: Path, witness: Witness) -> None:
    """See that a store is at least as far as it was seen, and has the same past. Raises `RolledBackError`."""
    seen = witness.read()  # before the store, which may grow meanwhile
    if seen is None:
        return
    with database.translated(path):
        found = look(connection)
        same_past = seen.audits == 0 or _chain_at(connection, seen.audits) == seen.chain
    if found.commits < seen.commits:
        why = f"it lacks the last {seen.commits - found.commits} of {seen.commits} commits that it had"
    elif not same_past:
        why = "its audit trail is not the one that it had"
    else:
        return
    raise RolledBackError(
        f"{path} was replaced by an older or another copy of itself: {why}.",
        "If you did not do that, put the right copy back, or restore the newest backup. To go on with this"
        f" one, delete {witness.path}.",
    )


class WatchedMark(files.Mark):
    """The mark of an open store, which passes on to a witness what was committed."""

    def __init__(
        self,
        path: Path,
        store_id: bytes,
        witness: Witness,
        connection: apsw.Connection,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(path, store_id)
        self._witness = witness
        self._connection = connection
        self._monotonic = monotonic
        self._noted_at = monotonic()
        self._noted = witness.read()
        self._closed = False

    def note(self) -> None:
        """Tell the witness how far the store is now, unless it was told already."""
        self._noted_at = self._monotonic()
        try:
            if self._connection.in_transaction:  # what is in it may never be committed
                return
            seen = look(self._connection)
        except apsw.Error:
            return  # whoever uses the store next hears of it
        if seen != self._noted:
            self._noted = seen
            self._witness.note(seen)

    def write(self, commits: int) -> None:
        """Note that so many commits are durable; once an hour the witness hears of it too."""
        super().write(commits)
        if not 0 <= self._monotonic() - self._noted_at < EVERY_S:
            self.note()

    def close(self) -> None:
        """Tell the witness, and let the file go."""
        if not self._closed:
            self._closed = True
            self.note()
        super().close()


def _has_audit(connection: apsw.Connection) -> bool:
    sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'audit'"
    return bool(connection.execute(sql).get)


def _chain_at(connection: apsw.Connection, entry: int) -> bytes | None:
    if not _has_audit(connection):
        return None
    found = connection.execute("SELECT chain FROM audit WHERE id = ?", (entry,)).fetchall()
    return _digest(found[0][0]) if found else None


def _digest(chain: object) -> bytes:
    return hashlib.sha256(chain if isinstance(chain, bytes) else repr(chain).encode()).digest()
