"""What single parts of a Bundle of our own mean: kinds, units, devices, notes."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from healthslm.fhir import coding, mdc
from healthslm.importers.bundle_parts import Concept, Quantity, Resource
from healthslm.readings import KINDS, Device, Kind, Note, Quality
from healthslm.text import clean

UNKNOWN = "FHIR Bundle"
"""The device of what a Bundle names no device of."""
_TITLES = {info.title: kind for kind, info in KINDS.items()}
_NOTE = re.compile(r"(\S+): (.*) \((info|watch|urgent|emergency)\)", re.DOTALL)


def plausibility(kind: Kind, value: float) -> Quality:
    """Mark a value that no sensor shows of a living person: it may be one of another unit."""
    info = KINDS[kind]
    return Quality.GOOD if info.low <= value <= info.high else Quality.IMPLAUSIBLE


def is_in(value: Quantity, kind: Kind) -> bool:
    """Say whether a value is one in the kind's own unit."""
    return (value.system, value.code, value.comparator) == (coding.UCUM, KINDS[kind].ucum, "")


def can_be(time: datetime) -> bool:
    """Say whether a measurement can be of that time, with slack to the calendar's ends."""
    return 100 < time.year < 9900


def kind_of(code: Concept) -> Kind | None:
    """The kind that an Observation is of: by its title, which has to agree with its LOINC code."""
    kind = _TITLES.get(code.text)
    if kind is None:
        return None
    loinc = KINDS[kind].loinc
    agrees = loinc is None or any(c.system == coding.LOINC and c.code == loinc for c in code.coding)
    return kind if agrees else None


def device_of(one: Resource) -> Device:
    """The device that a Device is of, under its address, or under what it is known by."""
    first = one.identifier[0]
    bluetooth = first.system == mdc.BLUETOOTH
    name = next((given.name for given in one.deviceName), "")
    return Device(
        address=clean(first.value.replace("-", ":") if bluetooth else first.value, 120) or UNKNOWN,
        name=clean(name, 200),
        manufacturer=clean(one.manufacturer, 200),
        model=clean(one.modelNumber, 200),
        serial=clean(one.serialNumber, 200),
        firmware=clean(next((version.value for version in one.version), ""), 200),
    )


def note_of(line: str) -> Note | None:
    """The note that a paragraph tells of: its time, the words, and the level; `None` for another text."""
    match = _NOTE.fullmatch(line)
    try:
        time = datetime.fromisoformat(match[1]) if match else None
    except ValueError:
        time = None
    if match is None or time is None or time.tzinfo is None or not can_be(time):
        return None
    return Note(
        time=time.astimezone(UTC),
        text=match[2],
        level=match[3],
        reason="read from a FHIR Bundle",
        origin="template",
    )
