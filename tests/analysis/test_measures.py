"""The guidelines' measures of a period: what is known, and one reason for what is not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from healthslm.analysis.daily_vitals import NIGHT_BELOW_90, NIGHT_ODI3
from healthslm.analysis.measures import measures
from healthslm.readings import Feature, Kind, Reading
from tests.making import DAY, reading, series, windows

UTC = ZoneInfo("UTC")


def by_name(rows: list[Reading], days: int) -> Mapping[str, Feature]:
    return {one.name: one for one in measures(windows(rows, end=DAY + timedelta(days=days)), UTC)}


def sensor(days: int) -> list[Reading]:
    values = 125 + 40 * np.sin(np.arange(days * 288) / 20)
    return series(Kind.SENSOR_GLUCOSE, DAY, values.tolist(), every=300)


def cuff(days: int) -> list[Reading]:
    times = [
        DAY + timedelta(days=d, hours=h, minutes=2 * n) for d in range(days) for h in (7, 20) for n in (0, 1)
    ]
    return [
        reading(kind, time, value)
        for time in times
        for kind, value in ((Kind.SYSTOLIC, 142), (Kind.DIASTOLIC, 91))
    ]


def test_two_weeks_of_a_sensor_have_the_consensus_figures() -> None:
    found = by_name(sensor(14), 14)
    assert found["cgm_tir"].value == pytest.approx(100)
    assert found["cgm_mean"].value == pytest.approx(125, abs=1)
    assert not any(name.startswith("home") for name in found)


def test_a_day_of_a_sensor_has_one_reason_and_no_figure_but_how_much_there_is() -> None:
    found = by_name(sensor(1), 1)
    assert set(found) == {"cgm_tir", "cgm_active_percent"}
    assert found["cgm_tir"].value is None
    assert "14 days" in found["cgm_tir"].reason


def test_a_sensor_without_a_usable_reading_has_a_reason() -> None:
    found = by_name(series(Kind.SENSOR_GLUCOSE, DAY, [0] * 20, every=300), 1)
    assert set(found) == {"cgm_tir"}
    assert "no usable" in found["cgm_tir"].reason


def test_a_week_of_a_cuff_has_an_average_and_a_day_has_a_reason() -> None:
    week, day = by_name(cuff(7), 7), by_name(cuff(1), 1)
    assert (week["home_systolic"].value, week["home_diastolic"].value) == (142, 91)
    assert day["home_systolic"].value is None
    assert "at least 3" in day["home_systolic"].reason
    assert "home_diastolic" not in day


def test_of_a_longer_period_the_pressure_at_home_is_that_of_the_last_week() -> None:
    rows = cuff(30)
    before = DAY + timedelta(days=23)
    month = [replace(one, value=one.value + 40 * (one.time < before)) for one in rows]
    whole = by_name(month, 40)  # ten days without a measurement after them
    assert (whole["home_systolic"].value, whole["home_systolic"].count) == (142, 28)
    assert whole["home_systolic"].start == DAY + timedelta(days=22)
    assert whole["home_systolic"].end == DAY + timedelta(days=30)
    alone = by_name([one for one in month if one.time >= DAY + timedelta(days=22)], 40)
    assert whole == alone
    # No more than the period is claimed.
    noon = DAY + timedelta(days=1, hours=12)
    part = measures(windows(rows[:12], end=noon), UTC)
    assert (part[0].start, part[0].end) == (DAY, noon)


def test_a_night_of_oximetry_has_its_desaturations() -> None:
    level = np.full(6 * 3600, 96.0)
    for begin in range(600, 6 * 3600 - 600, 900):
        level[begin : begin + 30] = 89
    rows = series(Kind.SPO2, DAY, level.tolist())
    seen = windows(rows, start=DAY - timedelta(hours=2))
    odi, below = (daily.of(seen, DAY.date(), UTC) for daily in (NIGHT_ODI3, NIGHT_BELOW_90))
    assert odi.name == "night_odi3"
    assert odi.value == pytest.approx(23 / 6, abs=0.1)
    assert below.value == pytest.approx(100 * 23 * 30 / (6 * 3600), abs=0.1)


def test_spot_checks_have_no_desaturations() -> None:
    seen = windows([reading(Kind.SPO2, DAY + timedelta(hours=3), 91)])
    found = NIGHT_ODI3.of(seen, DAY.date(), UTC)
    assert found.value is None
    assert "spot check" in found.reason
