"""What opens a store: which one it is, and its data key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from healthslm.store.keys import KeyFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An unlocked store. The key is left out of its `repr`, which ends up in logs."""

    folder: Path
    key_file: KeyFile
    key: bytes
    slot: str = ""
    """The label of the slot that opened it."""

    def __repr__(self) -> str:
        return f"Access(folder={str(self.folder)!r}, key=…)"
