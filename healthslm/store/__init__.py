"""The encrypted store: readings, devices, settings, alerts and the outbox in one encrypted file.

```
keys.json       the data key, wrapped once per slot: passphrase, recovery words; no use without either
store.db        SQLite, every page encrypted and authenticated with the data key
store.db-wal    what was committed last; encrypted likewise; SQLite folds it in
store.lock      empty; held by whoever has the store open, so that nobody replaces it meanwhile
store.mark      how many commits were acknowledged, so that a damaged store.db-wal is noticed; no health data
heartbeat.json  when healthslm last collected into it, and whether it ended as told; no health data
locked.pem      with what the page says that the store is locked: a key of its own, good for a month
before-update.backup   a copy of before the tables were changed, until that has succeeded
restore.new     what a restore is about to put in place; replaced-…: what one replaced
```

`create` makes one, `open_store` opens one, `Store` is what both return.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import apsw

from healthslm.clock import utc_now
from healthslm.errors import DamagedError, LockedError, MissingError, StoreError
from healthslm.store import backup, database, files, keys, restore, schema, witness
from healthslm.store.access import Access
from healthslm.store.database import Database
from healthslm.store.keys import CHEAPEST, INTERACTIVE, Profile
from healthslm.store.outbox import OutboxRow
from healthslm.store.store import Store

__all__ = [
    "CHEAPEST",
    "HEARTBEAT",
    "INTERACTIVE",
    "LOCKED_PAGE",
    "Access",
    "OutboxRow",
    "Profile",
    "Store",
    "create",
    "erase",
    "exists",
    "in_use",
    "is_in_use",
    "open_store",
    "open_unlocked",
    "unlock",
]

KEYS, DATABASE, MARK = "keys.json", "store.db", "store.mark"
HEARTBEAT = "heartbeat.json"
LOCKED_PAGE = "locked.pem"
BEFORE_UPDATE = "before-update.backup"
_UNFINISHED = ".part"
PATIENCE_S = 5.0
"""How long a write waits for another process to finish its own."""


def exists(folder: Path) -> bool:
    """Say whether there is a store in `folder`, locked or not, whole or not."""
    return (folder / KEYS).exists() or (folder / DATABASE).exists() or restore.is_under_way(folder)


def create(
    folder: Path,
    passphrase: str,
    *,
    profile: Profile = INTERACTIVE,
    random: Callable[[int], bytes] = os.urandom,
    clock: Callable[[], datetime] = utc_now,
    cipher: str | None = None,
    patience_s: float = PATIENCE_S,
) -> tuple[Store, str]:
    """Make an empty store in `folder` and return it, open, with its 24 recovery words.

    The words are said this once and kept nowhere; whoever has them opens the store. `profile` is how dear a
    guess at the passphrase is, `cipher` (`aegis` or `chacha20`) what suits this CPU unless given.
    Raises `UsageError` for an empty passphrase, `StoreError` when there is a store already or the folder
    cannot be written. A creation that was cut short leaves nothing that a second one would stumble over.
    """
    keys.check_passphrase(passphrase)
    files.make_private_folder(folder)
    with files.alone(folder, wait=False):
        part = folder / (DATABASE + _UNFINISHED)
        # keys.json beside a database that is not finished belongs to a creation that was cut short, before
        # anybody was told its recovery words; nothing can be in it.
        if exists(folder) and not (part.exists() and not (folder / DATABASE).exists()):
            raise StoreError(
                f"There is a store in {folder} already; it was left as it is.",
                "Open it, or choose another folder.",
            )
        cipher = cipher or database.suitable_cipher()
        made = keys.make(passphrase, cipher=cipher, profile=profile, random=random, now=clock())
        for leftover in (part, part.with_name(part.name + "-wal"), part.with_name(part.name + "-shm")):
            files.remove(leftover)
        database.make(part, key=made.key, store_id=made.file.store_id, cipher=cipher)
        files.write_private(folder / KEYS, made.file.to_bytes())
        files.rename(part, folder / DATABASE)
    access = Access(folder=folder, key_file=made.file, key=made.key)
    return _opened(access, patience_s, None), made.words


def open_store(
    folder: Path, secret: str, *, patience_s: float = PATIENCE_S, state: Path | None = None
) -> Store:
    """Open the store in `folder` with its passphrase or its 24 recovery words, whichever `secret` is.

    Raises `MissingError` when there is none, `LockedError` for a secret that opens no slot (a mistyped
    recovery word is named with the nearest ones), `DamagedError` for bytes that healthslm did not write,
    naming the file, and `StoreError` when the disk or another process stands in the way. With `state`, the
    folder in which it is noted how far stores have come, `RolledBackError` for an older copy in its place.
    """
    return open_unlocked(unlock(folder, secret), patience_s=patience_s, state=state)


def unlock(folder: Path, secret: str) -> Access:
    """Find the data key of the store in `folder`, and open nothing yet; raises what `open_store` does."""
    if not exists(folder):
        raise MissingError(f"There is no store in {folder}.", "Make one with `healthslm init`.")
    restore.finish(folder)
    for name in (KEYS, DATABASE):
        if not (folder / name).exists():
            raise MissingError(
                f"{folder / name} is missing; without it the store cannot be opened.",
                "Put it back from a copy of the folder.",
            )
    key_file = keys.KeyFile.read(folder / KEYS)
    key, slot = keys.find(folder / KEYS, key_file, secret)
    return Access(folder=folder, key_file=key_file, key=key, slot=slot.label)


def open_unlocked(access: Access, *, patience_s: float = PATIENCE_S, state: Path | None = None) -> Store:
    """Open a store whose key is known; raises what `open_store` does but `LockedError`."""
    return _opened(access, patience_s, state)


def in_use(folder: Path) -> files.InUse:
    """Count among those who have the store open until it is closed: for who is about to open it.

    Raises `StoreError` while the store is being replaced.
    """
    restore.finish(folder)  # it wants to be alone
    return files.InUse(folder, alone=False, patience_s=PATIENCE_S)


def is_in_use(folder: Path) -> bool:
    """Say whether anybody has the store open, or is about to."""
    try:
        files.InUse(folder, alone=True, patience_s=0).close()
    except StoreError:
        return True
    return False


def erase(folder: Path) -> None:
    """Destroy the store in `folder`, slots first: without them what is left of the rest can never be read.

    What else in the folder holds the data key (what a restore replaced, a copy from before an update) is
    destroyed too; backups elsewhere are not. Ended halfway, call it again. Raises `StoreError`.
    """
    with files.InUse(folder, alone=True, patience_s=PATIENCE_S), files.alone(folder):
        try:
            # What holds slots of this store elsewhere is known by its own, which so go last of them.
            own, copies = folder / KEYS, restore.copies(folder)
            for path in sorted([*copies, own], key=lambda path: (path.name != KEYS, path == own)):
                files.destroy(path)
            beside = (MARK, HEARTBEAT, files.InUse.NAME)
            sealed = (*folder.glob("sealed/*"), folder / "while-locked.json")
            parts = (one for name in (DATABASE, LOCKED_PAGE) for one in folder.glob(name + "*"))
            for path in (*parts, *(folder / name for name in beside), *sealed):
                files.destroy(path)
            files.sync_folder(folder)
        except OSError as error:
            raise StoreError(
                f"{error.filename or folder} could not be destroyed: {error.strerror or error}.",
                "See that the folder belongs to you, and say it again.",
            ) from error


def _opened(access: Access, patience_s: float, state: Path | None) -> Store:
    folder, store_id, cipher = access.folder, access.key_file.store_id, access.key_file.cipher
    path = folder / DATABASE
    with contextlib.ExitStack() as undo:
        in_use = undo.enter_context(files.InUse(folder, alone=False, patience_s=patience_s))
        restore.finish(folder)  # who was replacing it may have been killed at that
        mark = files.Mark(folder / MARK, store_id)
        undo.callback(mark.close)
        try:
            connection = database.connect(
                path, key=access.key, store_id=store_id, cipher=cipher, patience_s=patience_s
            )
        except DamagedError:
            _check_still_the_same(access)
            raise
        undo.callback(connection.close)
        seen = None if state is None else witness.Witness(state, folder, store_id)
        database.check_acknowledged(connection, path, mark)
        if seen is not None:
            witness.check(connection, path, seen)
        _bring_up_to_date(access, connection, path)
        if seen is not None:
            mark.close()
            mark = witness.WatchedMark(folder / MARK, store_id, seen, connection)
            mark.note()
        undo.pop_all()
    return Store(Database(connection, path, in_use), mark, patience_s)


def _check_still_the_same(access: Access) -> None:
    """Raise `LockedError` when the store was replaced after it was unlocked: nothing is damaged then."""
    path = access.folder / KEYS
    if path.exists() and keys.KeyFile.read(path) != access.key_file:
        raise LockedError(
            f"The keys of the store in {access.folder} were changed a moment ago.", "Open it again."
        )


def _bring_up_to_date(access: Access, connection: apsw.Connection, path: Path) -> None:
    """Migrate an older store; a verified copy of what it was is kept until the outcome has been verified."""
    copy = access.folder / BEFORE_UPDATE
    if not schema.is_old(connection) and not copy.exists():
        database.migrate(connection, path)  # refuses what a newer healthslm wrote
        return
    with files.alone(access.folder):  # another process may open it at the same moment
        if not schema.is_old(connection) and not copy.exists():
            return
        try:
            if schema.is_old(connection):
                backup.write_beside(access, copy.name)
        except StoreError as error:
            raise StoreError(
                "The store is of an older healthslm, and was not updated: no copy of it could be kept"
                f" meanwhile. {error.message}",
                error.hint,
            ) from error
        try:
            database.migrate(connection, path)
            Database(connection, path).verify()
        except StoreError as error:
            raise StoreError(
                f"The tables of the store could not be brought up to date. {error.message}",
                f"{error.hint} The store as it was before is in {copy}; `healthslm restore` puts it back.",
            ) from error
        files.remove(copy)
