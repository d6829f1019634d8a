"""Pairing through our agent: bluetoothd asks, we answer, and the keys stay."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import pytest
from bumble.pairing import PairingConfig, PairingDelegate
from dbus_fast import Variant

from device import LinkError, LinkState, Timings, watch
from device.agent import Pairing, agent, pair
from device.gatt.heart_rate import HeartRateMeasurement
from device.virtual import ChestStrap
from device.virtual.bonding import Bonding
from tests.bluez.air import PROPERTIES, Air
from tests.device.conftest import heard, state, until

STRAP = "C0:FF:EE:00:00:01"
PASSKEY = 42


@dataclass
class Person:
    """Who is asked: types these digits, says yes or no to a comparison."""

    types: int | None = None
    says_yes: bool = True
    asked: list[str] = field(default_factory=list)

    async def passkey(self, device: str) -> int | None:
        self.asked.append(device)
        return self.types

    async def confirm(self, device: str, passkey: int) -> bool:
        self.asked.append(device)
        return self.says_yes

    def show(self, device: str, passkey: int) -> None:
        raise AssertionError("there is nothing to be typed on this device")


class Unwilling(PairingDelegate):
    """A device that is not in pairing mode."""

    async def accept(self) -> bool:
        return False


async def strap_that_wants(air: Air, bonding: Bonding) -> ChestStrap:
    strap = ChestStrap(STRAP, bonding=bonding, passkey=PASSKEY)
    await air.add(strap)
    return strap


async def test_just_works_and_stays(air: Air, timings: Timings) -> None:
    strap = await strap_that_wants(air, Bonding.JUST_WORKS)
    start = time.monotonic()
    assert await pair(STRAP, timings=timings) is Pairing.PAIRED
    print(f"paired in {time.monotonic() - start:.1f} s")
    assert await air.knows(STRAP, "Paired")
    assert await air.knows(STRAP, "Trusted")
    assert not strap.linked
    assert await pair(STRAP, timings=timings) is Pairing.ALREADY

    async with watch([STRAP], timings=timings, pair=[STRAP]) as events:
        await until(events, state(LinkState.CONNECTED), 60)
        assert strap.encrypted
        await strap.drop_link()
        start = time.monotonic()
        seen = await until(events, state(LinkState.CONNECTED), 60)
        print(f"came back bonded in {time.monotonic() - start:.1f} s")
        assert LinkState.LOST in {getattr(e, "state", None) for e in seen}
        assert strap.encrypted
        assert await strap.measure(HeartRateMeasurement(61, True, None, ()))
        await until(events, heard, 20)


async def test_the_passkey_that_the_device_shows(air: Air, timings: Timings) -> None:
    await strap_that_wants(air, Bonding.PASSKEY)
    person = Person(types=PASSKEY)
    assert await pair(STRAP, ask=person, timings=timings) is Pairing.PAIRED
    assert person.asked == [STRAP]


@pytest.mark.parametrize(("types", "why"), [(PASSKEY + 1, "did not accept the passkey"), (None, "none was")])
async def test_a_wrong_passkey_and_none(air: Air, timings: Timings, types: int | None, why: str) -> None:
    await strap_that_wants(air, Bonding.PASSKEY)
    with pytest.raises(LinkError, match=why) as caught:
        await pair(STRAP, ask=Person(types=types), timings=timings)
    assert caught.value.hint
    assert not await air.knows(STRAP, "Paired")
    right = Person(types=PASSKEY)
    assert await pair(STRAP, ask=right, timings=timings) is Pairing.PAIRED, "the next try is not spoilt"


@pytest.mark.parametrize("says_yes", [True, False])
async def test_the_number_that_both_show(air: Air, timings: Timings, says_yes: bool) -> None:
    await strap_that_wants(air, Bonding.NUMERIC)
    person = Person(says_yes=says_yes)
    if says_yes:
        assert await pair(STRAP, ask=person, timings=timings) is Pairing.PAIRED
    else:
        with pytest.raises(LinkError, match="none was given"):
            await pair(STRAP, ask=person, timings=timings)
    assert person.asked == [STRAP]
    assert await air.knows(STRAP, "Paired") is says_yes


async def test_a_device_that_is_not_in_pairing_mode(air: Air, timings: Timings) -> None:
    strap = await strap_that_wants(air, Bonding.JUST_WORKS)
    strap._on.pairing_config_factory = lambda _: PairingConfig(delegate=Unwilling())
    with pytest.raises(LinkError, match=r"refused to pair.*pairing mode"):
        await pair(STRAP, timings=timings)


async def test_a_device_that_is_not_there(air: Air, timings: Timings) -> None:
    with pytest.raises(LinkError, match="was not heard for 2 s"):
        await pair(STRAP, timings=timings, look_s=2)


async def test_a_device_that_forgot_is_paired_anew(air: Air, timings: Timings) -> None:
    strap = await strap_that_wants(air, Bonding.JUST_WORKS)
    assert await pair(STRAP, timings=timings) is Pairing.PAIRED
    await strap.forget_bonds()
    assert await pair(STRAP, timings=timings) is Pairing.PAIRED
    assert await pair(STRAP, timings=timings) is Pairing.ALREADY


async def test_a_device_that_forgot_is_told_of(air: Air, timings: Timings) -> None:
    """What `watch` sees of it; it may not pair by itself."""
    strap = await strap_that_wants(air, Bonding.JUST_WORKS)
    assert await pair(STRAP, timings=timings) is Pairing.PAIRED
    await strap.forget_bonds()
    async with watch([STRAP], timings=timings, pair=[STRAP]) as events:
        seen = await until(events, state(LinkState.CONNECTED, LinkState.LOST), 60)
        print(f"after its bond was forgotten: {seen[-1]}")
    assert seen[-1].state is LinkState.LOST  # type: ignore[union-attr]


@pytest.mark.parametrize("with_agent", [False, True])
async def test_without_a_bond_what_is_protected_does_not_hang(air: Air, with_agent: bool) -> None:
    await strap_that_wants(air, Bonding.JUST_WORKS)
    quick = Timings(connect=30, gatt=6, disconnect=10, first_retry=0.2, longest_retry=1)
    start = time.monotonic()

    async def ended() -> object:
        async with watch([STRAP], timings=quick) as events:
            return (await until(events, state(LinkState.CONNECTED, LinkState.LOST), 60))[-1]

    if with_agent:
        async with agent(None, []):
            event = await ended()
    else:
        event = await ended()
    print(f"unbonded, agent {with_agent}: {time.monotonic() - start:.1f} s: {event}")
    print("paired meanwhile:", await air.knows(STRAP, "Paired"))
    assert time.monotonic() - start < 60


async def test_pairing_that_nobody_answers_ends(air: Air, timings: Timings) -> None:
    await strap_that_wants(air, Bonding.PASSKEY)

    class Asleep(Person):
        async def passkey(self, device: str) -> int | None:
            await asyncio.Event().wait()
            return None

    start = time.monotonic()
    with pytest.raises(LinkError):
        await pair(STRAP, ask=Asleep(), timings=timings, pairing_s=5)
    assert time.monotonic() - start < 30


async def test_an_adapter_that_does_not_bond_is_made_to(air: Air, timings: Timings) -> None:
    """`Pairable` off is how some systems start: only being paired with is off, not pairing."""
    await air.call(
        air.adapter, PROPERTIES, "Set", "ssv", "org.bluez.Adapter1", "Pairable", Variant("b", False)
    )
    await strap_that_wants(air, Bonding.JUST_WORKS)
    assert await pair(STRAP, timings=timings) is Pairing.PAIRED
    assert await pair(STRAP, timings=timings) is Pairing.ALREADY
