"""Record Access Control Point (2A52): asking a device for its stored records, and what it answers.

Glucose meters, continuous glucose monitors and oximeters share it. A request goes out as a write, the answer
comes back as an indication: a number of records, or a response that names the request's op code. The records
themselves come as notifications of the service's own measurement, before the answer.

The Combined Report (op codes 7 and 8) is not covered: what its operand holds is up to each service.

Source: GATT Specification Supplement (2A52); Glucose Service 1.0.1 and Continuous Glucose Monitoring Service
1.0.2 (which filters there are, and the width of their operands).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self

from device.gatt.fields import DateTime, Reader


class Opcode(IntEnum):
    """What is asked, or which kind of answer it is."""

    REPORT_STORED_RECORDS = 1
    DELETE_STORED_RECORDS = 2
    ABORT_OPERATION = 3
    REPORT_NUMBER_OF_STORED_RECORDS = 4
    NUMBER_OF_STORED_RECORDS_RESPONSE = 5
    RESPONSE_CODE = 6


class Operator(IntEnum):
    """Which of the stored records are meant; the bounds of a comparison are inside."""

    NULL = 0
    ALL_RECORDS = 1
    LESS_THAN_OR_EQUAL_TO = 2
    GREATER_THAN_OR_EQUAL_TO = 3
    WITHIN_RANGE_OF = 4
    FIRST_RECORD = 5
    LAST_RECORD = 6


class ResponseCode(IntEnum):
    """How a request ended."""

    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_OPERATOR = 3
    OPERATOR_NOT_SUPPORTED = 4
    INVALID_OPERAND = 5
    NO_RECORDS_FOUND = 6
    ABORT_UNSUCCESSFUL = 7
    PROCEDURE_NOT_COMPLETED = 8
    OPERAND_NOT_SUPPORTED = 9


class FilterType(IntEnum):
    """What is compared: 1 is a glucose meter's sequence number, a continuous monitor's time offset."""

    SEQUENCE_NUMBER = 1
    TIME_OFFSET = 1
    USER_FACING_TIME = 2


_OPCODES, _OPERATORS, _RESPONSES = frozenset(Opcode), frozenset(Operator), frozenset(ResponseCode)
_REQUESTS = frozenset(
    {Opcode.REPORT_STORED_RECORDS, Opcode.DELETE_STORED_RECORDS, Opcode.REPORT_NUMBER_OF_STORED_RECORDS}
)
_BOUNDS = {
    Operator.LESS_THAN_OR_EQUAL_TO: 1,
    Operator.GREATER_THAN_OR_EQUAL_TO: 1,
    Operator.WITHIN_RANGE_OF: 2,
}
"""How many bounds an operator compares with; none for the others."""
_COUNT_WIDTHS = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class RecordAccessControlPoint:
    """One request to the control point, or one answer of it (2A52).

    `operator`, `filter_type` and `bounds` say which records a request means: sequence numbers, minutes of
    time offset, or the device's own times. An answer has either `number_of_records`, sent in `count_width`
    bytes, or `request_opcode` and `response_code`; a code that is not assigned stays an `int`.
    """

    UUID: ClassVar[str] = "2A52"

    opcode: Opcode
    operator: Operator = Operator.NULL
    filter_type: FilterType | None = None
    bounds: tuple[int | DateTime, ...] = ()
    number_of_records: int | None = None
    count_width: int = 2
    request_opcode: Opcode | int | None = None
    response_code: ResponseCode | int | None = None

    @classmethod
    def all_records(cls) -> Self:
        """Ask for every stored record."""
        return cls(Opcode.REPORT_STORED_RECORDS, Operator.ALL_RECORDS)

    @classmethod
    def last_record(cls) -> Self:
        """Ask for the most recent record."""
        return cls(Opcode.REPORT_STORED_RECORDS, Operator.LAST_RECORD)

    @classmethod
    def from_sequence_number(cls, number: int) -> Self:
        """Ask for the records whose sequence number is `number` or larger."""
        return cls(
            Opcode.REPORT_STORED_RECORDS,
            Operator.GREATER_THAN_OR_EQUAL_TO,
            FilterType.SEQUENCE_NUMBER,
            (number,),
        )

    @classmethod
    def from_time_offset(cls, minutes: int) -> Self:
        """Ask a continuous monitor for the records of `minutes` after its session's start, and later ones."""
        return cls(
            Opcode.REPORT_STORED_RECORDS,
            Operator.GREATER_THAN_OR_EQUAL_TO,
            FilterType.TIME_OFFSET,
            (minutes,),
        )

    @classmethod
    def number_of_all_records(cls) -> Self:
        """Ask how many records are stored."""
        return cls(Opcode.REPORT_NUMBER_OF_STORED_RECORDS, Operator.ALL_RECORDS)

    @classmethod
    def abort(cls) -> Self:
        """Ask to stop what was asked for before."""
        return cls(Opcode.ABORT_OPERATION)

    @classmethod
    def response(cls, request_opcode: Opcode | int, response_code: ResponseCode | int) -> Self:
        """Answer how the request ended."""
        return cls(Opcode.RESPONSE_CODE, request_opcode=request_opcode, response_code=response_code)

    @classmethod
    def number_response(cls, number: int) -> Self:
        """Answer how many records there are, in two bytes."""
        return cls(Opcode.NUMBER_OF_STORED_RECORDS_RESPONSE, number_of_records=number)

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` when operator or operand do not go with the op code."""
        fields = Reader(cls.UUID, value)
        opcode, operator = _opcode_and_operator(fields)
        if opcode in _REQUESTS:
            filter_type, bounds = _filter(fields, _BOUNDS.get(operator, 0))
            point = cls(opcode, operator, filter_type, bounds)
        elif opcode is Opcode.NUMBER_OF_STORED_RECORDS_RESPONSE:
            width = len(value) - fields.at
            if width not in _COUNT_WIDTHS:
                raise fields.error(f"a number of records of {width} bytes, not of 1, 2 or 4")
            point = cls(
                opcode, number_of_records=fields.uint(width, "the number of records"), count_width=width
            )
        elif opcode is Opcode.RESPONSE_CODE:
            request, code = fields.uint8("the request's op code"), fields.uint8("the response code")
            point = cls(
                opcode,
                request_opcode=Opcode(request) if request in _OPCODES else request,
                response_code=ResponseCode(code) if code in _RESPONSES else code,
            )
        else:
            point = cls(opcode)
        fields.end()
        return point

    def __bytes__(self) -> bytes:
        body = bytes((self.opcode, self.operator))
        if self.filter_type is not None:
            body += bytes((self.filter_type,))
            body += b"".join(
                bound.to_bytes(2, "little") if isinstance(bound, int) else bytes(bound)
                for bound in self.bounds
            )
        if self.number_of_records is not None:
            body += self.number_of_records.to_bytes(self.count_width, "little")
        if self.request_opcode is not None and self.response_code is not None:
            body += bytes((self.request_opcode, self.response_code))
        return body

    @property
    def succeeded(self) -> bool:
        """Whether this is the answer that a request was carried out, or that there was nothing to send."""
        return self.response_code in {ResponseCode.SUCCESS, ResponseCode.NO_RECORDS_FOUND}


def _opcode_and_operator(fields: Reader) -> tuple[Opcode, Operator]:
    """Take the first two bytes: the operator names records where records are asked for, and is null else."""
    number, which = fields.uint8("the op code"), fields.uint8("the operator")
    if number not in _OPCODES:
        raise fields.error(f"op code {number} is not one of those understood here")
    if which not in _OPERATORS:
        raise fields.error(f"operator {which} is not assigned")
    if (number in _REQUESTS) is (which == Operator.NULL):
        raise fields.error(f"operator {which} does not go with op code {number}")
    return Opcode(number), Operator(which)


def _filter(fields: Reader, bounds: int) -> tuple[FilterType | None, tuple[int | DateTime, ...]]:
    """Take the filter type and as many bounds as the operator compares with."""
    if bounds == 0:
        return None, ()
    kind = fields.uint8("the filter type")
    if kind == FilterType.SEQUENCE_NUMBER:
        return FilterType.SEQUENCE_NUMBER, tuple(fields.uint16("the operand") for _ in range(bounds))
    if kind == FilterType.USER_FACING_TIME:
        return FilterType.USER_FACING_TIME, tuple(fields.date_time("the operand") for _ in range(bounds))
    raise fields.error(f"filter type {kind} is not assigned")
