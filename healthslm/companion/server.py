"""Serving the page at home: on which addresses, under which name, with which certificate."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cryptography.exceptions import UnsupportedAlgorithm
from starlette.applications import Starlette

from healthslm.companion.addresses import addresses_here
from healthslm.companion.authority import (
    Address,
    Identity,
    authority,
    called,
    context,
    moment,
    present,
    server,
    serves,
)
from healthslm.companion.box import Box
from healthslm.companion.connections import Connection
from healthslm.companion.locked import forget_shown, keep_shown
from healthslm.companion.serving import serve_on
from healthslm.errors import HealthslmError, StoreError
from healthslm.notify import Notifier
from healthslm.store import Store

KEPT = "companion authority"
"""Under this name the store keeps the authority and the server's certificate."""
PORT = 8443
EVERYWHERE = "0.0.0.0"  # noqa: S104  the home network is what it is for
FRESH_S = 60.0
"""So often it is looked whether the certificate will still do."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """The box's authority, and the certificate that it serves its page with."""

    authority: Identity
    server: Identity


def certificates(
    store: Store,
    addresses: Sequence[Address],
    now: datetime,
    random: Callable[[int], bytes],
    names: Sequence[str] | None = None,
) -> Certificates:
    """Return the box's certificates, made when there are none; a new server's where the old one will not do.

    `names` are those of this machine unless given. Commits. Raises `StoreError` for what the store holds and
    nobody can read, and for an authority whose time is over: phones would have to trust another one, which
    nobody decides but who runs the box.
    """
    kept = store.get(KEPT, {})
    try:
        known = {name: Identity.from_json(kept[name]) for name in ("authority", "server") if name in kept}
    except (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm) as error:
        raise StoreError(
            "The certificates of the page cannot be read.", "Make new ones: healthslm companion renew"
        ) from error
    by = known.get("authority")
    now = moment(by, now)
    if by is None:
        by = authority(now, random(2).hex())
    elif now >= by.certificate.not_valid_after_utc:
        raise StoreError(
            "The time of what phones trust this box by is over, or its clock is wrong.",
            "If the clock is right: healthslm companion renew",
        )
    own = known.get("server")
    names = names_here() if names is None else names
    if own is None or not serves(own, by, names, addresses, now):
        own = server(by, names, addresses, now)
        store.put(KEPT, {"authority": by.to_json(), "server": own.to_json()})
        store.commit()
    try:
        keep_shown(store.folder, by, names, addresses, now)
    except StoreError as error:  # as on a full disk: the page can be looked at all the same
        _LOG.error("Once it is locked, the box could not say so. %s", error)
    return Certificates(authority=by, server=own)


def renew(store: Store) -> None:
    """Forget the certificates: new ones are made, which each phone has to be made to trust. Commits."""
    store.put(KEPT, {})
    store.commit()
    forget_shown(store.folder)


def names_here() -> list[str]:
    """Return the names that this machine may be found under at home."""
    return names_of(socket.gethostname())


def names_of(host: str) -> list[str]:
    """Return the names at home of a machine that calls itself so."""
    return [f"{host.partition('.')[0]}.local".lower(), "localhost"]


def reached_at(addresses: Sequence[Address], names: Sequence[str]) -> str:
    """Return by what a phone reaches a machine with these, as an address of a page has it.

    An address that phones at home can have; where there is none, as on networks of IPv6 alone, its name.
    """
    far = (one for one in addresses if not one.is_loopback and not one.is_link_local)
    first = next(far, None)
    if first is None:
        return called(names)[0]
    return f"[{first}]" if first.version == 6 else str(first)


def listening(host: str, port: int) -> list[socket.socket]:
    """Open the sockets that phones connect to, for everywhere those of both sorts of addresses.

    Raises `HealthslmError` as `listening_on`.
    """
    opened = [listening_on(host, port)]
    if host == EVERYWHERE:
        with contextlib.suppress(HealthslmError):  # a machine without IPv6
            opened.append(listening_on("::", opened[0].getsockname()[1]))
    return opened


def listening_on(host: str, port: int) -> socket.socket:
    """Open the socket that phones connect to. Raises `HealthslmError` where it is taken or not allowed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio does not switch off Nagle's algorithm: each answer would wait 40 ms.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:  # the other sort has a socket of its own
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
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
    app: Starlette,
    sockets: Sequence[socket.socket],
    tls: Certificates,
    stop: asyncio.Event,
    *,
    connection: type[Connection] = Connection,
    fresh_s: float = FRESH_S,
    names: Callable[[], Sequence[str]] = names_here,
    notify: Notifier | None = None,
) -> None:
    """Serve the application on open sockets until `stop` is set; phones that listen are hung up on.

    The certificate is made anew in time, and when this machine gets another address or name: that is looked
    at every `fresh_s` seconds. `notify` tells systemd when it serves, and that it still does.
    """
    shown = context(tls.authority, tls.server)
    fresh = asyncio.create_task(_kept_fresh(app.state.doors.box, tls, shown, fresh_s, names))
    try:
        await serve_on(
            app,
            sockets,
            shown,
            stop,
            hang_up=app.state.feed.close,
            connection=connection,
            notify=notify or Notifier(),
        )
    finally:
        fresh.cancel()
        await asyncio.gather(fresh, return_exceptions=True)


async def _kept_fresh(
    box: Box, tls: Certificates, shown: ssl.SSLContext, every_s: float, names: Callable[[], Sequence[str]]
) -> None:
    """Look again and again whether the certificate will still do; ended by being cancelled."""
    current = tls.server.pem
    while True:
        await asyncio.sleep(every_s)
        here = addresses_here()
        try:
            found = await box.do(
                partial(
                    certificates,
                    addresses=here,
                    now=box.clock(),
                    random=os.urandom,
                    names=names(),
                )
            )
        except HealthslmError as error:
            _LOG.error("The certificate could not be looked after. %s", error)
            continue
        # Another authority is for who starts the page again: phones have to be made to trust it.
        if found.server.pem != current and found.authority.pem == tls.authority.pem:
            current = found.server.pem
            present(shown, found.authority, found.server)
