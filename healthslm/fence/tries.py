"""Trying what a fence refuses, for real and without harm: where it is not refused nothing is left of it.

A connection is tried to 192.0.2.1 and ::1, and nothing is sent: 192.0.2.0/24 is nobody's (RFC 5737).
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from healthslm.fence.kernel import Arch, Kernel, arch_of, kernel

_REFUSED = {errno.EACCES, errno.EPERM}
_UNKNOWN = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.ENOSYS}
_PACKET, _NETLINK, _VSOCK, _ALG, _BLUETOOTH = 17, 16, 40, 38, 31  # not all are known to every Python
_CLONE_NEW_NETWORK, _CLONE_THREAD = 0x40000000, 0x00010000
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
_FILES = ("keys.json", "store.db")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One thing that was tried: `error` is what the kernel said, 0 where it did it."""

    what: str
    error: int

    @property
    def refused(self) -> bool:
        """Whether it was refused for want of permission, as a fence does."""
        return self.error in _REFUSED

    @property
    def absent(self) -> bool:
        """Whether this kernel does not have it at all."""
        return self.error in _UNKNOWN

    @property
    def said(self) -> str:
        """How it went, in words."""
        return os.strerror(self.error) if self.error else "it worked"


Try = tuple[str, Callable[[], object]]


def connections() -> list[Try]:
    """What would reach another machine."""
    return [
        ("a connection to 192.0.2.1", lambda: _connect(socket.AF_INET, "192.0.2.1")),
        ("a connection to ::1", lambda: _connect(socket.AF_INET6, "::1")),
        ("a datagram socket (UDP)", lambda: _open(socket.AF_INET, socket.SOCK_DGRAM)),
        ("a raw socket (AF_PACKET)", lambda: _open(_PACKET, socket.SOCK_RAW)),
        ("a socket to the kernel (AF_NETLINK)", lambda: _open(_NETLINK, socket.SOCK_RAW)),
        ("a socket to a host machine (AF_VSOCK)", lambda: _open(_VSOCK, socket.SOCK_STREAM)),
        ("a Bluetooth socket", lambda: _open(_BLUETOOTH, socket.SOCK_RAW)),
    ]


def ways_around(arch: Arch, call: Kernel = kernel) -> list[Try]:
    """What would get around a fence: other ways to a socket, or into another process."""

    def calling(name: str, *arguments: int) -> Callable[[], object]:
        return lambda: call(arch.calls[name], *arguments)

    thread = _CLONE_NEW_NETWORK | _CLONE_THREAD
    return [
        ("io_uring", calling("io_uring_setup", 0, 0)),
        ("ptrace", calling("ptrace", 1, 0, 0, 0)),
        ("reading another process's memory", calling("process_vm_readv", 0, 0, 1, 0, 1, 0)),
        ("taking another process's socket", calling("pidfd_getfd", -1, 0, 0)),
        ("a program in the kernel (BPF)", calling("bpf", -1, 0, 0)),
        ("a key that is looked up elsewhere", calling("request_key", 0, 0, 0, 0)),
        ("another network namespace", calling("setns", -1, _CLONE_NEW_NETWORK)),
        # Where these are not refused they are wrong: one bit too many, one too few.
        ("a network namespace of its own", calling("unshare", _CLONE_NEW_NETWORK | 1)),
        ("a thread in a network namespace of its own", calling("clone", thread, 0, 0, 0, 0)),
    ]


def of_core() -> list[Try]:
    """What the core's fence refuses."""
    arch = arch_of()
    return [*connections(), *([] if arch is None else ways_around(arch))]


def of_serving() -> list[Try]:
    """What the fence of a process that serves refuses; made before it is up: it takes sockets that listen."""
    return [*of_core(), *_turned_around()]


def of_writer(store: Path) -> list[Try]:
    """What the fence of the language model's process refuses; `store` is a folder with a store."""
    temporary = Path(tempfile.gettempdir())
    return [
        *of_core(),
        ("a socket within this machine", lambda: _open(socket.AF_UNIX, socket.SOCK_STREAM)),
        ("starting a program", _start_a_program),
        ("writing into the folder of temporary files", lambda: _write(temporary)),
        *_readings(store),
        *_using(store),
    ]


def of_courier(store: Path) -> list[Try]:
    """What the courier's fence refuses."""
    arch = arch_of()
    around = [] if arch is None else ways_around(arch)
    return [*around, *_readings(store), *_by_a_program(store), *_posing(store)]


def tried(tries: Sequence[Try]) -> Iterator[Tried]:
    """Try one after the other."""
    for what, attempt in tries:
        try:
            attempt()
        except OSError as error:
            yield Tried(what=what, error=error.errno or errno.EIO)
        else:
            yield Tried(what=what, error=0)


def _turned_around() -> list[Try]:
    """Making connections of sockets that listen, which are there already: to another one on this machine."""
    there = socket.create_server(("127.0.0.1", 0))
    by_connect, by_data = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))

    def connect() -> None:
        by_connect.shutdown(socket.SHUT_RDWR)
        by_connect.connect(there.getsockname())

    def send() -> None:
        by_data.shutdown(socket.SHUT_RDWR)
        by_data.sendto(b"x", socket.MSG_FASTOPEN, there.getsockname())

    return [("connecting a socket that listened", connect), ("sending by a socket that listened", send)]


def _readings(store: Path) -> list[Try]:
    """Reading the files that every store has."""

    def reading(path: Path) -> Try:
        return f"reading {path.name}", lambda: path.open("rb").close()

    return [reading(store / name) for name in _FILES if (store / name).exists()]


def _using(store: Path) -> list[Try]:
    """Looking and writing into the store's folder."""
    if not store.is_dir():
        return []
    return [
        ("listing the store's folder", lambda: os.listdir(store)),
        ("writing into the store's folder", lambda: _write(store)),
    ]


def _by_a_program(store: Path) -> list[Try]:
    """Reading them by a program, as a hook may be one."""

    def reading(path: Path) -> Try:
        return f"a program reading {path.name}", lambda: _have_read(path)

    return [reading(store / name) for name in _FILES if (store / name).exists()]


def _posing(store: Path) -> list[Try]:
    """Putting into the store's folder, or in its place, what would be taken for healthslm's own."""
    arch = arch_of()
    if arch is None or not store.is_dir():
        return []
    name = os.fsencode(store)
    posing = store / f"posing-{os.getpid()}"

    def as_socket() -> None:
        os.mknod(posing, stat.S_IFSOCK | 0o600)  # as `bind` does, whatever length the path has
        posing.unlink()

    def as_link() -> None:
        posing.symlink_to(os.devnull)
        posing.unlink()

    def as_folder() -> None:
        # With itself: that asks for what an exchange with a folder beside it does, and moves nothing.
        kernel(arch.calls["renameat2"], _HERE, name, _HERE, name, _EXCHANGE)

    return [
        ("a socket in the store's folder", as_socket),
        ("a link in the store's folder", as_link),
        ("another folder in the place of the store's", as_folder),
    ]


def _have_read(path: Path) -> None:
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (1, 2)]
    number = os.posix_spawnp("cat", ["cat", str(path)], os.environ, file_actions=silent)
    if os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _open(family: int, kind: int) -> None:
    with socket.socket(family, kind):
        pass


def _connect(family: int, host: str) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            made.connect((host, 9))


def _start_a_program() -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def _write(folder: Path) -> None:
    path = folder / ".healthslm-try"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    path.unlink()
