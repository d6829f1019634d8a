"""The Bundle: what the FHIR R4 specification demands, and what a reader must be able to trust."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import fhirkit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import ExportError
from healthslm.export import bundle, bundle_bytes
from healthslm.fhir.coding import digits, dumps
from healthslm.importers.bundle import read
from healthslm.readings import Device, Kind, Person, Quality, Reading, Review, Severity
from tests.nodes import nodes

NAMES = (
    "sick",
    "no data",
    "one reading",
    "hostile",
    "thirty findings",
    "findings without readings",
    "a week",
    "an hour",
    "clocks change",
    *(f"name {n}" for n in ("code", "long", "arabic", "chinese", "control", "blank", "emoji", "zalgo")),
)
# What this package may write: each checked against the UCUM table of common units.
UCUM = {"/min", "ms", "%", "Cel", "mm[Hg]", "min", "1"}
VITALS_UNITS = {"/min", "%", "Cel", "mm[Hg]"}  # of ValueSet ucum-vitals-common, as far as used
SEVERITIES = {"emergency": "high", "urgent": "high", "watch": "moderate", "info": "low"}


def resources(made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in made["entry"] if e["resource"]["resourceType"] == kind]


def parsed(review: Review) -> dict[str, Any]:
    return dict(json.loads(bundle_bytes(review), parse_float=Decimal))


def codes(resource: dict[str, Any]) -> set[str]:
    return {c["code"] for c in resource["code"].get("coding", [])}


@pytest.mark.parametrize("name", NAMES)
def test_the_bundle_is_valid_fhir(name: str, reviews: dict[str, Review]) -> None:
    assert [str(i) for i in fhirkit.validate(bundle_bytes(reviews[name]))] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_resolves_and_full_urls_are_unique(name: str, reviews: dict[str, Review]) -> None:
    made = parsed(reviews[name])
    urls = [entry["fullUrl"] for entry in made["entry"]]
    assert len(urls) == len(set(urls))  # bdl-7
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", url) for url in urls)
    references = [n["reference"] for n in nodes(made) if "reference" in n]
    assert references
    assert set(references) <= set(urls)


@pytest.mark.parametrize("name", NAMES)
def test_observations_keep_the_rules_of_the_vital_signs_profiles(
    name: str, reviews: dict[str, Review]
) -> None:
    for observation in resources(parsed(reviews[name]), "Observation"):
        if "67975" in codes(observation):
            continue  # what a clock showed is of a device, not of a person
        category, *beside = observation["category"]
        assert [c["coding"][0]["code"] for c in beside] in ([], ["phd"], ["PhysicalActivity"])
        assert category["coding"][0]["code"] in {
            "vital-signs",
            "procedure",
            "laboratory",
            "activity",
        }
        assert ("effectiveDateTime" in observation) != ("effectivePeriod" in observation)  # vs-1
        values = [k for k in observation if k.startswith("value")]
        parts = observation.get("component", [])
        assert values or parts or "dataAbsentReason" in observation  # vs-2
        assert not (values and "dataAbsentReason" in observation)  # obs-6
        assert not (values and any(codes(p) & codes(observation) for p in parts))  # obs-7
        for part in parts:
            assert len([k for k in part if k.startswith("value") or k == "dataAbsentReason"]) == 1  # vs-3
        for reason in (n["dataAbsentReason"] for n in nodes(observation) if "dataAbsentReason" in n):
            assert reason["text"]


@pytest.mark.parametrize("name", NAMES)
def test_quantities_are_ucum(name: str, reviews: dict[str, Review]) -> None:
    for observation in resources(parsed(reviews[name]), "Observation"):
        claimed = observation.get("meta", {}).get("profile", [])
        profiled = any(url.startswith("http://hl7.org/fhir/StructureDefinition/") for url in claimed)
        for node in nodes(observation):
            if "value" in node and "unit" in node:
                assert node["system"] == "http://unitsofmeasure.org"
                assert node["code"] in (VITALS_UNITS if profiled else UCUM)


def test_the_codes_are_those_of_the_profiles(sick: Review) -> None:
    seen = [codes(o) for o in resources(parsed(sick), "Observation")]
    for wanted in ({"8867-4"}, {"2708-6", "59408-5"}, {"8310-5"}, {"85354-9"}):
        assert any(wanted <= c for c in seen), wanted
    assert all(("2708-6" in c) == ("59408-5" in c) for c in seen)


def test_spot_measurements_stand_one_by_one(sick: Review) -> None:
    temperatures = [
        o
        for o in resources(parsed(sick), "Observation")
        if "8310-5" in codes(o) and "effectiveDateTime" in o and "valueQuantity" in o
    ]
    window = sick.windows[Kind.TEMPERATURE]
    assert [str(o["valueQuantity"]["value"]) for o in temperatures] == [f"{v:.1f}" for v in window.values]
    assert temperatures[0]["effectiveDateTime"] == "2026-03-14T07:30:00+01:00"


def test_dense_series_are_summaries_with_count_and_coverage(sick: Review) -> None:
    rates = [o for o in resources(parsed(sick), "Observation") if codes(o) == {"8867-4"}]
    (whole,) = [o for o in rates if o.get("effectivePeriod", {}).get("start") == "2026-03-14T00:00:00+01:00"]
    by_code = {c["code"]: part for part in whole["component"] for c in part["code"]["coding"]}
    features = {f.name: f for f in sick.features}
    assert str(by_code["average"]["valueQuantity"]["value"]) == features["heart_rate_mean"].text
    assert str(by_code["maximum"]["valueQuantity"]["value"]) == features["heart_rate_max"].text
    assert by_code["count"]["valueInteger"] == features["heart_rate_mean"].count
    coverage = features["heart_rate_mean"].coverage or 0
    assert by_code["coverage"]["valueQuantity"]["value"] == Decimal(f"{coverage * 100:.1f}")
    assert len(whole["derivedFrom"]) == 3  # latest, lowest, highest
    assert len(rates) < 20


def test_a_finding_points_at_the_readings_it_stands_on(sick: Review) -> None:
    made = parsed(sick)
    by_url = {e["fullUrl"]: e["resource"] for e in made["entry"]}
    (fever,) = [i for i in resources(made, "DetectedIssue") if "fever" in codes(i)]
    highest = by_url[fever["evidence"][0]["detail"][0]["reference"]]
    assert str(highest["valueQuantity"]["value"]) == "39.2"
    assert highest["effectiveDateTime"] == "2026-03-14T19:06:00+01:00"
    finding = next(f for f in sick.findings if f.rule == "fever")
    assert finding.action in fever["mitigation"][0]["action"]["text"]
    assert finding.source in fever["detail"]
    assert f"version {finding.version}" in fever["detail"]
    assert fever["status"] == "preliminary"
    assert "end" not in fever["identifiedPeriod"]


def test_severity_is_mapped_and_said_in_full(reviews: dict[str, Review]) -> None:
    issues = resources(parsed(reviews["thirty findings"]), "DetectedIssue")
    assert len(issues) == 30
    for issue in issues:
        word = issue["detail"].split(".")[0].removeprefix("Severity: ")
        assert issue["severity"] == SEVERITIES[word]
    assert {s.word for s in Severity} == set(SEVERITIES)


def test_missing_values_are_said_to_be_missing(reviews: dict[str, Review]) -> None:
    made = parsed(reviews["no data"])
    observations = resources(made, "Observation")
    assert observations
    texts = [n["dataAbsentReason"]["text"] for n in nodes(observations) if "dataAbsentReason" in n]
    assert any("no heart rate reading in this period" in t for t in texts)
    assert not any("valueQuantity" in n for n in nodes(observations))


def test_measurements_that_cannot_be_used_keep_no_value(make: Callable[..., Review], sick: Review) -> None:
    at = sick.start + timedelta(hours=3)
    cuff = "C0:00:00:00:00:03"
    readings = [
        Reading(time=at, kind=Kind.SYSTOLIC, value=140, device=cuff, id=1),
        Reading(time=at, kind=Kind.MEAN_ARTERIAL, value=math.nan, device=cuff, id=2),
        Reading(time=at, kind=Kind.TEMPERATURE, value=12.5, device="t", id=3, quality=Quality.IMPLAUSIBLE),
    ]
    made = parsed(make(readings))
    (panel,) = [o for o in resources(made, "Observation") if "85354-9" in codes(o)]
    parts = {p["code"]["coding"][0]["code"]: p for p in panel["component"]}
    assert parts["8480-6"]["valueQuantity"]["value"] == 140
    assert parts["8462-4"]["dataAbsentReason"]["text"] == "the cuff gave none"
    assert parts["8478-0"]["dataAbsentReason"]["coding"][0]["code"] == "not-a-number"
    (cold,) = [o for o in resources(made, "Observation") if "8310-5" in codes(o) and "effectiveDateTime" in o]
    assert "valueQuantity" not in cold
    assert "it sent 12.5 °C" in cold["dataAbsentReason"]["text"]


def test_two_cuffs_at_one_instant_are_two_panels(make: Callable[..., Review], sick: Review) -> None:
    at = sick.start + timedelta(hours=3)
    rows = [(Kind.SYSTOLIC, 140), (Kind.DIASTOLIC, 90), (Kind.SYSTOLIC, 120), (Kind.DIASTOLIC, 70)]
    readings = [Reading(time=at, kind=k, value=v, device="c", id=n) for n, (k, v) in enumerate(rows)]
    panels = [o for o in resources(parsed(make(readings)), "Observation") if "85354-9" in codes(o)]
    pairs = {tuple(int(p["valueQuantity"]["value"]) for p in panel["component"]) for panel in panels}
    assert pairs == {(140, 90), (120, 70)}


def test_only_what_was_given_is_said_of_the_person(sick: Review) -> None:
    (patient,) = resources(parsed(replace(sick, person=Person())), "Patient")
    assert patient == {"resourceType": "Patient"}
    (patient,) = resources(parsed(sick), "Patient")
    assert patient["name"] == [{"text": "Greta Müller-Øster"}]
    assert patient["birthDate"] == "1950-04-01"


def test_measurements_name_their_device_only_where_it_is_known(sick: Review) -> None:
    made = parsed(sick)
    by_url = {e["fullUrl"]: e["resource"] for e in made["entry"]}
    (panel, *_) = [o for o in resources(made, "Observation") if "85354-9" in codes(o)]
    assert by_url[panel["device"]["reference"]]["modelNumber"] == "UA-651BLE"
    both = {**sick.sources, Kind.SYSTOLIC: tuple(d.address for d in sick.devices[:2])}
    (panel, *_) = [
        o for o in resources(parsed(replace(sick, sources=both)), "Observation") if "85354-9" in codes(o)
    ]
    assert "device" not in panel


def test_two_devices_that_tell_nothing_stay_two(sick: Review) -> None:
    devices = (Device(address="a"), Device(address="b"))
    made = parsed(replace(sick, devices=devices, sources={}))
    told = [set(d) for d in resources(made, "Device") if "identifier" in d and "manufacturer" not in d]
    assert told == [{"resourceType", "identifier"}] * 2


def test_provenance_names_program_rules_and_model(sick: Review) -> None:
    made = parsed(sick)
    (software,) = [
        d for d in resources(made, "Device") if d.get("type", {}).get("text", "").startswith("health")
    ]
    versions = {v["type"]["text"]: v["value"] for v in software["version"]}
    assert versions["software"] == "0.1.0"
    assert {"rule fever", "rule low_spo2", "rule irregular_rhythm", "rule high_pressure"} <= set(versions)
    assert "smollm2-135m-q4" in json.dumps(resources(made, "Device"))
    targets = {t["reference"] for p in resources(made, "Provenance") for t in p["target"]}
    kinds = {"Observation", "DetectedIssue", "Composition"}
    assert targets == {e["fullUrl"] for e in made["entry"] if e["resource"]["resourceType"] in kinds}


def test_the_same_review_gives_the_same_bytes_and_another_gives_others(sick: Review) -> None:
    assert bundle_bytes(sick) == bundle_bytes(replace(sick))
    other = replace(
        sick, windows={**sick.windows, Kind.SPO2: sick.windows[Kind.SPO2].between(sick.start, sick.end)}
    )
    assert bundle(other)["identifier"] == bundle(sick)["identifier"]
    fewer = {k: w for k, w in sick.windows.items() if k is not Kind.SPO2}
    assert bundle(replace(sick, windows=fewer))["identifier"] != bundle(sick)["identifier"]


def test_an_unknown_zone_and_a_period_without_length_are_refused(sick: Review) -> None:
    for zone in ("Mars/Olympus", "", "../../etc/passwd", "\x00"):
        with pytest.raises(ExportError, match="no time zone"):
            bundle(replace(sick, timezone=zone))
    with pytest.raises(ExportError, match="ends before it starts"):
        bundle(replace(sick, end=sick.start))
    with pytest.raises(ExportError, match="no time zone"):
        bundle(replace(sick, made_at=datetime(2026, 1, 1)))  # noqa: DTZ001  the naive time is the point


@given(st.floats(min_value=-1e6, max_value=1e6), st.integers(0, 3))
def test_digits_are_kept(value: float, decimals: int) -> None:
    text = dumps({"v": digits(value, decimals)})
    back = json.loads(text, parse_float=Decimal)["v"]
    assert math.isclose(float(back), value, abs_tol=1e-6)
    assert len(text.partition(".")[2].rstrip("}")) >= decimals


def test_a_whole_number_keeps_its_decimal() -> None:
    assert (
        dumps([digits(38.0, 1), digits(36.85, 1), digits(97.0, 0), digits(37.7, 1)]) == "[38.0,36.85,97,37.7]"
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
    )
)
def test_the_writer_agrees_with_the_standard_one(value: Any) -> None:
    assert json.loads(dumps(value)) == value


@given(name=st.text(max_size=60), birth=st.text(max_size=12))
def test_any_name_gives_a_valid_patient(name: str, birth: str) -> None:
    start = datetime(2026, 3, 14, tzinfo=UTC)
    review = Review(
        person=Person(name=name, birth_date=birth),
        start=start,
        end=start + timedelta(days=1),
        made_at=start,
        timezone="Asia/Kolkata",
        devices=(),
        windows={},
        features=(),
        findings=(),
    )
    assert fhirkit.validate(bundle_bytes(review)) == []


def test_every_bundle_is_one_that_import_reads(bundles: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in bundles.items():
        path = tmp_path / f"{name}.fhir.json"
        path.write_bytes(data)
        strange = [what for what in read(path).left if "not known" in what or "cannot" in what]
        assert strange == [], name
