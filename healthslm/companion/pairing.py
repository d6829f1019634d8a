"""Pairing a phone: the box makes an offer, a phone claims it with its own key, somebody compares six digits.

The offer's secret is in a QR code and is good once and for ten minutes. Who claims it is let in only after
somebody said at the box that both show the same six digits: so a code that was photographed is of no use. It
lives in the store, where the command that shows it and the process that serves the page find it both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from healthslm.companion.clients import (
    Client,
    ClientStore,
    Role,
    add,
    digest,
    new_id,
    packed,
    public_key,
    unpacked,
)
from healthslm.errors import UsageError
from healthslm.text import clean

OFFERS = "companion offers"
"""Under this name the store keeps them."""
LASTS = timedelta(minutes=10)
NAME_LIMIT = 60
_SECRET_BYTES = 16
_DIGITS = 1_000_000


class State(StrEnum):
    """What became of an offer, as the phone sees it."""

    WAITING = "waiting"
    """For somebody at the box to compare the digits."""
    PAIRED = "paired"
    REFUSED = "refused"
    """By the box, by a second phone that claimed the same offer, or because its time is over."""


class Claim(BaseModel):
    """A phone that claims an offer: what it is called, its public key, the digits that both are to show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(max_length=NAME_LIMIT)
    key: str
    nonce: str
    code: str = Field(pattern=r"^\d{6}$")


class Offer(BaseModel):
    """An offer: `secret` is the SHA-256 of what the QR code holds, `until` the end of the client's time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    secret: str
    role: Role
    until: AwareDatetime | None = None
    expires: AwareDatetime
    claim: Claim | None = None
    client: str = ""
    """The id of the client that it became."""


_OFFERS = TypeAdapter(list[Offer])


def offer(
    store: ClientStore,
    role: Role,
    now: datetime,
    random: Callable[[int], bytes],
    until: datetime | None = None,
) -> tuple[Offer, str]:
    """Make an offer, and return it with its secret. Commits.

    `until` is when the client's entry ends. Raises `UsageError` for a clinician without an end.
    """
    if role is Role.CLINICIAN and until is None:
        raise UsageError("A clinician's link ends on a day.", "Say until when: --until 30d")
    secret = packed(random(_SECRET_BYTES))
    made = Offer(id=new_id(random), secret=digest(secret), role=role, until=until, expires=now + LASTS)
    _change(store, now, lambda offers: [*offers, made])
    store.commit()
    return made, secret


def claim(
    store: ClientStore, secret: str, key: str, name: str, now: datetime, random: Callable[[int], bytes]
) -> Offer | None:
    """Claim an offer for a phone with this public key; `None` where no open offer has the secret. Commits.

    A second key for one offer ends it: somebody else has seen the code. Raises `ValueError` for no key.
    """
    public_key(key)
    nonce = packed(random(_SECRET_BYTES))
    found: list[Offer] = []

    def claimed(offers: list[Offer]) -> list[Offer]:
        found[:] = [one for one in offers if one.secret == digest(secret) and not one.client]
        if not found:
            return offers
        one = found[0]
        others = [other for other in offers if other.id != one.id]
        if one.claim is not None and one.claim.key != key:
            found.clear()
            return others
        if one.claim is None:
            called = clean(name, NAME_LIMIT) or "phone"
            new = Claim(name=called, key=key, nonce=nonce, code=code(secret, key, nonce))
            found[0] = one.model_copy(update={"claim": new})
        return [*others, found[0]]

    if not any(one.secret == digest(secret) for one in _open(store, now)):
        return None  # who guesses makes nobody wait for a write
    _change(store, now, claimed)
    store.commit()
    return found[0] if found else None


def code(secret: str, key: str, nonce: str) -> str:
    """Return the six digits: of the offer, the phone's key, and what the box drew when it was claimed."""
    whole = b"healthslm pairing 1" + unpacked(secret) + unpacked(key) + unpacked(nonce)
    return f"{int.from_bytes(hashlib.sha256(whole).digest()[:8], 'big') % _DIGITS:06d}"


def state(store: ClientStore, secret: str, key: str, now: datetime) -> tuple[State, str]:
    """Return what became of a phone's claim, and the client's id once it is paired."""
    for one in _open(store, now):
        if one.secret == digest(secret) and one.claim is not None and one.claim.key == key:
            return (State.PAIRED, one.client) if one.client else (State.WAITING, "")
    return State.REFUSED, ""


def find(store: ClientStore, offer_id: str, now: datetime) -> Offer | None:
    """Return an open offer by its id."""
    return next((one for one in _open(store, now) if one.id == offer_id), None)


def confirm(store: ClientStore, offer_id: str, now: datetime, random: Callable[[int], bytes]) -> Client:
    """Let the phone in that claimed an offer: somebody compared the digits. Commits.

    Raises `UsageError` where the offer is no more, or nobody claimed it.
    """
    client_id = new_id(random)
    found: list[Offer] = []

    def confirmed(offers: list[Offer]) -> list[Offer]:
        found[:] = [one for one in offers if one.id == offer_id and one.claim is not None and not one.client]
        if not found:
            raise UsageError("There is nothing to confirm: the code's time is over.", "Make another one.")
        done = found[0].model_copy(update={"client": client_id})
        return [done if one.id == offer_id else one for one in offers]

    _change(store, now, confirmed)
    claim = found[0].claim
    assert claim is not None  # noqa: S101  `confirmed` looked
    client = Client(
        id=client_id, name=claim.name, role=found[0].role, key=claim.key, added=now, expires=found[0].until
    )
    add(store, client)
    return client


def withdraw(store: ClientStore, offer_id: str, now: datetime) -> None:
    """End an offer: the digits differ, or nobody wants it any more. Commits."""
    _change(store, now, lambda offers: [one for one in offers if one.id != offer_id])
    store.commit()


def _open(store: ClientStore, now: datetime) -> list[Offer]:
    return _read(store.get(OFFERS, []), now)


def _read(kept: Any, now: datetime) -> list[Offer]:
    try:
        offers = _OFFERS.validate_python(kept)
    except ValidationError:  # what cannot be read lets nobody in
        return []
    # A clock that was set back makes nothing last longer.
    return [one for one in offers if timedelta(0) < one.expires - now <= LASTS]


def _change(store: ClientStore, now: datetime, change: Callable[[list[Offer]], list[Offer]]) -> None:
    """Change the list as one step: the command that shows a code and the server write both. Commits not."""
    store.change(OFFERS, lambda kept: _OFFERS.dump_python(change(_read(kept, now)), mode="json"), [])
