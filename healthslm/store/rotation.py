"""Another data key: the whole database written anew under it, and the old one gone.

The new database and key file are made and read back in a folder of their own; from then on a restore's steps
apply (restore.py): one renaming decides, and whoever opens the store next finishes what was interrupted.
Then the old files are overwritten and removed. On flash memory the overwritten cells may outlive that for a
while, and backups made before hold their own copy of the old key: they open with the old secrets as ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from healthslm.errors import DamagedError, StoreError
from healthslm.store import database, files, keys, restore, words
from healthslm.store.access import Access
from healthslm.store.database import Database
from healthslm.store.keys import KEY_BYTES
from healthslm.store.slots import (
    AnySlot,
    CarerSlot,
    MachineSlot,
    Maker,
    Profile,
    RecoverySlot,
    from_credential,
)

_PAGES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What came of it: the access to the new store, the new recovery words, and the slots that fell away."""

    access: Access
    words: str
    dropped: tuple[AnySlot, ...]

    def __repr__(self) -> str:
        return f"Rotated(access={self.access!r}, words=…)"


def rotate(
    access: Access,
    secret: str,
    *,
    profile: Profile,
    random: Callable[[int], bytes] = os.urandom,
    now: datetime,
    progress: Callable[[str, int, int], None] = lambda _what, _done, _total: None,
) -> Rotated:
    """Change the data key of a closed store; `secret` is the passphrase that opened it, and opens it after.

    Other passphrases and machines cannot be carried over, since their secrets are not here: their slots fall
    away, and new recovery words are made. Raises `LockedError` when the secret is not one of a passphrase,
    `StoreError` when the disk has no room for both or fails; the store is then as it was.
    """
    _, opened = keys.find(access.folder / restore.KEYS, access.key_file, secret)
    store, cipher = access.key_file.store, access.key_file.cipher  # pages of another have another size
    key, entropy = random(KEY_BYTES), random(KEY_BYTES)
    maker = Maker(store=store, cipher=cipher, key=key, random=random, now=now, profile=profile)
    own: AnySlot
    if isinstance(opened, CarerSlot):
        own = maker.carer(secret, opened.label)
    elif isinstance(opened, RecoverySlot):
        own = maker.recovery(words.to_entropy(secret), opened.label)
        entropy = words.to_entropy(secret)
    elif isinstance(opened, MachineSlot):
        own = maker.machine(from_credential(secret), opened.label)
    else:
        own = maker.passphrase(secret, opened.label)
    slots = (own,) if isinstance(own, RecoverySlot) else (own, maker.recovery(entropy))
    key_file = keys.of(access.key_file, slots)

    def prepare(part: Path) -> None:
        files.write_private(part / restore.KEYS, key_file.to_bytes())
        _write_anew(access, part / restore.DATABASE, key, cipher, progress)

    restore.replace(access.folder, prepare, now=now, destroy=True)
    after = Access(folder=access.folder, key_file=key_file, key=key)
    _prove(access, after)
    dropped = tuple(
        slot for slot in access.key_file.slots if slot is not opened and not isinstance(slot, RecoverySlot)
    )
    return Rotated(access=after, words=words.to_words(entropy), dropped=dropped)


def _write_anew(
    access: Access, path: Path, key: bytes, cipher: str, progress: Callable[[str, int, int], None]
) -> None:
    """Copy every page of the store into a new database under another key, and read it back."""
    old = access.key_file
    before = database.connect(
        access.folder / restore.DATABASE,
        key=access.key,
        store_id=old.store_id,
        cipher=old.cipher,
        patience_s=5,
    )
    try:
        with database.translated(path):
            restore.need_room(path.parent, before.pragma("page_count") * database.PAGE)
            files.make_private(path)
            connection = database.prepared(path, key=key, store_id=old.store_id, cipher=cipher)
            try:
                with connection.backup("main", before, "main") as copying:
                    while not copying.done:
                        copying.step(_PAGES)
                        done = copying.page_count - copying.remaining
                        progress("writing it anew", done * database.PAGE, copying.page_count * database.PAGE)
            finally:
                connection.close()
    finally:
        before.close()
    connection = database.connect(path, key=key, store_id=old.store_id, cipher=cipher, patience_s=5)
    try:
        Database(connection, path).verify()
    finally:
        connection.close()


def _prove(before: Access, after: Access) -> None:
    """See that the new key opens the store and the old one does not. Raises `StoreError` when not so."""
    path = after.folder / restore.DATABASE
    for access, opens in ((after, True), (before, False)):
        old = access.key_file
        try:
            database.connect(
                path, key=access.key, store_id=old.store_id, cipher=after.key_file.cipher, patience_s=5
            ).close()
        except DamagedError:
            if opens:
                raise
        else:
            if not opens:
                raise StoreError(f"{path} still opens with the old key.", "Please report this.")
