"""`healthslm lock`: what has the key ends, and waits for `healthslm unlock` before it has it again.

A file in the store's folder says so. Whoever has the key looks for it, and ends: with the process goes all
that was in its memory. A service that is started again by itself waits, whatever credential it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import typer

from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.session import session
from healthslm.errors import HealthslmError, MissingError
from healthslm.store import exists, files, is_in_use

MARK = "locked"
EXIT = 75
"""How a process ends that was locked (EX_TEMPFAIL of sysexits.h): a service manager is to start it again."""
_LOOK_S = 0.5
_PATIENCE_S = 60.0
"""What is at work first stores what it has, and has its last alerts told."""


def is_locked(folder: Path) -> bool:
    """Say whether the store was locked by hand, and not unlocked since."""
    return (folder / MARK).exists()


def end_lock(folder: Path) -> bool:
    """Let the store be opened by itself again; returns whether it was locked by hand."""
    there = is_locked(folder)
    files.remove(folder / MARK)
    return there


def heeding_lock(
    folders: Sequence[Path], stop: asyncio.Event
) -> contextlib.AbstractAsyncContextManager[None]:
    """Have `stop` set as soon as one of the stores is locked by hand, for as long as this is open."""
    return heeding(lambda: any(map(is_locked, folders)), stop)


@contextlib.asynccontextmanager
async def heeding(reached: Callable[[], bool], stop: asyncio.Event) -> AsyncIterator[None]:
    """Have `stop` set as soon as something is reached that nobody tells of, for as long as this is open."""

    async def look() -> None:
        while not reached():  # noqa: ASYNC110  another process, or thread, brings it about
            await asyncio.sleep(_LOOK_S)
        stop.set()

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def exit_if_locked(*folders: Path) -> None:
    """End as one that was locked, where that is why the work ended."""
    if any(map(is_locked, folders)):
        terminal.say("Locked: no key is in memory any more. Next: healthslm unlock")
        raise typer.Exit(EXIT)


@app.command()
def lock(context: typer.Context) -> None:
    """Lock the store: what is at work with it ends, and none of it has the key any more."""
    current = session(context)
    folder = current.settings.home
    if not exists(folder):
        raise MissingError(f"There is no store in {folder}.", "Make one with `healthslm init`.")
    files.write_private(folder / MARK, b"")
    until = time.monotonic() + _PATIENCE_S
    while is_in_use(folder):
        if time.monotonic() > until:
            raise HealthslmError(
                "Something has the store open, and did not end.",
                "See which it is, and stop it: pgrep -a healthslm",
            )
        time.sleep(_LOOK_S)
    terminal.say("Locked: nothing at work has the key. Next: healthslm unlock")
