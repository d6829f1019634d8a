import json
import subprocess
import sys
from pathlib import Path

LEVELS = ("info", "watch", "urgent", "emergency")
EXAMPLES = Path(__file__).parent.parent / "examples"


def run(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], input=said, capture_output=True, text=True, timeout=60, check=False
    )


def test_read_a_strap() -> None:
    result = run(str(EXAMPLES / "read_a_strap.py"), "--virtual")
    assert result.returncode == 0, result.stderr
    beats = [line for line in result.stdout.splitlines() if "bpm" in line]
    assert len(beats) == 10
    assert all(line.endswith("60 bpm, RR 1000 ms") for line in beats)


def test_read_a_strap_without_bluetooth_says_what_to_do() -> None:
    """On a machine with an adapter this would wait for the strap; the sentence is tested in tests/device."""
    result = run(str(EXAMPLES / "read_a_strap.py"))
    assert result.returncode == 1
    assert "--virtual" in result.stderr


def test_log_alerts(tmp_path: Path) -> None:
    diary = tmp_path / "diary.txt"
    alert = {
        "schema": "healthslm.alert/1",
        "id": "a",
        "severity": "urgent",
        "raised_at": "2026-11-02T12:00:00+00:00",
        "message": "Look.",
    }
    for _ in range(2):
        assert run(str(EXAMPLES / "log_alerts.py"), str(diary), said=json.dumps(alert)).returncode == 0
    assert diary.read_text() == "2026-11-02T12:00:00+00:00 urgent: Look.\n" * 2


def test_log_alerts_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    result = run(str(EXAMPLES / "log_alerts.py"), str(tmp_path / "x"), said='{"schema": "other/9"}')
    assert result.returncode == 1
    assert "other/9" in result.stderr


def alert(severity: str, occasion: str = "new") -> str:
    return json.dumps({"schema": "healthslm.alert/1", "severity": severity, "occasion": occasion})


def test_buzzer_sounds_the_longer_the_more_severe_it_is() -> None:
    buzzer = str(EXAMPLES / "buzzer.py")
    sounds = [run(buzzer, "--dry-run", said=alert(level)).stdout.count("-") for level in LEVELS]
    assert sounds == sorted(set(sounds))
    assert run(buzzer, "--dry-run", said=alert("emergency", "over")).stdout == ""
    assert run(buzzer, "--dry-run", said='{"schema": "healthslm.heartbeat/1"}').stdout == ""


def test_buzzer_says_when_there_is_no_such_line(tmp_path: Path) -> None:
    """A pseudo-terminal has no DTR either, so the wire itself is tried by whoever has one."""
    result = run(str(EXAMPLES / "buzzer.py"), str(tmp_path / "ttyUSB0"), said=alert("urgent"))
    assert result.returncode != 0
    assert "ttyUSB0" in result.stderr


def test_every_example_is_tested() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f'"{path.name}"' in here, f"{path.name} is run by no test"
