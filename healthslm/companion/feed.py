"""Live values: looked up once for everybody, and sent to each phone that listens (server-sent events)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

from healthslm.companion.answers import dumped
from healthslm.companion.box import Box
from healthslm.companion.now import now_of
from healthslm.errors import HealthslmError
from healthslm.store import Store

_LOG = logging.getLogger(__name__)
EVERY_S = 1.0
_ANYWAY_S = 10.0
"""So often it is looked up though nobody wrote: that nobody listens any more is no write."""
ALIVE_S = 10.0
"""So long a line may be silent."""
MOST = 40
"""Phones that listen at once."""
MOST_OF_ONE = 8
"""Pages of one phone or program among them."""


class Feed:
    """The latest state, and who waits for the next one. Who is slow misses some, and gets no old one late."""

    def __init__(self, box: Box, *, every_s: float = EVERY_S, alive_s: float = ALIVE_S) -> None:
        self._box = box
        self._every_s, self._alive_s = every_s, alive_s
        self._state = b""
        self._number = 0
        self._changed = asyncio.Condition()
        self._seen: int | None = None
        self._looked = 0.0
        self.listeners = 0
        self._pages: Counter[str] = Counter()
        self._closed = False

    async def close(self) -> None:
        """Hang up on everybody: the server is stopped."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def run(self) -> None:
        """Look again and again while somebody listens; ended by being cancelled."""
        while True:
            if self.listeners:
                try:
                    await self.look()
                except Exception as error:  # whatever it is: everybody would see old values for ever
                    _LOG.error("The live values could not be looked up: %s.", type(error).__name__)
            await asyncio.sleep(self._every_s)

    async def look(self) -> None:
        """Look once, and wake who waits if something is new."""
        loop = asyncio.get_running_loop()
        try:
            state = await self._box.do(lambda store: self._new(store, loop.time()))
        except HealthslmError as error:
            _LOG.error("The live values could not be looked up. %s", error)
            return
        if state is None:
            return
        async with self._changed:
            self._state, self._number = dumped(state), self._number + 1
            self._changed.notify_all()

    def _new(self, store: Store, at: float) -> dict[str, Any] | None:
        seen = store.changed_elsewhere
        if seen == self._seen and at - self._looked < _ANYWAY_S:
            return None
        self._seen, self._looked = seen, at
        return now_of(self._box, store)

    def changed(self) -> None:
        """Hear that this process wrote to the store: the next look finds something new."""
        self._seen = None

    def has_room(self, who: str) -> bool:
        """Say whether one more may listen: one phone is not to keep the others from it."""
        return self.listeners < MOST and self._pages[who] < MOST_OF_ONE

    async def events(self, who: str = "") -> AsyncGenerator[bytes]:
        """Yield the state as events, the present one first; a comment now and then keeps the line open."""
        self.listeners += 1
        self._pages[who] += 1
        try:
            if not self._state or self.listeners == 1:
                self._seen = None
                await self.look()
            sent = 0
            while not self._closed:
                if self._number != sent:
                    sent = self._number
                    yield b"event: now\ndata: " + self._state + b"\n\n"
                if not await self._newer_than(sent):
                    yield b": still here\n\n"
        finally:
            self.listeners -= 1
            self._pages[who] -= 1
            self._pages += Counter()  # drops who has none

    async def _newer_than(self, sent: int) -> bool:
        """Wait for another state than that; for so long as a line may be silent."""
        async with self._changed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._changed.wait_for(lambda: self._number != sent or self._closed), self._alive_s
                )
        return self._number != sent or self._closed
