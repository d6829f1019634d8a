"""Counters of wheel and crank as the tables of 2A5B and 2A5C lay them out, and what two of them say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import MEASUREMENTS, SILENCE, STATE, CscFeature, CscMeasurement
from device.gatt.cycling import Features, Movement, movement
from tests.device.body_strategies import BODY
from tests.device.strategies import mutations


def csc(wheel: tuple[int, int] | None = None, crank: tuple[int, int] | None = None) -> CscMeasurement:
    return CscMeasurement(
        cumulative_wheel_revolutions=wheel[0] if wheel else None,
        last_wheel_event_time=wheel[1] if wheel else None,
        cumulative_crank_revolutions=crank[0] if crank else None,
        last_crank_event_time=crank[1] if crank else None,
    )


def test_both_counters() -> None:
    assert decode("2A5B", bytes.fromhex("03 39300100 e803 5901 d007")) == csc((77881, 1000), (345, 2000))


def test_one_or_none() -> None:
    assert decode("2A5B", bytes.fromhex("01 39300000 e803")) == csc(wheel=(12345, 1000))
    assert decode("2A5B", bytes.fromhex("02 5901 d007")) == csc(crank=(345, 2000))
    assert decode("2A5B", b"\x00") == csc()


@pytest.mark.parametrize(
    "payload", ["", "01", "0139300000", "0139300000e80300", "0259", "0339300000e8035901"]
)
def test_missing_and_left_over_fields_are_refused(payload: str) -> None:
    with pytest.raises(DecodeError, match="2A5B"):
        decode("2A5B", bytes.fromhex(payload))


def test_a_counter_needs_its_time() -> None:
    with pytest.raises(ValueError, match="both or neither"):
        bytes(CscMeasurement(cumulative_crank_revolutions=3))


def test_a_second_of_riding() -> None:
    # The Nordic library's example: ten turns of the wheel and one of the crank in a second.
    assert movement(csc((20, 0), (10, 0)), csc((30, 1024), (11, 1024))) == Movement(
        wheel_revolutions=10, wheel_seconds=1.0, crank_cadence=60.0
    )


def test_the_clock_and_the_counters_begin_anew() -> None:
    # 65024 to 512 is one second over the end of the 16-bit clock.
    before = csc((0xFFFFFFFE, 65024), (0xFFFF, 65024))
    after = csc((5, 512), (1, 512))
    assert movement(before, after) == Movement(wheel_revolutions=7, wheel_seconds=1.0, crank_cadence=120.0)


def test_standing_still_is_not_a_cadence_of_nothing() -> None:
    standing = csc((20, 700), (10, 700))
    assert movement(standing, standing) == Movement(
        wheel_revolutions=0, wheel_seconds=0.0, crank_cadence=None
    )


def test_turns_without_time_have_no_rate() -> None:
    assert movement(csc(crank=(10, 5)), csc(crank=(11, 5))).crank_cadence is None


def test_a_counter_that_was_set_back_says_nothing() -> None:
    assert movement(csc((90_000, 0), (400, 0)), csc((0, 1024), (0, 1024))) == Movement()


def test_what_one_of_them_lacks_is_not_known() -> None:
    assert movement(csc((1, 0)), csc(crank=(1, 0))) == Movement()


@given(
    start=st.integers(0, 0xFFFF),
    time=st.integers(0, 0xFFFF),
    turns=st.integers(1, 300),
    ticks=st.integers(1, 0xFFFF),
)
def test_where_the_counters_stand_changes_nothing(start: int, time: int, turns: int, ticks: int) -> None:
    there = csc(crank=((start + turns) % 65536, (time + ticks) % 65536))
    cadence = movement(csc(crank=(start, time)), there).crank_cadence
    assert cadence == pytest.approx(turns / (ticks / 1024 / 60))


def test_features() -> None:
    assert decode("2A5C", b"\x03\x00") == CscFeature(
        Features.WHEEL_REVOLUTION_DATA | Features.CRANK_REVOLUTION_DATA
    )


def test_the_link_listens_all_the_time() -> None:
    assert "2A5B" in MEASUREMENTS
    assert "2A5B" in SILENCE
    assert "2A5C" in STATE


@given(mutations(BODY["2A5B"]) | mutations(BODY["2A5C"]), st.sampled_from(["2A5B", "2A5C"]))
def test_anything_is_a_measurement_or_refused(value: bytes, name: str) -> None:
    try:
        found = decode(name, value)
    except DecodeError:
        return
    assert decode(name, bytes(found)) == found
