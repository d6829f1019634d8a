"""Names, paths and terminals that are not as they should be end in a sentence, never in a traceback."""

import fcntl
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from device import Found
from healthslm.cli.devices import found_table
from healthslm.readings import Device
from healthslm.store import CHEAPEST, create, open_store

Run = Callable[..., subprocess.CompletedProcess[str]]
KNOWN = "C0:FF:EE:00:00:01"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    store, _ = create(folder, "passphrase", profile=CHEAPEST)
    with store:
        store.put_device(Device(address=KNOWN, name="strap", manufacturer="Maker", serial="77"))
        store.commit()
    (tmp_path / "passphrase").write_text("passphrase\n")
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        start = [sys.executable, "-m", "healthslm", "--home", str(home)]
        start += ["--passphrase-file", str(home.parent / "passphrase")]
        return subprocess.run(
            [*start, *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **environment},
        )

    return command


def test_a_device_with_markup_for_a_name_is_shown_as_it_is() -> None:
    found = Found(address=KNOWN, name="[/x]\x1b[2J", services=("heart rate",), rssi=-60)
    console = Console(file=io.StringIO(), width=100)
    console.print(found_table([found]))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[/x]" in said
    assert "\x1b" not in said


def test_markup_in_a_name_and_in_an_error_is_no_markup(run: Run) -> None:
    added = run("devices", "add", "C0:FF:EE:00:00:02", "--name", "[/]")
    assert added.returncode == 0, added.stderr
    assert "[/] is added" in added.stderr
    assert "[/]" in run("devices", "list").stdout
    bad = run("decode", "2A37", "ff")
    assert bad.returncode == 1
    assert "[ff]" in bad.stderr


def test_a_device_that_is_known_keeps_what_is_known_of_it(run: Run, home: Path) -> None:
    assert run("devices", "add", KNOWN).returncode == 0
    with open_store(home, "passphrase") as store:
        assert store.device(KNOWN) == Device(address=KNOWN, name="strap", manufacturer="Maker", serial="77")
    assert run("devices", "add", KNOWN, "--name", "\x07\x1b").returncode == 2


def test_addresses_are_whole_in_a_narrow_terminal(run: Run) -> None:
    assert KNOWN in run("devices", "list", COLUMNS="40").stdout


def test_a_terminal_without_unicode_shows_a_question_mark(run: Run) -> None:
    assert run("devices", "add", KNOWN, "--name", "Zoë").returncode == 0
    listed = run("devices", "list", PYTHONIOENCODING="ascii")
    assert listed.returncode == 0, listed.stderr
    rows = json.loads(run("devices", "list", "--json", PYTHONIOENCODING="ascii").stdout)
    assert rows[0]["name"] == "Zoë"


def test_a_hook_whose_program_is_not_there_is_refused(run: Run) -> None:
    result = run("hooks", "add", "diary", "no-such-program-here")
    assert result.returncode == 2
    assert "no-such-program-here" in result.stderr


def test_only_one_run_listens(run: Run, home: Path) -> None:
    with (home / "run.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = run("run")
        changed = run("devices", "add", KNOWN)
    assert second.returncode == 1
    assert "already listening" in second.stderr
    assert "listens to it" in changed.stderr
    assert "listens to it" not in run("devices", "add", KNOWN).stderr


@pytest.mark.parametrize(
    ("settings", "words"), [('home = "/tmp"\n', "--home"), ('timezone = "Mars"\n', "timezone: 'Mars' is no")]
)
def test_settings_are_refused_in_plain_words(run: Run, home: Path, settings: str, words: str) -> None:
    (home / "settings.toml").write_text(settings)
    result = run("devices", "list")
    assert result.returncode == 2
    assert words in result.stderr
    assert "Value error" not in result.stderr


def test_settings_that_are_a_pipe_do_not_hang(run: Run, home: Path) -> None:
    os.mkfifo(home / "settings.toml")
    assert "not a regular file" in run("devices", "list").stderr


def test_a_file_in_the_way_is_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    result = run("export", "clinician", "--plain", "--template", "--out", str(tmp_path / "file"))
    assert result.returncode == 1
    demo = run("demo", "--template", "--out", str(tmp_path / "file"))
    assert demo.returncode in (1, 2)
    assert "Traceback" not in result.stderr + demo.stderr
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("born", ["2999-01-01", "soon"])
def test_init_that_fails_leaves_nothing_in_the_way(tmp_path: Path, born: str) -> None:
    (tmp_path / "passphrase").write_text("four plain words\n")
    base = [sys.executable, "-m", "healthslm", "--home", str(tmp_path / "home")]
    base += ["--passphrase-file", str(tmp_path / "passphrase"), "init"]
    words = ["--recovery-file", str(tmp_path / "words")]

    def init(*more: str) -> int:
        return subprocess.run([*base, *more], capture_output=True, timeout=60, check=False).returncode

    assert init("--born", born, *words) == 2
    assert init("--recovery-file", str(tmp_path / "none" / "words")) == 2
    assert not (tmp_path / "words").exists()
    assert init(*words) == 0


def test_init_does_not_follow_a_link_for_the_words(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("four plain words\n")
    (tmp_path / "words").symlink_to(tmp_path / "elsewhere")
    base = [sys.executable, "-m", "healthslm", "--home", str(tmp_path / "home")]
    base += ["--passphrase-file", str(tmp_path / "passphrase"), "init", "--recovery-file"]
    result = subprocess.run([*base, str(tmp_path / "words")], capture_output=True, timeout=60, check=False)
    assert result.returncode == 2
    assert not (tmp_path / "elsewhere").exists()
    assert not (tmp_path / "home" / "keys.json").exists()


def on_a_terminal(home: Path, answers: list[str]) -> tuple[int, str]:
    """Type `init` and the answers on a pseudo-terminal of 60 columns; its exit code and what it showed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "healthslm", "--home", str(home), "init"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "COLUMNS": "60"},
        start_new_session=True,
    )
    os.close(follower)
    shown = b""
    waiting = list(answers)
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # Linux's way of saying that the other side is closed
            break
        if not part:
            break
        shown += part
        if waiting and shown.endswith((b": ", b"[Y/n] ")):
            os.write(leader, waiting.pop(0).encode() + b"\n")
            shown += b"\n"
    os.close(leader)
    return process.wait(timeout=30), shown.decode()


def test_init_shows_the_words_once_and_whole(tmp_path: Path) -> None:
    code, shown = on_a_terminal(tmp_path / "home", ["four plain words", "four plain words", "n"])
    assert code == 0, shown
    assert "four plain words" not in shown
    rows = [line for line in shown.splitlines() if line.strip()[:1].isdigit()]
    assert len(rows) == 6
    assert all(len(row.rstrip()) <= 60 for row in rows)
    parts = " ".join(rows).split()
    assert [int(n) for n in parts[::2]] == list(range(1, 25))
    with open_store(tmp_path / "home", " ".join(parts[1::2])) as store:
        assert store.count() == 0


def test_two_passphrases_that_differ_make_nothing(tmp_path: Path) -> None:
    code, shown = on_a_terminal(tmp_path / "home", ["four plain words", "four plain worlds"])
    assert code == 3, shown
    assert "differ" in shown
    assert not (tmp_path / "home" / "keys.json").exists()
