"""The slots: each seals the data key with AES-256-GCM under another secret.

A passphrase (of the wearer or of a carer) is stretched with Argon2id (RFC 9106). Recovery words stand for 256
random bits, and so does a machine's credential, from which HKDF-SHA256 (RFC 5869) makes the sealing key. The
seal also covers the store's id, the cipher and the slot's kind and id, so a slot carried over from another
store opens nothing.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from healthslm.errors import StoreError

KEY_BYTES = 32
_MAX_MEMORY_KIB = 256 * 1024
"""A quarter of the smallest board that runs the model; a file may not ask for more."""
CREDENTIAL = "healthslm-machine-1:"
"""How the one line of a machine's credential begins, by which it is told from a passphrase."""


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

HexId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Salt = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{22}==$")]  # 16 bytes as base64
_Nonce = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{16}$")]  # 12
_Sealed = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{64}$")]  # the key's 32 and the tag's 16


class Strict(BaseModel):
    """What `keys.json` is made of: nothing but what is named here."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Slot(Strict):
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    label: Annotated[str, Field(max_length=100)]
    created: Annotated[AwareDatetime, Field(strict=False)]
    salt: _Salt
    nonce: _Nonce
    sealed: _Sealed


class _Stretched(_Slot):
    """The data key under a passphrase, with the Argon2id work it takes."""

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


class PassphraseSlot(_Stretched):
    """The wearer's passphrase."""

    kind: Literal["passphrase"] = "passphrase"


class CarerSlot(_Stretched):
    """The passphrase of somebody who cares for the wearer."""

    kind: Literal["carer"] = "carer"


class RecoverySlot(_Slot):
    """The 24 recovery words."""

    kind: Literal["recovery"] = "recovery"

    def wrapping_key(self, entropy: bytes) -> bytes:
        """Derive the key that seals this slot from the 32 bytes that the words stand for."""
        return _expanded(entropy, self.salt, b"healthslm recovery 1")


class MachineSlot(_Slot):
    """A credential that a machine keeps, for a start without anybody there."""

    kind: Literal["machine"] = "machine"

    def wrapping_key(self, secret: bytes) -> bytes:
        """Derive the key that seals this slot from the credential's 32 bytes."""
        return _expanded(secret, self.salt, b"healthslm machine 1")


Slot = Annotated[PassphraseSlot | CarerSlot | RecoverySlot | MachineSlot, Field(discriminator="kind")]
AnySlot = PassphraseSlot | CarerSlot | RecoverySlot | MachineSlot
_S = TypeVar("_S", PassphraseSlot, CarerSlot, RecoverySlot, MachineSlot)
TYPED = (PassphraseSlot, CarerSlot, RecoverySlot)
"""What a person can type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes slots around a data key: what they are bound to, and where chance, time and work come from."""

    store: str
    cipher: str
    key: bytes
    random: Callable[[int], bytes]
    now: datetime
    profile: Profile

    def __repr__(self) -> str:
        return f"Maker(store={self.store!r}, key=…)"

    def _fresh(self, label: str) -> dict[str, Any]:
        return {
            "id": self.random(4).hex(),
            "label": label,
            "created": self.now,
            "salt": _text(self.random(16)),
            "nonce": _text(self.random(12)),
            "sealed": "A" * 64,
        }

    def _work(self) -> dict[str, Any]:
        return {
            "memory_kib": self.profile.memory_kib,
            "passes": self.profile.passes,
            "lanes": self.profile.lanes,
        }

    def passphrase(self, passphrase: str, label: str = "passphrase") -> PassphraseSlot:
        """Make a slot for the wearer's passphrase."""
        slot = PassphraseSlot(**self._fresh(label), **self._work())
        return self._sealed(slot, slot.wrapping_key(passphrase))

    def carer(self, passphrase: str, label: str) -> CarerSlot:
        """Make a slot for a carer's passphrase."""
        slot = CarerSlot(**self._fresh(label), **self._work())
        return self._sealed(slot, slot.wrapping_key(passphrase))

    def recovery(self, entropy: bytes, label: str = "recovery words") -> RecoverySlot:
        """Make a slot for the words that stand for these 32 bytes."""
        slot = RecoverySlot(**self._fresh(label))
        return self._sealed(slot, slot.wrapping_key(entropy))

    def machine(self, secret: bytes, label: str) -> MachineSlot:
        """Make a slot for the credential of these 32 bytes."""
        slot = MachineSlot(**self._fresh(label))
        return self._sealed(slot, slot.wrapping_key(secret))

    def _sealed(self, slot: _S, wrapping: bytes) -> _S:
        context = _context(slot, (self.store, self.cipher))
        sealed = AESGCM(wrapping).encrypt(_bytes(slot.nonce), self.key, context)
        return slot.model_copy(update={"sealed": _text(sealed)})


def unsealed(slot: AnySlot, wrapping: bytes, bound: tuple[str, str]) -> bytes | None:
    """Return the data key, or `None` when this is not the slot's key. `bound` is store id and cipher."""
    try:
        return AESGCM(wrapping).decrypt(_bytes(slot.nonce), _bytes(slot.sealed), _context(slot, bound))
    except InvalidTag:
        return None


def credential(secret: bytes) -> str:
    """Write a machine's 32 bytes as the line that its file holds."""
    return CREDENTIAL + _text(secret)


def from_credential(line: str) -> bytes:
    """Read the line of a machine's credential. Raises `ValueError` when it is none."""
    secret = base64.b64decode(line.removeprefix(CREDENTIAL).strip(), validate=True)
    if not line.startswith(CREDENTIAL) or len(secret) != KEY_BYTES:
        raise ValueError("not a credential")
    return secret


def _expanded(secret: bytes, salt: str, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=_bytes(salt), info=info).derive(secret)


def _context(slot: AnySlot, bound: tuple[str, str]) -> bytes:
    return "/".join(("healthslm", "1", *bound, slot.kind, slot.id)).encode()


def _normal(passphrase: str) -> bytes:
    # RFC 8265 (OpaqueString): the same letters typed on another keyboard are the same bytes.
    return unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
