import numpy as np
import pytest

from healthslm.analysis.activity import like_exertion, movement, rose_as_in_exertion
from healthslm.readings import Kind, Reading
from healthslm.readings import micro as micro_of
from tests.making import at, series, windows


def micro(clock: str) -> int:
    return micro_of(at(clock))


@pytest.mark.parametrize(
    ("rows", "moved"),
    [
        (series(Kind.STEPS, at("09:00"), [100] * 10, every=60), True),
        (series(Kind.STEPS, at("09:00"), [10] * 10, every=60), False),
        (series(Kind.STEPS, at("08:50"), [0, 900], every=900), True),
        (series(Kind.CADENCE, at("09:00"), [80] * 600), True),
        (series(Kind.CADENCE, at("09:00"), [0] * 600), False),
        (series(Kind.SPEED, at("09:00"), [2.5] * 600), True),
        (series(Kind.MOVEMENT, at("09:00"), [125] * 60, every=10), True),
        (series(Kind.MOVEMENT, at("09:00"), [12] * 60, every=10), False),
    ],
)
def test_whatever_shows_movement(rows: list[Reading], moved: bool) -> None:
    found = movement(windows(rows))
    assert found.known(micro("08:55"), micro("09:10"))
    assert found.moved(micro("09:01"), micro("09:05")) is moved
    assert not found.moved(micro("09:30"), micro("09:40"))
    assert not found.known(micro("09:30"), micro("09:40"))


@pytest.mark.parametrize(("steps", "moved"), [(9000, True), (1000, False), (0, False)])
def test_steps_that_are_told_once_an_hour_are_of_all_of_it(steps: float, moved: bool) -> None:
    found = movement(windows(series(Kind.STEPS, at("07:00"), [0, 0, steps], every=3600)))
    assert found.moved(micro("08:10"), micro("08:20")) is moved
    assert not found.moved(micro("07:10"), micro("07:50"))


def test_nothing_to_go_by_is_not_known_to_be_rest() -> None:
    found = movement({})
    assert not found.known(micro("00:00"), micro("23:00"))
    assert not found.moved(micro("00:00"), micro("23:00"))


def test_the_onset_tells_exertion_from_a_rhythm_that_sets_in() -> None:
    seconds = np.arange(-1200.0, 0)
    wave = 3 * np.sin(seconds / 40)
    ramp = np.interp(seconds, [-900, -780], [75, 140]) + wave
    sudden = np.where(seconds < -800, 75.0, 160.0)
    assert like_exertion(seconds, ramp, 120)
    assert not like_exertion(seconds, sudden, 120)
    assert not like_exertion(seconds, np.full(1200, 140.0), 120)
    assert like_exertion(seconds, 140 + 3 * wave, 120)


def test_a_rise_as_in_exertion_is_seen_and_takes_minutes() -> None:
    seconds = np.arange(-3600.0, 0.0)
    sport = np.interp(seconds, [-3600, -1800, -1500], [70, 70, 150])
    fever = np.interp(seconds, [-3600, 0], [90, 135])
    once_a_minute = np.where(seconds < -1800, 72.0, 165.0)[::60]
    assert rose_as_in_exertion(seconds, sport, 120)
    assert not rose_as_in_exertion(seconds, fever + 0.01, 106)
    assert like_exertion(seconds[::60], once_a_minute, 120)
    assert not rose_as_in_exertion(seconds[::60], once_a_minute, 120)
    wavers = 150 + 5 * np.sin(seconds / 90)
    assert not rose_as_in_exertion(seconds, wavers, 120)
    assert rose_as_in_exertion(seconds[-1200:], wavers[-1200:], 120)
