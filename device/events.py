"""What comes out of a link, and the queue that it waits in."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Notification:
    """One value that a device sent.

    `received_at` is aware UTC, `monotonic_ns` the same moment on the machine's monotonic clock, for
    latencies. `characteristic` is "2A37" or a whole UUID in lower case; `decode` says what `value` means.
    `read` marks a value that was asked for on connecting instead of being sent unasked.
    """

    received_at: datetime
    device: str
    characteristic: str
    value: bytes
    monotonic_ns: int
    read: bool = False


class LinkState(StrEnum):
    """What a device's link is doing."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    """Subscribed: what is measured from now on is heard."""
    FETCHED = "fetched"
    """A transfer of stored records ended; the link itself is as it was."""
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


@dataclass(slots=True)
class _Gap:
    """The place in the queue where notifications are missing, and how many of which device."""

    since: datetime
    dropped: Counter[str] = field(default_factory=Counter)

    def told(self) -> list[LinkEvent]:
        return [
            LinkEvent(
                at=self.since,
                device=device,
                state=LinkState.DROPPED,
                why=f"{count} notifications came faster than they were taken, and are lost",
                dropped=count,
            )
            for device, count in self.dropped.items()
        ]


class EventQueue(AsyncIterator[Event]):
    """Events in order. Holds at most `limit` notifications; how many more there were is told in their place.

    Everything but notifications is always kept. Iterating ends with the `async with` block that filled the
    queue; it raises what ended a supervisor that should not have ended.
    """

    def __init__(self, limit: int, clock: Callable[[], datetime]) -> None:
        self._events: deque[Event | _Gap] = deque()
        self._room = limit
        self._clock = clock
        self._gap: _Gap | None = None
        self._wake = asyncio.Event()
        self._failure: BaseException | None = None
        self._closed = False

    @property
    def room(self) -> int:
        """How many more notifications it holds."""
        return self._room

    def put(self, event: LinkEvent | Identity) -> None:
        """Add an event that must not be lost."""
        self._events.append(event)
        self._wake.set()

    def put_notification(self, event: Notification) -> bool:
        """Add a notification, or count it as dropped when there is no room; returns whether there was."""
        if self._room > 0:
            self._room -= 1
            self._gap = None
            self._events.append(event)
            self._wake.set()
            return True
        if self._gap is None:
            self._gap = _Gap(self._clock())
            self._events.append(self._gap)
        self._gap.dropped[event.device] += 1
        return False

    def take(self, most: int) -> list[Event]:
        """Take what waits now, at most so many events, without waiting for more."""
        taken: list[Event] = []
        while self._events and len(taken) < most:
            taken.append(self._next())
        return taken

    def ended(self, task: asyncio.Task[None]) -> None:
        """Hear that a supervisor ended; only being cancelled is in order."""
        if not task.cancelled():
            self._failure = task.exception()
            self._wake.set()

    def close(self) -> None:
        """Let iterating end once the queue is empty."""
        self._closed = True
        self._wake.set()

    def check(self) -> None:
        """Raise what ended a supervisor, if anything did, and nobody was told yet."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def __aiter__(self) -> EventQueue:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            self.check()
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._next()

    def _next(self) -> Event:
        event = self._events.popleft()
        if isinstance(event, _Gap):
            if event is self._gap:
                self._gap = None
            first, *others = event.told()
            self._events.extendleft(reversed(others))
            return first
        if isinstance(event, Notification):
            self._room += 1
        return event


def left(events: AsyncIterator[Event], most: int = 512) -> Iterator[Sequence[Event]]:
    """Yield what waits already, as many events at a time, and wait for nothing: at the end of listening."""
    while isinstance(events, EventQueue) and (batch := events.take(most)):
        yield batch


async def batches(events: AsyncIterator[Event], most: int = 512) -> AsyncIterator[Sequence[Event]]:
    """Yield the events in order, as many at a time as wait already: what comes fast is taken in one go."""
    async for event in events:
        yield [event, *events.take(most - 1)] if isinstance(events, EventQueue) else [event]
