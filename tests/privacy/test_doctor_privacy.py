"""`doctor --privacy`, strict mode, and what a process at work says of its own fence."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from healthslm import fence
from healthslm.cli.doctor import Check, State
from healthslm.cli.doctor_privacy import at_work, judged, kernel_check
from healthslm.cli.fencing import COMPANION, RUN, answering, ask, open_sockets, put_up
from healthslm.cli.session import Session
from healthslm.errors import HealthslmError
from healthslm.fence import Fenced
from healthslm.fence.tries import Tried
from healthslm.readings import Device
from healthslm.settings import Settings, load
from healthslm.store import CHEAPEST, create, open_store

NONE = Fenced(calls=False, landlock=0, missing=("This kernel cannot refuse calls (seccomp filters).",))
WHOLE = Fenced(calls=True, landlock=7)
real = pytest.mark.skipif(not fence.possible().whole, reason=" ".join(fence.possible().missing) or "fenced")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create(tmp_path / "home", "passphrase", profile=CHEAPEST)[0].close()
    (tmp_path / "passphrase").write_text("passphrase\n")
    (tmp_path / "home" / "settings.toml").write_text(f'model = "{tmp_path}/none"\n')
    return tmp_path / "home"


def command(home: Path, *arguments: str) -> list[str]:
    opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
    return [sys.executable, "-m", "healthslm", *opening, *arguments]


def doctor(home: Path) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-m", "healthslm", "--home", str(home), "doctor", "--privacy", "--json"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=100,
    )
    return done.returncode, json.loads(done.stdout)


def wait_for(holds: Callable[[], object]) -> None:
    until = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.1)


@contextmanager
def serving(home: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """`companion serve` at work."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ("companion", "serve", "--host", "127.0.0.1", "--port", str(port), *more)
    with subprocess.Popen(command(home, *arguments), stderr=subprocess.PIPE) as process:
        wait_for(lambda: process.poll() is not None or ask(home, COMPANION) is not None)
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@real
def test_the_fences_are_tried_and_the_page_at_work_tries_its_own(home: Path) -> None:
    with serving(home, "--strict") as process:
        code, checks = doctor(home)
        status = Path(f"/proc/{process.pid}/status").read_text()
    assert code == 0, checks
    assert {check["state"] for check in checks} == {"ok"}, checks
    said = [check["said"] for check in checks]
    for name in ("the core", "the phone's page", "the language model", "the courier"):
        assert any(one.startswith(f"{name}, tried in a child. Refused: ") for one in said), name
    assert any("reading store.db" in one and "starting a program" in one for one in said)
    (page,) = [one for one in said if one.startswith("`healthslm companion` (process")]
    assert f"(process {process.pid}) itself; it holds 1 listening and 0 connected internet sockets" in page
    assert "Seccomp 2, NoNewPrivs 1" in page
    assert "Refused: a connection to 192.0.2.1, a connection to ::1" in page
    assert "Seccomp:\t2" in status


@real
def test_the_listener_at_work_tries_its_own_and_is_alone_in_having_no_internet(
    home: Path, tmp_path: Path
) -> None:
    strap, radio, scenario = "C0:FF:EE:00:00:01", tmp_path / "radio", tmp_path / "strap.toml"
    scenario.write_text(f'[[wearable]]\nkind = "strap"\naddress = "{strap}"\n')
    with open_store(home, "passphrase") as store:
        store.put_device(Device(address=strap, name="strap"))
        store.put("hooks", [{"kind": "command", "name": "file", "argv": ["true"]}])
    wearables = [sys.executable, "-m", "device.virtual", str(scenario), "--socket", str(radio)]
    with subprocess.Popen(wearables, stdout=subprocess.DEVNULL) as serving_them:
        wait_for(radio.exists)
        arguments = command(home, "run", "--virtual", str(radio), "--strict")
        with subprocess.Popen(arguments, stderr=subprocess.PIPE) as process:
            wait_for(lambda: process.poll() is not None or ask(home, RUN) is not None)
            wait_for(lambda: process.poll() is not None or len(grandchildren(process.pid)) == 1)
            (check,) = at_work([home], RUN, "healthslm run", needed=True, strict=True)
            (courier,) = grandchildren(process.pid)
            hidden = Path(f"/proc/{courier}/cmdline").read_text()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        serving_them.terminate()
    assert check.state is State.OK, check
    assert f"(process {process.pid}) itself; it holds 0 listening and 0 connected" in check.said
    assert "Seccomp 2, NoNewPrivs 1" in check.said
    assert f"--keep-out={home}" in hidden
    assert f"--keep-out={tmp_path / 'passphrase'}" in hidden
    assert "--strict" in hidden
    assert not Path(f"/proc/{courier}").exists()


def grandchildren(pid: int) -> list[int]:
    """What the starter has started."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += Path(f"/proc/{child}/task/{child}/children").read_text().split()
    return [int(one) for one in found]


@real
async def test_what_is_asked_of_a_process_is_tried_there_and_then(tmp_path: Path) -> None:
    """This process has no fence, and what it says of one that is up is belied by what it tries."""
    home = tmp_path / ("deep" * 40)  # longer than a socket's path may be
    home.mkdir()

    async def asked() -> list[Check]:
        checks = partial(at_work, [home], RUN, "healthslm run", needed=True, strict=False)
        return await asyncio.to_thread(list, checks())

    (check,) = await answering(home, RUN, WHOLE, asked())
    assert check.state is State.PROBLEM
    assert f"(process {os.getpid()})" in check.said
    assert "Not refused: a connection to 192.0.2.1 (it worked)" in check.said
    assert not list(home.iterdir())
    (gone,) = await asked()
    assert (gone.state, gone.said) == (State.PROBLEM, "`healthslm run` does not say how it is fenced")


async def test_nonsense_from_a_process_at_work_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    for said in (b"{}", b"[1]", b"\xff", b'{"pid": "x"}', b""):
        (tmp_path / RUN).unlink(missing_ok=True)

        async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes = said) -> None:
            writer.write(said)
            writer.close()

        server = await asyncio.start_unix_server(take, tmp_path / RUN)
        checks = partial(at_work, [tmp_path], RUN, "healthslm run", needed=True, strict=False)
        (check,) = await asyncio.to_thread(list, checks())
        server.close()
        assert check.state is State.PROBLEM
        assert check.next


def test_what_is_not_refused_is_a_problem_whatever_the_fence_is_said_to_be() -> None:
    refused, through = Tried(what="a", error=13), Tried(what="io_uring", error=14)
    absent = Tried(what="a Bluetooth socket", error=97)
    assert judged("fence", "x", [refused, absent], [], strict=True).state is State.OK
    check = judged("fence", "x", [refused, through], [], strict=False)
    assert check.state is State.PROBLEM
    assert "Not refused: io_uring (Bad address)" in check.said
    assert judged("fence", "x", [through], ["no seccomp"], strict=False).state is State.ATTENTION
    assert judged("fence", "x", [through], ["no seccomp"], strict=True).state is State.PROBLEM


def test_a_kernel_that_cannot_is_said_and_is_a_problem_in_strict_mode() -> None:
    assert kernel_check(strict=False, able=WHOLE).state is State.OK
    for strict, state in ((False, State.ATTENTION), (True, State.PROBLEM)):
        check = kernel_check(strict, able=NONE)
        assert check.state is state
        assert "seccomp" in check.said
        assert check.next


def session(tmp_path: Path, *, strict: bool) -> Session:
    return Session(settings=Settings(home=tmp_path, strict=strict), household=tmp_path, own_process=True)


def test_strict_mode_refuses_to_start_before_anything_is_put_up(tmp_path: Path) -> None:
    def never(**_: object) -> Fenced:
        raise AssertionError("it was not asked for")

    with pytest.raises(HealthslmError, match=r"Strict mode: This kernel cannot refuse calls") as refused:
        put_up(session(tmp_path, strict=True), possible=lambda: NONE, core=never)
    assert "strict = false" in refused.value.hint
    with pytest.raises(HealthslmError, match="Strict mode"):
        put_up(session(tmp_path, strict=True), possible=lambda: WHOLE, core=lambda **_: NONE)


def test_else_it_starts_and_says_so_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without = session(tmp_path, strict=False)
    assert put_up(without, possible=lambda: NONE, core=lambda **_: NONE) is NONE
    assert capsys.readouterr().err.count("This kernel cannot refuse calls") == 1
    assert put_up(session(tmp_path, strict=True), possible=lambda: WHOLE, core=lambda **_: WHOLE) is WHOLE
    assert capsys.readouterr().err == ""


def test_a_process_that_is_another_programs_is_left_alone(tmp_path: Path) -> None:
    """As this one is: it calls commands, and goes on."""
    other = replace(session(tmp_path, strict=True), own_process=False)
    assert put_up(other, possible=lambda: NONE, core=lambda **_: NONE) is None


def test_strict_mode_is_a_setting_too(tmp_path: Path) -> None:
    assert load(tmp_path).strict is False
    (tmp_path / "settings.toml").write_text("strict = true\n")
    assert load(tmp_path).strict is True
    assert session(tmp_path, strict=False).strictly(True).settings.strict is True
    assert session(tmp_path, strict=True).strictly(False).settings.strict is True


def test_sockets_of_the_internet_are_counted() -> None:
    before = open_sockets()
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.socket(socket.AF_UNIX),
        socket.create_connection(listening.getsockname()),
    ):
        after = open_sockets()
    assert after["listening"] - before["listening"] == 1
    assert after["connected"] - before["connected"] == 1


def test_counting_sockets_leaves_all_that_is_open_as_it_was(tmp_path: Path) -> None:
    """Also the locks: who closes a copy of a file's descriptor loses the locks that the process has on it."""

    def held() -> bool:
        tries = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        done = subprocess.run([sys.executable, "-c", tries, str(path)], capture_output=True, check=False)
        return b"BlockingIOError" in done.stderr

    path = tmp_path / "store.db"
    with (
        path.open("wb") as file,
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as connected,
    ):
        fcntl.lockf(file, fcntl.LOCK_EX)
        assert held()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            open_sockets()
        assert len(os.listdir("/proc/self/fd")) == before
        assert held()
        taken, _ = listening.accept()
        with taken:
            connected.sendall(b"still there")
            assert taken.recv(64) == b"still there"
