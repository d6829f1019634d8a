"""Alerts and hooks from the command line."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from healthslm.alerts import Engine, parse_hooks
from healthslm.alerts.watch import Watch
from healthslm.cli.running import only_one
from healthslm.clock import utc_now
from healthslm.readings import Finding, Severity
from healthslm.store import CHEAPEST, create, open_store

Run = Callable[..., subprocess.CompletedProcess[str]]
FALL = Watch("low_spo2", timedelta(minutes=30))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with store:
        _raise(store, Severity.URGENT)
    (tmp_path / "passphrase").write_text("passphrase\n")
    (tmp_path / "home" / "settings.toml").write_text('timezone = "UTC"\n')
    return tmp_path / "home"


def _raise(store: object, severity: Severity) -> None:
    now = utc_now()
    hooks = parse_hooks([{"kind": "command", "name": "carer", "argv": ["true"], "after_min": 10}])
    engine = Engine(store, hooks, clock=utc_now)  # type: ignore[arg-type]
    finding = Finding(
        rule="low_spo2", version="1", severity=severity, title="Low oxygen", action="Sit up.", source="",
        start=now, end=now,
    )  # fmt: skip
    engine.update(FALL, finding, now)


@pytest.fixture
def run(home: Path) -> Run:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
        return subprocess.run(
            [sys.executable, "-m", "healthslm", *opening, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


def one(run: Run) -> dict[str, object]:
    (alert,) = json.loads(run("alerts", "list", "--json").stdout)
    return dict(alert)


def test_who_has_seen_it_is_kept_and_shown(run: Run) -> None:
    seen = run("alerts", "ack", str(one(run)["id"])[:8], "--by", "Anna\x1b[2J")
    assert seen.returncode == 0, seen.stderr
    alert = one(run)
    assert alert["state"] == "acknowledged"
    assert "Anna" in str(alert["acknowledged_by"])
    assert "\x1b" not in seen.stderr + str(alert)
    assert "acknowledged" in run("alerts", "list").stdout
    assert "alert acknowledged" in run("audit").stdout


def test_all_can_be_said_to_have_been_seen(run: Run) -> None:
    assert run("alerts", "ack", "--all").returncode == 0
    assert one(run)["state"] == "acknowledged"
    assert run("alerts", "ack").returncode == 2


def test_a_snooze_is_of_the_lengths_that_are_allowed(run: Run) -> None:
    id_ = str(one(run)["id"])
    refused = run("alerts", "snooze", id_, "--for", "600")
    assert refused.returncode == 2
    assert "15, 30, 60, 120" in refused.stderr
    assert run("alerts", "snooze", id_, "--for", "30").returncode == 0
    assert one(run)["held"] == "snoozed"
    assert "held back: snoozed, until" in run("alerts", "list").stdout


def test_everything_is_snoozed_and_that_is_ended(run: Run) -> None:
    assert "but emergencies" in run("alerts", "snooze", "--all", "--for", "60").stderr
    assert one(run)["held"] == "snoozed"
    run("alerts", "snooze", "--all", "--for", "0")
    assert one(run)["held"] is None


def test_the_policy_is_set_and_what_is_wrong_changes_nothing(run: Run) -> None:
    assert run("alerts", "policy", "quiet=22:00-07:00", "cap=nonsense").returncode == 2
    shown = {row["name"]: row for row in json.loads(run("alerts", "policy", "--json").stdout)}
    assert shown["quiet"]["value"] == "none"
    run("alerts", "policy", "quiet=22:00-07:00")
    shown = {row["name"]: row for row in json.loads(run("alerts", "policy", "--json").stdout)}
    assert (shown["quiet"]["value"], shown["quiet"]["own"]) == ("22:00-07:00", True)
    run("alerts", "policy", "--reset")
    assert not any(row["own"] for row in json.loads(run("alerts", "policy", "--json").stdout))


def test_a_hook_is_told_when_and_of_what_it_was_said(run: Run) -> None:
    added = run(
        "hooks", "add", "carer", "--after", "10", "--least", "urgent", "--rules", "fever,low_spo2", "--over",
        "--heartbeat", "5", "--vitals", "heart_rate", "--", "true",
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    (hook,) = json.loads(run("hooks", "list", "--json").stdout)
    assert (hook["after_min"], hook["least"], hook["rules"]) == (10, "urgent", ["fever", "low_spo2"])
    assert (hook["over"], hook["heartbeat_min"], hook["vitals"]) == (True, 5, ["heart_rate"])
    shown = " ".join(run("hooks", "list").stdout.split())
    assert "urgent" in shown
    assert run("hooks", "add", "other", "--rules", "nonsense", "--", "true").returncode == 2
    assert run("hooks", "add", "other", "--vitals", "nonsense", "--", "true").returncode == 2
    assert run("hooks", "add", "other", "--form", "fhir", "--", "true").returncode == 2


def test_a_test_says_hook_by_hook_what_arrived(run: Run, tmp_path: Path) -> None:
    run("hooks", "add", "file", "--tell", "title", "--", "tee", str(tmp_path / "told"))
    run("hooks", "add", "broken", "--", "false")
    tried = run("alerts", "test", "--level", "urgent")
    assert tried.returncode == 1
    assert "file took it" in tried.stderr
    assert "broken did not take it. hook broken: false ended with 1" in tried.stderr
    told = json.loads((tmp_path / "told").read_text())
    assert (told["occasion"], told["severity"]) == ("test", "urgent")
    hooks = {hook["name"]: hook for hook in json.loads(run("hooks", "list", "--json").stdout)}
    assert hooks["broken"]["waiting"] == 0


def test_what_was_given_up_is_shown_and_tried_once_more(run: Run, home: Path) -> None:
    run("hooks", "add", "broken", "--", "false")
    with open_store(home, "passphrase") as store:
        row = store.outbox_add(["a"], "broken", "{}", utc_now())
        store.outbox_failed(row, "hook broken: false ended with 1.")
        store.outbox_bury(row)
    listed = run("hooks", "list")
    assert "1 given up" in " ".join(listed.stdout.split())
    assert "hooks retry broken" in listed.stderr
    run("hooks", "retry", "broken")
    (hook,) = json.loads(run("hooks", "list", "--json").stdout)
    assert (hook["waiting"], hook["dead"]) == (1, 0)


def test_the_heartbeat_needs_no_key_and_tells_a_hanging_one(home: Path) -> None:
    def heartbeat() -> tuple[int, dict[str, object]]:
        asked = subprocess.run(
            [sys.executable, "-m", "healthslm", "--home", str(home), "alerts", "heartbeat", "--json"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return asked.returncode, json.loads(asked.stdout)

    assert heartbeat() == (1, {"running": False, "hangs": False, "last": None})
    with only_one(home):
        assert heartbeat()[0] == 0
        beat = {"at": (utc_now() - timedelta(minutes=5)).isoformat(), "clean": False}
        (home / "heartbeat.json").write_text(json.dumps(beat))
        code, said = heartbeat()
        assert (code, said["running"], said["hangs"]) == (1, True, True)


def test_a_listener_that_is_killed_is_told_of_by_the_courier(run: Run, home: Path, tmp_path: Path) -> None:
    """The lock is let go of when it is killed, and its courier sees that nobody has taken it since."""
    run("hooks", "add", "file", "--tell", "title", "--", "tee", "-a", str(tmp_path / "told"))
    code = f"""
import asyncio, pathlib
from healthslm.alerts.process import CourierProcess
from healthslm.alerts.stopped import stopped
from healthslm.alerts import parse_hooks
from healthslm.cli.running import LOCK, only_one
from healthslm.clock import utc_now
home = pathlib.Path({str(home)!r})
hooks = parse_hooks([{{"kind": "command", "name": "file", "argv": ["tee", {str(tmp_path / "told")!r}],
                       "tell": "title"}}])
async def main():
    with only_one(home):
        async with CourierProcess() as courier:
            await courier.watch_over(list(stopped(hooks, utc_now())), home / LOCK, 0.2)
            await courier.warm(hooks)
            print("ready", flush=True)
            await asyncio.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "ready\n"
        os.kill(listener.pid, signal.SIGKILL)
    told = tmp_path / "told"
    for _ in range(200):
        if told.exists() and told.read_text():
            break
        subprocess.run(["sleep", "0.05"], check=True)
    said = json.loads(told.read_text())
    assert (said["occasion"], said["title"]) == ("stopped", "healthslm has stopped")
