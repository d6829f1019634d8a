"""Wearables without a radio, for the demo and the tests. Needs the extra `virtual`.

async with VirtualRadio() as air:
    strap = ChestStrap("C0:FF:EE:00:00:01")
    await air.add(strap)
    async with watch([strap.address], radio=air.radio) as events:
        ...
"""

from device.virtual.backend import Unbonded
from device.virtual.bonding import Bonding
from device.virtual.day import Played, SimulatedClock, Worn, play
from device.virtual.faults import Faults, Frames, Harm, Step
from device.virtual.own_clock import FACTORY, OwnClock
from device.virtual.physiology import Beat, Physiology, rhythm_from_csv
from device.virtual.radio import VirtualRadio
from device.virtual.script import Day, Happening, Plan
from device.virtual.signals import Recorded, Signals, Steady, recorded_from_csv
from device.virtual.wearables import (
    KINDS,
    ActivityMonitor,
    BloodPressureCuff,
    BodyCompositionScale,
    ChestStrap,
    ContecOximeter,
    ContinuousGlucoseMonitor,
    CyclingSensor,
    GlucoseMeter,
    HealthSensor,
    MiBodyScale,
    MiScale,
    Pc60Oximeter,
    PolarStrap,
    PulseOximeter,
    RunningSensor,
    SpotCheckOximeter,
    Thermometer,
    ViatomOximeter,
    Wearable,
    WeightScale,
)

__all__ = [
    "FACTORY",
    "KINDS",
    "ActivityMonitor",
    "Beat",
    "BloodPressureCuff",
    "BodyCompositionScale",
    "Bonding",
    "ChestStrap",
    "ContecOximeter",
    "ContinuousGlucoseMonitor",
    "CyclingSensor",
    "Day",
    "Faults",
    "Frames",
    "GlucoseMeter",
    "Happening",
    "Harm",
    "HealthSensor",
    "MiBodyScale",
    "MiScale",
    "OwnClock",
    "Pc60Oximeter",
    "Physiology",
    "Plan",
    "Played",
    "PolarStrap",
    "PulseOximeter",
    "Recorded",
    "RunningSensor",
    "Signals",
    "SimulatedClock",
    "SpotCheckOximeter",
    "Steady",
    "Step",
    "Thermometer",
    "Unbonded",
    "ViatomOximeter",
    "VirtualRadio",
    "Wearable",
    "WeightScale",
    "Worn",
    "play",
    "recorded_from_csv",
    "rhythm_from_csv",
]
