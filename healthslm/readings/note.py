"""What a person wrote about how they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note and what it came to: `level` is one of the severities' words, `origin` `model` or `template`."""

    time: datetime
    text: str
    level: str
    reason: str
    origin: str
    id: int = 0
