"""Observations of every class. Payloads marked ST: the example STM32WBA-BLE-Generic-Health-Sensor."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import (
    CHARACTERISTICS,
    MEASUREMENTS,
    SERVICES,
    STATE,
    GhsControlPoint,
    HealthSensorFeatures,
    LiveHealthObservations,
    ObservationScheduleChanged,
    Special,
    StoredHealthObservations,
)
from device.gatt import observations as ghs
from device.gatt.generic_health_sensor import DeviceSpecialization, GhsCommand
from tests.device.body_strategies import BODY
from tests.device.strategies import mutations

OURS = ["2B8B", "2BDD", "2BF1", "2BF3", "2BF4"]
SPO2, PULSE_RATE, SPOT = 150456, 149530, 150588
PER_CENT, BEATS_PER_MINUTE, MMHG, MILLIVOLT = 544, 2720, 3872, 4274
CLOCK = "22 729d2b290000 06 00"
TIME = ghs.ElapsedTime(ghs.TimeFlags.UTC | ghs.TimeFlags.CURRENT_TIMELINE, 0x292B9D72, 6)


def observation(payload: str) -> ghs.Observation:
    live = decode("2B8B", bytes.fromhex("03" + payload))
    assert isinstance(live, LiveHealthObservations)
    # Not the same bytes: 100 may also be sent as 1·10².
    assert decode("2B8B", bytes(live)) == live
    return live.observation


def test_oxygen_saturation() -> None:  # ST
    found = observation(f"01 1b00 6300 b84b0200 {CLOCK} 01 01 3c4c0200 2002 62000000")
    assert found == ghs.Observation(
        value=ghs.NumericValue(PER_CENT, 98.0),
        observation_type=SPO2,
        time_stamp=TIME,
        patient=1,
        supplemental_information=(SPOT,),
    )
    assert found.observation_class is ghs.ObservationClass.NUMERIC


def test_a_code() -> None:  # ST
    found = observation(f"02 1800 4300 b84b0200 {CLOCK} 01 3c4c0200 62000000")
    assert found.value == ghs.DiscreteValue(98)


def test_a_text() -> None:  # ST
    assert observation("03 0700 0000 0300 4d616e") == ghs.Observation(value=ghs.StringValue("Man"))


def test_a_waveform() -> None:  # ST
    found = observation("04 2000 0000 b210 4c060000 00080000 0a0000fd 01 01 0a000000 f907fb07f507ff070c08")
    assert found.value == ghs.SampleArrayValue(
        MILLIVOLT, 1612.0, 2048.0, 0.01, 1, 1, bytes.fromhex("f907fb07f507ff070c08")
    )


def test_a_blood_pressure() -> None:  # ST
    parts = "054a0200 01 200f 64000000 064a0200 01 200f 3c000000 074a0200 01 200f 50000000"
    found = observation(f"07 3500 1300 044a0200 {CLOCK} 40e20100 03 {parts}")
    assert found == ghs.Observation(
        observation_type=150020,
        time_stamp=TIME,
        observation_id=123456,
        value=ghs.CompoundValue(
            tuple(
                ghs.Component(kind, ghs.NumericValue(MMHG, pressure))
                for kind, pressure in ((150021, 100.0), (150022, 60.0), (150023, 80.0))
            )
        ),
    )


def test_what_was_wrong_with_it() -> None:  # ST
    events = observation("05 1400 8100 f0558000 01 40e20100 02 f0000300 ae010300")
    assert events.derived_from == (123456,)
    assert events.value == ghs.CompoundDiscreteEventValue((3 << 16 | 240, 3 << 16 | 430))
    states = observation("06 1800 8100 f0558000 01 40e20100 04 ffffffff ffffffff f0000300")
    assert states.value == ghs.CompoundStateEventValue(b"\xff" * 4, b"\xff" * 4, bytes.fromhex("f0000300"))


def test_attributes() -> None:  # ST
    tlv = "b84b0200 0300 04 {}0000"
    found = observation("08 2100 0000 03" + "".join(tlv.format(n) for n in ("62", "63", "64")))
    assert found.value == ghs.TlvValue(tuple(ghs.Tlv(SPO2, 4, bytes((n, 0, 0))) for n in (98, 99, 100)))


def test_a_bundle() -> None:  # ST
    one, two = "01 0c00 0100 b84b0200 2002 62000000", "01 0c00 0100 1a480200 a00a 62000000"
    found = observation(f"ff 2f00 4200 {CLOCK} 01 3c4c0200 02 {one} {two}")
    assert found.time_stamp == TIME
    assert found.value == ghs.BundleValue(
        (
            ghs.Observation(observation_type=SPO2, value=ghs.NumericValue(PER_CENT, 98.0)),
            ghs.Observation(observation_type=PULSE_RATE, value=ghs.NumericValue(BEATS_PER_MINUTE, 98.0)),
        )
    )


def test_a_missing_value_is_not_a_number() -> None:
    found = observation("01 0c00 0100 b84b0200 2002 ffff7f00")
    assert isinstance(found.value, ghs.NumericValue)
    assert found.value.value is Special.NAN


def test_status_and_duration() -> None:
    # Questionable and an early estimate; made over 2.5 s.
    found = observation("01 1200 0d00 b84b0200 190000ff 2200 2002 62000000")
    assert found.measurement_duration == 2.5
    assert found.measurement_status == ghs.MeasurementStatus(2 | 32)


def test_stored() -> None:
    found = decode("2BDD", bytes.fromhex("0b 05000000 01 0c00 0100 b84b0200 2002 62000000"))
    assert found == StoredHealthObservations(
        5, ghs.Observation(observation_type=SPO2, value=ghs.NumericValue(PER_CENT, 98.0)), segment_counter=2
    )


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("", "before the header"),
        ("01 01 0c00 0100 b84b0200 2002 62000000", "one segment of several"),
        ("03 01 0d00 0100 b84b0200 2002 62000000", "13 bytes, but its fields 12"),
        ("03 01 0c00 0100 b84b0200 2002 62000000 00", "1 more bytes"),
        ("03 01 0c00 0100 b84b0200 2002 620000", "before the value"),
        ("03 01 0c00 0104 b84b0200 2002 62000000", "not assigned"),
        ("03 09 0800 0000 2002 62000000", "class 9 is not understood"),
        ("03 ff 0f00 0000 01 ff 0900 0000 00", "not understood within a bundle"),
        ("03 07 0e00 0000 01 054a0200 07 00", "a component of class 7"),
        ("03 03 0700 0000 0300 4dff6e", "not UTF-8 at its byte 1"),
        ("03 04 1600 0000 b210 4c060000 00080000 0a0000fd 01 00 ffffffff", "no bytes"),
        ("03 04 1600 0000 b210 4c060000 00080000 0a0000fd 01 04 ffffffff", "before the end of the samples"),
    ],
)
def test_what_is_not_whole_is_refused(payload: str, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode("2B8B", bytes.fromhex(payload))


def test_control_sequences_do_not_get_through() -> None:
    live = decode("2B8B", bytes.fromhex("03 03 0900 0000 0500 1b5b33316d"))
    assert isinstance(live, LiveHealthObservations)
    assert live.observation.value == ghs.StringValue("[31m")


def test_times() -> None:
    # 690 724 210 s after the beginning of 2000.
    assert TIME.datetime == dt.datetime(2021, 11, 20, 11, 50, 10, tzinfo=dt.UTC)
    flags = ghs.TimeFlags
    ms = ghs.ElapsedTime(flags.UTC | flags.RESOLUTION_HIGH, 86_400_500)
    assert ms.datetime == dt.datetime(2000, 1, 2, 0, 0, 0, 500_000, tzinfo=dt.UTC)
    tenths = ghs.ElapsedTime(flags.UTC | flags.RESOLUTION_LOW, 15)
    assert tenths.datetime == dt.datetime(2000, 1, 1, 0, 0, 1, 500_000, tzinfo=dt.UTC)
    finest = ghs.ElapsedTime(flags.UTC | flags.RESOLUTION_HIGH | flags.RESOLUTION_LOW, 15_000)
    assert finest.datetime == tenths.datetime
    # Noon in a zone two hours east, and noon of no zone.
    assert ghs.ElapsedTime(flags.OFFSET_USED, 43_200, 0, 8).datetime == dt.datetime(
        2000, 1, 1, 10, tzinfo=dt.UTC
    )
    assert ghs.ElapsedTime(flags(0), 43_200).datetime == dt.datetime(2000, 1, 1, 12)  # noqa: DTZ001  it has none


def test_ticks_and_the_far_future_are_no_moment() -> None:
    assert ghs.ElapsedTime(ghs.TimeFlags.TICK_COUNTER, 5).datetime is None
    assert ghs.ElapsedTime(ghs.TimeFlags.UTC, (1 << 48) - 1).datetime is None


def test_features() -> None:  # ST
    assert decode("2BF3", bytes.fromhex("01 02 b84b0200 1a480200 01 0710 01")) == HealthSensorFeatures(
        (SPO2, PULSE_RATE), (DeviceSpecialization(4103, 1),)
    )
    assert decode("2BF3", bytes.fromhex("00 01 b84b0200")) == HealthSensorFeatures((SPO2,))
    with pytest.raises(DecodeError, match="not assigned"):
        decode("2BF3", b"\x02\x00")


def test_control_point() -> None:
    assert decode("2BF4", b"\x01") == GhsControlPoint(GhsCommand.START_SENDING_LIVE_OBSERVATIONS)
    assert decode("2BF4", b"\x80") == GhsControlPoint(GhsCommand.SUCCESS)
    with pytest.raises(DecodeError, match="0x7f is not assigned"):
        decode("2BF4", b"\x7f")


def test_schedule() -> None:
    # Every second, reported every 1.5 s.
    assert decode("2BF1", bytes.fromhex("b84b0200 01000000 0f0000ff")) == ObservationScheduleChanged(
        SPO2, 1.0, 1.5
    )


def test_what_cannot_be_sent_is_not_written() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        bytes(ghs.CompoundStateEventValue(b"\x01", b"", b"\x01"))
    with pytest.raises(ValueError, match="not samples of 2"):
        bytes(ghs.SampleArrayValue(MILLIVOLT, 1.0, 0.0, 1.0, 1, 2, b"\x01"))


def test_the_link_listens() -> None:
    assert SERVICES["1840"] == "Generic Health Sensor"
    assert {"2B8B", "2BDD"} <= MEASUREMENTS
    assert "2BF3" in STATE
    assert set(OURS) <= set(CHARACTERISTICS)


@given(st.data())
def test_anything_is_a_measurement_or_refused(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(OURS))
    value = data.draw(mutations(BODY[name]))
    try:
        found = decode(name, value)
    except DecodeError:
        return
    assert decode(name, bytes(found)) == found
