from datetime import timedelta

import numpy as np
import pytest

from healthslm.analysis.oxygen import desaturation_indices, oxygen_features, time_below
from healthslm.readings import Feature, Kind, Quality, Window, instant
from tests.making import DAY, at, series, windows

HOURS = 5


def window(values: np.ndarray, every: int = 1, quality: np.ndarray | None = None) -> Window:
    count = len(values)
    times = instant(DAY) + every * np.arange(count) * np.timedelta64(1, "s")
    return Window(
        kind=Kind.SPO2,
        start=DAY,
        end=DAY + timedelta(seconds=every * count),
        times=times,
        values=values.astype(np.float64),
        ids=np.arange(count),
        quality=np.zeros(count, dtype=np.int16) if quality is None else quality,
    )


def night(*, depth: float = 0, lasts: int = 30, count: int = 0, level: float = 96) -> np.ndarray:
    values = np.full(HOURS * 3600, level, dtype=np.float64)
    for number in range(count):
        begin = 600 + number * 300
        values[begin : begin + lasts] = level - depth
    return values


def by_name(found: tuple[Feature, ...]) -> dict[str, float | None]:
    return {one.name: one.value for one in found}


@pytest.mark.parametrize(
    ("depth", "lasts", "odi3", "odi4"),
    [(2, 30, 0, 0), (3, 30, 40, 0), (4, 30, 40, 40), (10, 9, 0, 0), (10, 10, 40, 40), (5, 60, 40, 40)],
)
def test_desaturations_are_counted_by_depth_and_length(depth: int, lasts: int, odi3: int, odi4: int) -> None:
    found = by_name(desaturation_indices(window(night(depth=depth, lasts=lasts, count=40))))
    assert found["odi3"] == pytest.approx(odi3 / HOURS, rel=0.01)
    assert found["odi4"] == pytest.approx(odi4 / HOURS, rel=0.01)


def test_a_level_that_lasts_is_one_desaturation_and_a_slow_drift_none() -> None:
    lasting = night()
    lasting[3600:] = 88
    assert by_name(desaturation_indices(window(lasting)))["odi3"] == pytest.approx(1 / HOURS, rel=0.01)
    drift = np.round(np.linspace(98, 88, HOURS * 3600))
    assert by_name(desaturation_indices(window(drift)))["odi3"] == 0


@pytest.mark.parametrize("code", [0, 127, 255, np.nan])
def test_a_sensor_that_is_off_is_no_desaturation(code: float) -> None:
    values = night()
    for begin in range(600, HOURS * 3600 - 300, 900):
        values[begin - 15 : begin] = np.linspace(96, 80, 15)  # a finger that slides out
        values[begin : begin + 120] = code
        values[begin + 120 : begin + 135] = np.linspace(80, 96, 15)
    found = desaturation_indices(window(values))
    assert [one.value for one in found] == [0, 0]
    share = by_name(time_below(window(values)))["spo2_below_88"]
    assert share is not None
    assert share < 3  # the sliding alone


def test_readings_of_no_quality_count_for_nothing() -> None:
    values = night(depth=15, count=40)
    bad = (values < 90).astype(np.int16) * int(Quality.NO_CONTACT)
    assert [one.value for one in desaturation_indices(window(values, quality=bad))] == [0, 0]
    assert by_name(time_below(window(values, quality=bad)))["spo2_below_90"] == 0


def test_time_below_is_of_the_covered_time() -> None:
    values = night()
    values[:3600] = 89
    values[7200:10800] = 0
    found = by_name(time_below(window(values)))
    assert found["spo2_below_90"] == pytest.approx(100 * 3600 / (4 * 3600), abs=0.1)
    assert found["spo2_below_88"] == 0
    assert found["spo2_below_94"] == found["spo2_below_92"] == found["spo2_below_90"]


def test_too_little_is_said() -> None:
    spots = windows(series(Kind.SPO2, at("08:00"), [95, 93, 96], every=3600))
    found = oxygen_features(spots)
    assert len(found) == 6
    assert all(one.value is None and one.reason for one in found)
    assert "apart" in found[-1].reason
    assert "2.9 h" in desaturation_indices(window(night()[: int(2.95 * 3600)]))[0].reason
    assert "10 s apart" in desaturation_indices(window(night(), every=10))[0].reason
    assert oxygen_features({}) == ()
    none = desaturation_indices(window(np.array([])))
    assert none[0].value is None
    assert "no usable" in none[0].reason


def test_four_seconds_between_readings_will_do() -> None:
    values = night(depth=4, lasts=32, count=40)[::4]
    found = by_name(desaturation_indices(window(values, every=4)))
    assert found["odi4"] == pytest.approx(40 / HOURS, rel=0.01)
