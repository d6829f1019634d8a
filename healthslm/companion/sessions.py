"""Sessions of phones: opened by a signature of the phone's own key, short, and gone with the process.

A session's cookie is good for a quarter of an hour; then the phone signs again, which its page does by
itself. So a stolen cookie is worth little, and a revoked phone nothing: whether it may enter is looked up
each time.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from healthslm.companion.clients import digest, packed, unpacked

LASTS_S = 15 * 60.0
_CHALLENGE_S = 60.0
_MOST = 1000
"""Sessions that are open at once: further ones push out the oldest."""
_BYTES = 32
_DRAWN = 16


@dataclass(frozen=True, slots=True)
class _Session:
    client: str
    ends: float


class Sessions:
    """The open sessions. `counter` says how many seconds have passed since some moment."""

    def __init__(self, counter: Callable[[], float], random: Callable[[int], bytes]) -> None:
        self._counter = counter
        self._random = random
        self._secret = random(_BYTES)
        self._used: dict[str, _Session] = {}
        self._sessions: dict[str, _Session] = {}

    def challenge(self, client: str) -> str:
        """Return what a client is to sign within a minute.

        Nothing is kept of it: it holds its own end, and a mark that only we can make. So whoever asks for
        many uses nothing up, and pushes out nobody's.
        """
        ends = int(self._counter() + _CHALLENGE_S).to_bytes(8, "big", signed=True)
        drawn = ends + self._random(_DRAWN)
        return packed(drawn + self._mark(client, drawn))

    def answered(self, client: str, challenge: str) -> bool:
        """Say whether this challenge was given to this client and is still good; it is used up by that.

        Ask it only where the signature is the client's: what is used up is remembered for a minute.
        """
        try:
            raw = unpacked(challenge)
        except ValueError:
            return False
        drawn, mark = raw[: 8 + _DRAWN], raw[8 + _DRAWN :]
        if not hmac.compare_digest(mark, self._mark(client, drawn)):
            return False
        ends = int.from_bytes(drawn[:8], "big", signed=True)
        if self._counter() >= ends or drawn.hex() in self._used:
            return False
        self._put(self._used, drawn.hex(), _Session(client, ends))
        return True

    def _mark(self, client: str, drawn: bytes) -> bytes:
        return hmac.digest(self._secret, drawn + client.encode("utf-8", "surrogatepass"), "sha256")[:_DRAWN]

    def open(self, client: str) -> str:
        """Open a session for a client; returns what its cookie holds."""
        cookie = packed(self._random(_BYTES))
        self._put(self._sessions, digest(cookie), _Session(client, self._counter() + LASTS_S))
        return cookie

    def whose(self, cookie: str) -> str | None:
        """Return the id of the client whose session a cookie opens; `None` for none, or one that is over."""
        found = self._sessions.get(digest(cookie))
        return found.client if found is not None and self._counter() < found.ends else None

    def close(self, cookie: str) -> None:
        """End a session."""
        self._sessions.pop(digest(cookie), None)

    def _put(self, into: dict[str, _Session], name: str, session: _Session) -> None:
        now = self._counter()
        for over in [key for key, one in into.items() if one.ends <= now]:
            del into[over]
        while len(into) >= _MOST:
            del into[next(iter(into))]
        into[name] = session
