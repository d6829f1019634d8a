"""`healthslm run` at work: a wearable put on the list is listened to, one that is taken off no more."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from healthslm.clock import utc_now
from healthslm.links import standing
from healthslm.nearby import who_is_near
from healthslm.readings import Device, Kind
from healthslm.store import CHEAPEST, create, open_store
from tests.cli.saying import said_by

STRAP, OTHER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    made = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "200"},
    )
    try:
        yield made
    finally:
        if made.returncode is None:
            made.kill()
        await made.wait()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  other processes, which tell nobody
            await asyncio.sleep(0.1)


async def line_with(running: asyncio.subprocess.Process, word: str) -> str:
    assert running.stderr is not None
    told = ""
    async with asyncio.timeout(60):
        while line := (await running.stderr.readline()).decode():
            told += line
            if word in line:
                return line
    raise AssertionError(told)


async def test_the_list_of_wearables_is_heeded_while_it_runs(tmp_path: Path) -> None:
    home, socket, scenario = tmp_path / "home", tmp_path / "radio", tmp_path / "straps.toml"
    create(home, "passphrase", profile=CHEAPEST)[0].close()
    (tmp_path / "passphrase").write_text("passphrase\n")
    opening = ["--home", str(home), "--passphrase-file", str(tmp_path / "passphrase")]
    scenario.write_text(
        "\n".join(f'[[wearable]]\nkind = "strap"\naddress = "{a}"\nevery = 0.05\n' for a in (STRAP, OTHER))
    )

    def heard() -> set[str]:
        with open_store(home, "passphrase") as store:
            now = utc_now()
            return set(store.sources(Kind.HEART_RATE, now - timedelta(hours=1), now))

    async with process("device.virtual", str(scenario), "--socket", str(socket)):
        await until(socket.exists)
        async with process("healthslm", *opening, "run", "--virtual", str(socket)) as running:
            await line_with(running, "No wearable is set up yet")
            assert {STRAP, OTHER} == {one.address for one in await who_is_near(home)}
            with open_store(home, "passphrase") as store:
                store.put_device(Device(address="phone-0123456789ab", name="heard by a phone"))
                store.commit()
            added = await asyncio.to_thread(said_by, [*opening, "devices", "add", STRAP, "--name", "strap"])
            assert "`healthslm run` listens to it" in added.stderr
            assert "strap" in await line_with(running, "connected")
            await until(lambda: heard() == {STRAP})
            await asyncio.to_thread(said_by, [*opening, "devices", "add", OTHER])
            assert OTHER in await line_with(running, ": connected")
            await asyncio.to_thread(said_by, [*opening, "devices", "forget", STRAP])
            await asyncio.sleep(3)

            def newest() -> object:
                with open_store(home, "passphrase") as store:
                    return store.latest_of(STRAP, Kind.HEART_RATE)

            before = await asyncio.to_thread(newest)
            await asyncio.sleep(1.5)
            assert await asyncio.to_thread(newest) == before, "it is listened to all the same"
            running.send_signal(signal.SIGTERM)
            assert running.stderr is not None
            await running.stderr.read()
            assert await running.wait() == 0
    with open_store(home, "passphrase") as store:
        assert set(standing(store)) == {STRAP, OTHER}, "it looks for what a phone hears for it"


async def test_run_waits_for_its_passphrase(tmp_path: Path) -> None:
    home, socket, scenario = tmp_path / "home", tmp_path / "radio", tmp_path / "straps.toml"
    create(home, "passphrase", profile=CHEAPEST)[0].close()
    (tmp_path / "passphrase").write_text("passphrase\n")
    scenario.write_text(f'[[wearable]]\nkind = "strap"\naddress = "{STRAP}"\n')
    async with process("device.virtual", str(scenario), "--socket", str(socket)):
        await until(socket.exists)
        running_with = ("--home", str(home), "run", "--virtual", str(socket))
        async with process("healthslm", *running_with) as without:
            assert await without.wait() == 3
        async with process("healthslm", *running_with, "--wait") as running:
            await line_with(running, "healthslm unlock")
            opening = ["--home", str(home), "--passphrase-file", str(tmp_path / "passphrase")]
            assert "run: unlocked" in (await asyncio.to_thread(said_by, [*opening, "unlock"])).stderr
            await line_with(running, "No wearable is set up yet")
            running.send_signal(signal.SIGTERM)
            assert running.stderr is not None
            await running.stderr.read()
            assert await running.wait() == 0
