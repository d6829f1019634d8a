"""What a box says while its store is locked: that it is, and nothing else.

Its certificate is in the store and cannot be had then. So that a phone is not told a box out of reach, there
is another one beside the store, of the same authority but good for a month only, made anew while the store is
open. Who steals the disk could show a page in the box's place with it, on the network of a phone of the box,
for that long; the page's own certificate and the authority stay in the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from healthslm.companion import page
from healthslm.companion.answers import problem
from healthslm.companion.app import Headers
from healthslm.companion.authority import Address, Certificate, Identity, context, server, serves
from healthslm.companion.serving import serve_on
from healthslm.errors import StoreError
from healthslm.store import LOCKED_PAGE, files

KEPT = LOCKED_PAGE
"""Key and certificate, and the authority's certificate, in the store's folder, for its owner alone."""
LASTS = timedelta(days=30)
RENEWED = timedelta(days=27)
"""It is made anew every other day, while the store is open."""
_LARGEST = 16 * 1024
_EVERY = ["GET", "POST", "PATCH", "DELETE", "PUT"]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """With what a locked box says so."""

    authority: Certificate
    server: Identity


def keep_shown(
    folder: Path, by: Identity, names: Sequence[str], addresses: Sequence[Address], now: datetime
) -> None:
    """See that there is something to say it with, should the store be locked. Raises `StoreError`."""
    there = shown(folder)
    same = there is not None and there.authority.pem == by.pem
    if there is not None and same and serves(there.server, by, names, addresses, now, renewed=RENEWED):
        return
    made = server(by, names, addresses, now, lasts=LASTS)
    files.write_private(folder / KEPT, made.key_pem + made.pem + by.pem)


def forget_shown(folder: Path) -> None:
    """Say nothing any more while locked, until the store was open. Raises `StoreError`."""
    files.remove(folder / KEPT)


def shown(folder: Path) -> Shown | None:
    """Read what `keep_shown` kept; `None` where there is nothing that can be read, or served with."""
    try:
        kept = files.read_bounded(folder / KEPT, _LARGEST)
        key = serialization.load_pem_private_key(kept, None)
        own, by = x509.load_pem_x509_certificates(kept)
        fits = key.public_key() == own.public_key()
    except (StoreError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not fits or not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    return Shown(authority=Certificate(certificate=by), server=Identity(key=key, certificate=own))


def application(authority: Certificate) -> Starlette:
    """Return the application of a locked box: the page, which keeps its last state, and that it is locked."""
    app = Starlette(routes=[Route("/api/{rest:path}", _locked, methods=_EVERY), *page.routes(authority)])
    app.add_middleware(Headers)
    return app


async def _locked(_request: Request) -> Response:
    return problem(423, "The box is locked.", "Unlock it on the box: healthslm unlock")


@contextlib.contextmanager
def said_locked(folder: Path, sockets: Sequence[socket.socket]) -> Iterator[bool]:
    """Say on these sockets that the box is locked, for as long as this is open; beside whatever is done.

    They stay open. Yields whether it can be said: not before the page was served once. Whether the
    certificate's month is over is for the phone to say: the clock of a box that was just switched on may be
    wrong.
    """
    kept = shown(folder)
    try:
        tls = None if kept is None else context(kept.authority, kept.server)
    except ssl.SSLError:  # as of a key that is too weak for this machine
        tls = None
    if kept is None or tls is None:
        for one in sockets:  # to be refused is better than to wait for an answer; who serves listens again
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        yield False
        return
    ready = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def say() -> None:
        over = asyncio.Event()
        stop.append((asyncio.get_running_loop(), over))
        ready.set()
        copies = [one.dup() for one in sockets]
        await serve_on(application(kept.authority), copies, tls, over)

    thread = threading.Thread(target=asyncio.run, args=(say(),), name="locked", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield True
    finally:
        loop, over = stop[0]
        with contextlib.suppress(RuntimeError):  # it ended by itself
            loop.call_soon_threadsafe(over.set)
        thread.join()
