"""BlueZ over D-Bus, as far as pairing needs it: a few calls, and an agent that BlueZ asks while it pairs.

Only for Linux: `device.agent` imports it where bleak's backend is BlueZ. Sources: BlueZ `doc/agent-api.txt`,
`doc/device-api.txt`, `doc/adapter-api.txt`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from bleak.exc import BleakDBusError
from dbus_fast.aio import MessageBus
from dbus_fast.constants import BusType, MessageType
from dbus_fast.message import Message
from dbus_fast.signature import Variant

if TYPE_CHECKING:
    from device.agent import Ask

_SERVICE = "org.bluez"
_MANAGER = "org.bluez.AgentManager1"
_AGENT = "org.bluez.Agent1"
_DEVICE = "org.bluez.Device1"
_ADAPTER = "org.bluez.Adapter1"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_PATH = "/healthslm/agent"
_REJECTED = "org.bluez.Error.Rejected"
_CANCELED = "org.bluez.Error.Canceled"
_GONE = "org.freedesktop.DBus.Error.UnknownObject"


class Bus:
    """A connection to the system's D-Bus; calls to BlueZ raise `BleakDBusError`, or `TimeoutError`."""

    def __init__(self, bus: MessageBus, seconds: float) -> None:
        self.bus = bus
        self._seconds = seconds

    async def call(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> Any:
        """Call BlueZ, and return the first value of the answer."""
        return await self._ask(_SERVICE, path, interface, member, signature, *body)

    async def owner(self) -> str:
        """Return under which name BlueZ is connected."""
        at = "org.freedesktop.DBus"
        return str(await self._ask(at, "/org/freedesktop/DBus", at, "GetNameOwner", "s", _SERVICE))

    async def _ask(
        self, service: str, path: str, interface: str, member: str, signature: str, *body: Any
    ) -> Any:
        message = Message(
            destination=service,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        async with asyncio.timeout(self._seconds):
            reply = await self.bus.call(message)
        if reply is None:
            raise ConnectionError("D-Bus ended the connection")
        if reply.message_type is MessageType.ERROR:
            raise BleakDBusError(str(reply.error_name), reply.body)
        return reply.body[0] if reply.body else None

    async def paired(self, device: str) -> bool:
        """Whether BlueZ holds keys for the device at this D-Bus path; no for one that it does not know."""
        try:
            value = await self.call(device, _PROPERTIES, "Get", "ss", _DEVICE, "Paired")
        except BleakDBusError as e:
            if e.dbus_error == _GONE:
                return False
            raise
        return bool(value.value)

    async def trust(self, device: str) -> None:
        """Let the device connect by itself from now on."""
        await self.call(device, _PROPERTIES, "Set", "ssv", _DEVICE, "Trusted", Variant("b", True))

    async def remove(self, device: str) -> None:
        """Forget the device: its keys, and what it offered when it was last connected."""
        try:
            await self.call(device.rpartition("/")[0], _ADAPTER, "RemoveDevice", "o", device)
        except BleakDBusError as e:
            if e.dbus_error not in (_GONE, "org.bluez.Error.DoesNotExist"):
                raise


@asynccontextmanager
async def system_bus(seconds: float, address: str | None = None) -> AsyncIterator[Bus]:
    """Connect to the system's D-Bus, or to the one at `address`. A call takes at most `seconds`."""
    bus = MessageBus(bus_address=address, bus_type=BusType.SYSTEM)
    try:
        async with asyncio.timeout(seconds):
            await bus.connect()
        yield Bus(bus, seconds)
    finally:
        bus.disconnect()


class _Declined(Exception):  # noqa: N818  an answer, not an error
    pass


class Agent:
    """Answers BlueZ for the devices in `only`, and declines for all others.

    Afterwards, `asked` says whether a passkey was wanted, `declined` whether that or a comparison was
    answered with no, and `failure` holds what went wrong in asking.
    """

    def __init__(self, bus: Bus, ask: Ask | None, only: Collection[str]) -> None:
        self.bus = bus
        self._ask = ask
        self._only = {address.upper() for address in only}
        self._questions: set[asyncio.Task[None]] = set()
        self._bluez = ""
        self.asked = False
        self.declined = False
        self.failure: Exception | None = None

    @asynccontextmanager
    async def registered(self) -> AsyncIterator[Agent]:
        """Be BlueZ's default agent for as long as the block lasts: bleak asks it to pair in its own name."""
        bus = self.bus
        self._bluez = await bus.owner()
        bus.bus.add_message_handler(self._hear)
        try:
            # What the agent can do decides how the devices pair: with nobody to ask, without a passkey.
            able = "KeyboardDisplay" if self._ask else "NoInputNoOutput"
            await bus.call("/org/bluez", _MANAGER, "RegisterAgent", "os", _PATH, able)
            await bus.call("/org/bluez", _MANAGER, "RequestDefaultAgent", "o", _PATH)
            yield self
        finally:
            for question in self._questions:
                question.cancel()
            await asyncio.gather(*self._questions, return_exceptions=True)
            bus.bus.remove_message_handler(self._hear)  # closing the bus ends the registration

    def _hear(self, message: Message) -> Message | bool | None:
        """Take BlueZ's questions; called by dbus-fast for every message."""
        if message.message_type is not MessageType.METHOD_CALL or message.path != _PATH:
            return None
        if message.interface != _AGENT or message.sender != self._bluez:
            return Message.new_error(message, _REJECTED, "only BlueZ may ask")
        if message.member in ("Cancel", "Release"):
            for question in self._questions:
                question.cancel()
            return Message.new_method_return(message)
        question = asyncio.create_task(self._answer(message))
        self._questions.add(question)
        question.add_done_callback(self._questions.discard)
        return True

    async def _answer(self, message: Message) -> None:
        try:
            signature, values = await self._decide(str(message.member), *message.body)
            reply = Message.new_method_return(message, signature, values)
        except _Declined as e:
            reply = Message.new_error(message, _REJECTED, str(e))
        except asyncio.CancelledError:
            self.bus.bus.send(Message.new_error(message, _CANCELED, "the question was withdrawn"))
            raise
        except Exception as e:  # whatever asking can raise: who pairs is told it
            self.failure = e
            reply = Message.new_error(message, _CANCELED, "nobody could be asked")
        self.bus.bus.send(reply)

    async def _decide(self, member: str, path: str, *more: Any) -> tuple[str, list[Any]]:
        """Answer one question. Raises `_Declined`."""
        device = address_of(path)
        if device not in self._only:
            raise _Declined("this device is not being paired here")
        if member in ("RequestAuthorization", "AuthorizeService"):
            return "", []  # the person asked for this device just now
        if member == "RequestPasskey":
            self.asked = True
            passkey = await self._ask.passkey(device) if self._ask else None
            if passkey is not None:
                return "u", [passkey]
        elif member == "RequestConfirmation":
            if self._ask and await self._ask.confirm(device, int(more[0])):
                return "", []
        elif member == "DisplayPasskey" and self._ask:
            if not more[1]:  # how many digits were typed so far: it is shown once
                self._ask.show(device, int(more[0]))
            return "", []
        else:  # PIN codes are for classic Bluetooth
            raise _Declined(f"{member} is not answered here")
        self.declined = True
        raise _Declined("it was answered with no")


def address_of(path: str) -> str:
    """Return the address in a D-Bus path like /org/bluez/hci0/dev_C0_FF_EE_00_00_01."""
    return path.rpartition("/dev_")[2].replace("_", ":")
