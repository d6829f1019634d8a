"""Giving an export away: encrypted, or plain after a clear yes; and the list of what was given to whom."""

import ctypes
import hashlib
import io
import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyrage
import pytest

from healthslm.cli.sharing import Handover, hand_over
from healthslm.clock import utc_now
from healthslm.errors import StoreError
from healthslm.export.files import filling
from healthslm.pipeline import review
from healthslm.readings import Device, Kind, Reading
from healthslm.store import CHEAPEST, create, open_store
from healthslm.store.audit import Event
from tests.cli.saying import Said, said_by
from tests.making import DAY, at, series

Run = Callable[..., Said]
PASSPHRASE = "correct horse"
PERIOD = ("--from", "2026-11-02", "--to", "2026-11-03")
EXPORT = ("export", "clinician", *PERIOD, "--template", "--format", "fhir")
FHIR = "healthslm-2026-11-02.fhir.json"
SEALED = "healthslm-2026-11-02.zip.age"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    store, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.put("person", {"name": "Ada Example", "birth_date": ""})
        store.put_device(Device(address="AA:01", name="ear thermometer"))
        rows = series(Kind.TEMPERATURE, at("12:00"), [36.8, 37.9, 38.4, 38.7, 38.2], every=3600)
        store.append(Reading(time=r.time, kind=r.kind, value=r.value, device="AA:01") for r in rows)
    (folder / "settings.toml").write_text('timezone = "UTC"\n')
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    (tmp_path / "tmp").mkdir()
    return folder


def command(home: Path, *arguments: str) -> list[str]:
    opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
    return [sys.executable, "-m", "healthslm", *opening, *arguments]


def surroundings(home: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(home.parent / "tmp"), "COLUMNS": "200"}


@pytest.fixture
def run(home: Path) -> Run:
    """Call the command in this process, where nobody sits at a terminal."""

    def called(*arguments: str) -> Said:
        return said_by(command(home, *arguments)[3:])

    return called


@pytest.fixture
def process(home: Path) -> Run:
    """Call the command in a process of its own."""

    def called(*arguments: str) -> Said:
        done = subprocess.run(
            command(home, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=surroundings(home),
        )
        return Said(code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    return called


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def at_a_terminal(home: Path, *arguments: str, answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run a command on a terminal, and type each answer once what it answers is asked.

    A question ends in ": " when its answer is listened to; what is typed before is thrown away.
    """
    ours, its = pty.openpty()
    process = subprocess.Popen(
        command(home, *arguments),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        env=surroundings(home),
    )
    try:
        os.close(its)
        said, answered = "", 0
        waiting = list(answers)
        while True:
            try:
                said += os.read(ours, 10_000).decode()
            except OSError:  # how a terminal says that nobody writes to it any more
                break
            if waiting and f"{waiting[0][0]}: " in said[answered:]:
                answered = len(said)
                os.write(ours, f"{waiting.pop(0)[1]}\n".encode())
        assert not waiting, said
        return process.wait(timeout=60), said
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def exports(run: Run) -> list[dict[str, object]]:
    result = run("share", "list", "--json")
    assert result.code == 0, result.stderr
    return list(json.loads(result.stdout))


def members(archive: bytes) -> dict[str, bytes]:
    packed = zipfile.ZipFile(io.BytesIO(archive))
    return {name: packed.read(name) for name in packed.namelist()}


def test_without_a_terminal_and_a_yes_nothing_is_written(process: Run, run: Run, out: Path) -> None:
    result = process(*EXPORT, "--out", str(out))
    assert result.code == 2
    for way in ("clear yes", "--recipient", "--passphrase", "--plain"):
        assert way in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()
    assert exports(run) == []


@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_at_a_terminal_plain_files_take_a_clear_yes(home: Path, run: Run, out: Path, answer: str) -> None:
    code, said = at_a_terminal(
        home, *EXPORT, "--out", str(out), answers=[("Write them all the same? [y/N]", answer)]
    )
    assert "not encrypted" in said
    assert code == (0 if answer == "y" else 1), said
    assert (out / FHIR).exists() is (answer == "y")
    assert len(exports(run)) == (answer == "y")


def test_a_plain_export_is_noted_as_plain_with_its_hash(run: Run, process: Run, out: Path) -> None:
    result = run(*EXPORT, "--out", str(out), "--plain", "--to-whom", "Dr. Example", "--expires", "2d")
    assert result.code == 0, result.stderr
    assert result.stdout.split() == [str(out / FHIR)]
    assert "not encrypted" in result.stderr
    assert "in your list only" in result.stderr
    (row,) = exports(run)
    assert row["encrypted"] is False
    assert row["recipients"] is None
    assert row["to_whom"] == "Dr. Example"
    who, what, until = map(str.strip, process("share", "list").stdout.splitlines())
    assert who.endswith("  Dr. Example")
    assert what == "2026-11-02: fhir, not encrypted"
    assert until == f"until {row['expires']}"
    assert row["expires"] == f"{utc_now() + timedelta(days=2):%Y-%m-%d}"
    assert row["sha256"] == hashlib.sha256((out / FHIR).read_bytes()).hexdigest()


def test_an_export_for_recipients_opens_for_each_and_is_in_trail_and_list(
    run: Run, process: Run, out: Path, tmp_path: Path
) -> None:
    one, two, stranger = (pyrage.x25519.Identity.generate() for _ in range(3))
    (tmp_path / "practice.txt").write_text(f"# the practice\n{two.to_public()}\n")
    keys = ("--recipient", str(one.to_public()), "--recipient", str(tmp_path / "practice.txt"))
    terms = ("--to-whom", "Dr. [bold]Exam\nple", "--purpose", "the visit", "--expires", "2999-12-31")
    result = run(*EXPORT, "--out", str(out), *keys, *terms)
    assert result.code == 0, result.stderr
    assert result.stdout.split() == [str(out / SEALED)]
    assert "not encrypted" not in result.stderr
    assert (
        f"age --decrypt --identity KEYFILE --output {SEALED.removesuffix('.age')} {SEALED}" in result.stderr
    )
    assert [path.name for path in out.iterdir()] == [SEALED]
    sealed = (out / SEALED).read_bytes()
    assert (out / SEALED).stat().st_mode & 0o777 == 0o600
    assert pyrage.decrypt(sealed, [one]) == pyrage.decrypt(sealed, [two])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [stranger])
    inside = members(pyrage.decrypt(sealed, [one]))
    assert list(inside) == ["READ-ME.txt", "about.json", FHIR]
    assert json.loads(inside[FHIR])["resourceType"] == "Bundle"
    about = json.loads(inside["about.json"])
    assert about["to_whom"] == "Dr. [bold]Exam ple"
    assert (about["purpose"], about["expires"]) == ("the visit", "2999-12-31")
    assert about["files"][0]["sha256"] == hashlib.sha256(inside[FHIR]).hexdigest()

    (row,) = exports(run)
    shown = [f"{str(i.to_public())[:10]}…{str(i.to_public())[-7:]}" for i in (one, two)]
    assert row["recipients"] == ", ".join(shown)
    assert row["sha256"] == hashlib.sha256(sealed).hexdigest()
    assert (row["encrypted"], row["with"], row["expired"]) == (True, "recipients", False)
    assert (row["start"], row["end"]) == ("2026-11-02T00:00:00+00:00", "2026-11-03T00:00:00+00:00")
    assert (row["formats"], row["files"], row["folder"]) == ("fhir", SEALED, str(out))
    trail = json.loads(run("audit", "--json").stdout)
    (noted,) = (entry["detail"] for entry in trail if entry["event"] == "exported")
    assert noted["to_whom"] == "Dr. [bold]Exam ple"
    assert noted["sha256"] == row["sha256"]
    assert str(one.to_public()) not in json.dumps(trail)
    table = process("share", "list").stdout
    for said in (
        "Dr. [bold]Exam ple",
        " 2026-11-02: fhir, encrypted for",
        shown[0],
        "the visit",
        "2999-12-31",
    ):
        assert said in table
    assert "expired" not in table


def test_a_passphrase_from_a_file_seals_it(run: Run, process: Run, out: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("told by telephone\n")
    result = run(*EXPORT, "--out", str(out), "--share-passphrase-file", str(tmp_path / "shared"), "--json")
    assert result.code == 0, result.stderr
    assert json.loads(result.stdout) == [str(out / SEALED)]
    assert "another way" in result.stderr
    assert "told by telephone" not in result.stdout + result.stderr
    assert FHIR in members(pyrage.passphrase.decrypt((out / SEALED).read_bytes(), "told by telephone"))
    (row,) = exports(run)
    assert (row["with"], row["recipients"]) == ("passphrase", None)
    assert "with a passphrase" in process("share", "list").stdout
    assert "told by telephone" not in run("audit", "--json").stdout


@pytest.mark.parametrize("again", ["told by telephone", "told by telefone"])
def test_a_passphrase_is_asked_for_twice_and_not_shown(home: Path, out: Path, again: str) -> None:
    answers = [("New passphrase for the file", "told by telephone"), ("The same again", again)]
    code, said = at_a_terminal(home, *EXPORT, "--out", str(out), "--passphrase", answers=answers)
    assert "told by" not in said
    if again == "told by telephone":
        assert code == 0, said
        assert members(pyrage.passphrase.decrypt((out / SEALED).read_bytes(), again))
    else:
        assert code == 3
        assert "differ" in said
        assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--recipient", "nobody"], 2, "'nobody' is no recipient"),
        (["--recipient", "age1qqqq"], 2, "'age1qqqq' is no recipient"),
        (["--recipient", "n" * 3000], 2, "is no recipient"),
        (["--recipient", "{home}"], 2, "cannot be read"),
        (["--recipient", "{home}/settings.toml"], 2, "settings.toml, line 1"),
        (["--recipient", "age1qqqq", "--plain"], 2, "Say one"),
        (["--passphrase", "--plain"], 2, "Say one"),
        (["--passphrase"], 2, "--share-passphrase-file"),
        (["--share-passphrase-file", "{home}/../short"], 3, "fewer than 8"),
        (["--share-passphrase-file", "{home}/../passphrase"], 3, "opens your store"),
        (["--share-passphrase-file", "{home}/../none"], 3, "cannot be read"),
        (["--plain", "--expires", "soon"], 2, "'soon' is no day"),
        (["--plain", "--expires", "2020-01-01"], 2, "over already"),
        (["--plain", "--expires", "99999999d"], 2, "is no day"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(
    run: Run, home: Path, out: Path, arguments: list[str], code: int, words: str
) -> None:
    (home.parent / "short").write_text("short\n")
    result = run(*EXPORT, "--out", str(out), *(word.replace("{home}", str(home)) for word in arguments))
    assert result.code == code, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()


@contextmanager
def watched(*folders: Path) -> Iterator[list[str]]:
    """Note the name of everything that is made in folders, also of what is gone a moment later (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = libc.inotify_init1(os.O_NONBLOCK)
    for folder in folders:
        made_or_moved_here = 0x100 | 0x80
        assert libc.inotify_add_watch(handle, os.fsencode(folder), made_or_moved_here) > 0
    names: list[str] = []
    try:
        yield names
        try:
            events = os.read(handle, 1_000_000)
        except BlockingIOError:
            events = b""
        while events:
            size = struct.unpack("iIII", events[:16])[3]
            names.append(os.fsdecode(events[16 : 16 + size].rstrip(b"\0")))
            events = events[16 + size :]
    finally:
        os.close(handle)


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_nothing_that_is_not_encrypted_touches_the_disk(
    process: Run, home: Path, out: Path, tmp_path: Path
) -> None:
    out.mkdir()
    temporary = tmp_path / "tmp"
    identity = pyrage.x25519.Identity.generate()
    wanted = [*EXPORT[:-1], "pdf,fhir", "--out", str(out)]
    with watched(out, temporary) as made:
        result = process(*wanted, "--recipient", str(identity.to_public()))
    assert result.code == 0, result.stderr
    assert made[-1] == SEALED
    assert all(name.startswith(f".{SEALED}.") for name in made[:-1])
    assert len(made) == 2, "the file under its temporary name, and then its own"
    inside = members(pyrage.decrypt((out / SEALED).read_bytes(), [identity]))
    assert {name.rpartition(".")[2] for name in inside} == {"txt", "json", "pdf"}
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        held = path.read_bytes()
        for word in (b"%PDF", b"resourceType", b"Ada Example", b"ear thermometer", b"PK\x03\x04"):
            assert word not in held, path
    with watched(out, temporary) as made:  # the watch sees what is plain
        assert process(*wanted, "--plain").code == 0
    assert FHIR in made


def test_a_folder_that_cannot_be_written_is_named_and_not_noted(process: Run, run: Run, out: Path) -> None:
    out.write_text("mine")
    key = str(pyrage.x25519.Identity.generate().to_public())
    result = process(*EXPORT, "--out", str(out), "--recipient", key)
    assert result.code == 1
    assert str(out) in result.stderr
    assert "Traceback" not in result.stderr
    assert out.read_text() == "mine"
    assert exports(run) == []


SMALL_DISK = """
mount -t tmpfs -o size=4k,nr_inodes=10 none "$0" || exit 99
printf old > "$0/%s"
"$@"
echo "ended with $?"
ls -A "$0"
cat "$0/%s"
""" % (SEALED, SEALED)  # noqa: UP031  braces are the shell's


def test_a_full_disk_leaves_the_file_of_before(home: Path, run: Run, out: Path) -> None:
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    out.mkdir()
    key = str(pyrage.x25519.Identity.generate().to_public())
    wanted = command(home, *EXPORT, "--out", str(out), "--recipient", key)
    result = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", SMALL_DISK, str(out), *wanted],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if "ended with" not in result.stdout:
        pytest.skip("no small disk can be made here")
    assert result.stdout.split("\n") == ["ended with 1", SEALED, "old"], result.stderr
    assert "The disk is full" in result.stderr
    assert exports(run) == []


def test_what_cannot_be_noted_is_not_given(home: Path, out: Path) -> None:
    out.mkdir()
    (out / "page.pdf").write_bytes(b"old")
    with open_store(home, PASSPHRASE) as store:
        result = review(
            store, DAY, DAY + timedelta(days=1), zone=ZoneInfo("UTC"), made_at=DAY, writer=None, audiences=()
        )
    with pytest.raises(StoreError):  # it is closed
        hand_over(store, result, [("page.pdf", filling(b"new"))], out, ["pdf"], Handover())
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("page.pdf", b"old")]


def test_the_list_says_what_is_over_and_knows_exports_of_older_versions(
    run: Run, process: Run, home: Path
) -> None:
    today = utc_now().date()
    with open_store(home, PASSPHRASE) as store:
        store.note_event(
            Event.EXPORTED, datetime(2026, 11, 3, 9, tzinfo=UTC), to="/media/stick", formats="pdf"
        )
        store.note_event(Event.EXPORTED, utc_now(), to="https://fhir.example.org/r4", formats="fhir")
        for days in (-1, 0):
            expires = (today + timedelta(days=days)).isoformat()
            store.note_event(Event.EXPORTED, utc_now(), to_whom=f"in {days}", formats="pdf", expires=expires)
    rows = exports(run)
    assert [row["to_whom"] for row in rows] == [None, None, "in -1", "in 0"]
    assert [row["expired"] for row in rows] == [False, False, True, False]
    assert [row["encrypted"] for row in rows] == [False] * 4
    assert [row["with"] for row in rows] == [None, "https", None, None]
    assert (rows[0]["start"], rows[0]["folder"]) == (None, "/media/stick")
    lines = process("share", "list").stdout.splitlines()
    assert [("expired" in line) for line in lines if "until" in line] == [True, False]
    sent = next(at for at, line in enumerate(lines) if "https://fhir.example.org/r4" in line)
    assert "on the way" in lines[sent + 1]
    assert any("2026-11-03 09:00" in line and "/media/stick" in line for line in lines)


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("2026-11-01T00:00:00+00:00", "2026-11-08T00:00:00+00:00", "2026-11-01 to 2026-11-07"),
        ("2026-11-01T10:00:00+00:00", "2026-11-02T00:00:00+00:00", "2026-11-01 10:00 to 2026-11-02 00:00"),
    ],
)
def test_a_period_is_shown_as_days_where_it_is_days(
    run: Run, process: Run, home: Path, start: str, end: str, shown: str
) -> None:
    with open_store(home, PASSPHRASE) as store:
        store.note_event(Event.EXPORTED, utc_now(), formats="pdf", start=start, end=end)
    assert f"  {shown}: pdf" in process("share", "list").stdout


def test_the_list_is_read_on_a_common_terminal(home: Path) -> None:
    whom, what = "the practice of Dr. Example", "the visit in April"
    with open_store(home, PASSPHRASE) as store:
        store.note_event(Event.EXPORTED, utc_now(), to_whom=whom, purpose=what, formats="pdf,fhir")
    listed = command(home, "share", "list")
    said = subprocess.check_output(listed, env=surroundings(home) | {"COLUMNS": "80"}, text=True, timeout=60)
    assert whom in said
    assert what in said
    assert "pdf, fhir, not encrypted" in said


def test_a_period_of_nothing_and_a_day_not_chosen_are_said(run: Run, home: Path, out: Path) -> None:
    words = ("export", "clinician", "--template", "--plain", "--format", "fhir", "--out", str(out))
    assert "This is 2026-11-02, the last day with readings." in run(*words).stderr
    assert "This is" not in run(*words, *PERIOD).stderr
    nothing = run(*words, "--from", "2020-01-01", "--to", "2020-02-01").stderr
    assert "No reading is in this period" in nothing
    assert "Readings are there of 2026-11-02" in nothing


def test_an_empty_list_says_what_comes_next(run: Run) -> None:
    result = run("share", "list")
    assert result.code == 0
    assert "Nothing was given" in result.stderr
    assert json.loads(run("share", "list", "--json").stdout) == []
