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
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from device import Identity, Notification
from device.events import EventQueue
from healthslm.errors import HealthslmError

_LOG = logging.getLogger(__name__)
SOCKET = "phone.sock"
_LINE = 64 * 1024
_TAKEN = b"taken\n"
_MOST = 1000
"""Events of one connection: twice what a request of a phone may have."""
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError)
_PATIENCE_S = 5.0
_LONGEST_PATH = 100
"""Bytes of a socket's path that every system takes."""


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
    """Put what phones heard into the queue of what this machine's own radio hears.

    A folder in which no socket can be made, as on some network disks, is said, and nothing comes.
    """
    path = home / SOCKET
    server = None
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()  # of a process that was killed; only one runs at a time
        with reachable(path) as short:
            before = os.umask(0o177)
            try:
                server = await asyncio.start_unix_server(
                    lambda reader, writer: _take(reader, writer, queue), short, limit=_LINE
                )
            finally:
                os.umask(before)
    except OSError as error:
        _LOG.warning("What phones hear cannot be taken: %s.", error.strerror or error)
    try:
        yield
    finally:
        if server is not None:
            server.close()
            with contextlib.suppress(OSError):
                path.unlink()


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
