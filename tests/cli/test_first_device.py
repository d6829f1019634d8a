"""`init` in a terminal: from a new store to the first wearable, with a script for the person who answers."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from device import AdapterError, Found, scan
from device.gatt import SERVICES
from device.virtual import ChestStrap, VirtualRadio
from healthslm.cli.first_device import add_first_devices, next_step
from healthslm.errors import HealthslmError
from healthslm.store import Store, open_store
from healthslm.wearables import LinkSettings, link_settings

STRAP = Found("C0:FF:EE:00:00:01", "strap", ("heart rate",), -50)
METER = Found("C0:FF:EE:00:00:03", "meter", (SERVICES["1808"],), -60)  # is told only to a paired machine


def answers(*given: str) -> Callable[[str], str]:
    """Answer one question after the other; a question too many is an error."""
    left = iter(given)
    return lambda question: next(left)


def no_pairing(found: Found) -> LinkSettings:
    raise AssertionError(f"{found} needs no pairing")


def test_look_choose_name_and_it_is_added(store: Store) -> None:
    ask = answers("", "2", "my strap", "", "n")
    looks: list[int] = []

    def look() -> list[Found]:
        looks.append(1)
        return [METER, STRAP]

    assert add_first_devices(store, ask=ask, look=look, pair=no_pairing) == 1
    assert [(d.address, d.name) for d in store.devices()] == [(STRAP.address, "my strap")]
    assert len(looks) == 1


def test_several_one_after_the_other_and_one_that_has_to_be_paired(store: Store) -> None:
    paired: list[str] = []

    def pair(found: Found) -> LinkSettings:
        paired.append(found.address)
        return LinkSettings(paired=True)

    ask = answers("y", "1", "", "1", "sugar", "n")
    assert add_first_devices(store, ask=ask, look=lambda: [STRAP, METER], pair=pair) == 2
    assert {d.address: d.name for d in store.devices()} == {STRAP.address: "strap", METER.address: "sugar"}
    assert paired == [METER.address]
    assert link_settings(store) == {METER.address: LinkSettings(paired=True)}


def test_one_that_was_not_paired_is_added_all_the_same(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    def pair(found: Found) -> LinkSettings:
        raise HealthslmError("The passkey was wrong.", "Look at its screen.")

    ask = answers("y", "1", "", "n")
    assert add_first_devices(store, ask=ask, look=lambda: [METER], pair=pair) == 1
    assert [d.address for d in store.devices()] == [METER.address]
    said = capsys.readouterr().err
    assert "The passkey was wrong" in said
    assert f"healthslm devices add {METER.address} --pair" in said


def test_what_is_no_number_of_the_list_is_asked_again(store: Store) -> None:
    ask = answers("y", "0", "2", "strap", "²", "1", "", "n")
    assert add_first_devices(store, ask=ask, look=lambda: [STRAP], pair=no_pairing) == 1


def test_what_was_added_is_not_listed_again(store: Store) -> None:
    ask = answers("y", "1", "", "y", "n")
    assert add_first_devices(store, ask=ask, look=lambda: [STRAP], pair=no_pairing) == 1


def test_whoever_does_not_want_to_goes_on(store: Store) -> None:
    assert add_first_devices(store, ask=answers("n"), look=lambda: [STRAP], pair=no_pairing) == 0
    assert store.devices() == []


def test_without_a_radio_it_says_so_and_goes_on(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    def look() -> list[Found]:
        raise AdapterError("There is no Bluetooth adapter.", "Plug one in.")

    assert add_first_devices(store, ask=answers(""), look=look, pair=no_pairing) == 0
    assert "There is no Bluetooth adapter. Plug one in." in capsys.readouterr().err


async def test_what_a_real_scan_finds_can_be_chosen(store: Store) -> None:
    async with VirtualRadio() as air:
        await air.add(ChestStrap(STRAP.address))
        found = await scan(1, radio=air.radio)
    ask = answers("", "1", "chest", "n")
    assert add_first_devices(store, ask=ask, look=lambda: found, pair=no_pairing) == 1
    assert [(d.address, d.name) for d in store.devices()] == [(STRAP.address, "chest")]


def test_the_next_step_is_the_service_where_there_is_one(tmp_path: Path) -> None:
    unit = tmp_path / "healthslm.service"
    assert next_step(0, unit) == "Next: healthslm devices scan"
    assert next_step(1, unit) == "Next: healthslm run"
    unit.touch()
    assert next_step(1, unit) == "Next: sudo systemctl start healthslm"


@pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is on Linux")
def test_in_a_terminal_without_bluetooth_the_store_is_made_all_the_same(tmp_path: Path) -> None:
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "healthslm", "--home", str(tmp_path / "home"), "init"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        # No D-Bus, so no Bluetooth, whatever this machine has.
        env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/no-bus", "COLUMNS": "200"},
    )
    os.close(theirs)
    said = ""
    for question, answer in [
        ("New passphrase: ", "correct horse"),  # the space comes once nothing is echoed any more
        ("The same again: ", "correct horse"),
        ("Look for wearables now?", ""),
    ]:
        said = _read_until(mine, said, question)
        os.write(mine, f"{answer}\n".encode())
    said = _read_until(mine, said, "Next: healthslm devices scan")
    assert process.wait(20) == 0
    os.close(mine)
    assert "Bluetooth cannot be used now" in said
    assert "Traceback" not in said
    with open_store(tmp_path / "home", "correct horse") as store:
        assert store.devices() == []


def _read_until(terminal: int, said: str, wanted: str, seconds: float = 40) -> str:
    until = time.monotonic() + seconds
    ready = select.poll()  # not `select`, which takes no descriptor above 1023: a long run of tests has those
    ready.register(terminal, select.POLLIN)
    while wanted not in said:
        assert ready.poll(max(0, 1000 * (until - time.monotonic()))), said
        said += os.read(terminal, 4096).decode()
    return said
