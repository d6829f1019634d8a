"""Every person's Bundle holds the invariants of R4; and the check of them sees each that is broken."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from healthslm.export import bundle_bytes
from healthslm.readings import Review
from tests.fhir_rules import broken

Json = dict[str, Any]


def test_all_peoples_bundles_keep_every_rule(reviews: dict[str, Review], bundles: dict[str, bytes]) -> None:
    made = {**{name: bundle_bytes(review) for name, review in reviews.items()}, **bundles}
    assert len(made) >= 20
    assert [(name, rule) for name, data in made.items() for rule in broken(json.loads(data))] == []


def of(made: Json, kind: str) -> list[Json]:
    return [e["resource"] for e in made["entry"] if e["resource"]["resourceType"] == kind]


def profiled(made: Json, name: str) -> Json:
    return next(
        o for o in of(made, "Observation") if any(p.endswith(f"/{name}") for p in o["meta"]["profile"])
    )


def as_document(made: Json) -> None:
    made["type"] = "document"
    made["entry"].sort(key=lambda entry: entry["resource"]["resourceType"] != "Composition")


def without(made: Json, *names: str) -> None:
    as_document(made)
    for name in names:
        del made[name]


def a_device_first(made: Json) -> None:
    as_document(made)
    made["entry"].sort(key=lambda entry: entry["resource"]["resourceType"] == "Composition")


def a_value_beside(made: Json) -> None:
    panel = profiled(made, "bp")
    panel["valueQuantity"] = panel["component"][0]["valueQuantity"]
    panel["component"][0]["code"] = panel["code"]


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("bdl-1", lambda made: made.update(total=3)),
        ("bdl-2", lambda made: made["entry"][0].update(search={"mode": "match"})),
        ("bdl-3", lambda made: made["entry"][0].update(request={"method": "PUT", "url": "x"})),
        ("bdl-4", lambda made: made["entry"][0].update(response={"status": "200"})),
        ("bdl-5", lambda made: made["entry"].append({"fullUrl": "urn:uuid:nothing"})),
        ("bdl-7", lambda made: made["entry"].append(made["entry"][0])),
        ("bdl-8", lambda made: made["entry"].append({**made["entry"][0], "fullUrl": "urn:x/_history/2"})),
        ("bdl-9", lambda made: without(made, "identifier")),
        ("bdl-10", lambda made: without(made, "timestamp")),
        ("bdl-11", a_device_first),
        ("bdl-12", lambda made: made.update(type="message")),
        ("a reference that does not resolve", lambda made: made["entry"].pop(0)),
        ("obs-6", lambda made: profiled(made, "bodytemp").update(dataAbsentReason={"text": "x"})),
        ("obs-7", a_value_beside),
        ("vs-1", lambda made: profiled(made, "bodytemp").update(effectiveDateTime="2026-03-14")),
        ("vs-2", lambda made: profiled(made, "bodytemp").pop("valueQuantity")),
        ("vs-3", lambda made: profiled(made, "bp")["component"][0].pop("valueQuantity")),
        ("the code of its profile", lambda made: profiled(made, "bodytemp").update(code={"text": "warmth"})),
        (
            "the unit of its profile",
            lambda made: profiled(made, "bodytemp")["valueQuantity"].update(code="K"),
        ),
    ],
)
def test_the_check_sees_each_rule_that_is_broken(
    rule: str, change: Callable[[Json], object], sick: Review
) -> None:
    made = json.loads(bundle_bytes(sick))
    assert broken(made) == []
    worse = deepcopy(made)
    change(worse)
    assert any(one.startswith(rule) for one in broken(worse))
