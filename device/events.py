"""What comes out of a link, and the queue that it waits in."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Notification:
    """One value that a device sent.

    `received_at` is aware UTC, `monotonic_ns` the same moment on the machine's monotonic clock, for
    latencies. `characteristic` is "2A37" or a whole UUID in lower case; `decode` says what `value` means.
    """

    received_at: datetime
    device: str
    characteristic: str
    value: bytes
    monotonic_ns: int


class LinkState(StrEnum):
    """What a device's link is doing."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    """Subscribed: what is measured from now on is heard."""
    LOST = "lost"
    NO_ADAPTER = "no adapter"
    """This machine's own Bluetooth went away; it is tried again."""
    DROPPED = "dropped"
    """Notifications were thrown away because nobody took them in time; the link itself is as it was."""


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """A change of a device's link. `why` is for a person; `dropped` counts with `LinkState.DROPPED`."""

    at: datetime
    device: str
    state: LinkState
    why: str = ""
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device says it is, read after each connect; empty or `None` where it does not say."""

    at: datetime
    device: str
    name: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    battery: int | None = None


Event = Notification | LinkEvent | Identity


class EventQueue(AsyncIterator[Event]):
    """Events in order. Holds at most `limit` notifications; how many more there were is told in their place.

    Everything but notifications is always kept. Iterating never ends by itself; it raises what ended a
    supervisor that should not have ended.
    """

    def __init__(self, limit: int, clock: Callable[[], datetime]) -> None:
        self._events: deque[Event] = deque()
        self._room = limit
        self._clock = clock
        self._dropped: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._failure: BaseException | None = None

    def put(self, event: LinkEvent | Identity) -> None:
        """Add an event that must not be lost."""
        self._events.append(event)
        self._wake.set()

    def put_notification(self, event: Notification) -> None:
        """Add a notification, or count it as dropped when there is no room."""
        if self._room <= 0 or self._dropped:
            self._dropped[event.device] += 1
            return
        self._room -= 1
        self._events.append(event)
        self._wake.set()

    def ended(self, task: asyncio.Task[None]) -> None:
        """Hear that a supervisor ended; only being cancelled is in order."""
        if not task.cancelled():
            self._failure = task.exception()
            self._wake.set()

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._failure is not None:
                raise self._failure
            self._wake.clear()
            await self._wake.wait()
        event = self._events.popleft()
        if isinstance(event, Notification):
            self._room += 1
        if self._dropped:
            # There is room again: the gap begins after everything that is queued now.
            for device, count in self._dropped.items():
                why = f"{count} notifications came faster than they were taken, and are lost"
                self._events.append(LinkEvent(self._clock(), device, LinkState.DROPPED, why, count))
            self._dropped.clear()
        return event
