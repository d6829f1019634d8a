"""How much memory this process holds, as the kernel says."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from pathlib import Path

_PROC = Path("/proc/self")


def held(name: str) -> int | None:
    """Return `VmRSS` (now) or `VmHWM` (at most so far) in bytes; `None` where no kernel says."""
    try:
        lines = (_PROC / "status").read_text().splitlines()
    except OSError:
        return None
    found = (line.split() for line in lines if line.startswith(name + ":"))
    return next((int(kilobytes) * 1024 for _, kilobytes, _ in found), None)


def rising() -> Callable[[], int | None]:
    """Begin to watch; what is returned says how far memory has risen at most since, in bytes."""
    gc.collect()
    with contextlib.suppress(OSError):  # without it, what was needed before counts as well
        (_PROC / "clear_refs").write_text("5")
    idle = held("VmRSS")

    def most() -> int | None:
        peak = held("VmHWM")
        return None if idle is None or peak is None else peak - idle

    return most
