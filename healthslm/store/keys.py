"""The data key and the slots that wrap it: `keys.json`.

A random 256-bit key encrypts the database. Each slot holds it once more, sealed with AES-256-GCM under a key
made from a passphrase (Argon2id, RFC 9106) or from recovery words (256 random bits, HKDF-SHA256, RFC 5869).
The seal also covers the store's id, the cipher and the slot's kind and id, so a slot carried over from
another store opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from healthslm.errors import DamagedError, LockedError, StoreError, UsageError
from healthslm.store import files, words

KEY_BYTES = 32
_ID_BYTES = 16  # also the salt that SQLite3 Multiple Ciphers keeps in the file's first 16 bytes
_MAX_BYTES = 65_536
_MAX_SLOTS = 16
_MAX_MEMORY_KIB = (
    256 * 1024
)  # a quarter of the smallest board that runs the model; a file may not ask for more
_BACK = "Put keys.json back from a copy of the folder."


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much work one guess at a passphrase takes: Argon2id's memory in KiB, passes and lanes."""

    name: str
    memory_kib: int
    passes: int
    lanes: int


INTERACTIVE = Profile(name="interactive", memory_kib=64 * 1024, passes=3, lanes=4)
"""RFC 9106, section 4, second recommended option, for where memory is dear: 64 MiB, 3 passes, 4 lanes."""

CHEAPEST = Profile(name="cheapest", memory_kib=32, passes=1, lanes=4)
"""The least that Argon2id takes. For tests only: a guess costs nothing, so it protects nothing."""

_HexId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Salt = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{22}==$")]  # 16 bytes as base64
_Nonce = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{16}$")]  # 12
_Sealed = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{64}$")]  # the key's 32 and the tag's 16


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Slot(_Strict):
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    label: Annotated[str, Field(max_length=100)]
    created: Annotated[AwareDatetime, Field(strict=False)]
    salt: _Salt
    nonce: _Nonce
    sealed: _Sealed


class PassphraseSlot(_Slot):
    """The data key under a passphrase, with the Argon2id work it takes."""

    kind: Literal["passphrase"] = "passphrase"
    memory_kib: Annotated[int, Field(ge=8, le=_MAX_MEMORY_KIB)]
    passes: Annotated[int, Field(ge=1, le=16)]
    lanes: Annotated[int, Field(ge=1, le=16)]

    @model_validator(mode="after")
    def _enough_memory(self) -> Self:
        if self.memory_kib < 8 * self.lanes:  # RFC 9106, section 3.1
            raise ValueError("memory_kib is less than 8 KiB a lane")
        return self

    def wrapping_key(self, passphrase: str) -> bytes:
        """Derive the key that seals this slot."""
        try:
            kdf = Argon2id(
                salt=_bytes(self.salt),
                length=KEY_BYTES,
                iterations=self.passes,
                lanes=self.lanes,
                memory_cost=self.memory_kib,
            )
            return kdf.derive(_normal(passphrase))
        except MemoryError:
            raise StoreError(
                f"Checking a passphrase takes {self.memory_kib // 1024} MiB of memory; there is less.",
                "End another program and try again.",
            ) from None


class RecoverySlot(_Slot):
    """The data key under the 24 recovery words."""

    kind: Literal["recovery"] = "recovery"

    def wrapping_key(self, entropy: bytes) -> bytes:
        """Derive the key that seals this slot from the 32 bytes that the words stand for."""
        kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=_bytes(self.salt), info=b"healthslm recovery 1")
        return kdf.derive(entropy)


_S = TypeVar("_S", PassphraseSlot, RecoverySlot)
Slot = Annotated[PassphraseSlot | RecoverySlot, Field(discriminator="kind")]


class KeyFile(_Strict):
    """What `keys.json` says. It may be read by anybody; it is no use without a passphrase or the words.

    `store` is the store's id and the first 16 bytes of its database; `check` is over everything else, so that
    a changed byte is not taken for a wrong passphrase.
    """

    format: Literal["healthslm-keys"] = "healthslm-keys"
    version: Literal[1] = 1
    store: _HexId
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
        if type(version) is int and version > 1:
            raise StoreError(
                f"{path} is of version {version}; this healthslm knows version 1.", "Update healthslm."
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
    store_id = random(_ID_BYTES)
    bound = (store_id.hex(), cipher)

    def fresh(kind: str, label: str) -> dict[str, Any]:
        return {
            "kind": kind,
            "id": random(4).hex(),
            "label": label,
            "created": now,
            "salt": _text(random(16)),
            "nonce": _text(random(12)),
            "sealed": "A" * 64,
        }

    by_passphrase = PassphraseSlot(
        **fresh("passphrase", "passphrase"),
        memory_kib=profile.memory_kib,
        passes=profile.passes,
        lanes=profile.lanes,
    )
    by_words = RecoverySlot(**fresh("recovery", "recovery words"))
    key_file = KeyFile(
        store=store_id.hex(),
        cipher=cipher,  # type: ignore[arg-type]  # pydantic refuses any other
        slots=(
            _seal(by_passphrase, by_passphrase.wrapping_key(passphrase), key, bound),
            _seal(by_words, by_words.wrapping_key(entropy), key, bound),
        ),
    )
    return Made(file=key_file, key=key, words=words.to_words(entropy))


def unlock(path: Path, key_file: KeyFile, secret: str) -> bytes:
    """Take the data key out of the slot that `secret` opens: a passphrase or the recovery words.

    Raises `LockedError`; what it says about recovery words is as precise as it can be.
    """
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
                    key = _unseal(slot, slot.wrapping_key(entropy), bound)
                    if key is not None:
                        return key
    # A passphrase may look like recovery words, so the passphrase slots have a try whatever it looked like.
    for slot in key_file.slots:
        if isinstance(slot, PassphraseSlot):
            key = _unseal(slot, slot.wrapping_key(secret), bound)
            if key is not None:
                return key
    raise mistyped or LockedError(
        "This passphrase does not open the store.",
        "Mind capitals and the keyboard's language; the 24 recovery words open it too.",
    )


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is none. Raises `UsageError`."""
    if not passphrase.strip():
        raise UsageError(
            "The passphrase is empty.", "Choose one of a few words that nobody else would guess."
        )


def _seal(slot: _S, wrapping: bytes, key: bytes, bound: tuple[str, str]) -> _S:
    sealed = AESGCM(wrapping).encrypt(_bytes(slot.nonce), key, _context(slot, bound))
    return slot.model_copy(update={"sealed": _text(sealed)})


def _unseal(slot: PassphraseSlot | RecoverySlot, wrapping: bytes, bound: tuple[str, str]) -> bytes | None:
    try:
        return AESGCM(wrapping).decrypt(_bytes(slot.nonce), _bytes(slot.sealed), _context(slot, bound))
    except InvalidTag:
        return None


def _context(slot: PassphraseSlot | RecoverySlot, bound: tuple[str, str]) -> bytes:
    return "/".join(("healthslm", "1", *bound, slot.kind, slot.id)).encode()


def _normal(passphrase: str) -> bytes:
    # RFC 8265 (OpaqueString): the same letters typed on another keyboard are the same bytes.
    return unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _check(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return "it holds what JSON may not"
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'the whole'}: {first['msg']}"
