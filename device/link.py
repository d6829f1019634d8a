"""The link to a wearable: a supervisor finds it, connects, listens, and starts over."""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from bleak import BleakClient
from bleak.backends.device import BLEDevice

from device.adapter import Air, limited
from device.errors import AdapterError, DeviceError, LinkError, RefusedError
from device.events import EventQueue, LinkEvent, LinkState
from device.gatt import SILENCE
from device.session import Session, out_of_date, services_of
from device.stored import Memory, Resume, fetch, set_clock
from device.vendors import Family, family_of

_LOG = logging.getLogger(__name__)
_NO_BOND = re.compile(r"auth|key|bond|encrypt", re.IGNORECASE)
"""What is in the words of every platform when a device no longer knows the keys of its bond."""
_STALE_AFTER = 2
"""Failures in a row that look like an outdated table of characteristics, before the device is forgotten."""


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Keeps one device's link up, and tells of it in the queue. Runs until it is cancelled."""

    address: str
    air: Air
    queue: EventQueue
    clock: Callable[[], datetime]
    pair: bool
    streams: Sequence[str]
    kept: Resume
    zone: tzinfo | None
    _failures: int = field(default=0, init=False)
    _stale: int = field(default=0, init=False)
    _memory: Memory = field(default_factory=Memory, init=False)

    def _tell(self, state: LinkState, why: str = "") -> None:
        _LOG.info("%s: %s %s", self.address, state, why)
        self.queue.put(LinkEvent(at=self.clock(), device=self.address, state=state, why=why))

    async def run(self) -> None:
        """Find, connect, listen; on any failure wait a little longer than the time before, and start over."""
        while True:
            try:
                self._tell(LinkState.SEARCHING)
                found = await self.air.find(self.address)
                _must_be_readable(found.device.name or "", found.services)
                await self._connected(found.device)
            except _UnreadableError as e:  # nor will it be tomorrow: it is left in peace
                self._tell(LinkState.LOST, str(e))
                await asyncio.Event().wait()
            except AdapterError as e:
                self._tell(LinkState.NO_ADAPTER, str(e))
            except DeviceError as e:
                self._tell(LinkState.LOST, str(e))
            self._failures += 1
            await asyncio.sleep(self.air.timings.delay(self._failures))

    async def _connected(self, device: BLEDevice) -> None:
        """Be connected once. Always ends in a `LinkError` that says why it ended."""
        gone = asyncio.Event()
        limits = self.air.timings
        # A new client each time: after a loss the old one's table of handles may be out of date.
        client = BleakClient(
            device,
            lambda _: gone.set(),
            timeout=limits.connect,
            pair=self.pair,
            backend=self.air.radio.client,
        )
        stale = False
        try:
            async with self.air.connecting():
                self._tell(LinkState.CONNECTING)
                await self._connect(client)
            session = await self._begin(client, gone, device.name or "")
            self._failures = self._stale = 0
            await self._listen(session)
        except LinkError as error:
            stale = out_of_date(error)
            raise
        finally:
            await self.air.part(client)
            if stale:
                await self._suspect(client)

    async def _connect(self, client: BleakClient) -> None:
        limit = self.air.timings.connect
        try:
            await limited("connecting", client.connect(), limit)
        except LinkError as error:
            if self.pair and _NO_BOND.search(error.message):
                hint = "If it was reset, or belongs to another machine now, pair with it again."
                raise LinkError(error.message, hint) from error.__cause__
            raise

    async def _begin(self, client: BleakClient, gone: asyncio.Event, called: str) -> Session:
        """Learn who the device is, subscribe, and take what it has stored."""
        services = services_of(client)
        family = _must_be_readable(called, services)
        session = Session(
            client,
            address=self.address,
            queue=self.queue,
            clock=self.clock,
            limits=self.air.timings,
            gone=gone,
            conversation=family.converse(self.streams) if family and family.converse else None,
        )
        identity, answers = await session.identify(called)
        self.queue.put(identity)
        if answers:
            await session.read_state()
        refused = await session.subscribe(strict=self._stale < _STALE_AFTER)
        # The records first, while the clock that stamped them still runs as it did; only then is it set.
        transfers = await fetch(session, self.kept, self._memory)
        for transfer in transfers:
            self._tell(LinkState.FETCHED, transfer)
        adjusted = await set_clock(session, self.zone)
        self._tell(LinkState.CONNECTED, "; ".join(said for said in (refused, adjusted) if said))
        return session

    async def _suspect(self, client: BleakClient) -> None:
        """Forget a device whose characteristics do not answer as listed: the list may be an old one, kept."""
        self._stale += 1
        if self._stale == _STALE_AFTER:
            try:
                await limited("forgetting the device", client.unpair(), self.air.timings.gatt)
            except LinkError as error:
                _LOG.info("%s: %s", self.address, error)

    async def _listen(self, session: Session) -> None:
        """Talk and listen until the link ends, and make sure meanwhile that silence is not a dead link."""
        talking: asyncio.Task[Any] = asyncio.create_task(session.converse())
        try:
            while True:
                wait = asyncio.create_task(session.gone.wait())
                await asyncio.wait(
                    {wait, talking}, timeout=self._patience(session), return_when=asyncio.FIRST_COMPLETED
                )
                wait.cancel()
                if session.gone.is_set():
                    raise LinkError("the link ended.")
                if talking.done():
                    talking = self._talked(session, talking)
                await self._check(session)
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)

    def _talked(self, session: Session, talking: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Go on listening when the device refused what was asked; raise what else ended the talk."""
        try:
            talking.result()
        except RefusedError as refused:
            self._tell(LinkState.CONNECTED, refused.message)
        return asyncio.create_task(session.gone.wait())

    def _patience(self, session: Session) -> float:
        quiet = (time.monotonic_ns() - session.heard_ns) / 1e9
        silence = self.air.timings.silence
        return silence - quiet if quiet < silence else silence

    async def _check(self, session: Session) -> None:
        """Ask a device that is silent whether it is there; end the link of one that should be streaming."""
        limits = self.air.timings
        quiet = (time.monotonic_ns() - session.heard_ns) / 1e9
        longest = min((SILENCE[name] for name in session.heard_of & SILENCE.keys()), default=math.inf)
        if quiet >= longest * limits.patience:
            raise LinkError(f"nothing came for {quiet:.0f} s; connecting anew.")
        if quiet >= limits.silence:
            await session.probe()


class _UnreadableError(LinkError):
    """Nothing of this device may be used, today or tomorrow."""


def _must_be_readable(called: str, services: Collection[str]) -> Family | None:
    """Return the family of a device. Raises `_UnreadableError` for one of which nothing may be used."""
    family = family_of(called, services)
    if family is not None and family.refuses:
        raise _UnreadableError(family.refuses)
    return family
