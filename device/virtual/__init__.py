"""Wearables without a radio, for the demo and the tests. Needs the extra `virtual`.

async with VirtualRadio() as air:
    strap = ChestStrap("C0:FF:EE:00:00:01")
    await air.add(strap)
    async with watch([strap.address], radio=air.radio) as events:
        ...
"""

from device.virtual.radio import VirtualRadio
from device.virtual.wearables import BloodPressureCuff, ChestStrap, PulseOximeter, Thermometer, Wearable

__all__ = ["BloodPressureCuff", "ChestStrap", "PulseOximeter", "Thermometer", "VirtualRadio", "Wearable"]
