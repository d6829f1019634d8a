"""Hypothesis strategies of the values of the body and fitness services."""

from dataclasses import fields

from hypothesis import strategies as st

from device.gatt import (
    ActivityCurrentSession,
    BodyCompositionFeature,
    BodyCompositionMeasurement,
    CscFeature,
    CscMeasurement,
    GhsControlPoint,
    HealthSensorFeatures,
    HeartRateControlPoint,
    IntermediateTemperature,
    LiveHealthObservations,
    Measurement,
    MeasurementInterval,
    ObservationScheduleChanged,
    PhysicalActivityMonitorControlPoint,
    PhysicalActivityMonitorFeatures,
    PhysicalActivitySessionDescriptor,
    RscFeature,
    RscMeasurement,
    StoredHealthObservations,
    WeightMeasurement,
    WeightScaleFeature,
    cycling,
    running,
)
from device.gatt import body_composition as bcs
from device.gatt import observations as ghs
from device.gatt import physical_activity as pam
from device.gatt import physical_activity_sessions as sessions
from device.gatt import weight_scale as wss
from device.gatt.fields import float32
from device.gatt.generic_health_sensor import DeviceSpecialization, GhsCommand
from device.gatt.health_thermometer import TemperatureUnit
from device.gatt.heart_rate import HeartRateCommand
from tests.device.strategies import stamps, uint8, uint16

uint32 = st.integers(0, 0xFFFFFFFF)
float32s = uint32.map(float32)
maybe_stamp, maybe_user = st.none() | stamps, st.none() | uint8


def scaled(steps: int, top: int = 0xFFFF) -> st.SearchStrategy[float]:
    return st.integers(0, top).map(lambda raw: raw / steps)


@st.composite
def weights(draw: st.DrawFn) -> WeightMeasurement:
    unit = draw(st.sampled_from(wss.MassUnit))
    tall = draw(st.booleans())
    return WeightMeasurement(
        weight=draw(st.none() | scaled(unit.mass_steps, 0xFFFE)),
        unit=unit,
        timestamp=draw(maybe_stamp),
        user_id=draw(maybe_user),
        bmi=draw(scaled(10)) if tall else None,
        height=draw(scaled(unit.height_steps)) if tall else None,
    )


@st.composite
def compositions(draw: st.DrawFn) -> BodyCompositionMeasurement:
    unit = draw(st.sampled_from(wss.MassUnit))
    mass = st.none() | scaled(unit.mass_steps)
    return BodyCompositionMeasurement(
        body_fat_percentage=draw(st.none() | scaled(10, 1000)),
        unit=unit,
        timestamp=draw(maybe_stamp),
        user_id=draw(maybe_user),
        basal_metabolism=draw(st.none() | uint16),
        muscle_percentage=draw(st.none() | scaled(10)),
        muscle_mass=draw(mass),
        fat_free_mass=draw(mass),
        soft_lean_mass=draw(mass),
        body_water_mass=draw(mass),
        impedance=draw(st.none() | scaled(10)),
        weight=draw(mass),
        height=draw(st.none() | scaled(unit.height_steps)),
        multiple_packet=draw(st.booleans()),
    )


@st.composite
def counters(draw: st.DrawFn) -> CscMeasurement:
    wheel, crank = draw(st.booleans()), draw(st.booleans())
    return CscMeasurement(
        cumulative_wheel_revolutions=draw(uint32) if wheel else None,
        last_wheel_event_time=draw(uint16) if wheel else None,
        cumulative_crank_revolutions=draw(uint16) if crank else None,
        last_crank_event_time=draw(uint16) if crank else None,
    )


mass_resolutions = st.integers(0, 15).map(wss.mass_resolution)
height_resolutions = st.integers(0, 7).map(wss.height_resolution)
moments = st.builds(sessions.SessionTime, uint32, uint16)


@st.composite
def activities(draw: st.DrawFn, kind: type[pam._Data]) -> Measurement:
    """Every combination of the fields that a characteristic of the activity monitor can carry."""
    parts: dict = {
        "session_id": draw(uint16),
        "sub_session_id": draw(uint16),
        "relative_timestamp": draw(uint32),
        "sequence_number": draw(uint32),
        "segment_counter": draw(st.integers(0, 63)),
    }
    if "device_worn" in {f.name for f in fields(kind)}:
        parts["device_worn"] = draw(st.booleans())
    present = draw(st.integers(0, (1 << len(kind._FIELDS)) - 1))
    for bit, (name, size) in enumerate(kind._FIELDS):
        if present & 1 << bit:
            top = 1 << 8 * abs(size)
            parts[name] = draw(st.integers(0, top - 1) if size > 0 else st.integers(-top // 2, top // 2 - 1))
    return kind(**parts)


units = uint16
numbers = st.builds(ghs.NumericValue, units, float32s)
texts = st.text(max_size=12).map(lambda t: ghs.StringValue("".join(c for c in t if c.isprintable())))
codes = st.lists(uint32, max_size=3).map(tuple)


@st.composite
def waveforms(draw: st.DrawFn) -> ghs.SampleArrayValue:
    size = draw(st.integers(1, 4))
    samples = draw(st.integers(0, 4).flatmap(lambda n: st.binary(min_size=n * size, max_size=n * size)))
    return ghs.SampleArrayValue(
        draw(units), draw(float32s), draw(float32s), draw(float32s), draw(uint8), size, samples
    )


@st.composite
def states(draw: st.DrawFn) -> ghs.CompoundStateEventValue:
    size = draw(st.integers(0, 4))
    return ghs.CompoundStateEventValue(*(draw(st.binary(min_size=size, max_size=size)) for _ in range(3)))


simple = (
    numbers
    | uint32.map(ghs.DiscreteValue)
    | texts
    | waveforms()
    | codes.map(ghs.CompoundDiscreteEventValue)
    | states()
)
tlvs = st.lists(st.builds(ghs.Tlv, uint32, uint8, st.binary(max_size=6)), max_size=2).map(tuple)
values = (
    simple
    | st.lists(st.builds(ghs.Component, uint32, simple), max_size=3).map(tuple).map(ghs.CompoundValue)
    | tlvs.map(ghs.TlvValue)
)
times = st.builds(
    ghs.ElapsedTime, uint8.map(ghs.TimeFlags), st.integers(0, (1 << 48) - 1), uint8, st.integers(-128, 127)
)


def observed(value: st.SearchStrategy[ghs.ObservationValue]) -> st.SearchStrategy[ghs.Observation]:
    return st.builds(
        ghs.Observation,
        value=value,
        observation_type=st.none() | uint32,
        time_stamp=st.none() | times,
        measurement_duration=st.none() | float32s,
        measurement_status=st.none() | uint16.map(ghs.MeasurementStatus),
        observation_id=st.none() | uint32,
        patient=st.none() | uint8,
        supplemental_information=codes,
        derived_from=codes,
        is_member_of=codes,
        tlvs=tlvs,
    )


singles = observed(values)
observations = singles | observed(st.lists(singles, max_size=3).map(tuple).map(ghs.BundleValue))
segment_counters = st.integers(0, 63)

ACTIVITY = (
    pam.GeneralActivityInstantaneousData,
    pam.GeneralActivitySummaryData,
    pam.CardioRespiratoryActivityInstantaneousData,
    pam.CardioRespiratoryActivitySummaryData,
    pam.StepCounterActivitySummaryData,
    pam.SleepActivityInstantaneousData,
    pam.SleepActivitySummaryData,
)

BODY: dict[str, st.SearchStrategy[Measurement]] = {
    "2A39": st.sampled_from(HeartRateCommand).map(HeartRateControlPoint),
    "2A1E": st.builds(
        IntermediateTemperature,
        float32s,
        st.sampled_from(TemperatureUnit),
        maybe_stamp,
        st.none() | st.integers(10, 255),
    ),
    "2A21": uint16.map(MeasurementInterval),
    "2A9D": weights(),
    "2A9E": st.builds(
        WeightScaleFeature, st.integers(0, 7).map(wss.Features), mass_resolutions, height_resolutions
    ),
    "2A9C": compositions(),
    "2A9B": st.builds(
        BodyCompositionFeature,
        st.integers(0, 0x7FF).map(bcs.Features),
        mass_resolutions,
        height_resolutions,
    ),
    "2A53": st.builds(
        RscMeasurement,
        instantaneous_speed=scaled(256),
        instantaneous_cadence=uint8,
        instantaneous_stride_length=st.none() | scaled(100),
        total_distance=st.none() | scaled(10, 0xFFFFFFFF),
        running=st.booleans(),
    ),
    "2A54": uint16.map(running.Features).map(RscFeature),
    "2A5B": counters(),
    "2A5C": uint16.map(cycling.Features).map(CscFeature),
    **{kind.UUID: activities(kind) for kind in ACTIVITY},
    "2B3B": st.integers(0, (1 << 64) - 1).map(sessions.Features).map(PhysicalActivityMonitorFeatures),
    "2B43": st.builds(
        PhysicalActivityMonitorControlPoint, st.sampled_from(sessions.OpCode), st.binary(max_size=6)
    ),
    "2B44": st.builds(
        ActivityCurrentSession,
        running=st.booleans(),
        session_id=uint16,
        session_start=moments,
        sub_session_id=uint16,
        sub_session_start=moments,
    ),
    "2B45": st.builds(
        PhysicalActivitySessionDescriptor,
        session_id=uint16,
        start=moments,
        end=st.none() | moments,
        sub_session_id=st.none() | uint16,
        deleted=st.booleans(),
    ),
    "2B8B": st.builds(LiveHealthObservations, observations, segment_counters),
    "2BDD": st.builds(StoredHealthObservations, uint32, observations, segment_counters),
    "2BF1": st.builds(ObservationScheduleChanged, uint32, float32s, float32s),
    "2BF3": st.builds(
        HealthSensorFeatures,
        codes,
        st.none() | st.lists(st.builds(DeviceSpecialization, uint16, uint8), max_size=3).map(tuple),
    ),
    "2BF4": st.sampled_from(GhsCommand).map(GhsControlPoint),
}
"""Every value of the body and fitness services, by its characteristic."""
