"""Who may look: phones and programs, each with a role and a key or token of its own, which can be revoked."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from healthslm.errors import StoreError, UsageError

CLIENTS = "companion clients"
"""Under this name the store keeps them."""
EVERYBODY = "*"
MOST = 50
"""Phones and programs of one person."""
_POINT = 65
"""Bytes of an uncompressed point of P-256: 4, x, y."""
_HALF = 32


class Role(StrEnum):
    """What somebody may see and do; what a role may not is refused by the server, whatever the page shows."""

    WEARER = "wearer"
    """All there is."""
    CARER = "carer"
    """Alerts, which they may acknowledge and snooze, the latest values, and trends."""
    CLINICIAN = "clinician"
    """Days, charts and the export, until a day that was set; nothing can be changed."""


class Client(BaseModel):
    """A phone or a program.

    A phone has a `key`: its public key, an uncompressed point of P-256 in base64url. A program has a `token`:
    of that the SHA-256 in hex.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[0-9a-f]{16}$")
    name: str = Field(max_length=60)
    role: Role
    key: str = ""
    token: str = ""
    added: AwareDatetime
    seen: AwareDatetime | None = None
    expires: AwareDatetime | None = None

    def may_enter(self, now: datetime) -> bool:
        """Say whether its time is not over."""
        return self.expires is None or now < self.expires

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Say whether the client's key signed a message (ECDSA, SHA-256; `r` and `s` side by side)."""
        if not self.key or len(signature) != 2 * _HALF:
            return False
        r, s = (int.from_bytes(part, "big") for part in (signature[:_HALF], signature[_HALF:]))
        try:
            public_key(self.key).verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    def has_token(self, token: str) -> bool:
        """Say whether a token is this client's, in a time that says nothing of it."""
        return bool(self.token) and hmac.compare_digest(self.token, digest(token))


class ClientStore(Protocol):
    """What is needed of the store."""

    def get(self, name: str, default: Any = None) -> Any: ...  # noqa: D102
    def put(self, name: str, value: Any) -> None: ...  # noqa: D102
    def change(self, name: str, change: Callable[[Any], Any], default: Any = None) -> Any: ...  # noqa: D102
    def commit(self) -> None: ...  # noqa: D102


_CLIENTS = TypeAdapter(list[Client])


def digest(token: str) -> str:
    """Return what is kept of a token: enough to know it again, not enough to have it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def public_key(text: str) -> ec.EllipticCurvePublicKey:
    """Read a public key. Raises `ValueError` for what is no point of P-256."""
    raw = unpacked(text)
    if len(raw) != _POINT:
        raise ValueError("not an uncompressed point of P-256")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def packed(raw: bytes) -> str:
    """Return bytes in base64url without padding, as browsers write them."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unpacked(text: str) -> bytes:
    """Read base64url. Raises `ValueError` for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def clients_in(store: ClientStore) -> list[Client]:
    """Return all clients, in the order in which they were added. Raises `StoreError` for a damaged list."""
    return _read(store.get(CLIENTS, []))


def may_still(store: ClientStore, client_id: str, now: datetime) -> bool:
    """Say whether a client may still look: it was not revoked meanwhile, and its time is not over."""
    return any(one.id == client_id and one.may_enter(now) for one in clients_in(store))


def add(store: ClientStore, client: Client) -> None:
    """Let a client in from now on. Commits. Raises `UsageError` where there are too many."""

    def added(clients: list[Client]) -> list[Client]:
        others = [one for one in clients if one.id != client.id]
        if len(others) >= MOST:
            raise UsageError(
                f"{MOST} phones and programs are paired already.", "Revoke one: healthslm companion revoke ID"
            )
        return [*others, client]

    _change(store, added)
    store.commit()


def seen(store: ClientStore, client_id: str, now: datetime) -> None:
    """Note that a client was here. Commits not: it is no loss."""

    def noted(clients: list[Client]) -> list[Client]:
        return [one.model_copy(update={"seen": now}) if one.id == client_id else one for one in clients]

    _change(store, noted)


def revoke(store: ClientStore, which: str) -> list[Client]:
    """Take back clients by the first letters of their id, or `EVERYBODY`; return whom. Commits.

    Raises `UsageError` where none or several fit.
    """
    if which == EVERYBODY:
        try:
            gone = clients_in(store)
        except StoreError:  # a list that cannot be read lets nobody in, and is to be got rid of
            gone = []
        store.put(CLIENTS, [])
        store.commit()
        return gone
    clients = clients_in(store)
    fits = [one for one in clients if which and one.id.startswith(which.lower())]
    if len(fits) != 1:
        what = "No phone or program" if not fits else f"{len(fits)} phones and programs"
        raise UsageError(f"{what} with an id that begins with {which!r}.", "See: healthslm companion devices")
    _change(store, lambda clients: [one for one in clients if one.id != fits[0].id])
    store.commit()
    return fits


def new_id(random: Callable[[int], bytes]) -> str:
    """Draw an id."""
    return random(8).hex()


def _change(store: ClientStore, change: Callable[[list[Client]], list[Client]]) -> None:
    """Change the list as one step: of two processes that write, none brings back whom the other revoked."""
    store.change(CLIENTS, lambda kept: _CLIENTS.dump_python(change(_read(kept)), mode="json"), [])


def _read(kept: Any) -> list[Client]:
    try:
        return _CLIENTS.validate_python(kept)
    except ValidationError as error:
        raise StoreError(
            "The list of phones in the store cannot be read.", "Begin anew: healthslm companion revoke --all"
        ) from error
