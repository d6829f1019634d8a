import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm.analysis.glucose import (
    Trace,
    episodes,
    figures,
    glucose_features,
    insufficient,
    mage,
    profile,
    sensor_figures,
    trace_of,
)
from healthslm.evaluation.cgm_reference import reference
from healthslm.importers.glucose import read_glucose
from healthslm.readings import Floats, Kind, Window
from tests.making import DAY, at, series, windows

FILE = Path(__file__).parent.parent / "data" / "glucose" / "clarity-2-days.csv"
START = np.datetime64("2026-11-02T00:00", "us")


def trace(
    values: list[float] | Floats, minutes: list[float] | Floats | None = None, every: float = 5
) -> Trace:
    at_ = every * np.arange(1, len(values) + 1) if minutes is None else np.asarray(minutes, dtype=np.float64)
    times = START + np.round(at_ * 60e6).astype("m8[us]")
    return Trace(times=times, values=np.asarray(values, dtype=np.float64), clock=times)


def of(one: Trace) -> dict[str, float | None]:
    return {figure.name: figure.value for figure in figures(one)}


def test_of_four_values_by_hand() -> None:
    found = of(trace([60, 100, 140, 300]))
    assert found["mean"] == 150
    assert found["sd"] == pytest.approx(105.198, abs=1e-3)
    assert found["cv"] == pytest.approx(70.132, abs=1e-3)
    assert found["gmi"] == pytest.approx(6.898)
    assert found["ea1c"] == pytest.approx(6.854, abs=1e-3)
    assert found["j_index"] == pytest.approx(65.126, abs=1e-3)
    assert [found[n] for n in ("tbr_level2", "tbr_level1", "tir", "tar_level1", "tar_level2")] == [
        0,
        25,
        50,
        0,
        25,
    ]
    assert found["gri"] == pytest.approx(2.4 * 25 + 1.6 * 25)


def test_the_bounds_belong_to_the_range() -> None:
    found = of(trace([54, 70, 180, 250]))
    assert [found[n] for n in ("below_54", "below_70", "in_range_70_180", "above_180", "above_250")] == [
        0,
        25,
        50,
        25,
        0,
    ]


def test_risk_is_nothing_where_it_is_least_and_grows_to_both_sides() -> None:
    least = of(trace([112.5] * 3))
    assert least["lbgi"] == pytest.approx(0, abs=1e-4)
    assert least["hbgi"] == pytest.approx(0, abs=1e-4)
    low, lower = of(trace([60.0] * 3)), of(trace([45.0] * 3))
    assert low["lbgi"] is not None
    assert lower["lbgi"] is not None
    assert 0 < low["lbgi"] < lower["lbgi"]
    # Kovatchev's function at 50 and 400 mg/dL, where the risk is 23 and 100 or so.
    assert of(trace([50.0]))["lbgi"] == pytest.approx(22.77 * (np.log(50) ** 1.084 - 5.381) ** 2)


def test_a_recorded_export_is_as_its_definitions_say() -> None:
    read = read_glucose(FILE)
    one = trace_of(read.window(), clock=read.clock)
    expected = reference(list(zip(one.minutes.tolist(), one.values.tolist(), strict=True)))
    ours = of(one)
    for name, value in expected.items():
        assert ours[name] == (None if value is None else pytest.approx(value, abs=1e-6)), name


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(2, 700),
    every=st.sampled_from([1, 5, 5, 7, 10, 15, 30]),
    lost=st.floats(0, 0.6),
    holes=st.integers(0, 3),
)
def test_any_line_is_as_defined(seed: int, count: int, every: int, lost: float, holes: int) -> None:
    """Intervals that waver, missing readings, gaps of hours: the fast way and the plain one agree."""
    rng = np.random.default_rng(seed)
    minutes = every * np.arange(count) + rng.uniform(0, 900) + rng.uniform(-0.4, 0.4, count)
    for _ in range(holes):
        minutes[rng.integers(0, count) :] += rng.uniform(30, 400)
    values = np.round(np.clip(130 + np.cumsum(rng.normal(0, 6, count)), 40, 400))
    keep = rng.random(count) >= lost
    keep[0] = True
    one = trace(values[keep], minutes[keep])
    ours = of(one)
    points = list(zip(one.minutes.tolist(), one.values.tolist(), strict=True))
    for name, value in reference(points).items():
        mine = ours.get(name)
        if value is None or not np.isfinite(value):
            assert mine is None, name
        else:
            assert mine == pytest.approx(value, abs=1e-6), name


def test_mage_of_waves_is_their_height() -> None:
    """Four hours up and down by 100 mg/dL, for two days: every excursion is the whole wave."""
    wave = 150 + 50 * np.sin(2 * np.pi * np.arange(576) / 48)
    assert mage(trace(wave)) == pytest.approx(100, abs=3)
    ripple = wave + 5 * np.sin(2 * np.pi * np.arange(576) / 6)
    assert mage(trace(ripple)) == pytest.approx(106, abs=6)


def test_mage_asks_for_movement_and_for_length() -> None:
    assert np.isnan(mage(trace([100.0] * 300)))
    assert np.isnan(mage(trace([100.0, 200.0] * 10)))
    reasons = {one.name: one.reason for one in figures(trace([100.0] * 300))}
    assert "standard deviation" in reasons["mage"]


def test_mage_is_parted_by_a_long_gap() -> None:
    wave = 150 + 50 * np.sin(2 * np.pi * np.arange(288) / 48)
    low = 100 + 20 * np.sin(2 * np.pi * np.arange(288) / 48)
    at_ = 5.0 * np.arange(1, 577)
    at_[288:] += 600
    both = mage(trace(np.concatenate((wave, low)), at_))
    assert both == pytest.approx((mage(trace(wave)) + mage(trace(low))) / 2, abs=0.5)


def test_nothing_is_interpolated_over_a_long_gap() -> None:
    one = trace([100, 100, 200, 200], [5, 10, 55, 60])
    assert one.grid is not None
    assert np.isfinite(one.grid.flat[:12]).all()
    wide = trace([100, 100, 100, 200, 200], [5, 10, 15, 61, 66])
    assert wide.grid is not None
    assert np.isnan(wide.grid.flat[3:12]).all()


LOW_FOR = {2: 0, 3: 1, 20: 1}


@pytest.mark.parametrize(("points", "count"), LOW_FOR.items())
def test_an_episode_begins_with_fifteen_minutes(points: int, count: int) -> None:
    one = trace([100.0] * 12 + [60.0] * points + [100.0] * 12)
    assert one.grid is not None
    found = episodes(one.grid)
    assert len(found) == count
    if found:
        assert (found[0].direction, found[0].level, found[0].minutes) == ("low", 1, 5 * points)
        assert found[0].extreme == 60
        assert not found[0].open_ended


def test_an_episode_ends_with_fifteen_minutes_back() -> None:
    two = trace([100.0] * 12 + [60.0] * 4 + [80.0] * 2 + [60.0] * 4 + [100.0] * 12)
    assert two.grid is not None
    (one,) = episodes(two.grid)
    assert one.minutes == 50
    apart = trace([100.0] * 12 + [60.0] * 4 + [80.0] * 3 + [60.0] * 4 + [100.0] * 12)
    assert apart.grid is not None
    assert len(episodes(apart.grid)) == 2


def test_levels_are_counted_as_the_consensus_does() -> None:
    one = trace([100.0] * 6 + [60.0] * 4 + [50.0] * 4 + [60.0] * 4 + [100.0] * 6 + [200.0] * 6 + [100.0] * 6)
    found = of(one)
    assert found["episodes_low_level1"] == 1
    assert found["episodes_low_level2"] == 1
    assert found["episodes_low_only_level1"] == 0
    assert found["episodes_high_only_level1"] == 1
    assert found["episodes_low_level1_minutes"] == 60
    assert found["episodes_low_extended"] == 0
    assert of(trace([60.0] * 24 + [100.0] * 6))["episodes_low_extended"] == 0
    assert of(trace([60.0] * 25 + [100.0] * 6))["episodes_low_extended"] == 1


def test_an_episode_that_the_readings_do_not_see_the_end_of() -> None:
    one = trace([100.0] * 6 + [60.0] * 6)
    assert one.grid is not None
    (last,) = episodes(one.grid)
    assert last.open_ended


def test_the_profile_is_of_days_laid_over_each_other() -> None:
    values = np.concatenate([np.full(288, 100.0 + 10 * day) for day in range(5)])
    found = profile(trace(values))
    assert found is not None
    assert found.values.shape == (5, 288)
    assert found.values[:, 100].tolist() == [102, 110, 120, 130, 138]
    assert found.days.tolist() == [5] * 288
    assert found.minutes[0] == 0


def test_the_profile_agrees_with_numpy_where_readings_are_missing() -> None:
    rng = np.random.default_rng(5)
    minutes = np.sort(rng.choice(5 * np.arange(1, 4000), 1500, replace=False)).astype(np.float64)
    one = trace(rng.uniform(50, 300, 1500), minutes)
    found = profile(one)
    assert found is not None
    assert one.grid is not None
    columns = np.roll(one.grid.days, 1, axis=1)  # the last point of a day is midnight
    for index in range(columns.shape[1]):
        good = columns[~np.isnan(columns[:, index]), index]
        expected = np.percentile(good, (5, 25, 50, 75, 95)) if len(good) else np.full(5, np.nan)
        assert found.values[:, index] == pytest.approx(expected, nan_ok=True)


def test_a_clock_that_was_changed_moves_the_profile_and_nothing_else() -> None:
    values = 120 + 40 * np.sin(2 * np.pi * np.arange(864) / 288)
    plain = trace(values)
    clock = plain.clock.copy()
    clock[288:] -= np.timedelta64(60, "m")
    moved = Trace(times=plain.times, values=plain.values, clock=clock)
    without = {name: value for name, value in of(moved).items() if name != "adrr"}
    assert without == {name: value for name, value in of(plain).items() if name != "adrr"}
    one, two = profile(plain), profile(moved)
    assert one is not None
    assert two is not None
    assert one.days.max() == 3
    assert not np.allclose(one.values, two.values, equal_nan=True)


def test_fourteen_days_of_seventy_percent_are_asked_for() -> None:
    rng = np.random.default_rng(3)
    full = 120 + np.cumsum(rng.normal(0, 1, 14 * 288))
    assert insufficient(trace(full)) == ""
    assert insufficient(trace(full, every=299.9 / 60)) == ""  # seven minutes short: printed as 14.0
    assert insufficient(trace(full[: 13 * 288])) == "13.0 days of readings; the consensus asks for 14 days"
    keep = np.arange(14 * 288) % 10 < 6
    keep[-1] = True
    thin = trace(full[keep], (5.0 * np.arange(1, 14 * 288 + 1))[keep])
    assert insufficient(thin) == "readings for 60% of the time; the consensus asks for 70%"
    both = trace(full[keep][:500], thin.minutes[:500])
    assert insufficient(both).endswith(
        "and readings for 60% of the time; the consensus asks for 14 days and 70%"
    )


@pytest.mark.parametrize("every", [1440, 60, 16])
def test_readings_further_apart_than_a_sensors_are_no_sensors(every: int) -> None:
    """One value a day for 20 days is no coverage of 100 %, and no GMI comes of it."""
    thin = trace([100.0 + n % 7 for n in range(20 * 1440 // every)], every=every)
    assert f"readings are {every} minutes apart: no continuous sensor" in insufficient(thin)
    told = {one.name: one for one in sensor_figures(thin)}
    assert told["mean"].value is not None
    for name in ("gmi", "ea1c", "tir", "tbr_level2", "gri", "lbgi"):
        assert told[name].value is None
        assert "no continuous sensor" in told[name].reason
    libre = trace([100.0 + n % 7 for n in range(20 * 96)], every=15)
    assert insufficient(libre) == ""
    assert sensor_figures(libre) == figures(libre)


def test_features_below_that_have_a_reason_and_their_readings() -> None:
    rows = series(Kind.SENSOR_GLUCOSE, DAY, [110 + i % 50 for i in range(288)], every=300)
    found = {f.name: f for f in glucose_features(windows(rows)[Kind.SENSOR_GLUCOSE])}
    assert found["cgm_tir"].value is None
    assert "asks for 14 days" in found["cgm_tir"].reason
    assert found["cgm_days"].value == pytest.approx(1)
    assert found["cgm_days"].readings == (rows[0].id, rows[-1].id)
    assert found["cgm_days"].coverage == pytest.approx(1)
    for feature in found.values():
        assert (feature.value is None) == bool(feature.reason)


def test_one_reading_or_none_and_sparse_ones() -> None:
    off = windows(series(Kind.SENSOR_GLUCOSE, at("08:00"), [0]))[Kind.SENSOR_GLUCOSE]
    for window in (off, Window.of(Kind.SENSOR_GLUCOSE, off.start, off.end, ())):
        (none,) = glucose_features(window)
        assert (none.name, none.value, none.unit) == ("cgm_tir", None, "%")
        assert "no usable" in none.reason
    one = of(trace([100]))
    assert (one["mean"], one["sd"], one["active_percent"]) == (100, None, 0)
    sparse = trace([100.0, 120.0, 90.0, 110.0], [60, 180, 300, 420])
    assert sparse.grid is None
    assert profile(sparse) is None
    assert "mage" not in of(sparse)


def test_memory_grows_as_the_readings_do_and_no_faster() -> None:
    def peak(days: int) -> float:
        """The most bytes a reading at any time."""
        count = days * 288
        noise = np.random.default_rng(1).normal(0, 8, count)
        read = trace(np.clip(140 + 40 * np.sin(np.arange(count) / 40) + noise, 40, 400))
        tracemalloc.start()
        figures(read)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most / count

    month = peak(30)
    assert peak(360) < 1.5 * month
    assert month < 2000
