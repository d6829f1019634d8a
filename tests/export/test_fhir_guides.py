"""What HL7's guides ask of devices, glucose, activity, documents and series, read off the Bundles."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import fhirkit
import numpy as np
import pytest

from healthslm.errors import ExportError
from healthslm.export import bundle_bytes
from healthslm.export.documents import Page
from healthslm.fhir import mdc
from healthslm.readings import Kind, Quality, Reading, Review, Window
from tests.fhir_rules import FIXED, UNITS, VITALS
from tests.nodes import nodes

MDC = "urn:iso:std:iso:11073:10101"
PHD = "http://hl7.org/fhir/uv/phd/StructureDefinition/"
CGM = "http://hl7.org/fhir/uv/cgm/StructureDefinition/"
NAMES = (
    "no data",
    "hostile",
    "thirty findings",
    "sick, sampled",
    "page beside",
    "page inside",
    "clocks change",
    "wrong clock",
    "meter and scale",
    "fortnight of glucose",
    "too little glucose",
)
# ValueSet DeviceTypes11073MDC of the device guide, as far as used.
DEVICE_TYPES = {
    "528388",
    "528391",
    "528392",
    "528397",
    "528399",
    "528401",
    "528404",
    "528409",
    "528484",
    "528525",
}


def read(data: bytes) -> dict[str, Any]:
    return dict(json.loads(data, parse_float=Decimal))


def of(made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in made["entry"] if e["resource"]["resourceType"] == kind]


def codes(one: dict[str, Any]) -> list[str]:
    return [c["code"] for c in one["code"].get("coding", [])]


def profiles(one: dict[str, Any]) -> list[str]:
    return list(one.get("meta", {}).get("profile", []))


def by_url(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {e["fullUrl"]: e["resource"] for e in made["entry"]}


@pytest.mark.parametrize("name", NAMES)
def test_the_bundles_are_valid_r4(name: str, bundles: dict[str, bytes]) -> None:
    assert [str(i) for i in fhirkit.validate(bundles[name])] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_bundle_keeps_its_invariants(name: str, bundles: dict[str, bytes]) -> None:
    made = read(bundles[name])
    entries = made["entry"]
    assert "total" not in made  # bdl-1: only of a search
    assert all("search" not in e for e in entries)  # bdl-2
    assert all("request" not in e for e in entries)  # bdl-3: not in a collection
    assert all("response" not in e for e in entries)  # bdl-4
    assert all(e["resource"] for e in entries)  # bdl-5
    urls = [e["fullUrl"] for e in entries]
    assert len(set(urls)) == len(urls)  # bdl-7
    assert not any("/_history/" in url for url in urls)  # bdl-8
    assert made["identifier"]["system"]  # bdl-9 asks it of a document
    assert made["identifier"]["value"]
    assert made["timestamp"]  # bdl-10 likewise
    references = {n["reference"] for n in nodes(made) if "reference" in n}
    assert references <= set(urls)


@pytest.mark.parametrize("name", NAMES)
def test_values_units_and_codes_are_what_each_claimed_profile_allows(
    name: str, bundles: dict[str, bytes]
) -> None:
    made = read(bundles[name])
    resolve = by_url(made)
    for one in of(made, "Observation"):
        values = [k for k in one if k.startswith("value")]
        parts = one.get("component", [])
        assert not (values and "dataAbsentReason" in one)  # obs-6
        assert not (values and any(set(codes(p)) & set(codes(one)) for p in parts))  # obs-7
        if "dataAbsentReason" not in one:
            assert values or parts or one.get("hasMember")  # vs-2
        for url in profiles(one):
            short = url.removeprefix(VITALS)
            if short in UNITS:
                assert FIXED[short] in codes(one)
                held = [*parts, one] if short == "bp" else [one]
                units = {h["valueQuantity"]["code"] for h in held if "valueQuantity" in h}
                assert units <= UNITS[short]
                assert "T" in one["effectiveDateTime"]
            if url.startswith(PHD) and "Coincident" not in url:
                assert one["category"][1]["coding"][0]["code"] == "phd"
                assert "PhdDevice" in profiles(resolve[one["device"]["reference"]])[0]
                gateways = [x for x in one["extension"] if x["url"].endswith("observation-gatewayDevice")]
                assert len(gateways) == 1
                assert any(c["system"] == MDC for c in one["code"]["coding"])


def of_profile(url: str) -> str:
    return url.rsplit("/", 1)[1]


def test_a_wearable_is_told_by_address_serial_and_what_it_measures(sick: Review) -> None:
    found = {
        d["identifier"][0]["value"]: d
        for d in of(read(bundle_bytes(sick)), "Device")
        if "PhdDevice" in "".join(profiles(d))
    }
    assert len(found) == 4
    strap, cuff = found["C0-00-00-00-00-01"], found["C0-00-00-00-00-03"]
    assert strap["serialNumber"] == "7A1B2C"
    assert strap["identifier"][0]["type"]["coding"][0]["code"] == "BTMAC"
    assert strap["type"]["coding"][0]["code"] == "65573"
    special = {
        a: [c["systemType"]["coding"][0]["code"] for c in d["specialization"]] for a, d in found.items()
    }
    assert special["C0-00-00-00-00-01"] == ["528525"]
    assert special["C0-00-00-00-00-02"] == ["528388"]
    assert special["C0-00-00-00-00-03"] == ["528391"]
    assert special["C0-00-00-00-00-04"] == ["528392"]
    assert cuff["version"][0]["type"]["coding"][0]["code"] == "531976"
    assert cuff["version"][0]["value"] == "2"
    thermometer = found["C0-00-00-00-00-04"]
    reason = thermometer["_manufacturer"]["extension"][0]
    assert reason["valueCode"] == "unknown"
    assert "manufacturer" not in thermometer


def test_every_sort_of_device_is_of_the_guides_value_set() -> None:
    assert {one["coding"][0]["code"] for one in mdc.everything()} == DEVICE_TYPES
    told = [m for kind in Kind if (m := mdc.measured(kind))]
    assert all(2 * 65536 <= int(m["code"]) < 3 * 65536 for m in told)  # all are of the partition SCADA
    assert len({m["code"] for m in told}) == len(told)


@pytest.mark.parametrize(
    ("kinds", "sorts"),
    [
        ({Kind.SYSTOLIC, Kind.DIASTOLIC, Kind.PULSE_RATE}, ["blood pressure monitor"]),
        ({Kind.SPO2, Kind.PULSE_RATE, Kind.HEART_RATE}, ["pulse oximeter"]),
        ({Kind.WEIGHT, Kind.BODY_FAT}, ["weighing scale", "body composition analyser"]),
        ({Kind.HEART_RATE, Kind.STEPS}, ["heart rate sensor", "step counter"]),
        ({Kind.BATTERY}, []),
    ],
)
def test_what_tells_a_pulse_besides_is_no_heart_rate_sensor(kinds: set[Kind], sorts: list[str]) -> None:
    assert [one["text"] for one in mdc.specializations(kinds)] == sorts


def test_a_file_is_no_wearable(sick: Review) -> None:
    device = replace(sick.devices[0], address="apple-health")
    made = read(bundle_bytes(replace(sick, devices=(device,), sources={Kind.TEMPERATURE: ("apple-health",)})))
    named = [d for d in of(made, "Device") if "identifier" in d]
    (found,) = [d for d in named if d["identifier"][0]["value"] == "apple-health"]
    assert profiles(found) == []
    assert not any(PHD in p for o in of(made, "Observation") for p in profiles(o))


def test_the_program_is_the_gateway_and_no_medical_device(sick: Review) -> None:
    (program,) = [d for d in of(read(bundle_bytes(sick)), "Device") if f"{PHD}PhgDevice" in profiles(d)]
    assert program["type"]["coding"][0]["code"] == "531981"
    assert program["property"][0]["valueCode"][0]["text"] == "not regulated"


def test_where_clocks_differ_the_devices_own_time_can_be_had_again(bundles: dict[str, bytes]) -> None:
    made = read(bundles["wrong clock"])
    resolve = by_url(made)
    panels = [o for o in of(made, "Observation") if "85354-9" in codes(o) and "component" in o]
    shown = []
    for panel in (p for p in panels if "effectiveDateTime" in p):
        (link,) = [x for x in panel["extension"] if x["url"].endswith("CoincidentTimeStampReference")]
        clock = resolve[link["valueReference"]["reference"]]
        assert codes(clock) == ["67975"]
        assert clock["subject"] == panel["device"]
        off = datetime.fromisoformat(clock["effectiveDateTime"]) - datetime.fromisoformat(
            clock["valueDateTime"]
        )
        shown.append((datetime.fromisoformat(panel["effectiveDateTime"]) - off).isoformat())
    assert shown == ["2026-03-14T06:29:50+01:00", "2026-03-14T16:29:50+01:00"]
    clocks = [o for o in of(made, "Observation") if codes(o) == ["67975"]]
    assert len(clocks) == 2  # one of the cuff, one of the thermometer that has none
    (none,) = [o for o in clocks if "dataAbsentReason" in o]
    assert none["dataAbsentReason"]["coding"][0]["code"] == "unknown"


def test_each_of_two_thermometers_is_named(bundles: dict[str, bytes]) -> None:
    made = read(bundles["wrong clock"])
    resolve = by_url(made)
    spots = [o for o in of(made, "Observation") if "8310-5" in codes(o) and "effectiveDateTime" in o]
    addresses = [resolve[o["device"]["reference"]]["identifier"][0]["value"][-2:] for o in spots]
    assert addresses == ["04", "04", "07"]


def test_glucose_has_the_panel_and_the_figures_of_the_guide(bundles: dict[str, bytes]) -> None:
    made = read(bundles["fortnight of glucose"])
    resolve = by_url(made)
    (panel,) = [o for o in of(made, "Observation") if codes(o) == ["107931-8"]]
    assert profiles(panel) == [f"{CGM}cgm-summary"]
    members = [resolve[m["reference"]] for m in panel["hasMember"]]
    assert [codes(m)[0] for m in members] == [
        "106793-3",
        "97507-8",
        "97506-0",
        "104638-2",
        "104636-6",
        "104637-4",
    ]
    assert [of_profile(profiles(m)[0]) for m in members] == [
        "cgm-summary-times-in-ranges",
        "cgm-summary-mean-glucose-mass-per-volume",
        "cgm-summary-gmi",
        "cgm-summary-coefficient-of-variation",
        "cgm-summary-days-of-wear",
        "cgm-summary-sensor-active-percentage",
    ]
    shares = [p["valueQuantity"]["value"] for p in members[0]["component"]]
    assert abs(sum(shares) - 100) < Decimal("0.05")
    assert all(s.as_tuple().exponent == -2 for s in shares)
    units = [(m["valueQuantity"]["code"], m["valueQuantity"]["unit"]) for m in members[1:]]
    assert units == [("mg/dL", "mg/dl"), ("%", "%"), ("%", "%"), ("d", "days"), ("%", "%")]
    (device,) = [d for d in of(made, "Device") if f"{CGM}cgm-device" in profiles(d)]
    assert device["deviceName"] == [{"name": "Dex G7", "type": "user-friendly-name"}]


def test_too_few_days_of_glucose_have_a_reason_and_claim_nothing(bundles: dict[str, bytes]) -> None:
    made = read(bundles["too little glucose"])
    (panel,) = [o for o in of(made, "Observation") if codes(o) == ["107931-8"]]
    assert profiles(panel) == []
    (gmi,) = [o for o in of(made, "Observation") if codes(o) == ["97506-0"]]
    assert "the consensus asks for" in gmi["dataAbsentReason"]["text"]
    assert profiles(gmi) == []


def test_steps_are_told_a_whole_day_at_a_time(worn: Review) -> None:
    made = read(bundle_bytes(worn))
    days = [o for o in of(made, "Observation") if codes(o) == ["41950-7"]]
    assert [d["effectiveDateTime"] for d in days[:2]] == ["2026-03-14", "2026-03-15"]
    window = worn.windows[Kind.STEPS]
    first = window.between(worn.start, worn.start + timedelta(days=1)).values.sum()
    assert days[0]["valueQuantity"]["value"] == int(first)
    assert days[0]["valueQuantity"]["code"] == "/d"
    cut = read(bundle_bytes(replace(worn, start=worn.start + timedelta(hours=9))))
    assert [o["effectiveDateTime"] for o in of(cut, "Observation") if codes(o) == ["41950-7"]] == [
        d["effectiveDateTime"] for d in days[1:]
    ]
    two = {**worn.sources, Kind.STEPS: ("C0:00:00:00:00:05", "phone")}
    both = read(bundle_bytes(replace(worn, sources=two)))
    assert not [o for o in of(both, "Observation") if codes(o) == ["41950-7"]]


def test_the_page_is_named_beside_the_bundle_or_held_in_it(bundles: dict[str, bytes]) -> None:
    pdf = b"%PDF-1.7 not a real one"
    for name in ("page beside", "page inside"):
        made = read(bundles[name])
        (document,) = of(made, "DocumentReference")
        held = document["content"][0]["attachment"]
        assert held["contentType"] == "application/pdf"
        assert held["size"] == len(pdf)
        assert base64.b64decode(held["hash"]) == hashlib.sha1(pdf, usedforsecurity=False).digest()
        assert ("data" in held) != ("url" in held)
        (composition,) = of(made, "Composition")
        assert composition["section"][-1]["title"] == "Page"
    inside = of(read(bundles["page inside"]), "DocumentReference")[0]["content"][0]["attachment"]
    assert base64.b64decode(inside["data"]) == pdf
    assert of(read(bundles["no data"]), "DocumentReference") == []


def test_the_composition_holds_every_measurement_once(bundles: dict[str, bytes]) -> None:
    for name in NAMES:
        made = read(bundles[name])
        (composition,) = of(made, "Composition")
        assert all({"text", "entry", "section"} & set(s) for s in composition["section"])  # cmp-1
        assert all("entry" not in s for s in composition["section"] if "emptyReason" in s)  # cmp-2
        held = [e["reference"] for s in composition["section"] for e in s.get("entry", [])]
        assert len(held) == len(set(held))
        found = by_url(made)
        panels = [o for o in found.values() if "hasMember" in o]
        members = {m["reference"] for o in panels for m in o["hasMember"]}
        asked = {
            url
            for url, r in found.items()
            if r["resourceType"] in ("Observation", "DetectedIssue") and codes(r) != ["67975"]
        }
        assert asked - members <= set(held)


def test_provenance_names_the_rules_by_which_findings_were_judged(sick: Review) -> None:
    made = read(bundle_bytes(sick))
    judged = [p for p in of(made, "Provenance") if "entity" in p]
    names = [e["what"]["identifier"]["value"] for p in judged for e in p["entity"]]
    (fever,) = [n for n in names if n.startswith("fever|")]
    assert fever == f"fever|{next(f.version for f in sick.findings if f.rule == 'fever')}"
    issues = {u for u, r in by_url(made).items() if r["resourceType"] == "DetectedIssue"}
    assert {t["reference"] for t in judged[0]["target"]} == issues


def test_samples_are_the_readings_at_their_times(sick: Review) -> None:
    made = read(bundle_bytes(sick, sampled=True))
    for kind, code in ((Kind.SPO2, "150456"), (Kind.HEART_RATE, "147842")):
        got: dict[float, str] = {}
        for one in (o for o in of(made, "Observation") if "valueSampledData" in o and code in codes(o)):
            data = one["valueSampledData"]
            start = datetime.fromisoformat(one["effectivePeriod"]["start"])
            end = datetime.fromisoformat(one["effectivePeriod"]["end"])
            assert end - start <= timedelta(days=1)
            for n, text in enumerate(data["data"].split(" ")):
                at = (start + timedelta(milliseconds=float(data["period"]) * n)).timestamp()
                if text != "E":
                    got[at] = text
        good = sick.windows[kind].usable()
        wanted = dict(zip((good.times.astype("M8[us]").astype(int) / 1e6).tolist(), good.values, strict=True))
        assert {t: float(v) for t, v in got.items()} == wanted


def test_samples_keep_digits_and_say_what_fell_together(make: Callable[..., Review], sick: Review) -> None:
    at = sick.start + timedelta(hours=3)
    seconds = (0, 1.04, 1.98, 3.0, 3.1, 5.0)
    rows = [
        Reading(time=at + timedelta(seconds=s), kind=Kind.SPEED, value=v, device="x", id=n)
        for n, (s, v) in enumerate(zip(seconds, (1, 1.25, 2, 2.5, 3, 3.5), strict=True))
    ]
    rows[1] = replace(rows[1], quality=Quality.NO_CONTACT)
    made = read(bundle_bytes(make(rows), sampled=True))
    (one,) = [o for o in of(made, "Observation") if "valueSampledData" in o]
    assert one["valueSampledData"]["data"] == "1.0 E E 2.0 E E 3.0 E E E 3.5"
    assert one["valueSampledData"]["period"] == 500
    assert one["note"][0]["text"].endswith("within 0.5 s: 1.")
    assert one["code"] == {"text": "speed"}  # of no code in any system: FHIR knows no empty list


def test_averages_are_not_sold_as_samples(sick: Review) -> None:
    seen = replace(sick.windows[Kind.HEART_RATE], step=timedelta(minutes=1))
    with pytest.raises(ExportError, match="averages only"):
        bundle_bytes(replace(sick, windows={Kind.HEART_RATE: seen}), sampled=True)


def test_the_day_on_which_clocks_go_back_is_no_longer_than_24_hours(sick: Review) -> None:
    start = datetime.fromisoformat("2026-10-24T22:00:00+00:00")
    times = np.datetime64(start.replace(tzinfo=None), "us") + np.arange(25 * 60) * np.timedelta64(60, "s")
    window = Window(
        kind=Kind.RESPIRATORY_RATE,
        start=start,
        end=start + timedelta(hours=25),
        times=times,
        values=np.full(len(times), 14.0),
        ids=np.arange(len(times)),
        quality=np.zeros(len(times), np.int16),
    )
    review = replace(
        sick, start=start, end=window.end, windows={window.kind: window}, features=(), findings=()
    )
    made = read(bundle_bytes(review, sampled=True))
    series = [o for o in of(made, "Observation") if "valueSampledData" in o]
    assert [len(o["valueSampledData"]["data"].split()) for o in series] == [24 * 60, 60]


def test_a_linked_page_changes_nothing_else(sick: Review) -> None:
    page = Page(data=b"x", url="a.pdf")
    assert bundle_bytes(sick, page=page) == bundle_bytes(sick, page=page)
    assert bundle_bytes(sick, page=page) != bundle_bytes(sick)
