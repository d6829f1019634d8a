import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import Identity, gatt, vendors
from device.gatt import (
    BloodPressureMeasurement,
    HeartRateMeasurement,
    PlxContinuousMeasurement,
    Special,
    TemperatureMeasurement,
)
from device.gatt.blood_pressure import MeasurementStatus, PressureUnit
from device.gatt.health_thermometer import TemperatureUnit
from device.gatt.pulse_oximeter import SensorStatus
from healthslm.ingest import Ingest, device_from
from healthslm.readings import Device, Kind, Quality
from healthslm.store import rows
from tests.ingest.hearing import BERLIN, DEVICE, NOON, note, stamp, take
from tests.making import DAY, at

EVERYTHING = sorted({*gatt.CHARACTERISTICS, *vendors.CHARACTERISTICS, "ffe1"})


def test_a_heart_rate_with_beats() -> None:
    taken = take(HeartRateMeasurement(72, True, None, (1024, 512)))
    rate, first, second = taken.readings
    assert (rate.kind, rate.value, rate.quality) == (Kind.HEART_RATE, 72, Quality.GOOD)
    assert [first.value, second.value] == [1000, 500]
    assert second.time == at("12:00")
    assert second.time - first.time == timedelta(milliseconds=500)


def test_beats_follow_each_other_without_a_hole() -> None:
    """The radio delivers late and in bursts; the heart does not."""
    ingest = Ingest(BERLIN)
    times = []
    for second, jitter in enumerate([0.0, 0.3, -0.2, 0.4, 0.1]):
        when = at("12:00") + timedelta(seconds=second + jitter)
        taken = ingest.take(note(HeartRateMeasurement(60, None, None, (1024,)), when))
        times.append(taken.readings[1].time)
    assert {b - a for a, b in itertools.pairwise(times)} == {timedelta(seconds=1)}


def test_after_a_hole_the_chain_of_beats_starts_anew() -> None:
    ingest = Ingest(BERLIN)
    ingest.take(note(HeartRateMeasurement(60, None, None, (1024,)), at("12:00")))
    taken = ingest.take(note(HeartRateMeasurement(60, None, None, (1024,)), at("12:10")))
    assert taken.readings[1].time == at("12:10")


def test_no_contact_marks_the_rate_and_its_beats() -> None:
    taken = take(HeartRateMeasurement(72, False, None, (1024,)))
    assert [r.quality for r in taken.readings] == [Quality.NO_CONTACT] * 2


def test_zero_saturation_is_kept_and_not_used() -> None:
    taken = take(PlxContinuousMeasurement(0.0, 0.0))
    assert [r.quality for r in taken.readings] == [Quality.IMPLAUSIBLE] * 2


def test_what_the_device_says_is_no_number_is_refused_with_its_reason() -> None:
    taken = take(PlxContinuousMeasurement(Special.NAN, 70.0))
    assert [r.kind for r in taken.readings] == [Kind.PULSE_RATE]
    assert taken.refused == ["oxygen saturation: the device sent not a number"]


def test_a_displaced_sensor_is_no_contact() -> None:
    taken = take(PlxContinuousMeasurement(97.0, 70.0, sensor_status=SensorStatus.SENSOR_DISPLACED))
    assert taken.readings[0].quality == Quality.NO_CONTACT


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(38.4, TemperatureUnit.CELSIUS, 38.4), (101.1, TemperatureUnit.FAHRENHEIT, 38.389)],
)
def test_temperatures_are_celsius(value: float, unit: TemperatureUnit, expected: float) -> None:
    (reading,) = take(TemperatureMeasurement(value, unit)).readings
    assert reading.value == expected


def test_pressures_are_mmhg_and_a_moving_arm_is_a_fault() -> None:
    kpa = take(
        BloodPressureMeasurement(
            systolic=18.9,
            diastolic=11.0,
            mean_arterial_pressure=Special.NAN,
            unit=PressureUnit.KPA,
            measurement_status=MeasurementStatus.BODY_MOVEMENT_DETECTED,
        )
    )
    assert [(r.kind, r.value) for r in kpa.readings] == [(Kind.SYSTOLIC, 141.8), (Kind.DIASTOLIC, 82.5)]
    assert {r.quality for r in kpa.readings} == {Quality.SENSOR_FAULT}
    assert kpa.refused == ["mean arterial pressure: the device sent not a number"]


@pytest.mark.parametrize(
    ("device_clock", "time", "quality"),
    [
        ("2026-11-02T12:58:00", at("11:58"), Quality.GOOD),  # Berlin is an hour ahead of UTC
        ("2026-10-30T08:00:00", at("07:00", DAY - timedelta(days=3)), Quality.GOOD),  # handed over late
        ("2021-01-01T00:03:00", at("12:00"), Quality.CLOCK_CORRECTED),
        ("2026-11-02T15:00:00", at("12:00"), Quality.CLOCK_CORRECTED),
        ("2026-11-02T13:04:00", at("12:00"), Quality.CLOCK_CORRECTED),  # four minutes ahead: it was just now
        ("9999-12-31T23:59:59", at("12:00"), Quality.CLOCK_CORRECTED),
        ("2026-13-40T25:00:00", at("12:00"), Quality.CLOCK_CORRECTED),  # a clock that went astray
        ("2026-02-30T12:00:00", at("12:00"), Quality.CLOCK_CORRECTED),
        ("0-0-0T00:00:00", at("12:00"), Quality.GOOD),  # "unknown" is legal, and says nothing
    ],
)
def test_the_devices_clock_is_believed_within_reason(
    device_clock: str, time: datetime, quality: Quality
) -> None:
    (reading,) = take(TemperatureMeasurement(37.0, timestamp=stamp(device_clock))).readings
    assert reading.time == time
    assert reading.quality == quality


def test_broken_bytes_are_refused_with_the_characteristic_and_why() -> None:
    taken = take(b"\x17\x01\x01", characteristic="2A37")
    assert taken.readings == ()
    assert taken.refused[0].startswith("2A37: ")


@given(st.lists(st.tuples(st.sampled_from(EVERYTHING), st.binary(max_size=40)), min_size=1, max_size=8))
def test_no_bytes_break_it(values: list[tuple[str, bytes]]) -> None:
    ingest = Ingest(BERLIN)
    for characteristic, value in values:
        for reading in ingest.take(note(value, characteristic=characteristic)).readings:
            rows.check(reading)
    for reading in ingest.flush():
        rows.check(reading)


def test_what_a_device_says_of_itself_is_remembered_when_it_says_nothing() -> None:
    known = Device(address=DEVICE, name="Strap", model="H10")
    heard = device_from(Identity(DAY, DEVICE, firmware="2.1"), known)
    assert heard == Device(address=DEVICE, name="Strap", model="H10", firmware="2.1")


def test_what_comes_within_a_millisecond_is_told_apart() -> None:
    ingest = Ingest(BERLIN)
    after = (0, 300, 999, 1000, 2500)
    times = [
        ingest.take(note(HeartRateMeasurement(60), NOON + timedelta(microseconds=us))).readings[0].time
        for us in after
    ]
    assert [(time - NOON) // timedelta(microseconds=1) for time in times] == [0, 1, 2, 1000, 2000]
    back = ingest.take(note(HeartRateMeasurement(60), NOON - timedelta(hours=1))).readings[0]
    assert back.time == NOON - timedelta(hours=1), "a clock that was set back"
