"""Which files a process may open, and whom it may reach, by Landlock.

It holds for the thread that asks and all that it starts, not for threads that are there already. What a
kernel does not know yet is left out. Source: landlock(7), linux/landlock.h; Linux 5.13 has files, 6.7 TCP,
6.12 abstract sockets and signals.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from healthslm.fence.kernel import Arch, Kernel

EXECUTE, READ_FILE, READ_DIR, REFER = 1 << 0, 1 << 2, 1 << 3, 1 << 13
MAKE_SOCKET, MAKE_FIFO, MAKE_LINK = 1 << 9, 1 << 10, 1 << 12
REMOVE_DIR = 1 << 4
"""To delete a folder, or to move it, whatever it is moved to."""
READ = EXECUTE | READ_FILE | READ_DIR
_OF_FILES = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14) | (1 << 15)
"""The rights that a file can have; the others are for folders."""
EVERYTHING = (1 << 16) - 1
TCP = (1 << 0) | (1 << 1)
"""To take a port and to connect to one."""
ABSTRACT_SOCKETS, SIGNALS = 1 << 0, 1 << 1
_VERSION_ONLY, _BENEATH = 1, 1
_FILES_BY = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
Allowed = tuple[Path, int]
"""A folder with all that is in it, or a file, and what may be done with it."""


def version(arch: Arch, kernel: Kernel) -> int:
    """Return the version of the kernel's Landlock; 0 where it has none or is told not to use it."""
    try:
        return kernel(arch.calls["landlock_create_ruleset"], 0, 0, _VERSION_ONLY)
    except OSError:
        return 0


def restrict(
    arch: Arch,
    kernel: Kernel,
    *,
    files: int = 0,
    allowed: Iterable[Allowed] = (),
    tcp: int = 0,
    scoped: int = 0,
) -> int:
    """Give up these rights except where they are `allowed`; return the version of Landlock that did it.

    A path that is not there is left out. Returns 0 for a kernel without Landlock. Raises `OSError`.
    """
    known = version(arch, kernel)
    if known == 0:
        return 0
    files &= sum(rights for since, rights in _FILES_BY if known >= since)
    attributes = struct.pack("=QQQ", files, tcp if known >= 4 else 0, scoped if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    if not any(attributes[:size]):
        return 0  # there is nothing of it that this kernel could refuse
    rules = kernel(arch.calls["landlock_create_ruleset"], _pointer(attributes), size, 0)
    try:
        for path, rights in allowed:
            _allow(arch, kernel, rules, path, rights & files)
        kernel(arch.calls["landlock_restrict_self"], rules, 0)
    finally:
        os.close(rules)
    return known


def _allow(arch: Arch, kernel: Kernel, rules: int, path: Path, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what cannot be reached needs no right
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            rights &= _OF_FILES
        if rights:
            rule = struct.pack("=Qi", rights, beneath)
            kernel(arch.calls["landlock_add_rule"], rules, _BENEATH, _pointer(rule), 0)
    finally:
        os.close(beneath)


def _pointer(data: bytes) -> ctypes.c_char_p:
    return ctypes.c_char_p(data)


def all_but(hidden: Sequence[Path], rights: int) -> Iterator[Allowed]:
    """Allow all that there is now but what is hidden, and what is in it.

    What comes to be later beside a hidden folder, or beside one that it lies in, is not among it. Paths are
    resolved first; links are left out: what they lead to counts.
    """
    yield from _around(Path("/"), [path.resolve() for path in hidden], rights)


def _around(folder: Path, hidden: Sequence[Path], rights: int) -> Iterator[Allowed]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return  # who may not list it is allowed nothing in it
    for entry in entries:
        path = Path(entry.path)
        if path in hidden or entry.is_symlink():
            continue
        if any(path in one.parents for one in hidden):
            yield from _around(path, hidden, rights)
        else:
            yield path, rights
