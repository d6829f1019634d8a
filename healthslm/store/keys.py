"""The data key and the slots that wrap it: `keys.json`.

A random 256-bit key encrypts the database. Each slot (slots.py) holds it once more, sealed under a secret of
its own; adding or removing one re-wraps 32 bytes and touches no reading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from healthslm.errors import DamagedError, LockedError, MissingError, StoreError, UsageError
from healthslm.store import files, slots, words
from healthslm.store.slots import (
    CHEAPEST,
    INTERACTIVE,
    KEY_BYTES,
    TYPED,
    AnySlot,
    CarerSlot,
    HexId,
    MachineSlot,
    Maker,
    PassphraseSlot,
    Profile,
    RecoverySlot,
    Slot,
    Strict,
)

__all__ = ["CHEAPEST", "INTERACTIVE", "KEY_BYTES", "KeyFile", "Made", "Profile", "make", "unlock"]

_ID_BYTES = 16  # also the salt that SQLite3 Multiple Ciphers keeps in the file's first 16 bytes
_MAX_BYTES = 65_536
_MAX_SLOTS = 16
_BACK = "Put keys.json back from a copy of the folder."


class KeyFile(Strict):
    """What `keys.json` says. It may be read by anybody; it is no use without a passphrase or the words.

    Version 2 may have slots of carers and machines, which older ones would take for damage. `store` is the
    store's id and the first 16 bytes of its database; `check` is over everything else, so that
    a changed byte is not taken for a wrong passphrase.
    """

    format: Literal["healthslm-keys"] = "healthslm-keys"
    version: Literal[1, 2] = 1
    store: HexId
    cipher: Literal["aegis", "chacha20"]
    slots: Annotated[tuple[Slot, ...], Field(min_length=1, max_length=_MAX_SLOTS, strict=False)]

    @property
    def store_id(self) -> bytes:
        """The id as its 16 bytes."""
        return bytes.fromhex(self.store)

    def to_bytes(self) -> bytes:
        """Write the file's content."""
        fields = self.model_dump(mode="json")
        return (json.dumps({**fields, "check": _check(fields)}, indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> KeyFile:
        """Read and check the file. Raises `DamagedError` naming it and what is wrong."""
        return cls.parse(files.read_bounded(path, _MAX_BYTES), path)

    @classmethod
    def parse(cls, content: bytes, path: Path) -> KeyFile:
        """Check what `to_bytes` wrote, which was found in the file `path`. Raises `DamagedError`."""
        try:
            fields = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"{path} is damaged: it is no JSON.", _BACK) from error
        if not isinstance(fields, dict):
            raise DamagedError(f"{path} is damaged: it is no JSON object.", _BACK)
        version = fields.get("version")
        if type(version) is int and version > 2:
            raise StoreError(
                f"{path} is of version {version}; this healthslm knows versions 1 and 2.", "Update healthslm."
            )
        check = fields.pop("check", None)
        try:
            key_file = cls.model_validate_json(json.dumps(fields))
        except (ValidationError, ValueError) as error:
            raise DamagedError(f"{path} is damaged: {_first(error)}.", _BACK) from error
        if check != _check(fields):
            raise DamagedError(f"{path} is damaged: its checksum fails.", _BACK)
        return key_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What `make` made. The key and the words are left out of its `repr`, which ends up in logs."""

    file: KeyFile
    key: bytes
    words: str

    def __repr__(self) -> str:
        return f"Made(file={self.file.store}, key=…, words=…)"


def make(
    passphrase: str, *, cipher: str, profile: Profile, random: Callable[[int], bytes], now: datetime
) -> Made:
    """Make a data key with a passphrase slot and a recovery slot around it."""
    key = random(KEY_BYTES)
    entropy = random(KEY_BYTES)
    store = random(_ID_BYTES).hex()
    maker = Maker(store=store, cipher=cipher, key=key, random=random, now=now, profile=profile)
    key_file = KeyFile(
        store=store,
        cipher=cipher,  # type: ignore[arg-type]  # pydantic refuses any other
        slots=(maker.passphrase(passphrase), maker.recovery(entropy)),
    )
    return Made(file=key_file, key=key, words=words.to_words(entropy))


def unlock(path: Path, key_file: KeyFile, secret: str) -> bytes:
    """Take the data key out of the slot that `secret` opens; raises what `find` does."""
    key, _ = find(path, key_file, secret)
    return key


def find(path: Path, key_file: KeyFile, secret: str) -> tuple[bytes, AnySlot]:
    """Return the data key and the slot that `secret` opens: a passphrase, recovery words or a credential.

    Raises `LockedError`; what it says about recovery words is as precise as it can be.
    """
    if secret.startswith(slots.CREDENTIAL):
        return _by_credential(key_file, secret)
    bound = (key_file.store, key_file.cipher)
    mistyped: LockedError | None = None
    if words.looks_like_words(secret):
        try:
            entropy = words.to_entropy(secret)
        except LockedError as error:
            mistyped = error
        else:
            mistyped = LockedError(
                "These recovery words are well formed but belong to another store.",
                f"Use those that were shown when the store in {path.parent} was made.",
            )
            for slot in key_file.slots:
                if isinstance(slot, RecoverySlot):
                    key = slots.unsealed(slot, slot.wrapping_key(entropy), bound)
                    if key is not None:
                        return key, slot
    # A passphrase may look like recovery words, so the passphrase slots have a try whatever it looked like.
    for slot in key_file.slots:
        if isinstance(slot, PassphraseSlot | CarerSlot):
            key = slots.unsealed(slot, slot.wrapping_key(secret), bound)
            if key is not None:
                return key, slot
    raise mistyped or LockedError(
        "This passphrase does not open the store.",
        "Mind capitals and the keyboard's language; the 24 recovery words open it too.",
    )


def _by_credential(key_file: KeyFile, line: str) -> tuple[bytes, AnySlot]:
    try:
        secret = slots.from_credential(line)
    except ValueError:
        raise LockedError(
            "This machine's credential is cut or changed.", "Make a new one: healthslm keys add machine"
        ) from None
    for slot in key_file.slots:
        if isinstance(slot, MachineSlot):
            key = slots.unsealed(slot, slot.wrapping_key(secret), (key_file.store, key_file.cipher))
            if key is not None:
                return key, slot
    raise LockedError(
        "This machine's credential does not open the store: it was removed, or is another store's.",
        "Use the passphrase, and see `healthslm keys list`.",
    )


def added(key_file: KeyFile, slot: AnySlot) -> KeyFile:
    """Return the file with one slot more. Raises `UsageError` when it is full or the label is taken."""
    if len(key_file.slots) >= _MAX_SLOTS:
        raise UsageError(
            f"There are {_MAX_SLOTS} slots, and no room for more.", "Remove one that is not used."
        )
    if any(slot.label == other.label for other in key_file.slots):
        raise UsageError(f"There is a slot {slot.label!r} already.", "Choose another --label.")
    return of(key_file, (*key_file.slots, slot))


def removed(key_file: KeyFile, name: str, *, only_machines: bool = False) -> tuple[KeyFile, AnySlot]:
    """Return the file without the slot of that id or label, and the slot.

    Raises `MissingError` when there is none, `UsageError` for the last one, and for the last one that a
    person can type unless `only_machines` is meant.
    """
    found = [slot for slot in key_file.slots if name in (slot.id, slot.label)]
    if not found:
        raise MissingError(f"There is no slot {name!r}.", "See `healthslm keys list`.")
    left = tuple(slot for slot in key_file.slots if slot is not found[0])
    if not left:
        raise UsageError(
            f"{name!r} is the last slot: without it nobody can open the store, ever.",
            "Add another one first; to destroy the store, say `healthslm erase`.",
        )
    if not only_machines and not any(isinstance(slot, TYPED) for slot in left):
        raise UsageError(
            f"{name!r} is the last slot that a person can type: a machine's file is soon lost.",
            "Add another one first, or say --only-machines-left.",
        )
    return of(key_file, left), found[0]


def of(key_file: KeyFile, slots: tuple[AnySlot, ...]) -> KeyFile:
    """Return the file with other slots, of the oldest version that can say them."""
    newer = any(isinstance(slot, CarerSlot | MachineSlot) for slot in slots)
    return key_file.model_copy(update={"slots": slots, "version": 2 if newer else 1})


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is none. Raises `UsageError`."""
    if not passphrase.strip():
        raise UsageError(
            "The passphrase is empty.", "Choose one of a few words that nobody else would guess."
        )


def _check(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return "it holds what JSON may not"
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'the whole'}: {first['msg']}"
