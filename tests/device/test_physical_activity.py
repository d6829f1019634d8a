"""The activity monitor's data, worked out by hand from the layout that the module names the sources of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import (
    CHARACTERISTICS,
    MEASUREMENTS,
    SERVICES,
    STATE,
    ActivityCurrentSession,
    CardioRespiratoryActivityInstantaneousData,
    GeneralActivityInstantaneousData,
    GeneralActivitySummaryData,
    PhysicalActivityMonitorControlPoint,
    PhysicalActivityMonitorFeatures,
    PhysicalActivitySessionDescriptor,
    SleepActivityInstantaneousData,
    SleepActivitySummaryData,
    StepCounterActivitySummaryData,
)
from device.gatt.physical_activity import SleepStage
from device.gatt.physical_activity_sessions import Features, OpCode, SessionTime
from tests.device.body_strategies import ACTIVITY, BODY
from tests.device.strategies import mutations

OURS = sorted([*(kind.UUID for kind in ACTIVITY), "2B3B", "2B43", "2B44", "2B45"])
# Session 1, sub-session 2, 3600 after its start, number 7.
SESSION = "0100 0200 100e0000 07000000"
WHOSE = {"session_id": 1, "sub_session_id": 2, "relative_timestamp": 3600, "sequence_number": 7}


def of(name: str, payload: str) -> object:
    return decode(name, bytes.fromhex(payload))


def test_steps() -> None:
    assert of("2B40", f"c0 03 {SESSION} 701700 f40100") == StepCounterActivitySummaryData(
        **WHOSE, normal_walking_steps=6000, intensity_steps=500
    )


def test_a_moment_of_walking() -> None:
    # Bits 4, 6 and 7 and the one that says worn: equivalent 31, cadence 110, elevation -12.
    assert of("2B3C", f"c5 d00080 {SESSION} 1f 6e00 f4ffff") == GeneralActivityInstantaneousData(
        **WHOSE,
        segment_counter=5,
        device_worn=True,
        metabolic_equivalent=31,
        motion_cadence=110,
        elevation=-12,
    )


def test_a_summary() -> None:
    # Bits 2, 7, 16 and 24: energy 2100, distance 4200, minus three floors, worn for 36000.
    assert of("2B3D", f"c0 84000101 {SESSION} 34080000 681000 fd a08c00") == GeneralActivitySummaryData(
        **WHOSE, total_energy_expenditure=2100, distance=4200, floors=-3, worn_duration=36000
    )


def test_heart_and_breath() -> None:
    # Bits 1, 2, 3 and 5: 72 a minute, interval 833, resting at 58, 14 breaths.
    assert of("2B3E", f"c0 2e00 {SESSION} 48 4103 3a 0e") == CardioRespiratoryActivityInstantaneousData(
        **WHOSE,
        heart_rate=72,
        pulse_inter_beat_interval=833,
        resting_heart_rate=58,
        respiration_rate=14,
    )


def test_asleep() -> None:
    found = of("2B41", f"c0 1880 {SESSION} 240000 32")
    assert found == SleepActivityInstantaneousData(
        **WHOSE, device_worn=True, sleep_stage=0x24, sleeping_heart_rate=50
    )
    assert found.stages == SleepStage.REM | SleepStage.DEEP_SLEEP
    assert SleepActivityInstantaneousData(**WHOSE).stages is None


def test_a_night() -> None:
    # Bits 0, 3 and 5: 25200 of sleep, 3 awakenings, 88 of efficiency.
    assert of("2B42", f"c0 290000 {SESSION} 706200 0300 58") == SleepActivitySummaryData(
        **WHOSE, total_sleep_time=25200, number_of_awakenings=3, sleep_efficiency=88
    )


@pytest.mark.parametrize("kind", ACTIVITY)
def test_each_bit_announces_one_field(kind: type) -> None:
    names = {name for name, _ in kind._FIELDS}
    assert len(names) == len(kind._FIELDS)
    assert names <= set(kind.__dataclass_fields__)
    head = kind._FLAGS + 13
    for bit, (name, size) in enumerate(kind._FIELDS):
        value = bytes(kind(**WHOSE, **{name: 1}))
        assert value[1 : 1 + kind._FLAGS] == (1 << bit).to_bytes(kind._FLAGS, "little")
        assert value[head:] == (1).to_bytes(abs(size), "little")


@pytest.mark.parametrize("name", [kind.UUID for kind in ACTIVITY])
def test_a_segment_alone_is_refused(name: str) -> None:
    for header in ("80", "40", "01"):
        with pytest.raises(DecodeError, match="joined first"):
            of(name, header + "00" * 24)


def test_flags_that_would_change_the_layout_are_refused() -> None:
    with pytest.raises(DecodeError, match="not assigned"):
        of("2B40", f"c0 20 {SESSION}")
    with pytest.raises(DecodeError, match="not assigned"):
        of("2B3D", f"c0 00000002 {SESSION}")


@pytest.mark.parametrize("payload", ["", "c0", f"c0 03 {SESSION} 701700", f"c0 00 {SESSION} 00"])
def test_missing_and_left_over_fields_are_refused(payload: str) -> None:
    with pytest.raises(DecodeError, match="2B40"):
        of("2B40", payload)


def test_features() -> None:
    assert of("2B3B", "0410000000020000") == PhysicalActivityMonitorFeatures(
        Features.DEVICE_WORN | Features.DISTANCE | Features.TOTAL_SLEEP_TIME
    )


def test_control_point() -> None:
    # Sub-sessions of session 1; an answer that there are three.
    assert of("2B43", "02 0100") == PhysicalActivityMonitorControlPoint(
        OpCode.ENQUIRE_SUB_SESSIONS, b"\x01\x00"
    )
    assert of("2B43", "fb 0300") == PhysicalActivityMonitorControlPoint(
        OpCode.ENQUIRE_SUB_SESSIONS_SUCCESS_RESPONSE, b"\x03\x00"
    )
    with pytest.raises(DecodeError, match="0x08 is not assigned"):
        of("2B43", "08")


def test_sessions() -> None:
    start, later = SessionTime(1000, 60), SessionTime(2000, 60)
    assert of("2B44", "01 0100 e8030000 3c00 0200 d0070000 3c00") == ActivityCurrentSession(
        running=True, session_id=1, session_start=start, sub_session_id=2, sub_session_start=later
    )
    assert of("2B45", "01 0100 e8030000 3c00 d0070000 3c00") == PhysicalActivitySessionDescriptor(
        session_id=1, start=start, end=later
    )
    assert of("2B45", "02 0100 0200 e8030000 3c00") == PhysicalActivitySessionDescriptor(
        session_id=1, sub_session_id=2, start=start
    )


@pytest.mark.parametrize(("name", "payload"), [("2B44", "02" + "00" * 16), ("2B45", "08" + "00" * 16)])
def test_flags_of_sessions_that_are_not_assigned_are_refused(name: str, payload: str) -> None:
    with pytest.raises(DecodeError, match="not assigned"):
        of(name, payload)


def test_the_link_listens() -> None:
    assert SERVICES["183E"] == "Physical Activity Monitor"
    assert {kind.UUID for kind in ACTIVITY} <= MEASUREMENTS
    assert "2B3B" in STATE
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
