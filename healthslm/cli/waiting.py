"""Who waits to be unlocked: a socket in the store's folder for each, and whether anybody is at it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from healthslm.sockets import reachable

WHO = ("run", "companion")
PATIENCE_S = 120.0
"""A small board takes a while over a passphrase."""


def place_of(folder: Path, who: str) -> Path:
    """Return the socket of who waits for the passphrase of the store in a folder."""
    return folder / f"waits-{who}.sock"


def waits(path: Path) -> bool:
    """Say whether anybody is at a socket: one that was left by a killed process answers nobody.

    A link is none: it may lead to whom the passphrase is not for.
    """
    if path.is_symlink():
        return False
    try:
        with connected(path):
            return True
    except TimeoutError:
        return True  # busy
    except OSError:
        return False


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    """Connect to who waits. Raises `OSError`."""
    with socket.socket(socket.AF_UNIX) as there, reachable(path) as short:
        there.settimeout(PATIENCE_S)
        there.connect(short)
        yield there
