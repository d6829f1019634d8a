"""A disk that fills up: what is measured would wait in memory, and be lost with it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from healthslm.absence.moment import Moment, finding
from healthslm.alerts.watch import Watch, Watched
from healthslm.readings import Finding, Severity

_LOG = logging.getLogger(__name__)
Free = Callable[[], tuple[int, int]]
"""Returns how many bytes are free, and how many there are."""
EVERY = timedelta(minutes=1)
MB = 1_000_000
LITTLE, HARDLY_ANY = 200 * MB, 50 * MB
SHARE, MOST = 0.02, 1000 * MB
"""A card that is nearly full wears out and slows down; of a large disk two percent are plenty."""
WATCH = Watch.of(Watched.DISK_FULL, timedelta(hours=1))


def free_of(folder: Path) -> Free:
    """Return what looks at the disk of a folder."""

    def free() -> tuple[int, int]:
        usage = shutil.disk_usage(folder)
        return usage.free, usage.total

    return free


class Disk:
    """How full the disk is, looked at once in `EVERY`."""

    def __init__(self, free: Free) -> None:
        self._free = free
        self._looked: float | None = None
        self._severity: Severity | None = None
        self._left = 0
        self._since = 0.0

    def finding(self, moment: Moment) -> Finding | None:
        """Say that little is left."""
        if self._looked is None or moment.at - self._looked >= EVERY.total_seconds():
            self._looked = moment.at
            self._look(moment.at)
        if self._severity is None:
            return None
        return finding(
            WATCH,
            self._severity,
            f"The disk of this machine is nearly full: {max(0, self._left) // MB} MB are left",
            "Make room on it. Without any, what is measured is kept in memory only, and is lost when this"
            " machine stops; alerts still come.",
            "the free space of the disk that the store is on",
            moment.wall(self._since),
            moment,
        )

    def _look(self, at: float) -> None:
        try:
            left, total = self._free()
        except OSError as error:
            _LOG.warning("How full the disk is cannot be seen. %s", error)
            return
        before, self._left = self._severity, left
        self._severity = level(left, total)
        if before is None:
            self._since = at


def level(free: int, total: int) -> Severity | None:
    """Return how bad it is that so many bytes of so many are free; `None` where it is not."""
    if free < HARDLY_ANY:
        return Severity.URGENT
    return Severity.WATCH if free < max(LITTLE, min(SHARE * total, MOST)) else None
