"""Putting up the fence of a process that is to hold the key, and answering those who ask how it stands.

The order of `healthslm run`: its lock, the courier's starter, the fence, then the passphrase. Of `companion
serve`: its sockets, the fence, then the passphrase. So no process that is not fenced ever has the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from healthslm import fence, people
from healthslm.alerts.spawning import Starter, worker
from healthslm.cli import terminal
from healthslm.cli.running import LOCK
from healthslm.cli.session import Session
from healthslm.errors import HealthslmError
from healthslm.fence import Fenced, tries
from healthslm.sockets import listening_in, reachable

RUN, COMPANION = "run-fence.sock", "companion-fence.sock"
"""Sockets in the store's folder, on which the two processes say how their fences stand."""
_T = TypeVar("_T")
_PATIENCE_S = 10.0


def starter(current: Session, more: Path | None = None) -> Starter:
    """Return what starts the courier's process, kept out of the stores and of the files that open them."""
    secrets = [path for path in (current.passphrase_file, more) if path is not None]
    homes = [current.settings.home, *(member.folder for member in people.members(current.household))]
    locks = [home / LOCK for home in dict.fromkeys(homes)]  # by which last words see who is at work
    return Starter(worker([current.household, *secrets], locks, strict=current.settings.strict))


def put_up(
    current: Session,
    *,
    serving: bool = False,
    possible: Callable[[], Fenced] = fence.possible,
    core: Callable[..., Fenced] = fence.core,
) -> Fenced | None:
    """Put the core's fence up, and say once what of it is missing; `None` in a process that is another's.

    Raises `HealthslmError` for what is missing where the person asked for strict mode. `possible` says what
    the kernel would grant, `core` puts the fence up.
    """
    if not current.own_process:
        return None
    able = possible()
    standing = core(serving=serving) if able.whole or not current.settings.strict else able
    missing = dict.fromkeys((*able.missing, *standing.missing))
    if missing and current.settings.strict:
        raise HealthslmError(
            f"Strict mode: {next(iter(missing))}",
            "Use another kernel, or say strict = false in settings.toml: then nothing but healthslm's own"
            " code keeps it from the internet.",
        )
    if missing:
        terminal.say(f"{' '.join(missing)} See: healthslm doctor --privacy", "yellow")
    return standing


async def answering(home: Path, name: str, standing: Fenced | None, work: Awaitable[_T]) -> _T:
    """Wait for the work, and meanwhile try the fence for each who connects, and say how it went.

    Nothing is asked: whoever can open a socket in the store's folder gets the same answer. A process without
    a fence of its own answers nobody, and where no socket can be made nobody is answered.
    """
    if standing is None:
        return await work
    async with listening_in(
        home / name, lambda _, writer: _answer(writer, standing), "`doctor --privacy` cannot ask this process"
    ):
        return await work


async def _answer(writer: asyncio.StreamWriter, standing: Fenced) -> None:
    tried = [[one.what, one.error] for one in tries.tried(tries.of_core())]
    said = {"pid": os.getpid(), "missing": standing.missing, "tried": tried, "sockets": open_sockets()}
    with contextlib.suppress(OSError):
        writer.write(json.dumps(said).encode("ascii"))
        await writer.drain()
    writer.close()


def open_sockets() -> dict[str, int]:
    """Count this process's sockets of the internet: those that listen, and those that are connections."""
    found = {"listening": 0, "connected": 0}
    for descriptor in os.listdir("/proc/self/fd"):
        # The descriptor itself and no copy, whose closing would drop this process's locks on a store's file.
        try:
            one = socket.socket(fileno=int(descriptor))
        except OSError:  # no socket, or closed meanwhile
            continue
        try:
            if one.family in (socket.AF_INET, socket.AF_INET6):
                listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                found["listening" if listens else "connected"] += 1
        except OSError:  # closed meanwhile
            continue
        finally:
            one.detach()  # it is somebody's, who goes on using it
    return found


def ask(home: Path, name: str) -> dict[str, Any] | None:
    """Have a process at work try its fence; `None` where none answers."""
    try:
        with socket.socket(socket.AF_UNIX) as asking, reachable(home / name) as path:
            asking.settimeout(_PATIENCE_S)
            asking.connect(path)
            said = b"".join(iter(lambda: asking.recv(65536), b""))
        answer = json.loads(said)
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None
