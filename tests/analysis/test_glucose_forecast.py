from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm.analysis.forecast import PRIOR, fit, forecast, forecasts, learn, pairs
from healthslm.evaluation.forecast import measured, run
from healthslm.importers.glucose import read_glucose
from healthslm.readings import Floats, Kind
from tests.making import at, series, windows

FILE = Path(__file__).parent.parent / "data" / "glucose" / "clarity-2-days.csv"


def recorded() -> tuple[Floats, Floats]:
    read = read_glucose(FILE)
    first = read.times[0].astype("M8[D]").astype("M8[us]")
    return (read.times - first).astype(np.int64) / 60e6, read.values


def test_what_comes_later_changes_no_forecast() -> None:
    """The forecast from a reading is the same whether or not the future is known."""
    minutes, values = recorded()
    model = fit(minutes[:300], values[:300])
    whole = forecasts(model, minutes, values)
    for until in (40, 111, 300, 450):
        part = forecasts(model, minutes[:until], values[:until])
        assert part.index.tolist() == whole.index[whole.index < until].tolist()
        assert part.value == pytest.approx(whole.value[: len(part.index)])
        other = values.copy()
        other[until:] = 400.0
        changed = forecasts(model, minutes, other)
        assert changed.value[: len(part.index)] == pytest.approx(part.value)


def test_a_day_that_is_foretold_was_not_learnt_from() -> None:
    """Another truth on the last day changes what it is held against, and no forecast from earlier days."""
    minutes, values = recorded()
    plain = measured(minutes, values)
    last = minutes >= 1440 * (minutes[-1] // 1440)
    first_of_last = int(np.flatnonzero(last)[0])
    other = values.copy()
    other[first_of_last + 60 :] += 50
    changed = measured(minutes, other)
    assert plain is not None
    assert changed is not None
    upto = int((pairs(minutes, values).index < first_of_last + 50).sum())
    for name in ("earlier days", "nobody's days"):
        assert plain.expected[name][:upto] == pytest.approx(changed.expected[name][:upto])


def test_it_is_below_the_simple_ones_on_a_recorded_person() -> None:
    lines = {line.name: line for line in run(FILE).lines}
    assert lines["ours, fitted to other days"].met
    assert lines["ours, fitted to earlier days"].met
    inside = lines["truth within the 90 % interval"].value
    assert inside is not None
    assert 80 < inside < 97


def test_a_line_that_falls_steadily_is_foretold_lower_and_a_flat_one_flat() -> None:
    minutes = 5.0 * np.arange(30)
    flat = forecasts(PRIOR, minutes, np.full(30, 120.0))
    assert flat.value == pytest.approx(120)
    falling = forecasts(PRIOR, minutes, 200 - 2.0 * np.arange(30))
    assert (falling.value < 200 - 2.0 * falling.index).all()
    assert (falling.low < falling.value).all()
    assert (falling.value < falling.high).all()


def test_a_person_own_days_are_learnt_and_their_error_stated() -> None:
    rng = np.random.default_rng(2)
    minutes = 5.0 * np.arange(3 * 288)
    values = 140 + 50 * np.sin(minutes / 40) + rng.normal(0, 1, len(minutes))
    model = fit(minutes, values)
    found = pairs(minutes, values)
    own = forecasts(model, minutes, values)
    truth = np.interp(minutes[own.index] + 30, minutes, values)
    seen = minutes[own.index] + 30 <= minutes[-1]
    error = float(np.sqrt(np.mean((own.value - truth)[seen] ** 2)))
    assert model.pairs == len(found.index)
    assert error < 0.3 * float(np.sqrt(np.mean(found.change**2)))
    assert model.rmse == pytest.approx(error, rel=0.1)


def test_without_days_of_ones_own_it_is_the_general_one() -> None:
    nothing = np.empty((0, 6)), np.array([]), np.array([])
    assert learn(*nothing) is PRIOR
    few = fit(5.0 * np.arange(20), np.full(20, 100.0))
    assert few.rmse == PRIOR.rmse


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.5, 90), st.floats(20, 600)), min_size=0, max_size=80),
)
def test_any_readings_give_a_forecast_that_a_sensor_could_show(rows: list[tuple[float, float]]) -> None:
    minutes = np.cumsum([gap for gap, _ in rows]) if rows else np.array([])
    values = np.array([value for _, value in rows])
    found = forecasts(fit(minutes, values), minutes, values)
    assert ((found.value >= 40) & (found.value <= 500)).all()
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()


def test_of_a_window_with_its_readings() -> None:
    rows = series(Kind.SENSOR_GLUCOSE, at("08:00"), [120 - 3 * i for i in range(12)], every=300)
    value, low, high, error = forecast(windows(rows)[Kind.SENSOR_GLUCOSE])
    assert None not in (value.value, low.value, high.value)
    assert value.value is not None
    assert value.value < 87
    assert error.value == PRIOR.rmse
    assert value.readings[1] == rows[-1].id


def test_half_an_hour_without_a_gap_is_asked_for() -> None:
    few = series(Kind.SENSOR_GLUCOSE, at("08:00"), [120] * 4, every=300)
    late = series(Kind.SENSOR_GLUCOSE, at("08:00") + timedelta(minutes=50), [120], every=300)
    for rows in (few, few + late):
        (found,) = forecast(windows(rows)[Kind.SENSOR_GLUCOSE])
        assert found.value is None
        assert "half hour" in found.reason


def test_a_slow_sensor_is_enough() -> None:
    rows = series(Kind.SENSOR_GLUCOSE, at("08:00"), [150, 140, 130, 120], every=900)
    assert forecast(windows(rows)[Kind.SENSOR_GLUCOSE])[0].value is not None


@pytest.mark.parametrize("value", [40.0, 123.0, 500.0, 600.0])
def test_no_forecast_is_exact(value: float) -> None:
    """Of a line that did not move nothing was ever missed; a sensor is off by more than nothing."""
    minutes = 5.0 * np.arange(400)
    model = fit(minutes, np.full(400, value))
    found = forecasts(model, minutes, np.full(400, value))
    assert (found.high - found.low >= 5).all()
    assert model.rmse >= 5
