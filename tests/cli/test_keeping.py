"""Keys, the end of a store, the audit trail, retention and the doctor, as somebody types them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from healthslm.cli import doctor
from healthslm.cli.session import Session
from healthslm.clock import utc_now
from healthslm.companion.server import certificates
from healthslm.doctor import Machine, State
from healthslm.readings import Kind, Reading
from healthslm.settings import Settings
from healthslm.store import CHEAPEST, create, open_store
from tests.store.test_dense import columns

Run = Callable[..., subprocess.CompletedProcess[str]]
PASSPHRASE = "correct horse"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    store, _ = create(folder, PASSPHRASE, profile=CHEAPEST)
    with store:
        store.append(
            [Reading(time=utc_now() - timedelta(hours=1), kind=Kind.WEIGHT, value=80, device="scale")]
        )
        store.append_columns(Kind.ECG, "AA:01", columns(1000, utc_now() - timedelta(days=90)))
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    (tmp_path / "carer").write_text("a carer's own words\n")
    (folder / "settings.toml").write_text('timezone = "UTC"\n')
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    def command(*arguments: str, secret: str = "passphrase") -> subprocess.CompletedProcess[str]:  # noqa: S107
        opening = ["--home", str(home), "--passphrase-file", str(home.parent / secret)]
        return subprocess.run(
            [sys.executable, "-m", "healthslm", *opening, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


def test_a_carer_and_a_machine_are_let_in_and_sent_away(run: Run, home: Path) -> None:
    carer, machine = str(home.parent / "carer"), home.parent / "machine"
    assert run("keys", "add", "carer", "--label", "Anna", "--new-passphrase-file", carer).returncode == 0
    assert run("keys", "add", "machine", "--file", str(machine)).returncode == 0
    assert machine.stat().st_mode & 0o077 == 0
    listed = json.loads(run("keys", "list", "--json").stdout)
    assert [row["kind"] for row in listed] == ["passphrase", "recovery", "carer", "machine"]
    assert run("audit", secret="carer").returncode == 0
    trail = json.loads(run("audit", "--json", secret="machine").stdout)
    assert [entry["detail"].get("slot") for entry in trail][-2:] == ["Anna", "machine"]
    machine.chmod(0o644)
    refused = run("audit", secret="machine")
    assert refused.returncode == 3
    assert "chmod 600" in refused.stderr
    assert run("keys", "remove", "Anna").returncode == 0
    assert run("audit", secret="carer").returncode == 3


def test_a_credential_as_systemd_hands_it_over_opens_it(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it can, systemd lets the service read it by an access list, which shows as a mode of 440."""
    handed = home.parent / "credentials"
    handed.mkdir(0o700)
    assert run("keys", "add", "machine", "--file", str(handed / "healthslm")).returncode == 0
    (handed / "healthslm").chmod(0o440)
    assert run("audit", secret="credentials/healthslm").returncode == 3
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    opened = run("audit", secret="credentials/healthslm")
    assert opened.returncode == 0, opened.stderr
    (handed / "healthslm").chmod(0o444)
    assert run("audit", secret="credentials/healthslm").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["keys", "add", "dog"], "no kind of slot"),
        (["keys", "add", "machine"], "goes into a file"),
        (["keys", "remove", "nobody"], "no slot"),
        (["erase", "--confirm", "/"], "not the folder"),
        (["retention", "set", "hair", "90"], "neither a group nor a kind"),
        (["retention", "set", "dense", "soon"], "no number of days"),
        (["retention", "set", "dense", "1"], "cannot be"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(run: Run, home: Path, arguments: list[str], words: str) -> None:
    before = (home / "keys.json").read_bytes()
    said = run(*arguments)
    assert said.returncode in (1, 2)
    assert words in said.stderr.replace("\n", " ")
    assert "Traceback" not in said.stderr
    assert (home / "keys.json").read_bytes() == before


def test_another_data_key_is_told_with_what_falls_away(run: Run, home: Path) -> None:
    said = run("keys", "rotate")
    assert said.returncode == 0, said.stderr
    numbered = re.findall(r"(\d+) ([a-z]+) ", said.stderr[said.stderr.index("Write them on paper") :])
    words = " ".join(word for _, word in sorted((int(number), word) for number, word in numbered))
    with open_store(home, words) as store:
        assert store.count() == 1001
        assert store.trail()[-1].event == "keys changed"


def test_erased_is_erased(run: Run, home: Path) -> None:
    with open_store(home, PASSPHRASE) as store:  # the page's key beside it too
        certificates(store, (), datetime.now(UTC), os.urandom)
    assert list(home.glob("locked.pem"))
    said = run("erase", "--confirm", str(home))
    assert said.returncode == 0, said.stderr
    assert "Backups elsewhere" in said.stderr
    assert not [one for name in ("store*", "keys*", "locked*") for one in home.glob(name)]
    assert run("audit").returncode == 1


def test_erased_is_what_a_change_of_the_version_kept_too(home: Path, run: Run) -> None:
    """The copies that `device/pi/install.sh` keeps beside it: this store's slots, nobody else's."""
    create(home / "people" / "bee", PASSPHRASE, profile=CHEAPEST)[0].close()
    for name in ("before-2.0", "not-started-2.0.2"):
        shutil.copytree(home, home.parent / name / "store")
    (home.parent / "before-3.0" / "store").mkdir(parents=True)
    (home.parent / "before-3.0" / "store" / "keys.json").write_text("{")
    there = {path for path in home.parent.glob("*/store/**/keys.json") if path.parent.name != "bee"}
    assert len(there) == 3
    said = run("erase", "--confirm", str(home))
    assert said.returncode == 0, said.stderr
    assert str(home.parent / "before-2.0" / "store" / "keys.json") in said.stderr.replace("\n", "")
    left = sorted(str(path.relative_to(home.parent)) for path in home.parent.glob("*/store/**/keys.json"))
    assert left == [
        "before-2.0/store/people/bee/keys.json",
        "before-3.0/store/keys.json",
        "not-started-2.0.2/store/people/bee/keys.json",
    ]
    assert run("--person", "bee", "erase", "--confirm", str(home / "people" / "bee")).returncode == 0
    assert len(list(home.parent.glob("*/store/**/keys.json"))) == 1


def test_what_is_kept_how_long_is_shown_and_decided(run: Run) -> None:
    rows = {row["kind"]: row for row in json.loads(run("retention", "show", "--json").stdout)["kinds"]}
    assert (rows["ecg"]["days"], rows["weight"]["days"]) == (30, None)
    assert run("retention", "set", "ecg", "60").returncode == 0
    assert "60 days" in run("retention", "show").stdout


def test_the_doctor_says_how_it_is(run: Run, home: Path) -> None:
    found = run("doctor", "--verify")
    assert found.returncode == 0, found.stdout
    for word in (
        "1,001 readings",
        "aegis" if "aegis" in found.stdout else "chacha20",
        "audit trail",
        "backup",
    ):
        assert word in found.stdout
    checks = json.loads(run("doctor", "--json").stdout)
    assert {check["state"] for check in checks} <= {"ok", "attention", "unknown"}
    (verified,) = [check for check in checks if check["what"] == "verified"]
    assert "last read and found whole" in verified["said"]
    with open_store(home, PASSPHRASE) as store:
        store._database.rows("UPDATE rollups SET summary = histogram")
        store.put("a word", "to commit")
    broken = run("doctor", "--verify")
    assert broken.returncode == 1
    assert "roll-up" in broken.stdout


def test_no_core_is_written_and_nobody_may_look_into_the_process() -> None:
    program = (
        "import sys; from healthslm import secrecy; kept = secrecy.keep(lock_memory=False);"
        "print(kept.dumps, open('/proc/self/limits').read().split('Max core file size')[1].split()[0])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "0"]


def test_a_reading_is_looked_up_corrected_and_taken_out(run: Run) -> None:
    (weight,) = json.loads(run("readings", "list", "weight", "--json").stdout)
    assert run("readings", "correct", weight["id"], "79.5", "--reason", "typed wrongly").returncode == 0
    (weight,) = json.loads(run("readings", "list", "weight", "--json").stdout)
    assert weight["value"] == 79.5
    ecg = json.loads(run("readings", "list", "ecg", "--from", "2000-01-01", "--most", "2", "--json").stdout)
    assert len(ecg) == 2
    assert ecg[0]["id"].startswith("d")
    assert run("readings", "delete", ecg[0]["id"], "--reason", "a cable").returncode == 0
    left = json.loads(run("readings", "list", "ecg", "--from", "2000-01-01", "--most", "2", "--json").stdout)
    assert ecg[0]["id"] not in [row["id"] for row in left]
    trail = json.loads(run("audit", "--json").stdout)
    reasons = [entry["detail"]["reason"] for entry in trail if "reason" in entry["detail"]]
    assert reasons == ["typed wrongly", "a cable"]
    for arguments in (
        ["list", "hair"],
        ["delete", "d0zz", "--reason", "x"],
        ["delete", "soon", "--reason", "x"],
    ):
        said = run("readings", *arguments)
        assert said.returncode in (1, 2)
        assert "Traceback" not in said.stderr


def test_a_correction_must_be_a_value_that_a_body_can_have(run: Run) -> None:
    (row,) = json.loads(run("readings", "list", "weight", "--json").stdout)
    refused = run("readings", "correct", row["id"], "999", "--reason", "typed wrongly")
    assert refused.returncode == 2
    assert "between 0.2 and 650 kg" in refused.stderr
    assert run("readings", "correct", row["id"], "81", "--reason", "typed wrongly").returncode == 0
    (after,) = json.loads(run("readings", "list", "weight", "--json").stdout)
    assert after["value"] == 81


def test_new_recovery_words_get_a_label_of_their_own(run: Run) -> None:
    assert run("keys", "add", "recovery").returncode == 0
    labels = [row["label"] for row in json.loads(run("keys", "list", "--json").stdout)]
    assert len(labels) == len(set(labels)) == 3


def test_the_doctor_says_what_is_wrong_with_a_store_that_does_not_open(run: Run, home: Path) -> None:
    (home / "settings.toml").write_text(f'timezone = "UTC"\nstate = "{home.parent / "state"}"\n')
    older = (home / "store.db").read_bytes()
    assert run("keys", "add", "recovery").returncode == 0  # the trail grows
    for journal in home.glob("store.db-*"):
        journal.unlink()
    (home / "store.mark").unlink()
    (home / "store.db").write_bytes(older)
    result = run("doctor", "--json")
    assert result.returncode == 1, result.stderr
    (problem,) = [check for check in json.loads(result.stdout) if check["state"] == "problem"]
    assert problem["what"] == "store"
    assert "older" in problem["said"] or "lacks" in problem["said"]
    assert problem["next"]


def test_of_a_locked_store_the_doctor_says_what_needs_no_key(run: Run, home: Path) -> None:
    (home.parent / "wrong").write_text("not the passphrase\n")
    found = run("doctor", "--json", secret="wrong")
    assert found.returncode == 3
    assert "Traceback" not in found.stderr
    checks = {check["what"]: check for check in json.loads(found.stdout)}
    assert checks["store"]["state"] == "problem"
    assert checks["store"]["said"].startswith("locked: ")
    assert checks["opened by"]["said"] == "passphrase, recovery words"
    assert {"adapter", "disk", "clock", "model", "board", "at work"} <= checks.keys()
    assert not {"backup", "hook", "verified"} & checks.keys()


def test_of_damaged_keys_the_doctor_says_so_and_goes_on(run: Run, home: Path) -> None:
    (home / "keys.json").write_text("{")
    found = run("doctor", "--json")
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    checks = {check["what"]: check for check in json.loads(found.stdout)}
    assert (checks["store"]["state"], "keys.json" in checks["store"]["said"]) == ("problem", True)
    assert {"adapter", "disk"} <= checks.keys()


def test_without_a_store_the_doctor_looks_at_the_machine(run: Run, home: Path) -> None:
    found = run("--home", str(home.parent / "none"), "doctor", "--json")
    assert found.returncode == 1
    checks = {check["what"]: check for check in json.loads(found.stdout)}
    assert "There is no store" in checks["store"]["said"]
    assert {"adapter", "disk"} <= checks.keys()
    assert "at work" not in checks


def test_a_disk_that_the_kernel_does_not_name_is_unknown(tmp_path: Path) -> None:
    """As in a root that chroot made, or in some containers: nothing that is mounted is on the way to it."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "mountinfo").write_text("1 1 0:1 / /proc rw - proc proc rw\n")
    about = Session(settings=Settings(home=tmp_path / "none"), household=tmp_path)
    found = {check.what: check for check in doctor._disk(Machine(root=tmp_path), about)}
    assert found["file system"].state is State.UNKNOWN
    assert "names nothing that" in found["file system"].said
    assert {"disk", "swap"} <= found.keys()


def test_a_backup_that_was_read_back_is_known_to_the_doctor(run: Run, home: Path) -> None:
    def tried() -> list[dict[str, str]]:
        return [row for row in json.loads(run("doctor", "--json").stdout) if row["what"] == "backup tried"]

    assert tried() == []  # of none that was ever made
    file = str(home.parent / "today.backup")
    assert run("backup", file).returncode == 0
    assert [row["state"] for row in tried()] == ["attention"]
    assert run("backup", file, "--check").returncode == 0
    assert [row["state"] for row in tried()] == ["ok"]
    (entry,) = [
        row for row in json.loads(run("audit", "--json").stdout) if row["event"] == "backup read back"
    ]
    assert entry["detail"]["file"] == file


def test_another_stores_backup_says_nothing_of_this_one(run: Run, home: Path) -> None:
    file = str(home.parent / "today.backup")
    assert run("backup", file).returncode == 0
    other, _ = create(home.parent / "other", PASSPHRASE, profile=CHEAPEST)
    other.close()
    checked = run("--home", str(home.parent / "other"), "backup", file, "--check")
    assert checked.returncode == 0, checked.stderr
    with open_store(home.parent / "other", PASSPHRASE) as store:
        assert [entry.event for entry in store.trail()] == []


def test_a_hook_that_was_tested_is_known_to_the_doctor(run: Run, home: Path) -> None:
    def hook() -> dict[str, str]:
        (row,) = [row for row in json.loads(run("doctor", "--json").stdout) if row["what"] == "hook"]
        return row

    assert hook()["state"] == "attention"
    told = home.parent / "told"
    assert run("hooks", "add", "file", "--", "tee", str(told)).returncode == 0
    assert "file has taken nothing yet" in hook()["said"]
    assert run("hooks", "test", "file").returncode == 0
    assert told.exists()
    assert hook()["state"] == "ok"
