"""Values cut into segments come out whole, or are refused and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import LiveHealthObservations
from device.gatt.observations import NumericValue, Observation
from device.gatt.segments import ACTIVITY_MONITOR, HEALTH_SENSOR, SEGMENTED, Header, Joiner, cut
from tests.device.body_strategies import BODY

SPO2 = bytes(LiveHealthObservations(Observation(value=NumericValue(544, 98.0), observation_type=150456)))


def test_headers() -> None:
    # Health sensor: first is bit 0, last bit 1, the counter from bit 2. Activity monitor: 7, 6, from bit 0.
    assert HEALTH_SENSOR.read(0x0B) == Header(first=True, last=True, counter=2)
    assert HEALTH_SENSOR.write(Header(first=False, last=True, counter=63)) == b"\xfe"
    assert ACTIVITY_MONITOR.read(0xC2) == Header(first=True, last=True, counter=2)
    assert ACTIVITY_MONITOR.write(Header(first=True, last=False, counter=0)) == b"\x80"
    with pytest.raises(ValueError, match="0 to 63"):
        HEALTH_SENSOR.write(Header(first=True, last=True, counter=64))


def test_what_is_whole_or_never_cut_goes_through() -> None:
    joiner = Joiner()
    assert joiner.take("2A37", b"\x00\x55") == b"\x00\x55"
    assert joiner.take("2B8B", SPO2) == SPO2
    assert joiner.take("2B8B", b"") == b""


def test_three_segments_make_one_value() -> None:
    parts = cut("2B8B", SPO2, longest=8, counter=62)
    assert [part[0] for part in parts] == [0xF9, 0xFC, 0x02]  # 62 and first, 63, 0 and last
    joiner = Joiner()
    assert [joiner.take("2B8B", part) for part in parts[:-1]] == [None, None]
    whole = joiner.take("2B8B", parts[-1])
    assert whole is not None
    assert decode("2B8B", whole).observation == decode("2B8B", SPO2).observation


@pytest.mark.parametrize("lost", [0, 1])
def test_after_a_lost_segment_the_rest_is_refused(lost: int) -> None:
    parts = cut("2B8B", SPO2, longest=8)
    del parts[lost]
    joiner = Joiner()
    came = [value for part in parts if (value := joiner.take("2B8B", part)) is not None]
    assert came
    for value in came:
        with pytest.raises(DecodeError, match="one segment of several"):
            decode("2B8B", value)
    # And the next value is well again.
    assert joiner.take("2B8B", SPO2) == SPO2


def test_two_characteristics_do_not_mix() -> None:
    joiner = Joiner()
    one, two = cut("2B8B", SPO2, longest=10)
    assert joiner.take("2B8B", one) is None
    assert joiner.take("2BDD", cut("2BDD", SPO2, longest=10)[0]) is None
    whole = joiner.take("2B8B", two)
    assert whole is not None
    assert whole[1:] == SPO2[1:]


def test_a_value_without_an_end_does_not_fill_the_memory() -> None:
    joiner, segment = Joiner(), bytes(512)
    assert joiner.take("2B8B", b"\x01" + segment) is None
    refused = [joiner.take("2B8B", bytes(((n % 64) << 2,)) + segment) for n in range(1, 200)]
    assert any(value is not None for value in refused)


@pytest.mark.parametrize("name", sorted(SEGMENTED))
def test_any_value_survives_being_cut(name: str) -> None:
    @given(BODY[name], st.integers(2, 40), st.integers(0, 63))
    def cut_and_joined(measurement: object, longest: int, counter: int) -> None:
        value, joiner = bytes(measurement), Joiner()  # type: ignore[call-overload]
        *before, last = (joiner.take(name, part) for part in cut(name, value, longest, counter))
        assert before == [None] * len(before)
        assert last is not None
        assert last[1:] == value[1:]
        decode(name, last)

    cut_and_joined()
