"""Commands under strace, and what they and all that they start said to the network."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_NETWORK = "socket,connect,bind,accept,accept4,sendto,sendmsg,sendmmsg"
_CALLS = f"{_NETWORK},execve,clone,clone3,fork,vfork,openat,open,creat"
_LINE = re.compile(r"^(\d+) +(.*)$")
_CHILD = re.compile(r"^(?:<\.\.\. )?(?:clone3?|v?fork)\b.* = (\d+)$")
_EXECUTED = re.compile(r'^execve\("[^"]*", \[(.*?)\](?:, |\.\.\.)')
_INTERNET = re.compile(rf"^(?:<\.\.\. )?({_NETWORK.replace(',', '|')})\b.*\bAF_INET6?\b")
_WRITTEN = re.compile(
    r'^(?:openat\([^,]+, |open\(|creat\()"([^"]+)", [^=]*O_(?:WRONLY|RDWR|CREAT)[^=]*\) = \d+'
)
_ROLES = {
    "starter.py": "starter",  # first: what it is to start stands on its command line too
    "healthslm.alerts.worker": "courier",
    "healthslm.slm.worker": "writer",
    "typesetter.py": "typesetter",
}


def why_not() -> str:
    """Say why nothing can be traced here; empty where it can."""
    if shutil.which("strace") is None:
        return "strace is missing; on Debian: apt install strace"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()[:200]}"


def under_strace(trace: Path, command: Sequence[str]) -> list[str]:
    """Return the command that runs another one traced, with all that it starts."""
    return ["strace", "-f", "-qq", "-s", "4000", "-e", f"trace={_CALLS}", "-e", "signal=none",
            "-o", str(trace), *command]  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A call: which process it was of, by its role, and the call as strace writes it."""

    role: str
    call: str


def lines(trace: Path, role: str) -> Iterator[Line]:
    """Read a trace. A process is what it was started as; until it runs something else, what its parent is."""
    found = [
        m.groups() for line in trace.read_text(errors="replace").splitlines() if (m := _LINE.match(line))
    ]
    parents = {m[1]: pid for pid, call in found if (m := _CHILD.match(call))}
    roles: dict[str, str] = {}
    pending: dict[str, str] = {}

    def role_of(pid: str) -> str:
        if pid not in roles:
            roles[pid] = role_of(parents[pid]) if pid in parents else role
        return roles[pid]

    for pid, call in found:
        if executed := _EXECUTED.match(call):
            pending[pid] = executed[1]
        if pid in pending and call.endswith(" = 0") and "execve" in call:
            started = pending.pop(pid)
            roles[pid] = next((name for mark, name in _ROLES.items() if mark in started), role_of(pid))
        yield Line(role_of(pid), call)


def internet(trace: Path, role: str) -> list[Line]:
    """Everything that was asked of the internet's sockets, also what was refused."""
    return [line for line in lines(trace, role) if _INTERNET.match(line.call)]


def roles(trace: Path, role: str) -> set[str]:
    """Which processes there were."""
    return {line.role for line in lines(trace, role)}


def written(trace: Path) -> set[str]:
    """Every path that was opened for writing."""
    return {m[1] for line in lines(trace, "") if (m := _WRITTEN.match(line.call))}
