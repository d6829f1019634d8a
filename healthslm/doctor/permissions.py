"""What this user may: Bluetooth, and the store's files, which nobody else should be able to read."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from healthslm.doctor.check import Check, attention, ok, problem, unknown

GROUP = "bluetooth"
_PRIVATE = ("keys.json", "store.db", "store.db-wal", "store.mark", "settings.toml", "sealed")
_CLEAR = ("locked.pem", "while-locked.json")
"""Not encrypted: the key by which the page says that the store is locked, and the wearables' addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who runs this: number, name, and the names of the groups."""

    number: int
    name: str
    groups: frozenset[str]


def user() -> User:
    """Return who runs this."""
    number = os.geteuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)
    names = []
    for group in {os.getegid(), *os.getgroups()}:
        try:
            names.append(grp.getgrgid(group).gr_name)
        except KeyError:
            names.append(str(group))
    return User(number=number, name=name, groups=frozenset(names))


def may_use_bluetooth(who: User, *, asked: bool) -> Check:
    """Say whether this user may use Bluetooth: BlueZ let itself be `asked`, or it is in the group."""
    what = "permissions"
    if asked:
        return ok(what, f"{who.name} may use Bluetooth: BlueZ answers")
    if who.number == 0 or GROUP in who.groups:
        return unknown(what, "BlueZ could not be asked; the user would be allowed to")
    return attention(
        what,
        f"{who.name} is not in the group {GROUP}, which D-Bus may ask for",
        f"sudo usermod -aG {GROUP} {who.name}, then log in again",
    )


def files_are_private(folder: Path, who: User) -> Iterator[Check]:
    """Say whether the store's folder and files are this user's, and nobody else's to read. Raises nothing."""
    what, found = "files", False
    for path in (folder, *(folder / name for name in (*_PRIVATE, *_CLEAR))):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            found = True
            yield problem(what, f"{path} cannot be looked at: {error.strerror}", f"ls -ld {path}")
            continue
        mode = stat.S_IMODE(status.st_mode)
        if status.st_uid != who.number:
            found = True
            yield problem(
                what,
                f"{path} belongs to the user with number {status.st_uid}, not to {who.name}",
                f"Run healthslm as that user, or: sudo chown {who.name} {path}",
            )
        elif mode & 0o077 and path.name != "settings.toml":
            found = True
            right = 700 if stat.S_ISDIR(status.st_mode) else 600
            yield attention(
                what,
                f"others than {who.name} may get at {path} (mode {mode:o})"
                + ("" if path.name in _CLEAR else "; what is in it is encrypted"),
                f"chmod {right} {path}",
            )
    if not found:
        yield ok(what, f"the store's files are {who.name}'s alone")
