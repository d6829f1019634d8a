"""Speed, cadence and distance as the tables of 2A53 and 2A54 lay them out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import MEASUREMENTS, SILENCE, STATE, RscFeature, RscMeasurement
from device.gatt.running import Features
from tests.device.body_strategies import BODY
from tests.device.strategies import mutations


def test_walking() -> None:
    # 360/256 m/s, 110 steps a minute.
    assert decode("2A53", bytes.fromhex("00 6801 6e")) == RscMeasurement(
        instantaneous_speed=1.40625, instantaneous_cadence=110
    )


def test_running_with_everything() -> None:
    # 768/256 m/s, 172 steps a minute, strides of 1.05 m, 4213.7 m.
    assert decode("2A53", bytes.fromhex("07 0003 ac 6900 99a40000")) == RscMeasurement(
        instantaneous_speed=3.0,
        instantaneous_cadence=172,
        instantaneous_stride_length=1.05,
        total_distance=4213.7,
        running=True,
    )


@pytest.mark.parametrize("payload", ["", "00", "006801", "0068016e00", "0168016e69", "0268016e010203"])
def test_missing_and_left_over_fields_are_refused(payload: str) -> None:
    with pytest.raises(DecodeError, match="2A53"):
        decode("2A53", bytes.fromhex(payload))


def test_features() -> None:
    assert decode("2A54", b"\x06\x00") == RscFeature(
        Features.TOTAL_DISTANCE | Features.WALKING_OR_RUNNING_STATUS
    )


def test_the_link_listens_all_the_time() -> None:
    assert "2A53" in MEASUREMENTS
    assert "2A53" in SILENCE
    assert "2A54" in STATE


@given(mutations(BODY["2A53"]) | mutations(BODY["2A54"]), st.sampled_from(["2A53", "2A54"]))
def test_anything_is_a_measurement_or_refused(value: bytes, name: str) -> None:
    try:
        found = decode(name, value)
    except DecodeError:
        return
    assert decode(name, bytes(found)) == found
