import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEADER = "time,hr,spo2,bp,temperature,weight kg\n"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "healthslm", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def ill(tmp_path: Path) -> Path:
    """Five days of twice two measurements a day with a high pressure; on the last one a fever."""
    rows = []
    for day in range(1, 6):
        for clock in ("07:30", "07:32", "19:30", "19:32"):
            warm = 38.6 if day == 5 else 36.6
            rows.append(f"2026-03-0{day} {clock},{70 + day},97,{150 + day}/94,{warm},{80 + day / 10}")
    rows.append("2026-03-05 21:00,0,127,80/90,,")
    path = tmp_path / "ill.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


def test_everything_is_in_the_json(ill: Path) -> None:
    found = json.loads(run("analyse", "vitals", str(ill), "--json").stdout)
    assert (found["file"], found["person"], found["people"]) == ("ill.csv", None, [])
    assert (found["readings"], found["first"][:16], found["last"][:16]) == (
        124,
        "2026-03-01T07:30",
        "2026-03-05T21:00",
    )
    assert found["kinds"]["spo2"]["readings"] == 21
    assert found["kinds"]["spo2"]["usable"] == 20
    assert "sensor off" in {one["what"] for one in found["kinds"]["spo2"]["problems"]}
    features = {one["name"]: one for one in found["features"]}
    assert features["heart_rate_max"]["value"] == 75
    assert features["home_systolic"]["value"] == pytest.approx(153.5)
    assert features["odi3"]["value"] is None
    assert "at most 5 s" in features["odi3"]["reason"]
    assert found["pressure_category"]["category"] == "hypertension"
    assert found["days"]["day_weight"]["2026-03-05"] == 80.5
    told = {one["rule"]: one for one in found["findings"]}
    assert set(told) == {"fever", "high_pressure"}
    fever = told["fever"]
    assert fever["severity"] == "watch"
    assert fever["start"].startswith("2026-03-05T07:30")
    assert fever["evidence"][0]["value"] == 38.6
    assert fever["source"]
    assert fever["action"]
    assert fever["missing"]
    assert any("systolic not above diastolic" in one for one in found["problems"])


def test_a_guideline_and_a_zone_are_chosen(ill: Path) -> None:
    shown = run("analyse", "vitals", str(ill), "--json", "--guideline", "aha-2017", "--zone", "Europe/Berlin")
    found = json.loads(shown.stdout)
    assert found["pressure_category"]["category"] == "hypertension, stage 2"
    assert (found["zone"], found["first"][:16]) == ("Europe/Berlin", "2026-03-01T06:30")
    refused = run("analyse", "vitals", str(ill), "--zone", "Mars/Olympus")
    assert refused.returncode == 2
    assert "no time zone" in refused.stderr


def test_a_person_can_read_it(ill: Path) -> None:
    shown = run("analyse", "vitals", str(ill))
    assert shown.returncode == 0
    text = " ".join(shown.stdout.split())
    for words in ("heart rate", "20 of 21", "Fever", "38.6 °C", "pressure at home: hypertension by ESC 2024"):
        assert words in text
    assert "Not a medical device" in shown.stderr
    assert "systolic not above diastolic" in shown.stderr


def test_a_file_of_days_has_numbers_and_no_alarms(tmp_path: Path) -> None:
    rows = [f"A,2026-03-{n:02d},{150 + n % 3},{84 + n % 3},34.1,62" for n in range(1, 29)]
    path = tmp_path / "days.csv"
    path.write_text("id,date,bpm,spo2,nightly_temperature,resting_hr\n" + "\n".join(rows) + "\n")
    found = json.loads(run("analyse", "vitals", str(path), "--json").stdout)
    assert found["findings"] == []
    assert {kind: one["averages"] for kind, one in found["kinds"].items()} == {
        "heart_rate": True,
        "spo2": True,
    }
    assert any("nightly_temperature" in one and "of the skin" in one for one in found["problems"])
    assert "nothing that a rule could judge" in " ".join(run("analyse", "vitals", str(path)).stdout.split())


def test_two_people_and_nobody(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("person,time,hr\nanna,2026-03-01 08:00,70\nbert,2026-03-01 08:00,80\n")
    found = json.loads(run("analyse", "vitals", str(path), "--json", "--person", "bert").stdout)
    assert (found["person"], found["people"]) == ("bert", ["anna", "bert"])
    assert any("not 'anna'" in one for one in found["problems"])
    nobody = run("analyse", "vitals", str(path), "--person", "carla")
    assert nobody.returncode == 2
    assert "anna, bert" in nobody.stderr


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    for more in ((), ("--json",)):
        shown = run("analyse", "vitals", str(path), *more)
        assert (shown.returncode, shown.stdout) == (1, "")
        assert "other.csv: nothing can be used: no column with the time" in shown.stderr
        assert "there is: a, b" in shown.stderr
        assert "a column `time`" in " ".join(shown.stderr.split())
    path.write_text("time,glucose mg/dL\n2026-03-01 08:00,LO\n")
    assert "very low: act on it" in " ".join(run("analyse", "vitals", str(path)).stderr.split())
    assert run("analyse", "vitals", str(tmp_path / "none.csv")).returncode == 2


def test_eval_alarms_prints_its_table(ill: Path) -> None:
    refused = run("eval", "alarms", "--data", str(ill.parent / "nothing-here"))
    assert refused.returncode == 2
    assert "no CSV file" in refused.stderr


def test_times_have_dates_and_one_person_is_not_counted(ill: Path) -> None:
    text = " ".join(run("analyse", "vitals", str(ill)).stdout.split())
    assert "ill.csv, 2026-03-01 07:30 to 2026-03-05 21:00 (the file's own clock)" in text
    assert "Fever, Thursday 2026-03-05 07:30" in text
    assert "High blood pressure, was on Sunday 2026-03-01 07:30 until Thursday 2026-03-05 19:32" in text
    ill.write_text("person,time,hr\nanna,2026-03-01 08:00,70\n")
    alone = run("analyse", "vitals", str(ill)).stdout
    assert "ill.csv, anna, 2026-03-01 08:00" in alone
    assert "in the file" not in alone


def test_nothing_found_says_what_was_not_judged(tmp_path: Path) -> None:
    path = tmp_path / "once.csv"
    path.write_text("time,hr,spo2\n2026-03-01 08:00,150,96\n")
    text = " ".join(run("analyse", "vitals", str(path)).stdout.split())
    assert "not judged: heart rate: one reading; the rules need ten minutes" in text
    assert "gap" not in text
    found = json.loads(run("analyse", "vitals", str(path), "--json").stdout)
    assert [line.partition(":")[0] for line in found["not_judged"]] == ["heart rate", "oxygen saturation"]


def test_a_stream_that_does_not_change_is_called_unchanging(tmp_path: Path) -> None:
    path = tmp_path / "steady.csv"
    rows = [
        f"2026-03-01 {8 + n // 60:02d}:{n % 60:02d}:{s:02d},64" for n in range(40) for s in range(0, 60, 5)
    ]
    path.write_text("time,hr\n" + "\n".join(rows) + "\n")
    shown = run("analyse", "vitals", str(path)).stdout
    assert "unchanging" in shown
    assert "flat line" not in shown


def test_one_reading_alone_and_a_meters_word_stand_out(tmp_path: Path) -> None:
    path = tmp_path / "once.csv"
    path.write_text("time,spo2,glucose mg/dL\n22:30:00 Oct 06 2026,78,Lo\n")
    text = " ".join(run("analyse", "vitals", str(path)).stdout.split())
    assert "Low oxygen saturation, Tuesday 2026-10-06 22:30, one reading alone: not confirmed" in text
    assert text.index("'Lo' once") < text.index("oxygen saturation")
    found = json.loads(run("analyse", "vitals", str(path), "--json").stdout)
    assert "'Lo' once" in found["problems"][0]


def test_progress_is_told_on_a_terminal_and_nowhere_else(ill: Path) -> None:
    main, side = os.openpty()
    shown = subprocess.run(
        [sys.executable, "-m", "healthslm", "analyse", "vitals", str(ill), "--json"],
        stdout=subprocess.PIPE,
        stderr=side,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        timeout=60,
        check=True,
    )
    os.close(side)
    told = b""
    try:
        while part := os.read(main, 65536):
            told += part
    except OSError:  # what Linux says at the end of a terminal
        pass
    finally:
        os.close(main)
    assert b"reading the file" in told
    assert b"asking the rules about" in told
    assert b"reading the file" not in shown.stdout
    assert "asking the rules" not in run("analyse", "vitals", str(ill)).stderr


def test_the_morning_surge_of_the_last_day_is_told_to_whom_says_when_they_woke(tmp_path: Path) -> None:
    night = [f"2026-03-02 0{hour}:00,{value},70" for hour, value in ((1, 112), (2, 104), (3, 106), (4, 108))]
    morning = ["2026-03-02 07:10,138,84", "2026-03-02 08:10,142,86"]
    path = tmp_path / "cuff.csv"
    path.write_text("\n".join(["time,systolic,diastolic", *night, *morning]) + "\n")

    def surge(*more: str) -> list[float | None]:
        found = json.loads(run("analyse", "vitals", str(path), "--json", *more).stdout)
        return [one["value"] for one in found["features"] if one["name"] == "morning_surge"]

    assert surge() == []
    assert surge("--woke", "07:00") == [32.7]  # 140 less the mean of 112, 104 and 106
    assert surge("--woke", "04:30") == [None]
    assert run("analyse", "vitals", str(path), "--woke", "early").returncode == 2
