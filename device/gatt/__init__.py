"""What the bytes of a characteristic mean: one service of the Bluetooth SIG a file.

A characteristic is named by its four hexadecimal digits where the Bluetooth SIG assigned them ("2A37"), by
its whole UUID in lower case where not.
"""

from __future__ import annotations

from collections.abc import Mapping

from device.gatt import (
    battery,
    blood_pressure,
    body_composition,
    continuous_glucose,
    current_time,
    cycling,
    device_information,
    generic_health_sensor,
    glucose,
    health_thermometer,
    heart_rate,
    physical_activity,
    pulse_oximeter,
    running,
    weight_scale,
)
from device.gatt.battery import BatteryLevel
from device.gatt.blood_pressure import (
    BloodPressureFeature,
    BloodPressureMeasurement,
    IntermediateCuffPressure,
)
from device.gatt.body_composition import BodyCompositionFeature, BodyCompositionMeasurement
from device.gatt.cgm_specific_ops import CgmSpecificOpsControlPoint
from device.gatt.continuous_glucose import (
    CgmFeature,
    CgmMeasurement,
    CgmRecord,
    CgmSessionRunTime,
    CgmSessionStartTime,
    CgmStatus,
)
from device.gatt.current_time import CurrentTime, LocalTimeInformation
from device.gatt.cycling import CscFeature, CscMeasurement
from device.gatt.device_information import DeviceInformationString
from device.gatt.fields import DateTime, Number, Special
from device.gatt.generic_health_sensor import (
    GhsControlPoint,
    HealthSensorFeatures,
    LiveHealthObservations,
    ObservationScheduleChanged,
    StoredHealthObservations,
)
from device.gatt.glucose import GlucoseFeature, GlucoseMeasurement, GlucoseMeasurementContext
from device.gatt.health_thermometer import (
    IntermediateTemperature,
    MeasurementInterval,
    TemperatureMeasurement,
    TemperatureType,
)
from device.gatt.heart_rate import BodySensorLocation, HeartRateControlPoint, HeartRateMeasurement
from device.gatt.measurement import GattService, Measurement
from device.gatt.physical_activity import (
    CardioRespiratoryActivityInstantaneousData,
    CardioRespiratoryActivitySummaryData,
    GeneralActivityInstantaneousData,
    GeneralActivitySummaryData,
    SleepActivityInstantaneousData,
    SleepActivitySummaryData,
    StepCounterActivitySummaryData,
)
from device.gatt.physical_activity_sessions import (
    ActivityCurrentSession,
    PhysicalActivityMonitorControlPoint,
    PhysicalActivityMonitorFeatures,
    PhysicalActivitySessionDescriptor,
)
from device.gatt.pulse_oximeter import PlxContinuousMeasurement, PlxFeatures, PlxSpotCheckMeasurement
from device.gatt.record_access import RecordAccessControlPoint
from device.gatt.running import RscFeature, RscMeasurement
from device.gatt.weight_scale import WeightMeasurement, WeightScaleFeature

__all__ = [
    "CHARACTERISTICS",
    "MEASUREMENTS",
    "SERVICES",
    "SILENCE",
    "STATE",
    "ActivityCurrentSession",
    "BatteryLevel",
    "BloodPressureFeature",
    "BloodPressureMeasurement",
    "BodyCompositionFeature",
    "BodyCompositionMeasurement",
    "BodySensorLocation",
    "CardioRespiratoryActivityInstantaneousData",
    "CardioRespiratoryActivitySummaryData",
    "CgmFeature",
    "CgmMeasurement",
    "CgmRecord",
    "CgmSessionRunTime",
    "CgmSessionStartTime",
    "CgmSpecificOpsControlPoint",
    "CgmStatus",
    "CscFeature",
    "CscMeasurement",
    "CurrentTime",
    "DateTime",
    "DeviceInformationString",
    "GeneralActivityInstantaneousData",
    "GeneralActivitySummaryData",
    "GhsControlPoint",
    "GlucoseFeature",
    "GlucoseMeasurement",
    "GlucoseMeasurementContext",
    "HealthSensorFeatures",
    "HeartRateControlPoint",
    "HeartRateMeasurement",
    "IntermediateCuffPressure",
    "IntermediateTemperature",
    "LiveHealthObservations",
    "LocalTimeInformation",
    "Measurement",
    "MeasurementInterval",
    "Number",
    "ObservationScheduleChanged",
    "PhysicalActivityMonitorControlPoint",
    "PhysicalActivityMonitorFeatures",
    "PhysicalActivitySessionDescriptor",
    "PlxContinuousMeasurement",
    "PlxFeatures",
    "PlxSpotCheckMeasurement",
    "RecordAccessControlPoint",
    "RscFeature",
    "RscMeasurement",
    "SleepActivityInstantaneousData",
    "SleepActivitySummaryData",
    "Special",
    "StepCounterActivitySummaryData",
    "StoredHealthObservations",
    "TemperatureMeasurement",
    "TemperatureType",
    "WeightMeasurement",
    "WeightScaleFeature",
    "short_uuid",
]

_SERVICES: tuple[GattService, ...] = (
    heart_rate.SERVICE,
    pulse_oximeter.SERVICE,
    health_thermometer.SERVICE,
    blood_pressure.SERVICE,
    glucose.SERVICE,
    continuous_glucose.SERVICE,
    weight_scale.SERVICE,
    body_composition.SERVICE,
    running.SERVICE,
    cycling.SERVICE,
    physical_activity.SERVICE,
    generic_health_sensor.SERVICE,
    battery.SERVICE,
    current_time.SERVICE,
    device_information.SERVICE,
)

CHARACTERISTICS: Mapping[str, type[Measurement]] = {
    name: kind for service in _SERVICES for name, kind in service.characteristics.items()
}
"""Every characteristic that is understood, by its name."""

SERVICES: Mapping[str, str] = {service.number: service.name for service in _SERVICES if service.measures}
"""The services that measure something, by their number, in the Bluetooth SIG's words."""

MEASUREMENTS = frozenset(name for service in _SERVICES for name in service.measurements)
"""The characteristics that carry results, which a link subscribes to. (2A36 is the cuff on its way there.)"""

SILENCE: Mapping[str, float] = {
    name: seconds for service in _SERVICES for name, seconds in service.silence.items()
}
"""Those that come all the time while worn, and the seconds after which their silence means something."""

STATE = frozenset(name for service in _SERVICES for name in service.state)
"""Those that a link reads on each connect, because the measurements need them."""

_BASE = "-0000-1000-8000-00805f9b34fb"


def short_uuid(uuid: str) -> str:
    """Name a characteristic or service: "2A37" for an assigned number, else the UUID in lower case."""
    uuid = uuid.lower()
    if len(uuid) == 36 and uuid.startswith("0000") and uuid.endswith(_BASE):
        return uuid[4:8].upper()
    return uuid.upper() if len(uuid) == 4 else uuid
