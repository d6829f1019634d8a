"""Why a measurement has no value in FHIR, in words that can be read back, with what the device sent."""

from __future__ import annotations

import re
from collections.abc import Mapping

from healthslm.readings import Quality

FAULTS: Mapping[Quality, str] = {
    Quality.NO_CONTACT: "the sensor had no contact with the skin",
    Quality.IMPLAUSIBLE: "the value is outside what the sensor can show of a living person",
    Quality.SENSOR_FAULT: "the device called the measurement invalid",
    Quality.NOT_WORN: "nobody wore the device",
    Quality.FLAT_LINE: "the value stood still for longer than a living body's can",
    Quality.FROZEN: "the device's own counter stood still",
}
_TOLD = re.compile(r"(.+) \(it sent (-?[0-9]+(?:\.[0-9]+)?) (\S.*)\)")


def told(quality: int, sent: str) -> str:
    """Return why a measurement cannot be used, and what was sent, like `120 mmHg`."""
    why = "; ".join(text for flag, text in FAULTS.items() if quality & int(flag))
    return f"{why} (it sent {sent})"


def read(text: str, unit: str) -> tuple[Quality, float] | None:
    """Return quality and value of what `told` said in that unit, or `None` for anything else."""
    match = _TOLD.fullmatch(text)
    if match is None or match[3] != unit:
        return None
    by_text = {reason: flag for flag, reason in FAULTS.items()}
    reasons = match[1].split("; ")
    if not all(reason in by_text for reason in reasons):
        return None
    quality = Quality.GOOD
    for reason in reasons:
        quality |= by_text[reason]
    return quality, float(match[2])
