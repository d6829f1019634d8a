"""Pairing: a device and this machine agree on keys, once, and know each other from then on.

Glucose meters, and many cuffs, thermometers and scales, tell their measurements to a paired machine only. On
Linux, BlueZ asks an agent while it pairs; without one it refuses. macOS and Windows ask by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

from bleak import BleakClient
from bleak.backends import BleakBackend, get_default_backend
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakError

from device.adapter import Air, Found, Radio, Timings, adapter_error, limited
from device.errors import AdapterError, LinkError
from device.gatt import SERVICES

if TYPE_CHECKING:  # dbus-fast is there on Linux only
    from device.bluez import Agent

_T = TypeVar("_T")
LOOK_S = 30.0
"""How long a device is looked for."""
PAIRING_S = 60.0
"""How long pairing may take, with a person typing. Bluetooth itself gives up after 30 s without an answer."""
_GRACE_S = 5.0
_RESTARTS = 10
"""How many seconds a Bluetooth service that ended is given to be there again."""
_PAIRING_MODE = "Put it into pairing mode (its manual says how), keep it near, and try again."
_BONDING = frozenset({"1808", "1809", "1810", "181B", "181D", "181F"})


class Ask(Protocol):
    """Who answers while a device pairs: a person at a terminal, or what they said beforehand.

    `device` is the address. A question is withdrawn by cancelling it, when the device gave up waiting.
    """

    async def passkey(self, device: str) -> int | None:
        """Ask for the six digits that the device shows or has printed on it; `None` stops the pairing."""
        ...

    async def confirm(self, device: str, passkey: int) -> bool:
        """Ask whether the device shows this very number."""
        ...

    def show(self, device: str, passkey: int) -> None:
        """Show six digits that are to be typed on the device."""
        ...


class Pairing(StrEnum):
    """How a pairing ended."""

    PAIRED = "paired"
    ALREADY = "already paired"
    """There was a pairing, and the device was connected to with it."""
    BY_SYSTEM = "left to the system"
    """macOS: the system asks the person when a measurement is first subscribed to."""


def bonds(found: Found) -> bool:
    """Say whether a device that was found measures what is usually told to a paired machine only.

    These are the services whose profiles ask for bonding: glucose, continuous glucose, blood pressure, health
    thermometer, weight scale, body composition. Source: the security chapters of GLP, CGMP, BLP, HTP, WSP.
    """
    return bool({SERVICES[number] for number in _BONDING if number in SERVICES} & set(found.services))


def uses_agent(radio: Radio) -> bool:
    """Say whether pairing goes through BlueZ, which asks an agent."""
    return radio.client is None and get_default_backend() is BleakBackend.BLUEZ_DBUS


@asynccontextmanager
async def agent(ask: Ask | None, only: Collection[str], *, seconds: float = 10) -> AsyncIterator[Agent]:
    """Answer BlueZ's questions about the devices in `only` for as long as the block lasts.

    `ask` is asked for passkeys; with `None`, only devices without one can be paired. A device that is not in
    `only` is declined. Only where `uses_agent`. Raises `AdapterError` when BlueZ cannot be reached.
    """
    from device.bluez import Agent, system_bus  # noqa: PLC0415  dbus-fast is there on Linux only

    async with AsyncExitStack() as stack:
        try:
            bus = await stack.enter_async_context(system_bus(seconds))
            registered = await stack.enter_async_context(Agent(bus, ask, only).registered())
        except (BleakDBusError, OSError, EOFError, TimeoutError) as e:
            raise adapter_error(e) from e
        yield registered


async def pair(
    address: str,
    *,
    ask: Ask | None = None,
    radio: Radio | None = None,
    timings: Timings | None = None,
    look_s: float = LOOK_S,
    pairing_s: float = PAIRING_S,
) -> Pairing:
    """Find a device, connect, pair, and let it go; the keys stay with the system.

    One that is paired already is connected to; where its keys are no good any more, it is paired anew. No
    `watch` may hold the device meanwhile. Ends within twice `look_s`, `timings.connect` and `pairing_s`, and
    some seconds.

    Raises `LinkError` with the next step, `AdapterError`, and what `ask` raises.
    """
    radio, timings, address = radio or Radio(), timings or Timings(), address.upper()
    air = Air(radio, timings)
    pairer = _Pairer(air, address, look_s, pairing_s)
    async with AsyncExitStack() as stack:
        if not uses_agent(radio):
            await air.check()
            stack.push_async_callback(air.close)
            return await pairer.through_client()
        async with agent(ask, (address,), seconds=timings.gatt) as desk:
            await air.check()
            stack.push_async_callback(air.close)
            known = await pairer.again(desk)
            if known is None:
                return await pairer.through_bluez(desk)
            if known:
                return Pairing.ALREADY
        # Anew from the start: over a device that lost its keys, BlueZ 5.66 itself has been seen to end.
        await pairer.forget()
        async with agent(ask, (address,), seconds=timings.gatt) as desk:
            return await pairer.through_bluez(desk)


class _Pairer:
    """One pairing."""

    def __init__(self, air: Air, address: str, look_s: float, pairing_s: float) -> None:
        self._air = air
        self._address = address
        self._look_s = look_s
        self._pairing_s = pairing_s
        self._path = ""

    async def _find(self) -> BLEDevice:
        """Wait until the device advertises."""
        try:
            async with asyncio.timeout(self._look_s):
                return (await self._air.find(self._address)).device
        except TimeoutError as e:
            raise LinkError(f"{self._address} was not heard for {self._look_s:g} s.", _PAIRING_MODE) from e

    def _client(self, device: BLEDevice, *, pair: bool = False) -> BleakClient:
        limit = self._pairing_s if pair else self._air.timings.connect
        return BleakClient(device, timeout=limit, pair=pair, backend=self._air.radio.client)

    async def through_client(self) -> Pairing:
        """Pair by bleak's own `pair`, where the system needs no agent of ours."""
        client = self._client(await self._find())
        timings = self._air.timings
        try:
            async with self._air.connecting():
                await _within("connecting", client.connect(), timings.connect)
            await _within("pairing", client.pair(), self._pairing_s)
        except LinkError as e:
            if isinstance(e.__cause__, NotImplementedError):
                return Pairing.BY_SYSTEM
            raise self._explained(e, None) from e
        finally:
            await self._air.part(client)
        return Pairing.PAIRED

    async def again(self, desk: Agent) -> bool | None:
        """Say whether the device takes up an earlier pairing; `None` when there is none."""
        device = await self._find()
        self._path = str(device.details["path"])
        if not await _asked(desk.bus.paired(self._path)):
            return None
        if not await self._known(device):
            return False
        await _asked(desk.bus.trust(self._path))
        return True

    async def forget(self) -> None:
        """Drop the keys of an earlier pairing, as soon as BlueZ can be reached."""
        for _ in range(_RESTARTS):
            try:
                await _asked(self._remove())
            except AdapterError:
                await asyncio.sleep(1)
            else:
                return
        await _asked(self._remove())

    async def _remove(self) -> None:
        from device.bluez import system_bus  # noqa: PLC0415  dbus-fast is there on Linux only

        async with system_bus(self._air.timings.gatt) as bus:
            await bus.remove(self._path)

    async def through_bluez(self, desk: Agent) -> Pairing:
        """Pair by BlueZ, which asks our agent."""
        device = await self._find()
        self._path = str(device.details["path"])
        client = self._client(device, pair=True)  # sets `Trusted`, pairs, and connects
        try:
            try:
                async with self._air.connecting():
                    await _within("pairing", client.connect(), self._pairing_s)
            finally:
                await self._air.part(client)
        except LinkError as e:
            if not await _asked(desk.bus.paired(self._path)):
                await _asked(desk.bus.remove(self._path))  # nothing half done: the next try begins anew
                raise self._explained(e, desk) from e
        if not await _asked(desk.bus.paired(self._path)):
            raise LinkError(f"{self._address} paired, but did not keep it.", _PAIRING_MODE)
        return Pairing.PAIRED

    async def _known(self, device: BLEDevice) -> bool:
        """Whether the device still knows this machine: it takes a connection, and answers on it."""
        client = self._client(device)
        timings = self._air.timings
        try:
            async with self._air.connecting():
                await _within("connecting", client.connect(), timings.connect)
            readable = [c for c in client.services.characteristics.values() if "read" in c.properties]
            for characteristic in readable:
                await _within("reading", client.read_gatt_char(characteristic), timings.gatt)
            return client.is_connected
        except (LinkError, BleakError):
            return False
        finally:
            await self._air.part(client)

    def _explained(self, error: LinkError, desk: Agent | None) -> Exception:
        """Say what went wrong, and what to do."""
        who = self._address
        if desk is not None and desk.failure is not None:
            return desk.failure
        if desk is not None and desk.declined:
            return LinkError(
                f"{who} was not paired: it wants a passkey or a yes, and none was given.",
                "Answer in a terminal, or give the six digits beforehand with --passkey.",
            )
        if desk is not None and desk.asked:
            return LinkError(
                f"{who} did not accept the passkey.",
                "Type the six digits that it shows or that are printed on it, leading zeros too.",
            )
        cause = error.__cause__
        name = cause.dbus_error.rpartition(".")[2] if isinstance(cause, BleakDBusError) else ""
        why = _WHYS.get(name, f"was not paired: {error.message}")
        return LinkError(f"{who} {why}", _PAIRING_MODE)


_WHYS = {
    "AuthenticationFailed": "refused to pair.",
    "AuthenticationRejected": "refused to pair.",
    "AuthenticationCanceled": "broke off the pairing.",
    "AuthenticationTimeout": "was not paired: nobody answered in time.",
    "ConnectionAttemptFailed": "could not be connected to.",
    "InProgress": "is being paired by another program.",
}


async def _asked(call: Awaitable[_T]) -> _T:
    """Await a call to BlueZ; that it does not answer is the adapter's error."""
    try:
        return await call
    except (BleakDBusError, OSError, EOFError, TimeoutError) as e:
        raise adapter_error(e) from e


async def _within(what: str, call: Awaitable[_T], seconds: float, grace: float = _GRACE_S) -> _T:
    """Await a call into bleak for at most `seconds`, even if its own cleaning up never ends."""
    task = asyncio.ensure_future(limited(what, call, seconds))
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds + grace)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=grace)
        raise
    if not done:
        task.cancel()
        raise LinkError(f"{what} took longer than {seconds:g} s, and the Bluetooth service is stuck.")
    return task.result()
