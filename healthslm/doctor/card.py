"""How worn the card or eMMC under the store is.

Source: JEDEC JESD84-B51 (eMMC 5.1), EXT_CSD 267 (PRE_EOL_INFO), 268 and 269 (DEVICE_LIFE_TIME_EST, in
tenths); the kernel's Documentation/driver-api/mmc/mmc-dev-attrs.rst. An SD card keeps that to itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from healthslm.doctor.check import Check, attention, ok, problem, unknown
from healthslm.doctor.machine import Machine, NotKnown

WHAT = "card"
_WORN, _OVER = 9, 11
"""From 0x09 on eight tenths are used up; 0x0b is beyond what it was made for."""
_WARNING, _URGENT = 2, 3
"""Of the reserve that takes the place of worn blocks four fifths are used up; nearly all."""
_SOON = "See that backups go to another disk, and replace it before long."
_NOW = "Make a backup onto another disk today, and replace it."


def card(machine: Machine, disk: str) -> Iterator[Check]:
    """Say how worn the disk of that name is. Raises `NotKnown`."""
    if not disk.startswith("mmcblk"):
        raise NotKnown("the store is on no SD card or eMMC; an SSD is asked with smartctl")
    at = f"sys/block/{disk}/device"
    named = _named(machine, at)
    if not machine.has(f"{at}/life_time"):
        yield unknown(
            WHAT,
            f"{named} does not tell how worn it is",
            "Let backups go to another disk. A card marked “high endurance” lasts longer.",
        )
        return
    used = [int(part, 16) for part in machine.text(f"{at}/life_time").split() if _is_hex(part)]
    reserve = machine.number(f"{at}/pre_eol_info") if machine.has(f"{at}/pre_eol_info") else 0
    worst = max(used, default=0)
    if worst >= _OVER or reserve >= _URGENT:
        yield problem(WHAT, f"{named} is worn out: it has outlived what it was made for", _NOW)
    elif worst >= _WORN or reserve == _WARNING:
        tenths = (
            f"{10 * (worst - 1)} to {10 * worst} % of its life is used" if worst else "its reserve runs out"
        )
        yield attention(WHAT, f"{named}: {tenths}", _SOON)
    elif worst:
        yield ok(WHAT, f"{named}: {10 * (worst - 1)} to {10 * worst} % of its life is used")
    else:
        yield unknown(WHAT, f"{named} does not tell how worn it is")


def _is_hex(text: str) -> bool:
    try:
        int(text, 16)
    except ValueError:
        return False
    return True


def _named(machine: Machine, at: str) -> str:
    """Return what the card is: its type, name and month of make."""
    said = {}
    for name in ("type", "name", "date"):
        try:
            said[name] = machine.text(f"{at}/{name}")
        except NotKnown:
            said[name] = ""
    kind = {"SD": "the SD card", "MMC": "the eMMC"}.get(said["type"], "the card")
    made = f" of {said['date']}" if said["date"] else ""
    return f"{kind} {said['name']}{made}".replace("  ", " ").strip()
