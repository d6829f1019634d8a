"""The air in the emulated machine: virtual wearables, and an adapter that the kernel takes for a real one."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bumble import hci
from bumble.link import LocalLink
from bumble.transport import open_transport
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from device.virtual import Wearable
from device.virtual.plumbing import VirtualController, plug

BLUEZ = "org.bluez"
PROPERTIES = "org.freedesktop.DBus.Properties"


class Air:
    """A virtual controller on /dev/vhci, which bluetoothd takes as its adapter; wearables can be added.

    Closing it takes the adapter away, as pulling out a USB one does.
    """

    def __init__(self) -> None:
        self._link = LocalLink()  # type: ignore[no-untyped-call]
        self._wearables: list[Wearable] = []
        self._stack = AsyncExitStack()
        self.adapter = ""

    async def __aenter__(self) -> Self:
        self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        self._stack.callback(self._bus.disconnect)
        await self.plug_in()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for wearable in self._wearables:
            await wearable.detach()
        self._wearables.clear()
        for device in await self._paths("org.bluez.Device1"):
            await self.call(self.adapter, "org.bluez.Adapter1", "RemoveDevice", "o", device)
        await self.pull_out()
        await self._stack.aclose()

    async def plug_in(self) -> None:
        """Give the machine an adapter, and switch it on."""
        self._transport = await open_transport("vhci")
        controller = VirtualController("adapter", self._transport.source, self._transport.sink, self._link)
        self._controller = controller
        # Bumble's controller advertises these and does not keep its word: after a disconnection from our
        # side every new connection fails.
        controller.le_features &= ~(hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING)
        await self._until_there(True)
        await self.power(True)

    async def pull_out(self) -> None:
        """Take the adapter away."""
        for wearable in self._wearables:
            await wearable.drop_link()  # real ones hear nothing more, and give up
        await self._transport.close()
        self._link.remove_controller(self._controller)  # type: ignore[no-untyped-call]
        await self._until_there(False)

    def kill_daemon(self) -> None:
        """Let bluetoothd crash; it is started again within a second or two."""
        for process in Path("/proc").glob("[0-9]*/comm"):
            with suppress(OSError):
                if process.read_text() == "bluetoothd\n":
                    os.kill(int(process.parent.name), signal.SIGKILL)

    async def _until_there(self, wanted: bool) -> None:
        async with asyncio.timeout(20):
            while bool(await self._paths("org.bluez.Adapter1")) != wanted:  # noqa: ASYNC110  BlueZ is asked
                await asyncio.sleep(0.05)
        self.adapter = next(iter(await self._paths("org.bluez.Adapter1")), "")

    async def _paths(self, interface: str) -> list[str]:
        objects = await self.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        return [path for path, interfaces in objects.items() if interface in interfaces]

    async def power(self, on: bool) -> None:
        """Switch the adapter on or off, as `bluetoothctl power` does."""
        value = Variant("b", on)
        for attempt in range(20):
            try:
                await self.call(
                    self.adapter, PROPERTIES, "Set", "ssv", "org.bluez.Adapter1", "Powered", value
                )
                return
            except RuntimeError:
                if attempt == 19:
                    raise
                await asyncio.sleep(0.2)  # busy: it is being set up

    async def knows(self, address: str, what: str) -> bool:
        """Whether BlueZ has this true of a device: `Paired`, `Trusted`, `Connected`."""
        path = f"{self.adapter}/dev_{address.replace(':', '_')}"
        objects = await self.call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        value = objects.get(path, {}).get("org.bluez.Device1", {}).get(what)
        return bool(value and value.value)

    async def call(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> Any:
        """Call BlueZ itself."""
        message = Message(
            destination=BLUEZ,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        async with asyncio.timeout(20):
            reply = await self._bus.call(message)
        assert reply is not None
        if reply.message_type is MessageType.ERROR:
            raise RuntimeError(f"{reply.error_name}: {reply.body}")
        return reply.body[0] if reply.body else None

    async def add(self, wearable: Wearable) -> None:
        """Switch a wearable on: it advertises, and can be connected to."""
        _, device = plug(self._link, wearable.configuration)
        await wearable.attach(device)
        self._wearables.append(wearable)
