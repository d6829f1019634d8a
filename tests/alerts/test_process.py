"""The courier's process: what goes through it, what it may see, and what happens when it or the core dies."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from healthslm.alerts import Hook, last_words
from healthslm.alerts.hooks import parse_hooks
from healthslm.alerts.last_words import LastWords
from healthslm.alerts.process import CourierProcess, pause
from healthslm.alerts.spawning import directly
from healthslm.errors import HookError

WORKER = (sys.executable, "-P", "-m", "healthslm.alerts.worker")
ROOT = Path(__file__).parents[2]
READY = 'import sys, time; print(\'{"id": 0, "ok": true}\', flush=True); '


def command(*argv: str, name: str = "command") -> Hook:
    (hook,) = parse_hooks([{"kind": "command", "name": name, "argv": list(argv)}])
    return hook


def shell(script: str, name: str = "command") -> Hook:
    return command("sh", "-c", script, name=name)


async def until(holds: Callable[[], object]) -> None:
    """Wait up to ten seconds for something to hold."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  most of it happens in other processes
            await asyncio.sleep(0.01)


async def pid(process: CourierProcess, *, after: int | None = None) -> int:
    """Wait for a process that is ready, another one than `after`."""
    await until(lambda: process.pid not in (None, after))
    assert process.pid is not None
    return process.pid


def running(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_a_payload_goes_through_with_its_key(tmp_path: Path) -> None:
    async with CourierProcess() as process:
        await process.call(
            shell(f"cat > {tmp_path}/got; echo $HEALTHSLM_DELIVERY > {tmp_path}/key"), "{}", "a-1"
        )
    assert (tmp_path / "got").read_text() == "{}\n"
    assert (tmp_path / "key").read_text() == "a-1\n"


async def test_a_megabyte_goes_through_and_the_shortest_line_too(tmp_path: Path) -> None:
    long = json.dumps({"x": "ü\n" * 500_000})
    async with CourierProcess() as process:
        await process.call(command("tee", str(tmp_path / "long")), long, "a")
        await process.call(command("tee", str(tmp_path / "short")), "", "b")
    assert (tmp_path / "long").read_text() == long + "\n"
    assert (tmp_path / "short").read_text() == "\n"


async def test_what_the_hook_says_of_its_failure_comes_back_word_for_word() -> None:
    hook = shell("echo out of paper >&2; exit 3")
    with pytest.raises(HookError) as alone:
        await hook.call("{}")
    async with CourierProcess() as process:
        with pytest.raises(HookError) as through:
            await process.call(hook, "{}", "a")
        with pytest.raises(HookError, match="cannot be started: "):
            await process.call(command("/nothing/here"), "{}", "a")
    assert through.value.message == alone.value.message
    assert through.value.hint == alone.value.hint


async def test_hooks_do_not_wait_for_one_another() -> None:
    async with CourierProcess() as process:
        await pid(process)
        began = time.monotonic()
        await asyncio.gather(*(process.call(command("sleep", "0.5"), "{}", "a") for _ in range(4)))
        assert time.monotonic() - began < 1.5


async def test_a_command_that_hangs_is_ended_in_time_and_the_process_lives_on() -> None:
    async with CourierProcess(limit=0.5) as process:
        before = await pid(process)
        with pytest.raises(HookError, match=r"sleep took more than 0\.5 s"):
            await process.call(command("sleep", "60"), "{}", "a")
        assert process.pid == before


async def test_a_process_that_dies_in_a_call_is_a_failure_and_the_next_call_works(tmp_path: Path) -> None:
    async with CourierProcess() as process:
        call = asyncio.create_task(process.call(shell(f"touch {tmp_path}/begun; sleep 1"), "{}", "a"))
        await until((tmp_path / "begun").exists)
        os.kill(await pid(process), signal.SIGKILL)
        with pytest.raises(HookError, match="hook command: the courier ended; it is started again"):
            await call
        await process.call(command("true"), "{}", "a")


async def test_a_process_that_is_killed_again_and_again_comes_back() -> None:
    ends: list[int] = []

    def at_once(number: int) -> float:
        ends.append(number)
        return 0.0

    async with CourierProcess(pause=at_once) as process:
        before = None
        for _ in range(4):
            before = await pid(process, after=before)
            os.kill(before, signal.SIGKILL)
        await pid(process, after=before)
        await process.call(command("true"), "{}", "a")
    assert ends == [1, 2, 3, 4]


def test_the_pauses_grow_to_a_minute() -> None:
    assert [pause(n, lambda: 1.0) for n in (1, 2, 3, 4, 7, 1000)] == [0, 2, 4, 8, 60, 60]


async def test_a_process_that_cannot_start_fails_the_call_and_nothing_else() -> None:
    async with CourierProcess(limit=0.2, start=directly(("/nothing/here",))) as process:
        with pytest.raises(HookError, match="has not started yet"):
            await process.call(command("true"), "{}", "a")


async def test_a_process_that_does_not_answer_is_ended_and_started_again() -> None:
    deaf = READY + "[sys.exit() for line in sys.stdin if 'bye' in line]"
    async with CourierProcess(limit=0.1, start=directly((sys.executable, "-c", deaf))) as process:
        before = await pid(process)
        with pytest.raises(HookError, match="the courier did not answer; it is started again"):
            await process.call(command("true"), "{}", "a")
        await pid(process, after=before)


@pytest.mark.parametrize(
    "said",
    [
        "nothing like it",
        "[" * 100_000,
        '{"id": 77, "ok": true}',
        '{"id": "1", "ok": true}',
        '{"id": 0, "ok": true}',
        '{"id": 1, "ok": true, "more": 1}',
        "\\x1b[2J",
    ],
)
async def test_what_is_no_answer_ends_the_process_not_the_core(said: str) -> None:
    script = READY + f"sys.stdin.readline(); print({said!r}, flush=True); time.sleep(60)"
    async with CourierProcess(start=directly((sys.executable, "-c", script))) as process:
        with pytest.raises(HookError, match="the courier ended"):
            await process.call(command("true"), "{}", "a")


async def test_an_endless_line_is_not_read_for_ever() -> None:
    script = READY + "sys.stdin.readline()\nwhile True: sys.stdout.write('x' * 65536)"
    async with CourierProcess(start=directly((sys.executable, "-c", script))) as process:
        with pytest.raises(HookError, match="the courier ended"):
            await process.call(command("true"), "{}", "a")


async def test_no_terminal_takes_an_answer_for_orders() -> None:
    said = json.dumps({"id": 1, "error": "\x1b[2Jno"})
    script = READY + f"sys.stdin.readline(); print({said!r}, flush=True); sys.stdin.readline()"
    async with CourierProcess(start=directly((sys.executable, "-c", script))) as process:
        with pytest.raises(HookError, match=r"^\?\[2Jno$"):
            await process.call(command("true"), "{}", "a")


async def test_the_process_sees_nothing_of_the_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHSLM_PASSPHRASE", "hush")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hush@proxy")
    store = os.open(tmp_path / "store.db", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(store, True)  # the worst that can be
    (web,) = parse_hooks(
        [{"kind": "webhook", "name": "w", "url": "https://e.org/?t=hush", "secret": "hush" * 4}]
    )
    try:
        async with CourierProcess() as process:
            await process.warm([web])
            await process.watch_over([(web, "hush")], tmp_path / "run.lock")
            there = Path(f"/proc/{await pid(process)}")
            assert "hush" not in (there / "cmdline").read_text()
            out = tmp_path / "env"
            await process.call(shell(f"env > {out}"), "{}", "a")
            assert "hush" not in out.read_text()
            try:
                environment = (there / "environ").read_text()
                files = [os.readlink(there / "fd" / fd) for fd in os.listdir(there / "fd")]
            except PermissionError:
                return  # not dumpable: only root gets to see this
            assert "PATH=" in environment
            assert "hush" not in environment
            assert "HEALTHSLM" not in environment
            assert not [name for name in files if str(tmp_path) in name]
    finally:
        os.close(store)


async def test_the_process_imports_nothing_of_the_folder_where_healthslm_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write there, as in a shared folder, would see what hooks are told."""
    intruder = f"open({str(tmp_path / 'was-here')!r}, 'a').close()\n"
    (tmp_path / "healthslm").mkdir()
    for file in ("json.py", "certifi.py", "healthslm/__init__.py"):
        (tmp_path / file).write_text(intruder)
    monkeypatch.chdir(tmp_path)
    (web,) = parse_hooks([{"kind": "webhook", "name": "w", "url": "https://e.org/", "secret": "hush" * 4}])
    async with CourierProcess() as process:
        await process.call(command("true"), "{}", "a")
        await process.warm([web])
    assert not (tmp_path / "was-here").exists()


async def test_what_hooks_need_is_loaded_at_every_start_and_last_words_are_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notes = tmp_path / "notes"
    script = READY + (
        f"""
for line in sys.stdin:
    open({str(notes)!r}, "a").write(line)
    if '"warm"' in line: print('{{"id": 1, "error": "it is not there."}}', flush=True)
    if '"bye"' in line: break
"""
    )
    hook = command("true")
    async with CourierProcess(start=directly((sys.executable, "-c", script))) as process:
        await process.warm([hook])
        await process.watch_over([(hook, "gone")], tmp_path / "run.lock", 5)
        await until(lambda: notes.read_text().count("\n") == 2)
        before = await pid(process)
        os.kill(before, signal.SIGKILL)
        await pid(process, after=before)
    row = hook.model_dump(mode="json")
    warm = {"id": 1, "warm": row}
    lock = str(tmp_path / "run.lock")
    watch = {"watch": {"hooks": [row], "payload": ["gone"], "lock": lock, "after_s": 5}}
    assert [json.loads(line) for line in notes.read_text().splitlines()] == [
        *(warm, watch),
        *(watch, warm),
        {"bye": True},
    ]
    assert "it is not there." in caplog.messages


async def test_the_real_process_loads_what_is_there(caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"kind": "webhook", "name": "w", "url": "https://e.org/", "secret": "hush" * 4}]
    async with CourierProcess() as process:
        await process.warm(parse_hooks(rows))
    assert not caplog.records


async def test_it_is_ended_by_a_word_with_all_that_it_does(tmp_path: Path) -> None:
    async with CourierProcess() as process:
        number = await pid(process)
        call = asyncio.create_task(
            process.call(shell(f"echo $$ > {tmp_path}/child; exec sleep 60"), "{}", "a")
        )
        await until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    child = int((tmp_path / "child").read_text())
    assert not running(number)
    assert not running(child)
    with pytest.raises(HookError, match="the courier ended"):
        await call


async def test_ctrl_c_and_the_service_managers_word_are_for_the_core() -> None:
    async with CourierProcess() as process:
        number = await pid(process)
        for said in (signal.SIGINT, signal.SIGTERM):
            os.kill(number, said)
        await process.call(command("true"), "{}", "a")
        assert process.pid == number


async def core_dies(*hooks: Hook, lock: Path, said: bytes = b"", ordered: bool = False) -> None:
    """Be the core: start a worker, have it watch over ourselves, die, and wait for the worker's end."""
    process = await asyncio.create_subprocess_exec(
        *WORKER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    if ordered:
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
    watch = {
        "hooks": [hook.model_dump(mode="json") for hook in hooks],
        "payload": [f"for {hook.name}" for hook in hooks],
        "lock": str(lock),
        "after_s": 0.1,
    }
    process.stdin.write(json.dumps({"watch": watch}).encode() + b"\n" + said)
    process.stdin.close()
    async with asyncio.timeout(10):
        await process.communicate()
    assert process.returncode == 0


def keeps(folder: Path, name: str = "command") -> Hook:
    """A hook that keeps what it is told in a file of its name: the key, and the payload."""
    return shell(f"(echo $HEALTHSLM_DELIVERY; cat) >> {folder}/{name}", name)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "run.lock"
    path.touch()
    return path


async def test_when_the_core_dies_without_a_word_each_hook_hears_its_own(tmp_path: Path, lock: Path) -> None:
    await core_dies(keeps(tmp_path, "a"), keeps(tmp_path, "b"), lock=lock)
    for name in ("a", "b"):
        key, told = (tmp_path / name).read_text().splitlines()
        assert key.startswith("stopped-")
        assert told == f"for {name}"


async def test_a_line_that_the_cores_death_cut_does_no_harm(tmp_path: Path, lock: Path) -> None:
    await core_dies(keeps(tmp_path), lock=lock, said=b'{"id": 1, "hook": {"ki')
    assert (tmp_path / "command").exists()


async def test_with_a_bye_nobody_hears_anything(tmp_path: Path, lock: Path) -> None:
    await core_dies(keeps(tmp_path), lock=lock, said=b'{"bye": true}\n')
    assert not (tmp_path / "command").exists()


async def test_nor_when_healthslm_is_at_work_again(tmp_path: Path, lock: Path) -> None:
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        await core_dies(keeps(tmp_path), lock=lock)
    assert not (tmp_path / "command").exists()


async def test_nor_when_the_store_was_erased(tmp_path: Path) -> None:
    await last_words.say(LastWords(((keeps(tmp_path), "x"),), tmp_path / "gone", 0), "k")
    assert not (tmp_path / "command").exists()


async def test_nor_when_a_service_manager_ended_both(tmp_path: Path, lock: Path) -> None:
    await core_dies(keeps(tmp_path), lock=lock, ordered=True)
    assert not (tmp_path / "command").exists()


async def test_last_words_are_tried_again_and_hold_up_no_other_hook(tmp_path: Path, lock: Path) -> None:
    fails_once = shell(
        f"echo $HEALTHSLM_DELIVERY >> {tmp_path}/keys; mkdir {tmp_path}/made || exit 0; exit 1"
    )
    words = LastWords(((fails_once, "x"), (keeps(tmp_path, "other"), "x")), lock, 0)
    saying = asyncio.create_task(last_words.say(words, "stopped-1", jitter=lambda: 0.0))
    await until((tmp_path / "other").exists)
    assert not saying.done()
    await saying
    assert (tmp_path / "keys").read_text() == "stopped-1\n" * 2


async def test_last_words_are_not_repeated_once_healthslm_is_at_work_again(
    tmp_path: Path, lock: Path
) -> None:
    fails = shell(f"echo >> {tmp_path}/times; exit 1")
    saying = asyncio.create_task(last_words.say(LastWords(((fails, "x"),), lock, 0), "k", jitter=lambda: 0.0))
    await until((tmp_path / "times").exists)
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        await saying
    assert (tmp_path / "times").read_text() == "\n"


async def test_a_core_that_is_killed_is_missed(tmp_path: Path, lock: Path) -> None:
    row = keeps(tmp_path).model_dump(mode="json")
    core = f"""
import asyncio, os, pathlib, signal
from healthslm.alerts.hooks import parse_hooks
from healthslm.alerts.process import CourierProcess

async def main():
    (hook,) = parse_hooks([{row!r}])
    async with CourierProcess() as process:
        await process.watch_over([(hook, "gone")], pathlib.Path({str(lock)!r}), 0.1)
        await process.warm([hook])
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    died = await asyncio.create_subprocess_exec(sys.executable, "-c", core, env=environment)
    assert await died.wait() == -signal.SIGKILL
    told = tmp_path / "command"
    await until(lambda: told.exists() and told.read_text().endswith("gone\n"))
