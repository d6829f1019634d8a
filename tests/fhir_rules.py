"""What FHIR R4 demands of every Bundle and Observation, by the names of its invariants.

http://hl7.org/fhir/R4/bundle.html, observation.html, observation-vitalsigns.html. There is no bdl-6.
"""

from collections.abc import Iterator
from typing import Any

from tests.nodes import nodes

Json = dict[str, Any]
VITALS = "http://hl7.org/fhir/StructureDefinition/"
# What each R4 profile of a vital sign allows.
UNITS = {
    "heartrate": {"/min"},
    "oxygensat": {"%"},
    "bodytemp": {"Cel", "[degF]"},
    "bodyweight": {"kg", "g", "[lb_av]"},
    "resprate": {"/min"},
    "bp": {"mm[Hg]"},
}
FIXED = {
    "heartrate": "8867-4",
    "oxygensat": "2708-6",
    "bodytemp": "8310-5",
    "bodyweight": "29463-7",
    "resprate": "9279-1",
    "bp": "85354-9",
}
_ASKED = ("batch", "transaction", "history")
_ANSWERED = ("batch-response", "transaction-response", "history")


def broken(made: Json) -> list[str]:
    """Return the invariants that a Bundle breaks, those of an Observation with its code; none if all hold."""
    resources = [entry.get("resource", {}) for entry in made["entry"]]
    observations = [one for one in resources if one.get("resourceType") == "Observation"]
    of_each = [
        f"{rule} of {one['code'].get('text', '')}" for one in observations for rule in _observation(one)
    ]
    return [*_bundle(made), *of_each]


def _bundle(made: Json) -> Iterator[str]:
    entries, kind = made["entry"], made["type"]
    first = entries[0].get("resource", {}).get("resourceType") if entries else None
    urls = [entry["fullUrl"] for entry in entries if "fullUrl" in entry]
    named = [(e["fullUrl"], e.get("resource", {}).get("meta", {}).get("versionId")) for e in entries]
    held: dict[str, bool] = {
        "bdl-1": "total" not in made or kind in ("searchset", "history"),
        "bdl-2": kind == "searchset" or not any("search" in e for e in entries),
        "bdl-3": all(("request" in e) == (kind in _ASKED) for e in entries),
        "bdl-4": all(("response" in e) == (kind in _ANSWERED) for e in entries),
        "bdl-5": all("resource" in e or "request" in e or "response" in e for e in entries),
        "bdl-7": kind == "history" or len(set(named)) == len(named),
        "bdl-8": not any("/_history/" in url for url in urls),
        "bdl-9": kind != "document" or {"system", "value"} <= set(made.get("identifier", {})),
        "bdl-10": kind != "document" or "timestamp" in made,
        "bdl-11": kind != "document" or first == "Composition",
        "bdl-12": kind != "message" or first == "MessageHeader",
        "a reference that does not resolve": {n["reference"] for n in nodes(made) if "reference" in n}
        <= set(urls),
    }
    return (name for name, holds in held.items() if not holds)


def _codes(one: Json) -> set[tuple[str, str]]:
    return {(c.get("system", ""), c["code"]) for c in one["code"].get("coding", [])}


def _observation(one: Json) -> Iterator[str]:
    values, parts = [key for key in one if key.startswith("value")], one.get("component", [])
    absent = "dataAbsentReason" in one
    claimed = [url.removeprefix(VITALS) for url in one.get("meta", {}).get("profile", [])]
    profiles = [name for name in claimed if name in UNITS]
    held = {
        "obs-6": not (values and absent),
        "obs-7": not (values and any(_codes(part) & _codes(one) for part in parts)),
        "vs-2": not profiles or absent or bool(values or parts or one.get("hasMember")),
        "vs-3": not profiles
        or all("dataAbsentReason" in p or any(k.startswith("value") for k in p) for p in parts),
        "vs-1": not profiles or "T" in one.get("effectiveDateTime", "T"),
        "the code of its profile": all(FIXED[name] in {code for _, code in _codes(one)} for name in profiles),
        "the unit of its profile": all(_units(one, parts) <= UNITS[name] for name in profiles),
    }
    return (name for name, holds in held.items() if not holds)


def _units(one: Json, parts: list[Json]) -> set[str]:
    amounts = [held["valueQuantity"] for held in (one, *parts) if "valueQuantity" in held]
    ucum = "http://unitsofmeasure.org"
    return {amount["code"] if amount["system"] == ucum else amount["system"] for amount in amounts}
