"""Serving the page at home: on which addresses, under which name, with which certificate."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette

from healthslm.companion.authority import (
    Address,
    Identity,
    addresses_of,
    authority,
    context,
    is_private,
    server,
    serves,
)
from healthslm.errors import HealthslmError, StoreError
from healthslm.store import Store

KEPT = "companion authority"
"""Under this name the store keeps the authority and the server's certificate."""
PORT = 8443
CLOSING_S = 5
"""So long a request may take to its end when the server is stopped."""


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """The box's authority, and the certificate that it serves its page with."""

    authority: Identity
    server: Identity


def certificates(
    store: Store, addresses: Sequence[Address], now: datetime, random: Callable[[int], bytes]
) -> Certificates:
    """Return the box's certificates, made when there are none; a new server's where the old one will not do.

    Commits. Raises `StoreError` for what the store holds and nobody can read.
    """
    kept = store.get(KEPT, {})
    try:
        known = {name: Identity.from_json(kept[name]) for name in ("authority", "server") if name in kept}
    except (ValueError, TypeError, KeyError) as error:
        raise StoreError(
            "The certificates of the page cannot be read.", "Make new ones: healthslm companion renew"
        ) from error
    by = known.get("authority") or authority(now, random(2).hex())
    own = known.get("server")
    if own is None or not serves(own, by, addresses, now):
        own = server(by, names(), addresses, now)
        store.put(KEPT, {"authority": by.to_json(), "server": own.to_json()})
        store.commit()
    return Certificates(authority=by, server=own)


def names() -> list[str]:
    """Return the names that this machine may be found under at home."""
    return [f"{socket.gethostname().partition('.')[0]}.local".lower(), "localhost"]


def addresses_here() -> list[Address]:
    """Return this machine's private addresses, those that others reach it at first."""
    found: list[str] = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        # Nothing is sent: a datagram socket that is connected knows from which address it would be.
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            found.append(str(probe.getsockname()[0]))
    with contextlib.suppress(OSError):
        found += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)]
    local = ["127.0.0.1", "::1"]
    return [one for one in dict.fromkeys(addresses_of([*found, *local])) if is_private(one)]


def listening_on(host: str, port: int) -> socket.socket:
    """Open the socket that phones connect to. Raises `HealthslmError` where it is taken or not allowed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio does not switch off Nagle's algorithm: each answer would wait 40 ms.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(64)
    except OSError as error:
        opened.close()
        raise HealthslmError(
            f"The page cannot be served on {host} port {port}: {error.strerror or error}.",
            "Take another port with --port, or see who uses it.",
        ) from error
    opened.setblocking(False)
    return opened


async def serve(
    app: Starlette, sockets: Sequence[socket.socket], tls: Certificates, stop: asyncio.Event
) -> None:
    """Serve the application on open sockets until `stop` is set; phones that listen are hung up on."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # who looked at what, and when, is nobody's business
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=CLOSING_S,
        limit_concurrency=200,
        h11_max_incomplete_event_size=16 * 1024,
        ws="none",
        lifespan="on",
    )
    config.load()
    config.ssl = context(tls.authority, tls.server)
    made = _Server(config)
    serving = asyncio.create_task(made.serve(sockets=list(sockets)))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        await app.state.feed.close()
        made.should_exit = True
        await serving
    finally:
        stopped.cancel()


class _Server(uvicorn.Server):
    """Leaves signals to who started it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Capture none."""
        yield


logging.getLogger("uvicorn").setLevel(logging.WARNING)
