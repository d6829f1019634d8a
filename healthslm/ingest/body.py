"""Thermometers, cuffs and scales."""

from __future__ import annotations

from device.gatt import BatteryLevel, BloodPressureMeasurement, Number, Special, TemperatureMeasurement
from device.gatt.blood_pressure import MeasurementStatus, PressureUnit
from device.gatt.body_composition import BodyCompositionMeasurement
from device.gatt.health_thermometer import TemperatureUnit
from device.gatt.weight_scale import MassUnit, WeightMeasurement
from device.vendors.xiaomi import XiaomiBodyComposition, XiaomiWeight
from healthslm.ingest.heard import Heard
from healthslm.readings import Kind, Quality
from healthslm.readings.units import KG_PER_LB, MMHG_PER_KPA

_CUFF_FAULTS = (
    MeasurementStatus.BODY_MOVEMENT_DETECTED
    | MeasurementStatus.CUFF_TOO_LOOSE
    | MeasurementStatus.IMPROPER_MEASUREMENT_POSITION
)
_NO_STATUS = MeasurementStatus(0)


def celsius(value: Number, *, fahrenheit: bool) -> Number:
    """Convert to °C; to three decimals, more than any thermometer has."""
    if isinstance(value, Special) or not fahrenheit:
        return value
    return round((value - 32) / 1.8, 3)


def mmhg(value: Number, *, kilopascal: bool) -> Number:
    """Convert to mmHg."""
    if isinstance(value, Special) or not kilopascal:
        return value
    return round(value * MMHG_PER_KPA, 1)


def thermometer(measurement: TemperatureMeasurement, heard: Heard) -> None:
    """Take a result; what a thermometer shows on its way to one (2A1E) is no reading."""
    heard.stamped(measurement.timestamp)
    fahrenheit = measurement.unit is TemperatureUnit.FAHRENHEIT
    heard.add(Kind.TEMPERATURE, celsius(measurement.temperature, fahrenheit=fahrenheit))


def cuff(measurement: BloodPressureMeasurement, heard: Heard) -> None:
    """Take the three pressures and the pulse; what a cuff shows while it deflates (2A36) is no reading."""
    heard.stamped(measurement.timestamp)
    fault = (measurement.measurement_status or _NO_STATUS) & _CUFF_FAULTS
    quality = Quality.SENSOR_FAULT if fault else Quality.GOOD
    kilopascal = measurement.unit is PressureUnit.KPA
    heard.add(Kind.SYSTOLIC, mmhg(measurement.systolic, kilopascal=kilopascal), quality)
    heard.add(Kind.DIASTOLIC, mmhg(measurement.diastolic, kilopascal=kilopascal), quality)
    heard.add(Kind.MEAN_ARTERIAL, mmhg(measurement.mean_arterial_pressure, kilopascal=kilopascal), quality)
    if measurement.pulse_rate is not None:
        heard.add(Kind.PULSE_RATE, measurement.pulse_rate, quality)


def battery(measurement: BatteryLevel, heard: Heard) -> None:
    """Take the battery's level."""
    heard.add(Kind.BATTERY, float(measurement.percent))


def _kilograms(mass: float, unit: MassUnit) -> float:
    return round(mass * KG_PER_LB, 3) if unit is MassUnit.LB else mass


def scale(measurement: WeightMeasurement, heard: Heard) -> None:
    """Take a weight. BMI and height are left out: the one follows from the other, which a person typed in."""
    heard.stamped(measurement.timestamp)
    if measurement.weight is None:
        heard.refuse("weight: the scale says that the measurement was not successful")
    else:
        heard.add(Kind.WEIGHT, _kilograms(measurement.weight, measurement.unit))


def composition(measurement: BodyCompositionMeasurement, heard: Heard) -> None:
    """Take body fat, and the weight where it comes along. What else a scale reckons is left out.

    Muscle, water and metabolism are the scale's own formulas over one impedance, no two makers' alike.
    """
    heard.stamped(measurement.timestamp)
    if measurement.body_fat_percentage is not None:
        heard.add(Kind.BODY_FAT, measurement.body_fat_percentage)
    elif not measurement.multiple_packet:
        heard.refuse("body fat: the scale says that the measurement was not successful")
    if measurement.weight is not None:
        heard.add(Kind.WEIGHT, _kilograms(measurement.weight, measurement.unit))


def xiaomi(measurement: XiaomiWeight | XiaomiBodyComposition, heard: Heard) -> None:
    """Take the weight that a scale came to rest at, once a weighing; it sends that several times."""
    if not measurement.settled:
        return
    stamp = measurement.timestamp
    weighing = (stamp, measurement.weight)
    if weighing == heard.state.last_weighing:
        return
    heard.state.last_weighing = weighing
    heard.stamped(stamp)
    heard.add(Kind.WEIGHT, round(measurement.weight_kg, 3))
