"""A fingertip measurement, its context, and the two put together."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import DecodeError, decode
from device.gatt import (
    MEASUREMENTS,
    STATE,
    DateTime,
    GlucoseMeasurement,
    GlucoseMeasurementContext,
    Special,
)
from device.gatt import glucose as glc
from device.gatt.glucose import (
    EXERCISE_OVERRUN,
    OVERRUN,
    UNDERRUN,
    CarbohydrateId,
    ConcentrationUnit,
    Health,
    Meal,
    MedicationId,
    MedicationUnit,
    SampleLocation,
    SampleType,
    SensorStatus,
    join,
)
from tests.device.strategies import GLUCOSE, mutations

NOON = DateTime(2026, 3, 2, 12, 0, 0)

# Worked out from the table of 2A18 in the GATT Specification Supplement.
# 100 mg/dL = 0.001 kg/L: mantissa 100, exponent -5 (nibble 0xB). 5.5 mmol/L = 0.0055 mol/L: 55, exponent -4.
MG_PER_DL = "02 0700 ea070302110509 64b0 11"
MMOL_PER_L = "06 0800 ea070302110509 37c0 f8"
# Every field: shifted by -60 minutes, control solution at the control solution's place, battery low, context.
FULL = "1b 0900 ea070302110509 c4ff 64b0 4a 0100"
# No concentration: the strip was pulled out.
EMPTY = "08 0a00 ea070302110509 0002"


def measurement(payload: str) -> GlucoseMeasurement:
    return GlucoseMeasurement.from_bytes(bytes.fromhex(payload))


def test_both_units_as_sent() -> None:
    one, two = measurement(MG_PER_DL), measurement(MMOL_PER_L)
    assert (one.concentration, one.unit) == (0.001, ConcentrationUnit.KG_PER_L)
    assert (one.sample_type, one.sample_location) == (SampleType.CAPILLARY_WHOLE_BLOOD, SampleLocation.FINGER)
    assert (two.concentration, two.unit) == (0.0055, ConcentrationUnit.MOL_PER_L)
    assert two.sample_type is SampleType.UNDETERMINED_PLASMA
    assert two.sample_location is SampleLocation.NOT_AVAILABLE


def test_every_field() -> None:
    full = measurement(FULL)
    assert full == GlucoseMeasurement(
        9,
        DateTime(2026, 3, 2, 17, 5, 9),
        -60,
        0.001,
        ConcentrationUnit.KG_PER_L,
        SampleType.CONTROL_SOLUTION,
        SampleLocation.CONTROL_SOLUTION,
        SensorStatus.DEVICE_BATTERY_LOW,
        context_follows=True,
    )
    assert full.time == dt.datetime(2026, 3, 2, 16, 5, 9)  # noqa: DTZ001  a device's clock has no zone


def test_without_a_concentration_there_is_no_unit_either() -> None:
    empty = measurement(EMPTY)
    assert empty.concentration is empty.unit is empty.sample_type is empty.sample_location is None
    assert empty.sensor_status is SensorStatus.READ_INTERRUPTED


@pytest.mark.parametrize(("raw", "special"), [("ff07", Special.NAN), ("fe07", Special.POSITIVE_INFINITY)])
def test_a_result_that_is_no_number_stays_none(raw: str, special: Special) -> None:
    assert measurement(MG_PER_DL.replace("64b0", raw)).concentration is special


def test_a_type_that_is_not_assigned_does_not_cost_the_reading() -> None:
    odd = measurement(MG_PER_DL[:-2] + "6c")
    assert (odd.concentration, odd.sample_type, odd.sample_location) == (0.001, 12, 6)


@pytest.mark.parametrize("offset", [OVERRUN, UNDERRUN])
def test_an_offset_that_did_not_fit_gives_no_time(offset: int) -> None:
    assert GlucoseMeasurement(1, NOON, offset).time is None
    assert GlucoseMeasurement(1, NOON, offset // 2).time is not None


def test_no_time_where_there_is_none() -> None:
    assert GlucoseMeasurement(1, DateTime(0, 3, 2, 12, 0, 0), 5).time is None
    assert GlucoseMeasurement(1, DateTime(9999, 12, 31, 23, 59, 0), 5).time is None


@pytest.mark.parametrize("payload", [MG_PER_DL, MMOL_PER_L, FULL, EMPTY])
def test_every_cut_is_refused(payload: str) -> None:
    value = bytes.fromhex(payload)
    for cut in [*(value[:n] for n in range(len(value))), value + b"\0"]:
        with pytest.raises(DecodeError, match="bytes"):
            decode("2A18", cut)


@pytest.mark.parametrize(
    "stamp", ["ea070d02110509", "ea070320110509", "ea070302180509", "ea0703021105c8", "ea07021e110509"]
)
def test_a_base_time_that_cannot_be_costs_the_time_and_not_the_reading(stamp: str) -> None:
    odd = measurement(MG_PER_DL.replace("ea070302110509", stamp))
    assert (odd.concentration, odd.time) == (0.001, None)
    assert bytes(odd.base_time).hex() == stamp


# The table of 2A34: flags 0xFF, then in its order all that they announce. 50 g = 0.05 kg: 5, exponent -2;
# 12 mL = 0.012 L: 12, exponent -3; HbA1c 5.6 %: 56, exponent -1.
CONTEXT = "ff 0900 00 03 05e0 04 12 100e 32 01 0cd0 38f0"


def test_every_field_of_a_context() -> None:
    context = decode("2A34", bytes.fromhex(CONTEXT))
    assert context == GlucoseMeasurementContext(
        sequence_number=9,
        extended_flags=0,
        carbohydrate_id=CarbohydrateId.DINNER,
        carbohydrate=0.05,
        meal=Meal.CASUAL,
        tester=glc.Tester.HEALTH_CARE_PROFESSIONAL,
        health=Health.MINOR_HEALTH_ISSUES,
        exercise_duration=3600,
        exercise_intensity=50,
        medication_id=MedicationId.RAPID_ACTING_INSULIN,
        medication=0.012,
        medication_unit=MedicationUnit.L,
        hba1c=5.6,
    )
    assert bytes(context).hex() == CONTEXT.replace(" ", "")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("01 0100 02 05e0", {"carbohydrate_id": CarbohydrateId.LUNCH, "carbohydrate": 0.05}),
        ("02 0100 03", {"meal": Meal.FASTING}),
        ("02 0100 09", {"meal": 9}),
        ("04 0100 ff", {"tester": glc.Tester.NOT_AVAILABLE, "health": Health.NOT_AVAILABLE}),
        ("08 0100 ffff 64", {"exercise_duration": EXERCISE_OVERRUN, "exercise_intensity": 100}),
        (
            "10 0100 04 0ca0",
            {
                "medication_id": MedicationId.LONG_ACTING_INSULIN,
                "medication": 0.000012,
                "medication_unit": MedicationUnit.KG,
            },
        ),
        ("40 0100 ff07", {"hba1c": Special.NAN}),
        ("80 0100 b3", {"extended_flags": 0xB3}),
    ],
)
def test_each_field_alone(payload: str, expected: dict) -> None:
    assert decode("2A34", bytes.fromhex(payload)) == GlucoseMeasurementContext(sequence_number=1, **expected)


def test_every_cut_of_a_context_is_refused() -> None:
    value = bytes.fromhex(CONTEXT)
    for cut in range(len(value)):
        with pytest.raises(DecodeError, match="ends before"):
            decode("2A34", value[:cut])


def test_zeros_fill_a_context_up_and_nothing_else() -> None:
    assert decode("2A34", bytes.fromhex("02 0100 03 0000")) == decode("2A34", bytes.fromhex("02 0100 03"))
    with pytest.raises(DecodeError, match="more bytes"):
        decode("2A34", bytes.fromhex("02 0100 03 0001"))
    # Extended flags are reserved: what they announce comes last, and is not known.
    assert decode("2A34", bytes.fromhex("80 0100 b3 0001")).extended_flags == 0xB3


def test_join_by_sequence_number() -> None:
    measured = [GlucoseMeasurement(n, NOON) for n in (3, 1, 2)]
    contexts = [
        GlucoseMeasurementContext(sequence_number=1, meal=Meal.FASTING),
        GlucoseMeasurementContext(sequence_number=9, meal=Meal.BEDTIME),
        GlucoseMeasurementContext(sequence_number=3, meal=Meal.CASUAL),
        GlucoseMeasurementContext(sequence_number=1, meal=Meal.PREPRANDIAL),
    ]
    joined = join(iter(measured), iter(contexts))
    assert [one for one, _ in joined] == measured
    assert [context and context.meal for _, context in joined] == [Meal.CASUAL, Meal.PREPRANDIAL, None]


def test_the_link_subscribes_to_both_and_reads_the_feature() -> None:
    assert {"2A18", "2A34"} <= MEASUREMENTS
    assert "2A51" in STATE
    assert "2A52" not in MEASUREMENTS | STATE


@given(st.data())
@pytest.mark.parametrize("characteristic", ["2A18", "2A34", "2A51"])
def test_whatever_is_wrong_with_a_value_is_a_decode_error(characteristic: str, data: st.DataObject) -> None:
    value = data.draw(mutations(GLUCOSE[characteristic]))
    try:
        found = decode(characteristic, value)
    except DecodeError:
        return
    assert decode(characteristic, bytes(found)) == found
