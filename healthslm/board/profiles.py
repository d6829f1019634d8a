"""The profiles: what suits a machine with so much memory, and which one that is.

Measured on x86-64 with two cores (docs/boards.md, docs/doctor.md): the core holds about 100 MB, the model's
process under 200 MB whatever the threads. So what a small board gains is that this
process does not stay. SQLite's page cache is 2 MB at most, in every profile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from healthslm.board.memory import total

ONE_GB, FOUR_GB = 850_000_000, 3_500_000_000
"""What such boards say at the least: the kernel's and the graphics' part is not in it."""


class Choice(StrEnum):
    """What `board` in settings.toml may say."""

    AUTO = "auto"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


AUTO = Choice.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What suits so much memory.

    It is for machines with less than `below` bytes; `None` for all others. The model's process ends after
    `model_idle_s` seconds in which no words were wanted. `why` says what the numbers stand on.
    """

    name: Choice
    below: int | None
    model_idle_s: float
    why: str


PROFILES = (
    Profile(
        name=Choice.SMALL,
        below=ONE_GB,
        model_idle_s=5,
        why="the model's process takes 200 MB: it is there for the words of one summary or answer, and ends",
    ),
    Profile(
        name=Choice.MEDIUM,
        below=FOUR_GB,
        model_idle_s=60,
        why="a second question soon after the first finds the model running; then its 200 MB are given back",
    ),
    Profile(
        name=Choice.LARGE,
        below=None,
        model_idle_s=300,
        why="there is memory to spare: the model stays for five minutes",
    ),
)
"""From the smallest on."""


def named(choice: Choice, memory: int | None) -> Profile:
    """Return the profile that was chosen, or with `auto` the one for so many bytes of memory.

    Memory that is not known is taken for plenty: what is free is asked before the model starts all the same.
    """
    if choice is not AUTO:
        return next(profile for profile in PROFILES if profile.name is choice)
    if memory is None:
        return PROFILES[-1]
    return next(profile for profile in PROFILES if profile.below is None or memory < profile.below)


def profile(choice: Choice = AUTO, memory: Callable[[], int | None] = total) -> Profile:
    """Return the profile of this machine."""
    return named(choice, memory() if choice is AUTO else None)
