"""Payloads that go out though they are not on the disk: an alert does not wait for room."""

from __future__ import annotations

import itertools
import logging
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

_LOG = logging.getLogger(__name__)
MOST = 1000
"""Payloads for one hook that are kept in memory; of more, what is no emergency is given up."""


_NUMBERS = itertools.count(1)


def key_of(alert_ids: Sequence[str], row: int) -> str:
    """Return the idempotency key of a row of the outbox: the same for every repetition."""
    return f"{alert_ids[0]}-{row}"


@dataclass(slots=True, kw_only=True, eq=False)
class Letter:
    """A payload for one hook; `row` is its place in the outbox once that can be written, -1 for none.

    `first` goes out before the others; `calls` is needless once everybody has seen what it tells of.
    """

    alert_ids: tuple[str, ...]
    payload: str
    queued: datetime
    row: int
    first: bool
    calls: bool
    attempts: int = 0
    error: str = ""
    key: str = field(init=False)
    place: int = field(init=False)
    """The row, or where there is none a number of its own below zero."""

    def __post_init__(self) -> None:
        self.place = self.row if self.row >= 0 else -next(_NUMBERS)
        self.key = (
            key_of(self.alert_ids, self.row)
            if self.row >= 0
            else f"{self.alert_ids[0]}-{secrets.token_hex(4)}"
        )


class Loose:
    """The payloads for one hook that are in memory alone: emergencies first, then the oldest."""

    def __init__(self) -> None:
        self._letters: list[Letter] = []

    def add(self, letter: Letter) -> None:
        """Take one in."""
        ahead = sum(1 for one in self._letters if one.first)
        self._letters.insert(ahead if letter.first else len(self._letters), letter)
        if len(self._letters) > MOST:
            gone = self._letters.pop()
            _LOG.error("An alert (%s) is given up: there is room for it nowhere.", gone.alert_ids[0])

    def next(self, without: Collection[int] = (), *, least_tried: bool = False) -> Letter | None:
        """Return the one that goes out next, `without` some places; or else the one least tried."""
        left = [one for one in self._letters if one.place not in without]
        if least_tried:
            return min(left, key=lambda one: one.attempts, default=None)
        return left[0] if left else None

    def oldest(self) -> Letter | None:
        """Return the one that has waited longest."""
        return min(self._letters, key=lambda one: one.queued, default=None)

    def done(self, letter: Letter) -> None:
        """Take one out that was delivered, or is not wanted any more."""
        self._letters.remove(letter)
