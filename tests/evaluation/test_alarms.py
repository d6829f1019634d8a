"""The alarms' evaluation: it finds nothing where there is nothing, and can find what is wrong."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from healthslm.analysis.quality import quality
from healthslm.evaluation import alarms
from healthslm.evaluation.alarms_forms import FORMS, Form
from healthslm.evaluation.alarms_series import SENSORS
from healthslm.importers.vitals import VitalsTable, read_vitals
from healthslm.readings import Kind, Quality, Severity
from healthslm.rules import scan
from healthslm.rules.oxygen import LOW_SPO2
from healthslm.rules.temperature import LOW_TEMPERATURE
from tests.making import at, reading, series, windows

BY_NAME = {sensor.name: sensor for sensor in SENSORS}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two people's cuff and thermometer, one of them with a fever and a high pressure."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [
        f"{who},2026-03-{day:02d} {clock}:15,{120 + ill * 40 + day}/{76 + ill * 20},{36.6 + 2.1 * ill}"
        for who, ill in (("7", 0), ("9", 1))
        for day in range(1, 15)
        for clock in ("07:30", "07:32")
    ]
    (folder / "cuff.csv").write_text("Customer Id,time,bp,temp\n" + "\n".join(rows) + "\n")
    (folder / "other.csv").write_text("a,b\n1,2\n")
    return folder


def test_true_alarms_are_no_false_ones_and_stay_in_every_form(data: Path) -> None:
    thermometer = BY_NAME["thermometer"]
    few = {name: thermometer.faults[name] for name in ("85 for a while", "fallen off, put back")}
    table = alarms.run(data, seeds=1, sensors=(replace(thermometer, faults=few),))
    lines = {one.name: one for one in table.lines}
    assert [one.name for one in table.lines if one.met is False] == []
    assert lines["files as they are, false alarms"].value == 0
    assert (lines["files as they are, all alarms of these rules"].value or 0) > 2
    assert lines["true events found, fever"].value == 100
    assert "without vital signs, or no text: other.csv" in table.notes


def test_a_form_that_changes_a_reading_is_counted(data: Path) -> None:
    def warmer(read: VitalsTable) -> list[list[str]]:
        header, *rows = FORMS[0].rows(read)
        rows[0][3] = "39.5"
        return [header, *rows]

    broken = Form(name="broken", rows=warmer, written=FORMS[1].written)
    table = VitalsTable(data / "cuff.csv")
    again, doubtful = alarms.saved_again([table], (broken, FORMS[0]))
    assert (again.looked, doubtful.wrong) == (2, ())
    assert again.wrong == ("cuff.csv, broken, 7",)


def test_an_order_of_day_and_month_that_nobody_can_know_is_counted_apart(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("time,hr\n2026-03-04 08:00,70\n2026-03-04 08:05,71\n")

    def month_first_rows(read: VitalsTable) -> list[list[str]]:
        return [[cell.replace("2026-03-04", "03/04/2026") for cell in row] for row in FORMS[0].rows(read)]

    month_first = Form(name="month first", rows=month_first_rows, written=FORMS[1].written)
    again, doubtful = alarms.saved_again([VitalsTable(path)], (month_first,))
    assert again.wrong == ()
    assert doubtful.wrong == ("few.csv, month first, ",)


def test_a_finding_that_stands_on_nothing_is_false(data: Path) -> None:
    read = VitalsTable(data / "cuff.csv").of("9")
    fever = next(one for one in alarms.findings_of(read) if one.rule == "fever")
    high = next(one for one in alarms.findings_of(read) if one.rule == "high_pressure")
    assert alarms.stands(fever, read)
    assert alarms.stands(high, read)
    later = timedelta(days=99)
    assert not alarms.stands(replace(fever, start=fever.start + later, end=fever.end + later), read)
    assert not alarms.stands(fever, VitalsTable(data / "cuff.csv").of("7"))
    bare = replace(read, windows={k: w for k, w in read.windows.items() if k is not Kind.DIASTOLIC})
    assert alarms.stands(high, bare)
    assert not alarms.stands(high, replace(read, windows={Kind.DIASTOLIC: read.windows[Kind.DIASTOLIC]}))


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda one: one.name)
def test_a_sensor_that_is_off_is_silent_and_a_sensor_that_lies_is_not(sensor, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert alarms.sensors_off([sensor], 1, tmp_path).wrong == ()
    ((_, event),) = list(sensor.events.items())[:1]
    lying = replace(sensor, faults={"lies": event})
    found = alarms.sensors_off([lying], 1, tmp_path)
    assert found.looked == 4
    assert len(found.wrong) >= 2  # a false level looks like a true one: the measure sees it


def test_a_probe_that_hung_in_the_room_between_is_no_low_temperature() -> None:
    """Cooling and warming pass the same degrees half an hour apart; what was between is not to be skipped."""
    way = [36.5, 33, 31, 30.4, 30.1, 29.5, 29, 28.9, 28.9, 28.9, 28.9, 28.9, 29.4, 30.1, 30.4]
    rows = series(Kind.TEMPERATURE, at("09:00"), way, every=60)
    marked = [replace(one, quality=Quality.IMPLAUSIBLE) if one.value < 30 else one for one in rows]
    assert scan(LOW_TEMPERATURE, windows(rows)) == []
    assert scan(LOW_TEMPERATURE, windows(marked)) == []
    codes = [34.2 if n % 4 else 0.0 for n in range(40)]  # a code says nothing of where the probe is
    (found,) = scan(LOW_TEMPERATURE, windows(series(Kind.TEMPERATURE, at("09:00"), codes, every=60)))
    assert found.severity is Severity.URGENT


def test_seconds_of_a_finger_that_is_hardly_in_are_no_low_saturation() -> None:
    def minutes(seconds: int) -> list[float]:
        return [80.0 if n % 60 < seconds else 127.0 for n in range(1800)]

    assert scan(LOW_SPO2, windows(series(Kind.SPO2, at("09:00"), minutes(9)))) == []
    # Half a minute in each minute is a low level that somebody should hear of.
    (found,) = scan(LOW_SPO2, windows(series(Kind.SPO2, at("09:00"), minutes(30))))
    assert found.severity is Severity.EMERGENCY


def test_a_sensor_that_is_off_is_told_once() -> None:
    rows = [reading(Kind.SPO2, at("09:00") + timedelta(seconds=n), v) for n, v in enumerate((97, 127, 98))]
    marked = [replace(one, quality=Quality.IMPLAUSIBLE) if one.value == 127 else one for one in rows]
    found = quality(windows(marked)[Kind.SPO2])
    assert [one.what for one in found.problems if one.what != "gap"] == ["sensor off"]


def test_the_series_do_not_change_from_run_to_run(tmp_path: Path) -> None:
    one, other = (alarms.sensors_off([BY_NAME["cuff"]], 1, tmp_path) for _ in range(2))
    assert one == other
    first = read_vitals(tmp_path / "series.csv")
    assert np.isfinite(first.windows[Kind.SYSTOLIC].values).all()
