"""Pairing: what the agent answers to a BlueZ played on a real D-Bus; `pair` itself over the virtual radio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from bleak.exc import BleakDBusError

from device import Found, LinkError, Radio, Timings
from device.agent import Pairing, _Pairer, _within, bonds, pair
from device.virtual import ChestStrap, VirtualRadio

STRAP = "C0:FF:EE:00:00:01"
PATH = "/org/bluez/hci0/dev_C0_FF_EE_00_00_01"
OTHER = "/org/bluez/hci0/dev_C0_FF_EE_00_00_02"


@dataclass
class Person:
    """Answers as told, and remembers what was asked."""

    types: int | None = 42
    says_yes: bool = True
    never: bool = False
    asked: list[Any] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def passkey(self, device: str) -> int | None:
        self.asked.append(device)
        self.called.set()
        if self.never:
            await asyncio.Event().wait()
        return self.types

    async def confirm(self, device: str, passkey: int) -> bool:
        self.asked.append((device, passkey))
        return self.says_yes

    def show(self, device: str, passkey: int) -> None:
        self.asked.append((device, passkey))


# ---- The agent, asked over D-Bus


class FakeBlueZ:
    """Takes the registration of an agent, and asks it."""

    def __init__(self, bus: Any) -> None:
        self._bus = bus
        self.agent = self.at = self.able = ""
        self.is_default = False

    def hear(self, message: Any) -> Any:
        from dbus_fast import Message, MessageType  # noqa: PLC0415  on Linux only

        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.member == "RegisterAgent":
            self.agent, (self.at, self.able) = message.sender, message.body
        elif message.member == "RequestDefaultAgent":
            self.is_default = message.sender == self.agent and message.body == [self.at]
        return Message.new_method_return(message)

    async def ask(self, member: str, signature: str = "", *body: Any) -> Any:
        from dbus_fast import Message, MessageType  # noqa: PLC0415  on Linux only

        message = Message(
            destination=self.agent,
            path=self.at,
            interface="org.bluez.Agent1",
            member=member,
            signature=signature,
            body=list(body),
        )
        async with asyncio.timeout(5):
            reply = await self._bus.call(message)
        if reply.message_type is MessageType.ERROR:
            raise BleakDBusError(reply.error_name, reply.body)
        return reply.body[0] if reply.body else None


@asynccontextmanager
async def bluez_at(address: str, name: str = "org.bluez") -> AsyncIterator[FakeBlueZ]:
    from dbus_fast.aio import MessageBus  # noqa: PLC0415  on Linux only

    bus = await MessageBus(bus_address=address).connect()
    fake = FakeBlueZ(bus)
    bus.add_message_handler(fake.hear)
    await bus.request_name(name)
    try:
        yield fake
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()


@asynccontextmanager
async def registered(address: str, ask: Person | None) -> AsyncIterator[tuple[FakeBlueZ, Any]]:
    from device.bluez import Agent, system_bus  # noqa: PLC0415  on Linux only

    async with (
        bluez_at(address) as fake,
        system_bus(5, address) as bus,
        Agent(bus, ask, [STRAP.lower()]).registered() as agent,
    ):
        yield fake, agent


async def test_a_passkey_is_asked_for_and_given(dbus: str) -> None:
    person = Person(types=7)
    async with registered(dbus, person) as (bluez, agent):
        assert bluez.able == "KeyboardDisplay"
        assert bluez.is_default
        assert await bluez.ask("RequestPasskey", "o", PATH) == 7
        assert person.asked == [STRAP]
        assert agent.asked
        assert not agent.declined


async def test_numbers_are_compared_and_shown(dbus: str) -> None:
    person = Person()
    async with registered(dbus, person) as (bluez, agent):
        await bluez.ask("RequestConfirmation", "ou", PATH, 123456)
        await bluez.ask("DisplayPasskey", "ouq", PATH, 654321, 0)
        await bluez.ask("DisplayPasskey", "ouq", PATH, 654321, 1)
        await bluez.ask("RequestAuthorization", "o", PATH)
        await bluez.ask("AuthorizeService", "os", PATH, "1808")
        assert person.asked == [(STRAP, 123456), (STRAP, 654321)], "what is shown is shown once"
        assert not agent.declined
        person.says_yes = False
        with pytest.raises(BleakDBusError, match="Rejected"):
            await bluez.ask("RequestConfirmation", "ou", PATH, 123456)
        assert agent.declined


async def test_without_a_person_nothing_is_confirmed(dbus: str) -> None:
    async with registered(dbus, None) as (bluez, agent):
        assert bluez.able == "NoInputNoOutput"
        await bluez.ask("RequestAuthorization", "o", PATH)
        for member, signature, body in (
            ("RequestPasskey", "o", [PATH]),
            ("RequestConfirmation", "ou", [PATH, 1]),
            ("RequestPinCode", "o", [PATH]),
        ):
            with pytest.raises(BleakDBusError, match="Rejected"):
                await bluez.ask(member, signature, *body)
        assert agent.declined


async def test_another_device_and_another_program_are_turned_away(dbus: str) -> None:
    person = Person()
    async with registered(dbus, person) as (bluez, agent):
        with pytest.raises(BleakDBusError, match="Rejected"):
            await bluez.ask("RequestPasskey", "o", OTHER)
        with pytest.raises(BleakDBusError, match="Rejected"):
            await bluez.ask("RequestAuthorization", "o", OTHER)
        async with bluez_at(dbus, "org.example.other") as stranger:
            stranger.agent, stranger.at = bluez.agent, bluez.at
            with pytest.raises(BleakDBusError, match="only BlueZ"):
                await stranger.ask("RequestPasskey", "o", PATH)
        assert person.asked == []
        assert not agent.declined, "the device that is being paired was not asked about"


async def test_a_question_can_be_withdrawn(dbus: str) -> None:
    person = Person(never=True)
    async with registered(dbus, person) as (bluez, _):
        question = asyncio.create_task(bluez.ask("RequestPasskey", "o", PATH))
        async with asyncio.timeout(5):
            await person.called.wait()
        await bluez.ask("Cancel")
        with pytest.raises(BleakDBusError, match="Canceled"):
            await question


async def test_what_goes_wrong_in_asking_is_kept(dbus: str) -> None:
    class Absent(Person):
        async def passkey(self, device: str) -> int | None:
            raise OSError("the terminal is gone")

    async with registered(dbus, Absent()) as (bluez, agent):
        with pytest.raises(BleakDBusError, match="Canceled"):
            await bluez.ask("RequestPasskey", "o", PATH)
        assert str(agent.failure) == "the terminal is gone"


# ---- Pairing over the virtual radio


async def test_a_device_is_found_paired_and_let_go(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    assert await pair(STRAP.lower(), radio=air.radio, timings=quick) is Pairing.PAIRED
    async with asyncio.timeout(5):
        while strap.linked:  # noqa: ASYNC110  its side of the link ends a moment later
            await asyncio.sleep(0.001)


async def test_a_device_that_is_not_there_is_not_waited_for_for_ever(
    air: VirtualRadio, quick: Timings
) -> None:
    with pytest.raises(LinkError, match=r"not heard for 0\.05 s\. Put it into pairing mode"):
        await pair(STRAP, radio=air.radio, timings=quick, look_s=0.05)


async def test_a_device_that_does_not_answer_is_given_up(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    base = air.radio.client
    assert base is not None

    class Mute(base):  # type: ignore[misc, valid-type]
        async def pair(self, *args: Any, **kwargs: Any) -> None:
            await asyncio.Event().wait()

    radio = Radio(scanner=air.radio.scanner, client=Mute)
    with pytest.raises(LinkError, match=r"pairing took longer than 0\.05 s"):
        await pair(STRAP, radio=radio, timings=quick, pairing_s=0.05)


async def test_where_the_system_asks_it_is_left_to_it(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    base = air.radio.client
    assert base is not None

    class Mac(base):  # type: ignore[misc, valid-type]
        async def pair(self, *args: Any, **kwargs: Any) -> None:
            raise NotImplementedError("pairing is not available in Core Bluetooth")

    radio = Radio(scanner=air.radio.scanner, client=Mac)
    assert await pair(STRAP, radio=radio, timings=quick) is Pairing.BY_SYSTEM


async def test_a_call_whose_cleaning_up_never_ends_is_left() -> None:
    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()

    with pytest.raises(LinkError, match="stuck"):
        await _within("pairing", stuck(), 0.01, grace=0.01)


def test_which_devices_usually_need_pairing() -> None:
    def found(*services: str) -> Found:
        return Found(STRAP, "", services, -40)

    assert bonds(found("Blood Pressure"))
    assert bonds(found("Heart Rate", "Health Thermometer"))
    assert not bonds(found("Heart Rate"))
    assert not bonds(found())


@pytest.mark.parametrize(
    ("asked", "declined", "cause", "said"),
    [
        (True, False, "org.bluez.Error.AuthenticationFailed", "did not accept the passkey"),
        (True, True, "org.bluez.Error.AuthenticationFailed", "none was given"),
        (False, False, "org.bluez.Error.AuthenticationFailed", "refused to pair"),
        (False, False, "org.bluez.Error.AuthenticationTimeout", "in time"),
        (False, False, "org.bluez.Error.ConnectionAttemptFailed", "could not be connected to"),
        (False, False, "org.bluez.Error.Failed", "pairing failed: Input/output error"),
    ],
)
def test_each_end_has_its_sentence(asked: bool, declined: bool, cause: str, said: str) -> None:
    class Desk:
        failure = None

    desk: Any = Desk()
    desk.asked, desk.declined = asked, declined
    error = LinkError("pairing failed: Input/output error.")
    error.__cause__ = BleakDBusError(cause, ["Input/output error"])
    pairer = _Pairer(None, STRAP, 1, 1)  # type: ignore[arg-type]  # no radio is needed for words
    told = pairer._explained(error, desk)
    assert isinstance(told, LinkError)
    assert said in told.message
    assert STRAP in told.message
    assert told.hint
