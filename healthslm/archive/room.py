"""Whether there is room for what is read in."""

from __future__ import annotations

import shutil
from pathlib import Path

from healthslm.errors import ImportFailedError


def see_room(name: str, folder: Path, size: int) -> None:
    """Raise `ImportFailedError` where the disk under a folder has fewer bytes left than may be needed."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise ImportFailedError(
            f"{name} may need {size / 1e6:,.0f} MB, and the disk under {folder} has"
            f" {free / 1e6:,.0f} MB left.",
            "Make room and say it again: nothing was stored.",
        )
