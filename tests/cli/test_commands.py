"""The command as a person uses it: real processes, a real store, no radio."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from healthslm.readings import Device, Kind, Reading
from healthslm.store import CHEAPEST, create
from tests.making import DAY, at, series

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store with a day in it: a fever in the afternoon, an hour of oximetry, a strap that is set up."""
    folder = tmp_path / "home"
    store, _ = create(folder, "passphrase", profile=CHEAPEST)
    with store:
        store.put_device(Device(address="C0:FF:EE:00:00:01", name="ear thermometer"))
        rows = series(Kind.TEMPERATURE, at("12:00"), [36.8, 37.9, 38.4, 38.7, 38.2], every=3600)
        rows += series(Kind.SPO2, at("12:00"), [97] * 900, every=4)
        store.append(
            Reading(time=r.time, kind=r.kind, value=r.value, device="C0:FF:EE:00:00:01") for r in rows
        )
    (tmp_path / "passphrase").write_text("passphrase\n")
    (folder / "settings.toml").write_text('timezone = "UTC"\n')
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    def command(*arguments: str, said: str = "", passphrase: bool = True) -> subprocess.CompletedProcess[str]:
        opening = ["--home", str(home)]
        if passphrase:
            opening += ["--passphrase-file", str(home.parent / "passphrase")]
        return subprocess.run(
            [sys.executable, "-m", "healthslm", *opening, *arguments],
            input=said,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


def test_findings_say_what_and_what_to_do(run: Run) -> None:
    result = run("findings", "--from", "2026-11-02", "--to", "2026-11-03")
    assert result.returncode == 0, result.stderr
    assert "Fever" in result.stdout
    assert "highest temperature 38.7 °C" in result.stdout
    assert "Take your temperature again" in result.stdout
    assert "not a diagnosis" in result.stderr


def test_findings_as_json_lead_to_the_readings(run: Run) -> None:
    result = run("findings", "--from", "2026-11-02", "--to", "2026-11-03", "--json")
    (finding,) = json.loads(result.stdout)
    assert finding["rule"] == "fever"
    assert finding["evidence"][0]["value"] == 38.7
    assert finding["evidence"][0]["readings"] == [4]


def test_no_finding_says_what_there_was_to_look_at(run: Run) -> None:
    result = run("findings", "--from", "2026-11-02T12:00", "--to", "2026-11-02T13:00")
    assert "No rule found anything" in result.stdout
    assert "oxygen saturation: 900 readings, 100% of the time" in result.stdout
    empty = run("findings", "--from", "2025-01-01", "--to", "2025-01-02")
    assert "Nothing was measured" in empty.stdout


def test_the_summary_is_of_the_last_day_with_readings(run: Run) -> None:
    result = run("summary", "--template", "--json")
    summary = json.loads(result.stdout)
    assert summary["origin"] == "template"
    assert "38.7" in summary["text"]
    numbers = [n for s in summary["sentences"] for n in s["numbers"]]
    assert all(
        s["text"][n["start"] : n["end"]] == n["text"] for s in summary["sentences"] for n in s["numbers"]
    )
    assert all(n["evidence"]["readings"] for n in numbers)


def test_a_question_is_answered_with_its_evidence(run: Run) -> None:
    question = "What was my highest temperature yesterday?"
    result = run("ask", question, "--now", "2026-11-03T09:00", "--template", "--json")
    answer = json.loads(result.stdout)
    assert answer.keys() == {"tool", "arguments", "answer", "evidence", "origin"}
    assert answer["tool"] == "value"
    assert answer["arguments"]["period"] == {"start": "2026-11-02T00:00:00Z", "end": "2026-11-03T00:00:00Z"}
    assert "38.7 °C" in answer["answer"]
    assert answer["evidence"][0]["readings"] == [4]


@pytest.mark.parametrize(
    ("question", "tool", "words"),
    [
        ("I can't breathe and my chest hurts", "emergency", "emergency number now"),
        ("how much paracetamol should I take", "refuse", "doctor or pharmacist"),
        ("what was my weight yesterday", "value", "No device here measures weight"),
        ("lowest heart rate yesterday", "value", "there were no readings"),
        ("is my temperature going up", "trend", "a trend needs 3"),
        ("how are the batteries", "devices", "thermometer: its battery level is not known"),
        ("blub", "unclear", "did not understand"),
        ("was anything wrong yesterday", "findings", "38.7"),
    ],
)
def test_questions_of_every_sort(run: Run, question: str, tool: str, words: str) -> None:
    result = run("ask", question, "--now", "2026-11-03T09:00", "--template", "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["tool"] == tool
    assert words in answer["answer"]


def test_export_writes_both_files_and_warns(run: Run, tmp_path: Path) -> None:
    result = run("export", "clinician", "--out", str(tmp_path / "out"), "--template", "--plain")
    assert result.returncode == 0, result.stderr
    pdf, bundle = (Path(line) for line in result.stdout.split())
    assert pdf.read_bytes().startswith(b"%PDF")
    assert json.loads(bundle.read_text())["resourceType"] == "Bundle"
    assert "not encrypted" in result.stderr


def test_export_writes_tables_and_data_points(run: Run, tmp_path: Path) -> None:
    result = run(
        "export", "clinician", "--out", str(tmp_path), "--format", "csv,omh", "--template", "--plain"
    )
    assert result.returncode == 0, result.stderr
    paths = [Path(line) for line in result.stdout.split()]
    assert [path.name for path in paths if path.exists()] == [
        f"healthslm-2026-11-02.{ending}"
        for ending in (
            *("readings.csv", "hours.csv", "days.csv", "findings.csv", "notes.csv"),
            *("data-dictionary.csv", "data-dictionary.md", "omh.jsonl", "omh.left-out.json"),
        )
    ]
    assert paths[0].read_text().count("\n") == 1 + 5 + 900
    assert paths[-2].read_text().count("\n") == 5 + 900


def test_hooks_are_added_tested_listed_and_removed(run: Run, tmp_path: Path) -> None:
    got = tmp_path / "got.jsonl"
    assert run("hooks", "add", "diary", "--", "tee", "-a", str(got)).returncode == 0
    assert "already a hook" in run("hooks", "add", "diary", "true").stderr
    tested = run("hooks", "test", "diary")
    assert tested.returncode == 0, tested.stderr
    assert json.loads(got.read_text()) == json.loads(tested.stdout)
    assert json.loads(run("hooks", "list", "--json").stdout)[0]["target"] == f"tee -a {got}"
    assert run("hooks", "remove", "diary").returncode == 0
    assert run("hooks", "test", "diary").returncode == 2


def test_a_mail_is_set_up_with_its_server_and_a_password_that_is_not_shown(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush-hush\n")
    wanted = ("--server", "smtp.example.org", "--from", "me@example.org", "--user", "me")
    assert "needs a server" in run("hooks", "add", "carer", "mailto:carer@example.org").stderr
    added = run("hooks", "add", "carer", "mailto:carer@example.org", *wanted, "--password-file", str(secret))
    assert added.returncode == 0, added.stderr
    listed = run("hooks", "list", "--json").stdout
    assert json.loads(listed)[0]["target"] == "carer@example.org by smtp.example.org:587"
    assert "hush" not in listed + added.stdout + added.stderr


def test_a_broker_is_a_hook_and_its_password_is_not_shown(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush-hush\n")
    named = ("--user", "me", "--password-file", str(secret))
    assert run("hooks", "add", "home", "mqtts://home.example.org", *named).returncode == 0
    assert run("hooks", "add", "here", "mqtt://127.0.0.1").returncode == 0
    listed = run("hooks", "list", "--json").stdout
    targets = [row["target"] for row in json.loads(listed)]
    assert targets == ["mqtts://home.example.org:8883", "mqtt://127.0.0.1:1883"]
    assert "hush" not in listed
    assert "encrypted" in run("hooks", "add", "more", "mqtt://home.example.org").stderr
    refused = run("hooks", "add", "more", "mqtts://me:hush-hush@home.example.org")
    assert "--user" in refused.stderr
    assert "hush" not in refused.stdout + refused.stderr


def test_a_push_service_and_the_desktop_are_hooks_too(run: Run) -> None:
    assert run("hooks", "add", "phone", "ntfys://ntfy.example.org/t", "--text", "{severity}!").returncode == 0
    assert run("hooks", "add", "desk", "desktop:").returncode == 0
    kinds = [row["kind"] for row in json.loads(run("hooks", "list", "--json").stdout)]
    assert kinds == ["apprise", "desktop"]
    assert "is not told" in run("hooks", "add", "more", "desktop:", "--text", "{title}").stderr


def test_a_webhook_over_plain_http_is_refused(run: Run) -> None:
    result = run("hooks", "add", "web", "http://example.org/")
    assert result.returncode == 2
    assert "https" in result.stderr


def test_devices_are_added_listed_and_forgotten(run: Run) -> None:
    assert run("devices", "add", "c0:ff:ee:00:00:02", "--name", "strap").returncode == 0
    rows = json.loads(run("devices", "list", "--json").stdout)
    assert {r["name"] for r in rows} == {"ear thermometer", "strap"}
    heard = {r["name"]: r["last_heard"] for r in rows}
    assert heard["strap"] is None
    assert heard["ear thermometer"] == (DAY + timedelta(hours=16)).isoformat()
    assert run("devices", "forget", "C0:FF:EE:00:00:02").returncode == 0
    assert run("devices", "forget", "C0:FF:EE:00:00:02").returncode == 1


def test_decode_prints_the_fields_or_why_not(run: Run) -> None:
    fields = json.loads(run("decode", "2A37", "165a0004", "--json").stdout)
    assert fields["heart_rate"] == 90
    assert fields["rr_intervals"] == [1024]
    bad = run("decode", "2A37", "17")
    assert bad.returncode == 1
    assert "2A37 [17]" in bad.stderr
    assert run("decode", "2A37", "xyz").returncode == 2


@pytest.mark.parametrize("command", [["run"], ["devices", "scan", "--seconds", "1"]])
def test_without_bluetooth_one_sentence_says_what_to_do(run: Run, command: list[str], tmp_path: Path) -> None:
    """No D-Bus is what a machine without Bluetooth looks like to bleak."""
    nowhere = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/no-bus"}
    os.environ |= nowhere
    try:
        result = run(*command)
    finally:
        del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
    assert result.returncode == 1
    assert "Bluetooth" in result.stderr
    assert "try again" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["findings", "--from", "yesterday"], 2, "no date or time"),
        (["findings", "--from", "2026-11-03", "--to", "2026-11-02"], 2, "is empty. Swap them"),
        (["findings", "--from", "2026-11-03", "--to", "2026-11-03"], 2, "whole day: --to 2026-11-04"),
        (["findings", "--to", "2001-01-01"], 2, "Name --from too"),
        (["findings", "--from", "2999-01-01"], 2, "after now"),
        (["export", "clinician", "--out", "x", "--format", "docx"], 2, "docx"),
        (["devices", "add", "my-strap"], 2, "devices scan"),
        (["alerts", "ack", "nothing"], 2, "alerts list"),
        (["demo", "--rhythm", "no-such-file.csv", "--out", "x"], 1, "no-such-file.csv"),
    ],
)
def test_what_cannot_work_is_named(run: Run, arguments: list[str], code: int, words: str) -> None:
    result = run(*arguments)
    assert result.returncode == code, result.stderr
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_wrong_passphrase_is_exit_code_3(run: Run, home: Path) -> None:
    (home.parent / "passphrase").write_text("wrong\n")
    result = run("findings")
    assert result.returncode == 3
    assert "Traceback" not in result.stderr


def test_without_a_terminal_the_passphrase_is_not_asked_for(run: Run) -> None:
    result = run("findings", passphrase=False)
    assert result.returncode == 3
    assert "--passphrase-file" in result.stderr


def test_no_store_says_how_to_make_one(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "healthslm", "--home", str(tmp_path / "none"), "summary"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "healthslm init" in result.stderr


def test_init_makes_a_store_that_the_recovery_words_open(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("four plain words here\n")
    base = [sys.executable, "-m", "healthslm", "--home", str(tmp_path / "home"), "--passphrase-file"]
    init = [
        *base,
        str(tmp_path / "passphrase"),
        "init",
        "--name",
        "Zoë",
        "--recovery-file",
        str(tmp_path / "words"),
    ]
    made = subprocess.run(init, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    words = (tmp_path / "words").read_text()
    assert len(words.split()) == 24
    assert (tmp_path / "words").stat().st_mode & 0o077 == 0
    assert words.split()[0] not in made.stdout + made.stderr
    listed = subprocess.run(
        [*base, str(tmp_path / "words"), "devices", "list", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(listed.stdout) == []
    again = subprocess.run(init, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 2
    assert "already" in again.stderr


def test_settings_that_cannot_be_read_name_the_line(run: Run, home: Path) -> None:
    (home / "settings.toml").write_text('timezone = "Mars/Olympus"\n')
    result = run("findings")
    assert result.returncode == 2
    assert "Mars/Olympus" in result.stderr


def test_a_day_is_a_local_day(run: Run, home: Path) -> None:
    """The readings begin at noon UTC, which is one in the morning of the next day in Auckland."""
    (home / "settings.toml").write_text('timezone = "Pacific/Auckland"\n')
    assert "Nothing was measured" in run("findings", "--from", "2026-11-02", "--to", "2026-11-03").stdout
    assert (
        "Fever, Tuesday 2026-11-03 03:00"
        in run("findings", "--from", "2026-11-03", "--to", "2026-11-04").stdout
    )
