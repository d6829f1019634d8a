"""Scenarios: what is read, what is refused, what happens, and wearables in another process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bleak import BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError

from device import AdapterError, Event, Notification, RecordError, Timings, decode, watch
from device.gatt import HeartRateMeasurement
from device.virtual import ChestStrap, GlucoseMeter, Physiology, Steady, VirtualRadio, recorded_from_csv
from device.virtual.__main__ import main
from device.virtual.faults import Frames, Harm, Step
from device.virtual.hub import Hub, on_controller
from device.virtual.own_clock import FACTORY
from device.virtual.scenario import Do, EventSetting, read_scenario
from device.virtual.stage import Stage
from tests.device.conftest import STRAP, until

SCENARIOS = Path(__file__).parents[2] / "device" / "virtual" / "scenarios"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WEARABLE = f'[[wearable]]\nkind = "strap"\naddress = "{STRAP}"\n'
FLOOD = (
    WEARABLE
    + """every = 3600
hold = { heart_rate = 66 }
[[wearable.event]]
when = "subscribed"
do = "flood"
count = 500
"""
)


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda p: p.stem)
def test_the_examples_are_read(path: Path) -> None:
    assert Stage(read_scenario(path), lambda: NOW).actors


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "wearable: "),
        ("[[wearable", "could not be read"),
        (WEARABLE.replace("strap", "toaster"), "wearable 1, kind: there is no such kind; there are: strap"),
        (WEARABLE.replace("C0:FF", "10:FF"), "wearable 1, address: a virtual wearable has a static random"),
        (WEARABLE.replace(STRAP, "here"), "wearable 1, address: "),
        (WEARABLE + "colour = 1", "wearable 1, colour: Extra inputs are not permitted"),
        (WEARABLE + "every = 0", "wearable 1, every: "),
        (
            WEARABLE + "hold = { mood = 1 }",
            "wearable 1, hold: there is no signal mood; there are: ",
        ),
        (WEARABLE + "clock = { offset = 'late' }", "wearable 1, clock offset: "),
        (WEARABLE + '[[wearable.event]]\ndo = "drop link"', "wearable 1, event 1: it needs either at"),
        (WEARABLE + '[[wearable.event]]\nat = 1\ndo = "explode"', "wearable 1, event 1, do: "),
        (WEARABLE + '[[wearable.event]]\nat = 1\ndo = "drop at"', "event 1: drop at needs a step: connect"),
        (WEARABLE * 2, f"two wearables have the address {STRAP}"),
        ("start = 2026-03-02T08:00:00\n" + WEARABLE, "start: "),
    ],
)
def test_a_bad_scenario_names_the_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordError) as caught:
        read_scenario(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_scenario_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.toml")]) == 1
    assert "There is no scenario at" in capsys.readouterr().err


def test_what_is_stored_was_measured_before(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    text = WEARABLE.replace("strap", "glucose meter") + "stored = 3\nevery = 3600\nclock = { offset = -60 }\n"
    path.write_text("start = 2026-03-02T09:00:00Z\n" + text, encoding="utf-8")
    [actor] = Stage(read_scenario(path), lambda: NOW).actors
    assert isinstance(actor.wearable, GlucoseMeter)
    times = [record.parts[0].base_time.datetime for record in actor.wearable.records]  # type: ignore[attr-defined]
    assert times == [datetime(2026, 3, 2, hour, 59) for hour in (5, 6, 7)]  # noqa: DTZ001  as a device sends it
    assert actor.wearable.clock() == NOW - timedelta(minutes=1)


async def test_what_happens_is_done(air: VirtualRadio, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        WEARABLE.replace("strap", "glucose meter") + "clock = { stopped = true }\n", encoding="utf-8"
    )
    stage = Stage(read_scenario(path), lambda: NOW)
    [actor] = stage.actors
    meter = actor.wearable
    assert isinstance(meter, GlucoseMeter)
    assert meter.clock() == FACTORY
    await air.add(meter)

    async def do(what: Do, **more: object) -> None:
        await stage.do(actor, EventSetting.model_validate({"at": 0, "do": what, **more}))

    await do(Do.FALL_SILENT)
    assert meter.faults.silent
    await do(Do.SPEAK)
    assert not meter.faults.silent
    await do(Do.SPOIL, frames="truncated", every=3)
    assert (meter.faults.frames, meter.faults.every) == (Frames.TRUNCATED, 3)
    await do(Do.REPEAT, count=4)
    assert meter.faults.repeats == 4
    await do(Do.DROP_AT, step="record", after=2)
    await do(Do.HANG_AT, step="read")
    assert [(t.step, t.harm, t.after) for t in meter.faults.trips] == [
        (Step.RECORD, Harm.DROP, 2),
        (Step.READ, Harm.HANG, 0),
    ]
    meter.take(100)
    await do(Do.RESTART_NUMBERS)
    assert (meter.records, meter.next_number) == ([], 0)
    for what in (Do.DROP_LINK, Do.FORGET_BONDS, Do.CHANGE_TABLE, Do.GO_AWAY, Do.COME_BACK, Do.BATTERY_DIES):
        await do(what)
    await do(Do.NEW_BATTERY)
    assert meter.battery == 100


def test_signals_are_recorded_held_or_made_up(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    path.write_text("seconds,glucose\n0,100\n10,110\n20,120\n", encoding="utf-8")
    signals = recorded_from_csv(path, NOW)
    told = [signals.value("glucose", NOW + timedelta(seconds=s)) for s in (0, 9, 10, 25, 30, 41)]
    assert told == [100, 100, 110, 120, 100, 110], "held until the next, and over again"
    assert signals.value("spo2", NOW) == Physiology().spo2(NOW)
    assert Steady({"spo2": 88}, signals).value("spo2", NOW) == 88
    assert Steady({"spo2": 88}, signals).value("glucose", NOW) == 100
    with pytest.raises(KeyError):
        Physiology().value("mood", NOW)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no columns"),
        ("seconds\n1\n", "has seconds for columns"),
        ("seconds,mood\n0,1\n", "any of heart_rate"),
        ("seconds,spo2\n0,x\n", "line 2: a value is not a number"),
        ("seconds,spo2\n1,90\n1,91\n", "line 3: the seconds do not grow"),
        ("seconds,spo2\n", "no values"),
    ],
)
def test_a_bad_series_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "series.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordError, match=said):
        recorded_from_csv(path, NOW)
    with pytest.raises(RecordError, match="There is no recorded series"):
        recorded_from_csv(tmp_path / "none.csv", NOW)


def beats(event: Event) -> bool:
    return isinstance(event, Notification) and event.characteristic == "2A37"


@asynccontextmanager
async def served(scenario: str, folder: Path, *more: str) -> AsyncIterator[Path]:
    """Serve a scenario from another process, and end that process."""
    path, socket = folder / "scenario.toml", folder / "radio.sock"
    path.write_text(scenario, encoding="utf-8")
    command: Sequence[str] = ("-m", "device.virtual", str(path), "--socket", str(socket), *more)
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        said = await asyncio.wait_for(process.stdout.readline(), 30)
        assert said.decode().strip() == f"serving at {socket}"
        yield socket
    finally:
        if process.returncode is None:
            process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) in (0, -9)


async def test_wearables_in_another_process(tmp_path: Path, quick: Timings) -> None:
    async with served(FLOOD, tmp_path) as socket:
        for _ in range(2):  # a machine that leaves in the middle of it, and another that comes
            async with (
                VirtualRadio.over(socket) as air,
                watch([STRAP], radio=air.radio, timings=quick) as events,
            ):
                await until(events, beats, 20)
        async with VirtualRadio.over(socket) as air:
            with pytest.raises(AdapterError, match="in another process"):
                await air.add(GlucoseMeter("C0:00:00:00:00:09"))
            count = 0
            async with watch([STRAP], radio=air.radio, timings=quick) as events, asyncio.timeout(30):
                while count < 500:
                    [*_, last] = await until(events, beats, 20)
                    assert isinstance(last, Notification)
                    measured = decode(last.characteristic, last.value)
                    assert isinstance(measured, HeartRateMeasurement)
                    assert measured.heart_rate == 66
                    count += 1
    assert not socket.exists()


async def test_a_radio_whose_process_ended_is_an_adapter_pulled_out(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with served(FLOOD, tmp_path) as socket:
            air = await stack.enter_async_context(VirtualRadio.over(socket))
        assert air.radio.scanner is not None
        with pytest.raises(BleakBluetoothNotAvailableError):
            await BleakScanner(backend=air.radio.scanner).start()


async def test_a_kernel_and_a_controller_of_its_own(tmp_path: Path, quick: Timings) -> None:
    """What goes through /dev/vhci and USB, through sockets: HCI is the same."""
    kernel, air = tmp_path / "kernel.sock", tmp_path / "air.sock"
    near, far = ChestStrap(STRAP), ChestStrap("C0:00:00:00:00:02")
    async with Hub() as hub, hub.serving(air), on_controller(far, f"unix:{air}"):
        await hub.add(near)
        async with (
            hub.kernel(f"unix-server:{kernel}"),
            VirtualRadio.over(kernel) as radio,
            watch([near.address, far.address], radio=radio.radio, timings=quick) as events,
        ):
            for wearable in (near, far):
                async with asyncio.timeout(10):
                    while not wearable.subscribed:
                        await anext(events)
                await wearable.send(b"\x00\x42")
                [*_, last] = await until(events, beats)
                assert isinstance(last, Notification)
                assert (last.device, last.value) == (wearable.address, b"\x00\x42")


async def test_there_is_no_such_controller() -> None:
    async with Hub() as hub:
        with pytest.raises(AdapterError, match="There is no Bluetooth controller at vhci:/nowhere/vhci"):
            async with hub.kernel("vhci:/nowhere/vhci"):
                pass
    with pytest.raises(AdapterError, match="Plug one in"):
        async with on_controller(ChestStrap(STRAP), "usb:99"):
            pass


async def test_nobody_serves(tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="There is no virtual radio at"):
        async with VirtualRadio.over(tmp_path / "none.sock"):
            pass


def test_a_usb_controller_is_one_wearable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.toml"
    path.write_text(WEARABLE + WEARABLE.replace("00:01", "00:02"), encoding="utf-8")
    assert main([str(path), "--usb", "0"]) == 1
    assert "A USB controller is one wearable" in capsys.readouterr().err
