"""The courier's process where the core is behind its fence: started by what was there before."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from healthslm import fence
from healthslm.alerts import Hook, parse_hooks
from healthslm.alerts.process import CourierProcess
from healthslm.alerts.spawning import Starter, worker
from healthslm.cli.delivering import Delivering
from healthslm.errors import HookError
from healthslm.fence.kernel import arch_of
from healthslm.store import Store
from tests.emulated import EMULATED

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(arch_of() is None, reason="no fence is known for this machine")


def command(*argv: str) -> Hook:
    (hook,) = parse_hooks([{"kind": "command", "name": "command", "argv": list(argv)}])
    return hook


def shell(script: str) -> Hook:
    return command("sh", "-c", script)


@pytest.fixture
def starter() -> Iterator[Starter]:
    with Starter(worker()) as made:
        yield made


@pytest.fixture
async def process(starter: Starter) -> AsyncIterator[CourierProcess]:
    async with CourierProcess(start=starter.start, limit=5, pause=lambda _: 0.0) as made:
        yield made


async def pid(process: CourierProcess, *, after: int | None = None) -> int:
    async with asyncio.timeout(20):
        while process.pid in (None, after):  # noqa: ASYNC110  it happens in another process
            await asyncio.sleep(0.01)
    assert process.pid is not None
    return process.pid


def parent(number: int) -> int:
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])


def gone(number: int) -> bool:
    return not Path(f"/proc/{number}").exists()


async def test_a_payload_goes_through_and_back(
    starter: Starter, process: CourierProcess, tmp_path: Path
) -> None:
    await process.call(shell(f"cat > {tmp_path}/got"), "x" * 300_000, "a")
    assert (tmp_path / "got").read_text() == "x" * 300_000 + "\n"
    assert parent(await pid(process)) == starter.pid
    with pytest.raises(HookError, match="out of paper"):
        await process.call(shell("echo out of paper >&2; exit 3"), "{}", "a")


async def test_it_is_started_again_however_often_it_is_killed(process: CourierProcess) -> None:
    before = None
    for _ in range(3):
        before = await pid(process, after=before)
        os.kill(before, signal.SIGKILL)
    last = await pid(process, after=before)
    await process.call(command("true"), "{}", "a")
    assert gone(before or 0)  # it was buried
    assert not gone(last)


async def test_nothing_is_left_open(starter: Starter, tmp_path: Path) -> None:
    def descriptors(number: int) -> int:
        return len(os.listdir(f"/proc/{number}/fd"))

    ours, its = [], []
    for _ in range(3):
        async with CourierProcess(start=starter.start) as process:
            await process.call(command("true"), "{}", "a")
        ours.append(descriptors(os.getpid()))
        its.append(descriptors(starter.pid or 0))
    assert ours[1:] == ours[:-1]
    assert its[1:] == its[:-1]


async def test_the_courier_has_nothing_of_the_starters(process: CourierProcess) -> None:
    there = Path(f"/proc/{await pid(process)}/fd")
    try:
        held = [os.readlink(there / one) for one in os.listdir(there)]
    except PermissionError:
        pytest.skip("only root gets to see this")
    pipes = [name for name in held if name.startswith("pipe:")]
    assert len({*pipes}) == 2, held  # its input, and its output twice
    # What is left are the event loop's own: a pair of sockets that wakes it.
    assert len([name for name in held if name.startswith("socket:")]) == 2, held


async def test_a_starter_that_is_gone_is_said_with_what_to_do(
    starter: Starter, process: CourierProcess, caplog: pytest.LogCaptureFixture
) -> None:
    first = await pid(process)
    os.kill(starter.pid or 0, signal.SIGKILL)
    await process.call(command("true"), "{}", "a")  # the courier itself lives on
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(10):
        while "Start `healthslm run` again" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_signals_for_all_do_not_end_it(starter: Starter, process: CourierProcess) -> None:
    first = await pid(process)
    for told in (signal.SIGINT, signal.SIGTERM):
        os.kill(starter.pid or 0, told)
    os.kill(first, signal.SIGKILL)
    assert parent(await pid(process, after=first)) == starter.pid


@pytest.mark.skipif(EMULATED, reason="under QEMU posix_spawn says of no program that it is not there")
async def test_what_cannot_be_started_is_said() -> None:
    with Starter(["/nothing/here"]) as starter, pytest.raises(FileNotFoundError, match="No such file"):
        await starter.start(asyncio.SubprocessProtocol)


def test_a_core_that_is_killed_is_missed_and_the_starter_goes(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    lock.touch()
    row = shell(f"cat > {tmp_path}/told").model_dump(mode="json")
    core = f"""
import asyncio, os, pathlib, signal
from healthslm import fence
from healthslm.alerts.hooks import parse_hooks
from healthslm.alerts.process import CourierProcess
from healthslm.alerts.spawning import Starter, worker

async def main(starter):
    (hook,) = parse_hooks([{row!r}])
    async with CourierProcess(start=starter.start) as process:
        await process.watch_over([(hook, "gone")], pathlib.Path({str(lock)!r}), 0.1)
        await process.warm([hook])
        print(starter.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

with Starter(worker()) as starter:
    fence.core()
    asyncio.run(main(starter))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    died = subprocess.run([sys.executable, "-c", core], env=environment, stdout=subprocess.PIPE, check=False)
    assert died.returncode == -signal.SIGKILL
    until = time.monotonic() + 20
    while not (tmp_path / "told").exists() or (tmp_path / "told").read_text() != "gone\n":
        assert time.monotonic() < until
        time.sleep(0.02)
    while not gone(int(died.stdout)) and Path(f"/proc/{int(died.stdout)}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.skipif(not fence.possible().whole, reason=" ".join(fence.possible().missing) or "fenced")
async def test_it_is_kept_out_of_the_store_with_what_it_starts(store: Store, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    lock = store.folder / "run.lock"
    lock.touch()
    with Starter(worker([store.folder], [lock], strict=True)) as starter:
        async with CourierProcess(start=starter.start) as process:
            with pytest.raises(HookError, match="Permission denied"):
                await process.call(command("cat", str(store.folder / "store.db")), "{}", "a")
            with pytest.raises(HookError, match="Permission denied"):
                await process.call(command("cat", f"/proc/self/root{store.folder}/keys.json"), "{}", "a")
            await process.call(command("cat", str(lock)), "{}", "a")
            # What is no business of the store's it may read and write.
            await process.call(shell(f"cat > {tmp_path}/beside/new && cat {tmp_path}/beside/new"), "{}", "a")
            await process.call(shell(f"cat > {tmp_path}/new"), "{}", "a")


async def test_the_lock_that_last_words_look_at_can_be_read(store: Store, tmp_path: Path) -> None:
    """Else a healthslm that is at work again would be called dead."""
    lock = store.folder / "run.lock"
    lock.touch()
    with lock.open() as held, Starter(worker([store.folder], [lock])) as starter:
        fcntl.flock(held, fcntl.LOCK_EX)
        looks = (
            "import sys, pathlib; from healthslm.alerts.last_words import nobody_at_work;"
            "sys.exit(nobody_at_work(pathlib.Path(sys.argv[1])))"
        )
        async with CourierProcess(start=starter.start) as process:
            at_work = command("env", f"PYTHONPATH={ROOT}", sys.executable, "-c", looks, str(lock))
            await process.call(at_work, "{}", "a")
            fcntl.flock(held, fcntl.LOCK_UN)
            with pytest.raises(HookError):
                await process.call(at_work, "{}", "a")


async def test_a_program_that_is_added_later_beside_the_store_is_run(store: Store, tmp_path: Path) -> None:
    """Landlock knows what was there; so the courier is started anew when there is another program."""
    lock = store.folder / "run.lock"
    lock.touch()
    with Starter(worker([store.folder], [lock])) as starter:
        async with Delivering(lock, starter.start) as delivering:
            hooks_now = delivering.hooks_now(store)
            store.put("hooks", [{"kind": "command", "name": "one", "argv": ["true"]}])
            (one,) = hooks_now()
            await delivering.call(one, "{}", "a")
            script = tmp_path / "later.sh"
            script.write_text(f"#!/bin/sh\ncat > {tmp_path}/told\n")
            script.chmod(0o700)
            store.put("hooks", [{"kind": "command", "name": "two", "argv": [str(script)]}])
            (two,) = hooks_now()
            await asyncio.sleep(0)  # its preparing begins
            await delivering.call(two, '{"a": 1}', "a")
    assert (tmp_path / "told").read_text() == '{"a": 1}\n'


def test_without_a_fence_it_does_not_serve_in_strict_mode() -> None:
    script = """
import sys
from healthslm.alerts.worker import main
from healthslm.fence import Fenced
none = Fenced(calls=False, landlock=0, missing=("This kernel cannot keep files from a process.",))
sys.exit(main(sys.argv[1:], fenced=lambda *_, **__: none))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, "--keep-out=/nowhere"]

    def ended(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *more],
            env=environment,
            input="",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    strict = ended("--strict")
    assert (strict.returncode, strict.stdout) == (1, "")
    assert "This kernel cannot keep files from a process." in strict.stderr
    assert ended().stdout == '{"id": 0, "ok": true}\n'
