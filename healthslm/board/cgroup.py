"""What a service may take of the memory: the limits of its control groups, of version 1 and 2.

A limit holds for a group and all below it, so every group from ours up to the root is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path("/")
_NO_LIMIT = 1 << 60
"""Version 1 writes "none" as a number near 2^63."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a group may take at most, and what it takes now that could not be given back; both in bytes."""

    most: int
    taken: int | None

    @property
    def left(self) -> int | None:
        """What may still be taken; `None` where it is not known what is taken."""
        return None if self.taken is None else max(0, self.most - self.taken)


def limits(root: Path = ROOT) -> Iterator[Limit]:
    """Yield the limits that this process is under, of its own group and of those above.

    `root` is the folder in which `proc` and `sys` lie. What cannot be read limits nothing.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0" and not controllers:
            base, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        inner = PurePosixPath(path.lstrip("/"))
        for folder in (inner, *inner.parents):
            if ".." not in folder.parts and (found := _limit(base / folder, *names)) is not None:
                yield found


def _limit(folder: Path, most: str, taken: str, cache: str) -> Limit | None:
    limit = _number(folder / most)
    if limit is None or limit >= _NO_LIMIT:
        return None
    used = _number(folder / taken)
    if used is not None:  # the kernel takes pages of files back before it refuses anybody memory
        used = max(0, used - _counted(folder / "memory.stat", cache))
    return Limit(limit, used)


def _number(path: Path) -> int | None:
    """Read a number; `None` for what is not there, and for `max`."""
    try:
        return int(path.read_text(encoding="ascii", errors="replace"))
    except (OSError, ValueError):
        return None


def _counted(path: Path, name: str) -> int:
    try:
        rows = (line.split() for line in path.read_text(encoding="ascii", errors="replace").splitlines())
        return next((int(row[1]) for row in rows if len(row) == 2 and row[0] == name), 0)
    except (OSError, ValueError):
        return 0
