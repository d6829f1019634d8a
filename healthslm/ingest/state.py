"""What is kept of each device from one notification to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from healthslm.ingest.clocks import Clock
from healthslm.readings import Reading


@dataclass(slots=True)
class Held:
    """A glucose measurement whose context has yet to come, by its sequence number."""

    sequence: int
    since: datetime
    readings: list[Reading]


@dataclass(slots=True)
class Shaking:
    """Samples of acceleration in mg in the ten seconds `number` of the clock; `last`: when the last was."""

    number: int
    last: datetime
    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    @property
    def spread(self) -> float:
        """The standard deviation of the samples."""
        mean = self.total / self.count
        return sqrt(max(self.squares / self.count - mean * mean, 0.0))


@dataclass(slots=True)
class State:
    """One device, as far as its next notification needs it.

    `heard_at` is when its streams last sent, as the readings say; `last_beat` when its last heart beat was;
    `same_beat` the last RR interval as sent, `same_beats` how often it came in a row. `counters` are its
    running counters as last seen, by their names, with when; `offsets` what its sample clocks are off.
    `session_start` is when its glucose sensor's session began, by its own word, `session_guess` by its count
    of minutes. `shaking` are the ten seconds of acceleration that are not over.
    """

    clock: Clock
    heard_at: datetime | None = None
    last_beat: datetime | None = None
    same_beat: int = -1
    same_beats: int = 0
    same_spo2: tuple[object, ...] | None = None
    same_since: datetime | None = None
    same_until: datetime | None = None
    held: Held | None = None
    session_start: datetime | None = None
    session_guess: datetime | None = None
    last_record: tuple[int, datetime] | None = None
    last_weighing: tuple[object, ...] | None = None
    battery: float | None = None
    factor: float | None = None
    shaking: Shaking | None = None
    cycling: tuple[Any, datetime] | None = None
    turned: datetime | None = None
    moved: datetime | None = None
    counters: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    offsets: dict[str, tuple[int, int, timedelta]] = field(default_factory=dict)
