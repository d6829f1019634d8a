"""Weights as the tables of 2A9D and 2A9E in the GATT Specification Supplement lay them out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import MEASUREMENTS, STATE, DateTime, WeightMeasurement, WeightScaleFeature
from device.gatt.weight_scale import UNKNOWN_USER, Features, HeightResolution, MassResolution, MassUnit
from tests.device.body_strategies import BODY
from tests.device.strategies import mutations


def weight(payload: str) -> WeightMeasurement:
    return WeightMeasurement.from_bytes(bytes.fromhex(payload))


def test_kilograms() -> None:
    # 14700 steps of 0.005 kg.
    assert weight("00 6c39") == WeightMeasurement(weight=73.5)


def test_pounds_and_inches_with_everything() -> None:
    # 16204 of 0.01 lb, on 2 March 2026 at 17:05:09, nobody known, BMI 23.4, 69.0 in.
    found = weight("0f 4c3f ea070302110509 ff ea00 b202")
    assert found == WeightMeasurement(
        weight=162.04,
        unit=MassUnit.LB,
        timestamp=DateTime(2026, 3, 2, 17, 5, 9),
        user_id=UNKNOWN_USER,
        bmi=23.4,
        height=69.0,
    )


def test_metres() -> None:
    assert weight("08 6c39 e800 a506").height == 1.701


@pytest.mark.parametrize("payload", ["00ffff", "01ffff"])
def test_unsuccessful_is_no_weight(payload: str) -> None:
    assert weight(payload).weight is None


def test_the_largest_weight_is_not_taken_for_unsuccessful() -> None:
    assert weight("00 feff").weight == 327.67
    with pytest.raises(ValueError, match="would read as not known"):
        bytes(WeightMeasurement(weight=327.675))


def test_flags_that_are_not_assigned_cost_no_weight() -> None:
    # From a Xiaomi scale: bits 5 and 7 say stable and taken off (sputnikdev/bluetooth-gatt-parser).
    found = weight("a2 4c63 e20702010f2f1c")
    assert (found.weight, found.timestamp) == (127.1, DateTime(2018, 2, 1, 15, 47, 28))


@pytest.mark.parametrize(
    "payload", ["", "00", "006c", "006c3900", "026c39ea0703021105", "046c39", "086c39ea00", "0f4c3f"]
)
def test_missing_and_left_over_fields_are_refused(payload: str) -> None:
    with pytest.raises(DecodeError, match="2A9D"):
        weight(payload)


def test_a_body_mass_index_needs_its_height() -> None:
    with pytest.raises(ValueError, match="both or neither"):
        bytes(WeightMeasurement(weight=70.0, bmi=23.0))


@pytest.mark.parametrize("wrong", [-1.0, 400.0])
def test_what_does_not_fit_is_not_written(wrong: float) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        bytes(WeightMeasurement(weight=wrong))


def test_features() -> None:
    # Time stamp, BMI; weights to 0.05 kg (4 from bit 3), heights to 1 mm (3 from bit 7); bit 31 is not known.
    found = decode("2A9E", bytes.fromhex("a5010080"))
    assert found == WeightScaleFeature(
        Features.TIME_STAMP | Features.BMI,
        MassResolution.TWENTIETH_KG_OR_TENTH_LB,
        HeightResolution.MILLIMETRE_OR_TENTH_INCH,
    )
    assert MassResolution(4).step(MassUnit.KG) == 0.05
    assert MassResolution(4).step(MassUnit.LB) == 0.1
    assert MassResolution(0).step(MassUnit.KG) is None


def test_a_resolution_that_is_not_assigned_is_a_number() -> None:
    assert decode("2A9E", bytes.fromhex("78020000")) == WeightScaleFeature(Features(0), 15, 4)


def test_the_link_listens() -> None:
    assert "2A9D" in MEASUREMENTS
    assert "2A9E" in STATE


@given(mutations(BODY["2A9D"]) | mutations(BODY["2A9E"]), st.sampled_from(["2A9D", "2A9E"]))
def test_anything_is_a_measurement_or_refused(value: bytes, name: str) -> None:
    try:
        found = decode(name, value)
    except DecodeError:
        return
    assert decode(name, bytes(found)) == found
