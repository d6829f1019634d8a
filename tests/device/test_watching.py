"""Which wearables are listened to can change while they are."""

import asyncio

import pytest

from device import Found, LinkEvent, LinkState, Notification, Timings, Watch, watch
from device.adapter import utc_now
from device.gatt import HeartRateMeasurement
from device.virtual import BloodPressureCuff, ChestStrap, VirtualRadio
from device.watching import Wish
from tests.device.conftest import STRAP, heard, settled, state, until

CUFF = "C0:FF:EE:00:00:03"
BEAT = HeartRateMeasurement(61, True, None, (1007,))
CONNECTED = state(LinkState.CONNECTED)


async def test_a_device_that_is_added_is_listened_to_and_the_others_go_on(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    cuff = BloodPressureCuff(CUFF)
    await air.add(cuff)
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        events.listen_to([STRAP, CUFF.lower()])
        *_, added = await until(events, CONNECTED)
        assert isinstance(added, LinkEvent)
        assert added.device == CUFF
        await strap.measure(BEAT)
        *_, last = await until(events, heard)
        assert isinstance(last, Notification)
        assert last.device == STRAP
        assert strap.linked


async def test_a_device_that_is_taken_off_is_let_go(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        events.listen_to([])
        assert await settled(lambda: not strap.linked)
        await asyncio.sleep(0.2)
        assert not strap.linked, "nobody seeks it any more"
        events.listen_to([STRAP])
        await until(events, CONNECTED)


async def test_other_wishes_make_a_new_link_after_the_old_one(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        events.listen_to([STRAP])
        with pytest.raises(TimeoutError):  # the same wishes disturb nothing
            async with asyncio.timeout(0.3):
                await until(events, CONNECTED)
        events.listen_to([STRAP], streams={STRAP: ["ecg"]})
        await until(events, CONNECTED)
        assert strap.linked


async def test_nobody_is_listened_to_until_somebody_is_named(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    async with watch([], radio=air.radio, timings=quick) as events:
        await asyncio.sleep(0.1)
        assert not strap.linked
        events.listen_to([STRAP])
        await until(events, CONNECTED)
    assert not strap.linked


async def test_who_is_near_is_looked_for_beside_listening(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    cuff = BloodPressureCuff(CUFF)
    await air.add(cuff)
    async with watch([STRAP, "C0:FF:EE:00:00:0F"], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        assert CUFF in {one.address for one in await events.look(0.5)}
        await strap.measure(BEAT)
        await until(events, heard)
        events.listen_to([STRAP, CUFF])  # and who was sought meanwhile is found
        *_, added = await until(events, CONNECTED)
        assert added.device == CUFF


async def nobody_near(_seconds: float) -> list[Found]:
    return []


async def test_a_list_that_changes_faster_than_links_close_has_one_link_at_a_time() -> None:
    """Two who seek the same device would take each other's place, and one would never find it."""
    at_work, most, ended = 0, 0, asyncio.Event()

    async def supervise(_queue: Watch, _address: str, _wish: Wish) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        try:
            await asyncio.Event().wait()
        finally:
            await ended.wait()  # disconnecting takes a while
            at_work -= 1

    watched = Watch(10, utc_now, supervise, nobody_near)
    for addresses in ([STRAP], [], [STRAP], [], [STRAP]):
        watched.listen_to(addresses)
        await asyncio.sleep(0.01)
    assert at_work == 1
    ended.set()
    await asyncio.sleep(0.01)
    assert (at_work, most) == (1, 1)
    await watched.leave()
    assert at_work == 0
