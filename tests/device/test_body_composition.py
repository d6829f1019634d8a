"""Body composition as the tables of 2A9C and 2A9B lay it out, and the frames that only look like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import (
    MEASUREMENTS,
    STATE,
    BodyCompositionFeature,
    BodyCompositionMeasurement,
    DateTime,
    WeightMeasurement,
)
from device.gatt.body_composition import Features
from device.gatt.weight_scale import HeightResolution, MassResolution, MassUnit
from tests.device.body_strategies import BODY
from tests.device.strategies import mutations


def composition(payload: str) -> BodyCompositionMeasurement:
    return BodyCompositionMeasurement.from_bytes(bytes.fromhex(payload))


EVERYTHING = (
    "fe1f e900 ea070302110509 02 c819 a401 d02f 6833 b02c 0828 8813 6c39 a506"
    # flags, 23.3 %, time, user 2, 6600 kJ, 42.0 %, then masses of 0.005 kg, 500.0 Ω, 73.5 kg, 1.701 m
)


def test_every_field() -> None:
    assert composition(EVERYTHING) == BodyCompositionMeasurement(
        body_fat_percentage=23.3,
        timestamp=DateTime(2026, 3, 2, 17, 5, 9),
        user_id=2,
        basal_metabolism=6600,
        muscle_percentage=42.0,
        muscle_mass=61.2,
        fat_free_mass=65.8,
        soft_lean_mass=57.2,
        body_water_mass=51.24,
        impedance=500.0,
        weight=73.5,
        height=1.701,
        multiple_packet=True,
    )


def test_only_the_body_fat() -> None:
    assert composition("0000 e900") == BodyCompositionMeasurement(body_fat_percentage=23.3)


def test_pounds() -> None:
    found = composition("010c e900 4c3f b202")
    assert (found.unit, found.weight, found.height) == (MassUnit.LB, 162.04, 69.0)


def test_unsuccessful_is_no_body_fat() -> None:
    assert composition("0000 ffff").body_fat_percentage is None


@pytest.mark.parametrize("payload", ["", "0000", "0000e9", "0000e90000", "0200e900ea07", "0004e9006c"])
def test_missing_and_left_over_fields_are_refused(payload: str) -> None:
    with pytest.raises(DecodeError, match="2A9C"):
        composition(payload)


# Control bytes, year, month, day, hour, minute, second, impedance, weight.
XIAOMI = {
    "stable, with impedance": "0226 e407 0a 12 0b 0a 1e f401 f83e",
    "stable, with impedance, taken off": "02a6 e407 0a 12 0b 0a 1e f401 f83e",
    "stable, without impedance": "0224 e407 0a 12 0b 0a 1e 0000 f83e",
    "still moving": "0204 e407 0a 12 0b 0a 1e 0000 f83e",
    "still moving, this year": "0204 ea07 03 02 11 05 09 0000 f83e",
    "in pounds": "0326 ea07 03 02 11 05 09 f401 4c3f",
    "in catties": "1226 ea07 03 02 11 05 09 f401 6c39",
    "a clock never set": "0204 b207 01 01 00 00 00 0000 f83e",
    "no flags at all": "0000 ea07 03 02 11 05 09 f401 f83e",
}


@pytest.mark.parametrize("payload", XIAOMI.values(), ids=XIAOMI)
def test_a_body_fat_never_comes_out_of_a_frame_of_xiaomi(payload: str) -> None:
    with pytest.raises(DecodeError, match="layout of its own") as caught:
        composition(payload)
    assert "Xiaomi" in caught.value.why
    assert len(bytes.fromhex(payload)) == 13


@given(
    control=st.binary(min_size=2, max_size=2),
    year=st.integers(1970, 2099),
    rest=st.binary(min_size=9, max_size=9),
)
def test_whatever_a_scale_of_xiaomi_says_in_this_century(control: bytes, year: int, rest: bytes) -> None:
    with pytest.raises(DecodeError, match="layout of its own"):
        decode("2A9C", control + year.to_bytes(2, "little") + rest)


@pytest.mark.parametrize("flags", ["0020", "0040", "0080"])
def test_reserved_flags_are_refused(flags: str) -> None:
    with pytest.raises(DecodeError, match="layout of its own"):
        composition(f"{flags} e900")


def test_a_hundred_percent_is_the_most() -> None:
    assert composition("0000 e803").body_fat_percentage == 100.0
    with pytest.raises(DecodeError, match=r"100\.1 %"):
        composition("0000 e903")
    with pytest.raises(ValueError, match="cannot be"):
        bytes(BodyCompositionMeasurement(body_fat_percentage=100.1))


def test_features() -> None:
    # Basal metabolism, impedance, weight; masses to 0.01 kg (6 from bit 11), heights to 5 mm (2 from bit 15).
    assert decode("2A9B", bytes.fromhex("04330100")) == BodyCompositionFeature(
        Features.BASAL_METABOLISM | Features.IMPEDANCE | Features.WEIGHT,
        MassResolution.HUNDREDTH_KG_OR_FIFTIETH_LB,
        HeightResolution.HALF_CENTIMETRE_OR_HALF_INCH,
    )


def test_a_weight_is_no_composition() -> None:
    assert not isinstance(decode("2A9D", bytes.fromhex("006c39")), BodyCompositionMeasurement)
    assert isinstance(decode("2A9D", bytes.fromhex("006c39")), WeightMeasurement)


def test_the_link_listens() -> None:
    assert "2A9C" in MEASUREMENTS
    assert "2A9B" in STATE


@given(mutations(BODY["2A9C"]) | mutations(BODY["2A9B"]), st.sampled_from(["2A9C", "2A9B"]))
def test_anything_is_a_measurement_or_refused(value: bytes, name: str) -> None:
    try:
        found = decode(name, value)
    except DecodeError:
        return
    assert decode(name, bytes(found)) == found
