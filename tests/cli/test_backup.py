"""`backup` and `restore` as a person uses them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from healthslm.cli import app
from healthslm.cli.running import only_one
from healthslm.readings import Device
from healthslm.store import CHEAPEST, create, open_store
from healthslm.store.audit import Event
from tests.store.conftest import heart_rates


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store with 100 readings; its recovery words beside it."""
    store, words = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with store:
        store.append(heart_rates(100))
        store.put_device(Device(address="C0:FF:EE:00:00:01", name="strap"))
    (tmp_path / "passphrase").write_text("passphrase\n")
    (tmp_path / "words").write_text(words + "\n")
    (tmp_path / "home" / "settings.toml").write_text('timezone = "UTC"\n')
    return tmp_path / "home"


def test_there_and_back_on_another_machine(home: Path, tmp_path: Path) -> None:
    def command(at: Path, opens: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        opening = ["--home", str(at), "--passphrase-file", str(tmp_path / opens)]
        return subprocess.run(
            [sys.executable, "-m", "healthslm", *opening, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    file, new = tmp_path / "a.backup", tmp_path / "new"
    made = command(home, "passphrase", "backup", file)
    assert made.returncode == 0, made.stderr
    assert "100 readings from 2026-11-02 00:00 to 2026-11-02 00:01, 1 device," in made.stdout
    assert "read back and whole" in made.stdout
    shutil.rmtree(home)
    back = command(new, "words", "restore", file, "--json")
    assert back.returncode == 0, back.stderr
    row = json.loads(back.stdout)
    assert (row["readings"], row["kept_aside"], row["home"]) == (100, None, str(new))
    assert row["first"] == "2026-11-02T00:00:00+00:00"
    assert "strap" in invoke(new, "devices", "list", "--json")


def invoke(home: Path, *arguments: object) -> str:
    """What a command says, on either stream, or the error that it ends in."""
    opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
    result = CliRunner().invoke(app, [*opening, *map(str, arguments)])
    return result.output if result.exit_code == 0 else str(result.exception)


def test_a_newer_store_is_kept_and_a_restore_sets_no_alarm_off(home: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "a.backup", "C0:FF:EE:00:00:02"
    assert "read back" in invoke(home, "backup", file)
    assert "is added" in invoke(home, "devices", "add", new, "--no-pair")
    refused = invoke(home, "restore", file)
    assert "is newer than the backup" in refused
    assert "--overwrite" in refused
    done = invoke(home, "restore", file, "--overwrite")
    aside = next(home.glob("replaced-*"))
    assert str(aside) in " ".join(done.split())
    assert "strap" in invoke(home, "devices", "list", "--json")
    assert new not in invoke(home, "devices", "list", "--json")
    shutil.copytree(aside, tmp_path / "aside")
    assert new in invoke(tmp_path / "aside", "devices", "list", "--json")


def test_an_old_copy_put_back_is_reported_with_a_way_on(home: Path, tmp_path: Path) -> None:
    assert "strap" in invoke(home, "devices", "list")
    shutil.copytree(home, tmp_path / "old")
    assert "is added" in invoke(home, "devices", "add", "C0:FF:EE:00:00:02", "--no-pair")
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "old", home)
    told = invoke(home, "devices", "list")
    assert "was replaced by an older or another copy of itself" in told
    Path(told.split("delete ")[1].rstrip(".")).unlink()
    assert "strap" in invoke(home, "devices", "list")


def test_what_cannot_be_meant_is_said(home: Path, tmp_path: Path) -> None:
    assert "Say one thing" in invoke(home, "backup")
    assert "Say one thing" in invoke(home, "backup", "a", "--list")
    assert "Say one thing" in invoke(home, "backup", "--check")
    assert "inside the folder of the stores" in invoke(home, "backup", home / "people" / "a.backup")
    assert "inside the folder of the stores" in invoke(home, "backup", "--schedule", home)
    assert "no plain file" in invoke(home, "backup", "/dev/null")
    assert "three numbers" in invoke(home, "backup", "--schedule", tmp_path, "--keep", "7,4")
    assert "No such file" in invoke(home, "restore", tmp_path / "none")
    assert "no backup of healthslm" in invoke(home, "restore", home / "store.db")


def test_nothing_is_restored_under_a_service_that_listens(home: Path, tmp_path: Path) -> None:
    assert "read back" in invoke(home, "backup", tmp_path / "a.backup")
    with only_one(home):
        assert "already listening" in invoke(home, "restore", tmp_path / "a.backup", "--overwrite")
        assert "read back" in invoke(home, "backup", tmp_path / "b.backup"), "a backup may be made"


def test_a_schedule_is_set_listed_and_ended(home: Path, tmp_path: Path) -> None:
    assert "No backups are scheduled" in invoke(home, "backup", "--list")
    folder = tmp_path / "stick"
    folder.mkdir()
    told = invoke(home, "backup", "--schedule", folder, "--keep", "3,2,1")
    assert "keeps 3 daily, 2 weekly and 1 monthly" in told
    assert "same disk" in told
    (file,) = folder.glob("*.backup")
    row = json.loads(invoke(home, "backup", "--list", "--json"))
    assert row["schedule"]["policy"] == {"daily": 3, "weekly": 2, "monthly": 1}
    assert [(b["file"], b["trouble"]) for b in row["backups"]] == [(str(file), "")]
    assert "100 readings" in invoke(home, "backup", file, "--check")
    file.write_bytes(file.read_bytes()[:-1])
    assert "is cut" in json.loads(invoke(home, "backup", "--list", "--json"))["backups"][0]["trouble"]
    assert "is cut" in invoke(home, "backup", file, "--check")
    assert "No backups are made" in invoke(home, "backup", "--unschedule")
    with open_store(home, "passphrase") as store:
        assert store.get("backup schedule") is None
        changes = [e.detail for e in store.trail() if e.event == Event.SETTING_CHANGED]
    assert [(d["was"], d["now"]) for d in changes] == [(None, str(folder)), (str(folder), None)]


def test_what_was_backed_up_and_restored_is_in_the_trail(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.backup"
    assert "read back" in invoke(home, "backup", file)
    with open_store(home, "passphrase") as store:
        (noted,) = (e.detail for e in store.trail() if e.event == Event.BACKED_UP)
    assert noted == {"file": str(file), "readings": 100}
    assert "as it was" in invoke(home, "restore", file, "--overwrite")
    with open_store(home, "passphrase") as store:
        (noted,) = (e.detail for e in store.trail() if e.event == Event.RESTORED)
        store.verify_trail()
    assert noted["file"] == str(file)
    assert str(noted["aside"]).startswith("replaced-")
