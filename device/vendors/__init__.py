"""Devices that speak a protocol of their own: one family a file, all of them in `FAMILIES`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from device.gatt.measurement import Measurement
from device.vendors import contec, dexcom, pc60, polar, viatom, xiaomi
from device.vendors.family import Conversation, Family, Talk

__all__ = ["CHARACTERISTICS", "FAMILIES", "Conversation", "Family", "Talk", "family_of"]

FAMILIES: tuple[Family, ...] = (
    dexcom.FAMILY,
    xiaomi.FAMILY,
    pc60.FAMILY,
    polar.FAMILY,
    viatom.FAMILY,
    contec.FAMILY,
)
"""Every family that is known; the first that recognises a device has it."""

CHARACTERISTICS: Mapping[str, type[Measurement]] = {
    name: kind for family in FAMILIES for name, kind in family.characteristics.items()
}
"""What the families send, by the names under which their conversations hand it on."""


def family_of(name: str, services: Collection[str]) -> Family | None:
    """Return the family of a device, by its advertised name and the names of its services."""
    return next((family for family in FAMILIES if family.recognises(name, services)), None)
