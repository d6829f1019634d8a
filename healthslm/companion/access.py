"""Who is asking, and whether they may: each request is looked at here, whatever the page shows or hides.

A phone comes with a session's cookie, a program with its token. What changes something must also come from
our own page: `SameSite=Strict` keeps a foreign page's requests without the cookie, and a header that only a
script of our own origin can set says so once more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from healthslm.companion.answers import View, problem
from healthslm.companion.box import Box
from healthslm.companion.clients import Client, Role, clients_in, seen
from healthslm.companion.sessions import Sessions
from healthslm.companion.throttle import Throttle
from healthslm.errors import HealthslmError

COOKIE = "__Host-healthslm"
"""The prefix makes browsers refuse it but over TLS, for this host, and for the whole of it (RFC 6265bis)."""
HEADER = "x-healthslm"
_BEARER = "bearer "
_SEEN_AGAIN = timedelta(hours=1)
_SAFE = frozenset({"GET", "HEAD"})
ALL = frozenset(Role)
WEARER = frozenset({Role.WEARER})
SEES_ALERTS = frozenset({Role.WEARER, Role.CARER})
SEES_DAYS = frozenset({Role.WEARER, Role.CLINICIAN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What it takes to know who is asking."""

    box: Box
    sessions: Sessions
    throttle: Throttle
    random: Callable[[int], bytes]

    async def who(self, request: Request) -> Client | None:
        """Return whose request it is; `None` where nobody is known by it, or their time is over."""
        token = _token(request)
        own = None if token else self.sessions.whose(request.cookies.get(COOKIE, ""))
        if token is None and own is None:
            return None
        clients = await self.box.do(clients_in)
        found = next((c for c in clients if (c.has_token(token) if token else c.id == own)), None)
        if found is None or not found.may_enter(self.box.clock()):
            return None
        if token:  # a phone is noted when it signs in
            await self._seen(found)
        return found

    async def _seen(self, client: Client) -> None:
        """Note now and then that a program was here; where it cannot be, it may look all the same."""
        now = self.box.clock()
        if client.seen is not None and timedelta(0) <= now - client.seen < _SEEN_AGAIN:
            return
        with contextlib.suppress(HealthslmError):
            await self.box.do(lambda store: seen(store, client.id, now))

    async def still(self, request: Request) -> bool:
        """Say whether who asked may still look: neither revoked nor signed out, and no time is over.

        Not where that cannot be known just now.
        """
        try:
            found = await self.who(request)
        except HealthslmError:
            return False
        return found is not None and found.id == request.state.client.id


def address_of(request: Request) -> str:
    """Return the address that a request comes from."""
    return request.client.host if request.client else ""


def only(roles: frozenset[Role]) -> Callable[[View], View]:
    """Let a view answer these roles alone: 401 for nobody, 403 for others, 429 for who guesses tokens.

    The view has them as `roles`, for the API's own description.
    """

    def guard(view: View) -> View:
        @wraps(view)
        async def guarded(request: Request) -> Response:
            doors: Doors = request.app.state.doors
            address, token = address_of(request), _token(request)
            if token and (wait := doors.throttle.waits_s(address)):
                return problem(429, "Too many wrong tokens.", f"Wait {wait:.0f} seconds.", wait_s=wait)
            if not token and request.method not in _SAFE and not _is_ours(request):
                return problem(403, "This request does not come from the page.", "Reload the page.")
            client = await doors.who(request)
            if client is None:
                if token:
                    doors.throttle.wrong(address)
                return problem(401, "Nobody is signed in.", "Open the page again, or pair this device.")
            if client.role not in roles:
                return problem(403, f"A {client.role} may not see this.", "Ask who runs the box.")
            request.state.client = client
            return await view(request)

        guarded.roles = roles  # type: ignore[attr-defined]
        return guarded

    return guard


def _token(request: Request) -> str | None:
    given = request.headers.get("authorization", "")
    return given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else None


def _is_ours(request: Request) -> bool:
    origin = request.headers.get("origin")
    return HEADER in request.headers and origin in (None, f"https://{request.headers.get('host', '')}")
