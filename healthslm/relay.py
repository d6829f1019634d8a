"""What a phone heard, handed to the `healthslm run` that is at work: it decodes, judges and keeps it.

A phone's browser that knows Bluetooth reads a wearable near the person; the page sends what it got, the raw
bytes. They go through a socket in the store's folder that only its owner can reach, and into the same stream
of events as what this machine's own radio hears: decoded once, judged by the same rules, alerts as soon.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from device import Identity, Notification
from device.events import EventQueue
from healthslm.errors import HealthslmError
from healthslm.sockets import listening_in, reachable

_LOG = logging.getLogger(__name__)
SOCKET = "phone.sock"
_LINE = 64 * 1024
_TAKEN = b"taken\n"
_MOST = 1000
"""Events of one connection: twice what a request of a phone may have."""
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError)
_PATIENCE_S = 5.0
_YEARS = range(1900, 9000)
"""Whatever clock was wrong: at either end of the calendar the next calculation with a time would fail."""


async def send(home: Path, events: Sequence[Notification | Identity]) -> None:
    """Hand events over. Raises `HealthslmError` where nobody listens, or they were not taken."""
    try:
        with reachable(home / SOCKET) as path:
            reader, writer = await asyncio.wait_for(asyncio.open_unix_connection(path), _PATIENCE_S)
    except (OSError, TimeoutError) as error:
        raise HealthslmError(
            "Nobody takes what the phone heard: `healthslm run` is not at work.", "Start it on the box."
        ) from error
    try:
        for event in events:
            writer.write(_written(event) + b"\n")
        writer.write_eof()
        taken = await asyncio.wait_for(reader.read(16), _PATIENCE_S)
    except (OSError, TimeoutError) as error:
        raise HealthslmError("What the phone heard was not taken.", "It is sent again.") from error
    finally:
        writer.close()
    if taken != _TAKEN:
        raise HealthslmError("What the phone heard was not taken.", "It is sent again.")


@contextlib.asynccontextmanager
async def heard_by_phones(home: Path, queue: EventQueue) -> AsyncIterator[None]:
    """Put what phones heard into the queue of what this machine's own radio hears."""
    async with listening_in(
        home / SOCKET,
        lambda reader, writer: _take(reader, writer, queue),
        "What phones hear cannot be taken",
        limit=_LINE,
    ):
        yield


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, queue: EventQueue) -> None:
    """Take one phone's events: all of them or none."""
    try:
        events = []
        async for line in reader:
            events.append(_read(line))
            if len(events) > _MOST:
                raise ValueError("more than one request of a phone has")
        if sum(isinstance(event, Notification) for event in events) > queue.room:
            return  # not taken: the phone keeps them, and sends them again
        for event in events:
            if isinstance(event, Notification):
                queue.put_notification(event)
            else:
                queue.put(event)
        writer.write(_TAKEN)
        await writer.drain()
    except _UNREADABLE as error:
        _LOG.error("What a phone heard could not be read: %s.", type(error).__name__)
    finally:
        writer.close()


def _written(event: Notification | Identity) -> bytes:
    if isinstance(event, Identity):
        kept = {"device": event.device, "at": event.at.isoformat(), "name": event.name}
    else:
        kept = {
            "device": event.device,
            "at": event.received_at.isoformat(),
            "characteristic": event.characteristic,
            "value": event.value.hex(),
        }
    return json.dumps(kept).encode("ascii")


def _read(line: bytes) -> Notification | Identity:
    """Read an event. Raises one of `_UNREADABLE` for anything else."""
    kept = json.loads(line)
    at = datetime.fromisoformat(kept["at"]).astimezone(UTC)
    if at.year not in _YEARS:
        raise ValueError("no time that a clock shows")
    json.dumps(kept, ensure_ascii=False).encode()  # half a character can be in JSON, and in no database
    device = str(kept["device"])
    if kept.keys() == {"device", "at", "name"}:
        return Identity(at, device, name=str(kept["name"]))
    if kept.keys() != {"device", "at", "characteristic", "value"}:
        raise ValueError("neither a value nor a name")
    return Notification(
        received_at=at,
        device=device,
        characteristic=str(kept["characteristic"]),
        value=bytes.fromhex(kept["value"]),
        monotonic_ns=time.monotonic_ns(),
    )
