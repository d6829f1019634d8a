"""What the tests of ingest say: a notification, a device's stamp, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from device import Notification
from device.gatt import DateTime
from healthslm.ingest import Ingest, Taken
from tests.making import at

BERLIN = ZoneInfo("Europe/Berlin")
DEVICE = "AA:01"
NOON = at("12:00")


def note(
    measurement: Any, when: datetime = NOON, characteristic: str | None = None, *, read: bool = False
) -> Notification:
    """A notification of a measurement, or of bytes."""
    value = measurement if isinstance(measurement, bytes) else bytes(measurement)
    return Notification(when, DEVICE, characteristic or type(measurement).UUID, value, 0, read)


def take(measurement: Any, **more: Any) -> Taken:
    """What a new `Ingest` makes of one measurement."""
    return Ingest(BERLIN).take(note(measurement, **more))


def stamp(text: str) -> DateTime:
    """`2026-11-02T12:58:00` as a device's clock says it; no day has to exist."""
    day, clock = text.split("T")
    return DateTime(*(int(p) for p in day.split("-")), *(int(p) for p in clock.split(":")))
