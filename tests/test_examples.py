import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from healthslm.store import Store
from healthslm.store.whole import Whole
from tests.archive.everything import archive_of, fill

LEVELS = ("info", "watch", "urgent", "emergency")
EXAMPLES = Path(__file__).parent.parent / "examples"


BUZZER = str(EXAMPLES / "buzzer.py")


def run(*arguments: str, said: str = "", path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program; `path` is a folder whose modules go before all others."""
    return subprocess.run(
        [sys.executable, *arguments],
        input=said,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(path)} if path else None,
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


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """What a program that failed says: one line, so that `hooks list` can show it."""
    assert result.returncode != 0
    (line,) = result.stderr.splitlines()
    return line


def test_buzzer_sounds_the_longer_the_more_severe_it_is() -> None:
    sounds = [run(BUZZER, "--dry-run", said=alert(level)).stdout.count("-") for level in LEVELS]
    assert sounds == sorted(set(sounds))
    assert run(BUZZER, "--dry-run", said=alert("emergency", "over")).stdout == ""
    assert run(BUZZER, "--dry-run", said='{"schema": "healthslm.heartbeat/1"}').stdout == ""


def test_buzzer_says_when_there_is_no_such_line(tmp_path: Path) -> None:
    """A pseudo-terminal has no DTR either, so the wire itself is tried by whoever has one."""
    missing = one_line(run(BUZZER, str(tmp_path / "ttyUSB0"), said=alert("urgent")))
    assert "ttyUSB0" in missing
    assert "ls /dev/ttyUSB*" in missing
    (tmp_path / "file").touch()
    assert "no DTR wire" in one_line(run(BUZZER, str(tmp_path / "file"), said=alert("urgent")))


@pytest.mark.parametrize(
    ("gpiozero", "where", "said"),
    [
        ("raise ImportError", "gpio:17", "apt install python3-gpiozero"),
        ("def DigitalOutputDevice(n): raise RuntimeError('no pins\\nhere')", "gpio:99", "no pins here"),
        ("DigitalOutputDevice = None", "gpio:x", "like gpio:17"),
    ],
)
def test_buzzer_says_when_there_is_no_such_pin(tmp_path: Path, gpiozero: str, where: str, said: str) -> None:
    (tmp_path / "gpiozero.py").write_text(gpiozero)
    assert said in one_line(run(BUZZER, where, said=alert("urgent"), path=tmp_path))


def test_buzzer_switches_a_pin_and_leaves_it_off(tmp_path: Path) -> None:
    (tmp_path / "gpiozero.py").write_text(
        "class DigitalOutputDevice:\n"
        "    def __init__(self, n): print(n)\n"
        "    def on(self): print('on')\n"
        "    def off(self): print('off')\n"
    )
    sounded = run(BUZZER, "gpio:17", said=alert("watch"), path=tmp_path)
    assert sounded.stdout.split() == ["17", "on", "on", "off"]


@pytest.mark.parametrize(
    "said", ["fever", "[]", "", '{"severity": "urgent"}', '{"resourceType": "DetectedIssue"}', alert("worst")]
)
def test_buzzer_says_when_it_is_given_no_alert(said: str) -> None:
    """It names the next step: nobody who adds a hook has read its source."""
    assert "standard input" in one_line(run(BUZZER, "gpio:17", said=said))


def test_buzzer_can_be_tried_at_once() -> None:
    assert run(BUZZER).returncode == 2
    assert "hooks add buzzer" in run(BUZZER, "--help").stdout
    ours, its = pty.openpty()
    try:
        at_a_terminal = subprocess.run(
            [sys.executable, BUZZER, "--dry-run"],
            stdin=its,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    finally:
        os.close(ours)
        os.close(its)
    for tried in (at_a_terminal, run(BUZZER, "--dry-run")):
        assert "healthslm.alert/1" in tried.stderr
        assert "-" in tried.stdout


def test_read_an_archive(store: Store, tmp_path: Path) -> None:
    """With nothing of healthslm every reading is read, bit by bit."""
    fill(store)
    (tmp_path / "archive.zip").write_bytes(archive_of(store))
    result = run(str(EXAMPLES / "read_an_archive.py"), str(tmp_path / "archive.zip"))
    assert result.returncode == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.split("\n") if line]
    told = {(r["kind"], r["device"], r["time_us"], float(r["value"]).hex(), r["quality"]) for r in found}
    assert len(found) == len(told) == store.count()
    whole = Whole(store)
    with whole.moment():
        for stream in whole.streams():
            of = (stream.kind.value, stream.address)
            for columns in whole.columns(stream, 1 << 20):
                rows = zip(*(column.tolist() for column in columns), strict=True)
                assert {(*of, time, value.hex(), quality) for time, value, quality in rows} <= told


def test_every_example_is_tested() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f'"{path.name}"' in here, f"{path.name} is run by no test"
