"""Stored records of virtual wearables, asked for through bleak: all codes, and transfers that are cut.

The codes are those of the Record Access Control Point (2A52) in the GATT Specification Supplement: op codes
1 report, 2 delete, 3 abort, 4 number; operators 1 all, 2 up to, 3 from, 4 within, 5 first, 6 last; answers
`06 00 op code`, with 1 success, 2 op code, 3 no operator, 4 operator, 5 operand, 6 nothing found, 9 filter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from bleak import BleakClient
from bleak.exc import BleakGATTProtocolError

from device import decode
from device.gatt.cgm_specific_ops import CgmOpcode, CgmResponseCode, CgmSpecificOpsControlPoint
from device.gatt.continuous_glucose import CgmMeasurement, CgmSessionStartTime
from device.gatt.glucose import GlucoseMeasurement, GlucoseMeasurementContext, Meal
from device.gatt.pulse_oximeter import PlxSpotCheckMeasurement
from device.virtual import (
    ContinuousGlucoseMonitor,
    GlucoseMeter,
    OwnClock,
    SpotCheckOximeter,
    Step,
    VirtualRadio,
)
from device.virtual.storing import StoringWearable
from tests.device.conftest import STRAP
from tests.device.test_virtual_wearables import linked

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RACP = "2A52"


class Asked:
    """A control point, and everything that came while it was asked."""

    def __init__(self, client: BleakClient) -> None:
        self.client = client
        self.came: list[tuple[str, bytes]] = []
        self.answers: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self, request: str, point: str = RACP) -> str:
        await self.client.write_gatt_char(point, bytes.fromhex(request), response=True)
        return await asyncio.wait_for(self.answers.get(), 5)

    def records(self) -> list[object]:
        came, self.came = self.came, []
        return [decode(name, value) for name, value in came]


@asynccontextmanager
async def asking(air: VirtualRadio, wearable: StoringWearable, *names: str) -> AsyncIterator[Asked]:
    async with linked(air, wearable) as client:
        asked = Asked(client)
        for name in names:
            await client.start_notify(name, lambda _, v, name=name: asked.came.append((name, bytes(v))))  # type: ignore[misc]
        for point in (RACP, "2AAC"):
            if client.services.get_characteristic(point) is not None:
                await client.start_notify(point, lambda _, value: asked.answers.put_nowait(value.hex(" ")))
        yield asked


@pytest.fixture
async def meter(air: VirtualRadio) -> GlucoseMeter:
    meter = GlucoseMeter(STRAP, clock=OwnClock(lambda: NOW))
    for number in range(5):
        meter.take(100 + number, meal=Meal.FASTING if number == 2 else None)
    await air.add(meter)
    return meter


async def test_records_are_told_as_they_were_asked_for(air: VirtualRadio, meter: GlucoseMeter) -> None:
    async with asking(air, meter, "2A18", "2A34") as ask:
        for request, numbers in {
            "01 01": [0, 1, 2, 3, 4],
            "01 03 01 03 00": [3, 4],
            "01 02 01 01 00": [0, 1],
            "01 04 01 01 00 03 00": [1, 2, 3],
            "01 05": [0],
            "01 06": [4],
        }.items():
            assert await ask(request) == "06 00 01 01"
            records = ask.records()
            told = [r.sequence_number for r in records if isinstance(r, GlucoseMeasurement)]
            assert told == numbers
            contexts = [r.sequence_number for r in records if isinstance(r, GlucoseMeasurementContext)]
            assert contexts == [n for n in numbers if n == 2], "the context comes with its measurement"
        assert await ask("04 01") == "05 00 05 00"
        assert await ask("04 03 01 04 00") == "05 00 01 00"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("01 03 01 05 00", "06 00 01 06"),
        ("02 03 01 05 00", "06 00 02 06"),
        ("07 01", "06 00 07 02"),
        ("01 00", "06 00 01 03"),
        ("01", "06 00 01 03"),
        ("01 07", "06 00 01 04"),
        ("01 03 01", "06 00 01 05"),
        ("01 01 01", "06 00 01 05"),
        ("01 04 01 03 00 01 00", "06 00 01 05"),
        ("01 03 02 00 00", "06 00 01 09"),
        ("03 00", "06 00 03 01"),
        ("04 03 01 09 00", "05 00 00 00"),
    ],
)
async def test_what_cannot_be_done_has_its_code(
    air: VirtualRadio, meter: GlucoseMeter, request_: str, answer: str
) -> None:
    async with asking(air, meter, "2A18") as ask:
        assert await ask(request_) == answer
        assert ask.records() == []


async def test_records_are_deleted(air: VirtualRadio, meter: GlucoseMeter) -> None:
    async with asking(air, meter, "2A18") as ask:
        assert await ask("02 02 01 02 00") == "06 00 02 01"
        assert [r.number for r in meter.records] == [3, 4]
        meter.deletes = False
        assert await ask("02 01") == "06 00 02 02"
        meter.restart_numbers()
        assert await ask("01 01") == "06 00 01 06"
        assert meter.take(100).sequence_number == 0


async def test_a_control_point_nobody_listens_to_refuses(air: VirtualRadio, meter: GlucoseMeter) -> None:
    async with linked(air, meter) as client:
        with pytest.raises(BleakGATTProtocolError) as caught:
            await client.write_gatt_char(RACP, b"\x01\x01", response=True)
        assert int(caught.value.code) == 0xFD


async def test_one_transfer_at_a_time_and_it_can_be_aborted(air: VirtualRadio, meter: GlucoseMeter) -> None:
    meter.faults.hang_at(Step.RECORD, after=2)
    async with asking(air, meter, "2A18") as ask:
        await ask.client.write_gatt_char(RACP, b"\x01\x01", response=True)
        assert meter.transferring
        with pytest.raises(BleakGATTProtocolError) as caught:
            await ask.client.write_gatt_char(RACP, b"\x01\x01", response=True)
        assert int(caught.value.code) == 0xFE
        assert await ask("03 00") == "06 00 03 01"
        assert not meter.transferring
        assert len(ask.records()) == 2
        assert await ask("01 01") == "06 00 01 01"
        assert len(ask.records()) == 5


async def test_a_transfer_is_cut_and_taken_up_again(air: VirtualRadio, meter: GlucoseMeter) -> None:
    meter.faults.drop_at(Step.RECORD, after=3)
    async with asking(air, meter, "2A18") as ask:
        await ask.client.write_gatt_char(RACP, b"\x01\x01", response=True)
        async with asyncio.timeout(5):
            while ask.client.is_connected:  # noqa: ASYNC110  bleak has only a callback for it
                await asyncio.sleep(0.001)
        assert len(ask.records()) == 3
    async with asking(air, meter, "2A18") as ask:
        assert await ask("01 03 01 03 00") == "06 00 01 01"
        assert len(ask.records()) == 2


async def test_a_glucose_sensor_tells_several_records_a_notification(air: VirtualRadio) -> None:
    sensor = ContinuousGlucoseMonitor(STRAP, clock=OwnClock(lambda: NOW))
    for minute in range(0, 35, 5):
        sensor.take(100 + minute, time_offset=minute)
    sensor.wrong_crc = True
    sensor.take(140, time_offset=35)
    await air.add(sensor)
    async with asking(air, sensor, "2AA7") as ask:
        assert await ask("01 03 01 0A 00") == "06 00 01 01"
        batches = [r.records for r in ask.records() if isinstance(r, CgmMeasurement)]
        assert [[record.time_offset for record in batch] for batch in batches] == [[10, 15, 20], [25, 30, 35]]
        assert [record.crc_ok for batch in batches for record in batch] == [True] * 5 + [False]
        assert await ask("02 01") == "06 00 02 02", "a sensor keeps its records"


async def test_a_glucose_sensors_session(air: VirtualRadio) -> None:
    time = [NOW]
    sensor = ContinuousGlucoseMonitor(STRAP, clock=OwnClock(lambda: time[0]), crc=True)
    sensor.take(100)
    await air.add(sensor)
    async with asking(air, sensor) as ask:
        time[0] = NOW + timedelta(hours=1)

        def request(opcode: CgmOpcode, interval: int | None = None) -> str:
            return bytes(CgmSpecificOpsControlPoint(opcode, interval, crc_ok=True)).hex()

        async def answer(opcode: CgmOpcode, interval: int | None = None) -> CgmSpecificOpsControlPoint:
            said = await ask(request(opcode, interval), "2AAC")
            return CgmSpecificOpsControlPoint.from_bytes(bytes.fromhex(said))

        done = CgmResponseCode.SUCCESS
        assert (await answer(CgmOpcode.SET_COMMUNICATION_INTERVAL, 3)).response_code == done
        assert (await answer(CgmOpcode.GET_COMMUNICATION_INTERVAL)).interval == 3
        assert (await answer(CgmOpcode.STOP_SESSION)).response_code == done
        assert not sensor.running
        assert (await answer(CgmOpcode.START_SESSION)).response_code == done
        assert (sensor.running, sensor.records, sensor.time_offset) == (True, [], 0)
        start = CgmSessionStartTime.from_bytes(bytes(await ask.client.read_gatt_char("2AAA")))
        assert start.datetime == time[0]
        with pytest.raises(BleakGATTProtocolError):
            await ask.client.write_gatt_char("2AAC", bytes((CgmOpcode.STOP_SESSION,)), response=True)
        refused = await answer(CgmOpcode.GET_HYPO_ALERT_LEVEL)
        assert refused.response_code == CgmResponseCode.OP_CODE_NOT_SUPPORTED


async def test_a_spot_check_that_nobody_heard_is_kept(air: VirtualRadio) -> None:
    oximeter = SpotCheckOximeter(STRAP)
    await air.add(oximeter)
    alone, heard = PlxSpotCheckMeasurement(95.0, 70.0), PlxSpotCheckMeasurement(96.0, 71.0)
    assert not await oximeter.measure(alone)
    async with asking(air, oximeter, "2A5E") as ask:
        assert await oximeter.measure(heard)
        assert ask.records() == [heard]
        assert await ask("01 01") == "06 00 01 01"
        assert ask.records() == [alone]
