"""What stands still where no living body does: flat lines and frozen counters; and what may stand still."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from device.gatt import HeartRateMeasurement, PlxContinuousMeasurement
from device.gatt.cycling import CscMeasurement
from device.gatt.running import RscMeasurement
from device.vendors.polar_frames import EcgFrame
from healthslm.ingest import Ingest
from healthslm.readings import Kind, Quality, Reading
from tests.ingest.hearing import BERLIN, NOON, note


def beating(beats: list[int]) -> Iterator[list[Reading]]:
    ingest = Ingest(BERLIN)
    for second, beat in enumerate(beats):
        when = NOON + timedelta(seconds=second)
        yield list(ingest.take(note(HeartRateMeasurement(60, rr_intervals=(beat,)), when)).readings)


def test_beats_that_are_equal_to_the_last_digit_for_minutes_are_a_stuck_sensor() -> None:
    taken = list(beating([1024] * 130))
    assert {r.quality for r in taken[119]} == {Quality.GOOD}
    assert {r.quality for r in taken[125]} == {Quality.FLAT_LINE}


def test_a_paced_heart_is_none() -> None:
    """The strap finds the pacemaker's beats a sample early or late."""
    assert {r.quality for t in beating([1024, 1024, 1024, 1025] * 100) for r in t} == {Quality.GOOD}


def test_a_rate_that_stands_still_says_nothing() -> None:
    ingest = Ingest(BERLIN)
    for second in range(600):
        taken = ingest.take(note(HeartRateMeasurement(60), NOON + timedelta(seconds=second)))
    assert taken.readings[0].quality == Quality.GOOD


@pytest.mark.parametrize(("index", "quality"), [(3.2, Quality.FLAT_LINE), (None, Quality.GOOD)])
def test_an_oximeter_is_stuck_only_when_its_perfusion_index_stands_too(
    index: float | None, quality: Quality
) -> None:
    ingest = Ingest(BERLIN)
    for minute in range(61):
        for second in (0, 30):
            when = NOON + timedelta(minutes=minute / 5, seconds=second / 5)
            taken = ingest.take(note(PlxContinuousMeasurement(97.0, 60.0, pulse_amplitude_index=index), when))
    assert {r.quality for r in taken.readings} == {quality}


def test_an_oximeter_that_was_off_in_between_begins_anew() -> None:
    ingest = Ingest(BERLIN)
    same = PlxContinuousMeasurement(97.0, 60.0, pulse_amplitude_index=3.2)
    ingest.take(note(same))
    assert ingest.take(note(same, NOON + timedelta(hours=1))).readings[0].quality == Quality.GOOD


def test_an_amplifier_that_gives_one_value_for_half_a_second_is_flat() -> None:
    quiet = Ingest(BERLIN).take(note(EcgFrame(10**18, (12,) * 73))).readings
    short = Ingest(BERLIN).take(note(EcgFrame(10**18, (12,) * 10))).readings
    alive = Ingest(BERLIN).take(note(EcgFrame(10**18, (12,) * 72 + (13,)))).readings
    assert [rs[0].quality for rs in (quiet, short, alive)] == [
        Quality.FLAT_LINE,
        Quality.GOOD,
        Quality.GOOD,
    ]


def test_samples_of_a_clock_that_stands_still_end_at_reception() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(EcgFrame(10**18, (1, 2, 3))))
    taken = ingest.take(note(EcgFrame(10**18, (4, 5, 6)), NOON + timedelta(seconds=1))).readings
    assert taken[-1].time == NOON + timedelta(seconds=1)
    assert {r.quality for r in taken} == {Quality.FROZEN}


def foot(speed: float, way: float) -> RscMeasurement:
    return RscMeasurement(instantaneous_speed=speed, instantaneous_cadence=160, total_distance=way)


def test_speed_without_way_is_a_stuck_pod() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(foot(3.0, 100.0)))
    moving = ingest.take(note(foot(3.0, 103.0), NOON + timedelta(seconds=1))).readings
    assert [(r.kind, r.value, r.quality) for r in moving] == [
        (Kind.DISTANCE, 3.0, Quality.GOOD),
        (Kind.SPEED, 3.0, Quality.GOOD),
        (Kind.CADENCE, 160.0, Quality.GOOD),
    ]
    for second in range(2, 13):
        stuck = ingest.take(note(foot(3.0, 103.0), NOON + timedelta(seconds=second))).readings
    assert {r.quality for r in stuck} == {Quality.FROZEN}
    standing = ingest.take(note(foot(0.0, 103.0), NOON + timedelta(seconds=20))).readings
    assert {r.quality for r in standing} == {Quality.GOOD}


def crank(turns: int, clock: int) -> CscMeasurement:
    return CscMeasurement(cumulative_crank_revolutions=turns, last_crank_event_time=clock)


def test_cadence_is_from_turn_to_turn_and_nothing_for_a_while_is_none() -> None:
    ingest = Ingest(BERLIN)
    values = []
    for second, (turns, clock) in enumerate([(10, 0), (11, 768), (13, 2304), (13, 2304), (13, 2304)]):
        taken = ingest.take(note(crank(turns, clock), NOON + timedelta(seconds=2 * second)))
        values.append([r.value for r in taken.readings])
    assert values == [[], [80.0], [80.0], [], [0.0]]


def test_turns_that_go_on_while_their_clock_stands_are_refused() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(crank(10, 0)))
    assert "clock" in ingest.take(note(crank(12, 0), NOON + timedelta(seconds=1))).refused[0]


def test_wheels_give_no_speed_without_their_size() -> None:
    ingest = Ingest(BERLIN)
    wheel = CscMeasurement(cumulative_wheel_revolutions=5, last_wheel_event_time=0)
    assert list(ingest.take(note(wheel)).readings) == []
