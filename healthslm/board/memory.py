"""How much memory this machine has for us, and how much of it is free, in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from healthslm.board.cgroup import ROOT, limits


def total(root: Path = ROOT) -> int | None:
    """Return the bytes there are: the machine's, or less where the service may not take so much.

    `None` where the system does not say. What the kernel and the graphics keep for themselves is not in it.
    """
    counts = [_meminfo(root).get("MemTotal"), *(limit.most for limit in limits(root))]
    return min((count for count in counts if count is not None), default=None)


def available(root: Path = ROOT) -> int | None:
    """Return the bytes that a new process can have, swap included; `None` where the system does not say."""
    said = _meminfo(root)
    if "MemAvailable" not in said:
        return None
    free = said["MemAvailable"] + said.get("SwapFree", 0)
    return min([free, *(limit.left for limit in limits(root) if limit.left is not None)])


def _meminfo(root: Path) -> Mapping[str, int]:
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines()
        parts = (line.partition(":") for line in lines)
        return {name: int(rest.split()[0]) * 1024 for name, _, rest in parts if rest.strip()}
    except (OSError, ValueError):
        return {}
