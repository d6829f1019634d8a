"""IEEE 11073 floats and date times: the specification's values, and round trips for every value."""

import json
import math
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.gatt.fields import DateTime, Reader, Special, encode_float32, encode_sfloat, float32, sfloat

VECTORS = json.loads(
    (Path(__file__).parent.parent / "data" / "gatt_vectors.json").read_text(encoding="utf-8")
)
FLOATS = [v for v in VECTORS if v["characteristic"] in ("SFLOAT", "FLOAT")]


@pytest.mark.parametrize("vector", FLOATS, ids=lambda v: v["id"])
def test_published_floats(vector: dict) -> None:
    raw = int.from_bytes(bytes.fromhex(vector["hex"]), "little")
    value = (sfloat if vector["characteristic"] == "SFLOAT" else float32)(raw)
    expected = vector["expected"]["value"]
    if isinstance(expected, str):
        assert isinstance(value, Special), "a special value is never a number"
        specials = {"Infinity": Special.POSITIVE_INFINITY, "-Infinity": Special.NEGATIVE_INFINITY}
        assert value is specials.get(expected, value)
    else:
        assert value == pytest.approx(expected, abs=vector["tolerance"])


@pytest.mark.parametrize(
    ("raw", "value"), [(0x07FF, Special.NAN), (0x0800, Special.NRES), (0x0801, Special.RESERVED)]
)
def test_specials_of_sfloat(raw: int, value: Special) -> None:
    assert sfloat(raw) is value
    assert encode_sfloat(value) == raw.to_bytes(2, "little")


def test_a_special_mantissa_with_an_exponent_is_a_number() -> None:
    assert sfloat(0x17FF) == 20470.0


def test_decimals_come_out_as_they_are_written() -> None:
    assert str(sfloat(0xF16C)) == "36.4"
    assert str(float32(0xFE000E75)) == "37.01"
    assert str(float32(0xFF000178)) == "37.6"


def test_every_sfloat_there_is_survives_a_round_trip() -> None:
    for raw in range(1 << 16):
        value = sfloat(raw)
        again = sfloat(int.from_bytes(encode_sfloat(value), "little"))
        assert again == value, hex(raw)


@given(st.integers(0, (1 << 32) - 1))
def test_float32_survives_a_round_trip(raw: int) -> None:
    value = float32(raw)
    assert isinstance(value, Special) or math.isfinite(value)
    assert float32(int.from_bytes(encode_float32(value), "little")) == value


@given(st.floats(-2e10, 2e10))
def test_sfloat_is_off_by_half_a_digit_at_most(value: float) -> None:
    again = sfloat(int.from_bytes(encode_sfloat(value), "little"))
    assert isinstance(again, float)
    assert again == pytest.approx(value, rel=1 / 400, abs=1e-8)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e11])
def test_what_does_not_fit_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match=r"not a number|does not fit"):
        encode_sfloat(value)


def test_date_time() -> None:
    stamp = DateTime.of(datetime(2026, 3, 2, 17, 5, 9))  # noqa: DTZ001  a device's clock has no zone
    assert bytes(stamp).hex() == "ea070302110509"
    assert Reader("2A08", bytes(stamp)).date_time("it") == stamp
    assert stamp.datetime == datetime(2026, 3, 2, 17, 5, 9)  # noqa: DTZ001  a device's clock has no zone


@pytest.mark.parametrize(
    "unknown", [DateTime(0, 4, 17, 20, 41, 59), DateTime(2026, 0, 0, 1, 2, 3), DateTime(2026, 2, 30, 0, 0, 0)]
)
def test_an_unknown_or_impossible_day_is_no_moment(unknown: DateTime) -> None:
    assert unknown.fault == ""
    assert unknown.datetime is None


@pytest.mark.parametrize(
    ("stamp", "why"),
    [
        (DateTime(1500, 1, 1, 0, 0, 0), "year 1500"),
        (DateTime(2026, 13, 1, 0, 0, 0), "month 13"),
        (DateTime(2026, 1, 32, 0, 0, 0), "day 32"),
        (DateTime(2026, 1, 1, 24, 0, 0), "hour 24"),
        (DateTime(2026, 1, 1, 0, 60, 0), "minute 60"),
        (DateTime(2026, 1, 1, 0, 0, 60), "second 60"),
    ],
)
def test_a_date_time_out_of_range_is_kept_as_sent_and_is_no_moment(stamp: DateTime, why: str) -> None:
    """The clock of a device that lost its power is no reason to throw away what it measured."""
    assert Reader("2A08", bytes(stamp)).date_time("the timestamp") == stamp
    assert stamp.fault == why
    assert why.startswith("year") or stamp.datetime is None
