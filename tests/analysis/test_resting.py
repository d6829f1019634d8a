from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from healthslm.analysis.daily_vitals import DAILIES, NIGHT_HEART_RATE, NIGHT_RESPIRATION, NIGHT_SPO2
from healthslm.analysis.days import Daily
from healthslm.analysis.resting import (
    NIGHT_RMSSD,
    NOCTURNAL_DIP,
    RESTING_HEART_RATE,
    heart_rate_recovery,
)
from healthslm.readings import Kind
from tests.making import DAY, at, beats, series, windows

UTC = ZoneInfo("UTC")
BEFORE = DAY - timedelta(days=1)


def test_resting_heart_rate_is_a_low_that_single_readings_do_not_make() -> None:
    values = [60.0] * 7200 + [85.0] * 20_000 + [140.0] * 3600 + [30.0] * 20
    seen = windows(series(Kind.HEART_RATE, at("00:00"), values))
    found = RESTING_HEART_RATE.of(seen, DAY.date(), UTC)
    assert found.value == pytest.approx(60, abs=1)
    assert found.coverage is not None


def test_a_few_hours_do_not_make_a_day() -> None:
    seen = windows(series(Kind.HEART_RATE, at("09:00"), [60.0] * 7200))
    found = RESTING_HEART_RATE.of(seen, DAY.date(), UTC)
    assert found.value is None
    assert "2.0 h of the day, 4 are needed" in found.reason


@pytest.mark.parametrize(("every", "far"), [(30, "30 s"), (60, "a minute"), (300, "5 minutes")])
def test_a_sensor_that_reports_too_seldom_is_told_so(every: int, far: str) -> None:
    """It did not report for 0.0 h: it reported all day."""
    rows = series(Kind.HEART_RATE, BEFORE, [60.0] * (172_800 // every), every=every)
    for daily in (RESTING_HEART_RATE, NOCTURNAL_DIP):
        found = daily.of(windows(rows, BEFORE), DAY.date(), UTC)
        assert found.value is None
        assert found.reason == f"heart rate readings are {far} apart, one at least every 20 s is needed"


def test_the_dip_is_of_the_night_against_the_day_before() -> None:
    rows = series(Kind.HEART_RATE, BEFORE + timedelta(hours=9), [80.0] * 2880, every=15)
    rows += series(Kind.HEART_RATE, at("00:00"), [60.0] * 1440, every=15)
    found = NOCTURNAL_DIP.of(windows(rows, BEFORE), DAY.date(), UTC)
    assert found.value == pytest.approx(25)
    none = NOCTURNAL_DIP.of(windows(rows[:2880], BEFORE), DAY.date(), UTC)
    assert none.value is None
    assert "0.0 h at night" in none.reason


def test_the_nights_rmssd_leaves_ectopic_beats_out() -> None:
    rr = 900 + 20 * np.random.default_rng(3).standard_normal(8000)
    expected = np.sqrt(np.mean(np.diff(rr) ** 2))
    rr[200::97], rr[201::97] = 560, 1240
    found = NIGHT_RMSSD.of(windows(beats(at("01:00"), rr.tolist())), DAY.date(), UTC)
    assert found.value == pytest.approx(expected, rel=0.05)


def test_the_nights_rmssd_counts_the_pairs_that_it_stands_on() -> None:
    rr = 900 + 20 * np.random.default_rng(3).standard_normal(3000)  # 45 minutes
    rows = beats(at("01:00"), rr.tolist())
    alone = NIGHT_RMSSD.of(windows(rows), DAY.date(), UTC)
    scraps = [one for n in range(10) for one in beats(at("02:00") + timedelta(minutes=5 * n), [900.0] * 20)]
    both = NIGHT_RMSSD.of(windows(rows + scraps), DAY.date(), UTC)
    assert both.value == alone.value
    assert both.count == alone.count < 3000


def test_a_night_asks_for_time_not_for_readings() -> None:
    """Ten minutes at a reading a second are no night, however many readings they are."""
    short = windows(series(Kind.HEART_RATE, at("01:00"), [58.0] * 700))
    found = NIGHT_HEART_RATE.of(short, DAY.date(), UTC)
    assert found.value is None
    assert "0.2 h of the night, 1 is needed" in found.reason
    sparse = windows(series(Kind.HEART_RATE, at("01:00"), [58.0] * 480, every=10))
    assert NIGHT_HEART_RATE.of(sparse, DAY.date(), UTC).value == 58


@pytest.mark.parametrize("daily", [NIGHT_SPO2, NIGHT_RESPIRATION], ids=lambda d: d.name)
def test_one_spot_check_is_no_night_and_three_are(daily: Daily) -> None:
    (kind,) = daily.kinds
    for rows in (series(kind, at("01:00"), [60.0]), series(kind, at("01:00"), [60.0] * 30)):
        found = daily.of(windows(rows), DAY.date(), UTC)
        assert found.value is None
        assert "1 five-minute part of the night, 3 are needed" in found.reason
    checks = series(kind, at("01:00"), [60.0, 61.0, 62.0], every=3600)
    assert daily.of(windows(checks), DAY.date(), UTC).value == 61


def test_an_irregular_night_and_a_short_one_have_none() -> None:
    rng = np.random.default_rng(8)
    wild = NIGHT_RMSSD.of(windows(beats(at("01:00"), rng.uniform(400, 1200, 6000).tolist())), DAY.date(), UTC)
    assert wild.value is None
    assert "irregular" in wild.reason
    short = NIGHT_RMSSD.of(windows(beats(at("01:00"), [900.0] * 600)), DAY.date(), UTC)
    assert short.value is None


@pytest.mark.parametrize("daily", DAILIES, ids=lambda d: d.name)
def test_a_day_without_readings_says_so(daily) -> None:  # type: ignore[no-untyped-def]
    found = daily.of({}, DAY.date(), UTC)
    assert found.value is None
    assert found.reason


def test_recovery_in_the_first_minute_after_exertion() -> None:
    values = np.concatenate(
        ([70.0] * 300, np.linspace(70, 160, 120), [160.0] * 600, np.linspace(160, 130, 61))
    )
    window = windows(series(Kind.HEART_RATE, at("09:00"), [*values, *[128.0] * 120]))[Kind.HEART_RATE]
    assert heart_rate_recovery(window).value == pytest.approx(30, abs=4)
    rest = windows(series(Kind.HEART_RATE, at("09:00"), [70.0] * 900))[Kind.HEART_RATE]
    assert heart_rate_recovery(rest).value is None
