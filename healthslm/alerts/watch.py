"""As much of a rule as an alert needs, for what no rule can see: that something is not there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Watched(StrEnum):
    """What is watched besides the body. A new one is named here, and is the machine's from then on."""

    NO_DATA = "no_data"
    DEVICE_GONE = "device_gone"
    NOT_WORN = "not_worn"
    BATTERY_LOW = "battery_low"
    CLOCK_WRONG = "clock_wrong"
    ADAPTER_GONE = "adapter_gone"
    DISK_FULL = "disk_full"
    ENGINE_STOPPED = "engine_stopped"
    UNDELIVERED = "undelivered"


_OF_DEVICES = frozenset(
    {Watched.NO_DATA, Watched.DEVICE_GONE, Watched.NOT_WORN, Watched.BATTERY_LOW, Watched.CLOCK_WRONG}
)
"""Those that each device has one of. This machine has a `CLOCK_WRONG` of its own."""
OF_ONE = frozenset({*_OF_DEVICES, Watched.UNDELIVERED}) - {Watched.CLOCK_WRONG}
"""Those that are always of one device or hook: behind a colon they have its address, or its name."""
_BY_NAME = {watched.value: watched for watched in Watched}


@dataclass(frozen=True, slots=True)
class Watch:
    """What has an alert: its name is the dedupe key, and it need not have held for `join` to be over."""

    name: str
    join: timedelta

    @classmethod
    def of(cls, watched: Watched, join: timedelta, whose: str = "") -> Watch:
        """Return the watch of a device (its address) or a hook (its name), or else of this machine."""
        return cls(f"{watched}:{whose}" if whose else watched.value, join)


def is_watched(name: str) -> bool:
    """Say whether an alert of that name is of a watch, and not of a rule."""
    return name.partition(":")[0] in _BY_NAME


def device_of(name: str) -> str:
    """Return the address of the device that a watch is of; empty where it is of none."""
    watched, _, whose = name.partition(":")
    return whose if _BY_NAME.get(watched) in _OF_DEVICES else ""
