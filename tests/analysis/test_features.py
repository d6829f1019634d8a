from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.analysis import describe, extreme, mean, paired, rolling_median
from healthslm.readings import Kind, Quality, Window
from tests.making import DAY, at, reading, series, windows

TEMPERATURES = st.lists(st.floats(30, 44), min_size=1, max_size=50)


@given(TEMPERATURES)
def test_extremes_are_readings_of_the_window(values: list[float]) -> None:
    rows = series(Kind.TEMPERATURE, at("08:00"), values, every=60)
    window = windows(rows)[Kind.TEMPERATURE]
    by_id = {r.id: r for r in rows}
    for which, expected in (("min", min(values)), ("max", max(values)), ("latest", values[-1])):
        feature = extreme(window, which)
        assert feature.value == expected
        assert by_id[feature.readings[0]].value == expected
        assert by_id[feature.readings[0]].time == feature.at


@given(TEMPERATURES, st.integers(1, 10_000))
def test_the_result_does_not_depend_on_the_date(values: list[float], days: int) -> None:
    here = windows(series(Kind.TEMPERATURE, at("08:00"), values))[Kind.TEMPERATURE]
    moved = DAY + timedelta(days=days)
    there = windows(series(Kind.TEMPERATURE, at("08:00", moved), values), moved, moved + timedelta(days=1))[
        Kind.TEMPERATURE
    ]
    assert [f.value for f in describe(here)] == [f.value for f in describe(there)]


def test_a_window_without_readings_says_why() -> None:
    empty = Window.of(Kind.SPO2, DAY, DAY + timedelta(hours=1), ())
    for feature in describe(empty):
        assert feature.value is None
        assert feature.reason == "no oxygen saturation reading in this period"
        assert feature.text == "?"


def test_unusable_readings_are_counted_not_used() -> None:
    rows = series(Kind.SPO2, at("08:00"), [0, 0, 0], quality=Quality.IMPLAUSIBLE)
    lost = windows(rows)[Kind.SPO2]
    assert mean(lost).value is None
    assert "none of the 3" in mean(lost).reason
    rows.append(reading(Kind.SPO2, at("08:01"), 97))
    assert extreme(windows(rows)[Kind.SPO2], "min").value == 97


def test_coverage_and_gaps() -> None:
    rows = series(Kind.SPO2, at("08:00"), [97] * 60)  # one minute, then ten seconds it still speaks for
    window = windows(rows, at("08:00"), at("08:10"))[Kind.SPO2]
    assert window.coverage == pytest.approx((59 + 10) / 600)
    assert window.gaps == ((at("08:01:09"), at("08:10")),)
    assert windows(series(Kind.TEMPERATURE, at("08:00"), [37]))[Kind.TEMPERATURE].coverage is None


def test_only_complete_pressures_are_averaged() -> None:
    rows = [
        *series(Kind.SYSTOLIC, at("08:00"), [140, 150, 160], every=60),
        *series(Kind.DIASTOLIC, at("08:00"), [90, 92], every=60),
    ]
    found = windows(rows)
    upper, lower = paired(found[Kind.SYSTOLIC], found[Kind.DIASTOLIC])
    assert upper.values.tolist() == [140, 150]
    assert lower.values.tolist() == [90, 92]


def test_rolling_median_is_silent_where_it_saw_too_little() -> None:
    rows = series(Kind.SPO2, at("08:00"), [96] * 400)
    rows += series(Kind.SPO2, at("09:00"), [80] * 20)
    times, medians = rolling_median(windows(rows)[Kind.SPO2], width=timedelta(minutes=5), demand=0.8)
    assert set(medians) == {96.0}
    assert len(times) == len(medians)


def test_rolling_median_is_not_moved_by_a_slip() -> None:
    rows = series(Kind.SPO2, at("08:00"), [96] * 300 + [60] * 20 + [96] * 300)
    _, medians = rolling_median(windows(rows)[Kind.SPO2], width=timedelta(minutes=5), demand=0.8)
    assert medians.min() == 96
