"""The levels that somebody can be told of, as an option's choices."""

from __future__ import annotations

from enum import StrEnum

from healthslm.readings import Severity


class Level(StrEnum):
    """A level above `info`, of which nobody is told."""

    WATCH = "watch"
    URGENT = "urgent"
    EMERGENCY = "emergency"

    @property
    def severity(self) -> Severity:
        """The level itself."""
        return Severity[self.name]
