"""Which wearables are near, asked of the `healthslm run` that is at work: it has the adapter.

Through a socket in the store's folder that only its owner can reach. Who asks may be behind a fence that
keeps it from the system's own bus.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from device import DeviceError, Found
from healthslm.errors import HealthslmError
from healthslm.sockets import listening_in, reachable

_LOG = logging.getLogger(__name__)
SOCKET = "near.sock"
SECONDS = 8.0
"""So long it is looked: a wearable says that it is there every second or two, some of them more seldom."""
_PATIENCE_S = 60.0
"""Somebody may be connecting, which is waited for."""
_MOST = 1 << 18
Look = Callable[[float], Awaitable[list[Found]]]


async def who_is_near(home: Path) -> list[Found]:
    """Have `healthslm run` look, and return what it found, the nearest first.

    Raises `HealthslmError` where it is not at work, or cannot look.
    """
    try:
        with reachable(home / SOCKET) as path:
            reader, writer = await asyncio.wait_for(asyncio.open_unix_connection(path), _PATIENCE_S)
    except (OSError, TimeoutError) as error:
        raise HealthslmError(
            "Nobody can look for wearables: `healthslm run` is not at work.", "Start it on the box."
        ) from error
    try:
        said = await asyncio.wait_for(reader.read(_MOST), _PATIENCE_S)
        told = json.loads(said)
        if "error" in told:
            raise HealthslmError(str(told["error"]), str(told["hint"]))
        return [Found(**{**one, "services": tuple(one["services"])}) for one in told["found"]]
    except (OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise HealthslmError("`healthslm run` did not say what is near.", "Try again.") from error
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def asked_who_is_near(home: Path, look: Look) -> AsyncIterator[None]:
    """Answer who asks what is near, one after the other; `look` looks for so many seconds."""
    turn = asyncio.Lock()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with turn:
                said = await _told(look)
            writer.write(json.dumps(said).encode())
            await writer.drain()
        except OSError as error:
            _LOG.info("Who asked what is near did not wait: %s.", error.strerror or error)
        finally:
            writer.close()

    async with listening_in(home / SOCKET, answer, "Wearables cannot be looked for from the phone"):
        yield


async def _told(look: Look) -> dict[str, object]:
    try:
        return {"found": [asdict(one) for one in await look(SECONDS)]}
    except DeviceError as error:
        return {"error": error.message, "hint": error.hint}
