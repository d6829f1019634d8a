"""`ask --plan` and `note`: a line of JSON each, without a store; a note is kept with its level."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from healthslm.store import CHEAPEST, create, open_store


def run(home: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    opening = ["--home", str(home), "--passphrase-file", str(home.parent / "passphrase")]
    return subprocess.run(
        [sys.executable, "-m", "healthslm", *opening, *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_questions_on_standard_input_become_a_line_each_without_a_store(tmp_path: Path) -> None:
    given = "What was my highest heart rate yesterday?\n\nI can't breathe\nlowest SpO2 on Monday\n"
    result = run(tmp_path / "none", "ask", "--plan", "--template", "--now", "2026-11-04T15:30", given=given)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["tool"] for one in lines] == ["value", "unclear", "emergency", "value"]
    assert lines[0]["arguments"]["statistic"] == "max"
    assert lines[3]["arguments"]["period"]["start"].startswith("2026-11-02T00:00")
    assert not (tmp_path / "none").exists()


def test_a_note_is_levelled_without_a_store(tmp_path: Path) -> None:
    result = run(tmp_path / "none", "note", "--plan", "--template", "my chest hurts and I feel sick")
    assert json.loads(result.stdout)["level"] == "emergency"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["ask", "note"])
def test_nothing_asked_is_said(tmp_path: Path, command: str) -> None:
    result = run(tmp_path / "none", command)
    assert result.returncode == 2
    assert "There is no" in result.stderr


def test_a_note_is_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store, _ = create(home, "passphrase", profile=CHEAPEST)
    store.close()
    (tmp_path / "passphrase").write_text("passphrase\n")
    result = run(home, "note", "--json", "--template", "walked the dog, felt well")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["level"] == "info"
    with open_store(home, "passphrase") as again:
        (note,) = again.notes(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    assert (note.text, note.level, note.origin) == ("walked the dog, felt well", "info", "template")


def test_the_notice_of_an_emergency_waits_for_no_store(tmp_path: Path) -> None:
    asked = run(tmp_path / "none", "ask", "I can't breathe")
    assert asked.returncode == 0
    assert "Call the emergency number now" in " ".join(asked.stdout.replace("│", "").split())
    noted = run(tmp_path / "none", "note", "my chest hurts and I feel sick")
    assert noted.returncode == 1  # there is no store to keep it in; the notice stands before that
    assert noted.stderr.startswith("This can be an emergency.")


@pytest.mark.parametrize("text", ["   ", "\u200b\u2060", "\x01\x1b"])
def test_a_note_of_which_nothing_can_be_seen_is_none(tmp_path: Path, text: str) -> None:
    result = run(tmp_path / "none", "note", text)
    assert result.returncode == 2
    assert "There is no note" in result.stderr


def test_50_kb_of_pasted_text_are_answered(tmp_path: Path) -> None:
    given = "lorem ipsum dolor sit amet " * 2000 + "\n" + "\x00\x1b[2J😀 \n"
    result = run(tmp_path / "none", "ask", "--plan", "--template", given=given)
    assert [json.loads(line)["tool"] for line in result.stdout.splitlines()] == ["unclear", "unclear"]
    assert "\x1b" not in result.stdout
