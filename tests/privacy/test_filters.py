"""The filter as the kernel would run it, for both architectures: interpreted here, by kernel numbers."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from healthslm.fence import filters
from healthslm.fence.filters import CORE, COURIER, SERVING, WRITER, Rule, program
from healthslm.fence.kernel import AARCH64, X86_64, Arch, arch_of

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_BLUETOOTH, AF_ALG = 1, 2, 10, 16, 17, 31, 38
# include/uapi/asm-generic/unistd.h of Linux, which 64-bit Arm has as it stands.
GENERIC = {
    "ioctl": 29, "mount": 40, "pivot_root": 41, "unshare": 97, "ptrace": 117, "kill": 129, "tkill": 130,
    "rt_sigqueueinfo": 138, "prctl": 167, "socket": 198, "socketpair": 199, "bind": 200, "listen": 201,
    "accept": 202, "connect": 203, "sendto": 206, "sendmsg": 211, "add_key": 217, "request_key": 218,
    "keyctl": 219, "clone": 220, "execve": 221, "rt_tgsigqueueinfo": 240, "perf_event_open": 241,
    "accept4": 242, "setns": 268, "sendmmsg": 269, "process_vm_readv": 270, "process_vm_writev": 271,
    "kcmp": 272, "renameat2": 276, "seccomp": 277, "bpf": 280, "execveat": 281, "userfaultfd": 282,
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432, "fspick": 433, "clone3": 435,
    "pidfd_getfd": 438, "mount_setattr": 442, "landlock_create_ruleset": 444, "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}  # fmt: skip
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
BOTH = pytest.mark.parametrize("arch", [X86_64, AARCH64], ids=lambda arch: arch.name)
ALL = pytest.mark.parametrize(
    "rules", [CORE, SERVING, WRITER, COURIER], ids=["core", "serving", "writer", "courier"]
)


def run(steps: bytes, data: bytes) -> int:
    """What the kernel does with a filter: classic BPF with the five steps that ours are made of."""
    at, value = 0, 0
    while True:
        code, true, false, k = struct.unpack_from("<HBBI", steps, 8 * at)
        at += 1
        match code:
            case 0x20:
                (value,) = struct.unpack_from("<I", data, k)
            case 0x06:
                return int(k)
            case 0x15 | 0x25 | 0x45:
                holds = {0x15: value == k, 0x25: value > k, 0x45: bool(value & k)}[code]
                at += true if holds else false
            case _:
                raise AssertionError(f"no step of ours: {code:#x}")


def answer(
    rules: tuple[Rule, ...], arch: Arch, call: str | int, *arguments: int, audit: int | None = None
) -> int:
    """The error of a call, 0 where it is allowed."""
    number = arch.calls[call] if isinstance(call, str) else call
    values = (*arguments, *[0xFFFF_FFFF_0000_0000] * (6 - len(arguments)))
    data = struct.pack("<IIQ6Q", number, arch.audit if audit is None else audit, 0, *values)
    said = run(program(rules, arch), data)
    if said == ALLOW:
        return 0
    assert said & 0xFFFF0000 == ERRNO  # an error, never the end of the process
    return said & 0xFFFF


def test_arms_numbers_are_the_kernels() -> None:
    assert AARCH64.calls == GENERIC


@BOTH
def test_the_numbers_are_those_of_the_headers_here(arch: Arch) -> None:
    header = HEADERS[arch.name]
    if not header.exists():
        pytest.skip(f"{header} is not there; on Debian: apt install linux-libc-dev")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", header.read_text()))
    known = {name: number for name, number in arch.calls.items() if name in found}
    assert known == {name: int(found[name]) for name in known}
    assert len(known) > 35


@BOTH
@pytest.mark.parametrize("rules", [CORE, SERVING, WRITER], ids=["core", "serving", "writer"])
def test_nothing_of_the_internet(arch: Arch, rules: tuple[Rule, ...]) -> None:
    for family in (0, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_BLUETOOTH, AF_ALG, 44, 0xFFFF_FFFF):
        for call in ("socket", "socketpair"):
            assert answer(rules, arch, call, family, 1, 0) == errno.EACCES
            # The kernel takes the low half; what stands in the high one makes no other family.
            assert answer(rules, arch, call, AF_UNIX << 32 | family) == errno.EACCES
    within = answer(rules, arch, "socket", AF_UNIX, 1, 0)
    assert within == (errno.EACCES if rules is WRITER else 0)


@BOTH
@ALL
def test_nothing_around_it(arch: Arch, rules: tuple[Rule, ...]) -> None:
    for call in ("io_uring_setup", "io_uring_enter", "io_uring_register", "ptrace", "process_vm_readv",
                 "process_vm_writev", "kcmp", "pidfd_getfd", "bpf", "perf_event_open", "userfaultfd",
                 "add_key", "request_key", "keyctl", "setns", "unshare", "mount", "fsopen", "fsmount",
                 "fspick", "open_tree", "move_mount", "mount_setattr", "pivot_root"):  # fmt: skip
        assert answer(rules, arch, call) == errno.EPERM


@BOTH
def test_data_with_the_request_for_a_connection(arch: Arch) -> None:
    fast_open, no_signal = 0x20000000, 0x4000
    for call, where in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        before = [0] * where
        assert answer(CORE, arch, call, *before, no_signal) == 0
        assert answer(CORE, arch, call, *before, no_signal | fast_open) == errno.EACCES


@BOTH
@pytest.mark.parametrize(("length", "error"), [(3, 0), (15, 0), (16, errno.EACCES), (28, errno.EACCES)])
def test_who_serves_connects_to_short_paths_alone(arch: Arch, length: int, error: int) -> None:
    assert answer(SERVING, arch, "connect", 5, 0, length) == error
    assert answer(CORE, arch, "connect", 5, 0, length) == 0  # it has no socket that could


@BOTH
def test_the_writer_starts_threads_and_nothing_else(arch: Arch) -> None:
    thread, process = 0x3D0F00, 17
    assert answer(WRITER, arch, "clone", thread) == 0
    assert answer(WRITER, arch, "clone", process) == errno.EPERM
    assert answer(WRITER, arch, "clone3") == errno.ENOSYS  # glibc then takes `clone`
    for call in ("execve", "execveat", "fork", "vfork", "kill", "tkill", "pidfd_send_signal"):
        if call in arch.calls:
            assert answer(WRITER, arch, call) == errno.EPERM


@BOTH
@ALL
def test_no_process_gets_namespaces_of_its_own(arch: Arch, rules: tuple[Rule, ...]) -> None:
    usual, thread = 17, 0x3D0F00  # SIGCHLD, as of a fork; as of pthread_create
    for kind in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(rules, arch, "clone", usual | kind) == errno.EPERM
        assert answer(rules, arch, "clone", thread | kind) == errno.EPERM
        assert answer(rules, arch, "unshare", kind) == errno.EPERM
    assert answer(rules, arch, "clone", usual) == (errno.EPERM if rules is WRITER else 0)
    assert answer(rules, arch, "clone", thread) == 0
    assert answer(rules, arch, "clone3") == errno.ENOSYS


@BOTH
@pytest.mark.parametrize("turned", [False, True])
def test_each_of_several_rules_for_a_call_can_refuse_it(arch: Arch, turned: bool) -> None:
    one = Rule("socket", errno.EACCES, argument=0, values=(1, 2, 3), unless=True)
    other = Rule("socket", errno.EPERM, argument=1, values=(7, 8))
    rules = (other, one, Rule("kill")) if turned else (one, other, Rule("kill"))
    for first in (1, 2, 3, 4):
        for second in (6, 7, 8, 9):
            refused = [errno.EACCES] * (first == 4) + [errno.EPERM] * (second in (7, 8))
            expected = refused[-1 if turned else 0] if refused else 0
            assert answer(rules, arch, "socket", first, second) == expected
    # What was looked at of one call is not taken for another's number.
    assert answer((one, Rule("kill")), arch, "socket", arch.calls["kill"]) == errno.EACCES
    turned_around = Rule("socket", argument=0, values=(1,))
    assert answer((turned_around, Rule("kill")), arch, "socket", arch.calls["kill"]) == 0


@BOTH
def test_the_terminal_is_typed_into_by_nobody(arch: Arch) -> None:
    set_attributes, insert = 0x5402, 0x5412
    for rules in (CORE, WRITER, COURIER):
        assert answer(rules, arch, "ioctl", 0, set_attributes) == 0
        assert answer(rules, arch, "ioctl", 0, insert) == errno.EPERM
        assert answer(rules, arch, "ioctl", 0, 7 << 32 | insert) == errno.EPERM


@BOTH
def test_calls_of_another_architecture_are_refused(arch: Arch) -> None:
    i386, arm = 0x40000003, 0x40000028
    for other in (i386, arm, X86_64.audit if arch is AARCH64 else AARCH64.audit):
        assert answer(COURIER, arch, 1, audit=other) == errno.EPERM


def test_the_other_numbers_of_64_bit_x86_are_refused() -> None:
    x32 = 0x40000000
    for number in (x32, x32 + X86_64.calls["socket"], x32 + 1, 0xFFFFFFFF):
        assert answer(CORE, X86_64, number, AF_UNIX) == errno.EPERM
    assert answer(CORE, X86_64, 1) == 0


@BOTH
def test_the_courier_is_kept_from_others_and_free_otherwise(arch: Arch) -> None:
    assert answer(COURIER, arch, "socket", AF_INET) == 0
    assert answer(COURIER, arch, "execve") == 0
    for call in ("ptrace", "process_vm_readv", "pidfd_getfd"):
        assert answer(COURIER, arch, call) == errno.EPERM


def test_machines_are_known_by_their_names() -> None:
    assert arch_of("aarch64") is arch_of("arm64") is AARCH64
    assert arch_of("AMD64") is X86_64
    for other in ("armv7l", "riscv64", "i686", "ppc64le", ""):
        assert arch_of(other) is None


def test_every_rule_names_a_call_that_is_known() -> None:
    for rule in (*SERVING, *WRITER, *COURIER):
        assert rule.call in X86_64.calls
        assert rule.call in AARCH64.calls or rule.call in {"fork", "vfork"}
    assert filters.CORE != filters.SERVING
