"""`lock`, `unlock` and `while-locked`: who has the key, who has it no more, and what is heard meanwhile."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from device import Event, Notification
from healthslm import sealed
from healthslm.cli.locking import EXIT, MARK
from healthslm.cli.taking_in import take_files
from healthslm.clock import utc_now
from healthslm.readings import Device, Kind
from healthslm.store import CHEAPEST, create, in_use, open_store, unlock
from tests.cli.saying import Said, said_by
from tests.cli.test_companion import free_port
from tests.cli.test_listening import line_with, process, until

STRAP, OTHER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"
PASSPHRASE = "quince marmalade 41"


@dataclass
class Place:
    """A store with a strap on its list, and the strap."""

    home: Path
    opening: list[str]
    radio: Path

    def run(self, *more: str) -> tuple[str, ...]:
        return "healthslm", "--home", str(self.home), "run", "--virtual", str(self.radio), *more

    async def say(self, *arguments: str) -> Said:
        return await asyncio.to_thread(said_by, [*self.opening, *arguments])

    def heard(self) -> int:
        with open_store(self.home, PASSPHRASE) as store:
            now = utc_now()
            return len(store.window(Kind.HEART_RATE, now - timedelta(hours=1), now))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    home, radio, scenario = tmp_path / "home", tmp_path / "radio", tmp_path / "straps.toml"
    store, _ = create(home, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.put_device(Device(address=STRAP, name="strap"))
        store.commit()
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    scenario.write_text(
        "\n".join(f'[[wearable]]\nkind = "strap"\naddress = "{a}"\nevery = 0.05\n' for a in (STRAP, OTHER))
    )
    async with process("device.virtual", str(scenario), "--socket", str(radio)):
        await until(radio.exists)
        opening = ["--home", str(home), "--passphrase-file", str(tmp_path / "passphrase")]
        yield Place(home, opening, radio)


async def test_what_is_heard_while_locked_is_in_the_store_once_it_is_open(place: Place) -> None:
    told = await place.say("while-locked", "collect")
    assert "nobody is warned by it" in told.stderr
    async with process(*place.run("--wait")) as running:
        await line_with(running, "healthslm unlock")
        await until(lambda: sum(path.stat().st_size for path in sealed.sealed_in(place.home)) > 4000)
        assert place.heard() == 0
        shown = await asyncio.to_thread(said_by, ["--home", str(place.home), "while-locked", "show"])
        assert "1 wearables are listened to" in shown.stderr
        assert "are sealed" in shown.stderr
        assert "run: unlocked" in (await place.say("unlock")).stderr
        taken = await line_with(running, "Gone through what was sealed")
        count = int(taken.split("locked. ")[1].split()[0])
        assert count > 20
        assert "0 not taken by the store" in taken
        await until(lambda: not sealed.sealed_in(place.home))
        assert place.heard() >= count
        await line_with(running, "connected")
        running.send_signal(signal.SIGTERM)
        assert running.stderr is not None
        await running.stderr.read()
        assert await running.wait() == 0


async def test_a_choice_that_cannot_be_read_keeps_nobody_from_waiting(place: Place) -> None:
    await place.say("while-locked", "collect")
    sealed.file_in(place.home).write_text("{")
    async with process(*place.run("--wait")) as running:
        assert "cannot be read" in await line_with(running, "while-locked.json")
        await line_with(running, "healthslm unlock")
        assert "run: unlocked" in (await place.say("unlock")).stderr
        await line_with(running, "connected")
        assert sealed.chosen(place.home) is not None, "it is mended once the store is open"
        running.send_signal(signal.SIGTERM)
        assert running.stderr is not None
        await running.stderr.read()


async def test_one_that_is_stopped_or_killed_while_locked_loses_a_second_at_the_most(place: Place) -> None:
    await place.say("while-locked", "collect")
    for ending, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        before = len(sealed.sealed_in(place.home))
        async with process(*place.run("--wait")) as running:
            await line_with(running, "healthslm unlock")
            await until(lambda seen=before: len(sealed.sealed_in(place.home)) > seen)  # type: ignore[misc]
            await asyncio.sleep(2)
            running.send_signal(ending)
            assert running.stderr is not None
            await running.stderr.read()
            assert await running.wait() == code
    with open_store(place.home, PASSPHRASE) as store:
        keys = sealed.keys_in(store)
        counts = [sum(1 for _ in sealed.read(path, keys)) for path in sealed.sealed_in(place.home)]
    assert len(counts) == 2
    assert min(counts) > 15


async def test_after_lock_no_process_has_the_key(place: Place) -> None:
    """Looked for in all memory of what was at work, and of what waits in its place."""
    key = unlock(place.home, PASSPHRASE).key
    async with process("healthslm", *place.opening, *place.run()[3:], "--wait") as running:
        await line_with(running, "connected")
        if not _readable(running.pid):
            pytest.skip("another process's memory cannot be read here")
        assert _holds(running.pid, key), "else this test shows nothing"
        told = await place.say("lock")
        assert "nothing at work has the key" in told.stderr
        assert running.stderr is not None
        assert b"Locked" in await running.stderr.read()
        assert await running.wait() == EXIT
    # As a service manager starts it again: with its credential, which is not used now.
    async with process("healthslm", *place.opening, *place.run()[3:], "--wait") as running:
        await line_with(running, "healthslm unlock")
        assert (place.home / MARK).exists()
        assert not _holds(running.pid, key)
        assert not _holds(running.pid, PASSPHRASE.encode())
        assert "run: unlocked" in (await place.say("unlock")).stderr
        await line_with(running, "connected")
        assert not (place.home / MARK).exists()
        assert _holds(running.pid, key)
        running.send_signal(signal.SIGTERM)
        assert running.stderr is not None
        await running.stderr.read()


async def test_the_page_has_run_look_for_wearables_and_both_end_when_locked(place: Place) -> None:
    """Each behind its fence: they meet in the store's folder, where a path is short enough for the page's."""
    token = (await place.say("companion", "token", "dash")).stdout.strip()
    port = free_port()
    page = ("companion", "serve", "--host", "127.0.0.1", "--port", str(port))
    async with (
        process("healthslm", *place.opening, *place.run()[3:]) as running,
        process("healthslm", *place.opening, *page) as serving,
        # Whose certificate it is, is another test's.
        httpx.AsyncClient(verify=False, headers={"authorization": f"Bearer {token}"}, timeout=60) as http,  # noqa: S501
    ):
        await line_with(running, "connected")
        await line_with(serving, "Next: healthslm companion pair")
        found = await _asked(http, port)
        # One that is connected to says no more that it is there.
        assert [one["address"] for one in found["found"]] == [OTHER]
        assert "nothing at work has the key" in (await place.say("lock")).stderr
        for one in (running, serving):
            assert one.stderr is not None
            assert b"Locked" in await one.stderr.read()
            assert await one.wait() == EXIT


async def test_a_wrong_passphrase_ends_no_lock(place: Place) -> None:
    assert (await place.say("lock")).code == 0
    wrong = place.home.parent / "wrong"
    wrong.write_text("quite another one")
    opening = ["--home", str(place.home), "--passphrase-file", str(wrong)]
    for command in (("run", "--virtual", str(place.radio)), ("unlock",)):
        assert (await asyncio.to_thread(said_by, [*opening, *command])).code == 3
        assert (place.home / MARK).exists()


async def test_lock_says_nothing_of_the_kind_while_somebody_is_about_to_open_the_store(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("healthslm.cli.locking._PATIENCE_S", 0.1)
    with in_use(place.home):
        told = await place.say("lock")
    assert told.code == 1
    assert "did not end" in told.stderr
    assert "nothing at work has the key" in (await place.say("lock")).stderr


async def test_an_adapter_that_comes_later_is_listened_to_while_locked(place: Place) -> None:
    await place.say("while-locked", "collect")
    later = place.radio.with_name("later")
    async with process(*place.run()[:-1], str(later), "--wait") as running:
        await line_with(running, "tried again")
        async with process("device.virtual", str(place.home.parent / "straps.toml"), "--socket", str(later)):
            await until(lambda: sum(path.stat().st_size for path in sealed.sealed_in(place.home)) > 2000)


async def test_what_the_disk_does_not_give_now_is_read_again_and_what_was_changed_is_kept(
    place: Place,
) -> None:
    with open_store(place.home, PASSPHRASE) as store:
        choice = sealed.collect_while_locked(store, os.urandom)
        for _ in range(2):
            with sealed.Sealer(place.home, choice) as sealer:
                sealer.add(Notification(utc_now(), STRAP, "2A37", b"\x00\x48", 0))
        whole, changed = sealed.sealed_in(place.home)
        changed.write_bytes(changed.read_bytes()[:-1] + b"?")
        before = whole.read_bytes()
        taken: list[Event] = []

        def take(events: AsyncIterator[Event]) -> bool:
            async def all_of_them() -> None:
                taken.extend([event async for event in events])

            asyncio.run(all_of_them())
            return True

        def half(events: AsyncIterator[Event]) -> bool:
            take(events)
            return False

        await asyncio.to_thread(take_files, store, half)  # the store did not take it: it is full
        assert sealed.sealed_in(place.home) == [whole, changed]
        whole.unlink()
        whole.mkdir()  # reading it fails, whoever asks
        unreadable = [whole, changed]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sealed, "sealed_in", lambda _folder: unreadable)
            await asyncio.to_thread(take_files, store, take)
        assert whole.exists()
        whole.rmdir()
        whole.write_bytes(before)
        assert [path.name for path in sealed.damaged_in(place.home)] == [f"{changed.stem}.damaged"]
        with sealed.Sealer(place.home, choice) as sealer:
            sealer.add(Notification(utc_now(), STRAP, "2A37", b"\x00\x49", 0))
        assert int(sealed.sealed_in(place.home)[-1].stem) == int(changed.stem) + 1, "its number stays its own"
    shown = await asyncio.to_thread(said_by, ["--home", str(place.home), "while-locked", "show"])
    assert "1 files were found changed" in shown.stderr


async def _asked(http: httpx.AsyncClient, port: int) -> dict[str, Any]:
    """What is near, as soon as the page answers."""
    for _ in range(100):
        with contextlib.suppress(httpx.TransportError):
            found = await http.post(f"https://127.0.0.1:{port}/api/v1/devices/scan")
            assert found.status_code == 200, found.text
            told: dict[str, Any] = found.json()
            return told
        await asyncio.sleep(0.1)
    raise AssertionError("the page does not answer")


def _readable(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/mem", "rb"):
            return True
    except OSError:
        return False


def _holds(pid: int, secret: bytes) -> bool:
    """Say whether a process has these bytes anywhere in its memory."""
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if not rights.startswith("r") or "[vvar" in line or "[vsyscall]" in line:
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                if secret in memory.read(end - start):
                    return True
            except (OSError, ValueError, OverflowError):
                continue
    return False


async def test_a_lock_by_hand_ends_when_somebody_opens_it_by_hand(place: Place) -> None:
    assert (await place.say("lock")).code == 0
    assert (await place.say("unlock")).stderr.startswith("Unlocked")
    assert (await place.say("lock")).code == 0
    async with process("healthslm", *place.opening, *place.run()[3:]) as running:
        await line_with(running, "connected")
        assert not (place.home / MARK).exists()
        running.send_signal(signal.SIGTERM)
        assert running.stderr is not None
        await running.stderr.read()
        assert await running.wait() == 0
    assert os.listdir(place.home).count(MARK) == 0
