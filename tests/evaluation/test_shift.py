"""The evaluation of shifts: it puts them in, counts them, and can fail."""

import csv
from pathlib import Path

import numpy as np
import pytest

from healthslm.errors import UsageError
from healthslm.evaluation.shift import run

COLUMNS = ("id", "date", "resting_hr", "rmssd", "nremhr")


def written(path: Path, *, spread: float, people: int = 2, days: int = 60) -> Path:
    rng = np.random.default_rng(5)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for person in range(people):
            for n in range(days):
                rate = 60 + spread * rng.standard_normal()
                rmssd = 40 * np.exp(0.05 * spread * rng.standard_normal())
                day = np.datetime64("2026-01-01") + n
                rows.writerow([person, f"{day}", "" if n % 9 == 4 else f"{rate:.2f}", f"{rmssd:.2f}", "58"])
    return path


def test_in_steady_people_shifts_are_found_and_nobody_is_told_without(tmp_path: Path) -> None:
    table = run(written(tmp_path / "lifesnaps.csv", spread=1))
    lines = {one.name: one for one in table.lines}
    for name in ("resting heart rate 8 /min higher for three days", "RMSSD 30 % lower for three days"):
        assert lines[f"{name}: found"].met
    assert lines["alerts a healthy person-week, both rules"].value == 0
    assert "in 1" in lines["alerts a healthy person-week, both rules"].note


def test_in_restless_people_shifts_are_missed(tmp_path: Path) -> None:
    lines = {one.name: one for one in run(written(tmp_path / "lifesnaps.csv", spread=12)).lines}
    assert lines["resting heart rate 8 /min higher for three days: found"].met is False


def test_a_folder_holds_the_file_and_a_missing_column_is_named(tmp_path: Path) -> None:
    written(tmp_path / "lifesnaps.csv", spread=1, people=1, days=20)
    assert run(tmp_path).lines[0].value is not None
    other = tmp_path / "other.csv"
    other.write_text("id,date,rmssd\n1,2026-01-01,30\n")
    with pytest.raises(UsageError, match="no column nremhr, resting_hr"):
        run(other)
    with pytest.raises(UsageError, match="cannot be read"):
        run(tmp_path / "none.csv")
