"""Listening to several wearables: what they send is one stream of events, and which they are can change.

The stream says everything: what was heard, when a link was lost and why, and how much had to be dropped
because nobody took it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from device.adapter import Air, Found, Radio, Timings, utc_now
from device.errors import AdapterError
from device.events import EventQueue
from device.link import Supervisor
from device.stored import Resume, nothing_kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wished of a device: to be paired with before connecting, and what else to ask it for."""

    pair: bool = False
    streams: tuple[str, ...] = ()


class Watch(EventQueue):
    """The events of all devices that are listened to."""

    def __init__(
        self,
        limit: int,
        clock: Callable[[], datetime],
        supervise: Callable[[Watch, str, Wish], Coroutine[Any, Any, None]],
        look: Callable[[float], Awaitable[list[Found]]],
    ) -> None:
        super().__init__(limit, clock)
        self._supervise = supervise
        self.look = look
        """Lists what is near after so many seconds; nobody is sought meanwhile. Raises `AdapterError`."""
        self._links: dict[str, tuple[Wish, asyncio.Task[None]]] = {}
        self._leaving: dict[str, set[asyncio.Task[None]]] = {}

    def listen_to(
        self,
        addresses: Iterable[str],
        *,
        pair: Collection[str] = (),
        streams: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Listen to these devices from now on, and to no other.

        One that is listened to already is not disturbed, unless something else is wished of it.
        """
        paired = {address.upper() for address in pair}
        extra = {address.upper(): tuple(names) for address, names in (streams or {}).items()}
        wishes = {
            address: Wish(pair=address in paired, streams=extra.get(address, ()))
            for address in (address.upper() for address in addresses)
        }
        for address, (wish, task) in list(self._links.items()):
            if wishes.get(address) != wish:
                task.cancel()
                self._let_go(address, task)
                del self._links[address]
        for address, wish in wishes.items():
            if address not in self._links:
                before = tuple(self._leaving.get(address, ()))
                task = asyncio.create_task(self._after(before, address, wish), name=f"link {address}")
                task.add_done_callback(self.ended)
                self._links[address] = wish, task

    def _let_go(self, address: str, task: asyncio.Task[None]) -> None:
        """Remember a link until it is closed: one that only waited for another may end before that one."""
        leaving = self._leaving.setdefault(address, set())
        leaving.add(task)

        def closed(_: asyncio.Task[None]) -> None:
            leaving.discard(task)
            if not leaving and self._leaving.get(address) is leaving:
                del self._leaving[address]

        task.add_done_callback(closed)

    async def _after(self, before: Collection[asyncio.Task[None]], address: str, wish: Wish) -> None:
        """Begin once every earlier link to the device is closed."""
        if before:
            await asyncio.wait(before)
        await self._supervise(self, address, wish)

    async def leave(self) -> None:
        """End every task and connection."""
        self.listen_to(())
        leaving = [task for tasks in self._leaving.values() for task in tasks]
        await asyncio.gather(*leaving, return_exceptions=True)


@asynccontextmanager
async def watch(
    addresses: Iterable[str],
    *,
    clock: Callable[[], datetime] = utc_now,
    radio: Radio | None = None,
    timings: Timings | None = None,
    pair: Collection[str] = (),
    streams: Mapping[str, Collection[str]] | None = None,
    kept: Resume = nothing_kept,
    zone: tzinfo | None = None,
    absent: Callable[[AdapterError], None] | None = None,
) -> AsyncIterator[Watch]:
    """Listen to the devices at `addresses` for as long as the `async with` block lasts.

    Yields an iterator of `Notification`, `LinkEvent` and `Identity`, in the order in which they happened; its
    `listen_to` changes which devices these are. `clock` stamps them. A device that is not there is waited
    for; one that is lost is picked up again. `pair` names those that are paired with before connecting;
    `streams` what else to ask of a device, like `{"C0:…": ["ecg"]}`. `kept(address, characteristic)` tells
    the last stored record that was kept, so that only newer ones are fetched. Devices whose clock can be set
    get the time of `zone` (this machine's where `None`). Leaving the block ends every task and connection.
    One `watch` an adapter: it owns the scanner.

    Raises `AdapterError` at the start when there is no usable Bluetooth, or tells it to `absent` and goes on;
    later, the devices' events say it.
    """
    timings = timings or Timings()
    air = Air(radio or Radio(), timings)

    def supervise(queue: Watch, address: str, wish: Wish) -> Coroutine[Any, Any, None]:
        return Supervisor(
            address=address,
            air=air,
            queue=queue,
            clock=clock,
            pair=wish.pair,
            streams=wish.streams,
            kept=kept,
            zone=zone,
        ).run()

    queue = Watch(timings.queue, clock, supervise, air.look)
    try:
        try:
            await air.check()
        except AdapterError as error:
            if absent is None:
                raise
            absent(error)
        queue.listen_to(addresses, pair=pair, streams=streams)
        yield queue
    finally:
        await queue.leave()
        await air.close()
        queue.close()
    queue.check()
