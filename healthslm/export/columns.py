"""The tables and their columns: what stands in each, in which unit, and where it comes from.

The data dictionary is made of this, and so are the files: a column that is not described is not written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from healthslm.readings import KINDS, Kind, Quality, Severity


class Type(StrEnum):
    """What the cells of a column are; how each is written is said in `dictionary.NOTATION`."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    YES_NO = "yes/no"
    TIME = "time"
    """µs since 1970 (UTC) while it is made, as `int64`."""
    CLOCK = "device clock"
    """A naive `datetime`: what a device's clock showed."""
    DATE = "date"
    JSON = "JSON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: `unit` is UCUM, or says where it stands; `values` which there can be; `source` whence."""

    name: str
    type: Type
    meaning: str
    unit: str = ""
    values: str = ""
    source: str


_STORE = "stored reading"
_KINDS_TABLE = "healthslm's table of kinds"
_ROLLUP = "computed from the stored usable readings of the period"
_FINDING = "the rule named in column rule"
_KIND_VALUES = ", ".join(Kind)
_QUALITY_VALUES = "good, or one or more, with a space, of " + ", ".join(
    str(flag.name).lower() for flag in Quality if flag
)
_LEVELS = ", ".join(level.word for level in Severity)
_CLEANED = "one line; control and direction marks are left out"

KIND = Column(
    name="kind", type=Type.TEXT, meaning="What was measured", values=_KIND_VALUES, source=_KINDS_TABLE
)
_LOINC = Column(
    name="loinc",
    type=Type.TEXT,
    meaning="The LOINC code of the kind; empty where LOINC has none",
    source="LOINC, by " + _KINDS_TABLE,
)
_UNIT = Column(
    name="unit",
    type=Type.TEXT,
    meaning="The unit of the numbers in this row, as a UCUM code",
    source="UCUM, by " + _KINDS_TABLE,
)

READINGS = (
    Column(
        name="id",
        type=Type.INTEGER,
        meaning="The reading's number in the store; the evidence of findings names readings by it",
        values="1 to 9223372036854775807; more digits than a spreadsheet shows",
        source=_STORE,
    ),
    Column(
        name="time",
        type=Type.TIME,
        meaning="When it was measured, by the person's clock, with its offset from UTC",
        source=_STORE,
    ),
    Column(
        name="time_us",
        type=Type.INTEGER,
        unit="us",
        meaning="The same time as microseconds since 1970-01-01T00:00:00Z",
        source=_STORE,
    ),
    KIND,
    _LOINC,
    Column(
        name="value",
        type=Type.NUMBER,
        unit="in column unit",
        meaning="The measured value, all digits of it; look at usable before computing with it",
        values="usable ones are inside the plausible range of the kind",
        source=_STORE,
    ),
    _UNIT,
    Column(
        name="device",
        type=Type.TEXT,
        meaning="The address of the device that sent it",
        values=_CLEANED,
        source=_STORE,
    ),
    Column(
        name="device_name",
        type=Type.TEXT,
        meaning="The name the device was given; empty where it has none",
        values=_CLEANED,
        source="the store's list of devices",
    ),
    Column(
        name="quality",
        type=Type.TEXT,
        meaning="Why the reading should not be used, or with care",
        values=_QUALITY_VALUES,
        source="the device, and checks when the reading came",
    ),
    Column(
        name="usable",
        type=Type.YES_NO,
        meaning="Whether healthslm computes with it: no flag but clock_corrected",
        source="computed from quality",
    ),
    Column(
        name="device_time",
        type=Type.CLOCK,
        meaning="What the device's own clock said, as sent; empty where it sent none",
        source="the device",
    ),
    Column(
        name="sequence",
        type=Type.INTEGER,
        meaning="The device's own number of the measurement; empty where it sent none",
        source="the device",
    ),
    Column(
        name="context",
        type=Type.TEXT,
        meaning="What else the device said of the measurement, like: fasting",
        values=_CLEANED,
        source="the device",
    ),
)

_ROLLED = (
    Column(
        name="start",
        type=Type.TIME,
        meaning="The beginning, included; later than the clock's where the exported period begins later",
        source="the exported period",
    ),
    Column(
        name="end",
        type=Type.TIME,
        meaning="The end, not included; earlier than the clock's where the exported period ends earlier",
        source="the exported period",
    ),
    Column(
        name="count",
        type=Type.INTEGER,
        unit="1",
        meaning="How many usable readings; where there is none, there is no row",
        values="1 and more",
        source=_ROLLUP,
    ),
    Column(
        name="minimum", type=Type.NUMBER, unit="in column unit", meaning="The lowest of them", source=_ROLLUP
    ),
    Column(
        name="maximum", type=Type.NUMBER, unit="in column unit", meaning="The highest of them", source=_ROLLUP
    ),
    Column(
        name="mean",
        type=Type.NUMBER,
        unit="in column unit",
        meaning="The mean of them, exact to a millionth of the unit; not weighted by time",
        source=_ROLLUP,
    ),
    Column(
        name="total",
        type=Type.NUMBER,
        unit="in column unit",
        meaning="The sum, of kinds that are amounts; empty for others",
        values="of " + ", ".join(kind for kind in Kind if KINDS[kind].adds),
        source=_ROLLUP,
    ),
)

HOURS = (KIND, _LOINC, _UNIT, *_ROLLED)

DAYS = (
    KIND,
    _LOINC,
    _UNIT,
    Column(
        name="day",
        type=Type.DATE,
        meaning="The person's local day; one on which clocks change has 23 or 25 hours",
        source="the exported period",
    ),
    *_ROLLED,
)

FINDINGS = (
    Column(
        name="id",
        type=Type.TEXT,
        meaning="The finding's name, the same whenever it is computed",
        source=_FINDING,
    ),
    Column(name="rule", type=Type.TEXT, meaning="The rule that found it", source=_FINDING),
    Column(name="version", type=Type.TEXT, meaning="The rule's version", source=_FINDING),
    Column(
        name="severity",
        type=Type.TEXT,
        meaning="How soon somebody should act",
        values=_LEVELS,
        source=_FINDING,
    ),
    Column(name="start", type=Type.TIME, meaning="When the episode began", source=_FINDING),
    Column(name="end", type=Type.TIME, meaning="When it ended, or up to when it is known", source=_FINDING),
    Column(
        name="ongoing", type=Type.YES_NO, meaning="Whether it went on at the last reading", source=_FINDING
    ),
    Column(
        name="title", type=Type.TEXT, meaning="What was found: a prompt, not a diagnosis", source=_FINDING
    ),
    Column(name="action", type=Type.TEXT, meaning="What to do next", source=_FINDING),
    Column(
        name="evidence",
        type=Type.JSON,
        meaning="The numbers that it stands on; readings are ids of the table readings",
        unit="in its own field unit",
        values="an array of objects: name, kind, value or null with reason, unit, start, end, at, count, "
        "coverage, readings",
        source="computed from stored readings",
    ),
    Column(
        name="missing",
        type=Type.JSON,
        meaning="What the rule could not see",
        values="an array of texts",
        source=_FINDING,
    ),
    Column(name="source", type=Type.TEXT, meaning="The citation that the rule stands on", source=_FINDING),
    Column(
        name="personal",
        type=Type.TEXT,
        meaning="Which numbers of the rule were set for this person, by whom, when and why; mostly empty",
        source="who set them",
    ),
)

NOTES = (
    Column(name="id", type=Type.INTEGER, meaning="The note's number in the store", source="stored note"),
    Column(name="time", type=Type.TIME, meaning="When it was written", source="stored note"),
    Column(
        name="text",
        type=Type.TEXT,
        meaning="The person's own words",
        values=_CLEANED,
        source="the person",
    ),
    Column(
        name="level",
        type=Type.TEXT,
        meaning="How soon somebody should act, by the note and the findings of then",
        values=_LEVELS,
        source="rules, and where origin is model the language model, which can only raise it",
    ),
    Column(name="reason", type=Type.TEXT, meaning="Why that level", source="as level"),
    Column(
        name="origin",
        type=Type.TEXT,
        meaning="Who gave the level",
        values="model, template",
        source="healthslm",
    ),
)

TABLES: Mapping[str, tuple[Column, ...]] = {
    "readings": READINGS,
    "hours": HOURS,
    "days": DAYS,
    "findings": FINDINGS,
    "notes": NOTES,
}
