"""`devices add`: what is asked at the terminal, what is kept of a link, and what needs no Bluetooth."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.vendors import FAMILIES
from healthslm.cli.pairing import (
    AtTerminal,
    Beforehand,
    Wanted,
)
from healthslm.errors import HealthslmError, UsageError
from healthslm.readings import Device
from healthslm.store import CHEAPEST, Store, create, open_store
from healthslm.wearables import LinkSettings, keep_link_settings, link_settings

STRAP = "C0:FF:EE:00:00:01"
STREAMS = sorted({name for family in FAMILIES for name in family.streams})
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with store:
        store.put_device(Device(address=STRAP, name="strap"))
        store.commit()
    (tmp_path / "passphrase").write_text("passphrase\n")
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Run:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
        return subprocess.run(
            [sys.executable, "-m", "healthslm", *opening, *arguments],
            input="",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            # No D-Bus, so no Bluetooth, whatever this machine has.
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={home}/no-bus"},
        )

    return command


def kept(home: Path) -> dict[str, LinkSettings]:
    with open_store(home, "passphrase") as store:
        return link_settings(store)


def test_adding_needs_no_bluetooth_and_keeps_what_to_ask_for(run: Run, home: Path) -> None:
    added = run("devices", "add", STRAP, "--stream", STREAMS[0], "--stream", STREAMS[-1])
    assert added.returncode == 0, added.stderr
    assert kept(home) == {STRAP: LinkSettings(streams=(STREAMS[0], STREAMS[-1]))}
    assert run("devices", "add", STRAP, "--name", "chest").returncode == 0
    assert kept(home)[STRAP].streams == (STREAMS[0], STREAMS[-1]), "naming it changes nothing else"
    assert run("devices", "forget", STRAP).returncode == 0
    assert kept(home) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is on Linux")
def test_pairing_without_bluetooth_says_so_and_adds_nothing(run: Run, home: Path) -> None:
    other = "C0:FF:EE:00:00:02"
    result = run("devices", "add", other, "--pair")
    assert result.returncode == 1
    assert "no D-Bus" in result.stderr
    assert "Traceback" not in result.stderr
    assert other not in run("devices", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stream", "telepathy"], "No wearable sends 'telepathy'"),
        (["--passkey", "12345"], "six digits"),
        (["--passkey", "123456", "--no-pair"], "--passkey goes with --pair"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Run, home: Path, arguments: list[str], said: str) -> None:
    result = run("devices", "add", STRAP, *arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert kept(home) == {}


def test_what_a_link_is_to_do_is_kept(store: Store) -> None:
    both = LinkSettings(paired=True, streams=("ecg", "acc"))
    keep_link_settings(store, STRAP, both)
    keep_link_settings(store, "other", LinkSettings())
    assert link_settings(store) == {STRAP: both}
    keep_link_settings(store, STRAP, None)
    assert link_settings(store) == {}


def test_a_pairing_stays_kept_until_it_is_taken_back(tmp_path: Path) -> None:
    before = LinkSettings(paired=True)
    unsaid = Wanted(pair=None, passkey=None, streams=("ecg",))
    assert unsaid.carried_out(STRAP, before, tmp_path) == LinkSettings(paired=True, streams=("ecg",))
    no = Wanted(pair=False, passkey=None, streams=None)
    assert no.carried_out(STRAP, before, tmp_path) == LinkSettings()


def test_a_passkey_means_pairing() -> None:
    assert Wanted.checked(None, "000042", None) == Wanted(pair=True, passkey=42, streams=None)
    with pytest.raises(UsageError):
        Wanted.checked(None, "٠٠٠٠٤٢", None)


async def test_what_was_given_beforehand_is_all_that_is_answered() -> None:
    assert await Beforehand(42).passkey(STRAP) == 42
    assert await Beforehand(None).passkey(STRAP) is None
    assert not await Beforehand(42).confirm(STRAP, 42)


class Terminal:
    """A terminal of a test's own: what is typed into it."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        self.file = os.fdopen(slave, encoding="utf-8")

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.file.close()
    os.close(made.master)


async def test_six_digits_are_asked_for_until_there_are_six(terminal: Terminal) -> None:
    ask = AtTerminal(None, terminal.file)
    terminal.type("12345\n000 042\n")
    assert await ask.passkey(STRAP) == 42
    terminal.type("\n")
    assert await ask.passkey(STRAP) is None
    terminal.type("yes\n")
    assert await ask.confirm(STRAP, 42)
    terminal.type("\n")
    assert not await ask.confirm(STRAP, 42)
    assert await AtTerminal(7, terminal.file).passkey(STRAP) == 7


async def test_a_question_that_the_device_withdraws_holds_nothing_up(terminal: Terminal) -> None:
    question = asyncio.create_task(AtTerminal(None, terminal.file).passkey(STRAP))
    await asyncio.sleep(0)
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    terminal.type("y\n")
    assert await AtTerminal(None, terminal.file).confirm(STRAP, 1), "the next question reads the next line"


async def test_a_terminal_that_is_gone_is_no_answer(terminal: Terminal) -> None:
    terminal.type("\x04")
    assert await AtTerminal(None, terminal.file).passkey(STRAP) is None


def test_a_running_watch_is_in_the_way(home: Path) -> None:
    from healthslm.cli.running import only_one  # noqa: PLC0415  beside its use

    with only_one(home), pytest.raises(HealthslmError, match="already listening"):
        Wanted(pair=True, passkey=None, streams=None).carried_out(STRAP, LinkSettings(), home)
