"""Asking for stored records: the bytes of each request, and every way an answer can end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import DateTime, RecordAccessControlPoint
from device.gatt.record_access import FilterType, Opcode, Operator, ResponseCode
from tests.device.strategies import GLUCOSE, mutations

# Op code, operator, filter type and operand by the table of 2A52 in the GATT Specification Supplement.
REQUESTS = {
    "0101": RecordAccessControlPoint.all_records(),
    "0106": RecordAccessControlPoint.last_record(),
    "0103012a00": RecordAccessControlPoint.from_sequence_number(42),
    "010301e803": RecordAccessControlPoint.from_time_offset(1000),
    "0401": RecordAccessControlPoint.number_of_all_records(),
    "0300": RecordAccessControlPoint.abort(),
    "0201": RecordAccessControlPoint(Opcode.DELETE_STORED_RECORDS, Operator.ALL_RECORDS),
    "040201ffff": RecordAccessControlPoint(
        Opcode.REPORT_NUMBER_OF_STORED_RECORDS,
        Operator.LESS_THAN_OR_EQUAL_TO,
        FilterType.SEQUENCE_NUMBER,
        (65535,),
    ),
    "01040105000900": RecordAccessControlPoint(
        Opcode.REPORT_STORED_RECORDS, Operator.WITHIN_RANGE_OF, FilterType.SEQUENCE_NUMBER, (5, 9)
    ),
    "010302ea070302110509": RecordAccessControlPoint(
        Opcode.REPORT_STORED_RECORDS,
        Operator.GREATER_THAN_OR_EQUAL_TO,
        FilterType.USER_FACING_TIME,
        (DateTime(2026, 3, 2, 17, 5, 9),),
    ),
    "06000106": RecordAccessControlPoint.response(
        Opcode.REPORT_STORED_RECORDS, ResponseCode.NO_RECORDS_FOUND
    ),
    "05000201": RecordAccessControlPoint.number_response(258),
}


@pytest.mark.parametrize("payload", REQUESTS)
def test_request_and_answer_to_the_byte(payload: str) -> None:
    assert bytes(REQUESTS[payload]).hex() == payload
    assert decode("2A52", bytes.fromhex(payload)) == REQUESTS[payload]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("", "op code"),
        ("01", "operator"),
        ("0001", "op code 0"),
        ("0701", "op code 7"),
        ("0100", "operator 0 does not go with op code 1"),
        ("0301", "operator 1 does not go with op code 3"),
        ("0107", "operator 7"),
        ("0103", "filter type"),
        ("01030300", "filter type 3"),
        ("01030105", "operand"),
        ("010401050009", "operand"),
        ("0101ff", "more bytes"),
        ("010302ea0703021105", "operand"),
        ("0500", "number of records of 0 bytes"),
        ("060001", "response code"),
        ("0600010101", "more bytes"),
    ],
)
def test_what_is_refused_and_why(payload: str, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode("2A52", bytes.fromhex(payload))


@pytest.mark.parametrize("code", range(1, 12))
def test_only_success_and_no_records_are_a_whole_transfer(code: int) -> None:
    answer = RecordAccessControlPoint.from_bytes(bytes((6, 0, 1, code)))
    assert answer.request_opcode is Opcode.REPORT_STORED_RECORDS
    assert answer.response_code == code
    assert answer.succeeded is (code in {1, 6})


def test_a_request_is_no_success() -> None:
    assert not RecordAccessControlPoint.all_records().succeeded
    assert not RecordAccessControlPoint.number_response(0).succeeded


@given(st.data())
def test_whatever_is_wrong_with_a_value_is_a_decode_error(data: st.DataObject) -> None:
    value = data.draw(mutations(GLUCOSE["2A52"]))
    try:
        point = RecordAccessControlPoint.from_bytes(value)
    except DecodeError:
        return
    assert bytes(point) == value, "every byte means something here, so that none is lost"
