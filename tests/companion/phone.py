"""A phone as the page makes one of a browser: with a key of its own, and requests of our origin."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from starlette.requests import Request

from healthslm.companion import pairing
from healthslm.companion.access import COOKIE
from healthslm.companion.clients import Client, Role, packed
from healthslm.store import Store

BASE = "https://healthslm.local:8443"
OURS = {"x-healthslm": "1", "origin": BASE}


class Phone:
    """One phone: `http` is a client whose cookies are its own."""

    def __init__(self, app: Any, address: str = "192.168.1.20") -> None:
        transport = httpx.ASGITransport(app=app, client=(address, 50000))
        self.http = httpx.AsyncClient(transport=transport, base_url=BASE)
        self.private = ec.generate_private_key(ec.SECP256R1())
        raw = self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        self.key = packed(raw)
        self.client = ""

    def signature(self, challenge: str) -> str:
        """What WebCrypto's `sign` gives: `r` and `s` side by side."""
        made = self.private.sign(b"healthslm session 1 " + challenge.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(made)
        return packed(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    async def claim(self, secret: str, name: str = "my phone") -> httpx.Response:
        body = {"secret": secret, "key": self.key, "name": name}
        return await self.http.post("/api/v1/pair", json=body)

    async def state(self, secret: str) -> dict[str, Any]:
        made = await self.http.post("/api/v1/pair/state", json={"secret": secret, "key": self.key})
        return dict(made.json())

    async def sign_in(self) -> httpx.Response:
        asked = await self.http.post("/api/v1/session/challenge", json={"client": self.client})
        challenge = asked.json()["challenge"]
        body = {"client": self.client, "challenge": challenge, "signature": self.signature(challenge)}
        return await self.http.post("/api/v1/session", json=body)

    def request(self, client: Client) -> Request:
        """What the server has of a request of this phone, after it was let in."""
        cookie = f"{COOKIE}={self.http.cookies.get(COOKIE)}".encode()
        made = Request({"type": "http", "headers": [(b"cookie", cookie)]})
        made.state.client = client
        return made

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.http.get(path, params=query)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(path, json=body, headers=OURS)

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(path, headers=OURS)


async def paired(app: Any, store: Store, role: Role, now: datetime | None = None, **more: Any) -> Phone:
    """Pair a phone the whole way, and sign it in."""
    now = now or datetime.now(UTC)
    until = now + timedelta(days=30) if role is Role.CLINICIAN else None
    offer, secret = pairing.offer(store, role, now, os.urandom, until)
    phone = Phone(app, **more)
    assert (await phone.claim(secret, f"the {role}'s phone")).status_code == 200
    phone.client = pairing.confirm(store, offer.id, now, os.urandom).id
    assert (await phone.sign_in()).status_code == 200
    return phone
