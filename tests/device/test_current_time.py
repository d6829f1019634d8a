"""The clock of a device: what it says, and the bytes to set it with."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import SERVICES, STATE, CurrentTime, DateTime, LocalTimeInformation
from device.gatt.current_time import AdjustReason
from tests.device.strategies import GLUCOSE, mutations


def test_setting_a_clock_to_the_byte() -> None:
    # 2 March 2026 is a Monday; half a second is 128/256; reason: external reference, bit 1.
    moment = dt.datetime(2026, 3, 2, 17, 5, 9, 500_000)  # noqa: DTZ001  a device's clock has no zone
    now = CurrentTime.of(moment, AdjustReason.EXTERNAL_REFERENCE_TIME_UPDATE)
    assert bytes(now).hex() == "ea0703021105090180" + "02"
    assert now.datetime == moment


def test_a_zone_is_not_sent() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    now = CurrentTime.of(dt.datetime(2026, 3, 8, 23, 59, 59, 999_999, zone))
    assert now == CurrentTime(DateTime(2026, 3, 8, 23, 59, 59), 7, 255, AdjustReason.MANUAL_TIME_UPDATE)


@pytest.mark.parametrize("payload", ["00000000000000000000", "ea071402110509000000"])
def test_a_day_that_is_not_known_or_cannot_be(payload: str) -> None:
    now = decode("2A2B", bytes.fromhex(payload))
    assert isinstance(now, CurrentTime)
    assert (now.day_of_week, now.datetime) == (None, None)


@given(st.datetimes(dt.datetime(1582, 1, 1)))  # noqa: DTZ001  a device's clock has no zone
def test_a_clock_loses_less_than_four_milliseconds(moment: dt.datetime) -> None:
    there = CurrentTime.from_bytes(bytes(CurrentTime.of(moment))).datetime
    assert there is not None
    assert dt.timedelta(0) <= moment - there < dt.timedelta(seconds=1 / 256, microseconds=1)


@pytest.mark.parametrize(
    ("payload", "zone", "dst"),
    [("0404", 60, 60), ("80ff", None, None), ("d000", -720, 0), ("3808", 840, 120), ("1602", 330, 30)],
)
def test_local_time(payload: str, zone: int | None, dst: int | None) -> None:
    assert decode("2A0F", bytes.fromhex(payload)) == LocalTimeInformation(zone, dst)


@pytest.mark.parametrize(
    ("characteristic", "payload", "why"),
    [
        ("2A2B", "ea07030211050901", "ends before"),
        ("2A2B", "ea070302110509080000", "day of the week 8"),
        ("2A2B", "ea07030211050901000000", "more bytes"),
        ("2A08", "ea0703021105", "ends before"),
        ("2A08", "ea07030211050901", "more bytes"),
        ("2A0F", "3900", "57"),
        ("2A0F", "cf00", "-49"),
        ("2A0F", "0001", "daylight"),
        ("2A0F", "00", "ends before"),
        ("2A0F", "000000", "more bytes"),
    ],
)
def test_what_is_refused_and_why(characteristic: str, payload: str, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode(characteristic, bytes.fromhex(payload))


@pytest.mark.parametrize(("zone", "dst"), [(7, 0), (900, 0), (0, 45)])
def test_what_the_format_cannot_say_is_not_sent(zone: int, dst: int) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        bytes(LocalTimeInformation(zone, dst))


def test_the_clock_is_read_but_chooses_no_device() -> None:
    assert {"2A2B", "2A08"} <= STATE
    assert "1805" not in SERVICES


@given(st.data())
@pytest.mark.parametrize("characteristic", ["2A2B", "2A08", "2A0F"])
def test_whatever_is_wrong_with_a_value_is_a_decode_error(characteristic: str, data: st.DataObject) -> None:
    value = data.draw(mutations(GLUCOSE[characteristic]))
    try:
        clock = decode(characteristic, value)
    except DecodeError:
        return
    assert bytes(clock) == value
