import gzip
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from healthslm.analysis.quality import quality
from healthslm.errors import UsageError
from healthslm.importers.vitals import VitalsFile, VitalsTable, read_vitals
from healthslm.importers.vitals_names import meaning_of
from healthslm.importers.vitals_units import numbers
from healthslm.readings import Kind, Quality

Read = Callable[..., VitalsFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def one(
        text: str,
        *,
        name: str = "vitals.csv",
        encoding: str = "utf-8",
        person: str = "",
        units: tuple[str, ...] = (),
        zone: str | None = None,
    ) -> VitalsFile:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return read_vitals(path, person=person, units=units, zone=None if zone is None else ZoneInfo(zone))

    return one


def said(found: VitalsFile) -> str:
    return " | ".join(found.problems)


def values(found: VitalsFile, kind: Kind) -> list[float]:
    return found.windows[kind].values.tolist()


def times(found: VitalsFile, kind: Kind) -> list[str]:
    return [str(time)[:16] for time in found.windows[kind].times]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("time,heart_rate\n2026-03-01 08:00,70\n", Kind.HEART_RATE, 70),
        ("Date;Time;Pulse (bpm)\n2026-03-01;08:00;70\n", Kind.HEART_RATE, 70),
        ("timestamp\tHR\n2026-03-01T08:00\t70\n", Kind.HEART_RATE, 70),
        ("Datum|Herzfrequenz\n01.03.2026 08:00|70\n", Kind.HEART_RATE, 70),
        ("time,SpO2 (%)\n2026-03-01 08:00,97 %\n", Kind.SPO2, 97),
        ("time,oxygen\n2026-03-01 08:00,0.97\n", Kind.SPO2, 97),
        ("Zeit;Körpertemperatur °C\n01.03.2026 08:00;36,6\n", Kind.TEMPERATURE, 36.6),
        ("time,body_temp_f\n2026-03-01 08:00,98.6\n", Kind.TEMPERATURE, 37),
        ("time,temperature\n2026-03-01 08:00,98.6 °F\n", Kind.TEMPERATURE, 37),
        ("time,Breathing rate\n2026-03-01 08:00,15\n", Kind.RESPIRATORY_RATE, 15),
        ("time,glucose mmol/L\n2026-03-01 08:00,5.5\n", Kind.GLUCOSE, 5.5 * 18.016),
        ("time,glucose (mg/dL)\n2026-03-01 08:00,100\n", Kind.GLUCOSE, 100),
        ("time,glucose_mgdl\n2026-03-01 08:00,28\n", Kind.GLUCOSE, 28),
        ("time,glucose_mmol\n2026-03-01 08:00,38\n", Kind.GLUCOSE, 38 * 18.016),
        ("time,WEIGHTKG\n2026-03-01 08:00,80.5\n", Kind.WEIGHT, 80.5),
        ("time,Weight (lbs)\n2026-03-01 08:00,180\n", Kind.WEIGHT, 81.6466),
        ("time,Fat,WeightKg\n2026-03-01 08:00,22,80\n", Kind.BODY_FAT, 22),
        ('time,Steps\n2026-03-01 08:00,"12,345"\n', Kind.STEPS, 12345),
        ("time,Energy (kJ)\n2026-03-01 08:00,418.4\n", Kind.ENERGY, 100),
        ("time,distance_km\n2026-03-01 08:00,5.2\n", Kind.DISTANCE, 5200),
        ("time,sleep_duration\n2026-03-01 08:00,28800000\n", Kind.SLEEP_DURATION, 8),
        ("time,TotalMinutesAsleep\n2026-03-01 08:00,480\n", Kind.SLEEP_DURATION, 8),
        ("time,sleep (h)\n2026-03-01 08:00,7.5\n", Kind.SLEEP_DURATION, 7.5),
        ("time,bp kPa\n2026-03-01 08:00,16/10.6\n", Kind.SYSTOLIC, 120.0099),
    ],
)
def test_the_ways_people_write_it(read: Read, text: str, kind: Kind, expected: float) -> None:
    found = read(text)
    assert values(found, kind) == [pytest.approx(expected)]
    assert times(found, kind) == ["2026-03-01T08:00"]
    for encoding in ("utf-16", "utf-8-sig"):
        assert values(read(text, encoding=encoding), kind) == [pytest.approx(expected)]


def test_pressure_in_one_cell_and_in_two(read: Read) -> None:
    for text in ("time,BP\n2026-03-01 08:00,120/80\n", "time,SYS,DIA\n2026-03-01 08:00,120,80\n"):
        found = read(text)
        assert (values(found, Kind.SYSTOLIC), values(found, Kind.DIASTOLIC)) == ([120], [80])


def test_a_row_a_reading(read: Read) -> None:
    text = (
        "startDate,type,value,unit\n"
        "2026-03-01T08:00:00,HKQuantityTypeIdentifierHeartRate,70,count/min\n"
        "2026-03-01T08:00:00,Body temperature,98.6,°F\n"
        "2026-03-01T08:01:00,8867-4,72,bpm\n"
        "2026-03-01T08:02:00,blood pressure,120/80,mmHg\n"
        "2026-03-01T08:03:00,weight,180,lb\n"
        "2026-03-01T08:04:00,mood,3,\n"
    )
    found = read(text)
    assert values(found, Kind.HEART_RATE) == [70, 72]
    assert values(found, Kind.TEMPERATURE) == [37]
    assert values(found, Kind.DIASTOLIC) == [80]
    assert values(found, Kind.WEIGHT) == [pytest.approx(81.6466)]
    assert "rows of 'mood': no vital sign" in said(found)


def test_the_name_of_a_file_says_what_its_value_is(read: Read) -> None:
    text = "Id,Time,Value\n1,3/14/2026 7:05:00 PM,71\n1,3/14/2026 7:05:05 PM,72\n"
    assert values(read(text, name="heartrate_seconds.csv"), Kind.HEART_RATE) == [71, 72]
    found = read(text, name="export.csv")
    assert not len(found)
    assert "no column with a vital sign was found; there is: Id, Time, Value" in said(found)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nightly_temperature", "of the skin"),
        ("Wrist temp (°C)", "of the skin"),
        ("daily_temperature_variation", "a difference"),
        ("room temperature", "surroundings"),
        ("resting_hr", "one number of a day"),
        ("nremhr", "one number of a day"),
        ("norm_heart", "computed"),
        ("sd_norm_heart", "computed"),
        ("entropy_heart", "computed"),
        ("max heart rate", "extreme"),
        ("HR min", "extreme"),
        ("spo2_min", "extreme"),
        ("step_goal", "a goal"),
        ("target weight", "a goal"),
        ("rmssd", "healthslm analyse rr"),
        ("rr_ms", "healthslm analyse rr"),
        ("sleep_efficiency", None),
        ("TimeToFallAsleep", "no time asleep"),
        ("VeryActiveDistance", "a part of the distance"),
        ("calories eaten", "eaten"),
        ("Zeitstempel", None),
        ("template", None),
        ("bmi", None),
    ],
)
def test_what_is_no_reading_says_why(name: str, reason: str | None) -> None:
    meaning = meaning_of(name)
    if reason is None:
        assert meaning is None or meaning.kind is None
    else:
        assert meaning is not None
        assert meaning.kind is None
        assert reason in meaning.reason


def test_names_with_a_unit_of_minutes_are_no_extremes() -> None:
    for name in ("Heart rate (1/min)", "breaths per min", "resp_rate (breaths/min)", "pulse /min"):
        meaning = meaning_of(name)
        assert meaning is not None
        assert meaning.kind in (Kind.HEART_RATE, Kind.RESPIRATORY_RATE), name


def test_fahrenheit_among_celsius(read: Read) -> None:
    rows = "2026-03-01 08:00,36.6\n2026-03-01 09:00,98.6\n2026-03-01 10:00,36.8\n"
    found = read(f"time,temperature\n{rows}")
    assert values(found, Kind.TEMPERATURE) == [36.6, 37, 36.8]
    assert "line 3 can only be °F; converted" in said(found)
    against = read(f"time,temperature (°C)\n{rows}")  # may as well be a code
    assert values(against, Kind.TEMPERATURE) == [36.6, 36.8]
    assert "line 3 can only be °F; not used" in said(against)


def test_pounds_among_kilograms_are_named(read: Read) -> None:
    rows = "".join(f"2026-03-0{n} 08:00,{kg}\n" for n, kg in enumerate((80, 81, 178, 80), start=1))
    found = read(f"time,weight\n{rows}")
    assert values(found, Kind.WEIGHT) == [80, 81, 80]
    assert "units mixed in one file? line 4" in said(found)
    assert "taken as kg" in said(found)
    pounds = read("time,weight\n2026-03-01 08:00,180\n", units=("lb",))
    assert values(pounds, Kind.WEIGHT) == [pytest.approx(81.6466)]
    with pytest.raises(UsageError, match="is no unit"):
        read("time,weight\n2026-03-01 08:00,180\n", units=("stone",))


def test_a_wrist_is_known_by_its_values_too(read: Read) -> None:
    rows = "".join(f"2026-03-{n:02d} 03:00,{33.4 + n % 3 / 10}\n" for n in range(1, 10))
    found = read(f"time,temperature\n{rows}")
    assert Kind.TEMPERATURE not in found.windows
    assert "of the skin" in said(found)
    evening = "".join(f"2026-03-01 20:{n:02d},34.2\n" for n in range(10, 30))  # somebody who is cold
    assert len(read(f"time,temperature\n{evening}").windows[Kind.TEMPERATURE]) == 20


def test_what_a_sensor_sends_when_it_is_off_is_marked_and_named(read: Read) -> None:
    rows = ["97,70", "127,127", "0,0", "nan,255", "98,71", "30,72"]
    text = "time,spo2,pulse\n" + "".join(f"2026-03-01 08:00:0{n},{row}\n" for n, row in enumerate(rows))
    found = read(text)
    spo2, pulse = found.windows[Kind.SPO2], found.windows[Kind.HEART_RATE]
    assert spo2.usable().values.tolist() == [97, 98]
    assert pulse.usable().values.tolist() == [70, 71, 72]
    assert pulse.quality[1] == Quality.NOT_WORN
    for words in (
        "oxygen saturation, lines 3, 4: 0, 127 is a sensor that is off",
        "oxygen saturation, line 5: no value",
        "oxygen saturation, line 7: outside of 50 to 100 %",
        "heart rate, lines 4, 5: 0, 255 is a sensor that is off",
    ):
        assert words in said(found)
    assert [one.what for one in quality(spo2).problems if one.what != "gap"] == ["sensor off", "implausible"]


def test_a_cuff_that_measured_nothing(read: Read) -> None:
    rows = ["120,80", "0,0", "2047,2047", "255,255", "70,110", "nan,nan", "118,79"]
    text = "time,sys,dia\n" + "".join(f"2026-03-01 08:0{n},{row}\n" for n, row in enumerate(rows))
    found = read(text)
    assert found.windows[Kind.SYSTOLIC].usable().values.tolist() == [120, 118]
    assert found.windows[Kind.DIASTOLIC].usable().values.tolist() == [80, 79]
    assert "blood pressure, line 6: systolic not above diastolic" in said(found)


@pytest.mark.parametrize(
    "stamps",
    [
        ["2026-03-01 07:05:00", "2026-03-14 19:05:00"],
        ["2026-03-01T07:05:00Z", "2026-03-14T19:05:00Z"],
        ["3/1/2026 7:05:00 AM", "3/14/2026 7:05:00 PM"],
        ["3/1/26 07:05", "3/14/26 19:05"],
        ["01.03.2026 07:05", "14.03.2026 19:05"],
        ["1-Mar-26 07:05", "14-Mar-26 19:05"],
        ["1 March 2026 7:05 AM", "14 March 2026 7:05 PM"],
        ["46082.2951388889", "46095.7951388889"],
        ["1772348700", "1773515100"],
    ],
)
def test_dates_as_programs_write_them(read: Read, stamps: list[str]) -> None:
    text = "when recorded,hr\n" + "".join(f"{stamp},7{n}\n" for n, stamp in enumerate(stamps))
    assert times(read(text), Kind.HEART_RATE) == ["2026-03-01T07:05", "2026-03-14T19:05"]


@pytest.mark.parametrize("clock", ["7:00 AM", "07:00", "7", "0.2916666667"])
def test_a_date_and_an_hour_in_two_columns(read: Read, clock: str) -> None:
    for date in ("3/14/26", "14.03.2026", "14-Mar-26", "46095"):
        found = read(f"Id,ActivityDate,ActivityHour,Steps\n1,{date},{clock},100\n")
        assert times(found, Kind.STEPS) == ["2026-03-14T07:00"]


def test_a_day_without_a_time_is_taken_at_noon_and_its_mean_is_no_reading(read: Read) -> None:
    rows = "".join(f"{n}/4/2026,{60 + n},{90 + n % 2},{80 + n / 10},{n * 100}\n" for n in (13, 14, 15))
    found = read("Day,Heart rate,SpO2,Weight kg,Steps\n" + rows.replace("/4/", "/04/"))
    assert times(found, Kind.WEIGHT) == [f"2026-04-{n}T12:00" for n in (13, 14, 15)]
    assert found.averages == {Kind.HEART_RATE, Kind.SPO2, Kind.STEPS}
    assert set(found.judged) == {Kind.WEIGHT}
    assert "taken at noon" in said(found)
    assert "no rule judges them" in said(found)
    mean = read("time,avg temperature\n2026-03-01 08:00,39\n")
    assert mean.judged == {}


def test_a_date_alone_among_times_is_not_used(read: Read) -> None:
    found = read("time,spo2\n2026-03-01 08:00,97\n2026-03-02,98\n2026-03-02 08:00,96\n")
    assert values(found, Kind.SPO2) == [97, 96]
    assert "line 3: a date without a time" in said(found)


def test_a_glucose_every_five_minutes_is_a_sensors(read: Read) -> None:
    close = "".join(f"2026-03-01 08:{5 * n % 60:02d},{100 + n}\n" for n in range(12))
    assert set(read(f"time,glucose mg/dL\n{close}").windows) == {Kind.SENSOR_GLUCOSE}
    apart = "".join(f"2026-03-01 {n:02d}:00,{100 + n}\n" for n in range(12))
    assert set(read(f"time,glucose mg/dL\n{apart}").windows) == {Kind.GLUCOSE}


def test_several_people(read: Read) -> None:
    text = "Customer Id,time,hr\n" + "".join(
        f"{who},2026-03-01 08:0{n},{70 + n + 10 * (who == '7')}\n" for who in ("5", "7") for n in range(3)
    )
    found = read(text)
    assert (found.person, found.people) == ("5", ("5", "7"))
    assert values(found, Kind.HEART_RATE) == [70, 71, 72]
    assert "2 people in one file: '5' is used, not '7'" in said(found)
    assert values(read(text, person="7"), Kind.HEART_RATE) == [80, 81, 82]
    with pytest.raises(UsageError, match="nobody '9'"):
        read(text, person="9")


def test_a_column_that_numbers_the_rows_is_no_person(read: Read) -> None:
    rows = "".join(f"{n},2026-03-01 08:0{n},70\n" for n in range(6))
    assert len(read(f"id,time,hr\n{rows}")) == 6


def test_disorder_duplicates_and_rows_without_a_time_are_named(read: Read) -> None:
    text = (
        "time,hr\n2026-03-01 08:00,70\n2026-03-01 08:02,72\n2026-03-01 08:01,71\n2026-03-01 08:01,71\n"
        "yesterday,73\n2026-03-01 08:03,abc\n2026-03-01 08:02,74\n"
    )
    found = read(text)
    assert values(found, Kind.HEART_RATE) == [70, 71, 74]
    for words in (
        "line 5: the same row once more",
        "times go backwards at line",
        "line 6: no time that can be read",
        "line 7: 'abc' is no number",
        "line 3: another value at the same time follows",
    ):
        assert words in said(found)


def test_a_file_saved_twice_over_is_the_same(read: Read) -> None:
    rows = [f"2026-03-0{1 + n // 300} {n % 300 // 60:02d}:{n % 60:02d}:00,{60 + n % 9}" for n in range(900)]
    once, twice = read("time,hr\n" + "\n".join(rows)), read("time,hr\n" + "\n".join(rows + rows))
    assert once.windows[Kind.HEART_RATE].times.tolist() == twice.windows[Kind.HEART_RATE].times.tolist()
    assert values(once, Kind.HEART_RATE) == values(twice, Kind.HEART_RATE)


def test_a_zone_that_changes_and_a_zone_that_is_given(read: Read) -> None:
    text = "time,hr\n2026-03-01T08:00:00+02:00,70\n2026-03-01T08:30:00+01:00,71\n"
    assert times(read(text), Kind.HEART_RATE) == ["2026-03-01T08:00", "2026-03-01T09:30"]
    assert "the zone changes at line 3" in said(read(text))
    assert times(read(text, zone="Europe/Berlin"), Kind.HEART_RATE) == [
        "2026-03-01T06:00",
        "2026-03-01T07:30",
    ]
    summer = "time,hr\n2026-03-01 08:00,70\n2026-07-01 08:00,71\n"
    assert times(read(summer, zone="Europe/Berlin"), Kind.HEART_RATE) == [
        "2026-03-01T07:00",
        "2026-07-01T06:00",
    ]


def test_seconds_since_1970_are_utc_with_a_zone_too(read: Read) -> None:
    for zone in (None, "America/New_York"):
        found = read("time,hr\n1772352000,70\n1772352060,71\n", zone=zone)
        assert times(found, Kind.HEART_RATE) == ["2026-03-01T08:00", "2026-03-01T08:01"]


def test_the_hour_that_a_night_has_twice_keeps_its_readings(read: Read) -> None:
    """In Berlin 2026-10-25 02:00 to 02:59 comes twice; equal values there are two readings, else one."""
    minutes = [f"{hour:02d}:{minute:02d}" for hour in (1, 2, 2, 3) for minute in range(0, 60, 5)]
    text = "time,spo2\n" + "".join(f"2026-10-25 {one},97\n" for one in minutes)
    for zone in ("Europe/Berlin", None):
        found = read(text, zone=zone)
        assert len(found) == 48, zone
        assert (np.diff(found.windows[Kind.SPO2].times) == np.timedelta64(5, "m")).all()
    hourly = "time,spo2\n" + "".join(f"2026-10-25 0{n}:30,97\n" for n in (1, 2, 2, 3))
    assert times(read(hourly, zone="Europe/Berlin"), Kind.SPO2) == [
        f"2026-10-{day}T{hour:02d}:30" for day, hour in ((24, 23), (25, 0), (25, 1), (25, 2))
    ]
    assert len(read(hourly, zone="Asia/Tokyo")) == 3
    assert len(read(text.replace("10-25", "10-26"))) == 36
    twice = text + text.split("\n", 1)[1]
    told = read(twice.replace("10-25", "10-24"), zone="Europe/Berlin")
    assert len(told) == 36
    offsets = "time,spo2\n" + "2026-10-25T02:30+01:00,97\n2026-10-25T02:35+01:00,97\n" * 2
    assert len(read(offsets, zone="Europe/Berlin")) == 2


def test_plain_digits_are_read_as_any_number_is() -> None:
    cells = ["007", "1.5", "98.60", "5.", ".5", "²", "1234567890", "1e2", "-3", "1.2.3", "0.000001"]
    found, _, wrong, decimals = numbers(cells, Kind.HEART_RATE)
    assert np.nan_to_num(found, nan=-1).tolist() == [7, 1.5, 98.6, -1, 0.5, -1, -1, 100, -3, 123, 1e-6]
    assert decimals == 6
    assert sorted(index for ones in wrong.values() for index in ones) == [3, 5, 6]


def test_times_are_judged_by_all_rows(read: Read) -> None:
    bad = "".join(f"yesterday {n},70\n" for n in range(41))
    good = "".join(f"2026-03-01 08:{n:02d},{60 + n}\n" for n in range(60))
    found = read(f"time,hr\n{bad}{good}")
    assert len(found) == 60
    assert "and 36 more: no time that can be read" in said(found)


def test_one_is_no_saturation_of_a_hundred(read: Read) -> None:
    def of(*cells: str) -> VitalsFile:
        return read("time,spo2\n" + "".join(f"2026-03-01 08:{n:02d},{one}\n" for n, one in enumerate(cells)))

    among = of("97", "1", "98", "0.97")
    assert values(among, Kind.SPO2) == [97, 1, 98, 0.97]
    assert (among.windows[Kind.SPO2].quality != 0).tolist() == [False, True, False, True]
    assert values(of("0.97", "1", "0.98"), Kind.SPO2) == [97, 100, 98]
    assert values(of("1", "1"), Kind.SPO2) == [1, 1]


def test_little_and_nothing(read: Read) -> None:
    assert len(read("time,hr\n2026-03-01 08:00,70\n")) == 1
    for text in ("", "\n\n", "time,hr\n"):
        found = read(text)
        assert not len(found)
        assert found.problems
    assert "no column with the time was found; there is: a, b" in said(read("a,b\n1,2\n"))
    assert "no row has both a time and a value" in said(read("time,hr\n2026-03-01 08:00,\n"))


def test_gzip_and_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "v.csv.gz").write_bytes(gzip.compress(b"time,hr\n2026-03-01 08:00,70\n"))
    assert len(read_vitals(tmp_path / "v.csv.gz")) == 1
    with pytest.raises(UsageError, match="cannot be read"):
        read_vitals(tmp_path / "none.csv")


WIDE = ["id,time,hr,spo2,bp,temp,weight,steps,sleep_min"] + [
    f"{'AB'[n % 2]},2026-03-0{1 + n // 20} {n % 20:02d}:{n:02d},{60 + n},{94 + n % 5},{120 + n}/80,"
    f"{36.2 + n / 50:.1f},{80 + n / 50:.2f},{n * 10},{400 + n}"
    for n in range(40)
]
JUNK = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["nan", "1e308", "0001-01-01", "31/12/9999", "46082", "46082.5", "²", "٣", "120/80", "-1", '"']
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8), JUNK), max_size=10), st.booleans())
def test_a_damaged_file_is_read_as_far_as_it_goes(
    tmp_path: Path, damages: list[tuple[int, int, str]], zoned: bool
) -> None:
    rows = [line.split(",") for line in WIDE]
    for row, column, text in damages:
        rows[row][column] = text
    path = tmp_path / "damaged.csv"
    path.write_bytes("\n".join(",".join(row) for row in rows).encode("utf-8", errors="replace"))
    try:
        table = VitalsTable(path, zone=ZoneInfo("Europe/Berlin") if zoned else None)
    except UsageError:
        return
    for person in table.people or ("",):
        found = table.of(person)
        assert len(found) or found.problems
        for window in found.windows.values():
            assert (np.diff(window.times.astype(np.int64)) > 0).all()
            assert np.isfinite(window.values).all()
