import random

import numpy as np
import pytest

from healthslm.analysis import hrv, rhythm
from healthslm.analysis.rhythm import BEATS
from healthslm.readings import Kind, Window
from tests.making import at, beats, windows


def window_of(rr: list[float]) -> Window:
    return windows(beats(at("08:00"), rr))[Kind.RR_INTERVAL]


def test_a_steady_rhythm_is_regular_and_a_chaotic_one_is_not() -> None:
    rng = random.Random(1)
    steady = rhythm(window_of([800 + 20 * np.sin(i / 5) for i in range(500)]))
    chaotic = rhythm(window_of([rng.uniform(400, 1100) for _ in range(500)]))
    assert steady.irregularity.max() < 0.02
    assert chaotic.irregularity.min() > 3 * steady.irregularity.max()


def test_one_premature_beat_does_not_look_like_irregularity() -> None:
    rr = [800.0] * 200
    rr[100], rr[101] = 500, 1100
    assert rhythm(window_of(rr)).irregularity.max() < 0.02


def test_nothing_is_judged_across_a_hole() -> None:
    first = beats(at("08:00"), [800.0] * (BEATS - 1))
    second = beats(at("08:05"), [800.0] * (BEATS - 1))
    assert not len(rhythm(windows([*first, *second])[Kind.RR_INTERVAL]).irregularity)


def test_irregularity_does_not_depend_on_the_heart_rate() -> None:
    rng = random.Random(2)
    rr = [rng.uniform(600, 900) for _ in range(300)]
    slow = rhythm(window_of(rr)).irregularity
    fast = rhythm(window_of([x / 2 for x in rr])).irregularity
    assert slow == pytest.approx(fast)


def test_hrv_equals_the_definitions_of_the_task_force() -> None:
    rr = [812.0, 789, 801, 795, 830, 808, 790, 815] * 20
    mean_nn, sdnn, rmssd = hrv(window_of(rr))
    assert mean_nn.value == pytest.approx(np.mean(rr))
    assert sdnn.value == pytest.approx(np.std(rr, ddof=1))
    assert rmssd.value == pytest.approx(np.sqrt(np.mean(np.diff(rr) ** 2)))


def test_hrv_of_an_irregular_rhythm_is_not_given() -> None:
    rng = random.Random(3)
    for feature in hrv(window_of([rng.uniform(350, 1500) for _ in range(300)])):
        assert feature.value is None
        assert "normal" in feature.reason


def test_hrv_of_a_few_beats_is_not_given() -> None:
    assert [f.value for f in hrv(window_of([800.0] * (BEATS - 1)))] == [None] * 3
