"""Only one `healthslm run` listens for a store: who it is holds a lock on `run.lock` beside it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from healthslm.cli import terminal
from healthslm.errors import HealthslmError
from healthslm.store import exists

LOCK = "run.lock"


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the lock while listening; the system lets go of it however the process ends.

    Raises `HealthslmError` when another process holds it. Without a store there is nothing to lock.
    """
    if not exists(home):
        yield
        return
    descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HealthslmError(
                f"`healthslm run` is already listening for the store in {home}.",
                "Stop that one first, or leave it to its work.",
            ) from error
        yield
    finally:
        os.close(descriptor)


def is_running(home: Path) -> bool:
    """Say whether a `healthslm run` is at work on the store."""
    try:
        with only_one(home):
            return False
    except HealthslmError:
        return True


def say_if_running(home: Path) -> None:
    """Say that a change waits for the next start, when a `healthslm run` is at work."""
    if is_running(home):
        terminal.say("It takes effect when `healthslm run` is started again.")
