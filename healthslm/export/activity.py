"""Steps and energy of a day as Observations.

Source: HL7 Physical Activity guide 1.0.0, http://hl7.org/fhir/us/physical-activity, profile
pa-observation-time-measure. It is kept in shape and codes, not claimed: it asks for a US Core Patient, of
whom more is known than a person has to tell here. Only whole days of the period are given, for a part of a
day is no count of 24 hours; a day without any reading is not known, and left out.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis import day_bounds
from healthslm.export import words
from healthslm.export.entries import Entries
from healthslm.export.rows import day_edges
from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.readings import KINDS, Kind, Window

_GUIDE = "http://hl7.org/fhir/us/physical-activity"
_CATEGORY = {"system": f"{_GUIDE}/CodeSystem/pa-temporary-codes", "code": "PhysicalActivity"}
_MEASURES = {
    Kind.STEPS: ("41950-7", "Number of steps in 24 hour Measured", "/d", "steps per day"),
    Kind.ENERGY: ("41979-6", "Calories burned in 24 hour Calculated", "kcal/d", "kilocalories per day"),
}
KINDS_OF_ACTIVITY = tuple(_MEASURES)


def add_days(entries: Entries, window: Window, tz: ZoneInfo, subject: Json, device: Json) -> list[Json]:
    """Add an Observation for each whole local day that has readings; return their References."""
    measure = _MEASURES[window.kind]
    good = words.usable(window)
    made = []
    edges = day_edges(window.start, window.end, tz)
    for start, end in pairwise(edges):
        day = start.astimezone(tz).date()
        part = good.between(start, end)
        if (start, end) == day_bounds(day, tz) and len(part):
            total = coding.digits(float(np.sum(part.values)), KINDS[window.kind].decimals)
            made.append(entries.add(_observation(total, day, measure, subject, device)))
    return made


def _observation(
    total: Decimal, day: date, measure: tuple[str, str, str, str], subject: Json, device: Json
) -> Json:
    code, display, ucum, unit = measure
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [*coding.category(Kind.STEPS), coding.concept(_CATEGORY)],
        "code": coding.concept({"system": coding.LOINC, "code": code, "display": display}, text=unit),
        "subject": subject,
        "effectiveDateTime": day.isoformat(),
        "performer": [subject],
        "valueQuantity": coding.quantity(total, ucum, unit),
        **device,
    }
