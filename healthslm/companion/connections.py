"""What each connection is held to: from home, few of one address, and a request in one go.

So that one device, or a program on it, does not use up what all phones share.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from uvicorn.protocols.http.h11_impl import H11Protocol

from healthslm.companion.authority import addresses_of, is_private

MOST = 200
"""Connections at once; further ones are told to come again."""
_UNHEARD_MS = 60_000
"""So long what was sent may wait to be taken: a phone that went away is no listener."""


class Connection(H11Protocol):
    """A connection that is ended where its other side sends nothing, takes nothing, or is not at home."""

    most_of_one = 40
    """Connections of one address at once."""
    request_s = 20.0
    """So long a whole request may take, from the connection's beginning or the last answer."""
    look_s = 5.0
    _since = 0.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hear that somebody connected."""
        super().connection_made(transport)
        mine = self._peer
        of_one = sum(1 for one in self.connections if isinstance(one, Connection) and one._peer == mine)
        if not at_home(mine) or of_one > self.most_of_one:
            transport.abort()
            return
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNHEARD_MS
            )
        self._since = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hear that it is over."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Hear that a request was answered: the next may take its time again."""
        self._since = self.loop.time()
        super().on_response_complete()

    @property
    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    def _look(self) -> None:
        """End the connection if a request takes too long to come; look again later."""
        cycle = self.cycle
        answering = cycle is not None and not cycle.response_complete and not cycle.more_body
        if not answering and self.loop.time() - self._since > self.request_s:
            self.transport.abort()
            return
        self._timer = self.loop.call_later(self.look_s, self._look)


def at_home(peer: str) -> bool:
    """Say whether an address is of a home: the certificate is good for no other."""
    (address,) = addresses_of([peer]) or (None,)
    mapped = getattr(address, "ipv4_mapped", None)
    return address is not None and is_private(mapped or address)
