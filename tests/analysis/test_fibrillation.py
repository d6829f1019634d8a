"""Atrial fibrillation beat by beat, on recorded and made-up rhythms."""

import csv
import gzip
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from healthslm.analysis.burden import (
    QUARTER,
    Stretches,
    irregular_share,
    judged_minutes,
    least_regular,
    share,
)
from healthslm.analysis.daily_vitals import IRREGULAR_SHARE_OF_DAY
from healthslm.analysis.fibrillation import FEWEST, beats, filled, log_odds, median3
from healthslm.readings import Floats, Kind, Quality, Reading
from healthslm.rules.base import Case
from healthslm.rules.rhythm import IRREGULAR_RHYTHM
from healthslm.training.rhythms import fibrillation, sinus
from tests.making import at, windows
from tests.making import beats as beats_from

DATA = Path(__file__).parent.parent / "data" / "rr"


def recorded(name: str, column: str = "af") -> tuple[Floats, Floats]:
    with gzip.open(DATA / name, "rt") as file:
        rows = list(csv.DictReader(file))
    return (
        np.array([float(row["rr_s"] or "nan") * 1000 for row in rows]),
        np.array([float(row[column]) for row in rows]),
    )


def test_annotated_fibrillation_is_found_and_the_rest_left_alone() -> None:
    rr, af = recorded("afdb-04126-first-2h.csv.gz")
    found = beats(rr)
    assert found[af == 1].mean() > 0.95
    assert found[af == 0].mean() < 0.03


@pytest.mark.parametrize(
    ("name", "most"), [("mitdb-119-800-beats.csv.gz", 0.01), ("mitdb-200-800-beats.csv.gz", 0.1)]
)
def test_ventricular_ectopy_is_not_fibrillation(name: str, most: float) -> None:
    rr, pvc = recorded(name, "pvc")
    assert pvc.mean() >= 0.2
    assert beats(rr).mean() <= most


def test_made_up_rhythms() -> None:
    """Rhythms that were not learned from: no seed of training comes this far."""
    rng = np.random.default_rng(123_456)
    assert np.mean([beats(1000 * sinus(rng, 600)).mean() for _ in range(40)]) < 0.02
    wild = [beats(1000 * np.clip(fibrillation(rng, 600), 0.25, 2.5)).mean() for _ in range(40)]
    assert np.mean(wild) > 0.95


def test_bigeminy_is_not_fibrillation() -> None:
    rr = np.tile([520.0, 1080.0], 300) + np.random.default_rng(1).normal(0, 15, 600)
    assert not beats(rr).any()


def test_one_answer_an_interval_whatever_they_are() -> None:
    for count in (0, 1, FEWEST - 1):
        assert beats(np.full(count, 800.0)).tolist() == [False] * count
    assert len(beats(np.full(FEWEST, 800.0))) == FEWEST
    assert not beats(np.full(100, np.nan)).any()


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, st.integers(0, 200), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_hostile_intervals_are_survived(rr: Floats) -> None:
    found = beats(rr)
    assert found.shape == rr.shape
    assert found.dtype == np.bool_


def test_a_lost_interval_is_judged_by_its_neighbours() -> None:
    rr = np.full(300, 800.0)
    rr[150] = np.nan
    assert filled(rr)[150] == 800
    assert not beats(rr).any()


def test_a_long_recording_is_judged_as_its_pieces_are() -> None:
    rng = np.random.default_rng(7)
    rr = 1000 * np.concatenate(
        [sinus(rng, 3000), np.clip(fibrillation(rng, 3000), 0.25, 2.5), sinus(rng, 6000)]
    )
    whole = log_odds(rr)
    assert len(whole) == 12000
    # Far enough from the cut both know the same neighbours.
    assert whole[2000:7000] == pytest.approx(log_odds(rr[1000:8000])[1000:6000], abs=1e-3)


def test_the_median_of_three() -> None:
    assert median3(np.array([5.0, 1, 9, 2, 2])).tolist() == [5, 5, 2, 2, 2]


def test_a_stretch_is_judged_by_its_own_beats() -> None:
    rng = np.random.default_rng(3)
    wild = 1000 * np.clip(fibrillation(rng, 4000), 0.4, 1.2)
    whole = windows(beats_from(at("09:00"), wild.tolist()))[Kind.RR_INTERVAL]
    early = whole.between(whole.start, at("09:31"))
    one, two = (
        {s.window.start: s for s in Stretches(w, QUARTER).backwards(at("09:00"), at("09:30"))}
        for w in (whole, early)
    )
    assert list(one) == [at("09:15"), at("09:00")]
    assert [s.share for s in one.values()] == [s.share for s in two.values()]
    assert [s.minutes for s in one.values()] == pytest.approx([15, 15], abs=0.1)


def test_a_stretch_that_is_not_over_is_not_judged() -> None:
    window = windows(beats_from(at("09:00"), [800.0] * 2000))[Kind.RR_INTERVAL]
    assert len(list(Stretches(window, QUARTER).backwards(at("09:05"), at("09:20")))) == 0
    assert len(list(Stretches(window, QUARTER).backwards(at("09:00"), at("09:20")))) == 1


def test_what_is_not_usable_has_no_say() -> None:
    rng = np.random.default_rng(3)
    wild = (1000 * np.clip(fibrillation(rng, 1000), 0.4, 1.2)).tolist()
    rows = [replace(r, quality=Quality.NO_CONTACT) for r in beats_from(at("09:00"), wild)]
    window = windows(rows)[Kind.RR_INTERVAL]
    found = irregular_share(window)
    assert found.value is None
    assert "no quarter of an hour" in found.reason
    assert list(Stretches(window, QUARTER).backwards(at("09:00"), at("10:00"))) == []


@pytest.mark.parametrize("name", ["afdb-04126-first-2h.csv.gz", "afdb-04043-joined-2h.csv.gz"])
def test_the_days_share_is_that_of_the_time(name: str) -> None:
    rr, af = recorded(name)
    rr = np.nan_to_num(rr, nan=800)
    found = irregular_share(windows(beats_from(at("09:00"), rr.tolist()))[Kind.RR_INTERVAL])
    assert found.value == pytest.approx(100 * (rr * af).sum() / rr.sum(), abs=5)
    assert found.count > 10_000
    assert share(np.full(500, 800.0)) == 0


def test_a_short_episode_in_a_steady_quarter_counts() -> None:
    """The rule looks away from a quarter of an hour that is mostly steady; the day's share does not."""
    wild = 1000 * np.clip(fibrillation(np.random.default_rng(3), 4000), 0.4, 1.2)
    wild = wild[np.cumsum(wild) <= 90_000]
    rows = beats_from(at("09:00"), [*[1000.0] * 300, *wild.tolist(), *[1000.0] * 500])
    window = windows(rows)[Kind.RR_INTERVAL]
    (quarter,) = Stretches(window, QUARTER).backwards(at("09:00"), at("09:15"))
    assert quarter.share == 0
    assert quarter.irregular_minutes == pytest.approx(1.5, abs=0.3)


def wild_and_steady(minutes: float) -> list[Reading]:
    """So many minutes of AF in one quarter of an hour, and a whole steady one after it."""
    wild = 1000 * np.clip(fibrillation(np.random.default_rng(3), 4000), 0.4, 1.2)
    wild = wild[np.cumsum(wild) <= minutes * 60_000]
    return beats_from(at("09:00"), wild.tolist()) + beats_from(at("09:15"), [1000.0] * 899)


def test_the_days_share_asks_for_what_the_rule_asks_for_and_is_weighed_as_its_evidence() -> None:
    few = windows(wild_and_steady(4))[Kind.RR_INTERVAL]
    assert irregular_share(few).value == 0  # four minutes are not judged
    window = windows(wild_and_steady(14))[Kind.RR_INTERVAL]
    day = irregular_share(window)
    judged = list(Stretches(window, QUARTER).backwards(window.start, window.end))
    # By time, not by beats: the fast ones count no more than the slow ones.
    assert day.value == pytest.approx(100 * 14 / 29, abs=5)
    assert day.value < 100 * len(judged[1].window) / sum(len(one.window) for one in judged) - 5
    seen = {Kind.RR_INTERVAL: window}
    case = Case(
        windows=seen,
        now=window.end,
        zone=ZoneInfo("UTC"),
        thresholds=IRREGULAR_RHYTHM.settings,
        prepared=Stretches(window, QUARTER),
    )
    told = {one.name: one.value for one in IRREGULAR_RHYTHM.evidence(case)}
    assert told["irregular_share"] == day.value
    assert IRREGULAR_SHARE_OF_DAY.title == "share of beats without order"


def test_the_same_beats_told_by_two_devices_are_judged_one_by_one() -> None:
    """One after the other they come in pairs of equals: AF would look like a steady heart."""
    rows = wild_and_steady(14)
    alone = windows(rows)[Kind.RR_INTERVAL]
    later = [replace(one, time=one.time + timedelta(milliseconds=130), device="other") for one in rows]
    both = windows([*rows, *later])[Kind.RR_INTERVAL]
    both = replace(both, devices=np.arange(len(both), dtype=np.int32) % 2)
    assert irregular_share(both).value == pytest.approx(irregular_share(alone).value, abs=0.5)
    assert judged_minutes(both).value == pytest.approx(judged_minutes(alone).value, abs=0.5)
    one, other = least_regular(alone), least_regular(both)
    assert one is not None
    assert other is not None
    assert len(one) == len(other)


def test_a_day_of_few_beats_has_no_share() -> None:
    rows = [one for hour in range(8, 20) for one in beats_from(at(f"{hour:02}:00"), [800.0] * 300)]
    found = irregular_share(windows(rows)[Kind.RR_INTERVAL])
    assert found.value is None
    assert "5 minutes" in found.reason
