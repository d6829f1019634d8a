"""What resources are written with: LOINC, UCUM, HL7 code systems, and JSON that keeps decimals' digits.

Sources: FHIR R4 (4.0.1) vital signs profiles, http://hl7.org/fhir/R4/observation-vitalsigns.html;
LOINC displays as in LOINC 2.7x.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime, tzinfo
from decimal import Context, Decimal
from typing import Any
from uuid import UUID, uuid5

from healthslm.readings import KINDS, Kind

Json = dict[str, Any]

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
STATISTIC = "http://terminology.hl7.org/CodeSystem/observation-statistics"
PROFILE = "http://hl7.org/fhir/StructureDefinition"

_EVERY_DIGIT = Context(prec=330)
"""Enough for the largest double, should a device send one: the usual 28 digits would end the export."""
_NAMESPACE = UUID("5b1d6a6e-0e0c-5a7e-9c0b-6a1f4c1f7d2e")
# Codes of our own need a system that is ours alone; an OID under 2.25 is the one nobody has to hand out.
FEATURES = f"urn:oid:2.25.{uuid5(_NAMESPACE, 'feature').int}"
RULES = f"urn:oid:2.25.{uuid5(_NAMESPACE, 'rule').int}"
HASHES = f"urn:oid:2.25.{uuid5(_NAMESPACE, 'sha-256').int}"
ALERTS = f"urn:oid:2.25.{uuid5(_NAMESPACE, 'alert').int}"
LEVELS = f"urn:oid:2.25.{uuid5(_NAMESPACE, 'level').int}"
PATIENTS = f"urn:oid:2.25.{uuid5(_NAMESPACE, 'patient').int}"
CONTENTS = f"urn:oid:2.25.{uuid5(_NAMESPACE, 'content').int}"
SOURCES = f"urn:oid:2.25.{uuid5(_NAMESPACE, 'source').int}"
OCCASIONS = f"urn:oid:2.25.{uuid5(_NAMESPACE, 'occasion').int}"

TEST = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
"""The tag of a resource that was made to try something, and says nothing of a person."""

DISPLAY = {
    "8867-4": "Heart rate",
    "8637-1": "R-R interval by EKG",
    "59408-5": "Oxygen saturation in Arterial blood by Pulse oximetry",
    "2708-6": "Oxygen saturation in Arterial blood",
    "8889-8": "Heart rate by Pulse oximetry",
    "8310-5": "Body temperature",
    "85354-9": "Blood pressure panel with all children optional",
    "8480-6": "Systolic blood pressure",
    "8462-4": "Diastolic blood pressure",
    "8478-0": "Mean blood pressure",
    "41653-7": "Glucose [Mass/volume] in Capillary blood by Glucometer",
    "99504-3": "Glucose [Mass/volume] in Interstitial fluid",
    "29463-7": "Body weight",
    "41982-0": "Percentage of body fat Measured",
    "9279-1": "Respiratory rate",
    "61006-3": "Perfusion index Tissue by Pulse oximetry",
    "55423-8": "Number of steps in unspecified time Pedometer",
    "41981-2": "Calories burned",
    "93832-4": "Sleep duration",
}

# The vital signs profiles fix one "magic" code each; the kind's own, finer code stands beside it.
_FIXED = {Kind.SPO2: "2708-6", Kind.PULSE_RATE: "8867-4"}
_PROFILES = {
    Kind.HEART_RATE: "heartrate",
    Kind.PULSE_RATE: "heartrate",
    Kind.SPO2: "oxygensat",
    Kind.TEMPERATURE: "bodytemp",
    Kind.WEIGHT: "bodyweight",
    Kind.RESPIRATORY_RATE: "resprate",
}
PRESSURES = (Kind.SYSTOLIC, Kind.DIASTOLIC, Kind.MEAN_ARTERIAL)

_STATISTICS = {
    "mean": ("average", "Average"),
    "min": ("minimum", "Minimum"),
    "max": ("maximum", "Maximum"),
    "count": ("count", "Count"),
    "total": ("sum", "Sum"),
}
_CATEGORIES = {
    **dict.fromkeys((Kind.RR_INTERVAL, Kind.PULSE_INTERVAL), ("procedure", "Procedure")),
    **dict.fromkeys((Kind.GLUCOSE, Kind.SENSOR_GLUCOSE), ("laboratory", "Laboratory")),
    **dict.fromkeys(
        (Kind.STEPS, Kind.ENERGY, Kind.DISTANCE, Kind.SPEED, Kind.CADENCE, Kind.SLEEP_DURATION),
        ("activity", "Activity"),
    ),
}
"""HL7 files electrodiagnostics under procedure, and fingersticks with the laboratory's own."""


def loinc(code: str) -> Json:
    """Return the Coding of a LOINC code of `DISPLAY`."""
    return {"system": LOINC, "code": code, "display": DISPLAY[code]}


def concept(*codings: Json, text: str = "") -> Json:
    """Return a CodeableConcept, without the parts that are empty."""
    made: Json = {"coding": list(codings)} if codings else {}
    return {**made, "text": text} if text else made


def kind_code(kind: Kind) -> Json:
    """Return the code of an Observation of a kind, with the code its vital signs profile fixes."""
    info = KINDS[kind]
    codes = [c for c in (info.loinc, _FIXED.get(kind)) if c]
    return concept(*(loinc(c) for c in codes), text=info.title)


def statistic_code(ending: str) -> Json | None:
    """Return the Coding of `mean`, `min`, `max`, `count` or `total`; HL7 has none for `latest`."""
    if ending not in _STATISTICS:
        return None
    code, display = _STATISTICS[ending]
    return {"system": STATISTIC, "code": code, "display": display}


def category(kind: Kind) -> list[Json]:
    """Return an Observation's category: of everything not said otherwise, vital signs."""
    code, display = _CATEGORIES.get(kind, ("vital-signs", "Vital Signs"))
    return [concept({"system": CATEGORY, "code": code, "display": display})]


def meta(kind: Kind) -> Json:
    """Return `{"meta": ...}` claiming the kind's vital signs profile, or nothing where there is none."""
    return {"meta": {"profile": [f"{PROFILE}/{_PROFILES[kind]}"]}} if kind in _PROFILES else {}


def absent(code: str, text: str) -> Json:
    """Return a dataAbsentReason: HL7's code and the reason in words."""
    display = {"error": "Error", "not-a-number": "Not a Number (NaN)", "not-performed": "Not Performed"}
    coding = {"system": ABSENT, "code": code, "display": display.get(code, "Unknown")}
    return concept(coding, text=text)


def digits(value: float, decimals: int) -> Decimal:
    """Return a measured value with all digits it has, and at least `decimals` of them: 38 is 38.0."""
    exact = Decimal(repr(round(value, 6)))
    places = -int(exact.normalize().as_tuple().exponent)
    return exact.quantize(Decimal(1).scaleb(-max(places, decimals)), context=_EVERY_DIGIT)


def quantity(value: Decimal, ucum: str, unit: str) -> Json:
    """Return a Quantity in UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": ucum}


def when(time: datetime, tz: tzinfo) -> str:
    """Return a FHIR dateTime with the offset of the zone, in milliseconds only where it has them."""
    local = time.astimezone(tz)
    return local.isoformat(timespec="milliseconds" if local.microsecond >= 1000 else "seconds")


def period(start: datetime, end: datetime | None, tz: tzinfo) -> Json:
    """Return a FHIR Period, open where it has no end."""
    return {"start": when(start, tz), **({} if end is None else {"end": when(end, tz)})}


def urn(resource: Json, salt: str = "") -> str:
    """Return the `urn:uuid:` that a resource's content always gets."""
    return f"urn:uuid:{uuid5(_NAMESPACE, salt + dumps(resource))}"


def pieces(value: Any) -> Iterator[str]:
    """Yield what `dumps` returns, piece by piece. Raises `ValueError` for what JSON has not."""
    if isinstance(value, dict):
        mark = "{"
        for key, item in value.items():
            yield f"{mark}{json.dumps(key)}:"
            yield from pieces(item)
            mark = ","
        yield "}" if value else "{}"
    elif isinstance(value, list | tuple):
        mark = "["
        for item in value:
            yield mark
            yield from pieces(item)
            mark = ","
        yield "]" if value else "[]"
    elif isinstance(value, Decimal):
        yield f"{value:f}"
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("JSON has no NaN")
    else:
        yield json.dumps(value, ensure_ascii=False)


def dumps(value: Any) -> str:
    """Return compact JSON in which a `Decimal` keeps every digit: to FHIR 38.0 is more precise than 38."""
    return "".join(pieces(value))
