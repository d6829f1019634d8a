"""Scanning, and what is said when there is no Bluetooth to scan with."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from device import AdapterError, Found, LinkState, Radio, Timings, scan, watch
from device.adapter import adapter_error
from device.virtual import BloodPressureCuff, ChestStrap, PulseOximeter, VirtualRadio
from device.virtual.radio import VirtualScanner
from tests.device.conftest import STRAP, state, until

REASON = BleakBluetoothNotAvailableReason


async def test_scan_lists_what_is_understood(air: VirtualRadio) -> None:
    class Scale(ChestStrap):
        service, measurement, model, features = "1823", "2AB9", "Scale", ()

    for wearable in (
        ChestStrap("C0:00:00:00:00:01", "Left\x1b[2J strap"),
        PulseOximeter("C0:00:00:00:00:02"),
        Scale("C0:00:00:00:00:03"),
    ):
        await air.add(wearable)
    assert await scan(0.1, radio=air.radio) == [
        Found("C0:00:00:00:00:01", "Left[2J strap", ("Heart Rate",), -50),
        Found("C0:00:00:00:00:02", "Pulse oximeter", ("Pulse Oximeter",), -50),
    ]
    everything = await scan(0.1, radio=air.radio, everything=True)
    assert [(f.name, f.services) for f in everything][-1] == ("Scale", ())


async def test_scan_of_empty_air(air: VirtualRadio) -> None:
    assert await scan(0.05, radio=air.radio) == []


async def test_scan_while_watching(air: VirtualRadio, strap: ChestStrap, quick: Timings) -> None:
    other = BloodPressureCuff("C0:00:00:00:00:03")
    await air.add(other)
    async with watch([STRAP], radio=air.radio, timings=quick) as events:
        await until(events, state(LinkState.CONNECTED))
        assert [f.address for f in await scan(0.1, radio=air.radio)] == [other.address]
        assert strap.subscribed


@pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is how Linux reaches Bluetooth")
async def test_a_machine_without_dbus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/no-such-bus")
    with pytest.raises(AdapterError) as of_scan:
        await scan(0.1)
    with pytest.raises(AdapterError) as of_watch:
        async with watch([STRAP]):
            pytest.fail("there is nothing to watch with")
    for caught in (of_scan, of_watch):
        assert "no D-Bus" in caught.value.message
        assert "bluez" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (FileNotFoundError(2, "No such file"), "no D-Bus", "bluez"),
        (ConnectionRefusedError(), "no D-Bus", "bluez"),
        (PermissionError(), "does not let this user", "group"),
        (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["x"]), "not running", "systemctl"),
        (BleakDBusError("org.bluez.Error.NotReady", ["x"]), "does not work", "plugged in"),
        (BleakBluetoothNotAvailableError("x", REASON.NO_BLUETOOTH), "no Bluetooth adapter", "Plug in"),
        (BleakBluetoothNotAvailableError("x", REASON.POWERED_OFF), "switched off", "power on"),
        (BleakBluetoothNotAvailableError("x", REASON.DENIED_BY_USER), "not allowed", "privacy"),
        (BleakBluetoothNotAvailableError("x", REASON.DENIED_BY_SYSTEM), "does not let", "group"),
        (BleakBluetoothNotAvailableError("x", REASON.NO_BLE_CENTRAL_ROLE), "cannot connect", "4.0"),
        (BleakBluetoothNotAvailableError("x", REASON.UNKNOWN), "does not work", "plugged in"),
        (BleakError("adapter 'hci7' not found"), "adapter 'hci7' not found", "plugged in"),
        (TimeoutError(), "TimeoutError", "plugged in"),
    ],
)
def test_each_reason_has_its_sentence(error: Exception, message: str, hint: str) -> None:
    said = adapter_error(error)
    assert message in said.message
    assert hint in said.hint
    assert "\n" not in str(said)


async def test_an_adapter_that_is_pulled_out_is_told_and_tried_again(
    air: VirtualRadio, strap: ChestStrap, quick: Timings
) -> None:
    class Flaky(air.radio.scanner):  # type: ignore[misc,name-defined]
        """The virtual scanner, behind a plug."""

        plugged: ClassVar[bool] = True

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            assert isinstance(self, VirtualScanner)

        async def start(self) -> None:
            if not Flaky.plugged:
                raise BleakBluetoothNotAvailableError("gone", REASON.NO_BLUETOOTH)
            await super().start()

    radio = Radio(scanner=Flaky, client=air.radio.client)
    timings = replace(quick, first_retry=0.02, longest_retry=0.02)
    async with watch([STRAP], radio=radio, timings=timings) as events:
        await until(events, state(LinkState.CONNECTED))
        Flaky.plugged = False
        await strap.drop_link()
        told = await until(events, state(LinkState.NO_ADAPTER))
        assert "no Bluetooth adapter" in told[-1].why
        Flaky.plugged = True
        await until(events, state(LinkState.CONNECTED))
