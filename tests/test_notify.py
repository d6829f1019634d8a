"""What systemd is told: over real datagram sockets, by the real commands."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device import Event, LinkEvent, LinkState
from device.virtual import ChestStrap
from device.virtual.hub import Hub
from healthslm.alerts import Engine
from healthslm.cli.screen import Screen
from healthslm.clock import utc_now
from healthslm.collector import Collector, Update
from healthslm.notify import Notifier
from healthslm.pipeline import collect
from healthslm.readings import Device, Kind
from healthslm.rules import LOW_SPO2
from healthslm.store import CHEAPEST, Store, create
from tests.making import at, series

STRAP = "C0:FF:EE:00:00:01"


class Systemd:
    """The socket that a service tells how it is, and what was told so far, line by line."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def close(self) -> None:
        self._socket.close()

    def told(self, wanted: str, seconds: float = 40) -> list[str]:
        """Wait until this line was told; return all lines up to it."""
        lines: list[str] = []
        until = time.monotonic() + seconds
        while wanted not in lines:
            self._socket.settimeout(max(0.01, until - time.monotonic()))
            try:
                lines += self._socket.recv(4096).decode().split("\n")
            except TimeoutError:
                raise AssertionError(f"{wanted} was not told, but {lines}") from None
        return lines

    def heard(self) -> list[str]:
        """Return what has been told and not been read yet; waits for nothing."""
        lines: list[str] = []
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                lines += self._socket.recv(4096).decode().split("\n")
        return lines


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    with contextlib.closing(_systemd("path", tmp_path)) as listening:
        yield listening


def _systemd(sort: str, folder: Path) -> Systemd:
    return Systemd(f"@healthslm-{secrets.token_hex(8)}" if sort == "abstract" else str(folder / "notify"))


@pytest.mark.parametrize("sort", ["path", "abstract"])
def test_it_says_how_it_is(sort: str, tmp_path: Path) -> None:
    systemd = _systemd(sort, tmp_path)
    notify = Notifier.of({"NOTIFY_SOCKET": systemd.address}, pid=1)
    notify.ready("Listening.")
    notify.alive()  # nobody asked for that
    notify.stopping()
    told = ["READY=1", "STATUS=Listening.", "STOPPING=1", "STATUS=Stopping."]
    with contextlib.closing(systemd):
        assert systemd.heard() == told


def test_while_a_large_store_is_opened_the_watchdog_hears_too(systemd: Systemd) -> None:
    notify = Notifier(systemd.address, 0.0)
    with notify.kept_alive():
        assert systemd.told("WATCHDOG=1") == ["WATCHDOG=1"]
    assert not [one for one in threading.enumerate() if one.name == "alive"]


def test_the_watchdog_hears_twice_in_the_time_that_it_waits(systemd: Systemd) -> None:
    now = [100.0]
    notify = Notifier(systemd.address, 5.0, lambda: now[0])
    for _ in range(200):
        notify.alive()
        now[0] += 0.1
    assert systemd.heard() == ["WATCHDOG=1"] * 4


@pytest.mark.parametrize(
    ("environment", "every_s"),
    [
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "7"}, 90.0),
        ({"WATCHDOG_USEC": "180000000"}, 90.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "8"}, float("inf")),
        ({"WATCHDOG_USEC": "soon"}, float("inf")),
        ({"WATCHDOG_USEC": "0"}, float("inf")),
        ({}, float("inf")),
    ],
)
def test_how_often_is_what_systemd_says_to_this_very_process(
    environment: dict[str, str], every_s: float, tmp_path: Path
) -> None:
    with contextlib.closing(_systemd("path", tmp_path)) as listening:
        now = [0.0]
        made = Notifier.of({"NOTIFY_SOCKET": listening.address, **environment}, pid=7)
        made._monotonic = lambda: now[0]
        made.alive()
        now[0] = 89.9
        made.alive()
        assert len(listening.heard()) == (1 if every_s == 90 else 0)
        now[0] = 90.1
        made.alive()
        assert len(listening.heard()) == (1 if every_s == 90 else 0)


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "/nowhere/at/all", "relative"])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    notify = Notifier.of({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2"}, pid=1)
    notify.ready()
    notify.alive()
    notify.stopping()


def test_a_listener_that_does_not_read_holds_nothing_up(systemd: Systemd) -> None:
    notify = Notifier(systemd.address, 0.0)
    for _ in range(5000):  # more than the socket takes
        notify.alive()


async def test_a_loop_that_hangs_is_not_alive(store: Store) -> None:
    """`alive` comes from the rounds of `collect()`: whatever keeps the loop keeps it quiet too."""
    rounds: asyncio.Queue[None] = asyncio.Queue()

    async def nothing() -> AsyncIterator[Event]:
        await asyncio.sleep(60)
        return
        yield

    stop = asyncio.Event()
    collecting = asyncio.create_task(
        collect(nothing(), store, zone=ZoneInfo("UTC"), stop=stop, alive=lambda: rounds.put_nowait(None))
    )
    await rounds.get()
    await rounds.get()
    time.sleep(0.5)  # noqa: ASYNC251  the loop hangs: that is what is tried
    assert rounds.empty()
    await rounds.get()
    stop.set()
    await collecting


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with made:
        made.put_device(Device(address=STRAP, name="Anna's strap"))
        made.commit()
    (tmp_path / "passphrase").write_text("passphrase\n")
    return tmp_path / "home"


Started = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(home: Path) -> Iterator[Started]:
    running: list[subprocess.Popen[str]] = []

    def command(systemd: Systemd, *arguments: str) -> subprocess.Popen[str]:
        opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
        process = subprocess.Popen(
            [sys.executable, "-m", "healthslm", *opening, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "400000"},
        )
        running.append(process)
        return process

    yield command
    for process in running:
        process.kill()
        process.communicate()


async def test_run_is_ready_once_it_listens_and_stays_alive_and_says_that_it_ends(
    systemd: Systemd, start: Started, tmp_path: Path
) -> None:
    async with Hub() as hub, hub.serving(tmp_path / "air"):
        await hub.add(ChestStrap(STRAP))
        process = start(systemd, "run", "--quiet", "--virtual", str(tmp_path / "air"))
        told = await asyncio.to_thread(systemd.told, "READY=1")
        assert "WATCHDOG=1" not in told, "the watchdog is for what is ready"
        await asyncio.to_thread(systemd.told, "WATCHDOG=1")
        await asyncio.to_thread(systemd.told, "WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(systemd.told, "STOPPING=1")
        out, err = await asyncio.to_thread(process.communicate, timeout=40)
    assert process.returncode == 0, err
    assert out == ""
    assert "Anna" not in err, "a log is told no names"
    assert "readings" not in err


async def test_a_service_waits_for_its_adapter_and_who_is_at_a_terminal_is_told(
    systemd: Systemd, start: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a box whose adapter is plugged in later has used its starts up, and is locked again by each."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'nobody'}")  # BlueZ is not there
    process = start(systemd, "run", "--quiet")
    await asyncio.to_thread(systemd.told, "READY=1")
    await asyncio.to_thread(systemd.told, "WATCHDOG=1")
    process.send_signal(signal.SIGTERM)
    _, err = await asyncio.to_thread(process.communicate, timeout=40)
    assert process.returncode == 0, err
    assert "It is tried again" in err
    for_nobody = Systemd("")
    process = start(for_nobody, "run", "--quiet")
    for_nobody.close()
    _, err = await asyncio.to_thread(process.communicate, timeout=40)
    assert process.returncode == 1
    assert "Bluetooth" in err


@pytest.mark.parametrize("quiet", [False, True])
def test_a_log_is_told_of_links_and_of_nothing_that_was_measured(
    store: Store, capsys: pytest.CaptureFixture[str], quiet: bool
) -> None:
    collector = Collector(
        store, Engine(store, (), clock=utc_now), (LOW_SPO2,), ZoneInfo("UTC"), lambda: at("09:06")
    )
    readings = store.append(series(Kind.SPO2, at("09:00"), [80.0] * 360))
    alerts = collector.consider(readings, at("09:06"), at("09:06"))
    assert alerts
    lost = LinkEvent(at=at("09:06"), device=STRAP, state=LinkState.LOST, why="out of reach")
    screen = Screen(ZoneInfo("UTC"), {STRAP: "Anna's strap"}, quiet=quiet)
    screen.observe(Update(event=lost, alerts=alerts))
    said = capsys.readouterr().err
    assert "out of reach" in said
    assert (STRAP in said) is quiet
    assert ("Anna" in said) is not quiet
    assert (alerts[0].finding.title in said) is not quiet


def test_what_cannot_listen_is_never_ready(start: Started, tmp_path: Path) -> None:
    with contextlib.closing(_systemd("path", tmp_path)) as systemd:
        process = start(systemd, "run", "--virtual", str(tmp_path / "no-air"))
        process.communicate(timeout=40)
        assert process.returncode == 1
        assert systemd.heard() == []


def test_the_page_is_ready_once_it_is_served(systemd: Systemd, start: Started) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = start(systemd, "companion", "serve", "--host", "127.0.0.1", "--port", str(port))
    systemd.told("READY=1")
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    systemd.told("WATCHDOG=1")
    process.send_signal(signal.SIGTERM)
    systemd.told("STOPPING=1")
    _, err = process.communicate(timeout=40)
    assert process.returncode == 0, err
