"""The adapter, BlueZ and what a user may: every state that they can be in."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.controllers import Controller
from device.errors import AdapterError
from healthslm.doctor.adapter import adapter
from healthslm.doctor.bluez import FAULTS, bluez
from healthslm.doctor.check import State
from healthslm.doctor.permissions import User, files_are_private, may_use_bluetooth
from tests.doctor.scripted import lines, machine, one

OWN = Controller(name="hci0", address="B8:27:EB:00:00:01", powered=True, central=True)
STICK = Controller(name="hci1", address="00:1A:7D:00:00:02", powered=True, central=True)
OFF = Controller(name="hci0", address="B8:27:EB:00:00:01", powered=False, central=True)
CLASSIC = Controller(name="hci0", address="B8:27:EB:00:00:01", powered=True, central=False)
KERNEL = {"sys/class/bluetooth/hci0/address": "", "sys/class/bluetooth/hci0:12/address": ""}
NO_BLUEZ = AdapterError("The Bluetooth service (BlueZ) is not running.", "Start it.")


def rfkill(*, soft: int = 0, hard: int = 0, kind: str = "bluetooth") -> dict[str, str]:
    at = "sys/class/rfkill/rfkill0"
    return KERNEL | {f"{at}/type": kind, f"{at}/soft": f"{soft}\n", f"{at}/hard": f"{hard}\n"}


def test_one_adapter_that_is_on_is_named(tmp_path: Path) -> None:
    state, said = one(adapter([OWN], machine(tmp_path, KERNEL), 2))
    assert (state, "hci0 (B8:27:EB:00:00:01) is on, and for Bluetooth LE" in said) == ("ok", True)


def test_what_is_not_used_is_said_too(tmp_path: Path) -> None:
    off = Controller(name="hci1", address="x", powered=False, central=True)
    assert "1 other not used: hci1" in one(adapter([OWN, off], machine(tmp_path, KERNEL), 2))[1]


def test_an_older_bluez_does_not_say_whether_it_is_le(tmp_path: Path) -> None:
    old = Controller(name="hci0", address="x", powered=True, central=None)
    assert (
        "whether it is for Bluetooth LE is not told" in one(adapter([old], machine(tmp_path, KERNEL), 2))[1]
    )


def test_of_two_that_are_on_any_may_listen(tmp_path: Path) -> None:
    state, said = one(adapter([OWN, STICK], machine(tmp_path, KERNEL), 2))
    assert state == "attention"
    assert "hci0 (B8:27:EB:00:00:01) and hci1 (00:1A:7D:00:00:02)" in said


@pytest.mark.parametrize(("wearables", "state"), [(2, "problem"), (0, "attention"), (None, "attention")])
def test_no_adapter_is_a_problem_to_who_has_wearables(
    tmp_path: Path, wearables: int | None, state: str
) -> None:
    here = machine(tmp_path, {"sys/class/net/lo/mtu": "1"})
    for told in ([], NO_BLUEZ):
        found = one(adapter(told, here, wearables))
        assert found == (state, "this machine has no Bluetooth adapter that its kernel knows")


def test_an_adapter_without_its_service_is_told_apart(tmp_path: Path) -> None:
    assert one(adapter(NO_BLUEZ, machine(tmp_path, KERNEL), 1)) == ("problem", NO_BLUEZ.message)
    assert one(adapter([], machine(tmp_path, KERNEL), 1)) == (
        "problem",
        "the kernel has hci0, and BlueZ does not see it",
    )


def test_off_and_blocked_and_not_le(tmp_path: Path) -> None:
    assert one(adapter([OFF], machine(tmp_path / "a", rfkill()), 1)) == ("problem", "hci0 is switched off")
    assert lines(adapter([OFF], machine(tmp_path / "b", rfkill(soft=1)), 1)) == [
        ("problem", "hci0 is switched off"),
        ("problem", "Bluetooth is blocked by software (rfkill)"),
    ]
    assert lines(adapter([OFF], machine(tmp_path / "c", rfkill(hard=1, soft=1)), 0))[1] == (
        "attention",
        "Bluetooth is blocked by a switch or key of this machine",
    )
    # Wi-Fi that is blocked is nobody's business here.
    assert len(lines(adapter([OFF], machine(tmp_path / "d", rfkill(soft=1, kind="wlan")), 1))) == 1
    found = one(adapter([CLASSIC], machine(tmp_path / "e", rfkill()), 1))
    assert found == ("problem", "hci0 cannot connect to Bluetooth LE devices")


@pytest.mark.parametrize(
    ("version", "states", "words"),
    [
        ("5.50", ["problem"], "refuses to connect with a BlueZ before 5.55"),
        ("5.64", ["attention"], "bluez/issues/509"),
        ("5.66", ["ok"], "3 known faults that healthslm gets over"),
        ("5.82", ["ok"], "3 known faults"),
        ("5.87", ["attention"], "bluez/issues/2282"),
        ("5.88", ["ok"], "2 known faults"),
    ],
)
def test_a_version_is_held_against_its_known_faults(
    tmp_path: Path, version: str, states: list[str], words: str
) -> None:
    found = lines(bluez(machine(tmp_path, programs={"bluetoothctl": f"bluetoothctl: {version}\n"})))
    assert [state for state, _ in found] == states
    assert all(said.startswith(version) for _, said in found)
    assert words in found[0][1]


def test_debian_knows_the_version_too_and_else_it_is_not_known(tmp_path: Path) -> None:
    assert one(bluez(machine(tmp_path, programs={"dpkg-query": "5.66-1+rpt1+deb12u2"})))[1].startswith(
        "5.66;"
    )
    assert one(bluez(machine(tmp_path)))[0] == "unknown"
    assert one(bluez(machine(tmp_path, programs={"bluetoothctl": "help"})))[0] == "unknown"


def test_every_fault_has_a_source_and_every_bad_one_a_next_step() -> None:
    assert all(fault.source and fault.first <= fault.last for fault in FAULTS)
    assert all(fault.next for fault in FAULTS if fault.state is not State.OK)


def user(*groups: str, number: int = 1000) -> User:
    return User(number=number, name="pi", groups=frozenset(groups))


def test_who_may_use_bluetooth() -> None:
    assert may_use_bluetooth(user("users"), asked=True).state == "ok"
    assert may_use_bluetooth(user("bluetooth"), asked=False).state == "unknown"
    assert may_use_bluetooth(user(number=0), asked=False).state == "unknown"
    refused = may_use_bluetooth(user("users"), asked=False)
    assert (refused.state, refused.next) == (
        "attention",
        "sudo usermod -aG bluetooth pi, then log in again",
    )


def test_the_files_are_the_users_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for name in ("keys.json", "store.db"):
        (home / name).touch(mode=0o600)
    (home / "settings.toml").touch(mode=0o644)  # has no health data
    owner = user(number=home.stat().st_uid)
    assert one(files_are_private(home, owner)) == ("ok", "the store's files are pi's alone")
    (home / "store.db").chmod(0o640)
    home.chmod(0o755)
    found = list(files_are_private(home, owner))
    assert [check.next for check in found] == [f"chmod 700 {home}", f"chmod 600 {home / 'store.db'}"]
    assert {check.state for check in found} == {State.ATTENTION}
    foreign = list(files_are_private(home, user(number=owner.number + 1)))
    assert {check.state for check in foreign} == {State.PROBLEM}
    assert f"belongs to the user with number {owner.number}, not to pi" in foreign[0].said


def test_what_is_not_encrypted_beside_the_store_is_told_apart(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    sealed, clear = home / "sealed", home / "while-locked.json"
    sealed.mkdir(mode=0o755)
    clear.touch(mode=0o644)
    found = {one.said: one.next for one in files_are_private(home, user(number=home.stat().st_uid))}
    assert found == {
        f"others than pi may get at {sealed} (mode 755); what is in it is encrypted": f"chmod 700 {sealed}",
        f"others than pi may get at {clear} (mode 644)": f"chmod 600 {clear}",
    }
