"""Sockets in the store's folder, by which healthslm's own processes talk: only their owner can reach them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

_LOG = logging.getLogger(__name__)
_LONGEST_PATH = 100
"""Bytes of a socket's path that every system takes."""
_LINE = 1 << 16
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """Give a path that a socket can have: they are short, and folders may be deep.

    In the working folder it is the name alone: the fence of a process that serves allows no longer one.
    """
    with contextlib.suppress(OSError):
        if path.parent.samefile("."):
            yield path.name
            return
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


@contextlib.contextmanager
def owned() -> Iterator[None]:
    """Let what is made meanwhile be its owner's alone."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.asynccontextmanager
async def listening_in(
    path: Path, answer: Answer, trouble: str, *, limit: int = _LINE
) -> AsyncIterator[None]:
    """Answer who connects to a socket, for as long as this is open.

    A folder in which none can be made, as on some network disks, is logged as `trouble`, and nobody comes.
    """
    server = None
    try:
        _remove(path)  # of a process that was killed; only one runs at a time
        with reachable(path) as short, owned():
            server = await asyncio.start_unix_server(answer, short, limit=limit)
    except OSError as error:
        _LOG.warning("%s: %s.", trouble, error.strerror or error)
    try:
        yield
    finally:
        if server is not None:
            server.close()
            with contextlib.suppress(OSError):
                _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
