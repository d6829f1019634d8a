"""Slows down who guesses: after a few wrong tries each further one has to wait, twice as long each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FREE = 5
"""Wrong tries of one address that cost nothing: people mistype."""
_FIRST_S, _LONGEST_S = 2.0, 900.0
_FORGIVEN_S = 3600.0
_ADDRESSES = 10_000


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    last: float = 0.0


class Throttle:
    """Counts wrong tries by address. `counter` says how many seconds have passed since some moment."""

    def __init__(self, counter: Callable[[], float]) -> None:
        self._counter = counter
        self._tries: dict[str, _Tries] = {}

    def waits_s(self, address: str) -> float:
        """Return for how many seconds an address has to wait before it may try again; 0 for not at all.

        Of all addresses together nothing is counted: a code, a signature and a token have 128 bits and more,
        and who guesses is to keep nobody else out.
        """
        tries = self._tries.get(address)
        if tries is None or tries.wrong < FREE:
            return 0.0
        wait = min(_LONGEST_S, _FIRST_S * 2.0 ** min(tries.wrong - FREE, 16))
        return max(0.0, tries.last + wait - self._counter())

    def wrong(self, address: str) -> None:
        """Note a wrong try."""
        now = self._counter()
        tries = self._tries.pop(address, None) or _Tries()
        if now - tries.last > _FORGIVEN_S:
            tries.wrong = 0
        tries.wrong += 1
        tries.last = now
        self._tries[address] = tries
        while len(self._tries) > _ADDRESSES:
            del self._tries[next(iter(self._tries))]

    def right(self, address: str) -> None:
        """Note a right try: what went wrong before was a slip."""
        self._tries.pop(address, None)
