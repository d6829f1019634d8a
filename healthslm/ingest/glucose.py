"""Glucose: of blood, by a meter and its context; of the fluid under the skin, by a sensor and its session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from device.gatt import Special
from device.gatt.continuous_glucose import (
    CalTemp,
    CgmMeasurement,
    CgmRecord,
    CgmSessionStartTime,
    CgmStatus,
    Status,
)
from device.gatt.glucose import (
    ConcentrationUnit,
    GlucoseMeasurement,
    GlucoseMeasurementContext,
    Health,
    Meal,
    SampleLocation,
    SampleType,
    SensorStatus,
    Tester,
)
from healthslm.ingest.clocks import TRUSTED_FUTURE, TRUSTED_RECORDS
from healthslm.ingest.heard import Heard
from healthslm.ingest.state import Held
from healthslm.readings import QUALITIES, Kind, Quality, Reading, reading
from healthslm.readings.units import MG_PER_MMOL

MG_PER_DL = {
    ConcentrationUnit.KG_PER_L: 100_000.0,
    ConcentrationUnit.MOL_PER_L: 1000 * MG_PER_MMOL,
}
# A result outside of what the meter can process is not among them: "lower than that" is a true and low value.
_FAULTS = (
    SensorStatus.SENSOR_MALFUNCTION
    | SensorStatus.SAMPLE_SIZE_INSUFFICIENT
    | SensorStatus.STRIP_INSERTION_ERROR
    | SensorStatus.STRIP_TYPE_INCORRECT
    | SensorStatus.TEMPERATURE_TOO_HIGH
    | SensorStatus.TEMPERATURE_TOO_LOW
    | SensorStatus.READ_INTERRUPTED
    | SensorStatus.GENERAL_DEVICE_FAULT
)
_NO_FAULT = SensorStatus(0)
_CGM_FAULTS = int(
    Status.SESSION_STOPPED
    | Status.SENSOR_TYPE_INCORRECT_FOR_DEVICE
    | Status.SENSOR_MALFUNCTION
    | Status.GENERAL_DEVICE_FAULT
)
_CGM_TEMPERATURE = int(CalTemp.SENSOR_TEMPERATURE_TOO_HIGH | CalTemp.SENSOR_TEMPERATURE_TOO_LOW)
LONGEST_SESSION = timedelta(days=400)
"""Sensors last two weeks, implanted ones a year: a session that began earlier has a wrong clock."""
FROZEN_AFTER = timedelta(minutes=20)
"""A sensor that sends the same minute for longer than its slowest rhythm (a quarter of an hour) is frozen."""
_WORDS = {
    Meal.PREPRANDIAL: "before a meal",
    Meal.POSTPRANDIAL: "after a meal",
    Meal.FASTING: "fasting",
    Meal.CASUAL: "between meals",
    Meal.BEDTIME: "at bedtime",
}
_TESTERS = {
    Tester.SELF: "measured by oneself",
    Tester.HEALTH_CARE_PROFESSIONAL: "measured by a professional",
    Tester.LAB_TEST: "measured in a laboratory",
}


def meter(measurement: GlucoseMeasurement, heard: Heard) -> None:
    """Take a measurement, live or stored; one that announces a context is held back until that comes."""
    shown = measurement.time
    if shown is None:
        heard.stamped(measurement.base_time)
        heard.sequence = measurement.sequence_number
    else:
        heard.placed(shown, past=TRUSTED_RECORDS, sequence=measurement.sequence_number)
    status = measurement.sensor_status or _NO_FAULT
    if status & SensorStatus.TIME_FAULT:
        heard.clock_quality |= Quality.CLOCK_CORRECTED
    value, unit = measurement.concentration, measurement.unit
    if value is None or unit is None:
        heard.refuse("blood glucose: the meter sent no concentration")
        return
    kinds, places = measurement.sample_type, measurement.sample_location
    if kinds == SampleType.CONTROL_SOLUTION or places == SampleLocation.CONTROL_SOLUTION:
        heard.refuse("blood glucose: a test with control solution, of nobody's blood")
        return
    kind = Kind.SENSOR_GLUCOSE if kinds == SampleType.INTERSTITIAL_FLUID else Kind.GLUCOSE
    quality = Quality.SENSOR_FAULT if status & _FAULTS else Quality.GOOD
    heard.add(kind, value if isinstance(value, Special) else round(value * MG_PER_DL[unit], 1), quality)
    if measurement.context_follows and heard.readings:
        heard.state.held = Held(measurement.sequence_number, heard.received_at, list(heard.readings))
        heard.readings.clear()


def context(measurement: GlucoseMeasurementContext, heard: Heard) -> None:
    """Refuse a context that came without its measurement: those that follow one never get here."""
    heard.refuse("glucose context: the measurement that it belongs to did not come before it")


def with_context(readings: Iterable[Reading], told: GlucoseMeasurementContext) -> list[Reading]:
    """Return the held measurement with what its context says of meal, health and tester, in words.

    Carbohydrates, exercise and medication are left out: they are entries of a diary, not of a measurement,
    and a dose beside a glucose would read as a cause.
    """
    words: list[str] = []
    if isinstance(told.meal, Meal):
        words.append(_WORDS[told.meal])
    if isinstance(told.health, Health) and told.health is not Health.NOT_AVAILABLE:
        words.append(told.health.name.lower().replace("_", " "))
    if isinstance(told.tester, Tester) and told.tester in _TESTERS:
        words.append(_TESTERS[told.tester])
    said = "; ".join(words) or None
    return [
        reading(r.time, r.kind, r.value, r.device, r.quality, r.device_time, r.sequence, None, said)
        for r in readings
    ]


def session_start(measurement: CgmSessionStartTime, heard: Heard) -> None:
    """Keep when a sensor's session began, by the sensor's clock."""
    if measurement.crc_ok is False:
        heard.refuse("sensor glucose: the session's start came damaged (its CRC is wrong)")
        return
    state = heard.state
    start = measurement.datetime
    if start != state.session_start:
        state.session_start, state.session_guess, state.last_record = start, None, None


def session_status(measurement: CgmStatus, heard: Heard) -> None:
    """Keep when a session began, by the minutes that the sensor has counted: for when its clock is wrong."""
    if measurement.crc_ok is False:
        return
    state = heard.state
    guess = heard.received_at - timedelta(minutes=measurement.time_offset)
    # The count is whole minutes: one guess holds for the session, so that its records keep their times.
    if state.session_guess is None or abs(guess - state.session_guess) > timedelta(minutes=5):
        state.session_guess = guess


def sensor(measurement: CgmMeasurement, heard: Heard) -> None:
    """Take every record of a notification whose CRC is right, or that has none.

    A record's time is the session's start by the sensor's clock, where that is within reason, moved by what
    the clock is known to be off; else the start by the count of minutes that was read on connecting (2AA9).
    With neither the record is refused. The run time (2AAB) says when a session will end, so it helps with
    nothing.
    """
    for record in measurement.records:
        if record.crc_ok is False:
            heard.refuse("sensor glucose: a record came damaged (its CRC is wrong)")
        elif _place(record, heard):
            _add(record, heard)
        else:
            heard.refuse("sensor glucose: the sensor did not say when its session began")


def _place(record: CgmRecord, heard: Heard) -> bool:
    """Say when a record was; false where that cannot be known."""
    state, passed = heard.state, timedelta(minutes=record.time_offset)
    start, guess = state.session_start, state.session_guess
    counted = None if guess is None else min(guess + passed, heard.received_at)
    heard.sequence, heard.device_time, heard.clock_quality = record.time_offset, None, Quality.GOOD
    if start is None:
        if counted is not None:
            heard.at = counted
        return counted is not None
    try:
        shown = start + passed
    except OverflowError:  # a session that begins at the end of the calendar
        heard.at, heard.clock_quality = counted or heard.received_at, Quality.CLOCK_CORRECTED
        return counted is not None
    heard.placed(shown, past=LONGEST_SESSION, sequence=record.time_offset)
    # The sensor's own word is good when it agrees with its count of minutes, or when there is no count.
    if counted is not None and abs(heard.at - counted) > TRUSTED_FUTURE:
        heard.at, heard.clock_quality = counted, Quality.CLOCK_CORRECTED
    return True


def _add(record: CgmRecord, heard: Heard) -> None:
    bits = 0
    if record.status is not None and record.status.value & _CGM_FAULTS:
        bits |= Quality.SENSOR_FAULT.value
    if record.cal_temp is not None and record.cal_temp.value & _CGM_TEMPERATURE:
        bits |= Quality.SENSOR_FAULT.value
    heard.add(Kind.SENSOR_GLUCOSE, record.glucose, QUALITIES[bits | _frozen(record, heard)])


def _frozen(record: CgmRecord, heard: Heard) -> int:
    """Say whether the sensor's minutes stand still while it goes on sending; the time is then reception."""
    state, now = heard.state, heard.received_at
    if state.last_record is None or state.last_record[0] != record.time_offset:
        state.last_record = (record.time_offset, now)
        return 0
    if now - state.last_record[1] < FROZEN_AFTER:
        return 0  # sent again, as after a reconnect
    heard.at, heard.device_time = now, None
    return Quality.FROZEN.value
