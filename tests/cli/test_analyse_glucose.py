import json
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parent.parent / "data" / "glucose" / "clarity-2-days.csv"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "healthslm", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_export_as_data() -> None:
    found = json.loads(run("analyse", "glucose", str(FILE), "--json").stdout)
    assert (found["source"], found["unit"], found["readings"]) == ("clarity", "mg/dL", 588)
    assert found["sufficient"] is False
    assert "asks for 14 days" in found["insufficient_because"]
    metrics = found["metrics"]
    assert metrics["gmi"] == pytest.approx(3.31 + 0.02392 * metrics["mean"])
    parts = ("tbr_level2", "tbr_level1", "tir", "tar_level1", "tar_level2")
    assert sum(metrics[part] for part in parts) == pytest.approx(100)
    assert metrics["mage"] > metrics["sd"]
    assert len(found["agp"]["time"]) == len(found["agp"]["p50"]) == 288
    low = [one for one in found["episodes"] if one["direction"] == "low" and one["level"] == 1]
    assert metrics["episodes_low_level1"] == len(low)
    assert found["forecast"]["low"] < found["forecast"]["value"] < found["forecast"]["high"]
    assert found["problems"] == []


def test_for_a_person() -> None:
    shown = run("analyse", "glucose", str(FILE))
    assert shown.returncode == 0
    assert "glucose management indicator" in shown.stdout
    assert "588 readings in mg/dL" in shown.stdout
    assert "Not enough to stand for this person" in shown.stderr


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "time,glucose mg/dL\n", "time,glucose mg/dL\n2026-11-02 08:00,-\n"]
)
def test_a_file_without_a_reading_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "none.csv"
    file.write_text(text)
    for more in ((), ("--json",)):
        refused = run("analyse", "glucose", str(file), *more)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "none.csv: nothing can be used" in refused.stderr
        assert "a column of times" in " ".join(refused.stderr.split())
    file.write_text("time,glucose mg/dL\n2026-11-02 08:00,Low\n")
    low = run("analyse", "glucose", str(file))
    assert low.returncode == 0
    assert "'Low', below what the sensor shows" in " ".join(low.stderr.split())


@pytest.mark.parametrize("rows", [1, 2])
def test_little_is_no_error(tmp_path: Path, rows: int) -> None:
    file = tmp_path / "little.csv"
    body = [f"2026-11-02 08:{5 * i:02d}:00,{100 + i}" for i in range(rows)]
    file.write_text("\n".join(["time,glucose mg/dL", *body]) + "\n")
    shown = run("analyse", "glucose", str(file))
    assert shown.returncode == 0, shown.stderr
    result = run("analyse", "glucose", str(file), "--json")
    found = json.loads(result.stdout)
    assert found["readings"] == rows
    assert found["sufficient"] is False
    assert ("mean" in found["metrics"]) == (rows > 0)
    assert "NaN" not in result.stdout
    assert found["reasons"]["mage"]


def test_one_value_a_day_is_no_sensor(tmp_path: Path) -> None:
    file = tmp_path / "daily.csv"
    rows = [f"2026-11-{n + 1:02d} 08:00,{100 + n}" for n in range(20)]
    file.write_text("time,glucose mg/dL\n" + "\n".join(rows) + "\n")
    found = json.loads(run("analyse", "glucose", str(file), "--json").stdout)
    assert found["sufficient"] is False
    assert "1440 minutes apart: no continuous sensor" in found["insufficient_because"]
    assert (found["metrics"]["gmi"], found["metrics"]["tir"], found["agp"]) == (None, None, None)
    assert found["coverage"] is None
    assert "no continuous sensor" in found["reasons"]["mage"]
    shown = run("analyse", "glucose", str(file))
    assert "no continuous sensor" in " ".join(shown.stderr.split())
    assert "GMI" not in shown.stdout
    assert "100%" not in shown.stdout


def test_a_sensor_that_is_stuck_is_named(tmp_path: Path) -> None:
    file = tmp_path / "stuck.csv"
    rows = [
        f"2026-11-02 {n // 12:02d}:{n % 12 * 5:02d},{100 + (n % 9 if n < 100 else 0)}" for n in range(200)
    ]
    file.write_text("time,glucose mg/dL\n" + "\n".join(rows) + "\n")
    found = json.loads(run("analyse", "glucose", str(file), "--json").stdout)
    assert any("the same to the last digit" in one and "2026-11-02 16:35" in one for one in found["problems"])
    assert found["forecast"]["high"] - found["forecast"]["low"] >= 5
    assert "a sensor that is stuck" in " ".join(run("analyse", "glucose", str(file)).stderr.split())


def test_what_is_no_file_and_no_unit(tmp_path: Path) -> None:
    missing = run("analyse", "glucose", str(tmp_path / "none.csv"))
    assert missing.returncode == 2
    assert "cannot be read" in missing.stderr
    unit = run("analyse", "glucose", str(FILE), "--unit", "g/L")
    assert unit.returncode == 2


def test_evaluations_print_their_tables() -> None:
    for name in ("cgm", "forecast"):
        lines = json.loads(run("eval", name, "--data", str(FILE.parent), "--json").stdout)["lines"]
        assert all(line["met"] for line in lines if line["reach"])
    nothing = run("eval", "cgm", "--data", str(FILE.parent / "none"))
    assert nothing.returncode == 2
