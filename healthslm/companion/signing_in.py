"""The way in: a phone claims an offer, and later signs a challenge with the key that it was paired with."""

from __future__ import annotations

import logging

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from healthslm.companion import pairing
from healthslm.companion.access import ALL, COOKIE, Doors, address_of, only
from healthslm.companion.answers import answer, body, problem, takes
from healthslm.companion.clients import clients_in, seen, unpacked
from healthslm.companion.sessions import LASTS_S
from healthslm.errors import StoreError
from healthslm.store import Store
from healthslm.store.audit import Event

_LOG = logging.getLogger(__name__)
_SIGNED = b"healthslm session 1 "
"""What comes before a challenge in what is signed, so that nothing else can be had signed by it."""


class Claiming(BaseModel):
    """A phone that was shown a code: the code's secret, its own public key, what it calls itself."""

    model_config = ConfigDict(extra="forbid")

    secret: str = Field(min_length=1, max_length=64)
    key: str = Field(min_length=1, max_length=128)
    name: str = Field(default="", max_length=200)


class Asking(BaseModel):
    """A paired phone that wants to sign in."""

    model_config = ConfigDict(extra="forbid")

    client: str = Field(max_length=32)


class Signing(Asking):
    """And its signature of the challenge."""

    challenge: str = Field(max_length=64)
    signature: str = Field(max_length=128)


@takes(Claiming)
async def claim(request: Request) -> Response:
    """Claim an offer: answers with the nonce of which both sides make the six digits."""
    doors: Doors = request.app.state.doors
    if wait := doors.throttle.waits_s(address_of(request)):
        return problem(429, "Too many wrong codes.", f"Wait {wait:.0f} seconds.", wait_s=wait)
    given = await body(request, Claiming)
    now = doors.box.clock()

    def work(store: Store) -> pairing.Offer | None:
        return pairing.claim(store, given.secret, given.key, given.name, now, doors.random)

    try:
        offer = await doors.box.do(work)
    except ValueError:
        return problem(422, "That is no public key.", "Reload the page.")
    if offer is None or offer.claim is None:
        doors.throttle.wrong(address_of(request))
        return problem(403, "This code is not valid any more.", "Make another one: healthslm companion pair")
    doors.throttle.right(address_of(request))
    return answer({"nonce": offer.claim.nonce, "code": offer.claim.code, "role": offer.role.value})


@takes(Claiming)
async def state(request: Request) -> Response:
    """Say what became of a claim."""
    doors: Doors = request.app.state.doors
    given = await body(request, Claiming)
    now = doors.box.clock()
    found, client = await doors.box.do(lambda store: pairing.state(store, given.secret, given.key, now))
    return answer({"state": found.value, "client": client or None})


@takes(Asking)
async def challenge(request: Request) -> Response:
    """Give a challenge; also to who is not known, so that nobody learns who is."""
    doors: Doors = request.app.state.doors
    given = await body(request, Asking)
    return answer({"challenge": doors.sessions.challenge(given.client)})


@takes(Signing)
async def sign_in(request: Request) -> Response:
    """Open a session for a good signature; the cookie is of this session alone."""
    doors: Doors = request.app.state.doors
    address = address_of(request)
    if wait := doors.throttle.waits_s(address):
        return problem(429, "Too many wrong signatures.", f"Wait {wait:.0f} seconds.", wait_s=wait)
    given = await body(request, Signing)
    now = doors.box.clock()
    client = next((c for c in await doors.box.do(clients_in) if c.id == given.client), None)
    try:
        signature = unpacked(given.signature)
    except ValueError:
        signature = b""
    signed = client is not None and client.signed(_SIGNED + given.challenge.encode(), signature)
    if client is None or not signed or not doors.sessions.answered(given.client, given.challenge):
        doors.throttle.wrong(address)
        return problem(401, "This device is not paired.", "Pair it again: healthslm companion pair")
    if not client.may_enter(now):
        return problem(403, "The time of this link is over.", "Ask for another one.")
    doors.throttle.right(address)

    def note(store: Store) -> None:
        seen(store, client.id, now)
        store.note_event(Event.OPENED, now, command="companion", client=client.id, name=client.name)
        store.commit()

    try:
        await doors.box.do(note)
    except StoreError as error:  # as with the box's own commands: it can be looked at all the same
        _LOG.error("That a phone was here could not be noted. %s", error)
    made = answer({"client": client.id, "name": client.name, "role": client.role.value, "lasts_s": LASTS_S})
    cookie = doors.sessions.open(client.id)
    made.set_cookie(
        COOKIE, cookie, max_age=int(LASTS_S), path="/", secure=True, httponly=True, samesite="strict"
    )
    return made


@only(ALL)
async def sign_out(request: Request) -> Response:
    """End the session."""
    doors: Doors = request.app.state.doors
    doors.sessions.close(request.cookies.get(COOKIE, ""))
    made = answer({})
    made.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return made


@only(ALL)
async def me(request: Request) -> Response:
    """Say who is signed in."""
    client = request.state.client
    return answer(
        {
            "client": client.id,
            "name": client.name,
            "role": client.role.value,
            "expires": client.expires.isoformat() if client.expires else None,
        }
    )


ROUTES = [
    Route("/api/v1/pair", claim, methods=["POST"]),
    Route("/api/v1/pair/state", state, methods=["POST"]),
    Route("/api/v1/session/challenge", challenge, methods=["POST"]),
    Route("/api/v1/session", sign_in, methods=["POST"]),
    Route("/api/v1/session", sign_out, methods=["DELETE"]),
    Route("/api/v1/me", me),
]
