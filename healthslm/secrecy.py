"""Keeping the data key in this process: no core dump, no other process of the user, no swap where possible.

Source: prctl(2) PR_SET_DUMPABLE, mlockall(2), getrlimit(2). None of it keeps root out.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from dataclasses import dataclass

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_MCL_CURRENT, _MCL_FUTURE = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the system granted: `dumps` that no core is written, `memory` that nothing is swapped."""

    dumps: bool
    memory: bool


def keep(*, lock_memory: bool) -> Kept:
    """Ask for all of it, and say what was granted; nothing here fails.

    Memory is only locked where `lock_memory` says so and the system allows as much as the process takes: a
    locked process that may not grow would die instead.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if not sys.platform.startswith("linux"):
        return Kept(dumps=True, memory=False)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    locked = False
    if lock_memory and resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        locked = libc.mlockall(_MCL_CURRENT | _MCL_FUTURE) == 0
    return Kept(dumps=libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, memory=locked)
