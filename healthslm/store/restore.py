"""A backup put in place of a store, or where there is none.

The new store is made whole and checked in a folder of its own inside the store's, `restore.part`. Giving that
the name `restore.new` decides: whatever ends the process afterwards, the next one that opens the store first
moves the old files aside and the new ones into their place (`finish`). Ended before, nothing has changed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from healthslm.clock import utc_now
from healthslm.errors import DamagedError, HealthslmError, StoreError
from healthslm.store import backup, container, database, files, keys, schema
from healthslm.store.backup import Contents
from healthslm.store.container import Header, Progress

KEYS, DATABASE = "keys.json", "store.db"
_BESIDE = ("store.db-wal", "store.db-shm", "store.db-journal", "store.mark")
"""What belongs to the old database and would be taken for the new one's."""
_PATIENCE_S = 2.0
"""How long those are waited for who have the store open."""
DECIDED, UNDECIDED = "restore.new", "restore.part"
_OF_A_CHANGE = tuple(
    f"{folder}/store/{whose}" for folder in ("before-*", "not-started-*") for whose in ("", "people/*/")
)
_ASIDE, _DESTROY = "aside", "destroy"
_ASIDE_NAME = re.compile(r"replaced-[0-9]{8}T[0-9]{6}Z(-[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored, and the folder where the store is kept that it replaced, if there was one."""

    contents: Contents
    aside: Path | None


def is_under_way(folder: Path) -> bool:
    """Say whether a restore of this folder was decided and not finished."""
    return (folder / DECIDED).exists()


def finish(folder: Path) -> None:
    """Finish a restore that was ended after it was decided, and clear away one that was ended before."""
    if is_under_way(folder) or (folder / UNDECIDED).exists():
        with files.alone(folder):  # one that is at work is waited for
            if is_under_way(folder):
                _swap(folder)
            shutil.rmtree(folder / UNDECIDED, ignore_errors=True)


def copies(folder: Path) -> list[Path]:
    """Return what else than a store's own slots holds its data key: who erases must erase it too.

    That is in its folder, and in the copies that `device/pi/install.sh` keeps beside it.
    """
    there = [folder / DECIDED, folder / UNDECIDED, *folder.glob("replaced-*"), *folder.glob("*.backup")]
    return sorted(path for path in (*there, *_beside(folder)) if path.exists())


def _beside(folder: Path) -> Iterator[Path]:
    """Yield this store's slots in copies of before a change of the version, which may hold others' too."""
    mine = _store_id(folder / KEYS)
    if mine is None:
        return
    # Of the first person of a household, or of another: `store`, or `store/people/LABEL`.
    for place in (folder.parent, *folder.parents[2:3]):
        for pattern in _OF_A_CHANGE:
            for path in place.glob(pattern + KEYS):
                if _store_id(path) == mine:
                    yield path


def _store_id(path: Path) -> bytes | None:
    try:
        return keys.KeyFile.read(path).store_id
    except HealthslmError:
        return None


def restore(
    path: Path,
    folder: Path,
    secret: str,
    *,
    overwrite: bool = False,
    clock: Callable[[], datetime] = utc_now,
    decided: Callable[[bytes], None] = lambda _store_id: None,
    progress: Progress | None = None,
) -> Restored:
    """Put the store in the backup `path` into `folder`, and return what was in it.

    A store that is there and holds anything newer, belongs to another person or cannot be read is left as it
    is, unless `overwrite` is said; any that is replaced is kept whole in a folder beside. `decided(store_id)`
    is called before the first file is moved. Raises `LockedError` for a secret that does not open the backup,
    `DamagedError` for a backup that is not what was written, `StoreError` for what stands in the way.
    """
    header = container.read_header(path)
    key = keys.unlock(path, header.key_file, secret)
    files.make_private_folder(folder)
    with files.InUse(folder, alone=True, patience_s=_PATIENCE_S), files.alone(folder), _translated(folder):
        if is_under_way(folder):
            _swap(folder)
        part = folder / UNDECIDED
        try:
            _extract(path, header, key, part, progress)
            found = backup.contents(part / DATABASE, header, key)
            if not overwrite:
                _refuse_if_newer(folder, key, found)
            aside = _aside_for(folder, clock())
            (part / _ASIDE).write_text(aside.name, encoding="ascii")
            _sync(part / _ASIDE)
            files.sync_folder(part)
            decided(header.key_file.store_id)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        files.rename(part, folder / DECIDED)
        _swap(folder)
    return Restored(contents=found, aside=aside if aside.exists() else None)


def replace(folder: Path, prepare: Callable[[Path], None], *, now: datetime, destroy: bool) -> None:
    """Put what `prepare` writes into the folder it is given (keys and database) in place of a store's files.

    The old ones are kept in a folder beside, or with `destroy` overwritten and removed. Ended anywhere, it is
    the one or the other. Raises `StoreError` when the disk fails.
    """
    with files.InUse(folder, alone=True, patience_s=_PATIENCE_S), files.alone(folder), _translated(folder):
        if is_under_way(folder):
            _swap(folder)
        part = folder / UNDECIDED
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(mode=0o700)
            prepare(part)
            (part / _ASIDE).write_text(_aside_for(folder, now).name, encoding="ascii")
            if destroy:
                (part / _DESTROY).touch(mode=0o600)
            for written in part.iterdir():
                _sync(written)
            files.sync_folder(part)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        files.rename(part, folder / DECIDED)
        _swap(folder)


def need_room(folder: Path, size: int) -> None:
    """Raise `StoreError` when a disk has less room than that many bytes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise StoreError(
            f"The disk under {folder.parent} has {free / 1e6:.0f} MB left, and the store takes"
            f" {size / 1e6:.0f} MB.",
            "Free some space. Nothing was changed.",
        )


def _extract(path: Path, header: Header, key: bytes, part: Path, progress: Progress | None) -> None:
    """Write the backup's two files into a new folder; they are to be trusted when this returns."""
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    need_room(part, header.database_bytes)
    files.write_private(part / KEYS, header.key_file.to_bytes())
    files.make_private(part / DATABASE)
    with (part / DATABASE).open("r+b") as file:
        for piece in container.sealed_parts(path, header, key, progress):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _refuse_if_newer(folder: Path, key: bytes, found: Contents) -> None:
    """Raise `StoreError` unless there is no store, or one of which everything is in the backup."""
    if not (folder / KEYS).exists() and not (folder / DATABASE).exists():
        return
    replace = "Say --overwrite to replace it; it is then kept in a folder beside."
    try:
        there = keys.KeyFile.read(folder / KEYS)
        commits = _commits(folder / DATABASE, there, key) if there.store_id == found.store_id else None
    except StoreError as error:
        raise StoreError(
            f"The store in {folder} cannot be compared with the backup. {error.message}", replace
        ) from error
    if commits is None:
        raise StoreError(f"There is another store in {folder}, not the one that was backed up.", replace)
    if commits > found.commits:
        raise StoreError(
            f"The store in {folder} is newer than the backup of {found.made:%Y-%m-%d %H:%M} UTC: it was"
            f" written to {commits - found.commits} times since.",
            replace,
        )


def _commits(path: Path, key_file: keys.KeyFile, key: bytes) -> int:
    """Return how often a store has been written to; nothing of it is changed."""
    cipher, store_id = key_file.cipher, key_file.store_id
    connection = database.connect(path, key=key, store_id=store_id, cipher=cipher, patience_s=5)
    try:
        with database.translated(path):
            return schema.commits(connection)
    finally:
        connection.close()


def _aside_for(folder: Path, now: datetime) -> Path:
    name = f"replaced-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    aside, number = folder / name, 1
    while aside.exists():
        number += 1
        aside = folder / f"{name}-{number}"
    return aside


def _swap(folder: Path) -> None:
    """Move the old files aside and the new ones in; may be ended anywhere, and called again."""
    new = folder / DECIDED
    with _translated(folder):
        note = new / _ASIDE
        name = note.read_text(encoding="ascii") if note.exists() else ""
        if _ASIDE_NAME.fullmatch(name):
            aside = folder / name
            if (new / DATABASE).exists():
                for beside in _BESIDE:
                    _move(folder / beside, aside)
            for moved in (DATABASE, KEYS):
                if (new / moved).exists():
                    _move(folder / moved, aside)
                    (new / moved).replace(folder / moved)
                    files.sync_folder(folder)
            if (new / _DESTROY).exists():
                files.destroy(aside)
        elif (new / DATABASE).exists() or (new / KEYS).exists():
            raise DamagedError(
                f"{new} is not what a restore left there.",
                f"Move that folder away; the store is whole, in {folder} or in it.",
            )
        shutil.rmtree(new)
        files.sync_folder(folder)


def _move(path: Path, aside: Path) -> None:
    if path.exists():
        aside.mkdir(mode=0o700, exist_ok=True)
        path.replace(aside / path.name)
        files.sync_folder(aside)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{error.filename or folder} could not be written while restoring: {error.strerror or error}.",
            "See that the folder belongs to you and that its disk is neither full nor read-only. What was"
            " there is kept.",
        ) from error
