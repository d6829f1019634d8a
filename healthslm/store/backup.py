"""A backup: the store as it is at one moment, in one encrypted file that has been read back.

Made while others write: it holds a snapshot, which keeps nobody waiting. The pages are encrypted anew under
the same data key, so `keys.json`, which is put in too, is all that another machine needs beside a passphrase
or the recovery words. What the file looks like is in container.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import apsw

from healthslm.clock import utc_now
from healthslm.errors import DamagedError, StoreError, UsageError
from healthslm.store import container, database, files, keys, rows, schema
from healthslm.store.access import Access
from healthslm.store.container import Header, Progress
from healthslm.store.database import Database
from healthslm.store.store import Store

PART = ".part"
_STEP_PAGES = 512
_DENSE = 3
"""The tables' version since which readings are more than rows."""
_WRITE_TROUBLES = (
    apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_TRUNCATE, apsw.SQLITE_IOERR_DIR_FSYNC,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in a backup: times are aware UTC, `first` and `last` those of the readings.

    `store_id` is the store's, `commits` how often it had been written to, `tables` the version of its tables.
    """

    made: datetime
    store_id: bytes
    readings: int
    first: datetime | None
    last: datetime | None
    devices: int
    alerts: int
    commits: int
    tables: int
    size: int


def write(
    access: Access,
    target: Path,
    *,
    clock: Callable[[], datetime] = utc_now,
    replace: bool = False,
    progress: Progress | None = None,
) -> Contents:
    """Back up the store to the new file `target`, and return what the file, read back, turned out to hold.

    With `replace` it may take the place of an older backup. Until it is whole and read back it has another
    name; ended before, there is the old one or none. Raises `UsageError` for a target that cannot be meant,
    `StoreError` when a disk is full or fails, `DamagedError` when the store, or what was written, is damaged.
    """
    return _written(access, _checked(access.folder, target, replace=replace), clock(), progress)


def write_beside(access: Access, name: str, *, clock: Callable[[], datetime] = utc_now) -> Path:
    """Keep a copy of the store in its own folder, in place of one of that name, for what may go wrong now."""
    target = access.folder / name
    _written(access, target, clock(), None)
    return target


def read(path: Path, secret: str, progress: Progress | None = None) -> tuple[Header, bytes, Contents]:
    """Unlock a backup, read all of it, and say what is in it; returns also its header and the data key.

    Raises `LockedError` for a secret that does not open it, `DamagedError` for a file that is not what was
    written, `StoreError` for one of a newer healthslm.
    """
    header = container.read_header(path)
    key = keys.unlock(path, header.key_file, secret)
    container.check_seal(path, header, key, progress)
    return header, key, contents(path, header, key, at=header.database_at)


def _checked(folder: Path, target: Path, *, replace: bool) -> Path:
    """Return where the target is in truth. Raises `UsageError` when nothing good can come of it."""
    try:
        place = target.expanduser().resolve()
        there = place.lstat() if os.path.lexists(place) else None
        parent_is_folder = place.parent.is_dir()
    except (OSError, RuntimeError) as error:
        raise UsageError(f"{target} cannot be used: {error}.", "Name another file.") from error
    if there is not None and stat.S_ISDIR(there.st_mode):
        raise UsageError(f"{target} is a folder.", f"Name a file in it, like {target / 'today.backup'}.")
    if there is not None and not stat.S_ISREG(there.st_mode):
        raise UsageError(f"{target} is no plain file but a device or the like.", "Name a file on a disk.")
    if not parent_is_folder:
        raise UsageError(f"The folder {place.parent} is not there.", "Make it, or connect its disk.")
    if place.is_relative_to(folder.resolve()):
        raise UsageError(
            f"{target} is inside the store's own folder: what takes the one takes the other.",
            "Name a file on another disk.",
        )
    if there is not None and not replace:
        raise UsageError(f"{target} is already there.", "Name a new file, or say --replace.")
    if there is not None and not container.is_backup(place):
        raise UsageError(f"{target} is no backup of healthslm; it was left as it is.", "Name a new file.")
    return place


def _written(access: Access, target: Path, made: datetime, progress: Progress | None) -> Contents:
    with _part_of(target) as part:
        header, tables = _fill(access, part, target, made, progress)
        _seal(part, header, access.key)
        container.check_seal(part, container.read_header(part), access.key, progress)
        found = contents(part, header, access.key, at=header.database_at, tables=tables)
        files.rename(part, target)
    return found


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """Give the unfinished backup its file: ours alone, gone if anything fails, taken over from one killed."""
    part = target.with_name(f".{target.name}{PART}")
    try:
        descriptor = os.open(
            part, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600
        )
    except OSError as error:
        raise StoreError(
            f"{target} cannot be written: {error.strerror}.",
            "See that the folder belongs to you and that its disk is neither full nor read-only.",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"Another backup to {target} is at work.", "Wait for it.") from error
        except OSError:
            pass  # a file system without locks
        try:
            os.ftruncate(descriptor, 0)
            yield part
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    finally:
        os.close(descriptor)


def _fill(
    access: Access, part: Path, target: Path, made: datetime, progress: Progress | None
) -> tuple[Header, dict[str, int]]:
    """Write the header and the database; returns the header, and how many rows each table has."""
    source_path = access.folder / "store.db"
    key_file = keys.KeyFile.read(access.folder / "keys.json")  # the slots as they are now
    store_id, cipher = access.key_file.store_id, access.key_file.cipher
    source = database.connect(source_path, key=access.key, store_id=store_id, cipher=cipher, patience_s=5)
    try:
        mark = files.Mark(access.folder / "store.mark", store_id)
        try:
            database.check_acknowledged(source, source_path, mark)
        finally:
            mark.close()
        with database.translated(source_path):
            source.execute("BEGIN")
            tables = _tables(source)
            pages = int(source.pragma("page_count"))
        size = pages * database.PAGE
        head = container.header_bytes(made, key_file.to_bytes(), size)
        _see_that_there_is_room(target, len(head) + size)
        _put(part, 0, head, target)
        _copy_pages(source, source_path, part, len(head), access, progress)
    finally:
        source.close()
    header = Header(made=made, key_file=key_file, database_at=len(head), database_bytes=size)
    found = part.stat().st_size
    if found != len(head) + size:
        raise StoreError(f"The backup has {found} bytes where {len(head) + size} were written.", "Try again.")
    return header, tables


def _copy_pages(
    source: apsw.Connection, source_path: Path, part: Path, at: int, access: Access, progress: Progress | None
) -> None:
    store_id, cipher = access.key_file.store_id, access.key_file.cipher
    copy = container.connect(part, at, key=access.key + store_id, cipher=cipher, write=True)
    try:
        with database.translated(source_path), copy.backup("main", source, "main") as copying:
            while not copying.done:
                try:
                    copying.step(_STEP_PAGES)
                except (apsw.FullError, apsw.IOError) as error:
                    if (
                        isinstance(error, apsw.FullError)
                        or getattr(error, "extendedresult", 0) in _WRITE_TROUBLES
                    ):
                        raise _full(part) from None
                    raise
                if progress:
                    done = copying.page_count - copying.remaining
                    progress("backing up", done * database.PAGE, copying.page_count * database.PAGE)
    finally:
        copy.close()


def _see_that_there_is_room(target: Path, size: int) -> None:
    with contextlib.suppress(OSError):  # a file system that does not say; then we shall see
        free = shutil.disk_usage(target.parent).free
        if free < size:
            raise StoreError(
                f"The disk under {target.parent} has {free / 1e6:.0f} MB left; the backup takes"
                f" {size / 1e6:.0f} MB.",
                "Free some space, or name a file on another disk.",
            )


def _full(part: Path) -> StoreError:
    return StoreError(
        f"The disk under {part.parent} is full or failed: the backup was not finished,"
        " and nothing is kept of it.",
        "Free some space, or name a file on another disk.",
    )


def _put(part: Path, at: int, content: bytes, target: Path) -> None:
    """Write a piece of the file that is no part of the database."""
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.lseek(descriptor, at, os.SEEK_SET)
            left = memoryview(content)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        raise _full(target) from None


def _seal(part: Path, header: Header, key: bytes) -> None:
    """Put the seal under the file, make it durable, and see to it that reading it back asks the medium."""
    seal = container.sealer(key, header.key_file.store_id)
    with part.open("rb") as file:
        while piece := file.read(1 << 20):
            seal.update(piece)
    _put(part, header.database_at + header.database_bytes, seal.finalize(), part)
    with part.open("rb") as file, contextlib.suppress(OSError):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _tables(connection: apsw.Connection) -> dict[str, int]:
    """Return how many rows each table has."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {name: int(connection.execute(f'SELECT count(*) FROM "{name}"').get) for name in names}  # noqa: S608


def contents(
    path: Path, header: Header, key: bytes, *, at: int = 0, tables: dict[str, int] | None = None
) -> Contents:
    """Check a backup's database, which begins at `at` in a file, and say what is in it.

    With `tables`, how many rows each has to have. Raises `DamagedError`, and `StoreError` for a newer
    healthslm's.
    """
    connection = container.connect(path, at, key=key, cipher=header.key_file.cipher)
    try:
        with database.translated(path):
            if connection.pragma("application_id") != schema.APPLICATION_ID:
                raise DamagedError(f"{path} holds another program's database.", "Take another backup.")
            version = int(connection.pragma("user_version"))
            if version > len(schema.MIGRATIONS):
                raise StoreError(
                    f"{path} was written by a newer healthslm (tables {version}, this one knows"
                    f" {len(schema.MIGRATIONS)}).",
                    "Update healthslm.",
                )
            inside = Database(connection, path)
            inside.verify()
            if tables is not None and _tables(connection) != tables:
                raise DamagedError(f"{path} does not hold what the store holds.", "Make the backup again.")
            if version < _DENSE:
                sql = "SELECT count(*), min(time), max(time) FROM readings"
                readings, *ends = inside.rows(sql)[0]
                first, last = (None if end is None else rows.moment(end) for end in ends)
            else:
                store = Store(inside, files.Mark(path / "none", b""), 0)
                readings, (first, last) = store.count(), store.span() or (None, None)
            return Contents(
                made=header.made,
                store_id=header.key_file.store_id,
                readings=readings,
                first=first,
                last=last,
                devices=int(inside.value("SELECT count(*) FROM devices WHERE added")),
                alerts=int(inside.value("SELECT count(*) FROM alerts")),
                commits=schema.commits(connection),
                tables=version,
                size=header.total_bytes,
            )
    finally:
        connection.close()
