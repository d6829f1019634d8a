"""What wearables and adapters do wrong, and what the link makes of it."""

import asyncio
from dataclasses import replace

import pytest
from bumble.gatt import GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR as CCCD
from bumble.gatt import Characteristic, Descriptor

from device import AdapterError, Event, LinkEvent, LinkState, Notification, Timings, watch
from device.gatt import GlucoseMeasurementContext, HeartRateMeasurement
from device.virtual import BloodPressureCuff, ChestStrap, VirtualRadio
from device.virtual.backend import Unbonded
from device.virtual.bonding import Bonding
from device.virtual.faults import Step
from device.virtual.wearables import GlucoseMeter
from tests.device.conftest import STRAP, heard, settled, state, until

BEAT = HeartRateMeasurement(61, True, None, (1007,))
CONNECTED = state(LinkState.CONNECTED)
CUFF = "C0:FF:EE:00:00:03"


class StingyMeter(GlucoseMeter):
    """A bonded meter that lets nobody subscribe to the meals that it asks for."""

    def _measures(self) -> list[Characteristic[bytes]]:
        measures = super()._measures()
        self._sent[GlucoseMeasurementContext.UUID].descriptors = [Descriptor(CCCD, "READABLE", b"")]
        return measures


def why(event: Event) -> str:
    assert isinstance(event, LinkEvent)
    return event.why


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("step", [Step.CONNECT, Step.DISCOVERY, Step.READ, Step.SUBSCRIBE, Step.NOTIFY])
async def test_a_link_that_drops_at_any_step_comes_back(
    air: VirtualRadio, strap: ChestStrap, quick: Timings, step: Step, after: int
) -> None:
    strap.faults.drop_at(step, after=after)
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        heard_in_a_row = 0
        await until(events, CONNECTED)
        while heard_in_a_row < 5:
            if await strap.measure(BEAT):
                await until(events, heard)
                heard_in_a_row += 1
            else:
                heard_in_a_row = 0
                await until(events, CONNECTED)
    assert not strap.linked


@pytest.mark.parametrize("step", [Step.READ, Step.SUBSCRIBE])
async def test_a_step_that_is_never_answered_has_a_time_limit(
    air: VirtualRadio, strap: ChestStrap, quick: Timings, step: Step
) -> None:
    strap.faults.hang_at(step)
    async with watch([STRAP], radio=air.radio, timings=replace(quick, gatt=0.2)) as events:
        await until(events, CONNECTED, seconds=5)
        assert await strap.measure(BEAT)
        await until(events, heard)


@pytest.mark.parametrize("removed", [False, True])
async def test_an_adapter_that_goes_and_comes_back(
    air: VirtualRadio, strap: ChestStrap, quick: Timings, removed: bool
) -> None:
    async with watch([STRAP], radio=air.radio, timings=replace(quick, rescan=0.1)) as events:
        await until(events, CONNECTED)
        await air.adapter_off(removed=removed)
        gone = await until(events, state(LinkState.NO_ADAPTER))
        assert ("no Bluetooth adapter" if removed else "switched off") in why(gone[-1])
        await air.adapter_on()
        await until(events, CONNECTED)
        assert await strap.measure(BEAT)
        await until(events, heard)


async def test_an_adapter_that_comes_later_is_waited_for_by_who_says_so(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    await air.adapter_off()
    with pytest.raises(AdapterError, match="switched off"):
        async with watch([STRAP], radio=air.radio, timings=quick):
            pass
    told: list[AdapterError] = []
    async with watch([STRAP], radio=air.radio, timings=quick, absent=told.append) as events:
        assert "switched off" in str(told)
        await until(events, state(LinkState.NO_ADAPTER))
        await air.adapter_on()
        await until(events, CONNECTED)


async def test_an_adapter_that_goes_while_a_device_is_sought(air: VirtualRadio, quick: Timings) -> None:
    strap = ChestStrap(STRAP)
    async with watch([STRAP], radio=air.radio, timings=replace(quick, rescan=0.05)) as events:
        await until(events, state(LinkState.SEARCHING))
        await asyncio.sleep(0.02)
        await air.adapter_off()
        await until(events, state(LinkState.NO_ADAPTER))
        await air.adapter_on()
        await air.add(strap)
        await until(events, CONNECTED)


async def test_a_scan_that_went_deaf_is_begun_anew(air: VirtualRadio, quick: Timings) -> None:
    strap = ChestStrap(STRAP)
    async with watch([STRAP], radio=air.radio, timings=replace(quick, rescan=0.05)) as events:
        await until(events, state(LinkState.SEARCHING))
        await asyncio.sleep(0.02)
        await air.adapter_off()
        await air.adapter_on()  # before anybody noticed: the scan is gone all the same
        await air.add(strap)
        await until(events, CONNECTED)


async def test_a_table_kept_from_before_an_update_is_forgotten(quick: Timings) -> None:
    async with VirtualRadio(keeps_tables=True) as air:
        strap = ChestStrap(STRAP, bonding=Bonding.JUST_WORKS)
        await air.add(strap)
        async with watch([STRAP], radio=air.radio, timings=quick, pair=[STRAP]) as events:
            await until(events, CONNECTED)
            await strap.change_table()
            await until(events, CONNECTED)
            assert await settled(lambda: strap.subscribed)
            assert await strap.measure(BEAT)
            [notification] = await until(events, heard)
            assert isinstance(notification, Notification)
            assert notification.value == bytes(BEAT)


async def test_what_needs_a_bond_is_said(air: VirtualRadio, quick: Timings) -> None:
    await air.add(BloodPressureCuff(CUFF, bonding=Bonding.JUST_WORKS))
    async with watch([CUFF], radio=air.radio, timings=quick) as events:
        lost = await until(events, state(LinkState.LOST))
    assert "pair with the device first" in why(lost[-1])


async def test_a_protected_read_that_is_never_answered_ends(quick: Timings) -> None:
    async with VirtualRadio(unbonded=Unbonded.HANGS) as air:
        await air.add(BloodPressureCuff(CUFF, bonding=Bonding.JUST_WORKS))
        async with watch([CUFF], radio=air.radio, timings=replace(quick, gatt=0.1)) as events:
            lost = await until(events, state(LinkState.LOST), seconds=5)
    assert "took longer than 0.1 s" in why(lost[-1])


async def test_bonded_once_it_comes_back_bonded(air: VirtualRadio, quick: Timings) -> None:
    cuff = BloodPressureCuff(CUFF, bonding=Bonding.JUST_WORKS)
    await air.add(cuff)
    async with watch([CUFF], radio=air.radio, timings=quick, pair=[CUFF]) as events:
        for _ in range(3):
            await until(events, CONNECTED)
            assert cuff.encrypted
            await cuff.drop_link()


async def test_what_a_bonded_device_refuses_costs_no_bond(air: VirtualRadio, quick: Timings) -> None:
    """It is told, and the rest is listened to: a person would have to pair anew, and in vain."""
    meter = StingyMeter(CUFF)
    await air.add(meter)
    async with watch([CUFF], radio=air.radio, timings=quick, pair=[CUFF]) as events:
        begin = await until(events, CONNECTED)
        assert meter.encrypted
    assert "2A34" in why(begin[-1])
    assert meter.connected == 1


async def test_what_may_not_be_read_is_not_connected_to(air: VirtualRadio, quick: Timings) -> None:
    sensor = ChestStrap(STRAP, "DexcomAB")
    await air.add(sensor)
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        begin = await until(events, state(LinkState.LOST))
        with pytest.raises(TimeoutError):  # and not tried again
            async with asyncio.timeout(0.3):
                await anext(events)
    assert "export the readings there" in why(begin[-1])
    assert sensor.connected == 0


async def test_a_bond_that_the_device_forgot_is_a_persons_to_renew(air: VirtualRadio, quick: Timings) -> None:
    cuff = BloodPressureCuff(CUFF, bonding=Bonding.JUST_WORKS)
    await air.add(cuff)
    async with watch([CUFF], radio=air.radio, timings=quick, pair=[CUFF]) as events:
        await until(events, CONNECTED)
        await cuff.forget_bonds()
        await until(events, state(LinkState.LOST))
        lost = await until(events, state(LinkState.LOST))
        assert "pair with it again" in why(lost[-1])
        assert not cuff.encrypted


async def test_a_battery_that_dies_and_a_new_one(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, CONNECTED)
        await strap.battery_dies()
        lost = await until(events, state(LinkState.LOST))
        assert [e.value[0] for e in lost if isinstance(e, Notification)] == [20, 10, 5, 1]
        await strap.new_battery()
        await until(events, CONNECTED)
