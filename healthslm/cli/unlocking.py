"""`healthslm unlock`: hands the passphrase to what waits for it, as a service that was started by itself.

What waits opens a socket in the store's folder, which only its owner reaches; the passphrase goes through it,
is tried there, and is kept by neither side.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Self, TypeVar

import typer

from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.locking import end_lock, is_locked
from healthslm.cli.session import Session, session
from healthslm.cli.waiting import WHO, connected, place_of, waits
from healthslm.errors import HealthslmError, LockedError, MissingError
from healthslm.notify import Notifier
from healthslm.sockets import owned, reachable
from healthslm.store import Access, exists, files, in_use

_T = TypeVar("_T")
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Without a passphrase, wait until `healthslm unlock` gives it.")
]
_LONGEST = 4096
_PROMPT_S = 5.0
"""So long who connects may take to say it: the next one waits."""
_AGAIN_S = 1.0
_YES, _NO = b"yes\n", b"no\n"
_CREDENTIALS = struct.Struct("3i")


class Opening:
    """That a store is about to be opened, by this process: until it is, and counts itself, or is given up.

    It begins before the key is known, so that `lock` at no time says that nobody has it who is about to.
    """

    def __init__(self, current: Session) -> None:
        self._current = current
        self._held: files.InUse | None = None

    def begin(self) -> None:
        """Count among those who have the store open. Raises `StoreError` while it is being replaced."""
        if self._held is None and exists(self._current.settings.home):
            self._held = in_use(self._current.settings.home)

    def end(self) -> None:
        """Do so no more."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def access(self, secret: str | None = None) -> Access:
        """Unlock the store; what opens nothing ends the opening."""
        self.begin()
        try:
            return self._current.access(secret)
        except BaseException:
            self.end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def opens_by_itself(current: Session, opening: Opening, *, wait: bool) -> bool:
    """Say whether the store is to be opened with what was given, or asked for at the terminal; that begins.

    Else it is waited for `healthslm unlock`: where that was wished, and nothing was given or somebody locked
    the store by hand.
    """
    given = current.passphrase_file is not None or current.passphrase_fd is not None
    if wait and current.is_there():
        if not given:
            return False
        opening.begin()  # before it is looked at: who locks it from now on waits for the end of this
        if is_locked(current.settings.home):
            opening.end()
            return False
    return True


def by_hand(current: Session, opening: Opening) -> Access:
    """Unlock the store with what was given, or is asked for. Once it is open, a lock by hand has ended."""
    was_locked = is_locked(current.settings.home)
    access = opening.access()
    if was_locked:  # not one that came meanwhile
        end_lock(current.settings.home)
    return access


@contextmanager
def unlocked(current: Session, who: str, *, wait: bool, notify: Notifier) -> Iterator[Access]:
    """Unlock the store, or wait until `healthslm unlock` brings the passphrase; it is to be opened inside."""
    with Opening(current) as opening:
        if opens_by_itself(current, opening, wait=wait):
            yield by_hand(current, opening)
        else:
            yield waited_for(current, opening, who, notify)


def waited_for(current: Session, opening: Opening, who: str, notify: Notifier) -> Access:
    """Wait until `healthslm unlock` brings the passphrase; for systemd that is work enough."""
    terminal.say("The store is locked. Next: healthslm unlock")
    notify.ready("Locked. Next: healthslm unlock")
    return brought(current.settings.home, who, opening.access)


def brought(folder: Path, who: str, tried: Callable[[str], _T], *, prompt_s: float = _PROMPT_S) -> _T:
    """Wait for a secret that `tried` takes, and return what it makes of it; a wrong one is told so.

    Nor does it end where the store cannot be read just now, as while another process replaces it. Raises
    `HealthslmError` where one of that name waits already.
    """
    path = place_of(folder, who)
    if waits(path):
        raise HealthslmError(
            f"Another {who} waits to be unlocked already, for the store in {folder}.",
            "Unlock that one: healthslm unlock. Or stop it first.",
        )
    path.unlink(missing_ok=True)  # of a process that was killed
    with socket.socket(socket.AF_UNIX) as waiting, reachable(path) as short:
        with owned():
            waiting.bind(short)
        waiting.listen(4)
        try:
            while True:
                with _accepted(waiting) as asked, suppress(OSError, UnicodeDecodeError):
                    said = _line(asked, prompt_s) if _ours(asked) else b""
                    if not said:  # somebody looked whether anybody waits
                        continue
                    try:
                        found = tried(said.decode())
                    except HealthslmError as error:
                        if not isinstance(error, LockedError):
                            terminal.say(str(error), "yellow")
                        asked.sendall(_NO)
                        continue
                    with suppress(OSError):  # who brought it may be gone: it is good all the same
                        asked.sendall(_YES)
                    return found
        finally:
            with suppress(OSError):
                path.unlink()


def _accepted(waiting: socket.socket) -> socket.socket:
    while True:
        try:
            return waiting.accept()[0]
        except OSError:  # as of too many open files, which may be over soon
            time.sleep(_AGAIN_S)


def _ours(asked: socket.socket) -> bool:
    """Say whether it is this user, or root, who is at the other end."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the socket's own mode keeps the others out
    kept = asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(kept)[1] in (0, os.getuid())


def _line(asked: socket.socket, seconds: float) -> bytes:
    said, until = b"", time.monotonic() + seconds
    while b"\n" not in said and len(said) < _LONGEST:
        asked.settimeout(max(0.001, until - time.monotonic()))
        more = asked.recv(_LONGEST)
        if not more:
            break
        said += more
    return said.split(b"\n", 1)[0]


@app.command()
def unlock(context: typer.Context) -> None:
    """Give the passphrase to what waits for it: a `run` or a page that was started without."""
    current = session(context)
    folder = current.settings.home
    current.access(secret := current.passphrase())  # a wrong one is not handed on
    was_locked = end_lock(folder)
    waiting = {who: path for who in WHO if waits(path := place_of(folder, who))}
    if not waiting and was_locked:
        terminal.say("Unlocked: what is started next opens the store.")
    elif not waiting:
        raise MissingError(
            "Nothing waits to be unlocked.",
            "Look at what is at work: healthslm doctor, healthslm alerts list",
        )
    taken = {who: _handed(path, secret) for who, path in waiting.items()}
    for name, took in taken.items():
        terminal.say(f"{name}: {'unlocked' if took else 'it did not take it'}.")
    if not all(taken.values()):
        raise HealthslmError("Not all that waits was unlocked.", "Look at what it says, and say it again.")


def _handed(path: Path, secret: str) -> bool:
    try:
        with connected(path) as there:
            if not _ours(there):  # it is nobody's else to hear
                return False
            there.sendall(secret.encode() + b"\n")
            return there.recv(len(_YES)) == _YES
    except OSError:
        return False  # it ended meanwhile
