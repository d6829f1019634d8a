"""The whole way, once: radio, store, rules, hooks, model, page; with the network cut where that can be."""

import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from device.virtual import Day, Happening, rhythm_from_csv
from healthslm.alerts import Alert, AlertState
from healthslm.cli.measure import RHYTHM
from healthslm.collector import Update
from healthslm.demo import Screen
from healthslm.readings import Finding, Severity
from healthslm.store import open_store

ROOT = Path(__file__).parent.parent
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sH14s", b"lo", 0x1 | 0x40, b""))  # SIOCSIFFLAGS: up, running
try:
    socket.create_connection(("192.0.2.1", 443), timeout=1)
    sys.exit("there is a network here")
except OSError:
    pass
os.execv(sys.executable, [sys.executable, "-m", "healthslm", *sys.argv[1:]])
"""
DEMO = ["demo", "--rhythm", str(ROOT / RHYTHM), "--out"]
UNSHARE = ["unshare", "--net", "--map-root-user", sys.executable, "-c", LOOPBACK_UP]


def without_network() -> list[str]:
    """The start of a command that runs healthslm in a network namespace with nothing but loopback."""
    if shutil.which("unshare"):
        probe = subprocess.run([*UNSHARE, "--version"], capture_output=True, timeout=30, check=False)
        if probe.returncode == 0:
            return UNSHARE
    return []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("demo")
    out = folder / "out"
    (folder / "settings.toml").write_text('timezone = "UTC"\n')
    start = without_network() or [sys.executable, "-m", "healthslm"]
    result = subprocess.run(
        [*start, "--home", str(folder), *DEMO, str(out), "--seconds", "0", "--json"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return out, result


pytestmark = pytest.mark.model


def test_the_demo_needs_no_network(demo) -> None:
    if not without_network():
        pytest.skip("this machine allows no network namespace; the demo ran with its network")
    _, result = demo  # it was well, and so without a network
    assert result.args[: len(UNSHARE)] == UNSHARE


def test_an_alert_of_no_event_is_shown_and_timed_too() -> None:
    now = datetime(2026, 11, 2, 20, tzinfo=UTC)
    screen = Screen(zone=ZoneInfo("UTC"), names={}, now=now)
    finding = Finding(rule="r", version="1", severity=Severity.WATCH, title="Low", action="Look.", source="s",
                      start=now, end=now)  # fmt: skip
    alert = Alert(id="a", rule="r", state=AlertState.RAISED, severity=Severity.WATCH, finding=finding,
                  raised_at=now, last_seen=now)  # fmt: skip
    screen.take(Update(event=None, alerts=[alert]))
    screen.delivered("a", "bell")
    assert [line.plain.split()[-1] for line in screen.lines] == ["Low", "ms"]
    assert 0 <= screen.latencies["bell"][0] < 60_000


def test_four_wearables_are_found_and_one_is_picked_up_again(demo) -> None:
    _, result = demo
    for name in ("Chest strap", "Pulse oximeter", "Blood pressure cuff", "Thermometer"):
        assert f"found {name}" in result.stderr
    assert "link lost" in result.stderr
    assert "Chest strap is back" in result.stderr


def test_every_measurement_that_was_heard_is_in_the_store(demo) -> None:
    out, result = demo
    assert "0 refused, 0 lost unread" in " ".join(result.stderr.split())
    with open_store(out / "store", "only for the demo") as store:
        assert store.count() > 30_000
        store.verify()


def test_the_store_is_not_for_plain_sqlite(demo) -> None:
    out, result = demo
    assert "file is not a database" in result.stderr
    with pytest.raises(sqlite3.DatabaseError), sqlite3.connect(out / "store" / "store.db") as plain:
        plain.execute("SELECT * FROM sqlite_master").fetchall()
    plain.close()


def test_the_four_findings_reach_both_hooks_while_the_day_runs(demo) -> None:
    out, result = demo
    alerts = [json.loads(line) for line in (out / "alerts.jsonl").read_text().splitlines()]
    assert {a["finding"]["rule"] for a in alerts} == {
        "fever",
        "low_spo2",
        "irregular_rhythm",
        "high_pressure",
    }
    said = " ".join(result.stderr.split())
    assert f"command: {len(alerts)} alerts" in said
    assert f"webhook: {len(alerts)} alerts" in said
    assert f"checked {len(alerts)} signatures, all good" in said


def test_alerts_are_raised_when_it_happened(demo) -> None:
    """The day knows what is true of it: nothing is raised before it began, nor when it was over."""
    out, _ = demo
    first: dict[str, datetime] = {}
    for line in (out / "alerts.jsonl").read_text().splitlines():
        alert = json.loads(line)
        first.setdefault(alert["finding"]["rule"], datetime.fromisoformat(alert["raised_at"]))
    midnight = datetime.combine(first["fever"].date(), datetime.min.time(), UTC)
    day = Day(midnight=midnight, rhythm=rhythm_from_csv(ROOT / RHYTHM))
    spells: dict[str, Happening] = {}
    for true in day.truth():
        spells.setdefault(true.name, true)
    for rule, name in (
        ("fever", "fever"),
        ("low_spo2", "low oxygen"),
        ("high_pressure", "high pressure"),
        ("irregular_rhythm", "atrial fibrillation"),
    ):
        # A wobbling signal crosses a little before its course does.
        spell = spells[name]
        assert spell.start - timedelta(minutes=40) <= first[rule] <= spell.end, rule


def test_every_number_of_the_summary_stands_on_readings(demo) -> None:
    out, result = demo
    summary = json.loads(result.stdout)
    with open_store(out / "store", "only for the demo") as store:
        for sentence in summary["sentences"]:
            for number in sentence["numbers"]:
                evidence = number["evidence"]
                assert evidence["readings"], sentence["text"]
                found = [store.reading(i) for i in evidence["readings"]]
                assert all(found)
                if len(found) == 1 and ":" not in number["text"] and "coverage" not in evidence["name"]:
                    assert found[0] is not None
                    assert found[0].value == pytest.approx(float(number["text"]), abs=0.06)


def test_the_question_is_answered(demo) -> None:
    _, result = demo
    assert "What was my highest temperature yesterday?" in result.stderr
    assert "38.8" in result.stderr.split("4 · A question")[1].split("5 ·")[0]


def test_what_is_in_the_clear_is_only_for_its_owner(demo) -> None:
    out, result = demo
    assert out.stat().st_mode & 0o077 == 0
    for name in ("alerts.jsonl", "passphrase.txt"):
        assert (out / name).stat().st_mode & 0o077 == 0
    assert "The whole way took" in result.stderr


def test_the_files_open(demo) -> None:
    out, _ = demo
    (pdf,) = out.glob("*.pdf")
    (bundle,) = out.glob("*.fhir.json")
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert json.loads(bundle.read_text())["resourceType"] == "Bundle"


def test_a_folder_that_is_not_a_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    result = subprocess.run(
        [sys.executable, "-m", "healthslm", *DEMO, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert "--out" in result.stderr
    assert (tmp_path / "precious.txt").read_text() == "mine"
