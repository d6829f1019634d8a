"""Pairing through our agent: bluetoothd asks, we answer, and the keys stay."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest
from bumble.pairing import PairingDelegate

from device import LinkError, LinkState, Timings, watch
from device.agent import Pairing, pair
from device.gatt.heart_rate import HeartRateMeasurement
from tests.bluez.air import Air
from tests.bluez.guarded import Display, GuardedStrap
from tests.device.conftest import heard, state, until

STRAP = "C0:FF:EE:00:00:01"
PASSKEY = 42


@dataclass
class Person:
    """Who is asked: types what the device shows, or something else."""

    display: Display
    types: int | None = None
    says_yes: bool = True
    asked: list[str] = field(default_factory=list)

    async def passkey(self, device: str) -> int | None:
        self.asked.append(device)
        return self.types

    async def confirm(self, device: str, passkey: int) -> bool:
        self.asked.append(device)
        return self.says_yes and self.display.shown == [passkey]

    def show(self, device: str, passkey: int) -> None:
        raise AssertionError("there is nothing to be typed on this device")


async def guarded(air: Air, display: Display | None = None) -> GuardedStrap:
    strap = GuardedStrap(STRAP, display)
    await air.add(strap)
    return strap


async def test_just_works_and_stays(air: Air, timings: Timings) -> None:
    strap = await guarded(air)
    assert await pair(STRAP, timings=timings) is Pairing.PAIRED
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
    display = Display(PairingDelegate.DISPLAY_OUTPUT_ONLY, PASSKEY)
    await guarded(air, display)
    person = Person(display, types=PASSKEY)
    assert await pair(STRAP, ask=person, timings=timings) is Pairing.PAIRED
    assert person.asked == [STRAP]
    assert display.shown == [PASSKEY]


@pytest.mark.parametrize(("types", "why"), [(PASSKEY + 1, "did not accept the passkey"), (None, "none was")])
async def test_a_wrong_passkey_and_none(air: Air, timings: Timings, types: int | None, why: str) -> None:
    display = Display(PairingDelegate.DISPLAY_OUTPUT_ONLY, PASSKEY)
    await guarded(air, display)
    with pytest.raises(LinkError, match=why) as caught:
        await pair(STRAP, ask=Person(display, types=types), timings=timings)
    assert caught.value.hint
    assert not await air.knows(STRAP, "Paired")
    right = Person(display, types=PASSKEY)
    assert await pair(STRAP, ask=right, timings=timings) is Pairing.PAIRED, "the next try is not spoilt"


@pytest.mark.parametrize("says_yes", [True, False])
async def test_the_number_that_both_show(air: Air, timings: Timings, says_yes: bool) -> None:
    display = Display(PairingDelegate.DISPLAY_OUTPUT_AND_YES_NO_INPUT)
    await guarded(air, display)
    person = Person(display, says_yes=says_yes)
    if says_yes:
        assert await pair(STRAP, ask=person, timings=timings) is Pairing.PAIRED
    else:
        with pytest.raises(LinkError, match="none was given"):
            await pair(STRAP, ask=person, timings=timings)
    assert person.asked == [STRAP]
    assert await air.knows(STRAP, "Paired") is says_yes


async def test_a_device_that_is_not_in_pairing_mode(air: Air, timings: Timings) -> None:
    await guarded(air, Display(PairingDelegate.NO_OUTPUT_NO_INPUT, willing=False))
    with pytest.raises(LinkError, match=r"refused to pair.*pairing mode"):
        await pair(STRAP, timings=timings)


async def test_a_device_that_is_not_there(air: Air, timings: Timings) -> None:
    with pytest.raises(LinkError, match="was not heard for 2 s"):
        await pair(STRAP, timings=timings, look_s=2)


async def test_a_device_that_forgot_is_paired_anew(air: Air, timings: Timings) -> None:
    strap = await guarded(air)
    assert await pair(STRAP, timings=timings) is Pairing.PAIRED
    await strap.forget()
    assert await pair(STRAP, timings=timings) is Pairing.PAIRED
    assert await pair(STRAP, timings=timings) is Pairing.ALREADY


async def test_without_a_bond_what_is_protected_does_not_hang(air: Air) -> None:
    await guarded(air)
    quick = Timings(connect=30, gatt=8, disconnect=10, first_retry=0.2, longest_retry=1)
    start = time.monotonic()
    async with watch([STRAP], timings=quick) as events:
        ended = (await until(events, state(LinkState.CONNECTED, LinkState.LOST), 60))[-1]
    print(f"{time.monotonic() - start:.1f} s: {ended}")
    assert time.monotonic() - start < 60
