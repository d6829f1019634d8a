"""The companion as an application: routes, what a browser may do with it, and what happens to errors."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
import traceback
from collections.abc import AsyncIterator, Callable, MutableMapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from healthslm.companion import devices_view, openapi, page, questions, radio
from healthslm.companion.access import Doors
from healthslm.companion.answers import problem
from healthslm.companion.authority import Certificate
from healthslm.companion.box import Box
from healthslm.companion.feed import Feed
from healthslm.companion.sessions import Sessions
from healthslm.companion.throttle import Throttle
from healthslm.errors import HealthslmError, MissingError, UsageError

_LOG = logging.getLogger(__name__)
_OURS = 500
"""From this status on an error is the box's, not the asker's."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
)
"""The page loads nothing that this box does not serve, and no text ever becomes a script."""
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "bluetooth=(self), camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def application(
    box: Box,
    authority: Certificate | None = None,
    *,
    counter: Callable[[], float] = time.monotonic,
    random: Callable[[int], bytes] = os.urandom,
) -> Starlette:
    """Return the application that serves one person's box.

    `authority` is what a phone is to trust, if it has to; `counter` seconds since some moment.
    """
    feed = Feed(box)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(feed.run())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    app = Starlette(
        routes=[
            *openapi.API,
            *openapi.ROUTES,
            *page.routes(authority),
        ],
        exception_handlers={
            UsageError: _told(422),
            MissingError: _told(404),
            HealthslmError: _told(503),
            HTTPException: _refused,
        },
        lifespan=lifespan,
    )
    app.add_middleware(Headers)
    app.state.doors = Doors(
        box=box, sessions=Sessions(counter, random), throttle=Throttle(counter), random=random
    )
    app.state.feed = feed
    app.state.clocks = radio.Clocks()
    app.state.looking = devices_view.Looking()
    app.state.asked = questions.Asked()
    return app


class Headers:
    """Puts the headers on every answer, also where the view is broken; no cache keeps what is of somebody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = scope["path"].startswith("/api/")
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _add(message, {**_HEADERS, "cache-control": "no-store" if own else "no-cache"})
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except ClientDisconnect:
            pass  # in the middle of its request: nobody is there to be answered
        except Exception as error:  # an error of ours, whatever it is
            _note(error)
            if not begun:  # else the server ends the connection, and nothing half is taken for whole
                await _BROKEN(scope, receive, with_headers)


_BROKEN = problem(500, "Something is wrong with healthslm itself.", "Its log on the box says what.")


def _note(error: Exception) -> None:
    """Log where an error happened, and not its words: they may quote what was measured."""
    where = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("A request could not be answered: %s\n%s", type(error).__name__, where)


def _add(message: MutableMapping[str, Any], headers: dict[str, str]) -> None:
    there = {name.lower() for name, _ in message["headers"]}
    message["headers"] = [
        *message["headers"],
        *((n.encode(), v.encode()) for n, v in headers.items() if n.encode() not in there),
    ]


def _told(status: int) -> Callable[[Request, Exception], Response]:
    """Answer an error of healthslm's with its own words; what the asker is not to blame for is logged too."""

    def tell(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HealthslmError)  # noqa: S101  that is what it is registered for
        if status >= _OURS:
            _LOG.error("%s", error)
        return problem(status, error.message, error.hint)

    return tell


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  likewise
    made = problem(error.status_code, f"{error.detail}.", "See /api/openapi.json.")
    made.headers.update(error.headers or {})
    return made
