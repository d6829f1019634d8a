"""Slows down who guesses: after a few wrong tries each further one has to wait, twice as long each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FREE = 5
"""Wrong tries of one address that cost nothing: people mistype."""
_FREE_OF_ALL = 50
"""Of all addresses together: a guesser may have many."""
_FIRST_S, _LONGEST_S = 2.0, 900.0
_FORGIVEN_S = 3600.0
_ADDRESSES = 10_000
_ALL = ""


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    last: float = 0.0


class Throttle:
    """Counts wrong tries by address. `counter` says how many seconds have passed since some moment."""

    def __init__(self, counter: Callable[[], float]) -> None:
        self._counter = counter
        self._tries: dict[str, _Tries] = {}

    def waits_s(self, address: str, *, of_all: bool = False) -> float:
        """Return for how many seconds an address has to wait before it may try again; 0 for not at all.

        `of_all` counts the wrong tries of everybody: for what is short enough to be guessed by many.
        Elsewhere one who guesses keeps nobody else out.
        """
        own = self._waits(address, FREE)
        return max(own, self._waits(_ALL, _FREE_OF_ALL)) if of_all else own

    def wrong(self, address: str) -> None:
        """Note a wrong try."""
        now = self._counter()
        for name in (address, _ALL):
            tries = self._tries.pop(name, None) or _Tries()
            if now - tries.last > _FORGIVEN_S:
                tries.wrong = 0
            tries.wrong += 1
            tries.last = now
            self._tries[name] = tries
        while len(self._tries) > _ADDRESSES:
            del self._tries[next(iter(self._tries))]

    def right(self, address: str) -> None:
        """Note a right try: what went wrong before was a slip."""
        self._tries.pop(address, None)

    def _waits(self, name: str, free: int) -> float:
        tries = self._tries.get(name)
        if tries is None or tries.wrong < free:
            return 0.0
        wait = min(_LONGEST_S, _FIRST_S * 2.0 ** min(tries.wrong - free, 16))
        return max(0.0, tries.last + wait - self._counter())
