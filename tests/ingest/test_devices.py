"""Scales, vendors' oximeters, straps with samples, generic sensors: what each becomes."""

from datetime import timedelta
from typing import Any

import pytest

from device.gatt import HeartRateMeasurement, Special
from device.gatt.body_composition import BodyCompositionMeasurement
from device.gatt.generic_health_sensor import LiveHealthObservations, StoredHealthObservations
from device.gatt.observations import (
    BundleValue,
    Component,
    CompoundValue,
    ElapsedTime,
    MeasurementStatus,
    NumericValue,
    Observation,
    StringValue,
    TimeFlags,
)
from device.gatt.physical_activity import (
    CardioRespiratoryActivityInstantaneousData,
    SleepActivitySummaryData,
    StepCounterActivitySummaryData,
)
from device.gatt.weight_scale import MassUnit, WeightMeasurement
from device.vendors.contec import ContecMeasurement
from device.vendors.pc60 import Pc60Measurement, Pc60Status
from device.vendors.polar_frames import Acceleration, AccFrame, EcgFrame, PpiFlags, PpiFrame, PulseInterval
from device.vendors.viatom import BatteryState, ViatomMeasurement
from device.vendors.xiaomi import BodyFlags, WeightFlags, XiaomiBodyComposition, XiaomiWeight
from healthslm.ingest import Ingest, Taken
from healthslm.readings import Kind, Quality, Reading
from tests.ingest.hearing import BERLIN, NOON, note, stamp, take
from tests.making import at


def told(taken: Taken) -> list[tuple[Kind, float, Quality]]:
    return [(r.kind, r.value, r.quality) for r in taken.readings]


@pytest.mark.parametrize(
    ("weight", "unit", "kilograms"), [(81.4, MassUnit.KG, 81.4), (179.5, MassUnit.LB, 81.42)]
)
def test_weights_are_kilograms(weight: float, unit: MassUnit, kilograms: float) -> None:
    (reading,) = take(WeightMeasurement(weight=weight, unit=unit)).readings
    assert (reading.kind, reading.value) == (Kind.WEIGHT, pytest.approx(kilograms, abs=0.001))


def test_a_weighing_that_failed_is_refused() -> None:
    assert "not successful" in take(WeightMeasurement(weight=None)).refused[0]
    assert "not successful" in take(BodyCompositionMeasurement(body_fat_percentage=None)).refused[0]


def test_body_fat_comes_with_the_weight() -> None:
    both = take(BodyCompositionMeasurement(body_fat_percentage=24.3, weight=81.4))
    assert told(both) == [(Kind.BODY_FAT, 24.3, Quality.GOOD), (Kind.WEIGHT, 81.4, Quality.GOOD)]


def test_a_xiaomi_scale_gives_one_weight_a_weighing_and_never_body_fat() -> None:
    ingest, when = Ingest(BERLIN), stamp("2026-11-02T12:59:00")
    settled, gone = BodyFlags.STABILISED, BodyFlags.STABILISED | BodyFlags.REMOVED
    frames = [
        XiaomiBodyComposition(BodyFlags(0), 40.0, when),
        XiaomiBodyComposition(settled, 81.4, when),
        XiaomiBodyComposition(settled | BodyFlags.IMPEDANCE, 81.4, when, 480),
        XiaomiBodyComposition(gone, 81.4, when),
    ]
    taken = [r for f in frames for r in ingest.take(note(f)).readings]
    assert [(r.kind, r.value, r.time) for r in taken] == [(Kind.WEIGHT, 81.4, at("11:59"))]
    jin = XiaomiWeight(WeightFlags.STABILISED | WeightFlags.JIN, 162.8, when)
    assert take(jin).readings[0].value == pytest.approx(81.4)


def test_an_oximeter_without_a_finger_has_no_value() -> None:
    off = Pc60Measurement(None, None, None, Pc60Status.PROBE_OFF)
    assert "without a finger" in take(off).refused[0]
    assert "without a finger" in take(ContecMeasurement(None, None)).refused[0]


def test_what_a_vendors_oximeter_shows() -> None:
    assert told(take(Pc60Measurement(97, 61, 3.2))) == [
        (Kind.SPO2, 97, Quality.GOOD),
        (Kind.PULSE_RATE, 61, Quality.GOOD),
        (Kind.PERFUSION_INDEX, 3.2, Quality.GOOD),
    ]
    assert told(take(ContecMeasurement(96, 70, 1.5)))[0] == (Kind.SPO2, 96, Quality.GOOD)
    searching = take(Pc60Measurement(97, 61, 3.2, Pc60Status.PULSE_SEARCHING))
    assert {r.quality for r in searching.readings} == {Quality.SENSOR_FAULT}


def ring(**changes: Any) -> ViatomMeasurement:
    given: dict[str, Any] = {
        "spo2": 96,
        "pulse_rate": 58,
        "steps": 100,
        "battery": 80,
        "battery_state": BatteryState.IN_USE,
        "motion": 0,
        "perfusion_index": 4.1,
        "lead": 1,
    }
    return ViatomMeasurement(**{**given, **changes})


def test_a_rings_steps_are_those_since_the_last_ones_and_its_battery_comes_when_it_changed() -> None:
    ingest = Ingest(BERLIN)
    first = [r.kind for r in ingest.take(note(ring())).readings]
    second = ingest.take(note(ring(steps=112))).readings
    assert first == [Kind.SPO2, Kind.PULSE_RATE, Kind.PERFUSION_INDEX, Kind.BATTERY]
    assert [(r.kind, r.value) for r in second][3:] == [(Kind.STEPS, 12)]
    again = ingest.take(note(ring(steps=3))).readings  # set back: it begins anew
    assert Kind.STEPS not in {r.kind for r in again}


def test_a_ring_that_is_not_worn_says_so() -> None:
    assert {r.quality for r in take(ring(lead=0)).readings if r.kind is Kind.SPO2} == {Quality.NOT_WORN}


def test_energy_is_what_the_counter_grew_by_in_kilocalories() -> None:
    ingest = Ingest(BERLIN)
    seen = []
    for kilojoules in (500, 508, 508, 4, 0xFFFF):
        taken = ingest.take(note(HeartRateMeasurement(120, energy_expended=kilojoules)))
        seen.append([r.value for r in taken.readings if r.kind is Kind.ENERGY])
    assert seen == [[], [1.912], [], [0.956], []]


def test_samples_of_an_ecg_are_a_sample_apart() -> None:
    """Each frame says when its last sample was; the others are told from the frame before."""
    ingest, second = Ingest(BERLIN), 1_000_000_000
    ingest.take(note(EcgFrame(10**18, tuple(range(130)))))
    frame = EcgFrame(10**18 + second, tuple(range(130)))
    taken = ingest.take(note(frame, NOON + timedelta(seconds=1.2))).readings
    assert [taken[0].value, taken[-1].value] == [0, 129]
    assert taken[-1].time == NOON + timedelta(seconds=1)  # the least delay that any frame had
    assert taken[-1].time - taken[0].time == pytest.approx(
        timedelta(seconds=129 / 130), abs=timedelta(0, 0, 200)
    )
    assert {r.kind for r in taken} == {Kind.ECG}


def test_acceleration_is_its_magnitude() -> None:
    taken = take(AccFrame(10**18, (Acceleration(0, 0, 1000), Acceleration(300, -400, 0))))
    assert [r.value for r in taken.readings] == [1000.0, 500.0]
    unknown = take(AccFrame(10**18, (Acceleration(0, 0, 1),), 1, True))
    assert "by which factor" in unknown.refused[0]


def shaken(swing: int, seconds: int = 25) -> list[Reading]:
    """What becomes of 25 samples a second that swing around 1 g, a frame a second."""
    ingest, second, found = Ingest(BERLIN), 1_000_000_000, []
    for n in range(seconds):
        samples = tuple(Acceleration(0, 0, 1000 + swing * (-1) ** k) for k in range(25))
        taken = ingest.take(note(AccFrame(10**18 + n * second, samples), NOON + timedelta(seconds=n)))
        found += [r for r in taken.readings if r.kind is Kind.MOVEMENT]
    return found


def test_movement_is_how_much_acceleration_varied_in_ten_seconds() -> None:
    first, second = shaken(120)
    assert [first.value, second.value] == pytest.approx([120, 120], abs=0.1)
    assert NOON < first.time < NOON + timedelta(seconds=10) <= second.time < NOON + timedelta(seconds=20)
    assert [r.value for r in shaken(0)] == [0, 0]
    assert shaken(120, seconds=9) == []


def test_a_clock_that_stands_still_shows_no_movement() -> None:
    ingest, found = Ingest(BERLIN), []
    samples = tuple(Acceleration(0, 0, 1000 + 100 * (-1) ** k) for k in range(25))
    for n in range(25):
        taken = ingest.take(note(AccFrame(10**18, samples), NOON + timedelta(seconds=n)))
        found += [r for r in taken.readings if r.kind is Kind.MOVEMENT]
    assert found == []


def test_pulse_intervals_carry_the_sensors_own_doubts() -> None:
    flags = (PpiFlags.BLOCKER, PpiFlags.SKIN_CONTACT_SUPPORTED, PpiFlags(0))
    taken = take(PpiFrame(0, tuple(PulseInterval(0, 800, 10, f) for f in flags)))
    assert [r.quality for r in taken.readings] == [
        Quality.SENSOR_FAULT,
        Quality.NO_CONTACT,
        Quality.GOOD,
    ]
    assert [NOON - r.time for r in taken.readings] == [timedelta(milliseconds=m) for m in (1600, 800, 0)]
    assert {r.kind for r in taken.readings} == {Kind.PULSE_INTERVAL}


def monitor(session: int = 1, steps: int | None = None) -> StepCounterActivitySummaryData:
    return StepCounterActivitySummaryData(
        session_id=session,
        sub_session_id=0,
        relative_timestamp=60,
        sequence_number=1,
        normal_walking_steps=steps,
    )


def test_steps_of_an_activity_monitor() -> None:
    ingest = Ingest(BERLIN)
    seen = [
        [r.value for r in ingest.take(note(monitor(session, steps))).readings]
        for session, steps in ((1, 500), (1, 530), (2, 40), (2, None))
    ]
    assert seen == [[], [30], [40], []]


def test_an_activity_monitor_that_is_not_worn_says_so() -> None:
    data = CardioRespiratoryActivityInstantaneousData(
        session_id=1,
        sub_session_id=0,
        relative_timestamp=60,
        sequence_number=1,
        heart_rate=70,
        respiration_rate=15,
    )
    assert told(take(data)) == [
        (Kind.HEART_RATE, 70, Quality.NOT_WORN),
        (Kind.RESPIRATORY_RATE, 15, Quality.NOT_WORN),
    ]


def test_sleep_in_an_unknown_unit_is_refused() -> None:
    data = SleepActivitySummaryData(
        session_id=1, sub_session_id=0, relative_timestamp=60, sequence_number=1, total_sleep_time=400
    )
    assert "unit" in take(data).refused[0]


def observed(code: int, unit: int, value: Any, **more: Any) -> Observation:
    return Observation(observation_type=code, value=NumericValue(unit, value), **more)


@pytest.mark.parametrize(
    ("code", "unit", "value", "kind", "expected"),
    [
        (150456, 544, 97.0, Kind.SPO2, 97.0),
        (149530, 2720, 61.0, Kind.PULSE_RATE, 61.0),
        (150364, 4416, 101.1, Kind.TEMPERATURE, 38.389),
        (160184, 4722, 5.8, Kind.GLUCOSE, 104.493),
        (188736, 1760, 179.5, Kind.WEIGHT, 81.42),
        (150021, 3843, 18.9, Kind.SYSTOLIC, 141.762),
    ],
)
def test_observations_by_their_codes(code: int, unit: int, value: float, kind: Kind, expected: float) -> None:
    taken = take(LiveHealthObservations(observed(code, unit, value)))
    assert told(taken) == [(kind, expected, Quality.GOOD)]


@pytest.mark.parametrize(
    ("observation", "why"),
    [
        (observed(999, 544, 1.0), "code 999"),
        (observed(150456, 2720, 97.0), "unit 2720"),
        (Observation(observation_type=150456, value=StringValue("97")), "without a number"),
        (observed(150456, 544, 90.0, measurement_status=MeasurementStatus.SETTING), "a setting"),
        (observed(150456, 544, Special.NAN), "not a number"),
    ],
)
def test_observations_that_are_refused_say_why(observation: Observation, why: str) -> None:
    taken = take(LiveHealthObservations(observation))
    assert list(taken.readings) == []
    assert why in taken.refused[0]


def test_a_compound_and_a_bundle_give_each_their_parts() -> None:
    parts = CompoundValue(
        (Component(150021, NumericValue(3872, 128.0)), Component(150022, NumericValue(3872, 78.0)))
    )
    assert [
        r.kind
        for r in take(LiveHealthObservations(Observation(observation_type=150020, value=parts))).readings
    ] == [
        Kind.SYSTOLIC,
        Kind.DIASTOLIC,
    ]
    bundle = BundleValue((Observation(value=NumericValue(544, 97.0)), observed(149530, 2720, 61.0)))
    both = take(
        LiveHealthObservations(
            Observation(
                observation_type=150456, value=bundle, measurement_status=MeasurementStatus.QUESTIONABLE
            )
        )
    )
    assert told(both) == [
        (Kind.SPO2, 97, Quality.SENSOR_FAULT),
        (Kind.PULSE_RATE, 61, Quality.SENSOR_FAULT),
    ]


@pytest.mark.parametrize(
    ("flags", "quality"),
    [
        (TimeFlags.UTC | TimeFlags.CURRENT_TIMELINE, Quality.GOOD),
        (TimeFlags.UTC, Quality.CLOCK_CORRECTED),  # the clock was set anew since
    ],
)
def test_a_stored_observation_has_its_time_and_its_number(flags: TimeFlags, quality: Quality) -> None:
    since_2000 = int((at("11:00") - at("00:00").replace(year=2000, month=1, day=1)).total_seconds())
    stored = StoredHealthObservations(
        41, observed(150456, 544, 97.0, time_stamp=ElapsedTime(flags, since_2000))
    )
    (reading,) = take(stored).readings
    assert reading.sequence == 41
    assert (reading.time, reading.quality) == (at("11:00") if quality is Quality.GOOD else NOON, quality)
