"""Which calls a process gives up, as a seccomp filter: a short program that the kernel runs at each call.

A call that is refused fails with an error, as it would for want of a permission; the process goes on. Source:
seccomp(2), Documentation/userspace-api/seccomp_filter.rst and the classic BPF of linux/bpf_common.h.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from healthslm.fence.kernel import Arch, Kernel

_LOAD, _RETURN = 0x20, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_RET|BPF_K
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCH_AT, _ARGUMENTS_AT = 0, 4, 16  # struct seccomp_data
_SET_MODE_FILTER, _ALL_THREADS = 1, 1  # SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
AF_UNIX = 1
CLONE_THREAD = 0x00010000
CLONE_NEW = 0x7E020000
"""Any of the bits by which a new process gets namespaces of its own."""
_MSG_FASTOPEN = 0x20000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_TOO_SHORT = 15
"""Bytes of an address that can be none of the internet: the kernel takes 16 for IPv4, 24 for IPv6."""


class Against(IntEnum):
    """What an argument is held against, by BPF's own numbers (BPF_JMP|BPF_K and the comparison)."""

    EQUALS = 0x15
    ABOVE = 0x25
    HAS = 0x45
    """Has one of the bits."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One call that is refused: always, or by one of its arguments (its low 32 bits, unsigned).

    `unless` says that the argument must pass the test with one of the values; else it must not. Of several
    rules for one call each can refuse it.
    """

    call: str
    error: int = errno.EPERM
    argument: int | None = None
    test: Against = Against.EQUALS
    values: tuple[int, ...] = ()
    unless: bool = False


def _never(*calls: str) -> tuple[Rule, ...]:
    return tuple(Rule(call) for call in calls)


NOSY = _never("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd")
"""What gets at another process: its memory, its open sockets."""
_AROUND = (
    # A ring opens and connects sockets without a call that a filter sees.
    *_never("io_uring_setup", "io_uring_enter", "io_uring_register"),
    # A key that the kernel has looked up may be a name in the DNS.
    *_never("add_key", "request_key", "keyctl"),
    *_never("bpf", "perf_event_open", "userfaultfd"),
    *_never("unshare", "setns", "mount", "move_mount", "open_tree", "mount_setattr", "pivot_root"),
    *_never("fsopen", "fsmount", "fspick"),
    Rule("clone", argument=0, test=Against.HAS, values=(CLONE_NEW,)),
    Rule("clone3", errno.ENOSYS),  # its flags are out of a filter's reach; the C library then takes `clone`
    # What is typed into the terminal is run by its shell, which is not fenced.
    Rule("ioctl", argument=1, values=(_TIOCSTI, _TIOCLINUX)),
)
_ONLY_LOCAL = (
    Rule("socket", errno.EACCES, argument=0, values=(AF_UNIX,), unless=True),
    Rule("socketpair", errno.EACCES, argument=0, values=(AF_UNIX,), unless=True),
    # Data with the request for a connection: connects without `connect`.
    Rule("sendto", errno.EACCES, argument=3, test=Against.HAS, values=(_MSG_FASTOPEN,)),
    Rule("sendmsg", errno.EACCES, argument=2, test=Against.HAS, values=(_MSG_FASTOPEN,)),
    Rule("sendmmsg", errno.EACCES, argument=3, test=Against.HAS, values=(_MSG_FASTOPEN,)),
)
CORE = (*_ONLY_LOCAL, *NOSY, *_AROUND)
"""Of sockets only those within this machine (AF_UNIX)."""
SERVING = (*CORE, Rule("connect", errno.EACCES, argument=2, test=Against.ABOVE, values=(_TOO_SHORT,)))
"""The same beside a socket that listens, which could be shut and connected: whoever connects may only name an
address that is too short for the internet, like the path `phone.sock`."""
WRITER = (
    *(Rule(call, errno.EACCES) for call in ("socket", "socketpair", "connect", "bind", "listen")),
    *(Rule(call, errno.EACCES) for call in ("accept", "accept4", "sendto", "sendmsg", "sendmmsg")),
    *_never("execve", "execveat", "fork", "vfork"),
    Rule("clone", argument=0, test=Against.HAS, values=(CLONE_THREAD,), unless=True),
    *_never("kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"),
    *NOSY,
    *_AROUND,
)
"""No socket at all, no other program, no signal; threads it may start."""
COURIER = (*NOSY, *_AROUND)
"""The internet and other programs, but no way around the rest."""


def program(rules: Sequence[Rule], arch: Arch) -> bytes:
    """Return the filter for an architecture, as the kernel takes it (an array of `struct sock_filter`).

    A call of another architecture, which the processor may also know, is refused whatever it is.
    """
    refused = _step(_RETURN, _ERRNO | errno.EPERM)
    steps = [
        _step(_LOAD, _ARCH_AT),
        _step(Against.EQUALS, arch.audit, 1, 0),
        refused,
        _step(_LOAD, _NUMBER_AT),
    ]
    if arch.foreign_from is not None:
        steps += [_step(Against.ABOVE, arch.foreign_from - 1, 0, 1), refused]
    for rule in rules:
        if rule.call in arch.calls:
            then = _then(rule)
            steps += [_step(Against.EQUALS, arch.calls[rule.call], 0, len(then)), *then]
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _then(rule: Rule) -> list[bytes]:
    """What is done at the rule's call: it is refused, or the next rule sees its number again."""
    refuse, go_on = _step(_RETURN, _ERRNO | rule.error), _step(_LOAD, _NUMBER_AT)
    if rule.argument is None:
        return [refuse]
    last = len(rule.values) - 1
    tests = []
    for n, value in enumerate(rule.values):
        passed, failed = last - n, 0 if n < last else 1  # steps to skip: to `refuse`, over it
        if rule.unless:
            passed, failed = passed + 1, 0
        tests.append(_step(rule.test, value, passed, failed))
    return [_step(_LOAD, _ARGUMENTS_AT + 8 * rule.argument), *tests, refuse, go_on]


def _step(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, true, false, value)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def install(rules: Sequence[Rule], arch: Arch, kernel: Kernel) -> None:
    """Put a filter up for every thread of this process, and for what it will start. Raises `OSError`.

    It stays until the process ends. That it has given up new privileges must have been said before.
    """
    steps = program(rules, arch)
    made = _Program(len(steps) // 8, steps)
    thread = kernel(arch.calls["seccomp"], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(made))
    if thread != 0:
        raise OSError(errno.EBUSY, f"thread {thread} has a filter of its own")
