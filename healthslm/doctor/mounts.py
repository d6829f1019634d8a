"""On which file system and disk a folder lies. Source: proc(5), `/proc/pid/mountinfo`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from healthslm.doctor.machine import Machine, NotKnown

_ESCAPED = re.compile(r"\\([0-7]{3})")
_PARTITION = re.compile(r"(mmcblk\d+|nvme\d+n\d+)p\d+|([shv]d[a-z]+)\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mounted file system: its kind, how it is mounted, the kernel's name of its device if it has one."""

    at: str
    kind: str
    options: frozenset[str]
    device: str

    @property
    def disk(self) -> str:
        """The disk that the device is a part of: `mmcblk0` of `mmcblk0p2`."""
        found = _PARTITION.fullmatch(self.device)
        return self.device if found is None else found[1] or found[2]


def mount_of(machine: Machine, folder: Path) -> Mount:
    """Return what a folder lies on: of what is mounted on the way to it the deepest, of those the last.

    Raises `NotKnown`.
    """
    best: tuple[int, Mount] | None = None
    for line in machine.text("proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        fields, more = left.split(), right.split()
        if len(fields) < 6 or len(more) < 2:
            continue
        at = _plain(fields[4])
        depth = len(PurePath(at).parts)
        if folder.is_relative_to(at) and (best is None or depth >= best[0]):
            options = frozenset([*fields[5].split(","), *(more[2].split(",") if len(more) > 2 else ())])
            device = _device(machine, fields[2], _plain(more[1]))
            best = depth, Mount(at=at, kind=more[0], options=options, device=device)
    if best is None:
        raise NotKnown(f"/proc/self/mountinfo names nothing that {folder} is on")
    return best[1]


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)


def _device(machine: Machine, number: str, source: str) -> str:
    """Return the kernel's name: what is mounted may be called /dev/root."""
    try:
        lines = machine.text(f"sys/dev/block/{number}/uevent").splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("DEVNAME="))
    except (NotKnown, StopIteration):
        return source.removeprefix("/dev/") if source.startswith("/dev/") else ""
