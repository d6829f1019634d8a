"""Payloads that go out though they are not on the disk: an alert does not wait for room."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

_LOG = logging.getLogger(__name__)
MOST = 1000
"""Payloads for one hook that are kept in memory; of more, what is no emergency is given up."""


def key_of(alert_ids: Sequence[str], row: int) -> str:
    """Return the idempotency key of a row of the outbox: the same for every repetition."""
    return f"{alert_ids[0]}-{row}"


@dataclass(slots=True, kw_only=True)
class Letter:
    """A payload for one hook; `row` is its place in the outbox once that can be written, -1 for none."""

    alert_ids: tuple[str, ...]
    payload: str
    row: int
    key: str
    first: bool
    attempts: int = 0


@dataclass(slots=True)
class Loose:
    """The payloads for one hook that are in memory alone: emergencies first, then the oldest."""

    _letters: list[Letter] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._letters)

    def add(self, alert_ids: Sequence[str], payload: str, row: int, *, first: bool) -> None:
        """Take one in."""
        key = key_of(alert_ids, row) if row >= 0 else f"{alert_ids[0]}-{secrets.token_hex(4)}"
        letter = Letter(alert_ids=tuple(alert_ids), payload=payload, row=row, key=key, first=first)
        ahead = sum(1 for one in self._letters if one.first)
        self._letters.insert(ahead if first else len(self._letters), letter)
        if len(self._letters) > MOST:
            gone = self._letters.pop()
            _LOG.error("An alert (%s) is given up: there is room for it nowhere.", gone.alert_ids[0])

    def next(self) -> Letter | None:
        """Return the one that goes out next."""
        return self._letters[0] if self._letters else None

    def done(self, letter: Letter) -> None:
        """Take one out that was delivered."""
        self._letters.remove(letter)
