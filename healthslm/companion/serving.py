"""An application on open sockets, over TLS, until it is told to stop: uvicorn as this page needs it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import uvicorn
from starlette.applications import Starlette

from healthslm.companion.connections import MOST, Connection
from healthslm.notify import Notifier

CLOSING_S = 5
"""So long a request may take to its end when the server is stopped."""
_FILES = 16_384


async def _nobody() -> None:
    """Hang up on nobody."""


async def serve_on(
    app: Starlette,
    sockets: Sequence[socket.socket],
    tls: ssl.SSLContext,
    stop: asyncio.Event,
    *,
    hang_up: Callable[[], Awaitable[None]] = _nobody,
    connection: type[Connection] = Connection,
    closing_s: int = CLOSING_S,
    notify: Notifier | None = None,
    status: str = "Serving.",
) -> None:
    """Serve the application until `stop` is set, and close the sockets; `hang_up` ends what would not end.

    `notify` tells systemd `status` once it serves, and that it still does.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # who looked at what, and when, is nobody's business
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=closing_s,
        http=connection,
        limit_concurrency=MOST,
        h11_max_incomplete_event_size=16 * 1024,
        ws="none",
        lifespan="on",
    )
    config.load()
    _have_files()
    config.ssl = tls
    made = _Server(config, notify or Notifier(), status)
    serving = asyncio.create_task(made.serve(sockets=list(sockets)))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        await hang_up()
        made.should_exit = True
        await serving
    finally:
        stopped.cancel()


def _have_files() -> None:
    """Let this process open more files: each connection is one, also before it says who it is."""
    most, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if allowed == resource.RLIM_INFINITY else min(_FILES, allowed)
    if most != resource.RLIM_INFINITY and most < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, allowed))


class _Server(uvicorn.Server):
    """Leaves signals to who started it, and says that it serves."""

    def __init__(self, config: uvicorn.Config, notify: Notifier, status: str) -> None:
        super().__init__(config)
        self._notify, self._status = notify, status

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._notify.ready(self._status)

    async def on_tick(self, counter: int) -> bool:
        """Do what is due, ten times a second."""
        self._notify.alive()
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Capture none."""
        yield


def _is_error(record: logging.LogRecord) -> bool:
    """Say whether something went wrong: not where a request is cut off by the server's being stopped."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


# Of each odd request it warns: so a stranger would fill the log.
logging.getLogger("uvicorn").setLevel(logging.ERROR)
logging.getLogger("uvicorn.error").addFilter(_is_error)
