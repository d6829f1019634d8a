"""CGM Specific Ops Control Point (2AAC): the settings of a continuous monitor, asked for and answered.

Every op code has one kind of operand, or none. A get is answered with the value, a set and a refusal with a
response that names the request's op code. E2E-CRC as for the service's other values.

Source: Continuous Glucose Monitoring Service 1.0.2 and GATT Specification Supplement (2AAC).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, ClassVar, Self

from device.gatt.fields import Number, Reader, encode_crc, encode_sfloat
from device.gatt.glucose import SampleLocation, SampleType, type_and_location


class CgmOpcode(IntEnum):
    """What is asked, set or answered."""

    SET_COMMUNICATION_INTERVAL = 1
    GET_COMMUNICATION_INTERVAL = 2
    COMMUNICATION_INTERVAL_RESPONSE = 3
    SET_GLUCOSE_CALIBRATION_VALUE = 4
    GET_GLUCOSE_CALIBRATION_VALUE = 5
    GLUCOSE_CALIBRATION_VALUE_RESPONSE = 6
    SET_PATIENT_HIGH_ALERT_LEVEL = 7
    GET_PATIENT_HIGH_ALERT_LEVEL = 8
    PATIENT_HIGH_ALERT_LEVEL_RESPONSE = 9
    SET_PATIENT_LOW_ALERT_LEVEL = 10
    GET_PATIENT_LOW_ALERT_LEVEL = 11
    PATIENT_LOW_ALERT_LEVEL_RESPONSE = 12
    SET_HYPO_ALERT_LEVEL = 13
    GET_HYPO_ALERT_LEVEL = 14
    HYPO_ALERT_LEVEL_RESPONSE = 15
    SET_HYPER_ALERT_LEVEL = 16
    GET_HYPER_ALERT_LEVEL = 17
    HYPER_ALERT_LEVEL_RESPONSE = 18
    SET_RATE_OF_DECREASE_ALERT_LEVEL = 19
    GET_RATE_OF_DECREASE_ALERT_LEVEL = 20
    RATE_OF_DECREASE_ALERT_LEVEL_RESPONSE = 21
    SET_RATE_OF_INCREASE_ALERT_LEVEL = 22
    GET_RATE_OF_INCREASE_ALERT_LEVEL = 23
    RATE_OF_INCREASE_ALERT_LEVEL_RESPONSE = 24
    RESET_DEVICE_SPECIFIC_ALERT = 25
    START_SESSION = 26
    STOP_SESSION = 27
    RESPONSE_CODE = 28


class CgmResponseCode(IntEnum):
    """How a request ended."""

    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_OPERAND = 3
    PROCEDURE_NOT_COMPLETED = 4
    PARAMETER_OUT_OF_RANGE = 5


class CalibrationStatus(IntFlag):
    """What became of a calibration."""

    REJECTED = 1 << 0
    OUT_OF_RANGE = 1 << 1
    PROCESS_PENDING = 1 << 2


FASTEST_INTERVAL = 0xFF
"""The communication interval that asks for the fastest the device knows; 0 asks for none."""
LAST_CALIBRATION = 0xFFFF
"""The record number that asks for the latest calibration."""

_NO_STATUS = CalibrationStatus(0)
_OPCODES, _RESPONSES = frozenset(CgmOpcode), frozenset(CgmResponseCode)
_INTERVALS = frozenset({CgmOpcode.SET_COMMUNICATION_INTERVAL, CgmOpcode.COMMUNICATION_INTERVAL_RESPONSE})
_CALIBRATIONS = frozenset(
    {CgmOpcode.SET_GLUCOSE_CALIBRATION_VALUE, CgmOpcode.GLUCOSE_CALIBRATION_VALUE_RESPONSE}
)
# Six settings are levels. Each has a set, a get and a response, one after the other: only the get is empty.
_LEVELS = frozenset(CgmOpcode(n) for n in range(7, 25) if n % 3 != 2)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A Glucose Calibration Value: `glucose` in mg/dL, both times in minutes since the session's start.

    `record_number` and `status` are the device's; in a set they are 0 and ignored.
    """

    glucose: Number
    calibration_time: int
    sample_type: SampleType | int
    sample_location: SampleLocation | int
    next_calibration_time: int
    record_number: int = 0
    status: CalibrationStatus = _NO_STATUS

    def __bytes__(self) -> bytes:
        return (
            encode_sfloat(self.glucose)
            + self.calibration_time.to_bytes(2, "little")
            + bytes((self.sample_type | self.sample_location << 4,))
            + self.next_calibration_time.to_bytes(2, "little")
            + self.record_number.to_bytes(2, "little")
            + bytes((self.status,))
        )


@dataclass(frozen=True, slots=True)
class CgmSpecificOpsControlPoint:
    """One request to the control point, or one answer of it (2AAC). The op code says which operand it has.

    `interval` in minutes; `level` in mg/dL, for the two rates in mg/dL a minute; `record_number` of the
    calibration that is asked for; `request_opcode` and `response_code` stay an `int` when not assigned.
    """

    UUID: ClassVar[str] = "2AAC"

    opcode: CgmOpcode
    interval: int | None = None
    calibration: Calibration | None = None
    record_number: int | None = None
    level: Number | None = None
    request_opcode: CgmOpcode | int | None = None
    response_code: CgmResponseCode | int | None = None
    crc_ok: bool | None = None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` for a reserved op code, or an operand of another length."""
        fields = Reader(cls.UUID, value)
        number = fields.uint8("the op code")
        if number not in _OPCODES:
            raise fields.error(f"op code {number} is not assigned")
        opcode = CgmOpcode(number)
        return cls(opcode, **_operand(fields, opcode), crc_ok=fields.crc())

    def __bytes__(self) -> bytes:
        body = bytes((self.opcode,))
        if self.interval is not None:
            body += bytes((self.interval,))
        if self.calibration is not None:
            body += bytes(self.calibration)
        if self.record_number is not None:
            body += self.record_number.to_bytes(2, "little")
        if self.level is not None:
            body += encode_sfloat(self.level)
        if self.request_opcode is not None and self.response_code is not None:
            body += bytes((self.request_opcode, self.response_code))
        return body + encode_crc(body, self.crc_ok)


def _operand(fields: Reader, opcode: CgmOpcode) -> dict[str, Any]:
    """Take the operand that goes with the op code, under its field's name."""
    if opcode in _INTERVALS:
        return {"interval": fields.uint8("the interval")}
    if opcode in _CALIBRATIONS:
        return {"calibration": _calibration(fields)}
    if opcode in _LEVELS:
        return {"level": fields.sfloat("the level")}
    if opcode is CgmOpcode.GET_GLUCOSE_CALIBRATION_VALUE:
        return {"record_number": fields.uint16("the calibration's record number")}
    if opcode is CgmOpcode.RESPONSE_CODE:
        request, code = fields.uint8("the request's op code"), fields.uint8("the response code")
        return {
            "request_opcode": CgmOpcode(request) if request in _OPCODES else request,
            "response_code": CgmResponseCode(code) if code in _RESPONSES else code,
        }
    return {}


def _calibration(fields: Reader) -> Calibration:
    """Take the ten bytes of a calibration value."""
    glucose = fields.sfloat("the calibration's glucose")
    time = fields.uint16("the calibration's time")
    sample_type, location = type_and_location(fields.uint8("the calibration's type and sample location"))
    return Calibration(
        glucose=glucose,
        calibration_time=time,
        sample_type=sample_type,
        sample_location=location,
        next_calibration_time=fields.uint16("the next calibration's time"),
        record_number=fields.uint16("the calibration's record number"),
        status=CalibrationStatus(fields.uint8("the calibration's status")),
    )
