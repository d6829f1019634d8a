"""A continuous monitor: several records at once, each with its E2E-CRC, and the session around them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import (
    MEASUREMENTS,
    STATE,
    CgmMeasurement,
    CgmRecord,
    CgmSessionStartTime,
    CgmSpecificOpsControlPoint,
    DateTime,
    Special,
)
from device.gatt.cgm_specific_ops import CgmOpcode
from device.gatt.continuous_glucose import CalTemp, Status, Warnings
from device.gatt.fields import crc16
from tests.device.strategies import GLUCOSE, mutations, records

CHARACTERISTICS = ["2AA7", "2AA8", "2AA9", "2AAA", "2AAB", "2AAC"]


def test_the_crc_is_mcrf4xx() -> None:
    # The check value of CRC-16/MCRF4XX in the catalogue of parametrised CRC algorithms.
    assert crc16(b"123456789") == 0x6F91
    assert crc16(b"") == 0xFFFF


# By the table of 2AA7: size, flags, 120 mg/dL (12, exponent 1), 6 minutes, what the flags announce.
@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("07 80 0c10 0600 08", CgmRecord(120.0, 6, status=Status.SENSOR_MALFUNCTION)),
        ("07 40 0c10 0600 02", CgmRecord(120.0, 6, cal_temp=CalTemp.CALIBRATION_NOT_ALLOWED)),
        ("07 20 0c10 0600 04", CgmRecord(120.0, 6, warning=Warnings.LOWER_THAN_HYPO_LEVEL)),
        ("08 a0 0c10 0600 01 80", CgmRecord(120.0, 6, Status(1), warning=Warnings(128))),
        ("08 01 0c10 0600 feff", CgmRecord(120.0, 6, trend=-0.2)),
        ("08 02 0c10 0600 6400", CgmRecord(120.0, 6, quality=100.0)),
        ("06 00 ff07 ffff", CgmRecord(Special.NAN, 65535)),
        ("06 00 0208 0000", CgmRecord(Special.NEGATIVE_INFINITY, 0)),
    ],
)
def test_each_field_alone(payload: str, expected: CgmRecord) -> None:
    assert CgmMeasurement.from_bytes(bytes.fromhex(payload)).records == (expected,)


def test_records_of_different_sizes_in_one_notification() -> None:
    plain, right, wrong = "06000c100600", "08000c100600596f", "08000c100600586f"
    measurement = CgmMeasurement.from_bytes(bytes.fromhex(plain + right + wrong + plain))
    assert [record.crc_ok for record in measurement.records] == [None, True, False, None]
    assert [record.crc_ok for record in measurement.intact] == [None, True, None]


@given(records, st.integers(0, 7), st.integers(2, 12))
def test_one_wrong_bit_is_always_seen(record: CgmRecord, bit: int, at: int) -> None:
    """Behind size and flags, which say how long the record is, the CRC finds every single wrong bit."""
    value = bytearray(bytes(CgmRecord(record.glucose, record.time_offset, record.status, crc_ok=True)))
    value[min(at, len(value) - 1)] ^= 1 << bit
    measurement = CgmMeasurement.from_bytes(bytes(value))
    assert measurement.records[0].crc_ok is False
    assert measurement.intact == ()


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("", "no record"),
        ("06000c1006", "too few"),
        ("05000c100600", "a record of 5 bytes"),
        ("07000c10060000", "a record of 7 bytes with 7 left, and its flags announce 6"),
        ("09000c100600000000", "a record of 9 bytes"),
        ("00000c100600", "a record of 0 bytes"),
        ("06000c10060006", "too few"),
        ("08000c100600", "a record of 8 bytes with 6 left"),
        ("06040c10060006000c1006", "too few"),
    ],
)
def test_what_is_refused_and_why(payload: str, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode("2AA7", bytes.fromhex(payload))


def test_the_start_of_a_session_knows_its_zone() -> None:
    noon = DateTime(2026, 7, 1, 12, 0, 0)
    start = CgmSessionStartTime(noon, time_zone=60, dst_offset=60)
    assert start.datetime is not None
    assert start.datetime.astimezone(dt.UTC) == dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)
    unknown = CgmSessionStartTime(noon).datetime
    assert unknown is not None
    assert unknown.tzinfo is None
    assert CgmSessionStartTime(DateTime(0, 7, 1, 12, 0, 0), 60, 0).datetime is None


# Op code and operand by the table of 2AAC; what has no operand is one byte.
@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("02", CgmSpecificOpsControlPoint(CgmOpcode.GET_COMMUNICATION_INTERVAL)),
        ("0105", CgmSpecificOpsControlPoint(CgmOpcode.SET_COMMUNICATION_INTERVAL, interval=5)),
        ("05ffff", CgmSpecificOpsControlPoint(CgmOpcode.GET_GLUCOSE_CALIBRATION_VALUE, record_number=65535)),
        ("07b400", CgmSpecificOpsControlPoint(CgmOpcode.SET_PATIENT_HIGH_ALERT_LEVEL, level=180.0)),
        ("16feff", CgmSpecificOpsControlPoint(CgmOpcode.SET_RATE_OF_INCREASE_ALERT_LEVEL, level=-0.2)),
        ("1a", CgmSpecificOpsControlPoint(CgmOpcode.START_SESSION)),
        ("1b", CgmSpecificOpsControlPoint(CgmOpcode.STOP_SESSION)),
        ("1c1a07", CgmSpecificOpsControlPoint(CgmOpcode(28), request_opcode=CgmOpcode(26), response_code=7)),
    ],
)
def test_operations(payload: str, expected: CgmSpecificOpsControlPoint) -> None:
    assert decode("2AAC", bytes.fromhex(payload)) == expected


@pytest.mark.parametrize("number", [0, *range(29, 256)])
def test_an_operation_that_is_not_assigned_is_refused(number: int) -> None:
    with pytest.raises(DecodeError, match=f"op code {number} is not assigned"):
        decode("2AAC", bytes((number,)))


@pytest.mark.parametrize("opcode", CgmOpcode)
def test_every_operation_has_one_length(opcode: CgmOpcode) -> None:
    """With and without its E2E-CRC: no operand can be mistaken for another's CRC."""
    right = set()
    for size in range(16):
        try:
            right.add(CgmSpecificOpsControlPoint.from_bytes(bytes((opcode,)) + bytes(size)).crc_ok is None)
        except DecodeError:
            continue
    assert right == {True, False}


def test_the_link_subscribes_to_the_measurement_and_reads_the_session() -> None:
    assert "2AA7" in MEASUREMENTS
    assert {"2AA8", "2AA9", "2AAA", "2AAB"} <= STATE
    assert "2AAC" not in MEASUREMENTS | STATE


@given(st.data())
@pytest.mark.parametrize("characteristic", CHARACTERISTICS)
def test_whatever_is_wrong_with_a_value_is_a_decode_error(characteristic: str, data: st.DataObject) -> None:
    value = data.draw(mutations(GLUCOSE[characteristic]))
    try:
        found = decode(characteristic, value)
    except DecodeError:
        return
    assert decode(characteristic, bytes(found)) == found
