"""The kernel's calls that a fence needs or refuses, by number, and how one is made without a library for it.

Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux, which never
change. Other architectures have numbers of their own and are not fenced.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Kernel = Callable[..., int]
"""Makes a call by its number and arguments. Raises `OSError` as the kernel answers."""

_NUMBERS: Mapping[str, tuple[int, int | None]] = {
    "accept": (43, 202),
    "accept4": (288, 242),
    "add_key": (248, 217),
    "bind": (49, 200),
    "bpf": (321, 280),
    "clone": (56, 220),
    "clone3": (435, 435),
    "connect": (42, 203),
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "kcmp": (312, 272),
    "keyctl": (250, 219),
    "kill": (62, 129),
    "landlock_add_rule": (445, 445),
    "landlock_create_ruleset": (444, 444),
    "landlock_restrict_self": (446, 446),
    "listen": (50, 201),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41),
    "prctl": (157, 167),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "renameat2": (316, 276),
    "request_key": (249, 218),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "seccomp": (317, 277),
    "sendmmsg": (307, 269),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "setns": (308, 268),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "tkill": (200, 130),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vfork": (58, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arch:
    """An architecture: name, audit number, calls, and from which number on calls are those of another."""

    name: str
    audit: int
    calls: Mapping[str, int]
    foreign_from: int | None = None


X86_64 = Arch(
    name="x86_64",
    audit=0xC000003E,
    calls={name: number for name, (number, _) in _NUMBERS.items()},
    foreign_from=0x40000000,  # the x32 ABI: the same calls once more, under other numbers
)
AARCH64 = Arch(
    name="aarch64",
    audit=0xC00000B7,
    calls={name: number for name, (_, number) in _NUMBERS.items() if number is not None},
)
_ARCHES = {"x86_64": X86_64, "amd64": X86_64, "aarch64": AARCH64, "arm64": AARCH64}


def arch_of(machine: str | None = None) -> Arch | None:
    """Return the architecture of this process, or of a named machine; `None` for one that is not fenced."""
    if machine is None:
        if not sys.platform.startswith("linux") or sys.maxsize < 2**32 or sys.byteorder != "little":
            return None  # a 32-bit Python on a 64-bit kernel has the numbers of neither
        machine = platform.machine()
    return _ARCHES.get(machine.lower())


def kernel(number: int, *arguments: object) -> int:
    """Make a call. Whole numbers are passed as `long`, the rest as ctypes has it. Raises `OSError`."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    ctypes.set_errno(0)
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    answer = libc.syscall(ctypes.c_long(number), *passed)
    if answer == -1:
        code = ctypes.get_errno() or errno.EPERM
        raise OSError(code, os.strerror(code))
    return int(answer)
