"""install.sh on a box in a folder: once, twice, to another version and back, and off again."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pi.box import INSTALL, MAIN_CONF, Box

pytestmark = pytest.mark.skipif(
    shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin") is None
    or (os.geteuid() != 0 and shutil.which("fakeroot") is None),
    reason="needs Debian's useradd, and root or fakeroot",
)
UNIT = "healthslm.service"
PAGE = "healthslm-companion.service"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Box:
    """A box with 1.0, installed once; the tests take copies of it."""
    box = Box(tmp_path_factory.mktemp("box"))
    box.prepare()
    done = box.install("1.0")
    assert done.returncode == 0, done.stderr
    return box


@pytest.fixture
def box(first: Box, tmp_path: Path) -> Box:
    return first.copied(tmp_path)


def test_once(first: Box) -> None:
    assert first.current() == "1.0"
    assert (first.data.stat().st_mode & 0o777) == 0o700
    user = next(
        line.split(":")
        for line in (first.root / "etc/passwd").read_text().splitlines()
        if "healthslm" in line
    )
    assert user[5:] == ["/var/lib/healthslm", "/usr/sbin/nologin"]
    assert "bluetooth:x:110:healthslm" in (first.root / "etc/group").read_text()
    if os.geteuid() == 0:
        assert first.data.stat().st_uid == int(user[2])
    for unit in (UNIT, PAGE):
        assert (first.root / "etc/systemd/system" / unit).read_text() == (INSTALL.parent / unit).read_text()
    assert os.access(first.root / "usr/local/bin/healthslm", os.X_OK)
    assert f"enable --quiet {UNIT}" in first.calls()
    assert not [call for call in first.calls() if call.startswith("start")], "there is no store yet"
    assert not [call for call in first.calls() if PAGE in call and "enable" in call], (
        "only if that is asked for"
    )


def test_twice_changes_nothing_and_says_so(box: Box) -> None:
    before = box.snapshot()
    again = box.install("1.0")
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[0].startswith("Nothing to change: healthslm 1.0-")
    assert box.snapshot() == before


def test_what_was_changed_by_hand_is_put_right(box: Box) -> None:
    before = box.snapshot()
    unit = box.root / "etc/systemd/system" / UNIT
    unit.write_text("[Service]\n")
    again = box.install("1.0")
    assert "Wrote /etc/systemd/system/healthslm.service" in again.stdout
    mode, _, _, _, content = box.snapshot()["etc/systemd/system/" + UNIT]
    assert (mode, content) == (
        before["etc/systemd/system/" + UNIT][0],
        before["etc/systemd/system/" + UNIT][4],
    )


def test_what_the_person_set_in_bluez_stays(box: Box) -> None:
    settings = (box.root / "etc/bluetooth/main.conf").read_text()
    assert settings.startswith(MAIN_CONF)
    added = settings.removeprefix(MAIN_CONF).splitlines()
    assert "MaxConnectionInterval=40" not in added, "theirs is 16"
    assert "AutoEnable=true" not in added, "it is so already"
    assert "[Policy]" not in added
    assert {"[LE]", "MinConnectionInterval=24", "ConnectionSupervisionTimeout=500", "Cache=always"} < set(
        added
    )
    assert "try-restart bluetooth.service" in box.calls()


def test_a_bluetooth_that_cannot_be_restarted_ends_nothing_half_way(box: Box) -> None:
    box.refuse("try-restart bluetooth.service")
    done = box.run("--uninstall", "--purge")
    assert done.returncode == 0, done.stderr
    assert "bluetooth.service could not be restarted" in done.stderr
    assert (box.root / "etc/bluetooth/main.conf").read_text() == MAIN_CONF
    assert not [path for path in box.snapshot() if "healthslm" in path]
    done = box.install("1.0")
    assert done.returncode == 0, done.stderr
    assert "bluetooth.service could not be restarted" in done.stderr
    assert box.current() == "1.0"


def test_another_version_is_put_beside_and_the_store_stays(box: Box) -> None:
    box.fill_store()
    box.activate(UNIT, PAGE)
    (box.root / "etc/healthslm").mkdir()
    (box.root / "etc/healthslm/machine.key").touch()  # it opens the store by itself
    done = box.install("2.0", migrations=2)
    assert done.returncode == 0, done.stderr
    assert (box.current(), box.versions()) == ("2.0", ["1.0", "2.0"])
    assert sorted(box.active()) == sorted([UNIT, PAGE])
    assert (box.data / "store/store.db").read_text() == "readings\n"
    # It would change the tables, so a copy was there when it was started; it is not needed any more.
    (seen,) = box.folder.glob("seen at start of 2.0*")
    assert "before-2.0" in seen.read_text()
    assert sorted(path.name for path in box.data.iterdir()) == [".local", "store"]
    done = box.install("3.0", migrations=2)
    assert done.returncode == 0, done.stderr
    (seen,) = box.folder.glob("seen at start of 3.0*")
    assert "before" not in seen.read_text(), "the tables stay as they are"
    assert box.versions() == ["2.0", "3.0"]


@pytest.mark.parametrize("migrations", [1, 2])
def test_a_version_that_does_not_come_up_is_taken_back(box: Box, migrations: int) -> None:
    box.fill_store()
    box.activate(UNIT)
    done = box.install("2.0.broken", migrations)
    assert done.returncode == 1
    assert "2.0.broken" in done.stderr
    assert "1.0" in done.stderr
    assert "is at work again" in done.stderr
    assert box.current() == "1.0"
    assert box.active() == [UNIT]
    if migrations > 1:  # what it had made of the store is undone, and not lost
        assert (box.data / "store/store.db").read_text() == "readings\n"
        assert (box.data / ".local/state/healthslm/witness").read_text() == "1\n"
        (aside,) = box.data.glob("not-started-2.0.broken-*")
        assert (aside / "store/store.db").read_text() == "readings\nchanged\n"
    else:
        assert (box.data / "store/store.db").read_text() == "readings\nchanged\n"
    assert not list(box.data.glob("before-*"))


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("mkdir", "*/not-started-*"),
        ("mv", "*/not-started-*/store"),
        ("mv", "*/before-*/store*/store"),
        ("mv", "*/before-*/state*/healthslm"),
    ],
    ids=["no place aside", "store not aside", "store not back", "note not back"],
)
def test_a_store_that_cannot_be_put_back_is_not_said_to_be(box: Box, command: str, arguments: str) -> None:
    """What is typed as it is said then leads to where it would have led."""
    box.fill_store()
    box.activate(UNIT)
    box.fail_at(command, arguments)
    done = box.install("2.0.broken", migrations=2)
    assert done.returncode == 1
    assert "is at work again" not in done.stderr
    assert "is as it was before" not in done.stdout
    assert f"could not be put back. Not started again: {UNIT}." in done.stderr
    assert box.active() == []
    (copy,) = box.data.glob("before-2.0.broken-*")
    assert f"is in /var/lib/healthslm/{copy.name}: keep that" in done.stderr
    box.mend(command)
    for line in done.stderr.splitlines():
        if line.startswith("  sudo "):
            box.type(line)
    assert (box.data / "store/store.db").read_text() == "readings\n"
    assert (box.data / ".local/state/healthslm/witness").read_text() == "1\n"
    assert not copy.exists()
    (aside,) = box.data.glob("not-started-2.0.broken-*")
    assert (aside / "store/store.db").read_text() == "readings\nchanged\n"
    assert (box.current(), box.active()) == ("1.0", [UNIT])


def test_a_copy_from_an_earlier_try_is_not_written_over(box: Box) -> None:
    """It may be all that is whole."""
    box.fill_store()
    box.activate(UNIT)
    box.fail_at("mv", "*/not-started-*/store")
    assert box.install("2.0.broken", migrations=2).returncode == 1
    done = box.install("2.0.broken", migrations=2)
    first, second = sorted(box.data.glob("before-2.0.broken-*"))
    assert (first / "store/store.db").read_text() == "readings\n"
    assert (second / "store/store.db").read_text() == "readings\nchanged\n"
    assert f"One from an earlier try stays in /var/lib/healthslm/{first.name};" in done.stdout


def test_what_an_earlier_try_made_and_cannot_be_deleted_is_said(box: Box) -> None:
    box.fill_store()
    box.activate(UNIT)
    assert box.install("2.0.broken", migrations=2).returncode == 1
    box.fail_at("rm", '"-rf "*/not-started-*')
    done = box.install("2.0.broken", migrations=2)
    assert done.returncode == 1
    first, second = sorted(box.data.glob("not-started-2.0.broken-*"))
    assert f"Next: sudo rm -r /var/lib/healthslm/{first.name}\n" in done.stderr
    assert f"made of it is in /var/lib/healthslm/{second.name}." in done.stdout
    assert "is at work again" in done.stderr
    assert (box.data / "store/store.db").read_text() == "readings\n"
    assert box.active() == [UNIT]


@pytest.mark.parametrize("state", ["activating", "deactivating", "reloading"])
def test_what_is_about_to_start_is_stopped_meanwhile(box: Box, state: str) -> None:
    """One that waits for its next start, or takes long to open the store, would write while it is copied."""
    box.fill_store()
    box.activate(UNIT, state=state)
    done = box.install("2.0", migrations=2)
    assert done.returncode == 0, done.stderr
    assert f"stop {UNIT}" in box.calls()
    assert box.active() == [UNIT]
    done = box.install("3.0.broken", migrations=3)
    assert done.returncode == 1
    assert (box.data / "store/store.db").read_text() == "readings\n"


@pytest.mark.parametrize("state", ["inactive", "failed", "unknown"])
def test_what_does_not_run_is_left_so(box: Box, state: str) -> None:
    box.fill_store()
    box.activate(UNIT, state=state)
    assert box.install("2.0").returncode == 0
    assert not [call for call in box.calls() if call.startswith(("stop", "start"))]


@pytest.mark.parametrize("runs", [True, False])
def test_a_copy_stays_until_the_store_was_opened(box: Box, runs: bool) -> None:
    """One that does not run is not started, and one that runs may be waiting for its passphrase."""
    box.fill_store()
    box.activate(*([UNIT] if runs else []))
    done = box.install("2.0", migrations=2)
    assert done.returncode == 0
    assert box.current() == "2.0"
    assert box.active() == ([UNIT] if runs else [])
    assert "delete it once this version has opened the store" in done.stdout
    assert list(box.data.glob("before-2.0-*/store/store.db"))


def test_what_failed_too_often_is_started_by_an_update(box: Box) -> None:
    box.fill_store()
    box.activate(UNIT)
    box.failed_too_often(UNIT)
    done = box.install("2.0")
    assert done.returncode == 0, done.stderr
    assert box.active() == [UNIT]


def test_what_failed_too_often_can_be_started_as_it_is_said(box: Box) -> None:
    box.fill_store()
    box.activate(UNIT, state="failed")
    box.failed_too_often(UNIT)
    assert "Next: sudo systemctl start healthslm" in box.install("1.0").stdout
    box.type(f"sudo systemctl start {UNIT}")
    assert box.active() == [UNIT]


def test_a_copy_that_cannot_be_deleted_is_said_and_ends_nothing_half_way(box: Box) -> None:
    box.fill_store()
    box.activate(UNIT)
    assert box.run("--unattended", "--yes").returncode == 0
    assert box.install("1.1").returncode == 0
    box.fail_at("rm", '"-rf "*/before-2.0-????????')
    done = box.install("2.0", migrations=2)
    assert done.returncode == 0, done.stderr
    (copy,) = box.data.glob("before-2.0-*")
    assert f"Next: sudo rm -r /var/lib/healthslm/{copy.name}\n" in done.stderr
    assert box.active() == [UNIT]
    assert box.versions() == ["1.1", "2.0"], "what comes after is done too"
    assert "healthslm 2.0-" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("failing", ["cp", "rm"])
def test_a_store_that_cannot_be_copied_is_left_and_what_ran_runs_again(box: Box, failing: str) -> None:
    box.fill_store()
    box.activate(UNIT, PAGE)
    box.failed_too_often(UNIT)
    box.fail_at(failing, "*/before-2.0-*.part*")
    done = box.install("2.0", migrations=2)
    assert done.returncode == 1
    assert "could not be copied before it is updated; nothing was changed" in done.stderr
    assert ("could not be deleted" in done.stderr) is (failing == "rm")
    assert "Not started again" not in done.stderr
    assert box.active() == sorted([UNIT, PAGE])
    assert box.current() == "1.0"
    assert not list(box.data.glob("before-*"))


def test_whatever_ends_a_change_half_way_what_ran_runs_again(box: Box) -> None:
    box.fill_store()
    box.activate(UNIT, PAGE)
    box.refuse("daemon-reload")
    done = box.install("2.0")
    assert done.returncode != 0
    assert box.active() == sorted([UNIT, PAGE])


def test_what_cannot_be_started_again_is_said(box: Box) -> None:
    box.fill_store()
    box.activate(UNIT)
    box.fail_at("cp", "*/before-2.0-*.part*")
    box.refuse(f"start {UNIT}")
    done = box.install("2.0", migrations=2)
    assert done.returncode == 1
    assert f"Not started again: {UNIT}" in done.stderr


def test_a_package_that_is_not_the_locked_one_is_refused(box: Box) -> None:
    before = box.snapshot()
    box.lock.write_text("small==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    done = box.install("2.0")
    assert done.returncode == 1
    assert "could not be installed" in done.stderr
    assert "HASHES" in done.stderr.upper()
    after = box.snapshot()
    assert {path: row for path, row in after.items() if row != before.get(path)}.keys() <= {"opt/healthslm"}
    assert before.keys() == after.keys()


def test_taken_off_it_leaves_what_was_measured(box: Box) -> None:
    box.fill_store()
    box.activate(UNIT)
    done = box.run("--uninstall")
    assert done.returncode == 0, done.stderr
    assert f"disable --quiet --now {UNIT}" in box.calls()
    assert "What was measured is still in /var/lib/healthslm" in done.stdout
    assert (box.data / "store/store.db").read_text() == "readings\n"
    assert not box.opt.exists()
    left = [
        path for path in box.snapshot() if "healthslm" in path and not path.startswith("var/lib/healthslm")
    ]
    assert left == []
    assert (box.root / "etc/bluetooth/main.conf").read_text() == MAIN_CONF
    assert "healthslm" in (box.root / "etc/passwd").read_text(), "the files are still somebody's"
    again = box.run("--uninstall")
    assert again.returncode == 0
    assert again.stdout.startswith("Nothing to change")


def test_purged_nothing_is_left(box: Box) -> None:
    box.fill_store()
    done = box.run("--uninstall", "--purge")
    assert done.returncode == 0, done.stderr
    assert not box.data.exists()
    assert "healthslm" not in (box.root / "etc/passwd").read_text()
    assert "healthslm" not in (box.root / "etc/group").read_text()


def drop_in(box: Box, unit: str, name: str = "10-unattended.conf") -> Path:
    return box.root / "etc/systemd/system" / f"{unit}.d" / name


@pytest.mark.parametrize("encrypts", [True, False])
def test_a_start_without_anybody_there_is_by_choice(box: Box, encrypts: bool) -> None:
    box.fill_store()
    box.failed_too_often(UNIT)
    if encrypts:
        body = '[ "$1" = encrypt ] || exit 1\ntr a-z n-za-m < "$3" > "$4"\n'
        box.stand_in("systemd-creds", f"#!/bin/sh\n{body}")
    (box.folder / "passphrase").write_text("passphrase\n")
    options = ["--unattended", "--yes", "--passphrase-file", str(box.folder / "passphrase")]
    done = box.run(*options)
    assert done.returncode == 0, done.stderr
    said = done.stdout.index("What it means"), done.stdout.index("A key for this machine is in")
    assert said[0] < said[1], "what it means is said before it is done"
    kept = box.root / "etc/healthslm" / ("machine.cred" if encrypts else "machine.key")
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert ("secret" in kept.read_text()) is not encrypts
    assert not (box.root / "run/healthslm-making").exists(), "the one that was made on the way is gone"
    load = "LoadCredentialEncrypted" if encrypts else "LoadCredential"
    assert f"{load}=healthslm:/etc/healthslm/{kept.name}\n" in drop_in(box, UNIT).read_text()
    start = (
        "ExecStart=/opt/healthslm/current/bin/healthslm --passphrase-file ${CREDENTIALS_DIRECTORY}/healthslm"
    )
    assert f"ExecStart=\n{start} run --quiet --wait\n" in drop_in(box, UNIT).read_text()
    assert f"ExecStart=\n{start} --person first companion serve --wait\n" in drop_in(box, PAGE).read_text()
    assert f"restart {UNIT}" in box.calls()
    before = box.snapshot()
    assert "Nothing to change" in box.run(*options).stdout
    assert "Nothing to change" in box.install("1.0").stdout
    assert box.snapshot() == before
    back = box.run("--attended")
    assert back.returncode == 0, back.stderr
    assert "keys remove" in back.stdout
    assert not kept.exists()
    assert not (box.root / "etc/systemd/system" / f"{UNIT}.d").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_what_is_set_by_systemctl_edit_counts_before_the_installers(box: Box) -> None:
    """systemd itself is asked in what order it reads them."""
    box.fill_store()
    assert box.run("--unattended", "--yes").returncode == 0
    drop_in(box, UNIT, "override.conf").write_text("[Service]\nExecStart=\nExecStart=/bin/true\n")
    said = subprocess.run(
        ["systemd-analyze", f"--root={box.root}", "cat-config", f"systemd/system/{UNIT}"],
        capture_output=True,
        text=True,
        check=True,
    )
    starts = [line for line in said.stdout.splitlines() if line.startswith("ExecStart=/")]
    assert len(starts) == 3
    assert starts[-1] == "ExecStart=/bin/true"


@pytest.mark.parametrize("arguments", [[], ["--unattended"], ["--attended"], ["--uninstall"]])
def test_of_a_box_that_was_unattended_before_nothing_is_left_twice(box: Box, arguments: list[str]) -> None:
    """The drop-in was called otherwise once."""
    box.fill_store()
    assert box.run("--unattended", "--yes").returncode == 0
    for unit in (UNIT, PAGE):
        drop_in(box, unit).rename(drop_in(box, unit, "unattended.conf"))
    calls = len(box.calls())
    done = box.run(*arguments) if arguments else box.install("1.0")
    assert done.returncode == 0, done.stderr
    assert "Nothing to change" not in done.stdout
    assert "daemon-reload" in box.calls()[calls:]
    for unit in (UNIT, PAGE):
        assert not drop_in(box, unit, "unattended.conf").exists()
        assert drop_in(box, unit).exists() is (arguments in ([], ["--unattended"]))


def test_a_slot_that_is_taken_is_to_be_removed_first(box: Box) -> None:
    """After --attended it is still in the store."""
    box.fill_store()
    assert box.run("--unattended", "--yes").returncode == 0
    assert box.run("--attended").returncode == 0
    before = box.snapshot()
    done = box.run("--unattended", "--yes")
    assert done.returncode == 1
    assert "There is a slot 'start without anybody' already" in done.stderr
    assert "sudo healthslm keys remove 'start without anybody', and say this again" in done.stderr
    assert box.snapshot().keys() == before.keys(), "no half of it is left"


def test_nobody_is_there_to_agree_to_it(box: Box) -> None:
    box.fill_store()
    before = box.snapshot()
    done = box.run("--unattended", feed="yes\n")
    assert done.returncode == 1
    assert "Nobody can be asked here" in done.stderr
    assert box.snapshot() == before


def test_without_a_store_there_is_nothing_to_start(box: Box) -> None:
    done = box.run("--unattended", "--yes")
    assert done.returncode == 1
    assert "healthslm init" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["--upside-down"], "--upside-down is not known here", 2),
        (["--wheel"], "--wheel needs a file", 2),
        (["--wheel", "/no/such.whl"], "/no/such.whl is not there", 1),
        (["--wheel", __file__], "is no wheel of healthslm", 1),
        (["--python", "/no/python"], "/no/python is missing", 1),
        (["--lock", "/no/lock"], "/no/lock is missing", 1),
    ],
)
def test_what_cannot_be_meant_is_refused(box: Box, arguments: list[str], said: str, code: int) -> None:
    before = box.snapshot()
    extra = [] if "--python" in arguments else ["--python", shutil.which("python3") or "python3"]
    done = box.run(*arguments, *(extra if code == 1 else []))
    assert done.returncode == code
    assert said in done.stderr
    assert box.snapshot() == before


def test_it_has_to_be_root(box: Box) -> None:
    box.stand_in("id", "#!/bin/sh\necho 1000\n")
    done = box.run()
    assert done.returncode == 1
    assert "has to be root" in done.stderr
