"""The fences for real: put up in a child, which then tries what they refuse; and kernels that have none."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from healthslm import fence
from healthslm.fence import landlock
from healthslm.fence.kernel import X86_64
from healthslm.store import CHEAPEST, create

ROOT = Path(__file__).parents[2]
HERE = fence.possible()
real = pytest.mark.skipif(not HERE.whole, reason=" ".join(HERE.missing) or "there is one")
Errors = dict[str, int]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create(tmp_path / "home", "passphrase", profile=CHEAPEST)[0].close()
    return tmp_path / "home"


def child(script: str, *arguments: str) -> str:
    """Run a script in a process of its own; what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tried(which: str, home: Path, *more: str) -> Errors:
    """How the kernel answered what was tried behind a fence; 0 is that it did it."""
    model = home.parent / "model"
    model.mkdir(exist_ok=True)
    command = [sys.executable, "-P", "-m", "healthslm.fence.trying", which, str(home), str(model), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
    told = json.loads(done.stdout)
    assert told["missing"] == []
    return dict(told["tried"])


@real
@pytest.mark.parametrize(
    ("which", "count"),
    [("core", 16), ("serving", 18), ("writer", 23), ("courier", 16)],
)
def test_all_that_is_tried_is_refused_and_would_work_without(which: str, count: int, home: Path) -> None:
    behind = tried(which, home)
    assert {what: error for what, error in behind.items() if error not in (errno.EACCES, errno.EPERM)} == {}
    without = tried(which, home, "--without")
    assert behind.keys() == without.keys()
    assert len(behind) == count
    # A kernel may lack a family, and may be told to have no io_uring: the rest works, or fails otherwise.
    may_lack = {"a Bluetooth socket", "a socket to a host machine (AF_VSOCK)", "io_uring",
                "a raw socket (AF_PACKET)", "a program in the kernel (BPF)"}  # fmt: skip
    refused = {what for what, error in without.items() if error in (errno.EACCES, errno.EPERM)}
    assert refused <= may_lack
    works = {"core": 3, "serving": 5, "writer": 10, "courier": 7}[which]
    assert list(without.values()).count(0) >= works


@real
def test_threads_that_were_there_before_are_behind_the_fence_too() -> None:
    told = child("""
import socket, threading
from healthslm import fence
up, done = threading.Event(), []
def other():
    up.wait()
    try: socket.socket(socket.AF_INET)
    except PermissionError: done.append("refused")
thread = threading.Thread(target=other); thread.start()
assert fence.core().whole
up.set(); thread.join()
print(*done)
""")
    assert told == "refused\n"


@real
def test_a_program_that_is_started_behind_it_is_behind_it() -> None:
    told = child("""
import subprocess, sys
from healthslm import fence
fence.core()
code = "import socket; socket.socket(socket.AF_INET6)"
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr)
""")
    assert "PermissionError" in told


@real
def test_what_the_core_needs_goes_on() -> None:
    told = child("""
import asyncio, socket, subprocess, tempfile, threading
from healthslm import fence
listening = socket.create_server(("127.0.0.1", 0))
assert fence.core(serving=True).whole
async def work():
    with tempfile.TemporaryDirectory() as folder:
        import os; os.chdir(folder)
        async def take(reader, writer):
            writer.write(await reader.read()); writer.close()
        server = await asyncio.start_unix_server(take, "phone.sock")
        reader, writer = await asyncio.open_unix_connection("phone.sock")
        writer.write(b"heard"); writer.write_eof()
        print((await reader.read()).decode())
        print(await asyncio.to_thread(lambda: "in a thread"))
        process = await asyncio.create_subprocess_exec("cat", "/proc/self/status", stdout=-1)
        print([line for line in (await process.communicate())[0].decode().splitlines() if "Seccomp:" in line])
asyncio.run(work())
""")
    assert told.splitlines() == ["heard", "in a thread", "['Seccomp:\\t2']"]


@real
def test_a_page_is_served_from_behind_it() -> None:
    """The socket that listens was there before; who connects is let in, and answered."""
    told = child("""
import os, socket, sys
from healthslm import fence
listening = socket.create_server(("127.0.0.1", 0))
if os.fork() == 0:
    fence.core(serving=True)
    one, _ = listening.accept(); one.sendall(b"served"); os._exit(0)
with socket.create_connection(listening.getsockname(), 10) as phone: print(phone.recv(10))
""")
    assert told == "b'served'\n"


@real
def test_what_a_hooks_program_needs_goes_on(home: Path) -> None:
    """Other programs, forks, threads, sockets of the internet; also where the C library asks for `clone3`."""
    told = child(
        """
import pathlib, subprocess, sys
from healthslm import fence
assert fence.courier([pathlib.Path(sys.argv[1])]).whole
program = '''
import os, socket, subprocess, threading
with socket.create_server(("127.0.0.1", 0)) as listening:
    def take():
        one, _ = listening.accept(); one.sendall(b"heard"); one.close()
    thread = threading.Thread(target=take); thread.start()
    with socket.create_connection(listening.getsockname(), 10) as one: print(one.recv(10).decode())
    thread.join()
os.waitpid(os.posix_spawn("/bin/echo", ["echo", "spawned"], {}), 0)
subprocess.run("echo forked | cat", shell=True, check=True, preexec_fn=os.setsid)
'''
subprocess.run([sys.executable, "-u", "-c", program], check=True)
""",
        str(home),
    )
    assert told.split() == ["heard", "spawned", "forked"]


@real
def test_pythons_folder_in_what_is_hidden_stays_readable_and_one_around_it_opens_nothing(
    home: Path, tmp_path: Path
) -> None:
    (home / "venv").mkdir()
    (home / "venv" / "module.py").touch()
    told = child(
        """
import pathlib, sys
from healthslm import fence
home, around = map(pathlib.Path, sys.argv[1:])
assert fence.courier([home], python=[home / "venv", around, home]).whole
for path in (home / "venv" / "module.py", home / "store.db", around / "home" / "keys.json"):
    try: path.read_bytes(); print("read")
    except PermissionError: print("refused")
""",
        str(home),
        str(tmp_path),
    )
    assert told.split() == ["read", "refused", "refused"]


@real
def test_no_folder_is_put_in_the_place_of_the_stores(home: Path) -> None:
    """One beside it may hold sockets. Below that folders are made, moved and deleted as ever."""
    for beside in ("cache/inner", "other/inner", "empty"):
        (home.parent / beside).mkdir(parents=True)
    script = """
import errno, os, pathlib, shutil, socket, sys, tempfile
from healthslm import fence
from healthslm.fence.kernel import arch_of, kernel
home = pathlib.Path(sys.argv[1])
if "fenced" in sys.argv:
    assert fence.courier([home]).whole
os.chdir(home.parent)
number, here, exchange = arch_of().calls["renameat2"], -100, 2
def tried(attempt):
    try: attempt()
    except OSError as error: print(errno.errorcode[error.errno])  # EXDEV: would be allowed within a folder
    else: print("done")
def twice(one, other):  # what works is undone
    for _ in range(2): kernel(number, here, os.fsencode(one), here, os.fsencode(other), exchange)
def there_and_back(one, other):
    os.rename(one, other)
    os.rename(other, one)
tried(lambda: twice(home, "cache"))
tried(lambda: twice(home, "cache/inner"))
tried(lambda: twice("cache", "other"))
tried(lambda: there_and_back(home, "gone"))
tried(lambda: there_and_back(home, "cache/gone"))
tried(lambda: there_and_back("cache", "gone"))
tried(lambda: there_and_back("cache/inner", "gone"))
tried(lambda: there_and_back(home.parent, home.parent.with_name("gone")))
tried(lambda: os.rmdir("empty"))
print("-")
socket.socket(socket.AF_UNIX).bind("cache/socket")
twice("cache/inner", "other/inner")
shutil.move("cache/inner", "other/moved")
shutil.rmtree("other/moved")
with tempfile.TemporaryDirectory(dir="cache") as folder:
    pathlib.Path(folder, "file").write_text("x")
    os.replace(pathlib.Path(folder, "file"), "cache/file")
"""
    assert child(script, str(home), "fenced").split() == [*["EACCES"] * 6, "EXDEV", *["EACCES"] * 2, "-"]
    assert (home / "keys.json").exists()
    for beside in ("cache/inner", "empty"):
        (home.parent / beside).mkdir(exist_ok=True)
    (home.parent / "cache" / "socket").unlink()
    assert child(script, str(home)).split() == [*["done"] * 9, "-"]


@real
def test_what_is_beside_the_hidden_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a" / "hidden").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a" / "hidden")
    allowed = dict(landlock.all_but([tmp_path / "link"], 4))
    assert tmp_path / "a" / "file" in allowed
    assert tmp_path / "b" in allowed
    assert Path("/usr") in allowed
    for not_this in (tmp_path / "a" / "hidden", tmp_path / "a", tmp_path, tmp_path / "link", Path("/")):
        assert not_this not in allowed


def kernel_without(*missing: str, old: int = 7) -> tuple[Callable[..., int], list[str]]:
    """A kernel that does not know some calls, and one Landlock; and what was called, by name."""
    names = {number: name for name, number in X86_64.calls.items()}
    called: list[str] = []

    def call(number: int, *arguments: object) -> int:
        name = names[number]
        called.append(name)
        if name in missing:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        if name == "seccomp" and arguments[2] == 0:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))  # it would read a filter
        if name == "landlock_create_ruleset":
            return old if arguments[0] == 0 else os.open("/dev/null", os.O_RDONLY)
        return 0

    return call, called


@pytest.mark.parametrize(
    ("missing", "calls", "version", "sentences"),
    [
        ((), True, 7, 0),
        (("seccomp",), False, 7, 1),
        (("landlock_create_ruleset",), True, 0, 1),
        (("landlock_restrict_self",), True, 0, 1),
        (("seccomp", "landlock_create_ruleset"), False, 0, 2),
        (("prctl",), False, 0, 2),
    ],
)
def test_what_the_kernel_cannot_do_is_said(
    missing: tuple[str, ...], calls: bool, version: int, sentences: int, tmp_path: Path
) -> None:
    call, called = kernel_without(*missing)
    for up in (fence.writer([tmp_path], machine="x86_64", call=call, python=[]),
               fence.courier([tmp_path], machine="x86_64", call=call)):  # fmt: skip
        assert (up.calls, up.landlock, len(up.missing)) == (calls, version, sentences)
        assert up.whole is (sentences == 0)
    assert called[0] == "prctl"


def test_what_would_be_granted_is_asked_without_putting_anything_up() -> None:
    call, called = kernel_without()
    assert fence.possible(machine="x86_64", call=call).whole
    assert called == ["seccomp", "landlock_create_ruleset"]
    call, _ = kernel_without("seccomp")
    assert not fence.possible(machine="x86_64", call=call).calls


def test_the_core_needs_no_landlock() -> None:
    call, _ = kernel_without("landlock_create_ruleset")
    up = fence.core(machine="x86_64", call=call)
    assert up.whole
    assert up.landlock == 0


def test_an_old_landlock_is_asked_for_no_more_than_it_knows(tmp_path: Path) -> None:
    for old, expected in ((1, 8), (3, 8), (4, 16), (5, 16), (6, 24), (9, 24)):
        sizes: list[int] = []
        call, _ = kernel_without(old=old)

        def noting(
            number: int, *arguments: object, call: Callable[..., int] = call, sizes: list[int] = sizes
        ) -> int:
            if number == X86_64.calls["landlock_create_ruleset"] and arguments[0] != 0:
                sizes.append(int(str(arguments[1])))
            return call(number, *arguments)

        fence.writer([tmp_path], machine="x86_64", call=noting, python=[])
        assert sizes == [expected]


def test_another_machine_has_no_fence_and_says_so() -> None:
    def never(*_: object) -> int:
        raise AssertionError("its calls have other numbers")

    for up in (fence.core(machine="riscv64", call=never), fence.possible(machine="armv7l", call=never)):
        assert not up.calls
        assert "only for Linux on 64-bit x86 and Arm" in up.missing[0]


def test_a_thread_that_will_not_is_an_error() -> None:
    def call(number: int, *_: object) -> int:
        return 77 if number == X86_64.calls["seccomp"] else 0

    up = fence.core(machine="x86_64", call=call)
    assert not up.calls
    assert "thread 77" in up.missing[0]
