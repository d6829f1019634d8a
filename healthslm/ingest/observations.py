"""Observations of a generic health sensor: kinds and units by their codes in ISO/IEEE 11073-10101.

A code that is not here is refused by its number. Texts, events and waveforms are refused too.
"""

from __future__ import annotations

from datetime import datetime

from device.gatt import Special
from device.gatt.generic_health_sensor import LiveHealthObservations, StoredHealthObservations
from device.gatt.observations import (
    BundleValue,
    CompoundValue,
    ElapsedTime,
    MeasurementStatus,
    NumericValue,
    Observation,
    ObservationValue,
    TimeFlags,
)
from healthslm.ingest.clocks import TRUSTED_RECORDS
from healthslm.ingest.heard import Heard
from healthslm.readings import Kind, Quality
from healthslm.readings.units import KG_PER_LB, MG_PER_MMOL, MMHG_PER_KPA

_FAULTS = (
    MeasurementStatus.INVALID
    | MeasurementStatus.QUESTIONABLE
    | MeasurementStatus.NOT_AVAILABLE
    | MeasurementStatus.CALIBRATING
    | MeasurementStatus.TEST_DATA
)
_NO_MEASUREMENT = (
    MeasurementStatus.SETTING | MeasurementStatus.THRESHOLD_ERROR | MeasurementStatus.THRESHOLD_DISABLED
)
_PERCENT, _PER_MIN, _BREATHS, _MMHG, _KPA = 544, 2720, 2784, 3872, 3843
_CELSIUS, _FAHRENHEIT, _KG, _LB, _MG_DL, _MMOL_L = 6048, 4416, 1731, 1760, 2130, 4722

_ONE = (1.0, 0.0)
_RATES = {_PER_MIN: _ONE, _BREATHS: _ONE}
_PRESSURES = {_MMHG: _ONE, _KPA: (MMHG_PER_KPA, 0.0)}
_SHARE = {_PERCENT: _ONE}
_SUGAR = {_MG_DL: _ONE, _MMOL_L: (MG_PER_MMOL, 0.0)}
_TABLE: dict[int, tuple[Kind, dict[int, tuple[float, float]]]] = {
    147842: (Kind.HEART_RATE, _RATES),  # MDC_ECG_HEART_RATE
    149530: (Kind.PULSE_RATE, _RATES),  # MDC_PULS_OXIM_PULS_RATE
    149546: (Kind.PULSE_RATE, _RATES),  # MDC_PULS_RATE_NON_INV
    150021: (Kind.SYSTOLIC, _PRESSURES),  # MDC_PRESS_BLD_NONINV_SYS
    150022: (Kind.DIASTOLIC, _PRESSURES),  # MDC_PRESS_BLD_NONINV_DIA
    150023: (Kind.MEAN_ARTERIAL, _PRESSURES),  # MDC_PRESS_BLD_NONINV_MEAN
    150364: (Kind.TEMPERATURE, {_CELSIUS: _ONE, _FAHRENHEIT: (1 / 1.8, -32.0)}),  # MDC_TEMP_BODY
    150456: (Kind.SPO2, _SHARE),  # MDC_PULS_OXIM_SAT_O2
    150488: (Kind.PERFUSION_INDEX, _SHARE),  # MDC_BLD_PERF_INDEX
    151562: (Kind.RESPIRATORY_RATE, _RATES),  # MDC_RESP_RATE
    160184: (Kind.GLUCOSE, _SUGAR),  # MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD
    160188: (Kind.GLUCOSE, _SUGAR),  # MDC_CONC_GLU_CAPILLARY_PLASMA
    160212: (Kind.SENSOR_GLUCOSE, _SUGAR),  # MDC_CONC_GLU_ISF
    188736: (Kind.WEIGHT, {_KG: _ONE, _LB: (KG_PER_LB, 0.0)}),  # MDC_MASS_BODY_ACTUAL
    188748: (Kind.BODY_FAT, _SHARE),  # MDC_BODY_FAT
}
"""By the observation's code: the kind, and by the unit's code what to multiply with after what was added."""


def live(measurement: LiveHealthObservations, heard: Heard) -> None:
    """Take an observation as it is made."""
    _observation(measurement.observation, heard, None)


def stored(measurement: StoredHealthObservations, heard: Heard) -> None:
    """Take an observation from the sensor's memory."""
    _observation(measurement.observation, heard, measurement.record_number)


def _observation(observation: Observation, heard: Heard, number: int | None) -> None:
    """Take one observation, or each of a bundle, which may leave type, time and status to the bundle."""
    heard.sequence = number
    if isinstance(observation.value, BundleValue):
        for one in observation.value.observations:
            _single(
                one.value,
                one.observation_type if one.observation_type is not None else observation.observation_type,
                one.time_stamp or observation.time_stamp,
                one.measurement_status or observation.measurement_status,
                heard,
            )
        return
    _single(
        observation.value,
        observation.observation_type,
        observation.time_stamp,
        observation.measurement_status,
        heard,
    )


def _single(
    value: ObservationValue,
    code: int | None,
    time: ElapsedTime | None,
    status: MeasurementStatus | None,
    heard: Heard,
) -> None:
    if status is not None and status & _NO_MEASUREMENT:
        heard.refuse("health observation: a setting or a threshold, no measurement")
        return
    _when(time, heard)
    quality = Quality.SENSOR_FAULT if status is not None and status & _FAULTS else Quality.GOOD
    if isinstance(value, CompoundValue):
        for part in value.components:
            _number(part.value, part.component_type, quality, heard)
    else:
        _number(value, code, quality, heard)


def _when(time: ElapsedTime | None, heard: Heard) -> None:
    """Say when it was; ticks, and a clock that was set anew since, cannot be compared with anything."""
    heard.at, heard.device_time, heard.clock_quality = heard.received_at, None, Quality.GOOD
    shown: datetime | None = None if time is None else time.datetime
    if time is None or shown is None:
        return
    if TimeFlags.CURRENT_TIMELINE in time.flags:
        heard.placed(shown, past=TRUSTED_RECORDS, sequence=heard.sequence)
    else:
        heard.clock_quality = Quality.CLOCK_CORRECTED


def _number(value: ObservationValue, code: int | None, quality: Quality, heard: Heard) -> None:
    known = _TABLE.get(code) if code is not None else None
    if known is None:
        heard.refuse(f"health observation: code {code} is not one of those understood here")
        return
    kind, units = known
    if not isinstance(value, NumericValue):
        heard.refuse(f"health observation: code {code} came without a number")
        return
    unit = units.get(value.unit_code)
    if unit is None:
        heard.refuse(f"health observation: code {code} came in unit {value.unit_code}, which it has not")
        return
    number = value.value
    if not isinstance(number, Special) and unit is not _ONE:
        number = round((number + unit[1]) * unit[0], 3)
    heard.add(kind, number, quality)
