"""Hypothesis strategies of the field types, and of the values of the glucose services.

`mutations` makes what a bad link or firmware might: bytes flipped, cut off, put in, repeated.
"""

from hypothesis import strategies as st

from device.gatt import (
    CgmFeature,
    CgmMeasurement,
    CgmRecord,
    CgmSessionRunTime,
    CgmSessionStartTime,
    CgmSpecificOpsControlPoint,
    CgmStatus,
    CurrentTime,
    DateTime,
    GlucoseFeature,
    GlucoseMeasurement,
    GlucoseMeasurementContext,
    LocalTimeInformation,
    Measurement,
    RecordAccessControlPoint,
)
from device.gatt import continuous_glucose as cgm
from device.gatt import glucose as glc
from device.gatt import record_access as racp
from device.gatt.cgm_specific_ops import Calibration, CalibrationStatus, CgmOpcode, CgmResponseCode
from device.gatt.current_time import AdjustReason
from device.gatt.fields import sfloat

uint8, uint16, uint24 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFF)
sfloats = uint16.map(sfloat)
stamps = st.builds(
    DateTime,
    st.just(0) | st.integers(1582, 9999),
    st.integers(0, 12),
    st.integers(0, 31),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
)
crcs = st.none() | st.booleans()
time_zones = st.none() | st.integers(-48, 56).map(lambda steps: 15 * steps)
dst_offsets = st.sampled_from([None, 0, 30, 60, 120])
octets_of_sample = uint8.map(glc.type_and_location)


@st.composite
def measurements(draw: st.DrawFn) -> GlucoseMeasurement:
    sample: tuple = (None, None, None, None)
    if draw(st.booleans()):
        unit = draw(st.sampled_from(glc.ConcentrationUnit))
        sample = (draw(sfloats), unit, *draw(octets_of_sample))
    return GlucoseMeasurement(
        draw(uint16),
        draw(stamps),
        draw(st.none() | st.integers(-0x8000, 0x7FFF)),
        *sample,
        sensor_status=draw(st.none() | uint16.map(glc.SensorStatus)),
        context_follows=draw(st.booleans()),
    )


@st.composite
def contexts(draw: st.DrawFn) -> GlucoseMeasurementContext:
    pairs = {
        ("carbohydrate_id", "carbohydrate"): st.tuples(uint8, sfloats),
        ("meal",): st.tuples(uint8),
        ("tester", "health"): st.tuples(st.integers(0, 15), st.integers(0, 15)),
        ("exercise_duration", "exercise_intensity"): st.tuples(uint16, uint8),
        ("medication_id", "medication", "medication_unit"): st.tuples(
            uint8, sfloats, st.sampled_from(glc.MedicationUnit)
        ),
        ("hba1c",): st.tuples(sfloats),
        ("extended_flags",): st.tuples(uint8),
    }
    found: dict = {}
    for names, values in pairs.items():
        if draw(st.booleans()):
            found |= dict(zip(names, draw(values), strict=True))
    return GlucoseMeasurementContext(sequence_number=draw(uint16), **found)


records = st.builds(
    CgmRecord,
    sfloats,
    uint16,
    st.none() | uint8.map(cgm.Status),
    st.none() | uint8.map(cgm.CalTemp),
    st.none() | uint8.map(cgm.Warnings),
    st.none() | sfloats,
    st.none() | sfloats,
    crcs,
)


@st.composite
def cgm_features(draw: st.DrawFn) -> CgmFeature:
    features = cgm.Features(draw(uint24))
    crc_ok = draw(st.booleans()) if features & cgm.Features.E2E_CRC else None
    return CgmFeature(features, *draw(octets_of_sample), crc_ok)


calibrations = st.builds(
    lambda glucose, time, sample, following, number, status: Calibration(
        glucose, time, *sample, following, number, CalibrationStatus(status)
    ),
    sfloats,
    uint16,
    octets_of_sample,
    uint16,
    uint16,
    uint8,
)


@st.composite
def operations(draw: st.DrawFn) -> CgmSpecificOpsControlPoint:
    code = draw(st.sampled_from(CgmOpcode))
    operand: dict = {}
    if code in (1, 3):
        operand["interval"] = draw(uint8)
    elif code in (4, 6):
        operand["calibration"] = draw(calibrations)
    elif code == 5:
        operand["record_number"] = draw(uint16)
    elif code == 28:
        operand["request_opcode"] = draw(st.sampled_from(CgmOpcode) | st.integers(29, 255))
        operand["response_code"] = draw(st.sampled_from(CgmResponseCode) | st.integers(6, 255))
    elif 7 <= code <= 24 and code % 3 != 2:
        operand["level"] = draw(sfloats)
    return CgmSpecificOpsControlPoint(code, **operand, crc_ok=draw(crcs))


@st.composite
def requests(draw: st.DrawFn) -> RecordAccessControlPoint:
    code = draw(st.sampled_from([racp.Opcode(1), racp.Opcode(2), racp.Opcode(4)]))
    operator = draw(st.sampled_from(racp.Operator).filter(bool))
    bounds = {2: 1, 3: 1, 4: 2}.get(operator, 0)
    if not bounds:
        return RecordAccessControlPoint(code, operator)
    kind = draw(st.sampled_from(racp.FilterType))
    operand = stamps if kind is racp.FilterType.USER_FACING_TIME else uint16
    return RecordAccessControlPoint(code, operator, kind, tuple(draw(operand) for _ in range(bounds)))


answers = (
    st.builds(
        RecordAccessControlPoint.response,
        st.sampled_from(racp.Opcode) | st.integers(7, 255),
        st.sampled_from(racp.ResponseCode) | st.integers(10, 255),
    )
    | uint16.map(RecordAccessControlPoint.number_response)
    | st.just(RecordAccessControlPoint.abort())
)

GLUCOSE: dict[str, st.SearchStrategy[Measurement]] = {
    "2A18": measurements(),
    "2A34": contexts(),
    "2A51": uint16.map(glc.Features).map(GlucoseFeature),
    "2A52": requests() | answers,
    "2AA7": st.lists(records, min_size=1, max_size=4).map(tuple).map(CgmMeasurement),
    "2AA8": cgm_features(),
    "2AA9": st.builds(
        CgmStatus, uint16, uint8.map(cgm.Status), uint8.map(cgm.CalTemp), uint8.map(cgm.Warnings), crcs
    ),
    "2AAA": st.builds(CgmSessionStartTime, stamps, time_zones, dst_offsets, crcs),
    "2AAB": st.builds(CgmSessionRunTime, uint16, crcs),
    "2AAC": operations(),
    "2A2B": st.builds(CurrentTime, stamps, st.none() | st.integers(1, 7), uint8, uint8.map(AdjustReason)),
    "2A08": stamps,
    "2A0F": st.builds(LocalTimeInformation, time_zones, dst_offsets),
}
"""Every value of the glucose services and of the clock, by its characteristic."""


@st.composite
def mutations(draw: st.DrawFn, values: st.SearchStrategy[Measurement]) -> bytes:
    """The bytes of a right value with one to three things wrong."""
    value = bytearray(bytes(draw(values)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        match draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip" if at < len(value):
                value[at] ^= draw(st.integers(1, 255))
            case "cut":
                del value[at : at + draw(st.integers(1, 4))]
            case "insert":
                value[at:at] = draw(st.binary(min_size=1, max_size=4))
            case "repeat":
                value += value[at:]
    return bytes(value)
