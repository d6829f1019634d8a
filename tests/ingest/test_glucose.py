"""Glucose by a meter with its context, and by a sensor with its session."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from device.gatt import HeartRateMeasurement, Special, glucose
from device.gatt.continuous_glucose import (
    CgmMeasurement,
    CgmRecord,
    CgmSessionStartTime,
    CgmStatus,
    Status,
)
from device.gatt.current_time import CurrentTime
from device.gatt.glucose import (
    ConcentrationUnit,
    GlucoseMeasurement,
    GlucoseMeasurementContext,
    Health,
    Meal,
    SampleLocation,
    SampleType,
    SensorStatus,
)
from healthslm.ingest import Ingest
from healthslm.readings import Kind, Quality
from tests.ingest.hearing import BERLIN, NOON, note, stamp, take
from tests.making import at


def meter(value: Any = 0.00104, number: int = 7, **more: Any) -> GlucoseMeasurement:
    given: dict[str, Any] = {
        "base_time": stamp("2026-11-02T12:50:00"),
        "unit": ConcentrationUnit.KG_PER_L,
        "sample_type": SampleType.CAPILLARY_WHOLE_BLOOD,
        "sample_location": SampleLocation.FINGER,
    }
    return GlucoseMeasurement(sequence_number=number, concentration=value, **{**given, **more})


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.00104, ConcentrationUnit.KG_PER_L, 104.0), (0.0058, ConcentrationUnit.MOL_PER_L, 104.5)],
)
def test_concentrations_are_mg_per_dl(value: float, unit: ConcentrationUnit, expected: float) -> None:
    (reading,) = take(meter(value, unit=unit)).readings
    assert (reading.kind, reading.value, reading.quality) == (Kind.GLUCOSE, expected, Quality.GOOD)
    assert (reading.time, reading.sequence) == (at("11:50"), 7)


def test_the_time_offset_is_part_of_the_time() -> None:
    (reading,) = take(meter(time_offset=-30)).readings
    assert reading.time == at("11:20")
    assert reading.device_time == datetime(2026, 11, 2, 12, 20)  # noqa: DTZ001  a device's clock has no zone


def test_a_year_of_stored_measurements_keeps_its_times() -> None:
    (reading,) = take(meter(base_time=stamp("2026-01-05T08:00:00"))).readings
    assert reading.time == datetime(2026, 1, 5, 7, tzinfo=NOON.tzinfo)


def test_a_context_joins_its_measurement() -> None:
    ingest = Ingest(BERLIN)
    assert ingest.take(note(meter(context_follows=True))).readings == []
    told = GlucoseMeasurementContext(
        sequence_number=7, meal=Meal.POSTPRANDIAL, tester=glucose.Tester.SELF, health=Health.UNDER_STRESS
    )
    (reading,) = ingest.take(note(told)).readings
    assert (reading.value, reading.context) == (104.0, "after a meal; under stress; measured by oneself")
    assert ingest.flush() == []


def test_a_context_that_does_not_come_holds_nothing_up() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(meter(number=1, context_follows=True)))
    ingest.take(note(meter(0.0011, number=2, context_follows=True)))
    taken = ingest.take(note(HeartRateMeasurement(70)))
    assert [(r.kind, r.value, r.context) for r in taken.readings] == [
        (Kind.GLUCOSE, 110.0, None),
        (Kind.HEART_RATE, 70.0, None),
    ]
    ingest.take(note(meter(number=3, context_follows=True)))
    assert ingest.flush(NOON) == []
    assert [r.sequence for r in ingest.flush(NOON + timedelta(seconds=3))] == [3]


def test_the_measurement_before_comes_out_when_the_next_one_comes() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(meter(number=1, context_follows=True)))
    assert [r.sequence for r in ingest.take(note(meter(number=2, context_follows=True))).readings] == [1]
    assert [r.sequence for r in ingest.take(note(b"\x00", characteristic="2A34")).readings] == [2]


def test_a_context_of_nothing_is_refused() -> None:
    (why,) = take(GlucoseMeasurementContext(sequence_number=9, meal=Meal.FASTING)).refused
    assert "did not come before it" in why


@pytest.mark.parametrize(
    ("measurement", "why"),
    [
        (meter(Special.NAN), "the device sent not a number"),
        (meter(sample_type=SampleType.CONTROL_SOLUTION), "control solution"),
        (meter(sample_location=SampleLocation.CONTROL_SOLUTION), "control solution"),
        (GlucoseMeasurement(7, stamp("2026-11-02T12:50:00")), "no concentration"),
    ],
)
def test_what_is_no_persons_glucose_is_refused(measurement: GlucoseMeasurement, why: str) -> None:
    taken = take(measurement)
    assert list(taken.readings) == []
    assert why in taken.refused[0]


def test_the_meters_own_doubts_are_kept() -> None:
    (bad,) = take(meter(sensor_status=SensorStatus.STRIP_TYPE_INCORRECT)).readings
    (low,) = take(meter(sensor_status=SensorStatus.RESULT_LOWER_THAN_DEVICE_CAN_PROCESS)).readings
    assert (bad.quality, low.quality) == (Quality.SENSOR_FAULT, Quality.GOOD)


def sensor(*records: CgmRecord) -> CgmMeasurement:
    return CgmMeasurement(records)


def started(shown: str = "2026-11-02T09:00:00", zone: int | None = 60) -> Ingest:
    ingest = Ingest(BERLIN)
    ingest.take(note(CgmSessionStartTime(stamp(shown), zone, 0 if zone is not None else None), read=True))
    return ingest


def test_a_records_time_is_the_sessions_start_and_its_minutes() -> None:
    taken = started().take(note(sensor(CgmRecord(118.0, 175), CgmRecord(121.0, 180))))
    assert [(r.kind, r.value, r.time, r.sequence) for r in taken.readings] == [
        (Kind.SENSOR_GLUCOSE, 118.0, at("10:55"), 175),
        (Kind.SENSOR_GLUCOSE, 121.0, at("11:00"), 180),
    ]
    assert {r.quality for r in taken.readings} == {Quality.GOOD}


def test_a_damaged_record_is_never_a_reading_and_its_neighbour_is() -> None:
    taken = started().take(
        note(sensor(CgmRecord(250.0, 175, crc_ok=False), CgmRecord(121.0, 180, crc_ok=True)))
    )
    assert [r.value for r in taken.readings] == [121.0]
    assert "CRC" in taken.refused[0]


def test_a_start_that_came_damaged_is_no_start() -> None:
    ingest = Ingest(BERLIN)
    taken = ingest.take(note(CgmSessionStartTime(stamp("2026-11-02T09:00:00"), 60, 0, False), read=True))
    assert "damaged" in taken.refused[0]
    assert "when its session began" in ingest.take(note(sensor(CgmRecord(118.0, 175)))).refused[0]


def test_without_a_start_the_minutes_counted_say_when() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(CgmStatus(180, Status(0), 0, 0), read=True))  # type: ignore[arg-type]
    (reading,) = ingest.take(note(sensor(CgmRecord(118.0, 175)))).readings
    assert (reading.time, reading.quality) == (at("11:55"), Quality.GOOD)


def test_a_start_of_2021_is_corrected_by_the_minutes_counted() -> None:
    ingest = started("2021-01-01T00:00:00", None)
    ingest.take(note(CgmStatus(180, Status(0), 0, 0), read=True))  # type: ignore[arg-type]
    (reading,) = ingest.take(note(sensor(CgmRecord(118.0, 120)))).readings
    assert (reading.time, reading.quality) == (at("11:00"), Quality.CLOCK_CORRECTED)
    assert reading.device_time == datetime(2021, 1, 1, 2)  # noqa: DTZ001  a device's clock has no zone


def test_a_start_of_2021_is_corrected_by_the_clock_that_was_read() -> None:
    ingest = started("2021-01-01T00:00:00", None)
    ingest.take(note(CurrentTime(stamp("2021-01-01T03:00:00")), read=True))
    (reading,) = ingest.take(note(sensor(CgmRecord(118.0, 120)))).readings
    assert (reading.time, reading.quality) == (at("11:00"), Quality.CLOCK_CORRECTED)


def test_a_sensor_that_doubts_itself_is_marked() -> None:
    (reading,) = started().take(note(sensor(CgmRecord(118.0, 175, Status.SENSOR_MALFUNCTION)))).readings
    assert reading.quality == Quality.SENSOR_FAULT


def test_minutes_that_stand_still_are_frozen() -> None:
    """Sent again after a reconnect it is a duplicate; sent for longer than the slowest rhythm it is stuck."""
    ingest = started()
    qualities = []
    for minutes in (0, 1, 30):
        when = NOON + timedelta(minutes=minutes)
        (reading,) = ingest.take(note(sensor(CgmRecord(118.0, 180)), when)).readings
        qualities.append(reading.quality)
    assert qualities == [Quality.GOOD, Quality.GOOD, Quality.FROZEN]
    assert reading.time == NOON + timedelta(minutes=30)


def test_a_session_at_the_end_of_the_calendar_breaks_nothing() -> None:
    ingest = started("9999-12-31T23:00:00", None)
    taken = ingest.take(note(sensor(CgmRecord(118.0, 65535))))
    assert len(taken.readings) + len(taken.refused) == 1
