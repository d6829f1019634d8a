"""Oximeters: the standard's, PC-60FW, Viatom's and Contec's."""

from __future__ import annotations

from datetime import timedelta

from device.gatt import Number, PlxContinuousMeasurement, PlxSpotCheckMeasurement
from device.gatt.pulse_oximeter import MeasurementStatus, SensorStatus
from device.vendors.contec import ContecMeasurement
from device.vendors.pc60 import Pc60Frame, Pc60Measurement, Pc60Status
from device.vendors.viatom import ViatomMeasurement
from healthslm.ingest.heard import Heard
from healthslm.readings import QUALITIES, Kind, Quality

FLAT_FOR = timedelta(minutes=10)
"""SpO2, pulse rate and perfusion index, all three equal to the last digit for so long: a stuck device. Two of
them are not enough: 97 % and a pacemaker's 60 stand side by side for hours, but the skin's blood flow, sent
in tenths of a percent, moves with every breath."""
_BREAK = timedelta(minutes=1)
_GOOD = Quality.GOOD
_FAULTS = int(
    MeasurementStatus.DATA_FOR_DEMONSTRATION
    | MeasurementStatus.DATA_FOR_TESTING
    | MeasurementStatus.CALIBRATION_ONGOING
    | MeasurementStatus.MEASUREMENT_UNAVAILABLE
    | MeasurementStatus.QUESTIONABLE_MEASUREMENT_DETECTED
    | MeasurementStatus.INVALID_MEASUREMENT_DETECTED
)
_SENSOR_OFF = int(
    SensorStatus.SENSOR_UNCONNECTED_TO_USER | SensorStatus.SENSOR_DISPLACED | SensorStatus.SENSOR_DISCONNECTED
)
_SENSOR_FAULTS = int(
    SensorStatus.EQUIPMENT_MALFUNCTION_DETECTED
    | SensorStatus.INADEQUATE_SIGNAL_DETECTED
    | SensorStatus.ERRATIC_SIGNAL_DETECTED
    | SensorStatus.NONPULSATILE_SIGNAL_DETECTED
    | SensorStatus.QUESTIONABLE_PULSE_DETECTED
    | SensorStatus.SENSOR_INTERFERENCE_DETECTED
    | SensorStatus.UNKNOWN_SENSOR_CONNECTED
    | SensorStatus.SENSOR_MALFUNCTIONING
)


def continuous(measurement: PlxContinuousMeasurement, heard: Heard) -> None:
    """Take a continuous measurement, by the normal of its three averaging times."""
    heard.live()
    _plx(measurement, heard)


def spot_check(measurement: PlxSpotCheckMeasurement, heard: Heard) -> None:
    """Take a spot check, live or stored."""
    heard.stamped(measurement.timestamp, clock_set=not measurement.clock_not_set)
    _plx(measurement, heard)


def _plx(measurement: PlxContinuousMeasurement | PlxSpotCheckMeasurement, heard: Heard) -> None:
    status, sensor = measurement.measurement_status, measurement.sensor_status
    quality = _GOOD
    if status is not None or sensor is not None:
        bits = Quality.SENSOR_FAULT.value if status is not None and status.value & _FAULTS else 0
        if sensor is not None and sensor.value & _SENSOR_OFF:
            bits |= Quality.NO_CONTACT.value
        if sensor is not None and sensor.value & _SENSOR_FAULTS:
            bits |= Quality.SENSOR_FAULT.value
        quality = QUALITIES[bits]
    index = measurement.pulse_amplitude_index
    if index is not None:
        quality = _unless_flat(measurement.spo2, measurement.pulse_rate, index, quality, heard)
    heard.add(Kind.SPO2, measurement.spo2, quality)
    heard.add(Kind.PULSE_RATE, measurement.pulse_rate, quality)
    if index is not None:
        heard.add(Kind.PERFUSION_INDEX, index, quality)


def _unless_flat(spo2: Number, pulse: Number, index: Number, quality: Quality, heard: Heard) -> Quality:
    """Return the quality, with `FLAT_LINE` where all three have stood still for too long."""
    state, now = heard.state, heard.received_at
    same = (spo2, pulse, index)
    since, until = state.same_since, state.same_until
    if state.same_spo2 != same or since is None or until is None or now - until > _BREAK:
        state.same_spo2, state.same_since = same, now
        since = now
    state.same_until = now
    return QUALITIES[quality.value | Quality.FLAT_LINE.value] if now - since >= FLAT_FOR else quality


def pc60(frame: Pc60Frame, heard: Heard) -> None:
    """Take a frame of values. Its battery has four steps and no percentage, so it is left out."""
    if isinstance(frame, Pc60Measurement):
        searching = Pc60Status.PULSE_SEARCHING in frame.status
        quality = _GOOD if frame.finger_in else Quality.NOT_WORN
        if searching:
            quality |= Quality.SENSOR_FAULT
        _vendor(frame.spo2, frame.pulse_rate, frame.perfusion_index, quality, heard)


def contec(measurement: ContecMeasurement, heard: Heard) -> None:
    """Take a frame of values."""
    quality = _GOOD if measurement.finger_in else Quality.NOT_WORN
    _vendor(measurement.spo2, measurement.pulse_rate, measurement.perfusion_index, quality, heard)


def viatom(measurement: ViatomMeasurement, heard: Heard) -> None:
    """Take live values, the steps since the last ones, and the battery where it changed."""
    quality = _GOOD if measurement.worn else Quality.NOT_WORN
    index = measurement.perfusion_index or None
    _vendor(measurement.spo2, measurement.pulse_rate, index, quality, heard)
    if steps := heard.grown("steps", measurement.steps):
        heard.add(Kind.STEPS, steps)
    battery = float(measurement.battery)
    if battery != heard.state.battery:
        heard.state.battery = battery
        heard.add(Kind.BATTERY, battery)


def _vendor(
    spo2: float | None, pulse: float | None, index: float | None, quality: Quality, heard: Heard
) -> None:
    if spo2 is None and pulse is None:
        heard.refuse("oxygen saturation: the device has no value, as without a finger")
        return
    heard.live()
    if spo2 is not None and pulse is not None and index is not None:
        quality = _unless_flat(spo2, pulse, index, quality, heard)
    for kind, value in ((Kind.SPO2, spo2), (Kind.PULSE_RATE, pulse), (Kind.PERFUSION_INDEX, index)):
        if value is not None:
            heard.add(kind, float(value), quality)
