"""What oximeters, cuffs and meters export: times first, names of their own, words instead of numbers."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from healthslm.errors import UsageError
from healthslm.importers.dates import plainly
from healthslm.importers.vitals import VitalsFile, read_vitals
from healthslm.readings import Kind


def read(folder: Path, header: str, rows: Sequence[str], sign: str = ",") -> VitalsFile:
    path = folder / "export.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return read_vitals(path)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("22:30:00 Oct 06 2026", "2026-10-06 22:30:00"),
        ("22:30:00 06 Oct 2026", "2026-10-06 22:30:00"),
        ("10:30:05 PM Oct 6, 2026", "2026-10-06 10:30:05 PM"),
        ("22:30:00 06/10/2026", "06/10/2026 22:30:00"),
        ("22:30 2026-10-06", "2026-10-06 22:30"),
        ("Oct 06 2026 22:30:00", "2026-10-06 22:30:00"),
        ("06/10/2026 22:30:00", "06/10/2026 22:30:00"),
        ("2026-10-06 22:30:00+02:00", "2026-10-06 22:30:00+02:00"),
    ],
)
def test_a_time_may_come_before_its_date(text: str, plain: str) -> None:
    assert plainly(text) == plain


@pytest.mark.parametrize("date", ["Oct {day} 2026", "{day}/10/2026"])
def test_an_oximeters_night_is_read_with_the_time_first(tmp_path: Path, date: str) -> None:
    rows = [f"{'23:59' if day == '13' else '00:00'}:{n:02d} {date.format(day=day)},96,61,0"
            for day in ("13", "14") for n in range(0, 60, 4)]  # fmt: skip
    found = read(tmp_path, "Time,Oxygen Level,Pulse Rate,Motion", rows)
    times = found.windows[Kind.SPO2].times
    assert (str(times[0])[:19], str(times[-1])[:19]) == ("2026-10-13T23:59:00", "2026-10-14T00:00:56")
    assert len(times) == 30


def test_a_file_whose_times_can_mostly_not_be_read_is_refused(tmp_path: Path) -> None:
    rows = [f"2026-03-01 08:{n:02d},97" for n in range(40)] + [f"sometime {n},97" for n in range(80)]
    with pytest.raises(
        UsageError, match=r"80 of 120 rows have no time that can be read \(line 42: 'sometime 0'\)"
    ):
        read(tmp_path, "time,spo2", rows)
    assert len(read(tmp_path, "time,spo2", rows[:70]).windows[Kind.SPO2]) == 40


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("time,HR,RR,SpO2", "72,16,97", {Kind.HEART_RATE: 72, Kind.RESPIRATORY_RATE: 16, Kind.SPO2: 97}),
        ("time,HR,RR (/min)", "72,16", {Kind.HEART_RATE: 72, Kind.RESPIRATORY_RATE: 16}),
        ("time,HR,RR", "72,812", {Kind.HEART_RATE: 72}),
        ("time,HR,RR", "72,0.812", {Kind.HEART_RATE: 72}),
        ("time,HR,RR (ms)", "72,812", {Kind.HEART_RATE: 72}),
        ("time,SpO2,PR,PI (%)", "97,72,4.2", {Kind.SPO2: 97, Kind.HEART_RATE: 72, Kind.PERFUSION_INDEX: 4.2}),
        ("time,HR,PR (bpm)", "72,71", {Kind.HEART_RATE: 72, Kind.PULSE_RATE: 71}),
        ("time,Pulsfrequenz", "72", {Kind.HEART_RATE: 72}),
        ("time,SpO2,Perfusion Index", "97,4.2", {Kind.SPO2: 97, Kind.PERFUSION_INDEX: 4.2}),
    ],
)
def test_names_of_monitors(tmp_path: Path, header: str, cells: str, expected: dict[Kind, float]) -> None:
    found = read(tmp_path, header, [f"2026-03-01 08:0{n},{cells}" for n in range(5)])
    assert {kind: window.values[0] for kind, window in found.windows.items()} == expected


def test_breathing_by_row(tmp_path: Path) -> None:
    rows = ["2026-03-01 08:00,HR,72", "2026-03-01 08:00,RR,6", "2026-03-01 08:05,RR,7"]
    found = read(tmp_path, "time,type,value", rows)
    assert found.windows[Kind.RESPIRATORY_RATE].values.tolist() == [6, 7]


def test_a_cuffs_mark_of_an_irregular_heartbeat_is_told_first(tmp_path: Path) -> None:
    header = "Date,Time,Systolic (mmHg),Diastolic (mmHg),Pulse (bpm),Irregular heartbeat detected"
    days = ((1, "Yes"), (2, "No"), (3, "Yes"), (4, ""))
    found = read(tmp_path, header, [f"2026-03-0{day},08:00,131,82,70,{word}" for day, word in days])
    assert found.problems[0] == (
        "the cuff marked an irregular heartbeat in 2 measurements (lines 2, 4); see a doctor about an ECG"
    )
    assert found.windows[Kind.HEART_RATE].values.tolist() == [70] * 4
    none = read(tmp_path, header, ["2026-03-01,08:00,131,82,70,No", "2026-03-02,08:00,131,82,70,No"])
    assert not any("irregular" in problem.lower() for problem in none.problems)


def test_a_meters_words_are_told_first(tmp_path: Path) -> None:
    rows = [
        "2026-03-01 08:00,104,x",
        "2026-03-01 12:00,Lo,1",
        "2026-03-01 13:00,HI,1",
        "2026-03-01 18:00,LO!,2",
    ]
    low, high, *rest = read(tmp_path, "time,Glucose (mg/dL),note", rows).problems
    assert "lines 3, 5: 'Lo' 2 times, below what the meter shows" in low
    assert "line 4: 'HI' once, above what the meter shows" in high
    assert not any("is no number" in problem for problem in rest)
