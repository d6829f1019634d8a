"""Wearables that are not there, one group a file. `KINDS` has all of them by the names of scenarios."""

from __future__ import annotations

from collections.abc import Mapping

from device.virtual.wearable import Wearable
from device.virtual.wearables.activity import ActivityMonitor
from device.virtual.wearables.cgm import ContinuousGlucoseMonitor
from device.virtual.wearables.finger_oximeters import ContecOximeter, Pc60Oximeter, ViatomOximeter
from device.virtual.wearables.glucose import GlucoseMeter
from device.virtual.wearables.health_sensor import HealthSensor
from device.virtual.wearables.heart import ChestStrap
from device.virtual.wearables.motion import CyclingSensor, RunningSensor
from device.virtual.wearables.oximeter import PulseOximeter, SpotCheckOximeter
from device.virtual.wearables.polar import PolarStrap
from device.virtual.wearables.pressure import BloodPressureCuff, DateTimeCuff
from device.virtual.wearables.scales import BodyCompositionScale, WeightScale
from device.virtual.wearables.thermometer import Thermometer
from device.virtual.wearables.xiaomi import MiBodyScale, MiScale

__all__ = [
    "KINDS",
    "ActivityMonitor",
    "BloodPressureCuff",
    "BodyCompositionScale",
    "ChestStrap",
    "ContecOximeter",
    "ContinuousGlucoseMonitor",
    "CyclingSensor",
    "DateTimeCuff",
    "GlucoseMeter",
    "HealthSensor",
    "MiBodyScale",
    "MiScale",
    "Pc60Oximeter",
    "PolarStrap",
    "PulseOximeter",
    "RunningSensor",
    "SpotCheckOximeter",
    "Thermometer",
    "ViatomOximeter",
    "Wearable",
    "WeightScale",
]

KINDS: Mapping[str, type[Wearable]] = {
    "strap": ChestStrap,
    "oximeter": PulseOximeter,
    "spot-check oximeter": SpotCheckOximeter,
    "cuff": BloodPressureCuff,
    "date-time cuff": DateTimeCuff,
    "thermometer": Thermometer,
    "glucose meter": GlucoseMeter,
    "glucose sensor": ContinuousGlucoseMonitor,
    "scale": WeightScale,
    "body scale": BodyCompositionScale,
    "running sensor": RunningSensor,
    "cycling sensor": CyclingSensor,
    "activity monitor": ActivityMonitor,
    "health sensor": HealthSensor,
    "polar strap": PolarStrap,
    "viatom oximeter": ViatomOximeter,
    "pc-60fw oximeter": Pc60Oximeter,
    "contec oximeter": ContecOximeter,
    "xiaomi scale": MiScale,
    "xiaomi body scale": MiBodyScale,
}
"""Every kind of wearable, by the name that a scenario gives it."""
