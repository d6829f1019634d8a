"""Dexcom's glucose sensors: recognised, to say why nothing of them is used.

They speak only with an app that proves itself to be the maker's own. Source of the names and services:
the xDrip handbook (Navid200/xDrip) and LoopKit's CGMBLEKit.
"""

from __future__ import annotations

from device.vendors.family import Family

FAMILY = Family(
    name="Dexcom",
    services={"FEBC": "Dexcom sensor", "f8083532-849e-531c-c594-30f1f86a4ea5": "Dexcom sensor"},
    names=("Dexcom", "DXCM", "DX02"),
    refuses="Dexcom sensors speak only with the maker's own app: export the readings there, and import them.",
)
