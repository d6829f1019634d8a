"""The encrypted file itself: made, connected to, and its troubles put into words.

SQLite3 Multiple Ciphers encrypts and authenticates each page, in the file and in its journal, under the raw
data key (`raw:`, so no second key derivation runs). AEGIS-256 where the CPU computes AES itself,
ChaCha20-Poly1305 where not; both draw a fresh nonce for each page written. What is left in the open: bytes
0-15 (the store's id, as the cipher's salt), 16-23 (page size and the like), and the number of pages. A page
put back whole from an older copy of the same file is not noticed; one changed, cut or moved is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from healthslm.errors import DamagedError, StoreError
from healthslm.store import files, schema

PAGE = 4096
_RESERVED = {"aegis": 64, "chacha20": 32}  # bytes a page for nonce and tag
_SALT = 16
_INCREMENTAL = 2  # of auto_vacuum
_BACK = (
    "Leave the folder as it is and put back a copy of it; readings in undamaged parts may still be"
    " recovered from the damaged one."
)

Row = tuple[Any, ...]


def suitable_cipher(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return `aegis` where the CPU has AES instructions, else `chacha20`.

    Linux lists them as `aes` under `flags` (x86) or `Features` (64-bit Arm; a Raspberry Pi 4 has none).
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "chacha20"
    features = (line.partition(":") for line in lines)
    has_aes = any(name.strip() in ("flags", "Features") and "aes" in has.split() for name, _, has in features)
    return "aegis" if has_aes else "chacha20"


def make(path: Path, *, key: bytes, store_id: bytes, cipher: str) -> None:
    """Make an encrypted database with the newest tables, in WAL mode, with nothing left in its journal."""
    files.make_private(path)  # SQLite would let others read it; its journal takes over the mode
    with translated(path):
        connection = prepared(path, key=key, store_id=store_id, cipher=cipher)
        try:
            connection.pragma("journal_mode", "wal")
            _configure(connection, 0)
            connection.pragma("application_id", schema.APPLICATION_ID)
            schema.migrate(connection, path)
        finally:
            connection.close()


def prepared(path: Path, *, key: bytes, store_id: bytes, cipher: str) -> apsw.Connection:
    """Open an empty file as a database with nothing in it yet, whose pages will be encrypted with the key."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.pragma("page_size", PAGE)
        unlock(connection, key + store_id, cipher)
        connection.pragma("auto_vacuum", "incremental")  # so that what is deleted makes the file smaller
    except BaseException:
        connection.close()
        raise
    return connection


def connect(
    path: Path, *, key: bytes, store_id: bytes, cipher: str, patience_s: float, vfs: str | None = None
) -> apsw.Connection:
    """Open the encrypted database with its data key; nothing is written.

    `patience_s` is how long a write waits for another process to finish its own; `vfs` is SQLite's name for
    another way to the disk than the usual one, a failing one say.

    Raises `DamagedError` for a file that is cut, changed or not ours. The journal is not folded into the
    file on closing until `check_acknowledged` has passed, so that nothing of a damaged one is thrown away.
    """
    with translated(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)
        try:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            trouble = _header_trouble(connection, path, store_id, cipher)
            # A power cut while the journal is folded in may leave the first page half written: SQLite takes
            # it from the journal then, and the salt, which is not there, from what it is told here.
            if trouble and not _has_journal(path):
                raise trouble
            unlock(connection, key + store_id, cipher)
            try:
                _configure(connection, patience_s)
                ours = connection.pragma("application_id") == schema.APPLICATION_ID
            except _DAMAGE:
                if trouble:
                    raise trouble from None
                raise
            if not ours:
                raise trouble or DamagedError(f"{path} is not a database of healthslm.", _BACK)
        except BaseException:
            connection.close()
            raise
    return connection


def check_acknowledged(connection: apsw.Connection, path: Path, mark: files.Mark) -> None:
    """See that every acknowledged commit is there, which SQLite does not: it cuts a damaged journal short.

    Raises `DamagedError` naming the journal and how many commits are missing.
    """
    promised = mark.read()  # before the count, which may grow meanwhile
    with translated(path):
        found = schema.commits(connection)
        if found < promised:
            raise DamagedError(
                f"{path} lacks the last {promised - found} of {promised} acknowledged commits: its journal"
                f" {path.name}-wal is damaged, cut or missing.",
                f"Make a copy of the folder first. Then put back an older copy, or delete {mark.path}"
                " to go on without what is missing.",
            )
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)


def migrate(connection: apsw.Connection, path: Path) -> None:
    """Bring the tables up to date; writes only when they are older than this healthslm."""
    with translated(path):
        schema.migrate(connection, path)


def _header_trouble(
    connection: apsw.Connection, path: Path, store_id: bytes, cipher: str
) -> DamagedError | None:
    """Say what is wrong with the 24 bytes in the open, which the cipher authenticates in part or not at all.

    Read through SQLite: closing a file of our own would drop the locks of other connections in this process.
    """
    _, header = connection.read("main", 0, 0, 24)
    size = path.stat().st_size
    if header[:16] == b"SQLite format 3\x00":
        return DamagedError(f"{path} is a plain SQLite database, not the encrypted store.", _BACK)
    if size < PAGE or size % PAGE:
        return DamagedError(f"{path} is cut: its {size} bytes are not whole pages of {PAGE}.", _BACK)
    alike = sum(a == b for a, b in zip(header[:_SALT], store_id, strict=True))
    layout = bytes((PAGE >> 8, PAGE & 255, 2, 2, _RESERVED[cipher], 64, 32, 32))  # sqlite.org/fileformat.html
    if alike <= _SALT // 2:
        return DamagedError(
            f"{path} and the keys.json beside it belong to different stores.",
            "Put the two back together from one copy of the folder.",
        )
    if alike < _SALT or header[_SALT:] != layout:
        return DamagedError(f"{path} is damaged: its first bytes are not what was written.", _BACK)
    return None


def _has_journal(path: Path) -> bool:
    journal = path.with_name(path.name + "-wal")
    return journal.exists() and journal.stat().st_size > 0


def unlock(connection: apsw.Connection, key: bytes, cipher: str) -> None:
    """Give a connection its key, 32 bytes, and for a new file 16 of salt. Raises `StoreError`."""
    connection.pragma("cipher", cipher)
    try:
        said = connection.pragma("hexkey", (b"raw:" + key).hex())
    except apsw.Error:
        said = None
    if said != "ok":  # what SQLite says of it could quote the key
        raise StoreError("The encrypted database did not take its key.", "Install healthslm anew.") from None


def _configure(connection: apsw.Connection, patience_s: float) -> None:
    connection.set_busy_timeout(round(patience_s * 1000))
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", True)
    connection.pragma("temp_store", "memory")
    connection.pragma("secure_delete", True)
    connection.pragma("trusted_schema", False)
    connection.pragma("cell_size_check", True)


class Database:
    """A connection whose troubles are `StoreError`s that name the file and what to do."""

    def __init__(self, connection: apsw.Connection, path: Path, in_use: files.InUse | None = None) -> None:
        self.path = path
        self._in_use = in_use
        self._connection = connection

    def __repr__(self) -> str:
        return f"Database({str(self.path)!r})"

    @property
    def identity(self) -> bytes:
        """The store's id, which stands at the beginning of the file in the open."""
        _, header = self._connection.read("main", 0, 0, _SALT)
        return bytes(header)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; an error may have rolled it back."""
        try:
            return self._connection.in_transaction
        except _TROUBLES as error:
            raise _translation(self.path, error) from None

    @property
    def changes(self) -> int:
        """How many rows were written by this connection so far."""
        return self._connection.total_changes()

    def begin_at_once(self) -> None:
        """Begin to write if no other process does. Raises `StoreError` at once where one does."""
        patience_ms = self.value("PRAGMA busy_timeout")
        self.rows("PRAGMA busy_timeout = 0")
        try:
            self.rows("BEGIN IMMEDIATE")
        finally:
            self.rows(f"PRAGMA busy_timeout = {int(patience_ms)}")

    def rows(self, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        try:  # not `translated`: it takes longer than most statements, and this is called for every reading
            return self._connection.execute(sql, bindings).fetchall()
        except _TROUBLES as error:
            raise _translation(self.path, error) from None

    def each(self, sql: str, bindings: Sequence[Any] = ()) -> Iterator[Row]:
        """Run one statement and yield its rows, for when there are many."""
        with translated(self.path):
            yield from self._connection.execute(sql, bindings)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads of a block see the same moment, whatever other processes write meanwhile."""
        if self.in_transaction:
            yield
            return
        self.rows("BEGIN")
        try:
            yield
        finally:
            if self.in_transaction:
                self.rows("ROLLBACK")

    @property
    def version(self) -> int:
        """A number that changes with each commit of another connection."""
        return int(self.value("PRAGMA data_version"))

    def value(self, sql: str, bindings: Sequence[Any] = ()) -> Any:
        """Run one statement and return the first column of its first row, or `None`."""
        rows = self.rows(sql, bindings)
        return rows[0][0] if rows else None

    def many(self, sql: str, bindings: Iterable[Sequence[Any]]) -> None:
        """Run one statement once for each of the bindings."""
        try:
            self._connection.executemany(sql, bindings)
        except _TROUBLES as error:
            raise _translation(self.path, error) from None

    def shrink(self) -> None:
        """Give the space of deleted rows back to the disk, outside of a transaction."""
        if self.value("PRAGMA auto_vacuum") != _INCREMENTAL:  # a store of before there was retention
            self.rows("PRAGMA auto_vacuum = incremental")
            self.rows("VACUUM")
        self.rows("PRAGMA incremental_vacuum")
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def verify(self) -> None:
        """Read and check every page in use. Raises `DamagedError` with the first thing found."""
        found = self.rows("PRAGMA integrity_check(1)")
        if found != [("ok",)]:
            raise DamagedError(f"{self.path} is damaged: {found[0][0]}.", _BACK)
        if self.rows("PRAGMA foreign_key_check"):
            raise DamagedError(f"{self.path} is damaged: readings whose device is gone.", _BACK)

    def close(self) -> None:
        """Fold the journal in, if nobody else has the file open, and let it go."""
        try:
            with translated(self.path):
                self._connection.close()
        finally:
            if self._in_use is not None:
                self._in_use.close()


_TROUBLES = (apsw.Error, OSError, UnicodeError)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours. The cause is kept off: it may quote a statement with health data."""
    try:
        yield
    except _TROUBLES as error:
        raise _translation(path, error) from None


_DAMAGE = (apsw.NotADBError, apsw.CorruptError, apsw.FormatError)
_DAMAGE_IO = (apsw.SQLITE_IOERR_SHORT_READ, apsw.SQLITE_IOERR_CORRUPTFS, apsw.SQLITE_IOERR_DATA)
_RETRY = "What was acknowledged is safe; what was not is kept and tried again at the next commit."
_MINE = "See that the folder belongs to you and that its disk is not read-only."
_NO_ENTRY = (apsw.ReadOnlyError, apsw.PermissionsError, apsw.AuthError, apsw.CantOpenError)
# By the kind of error, the first that fits: what happened ({path} and the like filled in), and what to do.
_SAYINGS: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    ((apsw.FullError,), "The disk under {folder} is full.", f"Free some space. {_RETRY}"),
    (
        (apsw.BusyError, apsw.LockedError),
        "Another process is writing to {path} and did not finish in time.",
        "Try again, or end the other one first.",
    ),
    (_NO_ENTRY, "{path} cannot be opened for writing.", _MINE),
    (
        (apsw.IOError,),
        "The disk under {folder} did not read or write what it was asked to (SQLite code {code}).",
        f"See that it is neither full nor failing. {_RETRY}",
    ),
    (
        (apsw.ConnectionClosedError, apsw.CursorClosedError),
        "{path} was closed already.",
        "Open the store again.",
    ),
    (
        (apsw.ThreadingViolationError,),
        "{path} was used by two threads at once.",
        "Let one wait for the other.",
    ),
    ((apsw.NoMemError,), "There is not enough free memory to use {path}.", "End another program."),
    ((OSError,), "{path} cannot be read.", _MINE),
    ((UnicodeError,), "A text is not Unicode and cannot be kept in {path}.", "Mend the text."),
    ((Exception,), "{path} did not do what it was asked to (SQLite code {code}).", "Please report this."),
)


def _translation(path: Path, error: Exception) -> StoreError:
    code = getattr(error, "extendedresult", 0)
    if isinstance(error, _DAMAGE) or code in _DAMAGE_IO:
        return DamagedError(f"{path} is damaged: it is cut or its bytes were changed.", _BACK)
    said, next_step = next((said, do) for kinds, said, do in _SAYINGS if isinstance(error, kinds))
    return StoreError(said.format(path=path, folder=path.parent, code=code), next_step)
