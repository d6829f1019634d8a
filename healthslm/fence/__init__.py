"""Fences: what the kernel refuses a process from now on, whatever its code does. None can be taken down.

    core      `healthslm run`, `companion serve`: holds the key. No socket but those within this machine.
    writer    the language model's process: no socket, no program, no file but the model's and Python's.
    courier   calls the hooks: whole internet, but not the folders that it is kept out of.

Nothing here fails: what the kernel granted is said, and the caller decides whether that will do. It takes no
privilege, and no library. Source: seccomp(2), landlock(7), prctl(2) PR_SET_NO_NEW_PRIVS.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import healthslm
from healthslm.fence import filters, landlock
from healthslm.fence.filters import Rule
from healthslm.fence.kernel import Kernel, arch_of, kernel

__all__ = ["Fenced", "core", "courier", "possible", "writer"]
_NO_NEW_PRIVILEGES = 38
_OLD = "Linux 5.13 or newer does, unless it was started with another `lsm=`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fenced:
    """What the kernel granted.

    `calls`: it refuses the calls of the fence's list, to every thread. `landlock`: the version of Landlock
    that holds, 0 for none. `missing`: a sentence for each thing that it did not grant.
    """

    calls: bool
    landlock: int
    missing: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether there is nothing that it did not grant."""
        return not self.missing


def core(*, serving: bool = False, machine: str | None = None, call: Kernel = kernel) -> Fenced:
    """Leave this process no new socket but AF_UNIX; `serving` says that it has sockets that listen.

    To be put up once those are open and the courier's starter is at work, and before there is a key. A
    process that serves can connect to nothing whose path is longer than 12 bytes.
    """
    rules = filters.SERVING if serving else filters.CORE
    return _put_up(rules, machine, call, tcp=landlock.TCP, scoped=landlock.ABSTRACT_SOCKETS)


def writer(
    readable: Sequence[Path],
    *,
    machine: str | None = None,
    call: Kernel = kernel,
    python: Sequence[Path] | None = None,
) -> Fenced:
    """Leave the language model's process these folders to read, and Python's own; nothing to write or start.

    Landlock does not reach threads that are there already: put it up before there are any.
    """
    folders = (*(_python() if python is None else python), *readable)
    scoped = landlock.ABSTRACT_SOCKETS | landlock.SIGNALS
    allowed = [(path, landlock.READ) for path in folders]
    return _put_up(
        filters.WRITER,
        machine,
        call,
        files=landlock.EVERYTHING,
        allowed=allowed,
        tcp=landlock.TCP,
        scoped=scoped,
    )


def courier(
    hidden: Sequence[Path],
    *,
    still: Sequence[Path] = (),
    machine: str | None = None,
    call: Kernel = kernel,
    python: Sequence[Path] | None = None,
) -> Fenced:
    """Keep this process, and the programs it starts, from reading what is hidden, but for the files `still`.

    Python's own folders stay readable, also where they are in what is hidden. It may connect, write and start
    what it likes; a program gains no privileges that it has not (no setuid), and no namespaces. Nor can it
    put a socket, a pipe or a link into what is hidden, which others would take for ours and tell the
    passphrase; nor move a folder that is hidden or lies on the way to it, or beside such a one, so that
    another is found in its place.
    """
    rights = landlock.READ_FILE | landlock.REFER
    rights |= landlock.MAKE_SOCKET | landlock.MAKE_FIFO | landlock.MAKE_LINK | landlock.REMOVE_DIR
    where = [path.resolve() for path in hidden]
    own = [
        path
        for path in (_python() if python is None else python)
        if not any(
            one.is_relative_to(path.resolve()) for one in where
        )  # else all that is hidden would be, too
    ]
    allowed = [*landlock.all_but(where, rights), *((path, rights) for path in (*own, *still))]
    return _put_up(filters.COURIER, machine, call, files=rights, allowed=allowed)


def possible(*, machine: str | None = None, call: Kernel = kernel) -> Fenced:
    """Say what the kernel would grant, and put up nothing."""
    arch = arch_of(machine)
    if arch is None:
        return _NOTHING
    try:
        # Of no filter it can only say that there is none; a kernel that knows no filters says something else.
        call(arch.calls["seccomp"], 1, 1, 0)
    except OSError as error:
        calls = error.errno == _BAD_ADDRESS
    else:
        calls = False
    return _said(calls=calls, known=landlock.version(arch, call))


_BAD_ADDRESS = 14
_NOTHING = Fenced(
    calls=False,
    landlock=0,
    missing=("No fence is known for this machine: only for Linux on 64-bit x86 and Arm.",),
)


def _put_up(
    rules: Sequence[Rule],
    machine: str | None,
    call: Kernel,
    *,
    files: int = 0,
    allowed: Sequence[landlock.Allowed] = (),
    tcp: int = 0,
    scoped: int = 0,
) -> Fenced:
    arch = arch_of(machine)
    if arch is None:
        return _NOTHING
    try:
        call(arch.calls["prctl"], _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    except OSError as error:
        return _said(calls=False, known=0, why=f" ({error.strerror})")
    known, calls, why = 0, False, ""
    try:
        known = landlock.restrict(arch, call, files=files, allowed=allowed, tcp=tcp, scoped=scoped)
    except OSError as error:
        why = f" ({error.strerror})"
    try:
        filters.install(rules, arch, call)
        calls = True
    except OSError as error:
        why = f" ({error.strerror})"
    return _said(calls=calls, known=known, files=bool(files), why=why)


def _said(*, calls: bool, known: int, files: bool = True, why: str = "") -> Fenced:
    missing = []
    if not calls:
        missing.append(f"This kernel cannot refuse calls (seccomp filters){why}.")
    if known == 0 and files:
        missing.append(f"This kernel cannot keep files from a process (Landlock){why}; {_OLD}")
    return Fenced(calls=calls, landlock=known, missing=tuple(missing))


def _python() -> list[Path]:
    """Where Python, its libraries and healthslm lie, and what those look at of the machine."""
    ours = Path(healthslm.__file__).parent
    system = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/etc/ld.so.cache"]
    machine = [
        "/proc/self",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/sys",
        "/sys/devices/system",
    ]
    small = ["/dev/null", "/dev/urandom", "/etc/localtime", "/usr/share/zoneinfo", "/sys/fs/cgroup"]
    found = [*map(Path, (*system, *machine, *small)), ours, ours.with_name("device")]
    found += [Path(sys.prefix), Path(sys.base_prefix), Path(os.path.realpath(sys.executable))]
    return [path for path in dict.fromkeys(found) if path != Path("/")]
