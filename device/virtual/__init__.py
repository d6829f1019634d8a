"""Wearables without a radio, for the demo and the tests. Needs the extra `virtual`.

async with VirtualRadio() as air:
    strap = ChestStrap("C0:FF:EE:00:00:01")
    await air.add(strap)
    async with watch([strap.address], radio=air.radio) as events:
        ...
"""

from device.virtual.day import Played, SimulatedClock, Worn, play
from device.virtual.physiology import Beat, Physiology, rhythm_from_csv
from device.virtual.radio import VirtualRadio
from device.virtual.script import Day, Happening, Plan
from device.virtual.wearables import BloodPressureCuff, ChestStrap, PulseOximeter, Thermometer, Wearable

__all__ = [
    "Beat",
    "BloodPressureCuff",
    "ChestStrap",
    "Day",
    "Happening",
    "Physiology",
    "Plan",
    "Played",
    "PulseOximeter",
    "SimulatedClock",
    "Thermometer",
    "VirtualRadio",
    "Wearable",
    "Worn",
    "play",
    "rhythm_from_csv",
]
