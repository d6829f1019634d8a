"""`run --capture` and `run --replay`: a file of what was heard, into the store as of then."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device import Event, Identity, LinkEvent, LinkState, Notification
from device.capture import capture, replay
from device.gatt import HeartRateMeasurement, TemperatureMeasurement
from device.virtual import ChestStrap, VirtualRadio
from healthslm.alerts import parse_hooks
from healthslm.cli.listening import listen
from healthslm.clock import utc_now
from healthslm.collector import RECENT
from healthslm.links import standing
from healthslm.pipeline import collect
from healthslm.readings import Device, Kind
from healthslm.settings import Settings
from healthslm.store import CHEAPEST, Store, create, open_store
from tests.making import at

UTC = ZoneInfo("UTC")
STRAP = "C0:FF:EE:00:00:01"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    store, _ = create(folder, "passphrase", profile=CHEAPEST)
    with store:
        store.put("hooks", [{"kind": "command", "name": "file", "argv": ["tee", "-a", f"{tmp_path}/told"]}])
    (tmp_path / "passphrase").write_text("passphrase\n")
    (folder / "settings.toml").write_text('timezone = "UTC"\n')
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
        return subprocess.run(
            [sys.executable, "-m", "healthslm", *opening, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


async def stream(events: Iterable[Event]) -> AsyncIterator[Event]:
    for event in events:
        yield event


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


def fever(start: datetime) -> list[Event]:
    """A link that comes up, four temperatures, a value that is none, a link that is lost."""
    times = [start + timedelta(minutes=5 * n) for n in range(5)]
    return [
        LinkEvent(start, STRAP, LinkState.CONNECTED),
        Identity(start, STRAP, name="Ear thermometer", model="T1", battery=70),
        *(
            Notification(time, STRAP, "2A1C", bytes(TemperatureMeasurement(38.9 + n / 10)), 10**9 * n)
            for n, time in enumerate(times[:4])
        ),
        Notification(times[4], STRAP, "2A1C", b"\x00", 4 * 10**9),
        LinkEvent(times[4], STRAP, LinkState.LOST, "the link ended"),
    ]


def captured(path: Path, events: Iterable[Event]) -> Path:
    async def write() -> None:
        async with capture(path, stream(events)) as passed:
            async for _ in passed:
                pass

    asyncio.run(write())
    return path


def temperatures(home: Path) -> list[float]:
    with open_store(home, "passphrase") as store:
        window = store.window(Kind.TEMPERATURE, at("00:00"), utc_now() + timedelta(days=1))
        return [round(float(v), 1) for v in window.values]


def test_a_file_of_yesterday_gives_the_readings_of_yesterday_and_no_alarm(
    run: Run, home: Path, tmp_path: Path
) -> None:
    path = captured(tmp_path / "fever.jsonl", fever(at("15:00")))
    result = run("run", "--replay", str(path))
    assert result.returncode == 0, result.stderr
    assert "5 notifications: 5 readings stored, 0 duplicates, 1 refused" in result.stderr
    assert temperatures(home) == [38.9, 39.0, 39.1, 39.2]
    with open_store(home, "passphrase") as store:
        assert store.device(STRAP).model == "T1"
        assert store.devices() == [], "what was heard once is not listened to from now on"
        assert store.alerts() == []
        assert standing(store) == {}, "how a link stood then is not how it stands"
    assert not (tmp_path / "told").exists()
    found = run("findings", "--from", "2026-11-02", "--to", "2026-11-03")
    assert "Fever" in found.stdout, "history stands in the findings"


def test_the_same_file_twice_stores_nothing_twice(run: Run, home: Path, tmp_path: Path) -> None:
    path = captured(tmp_path / "fever.jsonl", fever(at("15:00")))
    assert run("run", "--replay", str(path)).returncode == 0
    again = run("run", "--replay", str(path), "--speed", "1000")
    assert "0 readings stored, 5 duplicates" in again.stderr
    assert temperatures(home) == [38.9, 39.0, 39.1, 39.2]


def test_what_was_measured_just_now_alarms_wherever_it_comes_from(
    run: Run, home: Path, tmp_path: Path
) -> None:
    path = captured(tmp_path / "fever.jsonl", fever(utc_now() - timedelta(minutes=30)))
    result = run("run", "--replay", str(path))
    assert "Fever" in result.stderr
    assert (tmp_path / "told").exists()
    with open_store(home, "passphrase") as store:
        assert len(store.alerts()) == 1


async def test_an_old_file_changes_no_alert_that_is_up(tmp_path: Path) -> None:
    """Neither ends it with normal values of then, nor raises another."""
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    now = utc_now()
    hooks = parse_hooks([{"kind": "command", "name": "file", "argv": ["tee", "-a", f"{tmp_path}/told"]}])
    normal = [
        Notification(
            now - RECENT - timedelta(hours=9 - n), STRAP, "2A1C", bytes(TemperatureMeasurement(36.6)), n
        )
        for n in range(9)
    ]
    with store:
        await collect(stream(fever(now - timedelta(minutes=30))), store, zone=UTC, hooks=hooks)
        before = store.alerts()
        told = (tmp_path / "told").read_bytes()
        assert len(before) == 1
        tally = await collect(stream(normal), store, zone=UTC, hooks=hooks)
        assert tally.stored == 9
        assert store.alerts() == before
        assert (tmp_path / "told").read_bytes() == told


def test_a_damaged_file_says_where_and_keeps_what_came_before(run: Run, home: Path, tmp_path: Path) -> None:
    path = captured(tmp_path / "fever.jsonl", fever(at("15:00")))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:5], "\x1b[2Jnonsense\n", *lines[5:]]))
    result = run("run", "--replay", str(path))
    assert result.returncode == 1
    assert f"{path}, line 6: it is not JSON." in " ".join(result.stderr.split())
    assert "What comes before it is stored." in result.stderr
    assert "\x1b[2J" not in result.stderr
    assert "Traceback" not in result.stderr
    assert temperatures(home) == [38.9, 39.0]


def test_a_cut_file_is_played_to_where_it_ends(run: Run, home: Path, tmp_path: Path) -> None:
    path = captured(tmp_path / "fever.jsonl", fever(at("15:00")))
    os.truncate(path, path.stat().st_size - 9)
    result = run("run", "--replay", str(path))
    assert result.returncode == 0
    assert "line 9 is cut off; all lines before it are used" in result.stderr
    assert temperatures(home) == [38.9, 39.0, 39.1, 39.2]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--replay", "none.jsonl"], 1, "none.jsonl cannot be read"),
        (["--replay", "a", "--capture", "b"], 2, "do not go together"),
        (["--speed", "2"], 2, "--speed is for --replay"),
        (["--replay", "a", "--speed", "0"], 2, "above 0"),
        (["--replay", "a", "--speed", "nan"], 2, "above 0"),
    ],
)
def test_what_cannot_be_played_is_said(run: Run, arguments: list[str], code: int, words: str) -> None:
    result = run("run", *arguments)
    assert result.returncode == code
    assert words in " ".join(result.stderr.split())


async def test_what_is_heard_is_written_down(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "heard.jsonl"
    store.put_device(Device(address=STRAP, name="my strap"))
    settings = Settings(home=store.folder, timezone="UTC")
    async with VirtualRadio() as air:
        strap = ChestStrap(STRAP)
        await air.add(strap)
        listening = asyncio.create_task(listen(store, settings, path, radio=air.radio))
        async with asyncio.timeout(20):
            await until(lambda: strap.subscribed)
            await strap.measure(HeartRateMeasurement(71))
            await until(lambda: store.latest(Kind.HEART_RATE) is not None)
            os.kill(os.getpid(), signal.SIGTERM)
            tally = await listening
    async with replay(path) as events:
        assert [d.name for d in events.header.devices] == ["my strap"]
        heard = [event async for event in events]
    assert tally.notifications == sum(isinstance(event, Notification) for event in heard) == 1
    other, _ = create(tmp_path / "other", "passphrase", profile=CHEAPEST)
    with other:
        async with replay(path) as events:
            again = await collect(events, other, zone=UTC)
        assert again.stored == tally.stored
        assert other.latest(Kind.HEART_RATE) == store.latest(Kind.HEART_RATE)


async def test_virtual_wearables_are_listened_to_over_their_socket(home: Path, tmp_path: Path) -> None:
    scenario, socket = tmp_path / "strap.toml", tmp_path / "radio"
    scenario.write_text(f'[[wearable]]\nkind = "strap"\naddress = "{STRAP}"\nevery = 0.05\n')
    with open_store(home, "passphrase") as store:
        store.put_device(Device(address=STRAP, name="strap"))
    opening = ["--home", str(home), "--passphrase-file", str(tmp_path / "passphrase")]
    serving = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "device.virtual", str(scenario), "--socket", str(socket)
    )
    try:
        async with asyncio.timeout(30):
            while not socket.exists():  # noqa: ASYNC110  another process makes it
                await asyncio.sleep(0.02)
            running = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "healthslm", *opening, "run", "--virtual", str(socket),
                stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert running.stderr is not None
            while b"connected" not in await running.stderr.readline():
                pass
            await asyncio.sleep(0.5)
            running.send_signal(signal.SIGINT)
            said = await running.stderr.read()
        assert await running.wait() == 0, said
    finally:
        serving.terminate()
        await serving.wait()
    with open_store(home, "passphrase") as store:
        assert store.latest_of(STRAP, Kind.HEART_RATE) is not None


def test_a_socket_that_nobody_serves_is_said(run: Run, home: Path, tmp_path: Path) -> None:
    with open_store(home, "passphrase") as store:
        store.put_device(Device(address=STRAP, name="strap"))
    said = run("run", "--virtual", str(tmp_path / "nobody"))
    assert said.returncode == 1
    assert str(tmp_path / "nobody") in said.stderr
    assert "Traceback" not in said.stderr
