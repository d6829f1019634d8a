"""Which adapters there are: asked of a BlueZ played on a real D-Bus, and what a refusal comes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from device.controllers import Controller, controllers, read, used
from device.errors import AdapterError

OWN = Controller(name="hci0", address="B8:27:EB:00:00:01", powered=True, central=True)
STICK = Controller(name="hci1", address="00:1A:7D:00:00:02", powered=False, central=True)


def told(adapters: list[dict[str, tuple[str, Any]]]) -> dict[str, Any]:
    """What GetManagedObjects answers."""
    from dbus_fast import Variant  # noqa: PLC0415  on Linux only

    objects: dict[str, Any] = {"/org/bluez": {"org.bluez.AgentManager1": {}}}
    for number, properties in enumerate(adapters):
        values = {name: Variant(*value) for name, value in properties.items()}
        objects[f"/org/bluez/hci{number}"] = {"org.bluez.Adapter1": values}
    return objects


def as_bluez_says(one: Controller) -> dict[str, tuple[str, Any]]:
    said: dict[str, tuple[str, Any]] = {"Address": ("s", one.address), "Powered": ("b", one.powered)}
    return said if one.central is None else said | {"Roles": ("as", ["central"] if one.central else [])}


@asynccontextmanager
async def bluez(address: str, answer: dict[str, Any] | str) -> AsyncIterator[None]:
    """A BlueZ that answers with its objects, or with an error."""
    from dbus_fast import Message, MessageType  # noqa: PLC0415  on Linux only
    from dbus_fast.aio import MessageBus  # noqa: PLC0415  on Linux only

    def hear(message: Any) -> Any:
        if message.message_type is not MessageType.METHOD_CALL or message.member != "GetManagedObjects":
            return None
        if isinstance(answer, str):
            return Message.new_error(message, answer, "no")
        return Message.new_method_return(message, "a{oa{sa{sv}}}", [answer])

    bus = await MessageBus(bus_address=address).connect()
    bus.add_message_handler(hear)
    await bus.request_name("org.bluez")
    try:
        yield
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()


async def test_bluez_is_asked_for_all_that_it_has(dbus: str) -> None:
    async with bluez(dbus, told([as_bluez_says(OWN), as_bluez_says(STICK)])):
        assert await controllers(address=dbus) == [OWN, STICK]


async def test_without_bluez_it_is_said_what_to_start(dbus: str) -> None:
    with pytest.raises(AdapterError, match=r"BlueZ.* is not running.*systemctl start bluetooth"):
        await controllers(address=dbus)


async def test_who_may_not_ask_is_told_of_the_group(dbus: str) -> None:
    async with bluez(dbus, "org.freedesktop.DBus.Error.AccessDenied"):
        with pytest.raises(AdapterError, match="group `bluetooth`"):
            await controllers(address=dbus)


async def test_without_a_bus_nothing_can_be_asked() -> None:
    with pytest.raises(AdapterError, match="runs no D-Bus"):
        await controllers(address="unix:path=/nowhere/bus")


def test_an_older_bluez_does_not_tell_the_roles() -> None:
    old = Controller(name="hci0", address="B8:27:EB:00:00:01", powered=True, central=None)
    assert read(told([as_bluez_says(old)])) == [old]
    assert used([old]) == [old]


def test_what_is_off_or_no_le_adapter_is_not_used() -> None:
    classic = Controller(name="hci2", address="00:00:00:00:00:03", powered=True, central=False)
    assert used([STICK, classic]) == []
    assert used([STICK, OWN, classic]) == [OWN]
