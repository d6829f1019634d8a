"""What goes wrong with a wearable: switches, each of which can be turned at any time.

    strap.faults.drop_at(Step.SUBSCRIBE)              # the next time that somebody subscribes
    strap.faults.hang_at(Step.READ, times=None)       # every read is left unanswered
    strap.faults.frames = Frames.TRUNCATED            # what it sends is cut

What a wearable does once, as walking away or changing its table, is a method of `Wearable`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum


class Step(StrEnum):
    """A moment in the life of a connection at which something may go wrong."""

    CONNECT = "connect"
    DISCOVERY = "discovery"
    READ = "read"
    SUBSCRIBE = "subscribe"
    WRITE = "write"
    """Of anything but a subscription: control points, clocks."""
    NOTIFY = "notify"
    """Of anything that is sent: notifications and indications."""
    RECORD = "record"
    """Of a stored record while a transfer runs."""


class Frames(StrEnum):
    """In which way what is sent is spoilt."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    """Only the first half arrives."""
    OVERSIZED = "oversized"
    """Seven bytes follow that no flag announces."""
    MALFORMED = "malformed"
    """Random bytes of the same length."""


class Harm(StrEnum):
    """What happens at a step: the link is lost, or the request is never answered."""

    DROP = "drop"
    HANG = "hang"


@dataclass(slots=True)
class Trip:
    """A fault set for a step: lets `after` of them pass in each connection; `times` left, `None`: always."""

    step: Step
    harm: Harm
    after: int = 0
    times: int | None = 1


@dataclass(slots=True)
class Faults:
    """The switches of one wearable; all off at first.

    `frames` spoils every `every`-th frame. `silent` keeps the link and sends nothing. `repeats` is how many
    of the last frames are sent again after a reconnection. `seed` draws the malformed frames.
    """

    frames: Frames = Frames.WHOLE
    every: int = 1
    silent: bool = False
    repeats: int = 0
    seed: int = 0
    trips: list[Trip] = field(default_factory=list)
    _passed: dict[Step, int] = field(default_factory=dict)
    _sent: int = 0

    def drop_at(self, step: Step, *, after: int = 0, times: int | None = 1) -> None:
        """Lose the link at this step, once `after` of them have passed in a connection."""
        self.trips.append(Trip(step, Harm.DROP, after, times))

    def hang_at(self, step: Step, *, after: int = 0, times: int | None = 1) -> None:
        """Leave this step's request unanswered; what is sent at this step does not arrive."""
        self.trips.append(Trip(step, Harm.HANG, after, times))

    def connected(self) -> None:
        """Count the steps from the start: a new connection."""
        self._passed.clear()

    def meets(self, step: Step) -> Harm | None:
        """Say what happens at a step that is about to be taken, and count it."""
        passed = self._passed.get(step, 0)
        self._passed[step] = passed + 1
        for trip in self.trips:
            if trip.step is step and passed >= trip.after and trip.times != 0:
                if trip.times is not None:
                    trip.times -= 1
                return trip.harm
        return None

    def spoil(self, frame: bytes) -> bytes:
        """Give a frame as it leaves the wearable."""
        self._sent += 1
        if self.frames is Frames.WHOLE or self._sent % self.every:
            return frame
        if self.frames is Frames.TRUNCATED:
            return frame[: len(frame) // 2]
        if self.frames is Frames.OVERSIZED:
            return frame + b"\xff" * 7
        return random.Random(f"{self.seed} {self._sent}").randbytes(len(frame))  # noqa: S311  noise, not a secret
