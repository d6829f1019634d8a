"""Sending: what is made once, what a server says, and where nothing is sent at all."""

import json
import ssl
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import fhirkit
import pytest

from healthslm.errors import ExportError, UsageError
from healthslm.export import bundle
from healthslm.export.documents import Page
from healthslm.export.server import address, contents, send
from healthslm.export.transaction import transaction
from healthslm.fhir.coding import dumps
from healthslm.readings import Review
from tests.certificates import certificate
from tests.export.fhir_server import Double, serving
from tests.nodes import nodes

ME = "urn:uuid:5b6f7e0e-6a8f-4c0a-9a51-0f6f8b1c2d3e"
PLAIN = ssl.create_default_context()


@pytest.fixture
def server() -> Iterator[Double]:
    with serving() as double:
        yield double


def asked(bundle_: bytes, whose: str = ME) -> dict[str, Any]:
    return transaction(json.loads(bundle_, parse_float=Decimal), whose=whose)


def test_every_transaction_is_valid_and_names_each_thing_once(bundles: dict[str, bytes]) -> None:
    for name, data in bundles.items():
        made = asked(data)
        assert [str(i) for i in fhirkit.validate(dumps(made))] == [], name
        requests = [e["request"] for e in made["entry"]]  # bdl-3
        assert {r["method"] for r in requests} == {"POST"}
        keys = Counter((r["url"], r["ifNoneExist"]) for r in requests)
        assert [k for k, n in keys.items() if n > 1] == [], name
        urls = {e["fullUrl"] for e in made["entry"]}
        assert {n["reference"] for n in nodes(made) if "reference" in n} <= urls


def test_sending_twice_makes_nothing_twice(server: Double, bundles: dict[str, bytes]) -> None:
    for data in bundles.values():
        made = asked(data, ME)
        first = send(made, server.base, verify=PLAIN)
        before = {kind: len(held) for kind, held in server.held.items()}
        again = send(made, server.base, verify=PLAIN)
        assert again.made == {}
        assert again.there == contents(made)
        assert sum(first.made.values()) > 0
        assert {kind: len(held) for kind, held in server.held.items()} == before


def test_the_same_readings_made_later_or_in_another_period_are_not_made_again(
    server: Double, sick: Review
) -> None:
    page = Page(data=b"%PDF a")
    send(transaction(bundle(sick, page=page), whose=ME), server.base, verify=PLAIN)
    later = replace(sick, made_at=sick.made_at + timedelta(hours=2))
    again = send(
        transaction(bundle(later, page=Page(data=b"%PDF of two hours later")), whose=ME),
        server.base,
        verify=PLAIN,
    )
    assert again.made == {}
    spots = [o for o in server.held["Observation"] if "85354-9" in json.dumps(o["code"])]
    wider = replace(sick, start=sick.start - timedelta(days=1), features=())
    send(transaction(bundle(wider), whose=ME), server.base, verify=PLAIN)
    assert [o for o in server.held["Observation"] if "85354-9" in json.dumps(o["code"])] == spots
    assert len(server.held["Patient"]) == 1


def test_two_people_of_one_name_stay_two(server: Double, sick: Review) -> None:
    other = ME.replace("5b6f", "5b70")
    for whose in (ME, other):
        send(transaction(bundle(sick), whose=whose), server.base, verify=PLAIN)
    assert len(server.held["Patient"]) == 2
    pressures = [o for o in server.held["Observation"] if "85354-9" in json.dumps(o["code"])]
    assert len(pressures) == 8


def test_somebody_whom_the_server_knows_is_not_made(server: Double, sick: Review) -> None:
    made = transaction(bundle(sick), whose="Patient/42")
    send(made, server.base, verify=PLAIN)
    assert "Patient" not in server.held
    subjects = {o["subject"]["reference"] for o in server.held["Observation"] if "subject" in o}
    assert subjects == {"Patient/42"}
    assert "Greta" not in dumps(
        {"e": [e for e in made["entry"] if e["resource"]["resourceType"] != "Composition"]}
    )


def test_a_measurement_has_the_guides_identifier_by_the_devices_own_clock(bundles: dict[str, bytes]) -> None:
    made = asked(bundles["wrong clock"])
    (first, *_) = [
        e["resource"]["identifier"][0]
        for e in made["entry"]
        if e["resource"]["resourceType"] == "Observation" and "component" in e["resource"]
        if "effectiveDateTime" in e["resource"]
    ]
    assert first["system"] == "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation"
    device, rest = first["value"].split("-", 1)
    assert device == "C00000000003"
    assert rest.startswith(ME)
    # 2026-03-14T06:29:50+01:00, in seconds since 2000.
    assert rest.endswith("-150020-826781390")


def test_a_refusal_is_told_in_the_servers_words(server: Double, sick: Review) -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "invalid", "details": {"text": "Unknown\x1b[31m code 147842."}},
            {"severity": "error", "code": "invalid", "diagnostics": "HAPI-0450"},
        ],
    }
    server.says = (422, json.dumps(outcome).encode())
    with pytest.raises(ExportError, match=r"answered 422: Unknown \[31m code 147842; HAPI-0450\.") as caught:
        send(transaction(bundle(sick), whose=ME), server.base, verify=PLAIN)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "body", "told"),
    [
        (500, b"<html>", "answered 500: it gave no reason"),
        (401, b"", "Check --token-file"),
        (307, b"", "answered 307"),
        (200, b"{}", "did not answer as a FHIR server does"),
        (200, b'{"resourceType":"Bundle","entry":[]}', "did not answer"),
        (200, b"[" * 100_000, "did not answer"),
        (422, b'{"issue":[{"details":7,"diagnostics":[]},3]}', "it gave no reason"),
    ],
)
def test_any_other_answer_is_told_too(
    code: int, body: bytes, told: str, server: Double, sick: Review
) -> None:
    server.says = (code, body)
    with pytest.raises(ExportError, match=told):
        send(transaction(bundle(sick), whose=ME), server.base, verify=PLAIN)
    assert server.held == {}


def test_one_that_was_refused_within_an_answer_is_an_error(server: Double, sick: Review) -> None:
    made = transaction(bundle(sick), whose=ME)
    entries = [{"response": {"status": "201 Created"}} for _ in made["entry"]]
    entries[1] = {"response": {"status": "412 Precondition Failed"}}
    server.says = (200, json.dumps({"resourceType": "Bundle", "entry": entries}).encode())
    with pytest.raises(ExportError, match="412 Precondition Failed for a Device"):
        send(made, server.base, verify=PLAIN)


def test_a_server_that_is_not_there_is_named(sick: Review) -> None:
    with serving() as double:
        base = double.base
    with pytest.raises(ExportError, match=r"127\.0\.0\.1:\d+/fhir cannot be reached"):
        send(transaction(bundle(sick), whose=ME), base, verify=PLAIN)


def test_the_token_goes_in_the_header_and_the_certificate_is_checked(tmp_path: Path, sick: Review) -> None:
    files = certificate(tmp_path)
    made = transaction(bundle(sick), whose=ME)
    with serving(files) as double:
        with pytest.raises(ExportError, match="certificate"):
            send(made, double.base, token="t0ken", verify=PLAIN)
        assert double.headers == []
        send(made, double.base, token="t0ken", verify=ssl.create_default_context(cafile=str(files[0])))
        assert double.headers[0]["authorization"] == "Bearer t0ken"
        assert double.headers[0]["content-type"].startswith("application/fhir+json")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://fhir.example.org/r4", "Use https"),
        ("http://10.0.0.1", "Use https"),
        ("http://127.0.0.1.example.org/", "Use https"),
        ("https://me:secret@fhir.example.org", "token-file"),
        ("https://fhir.example.org/?x=1", "no \\?"),
        ("ftp://fhir.example.org", "no address"),
        ("fhir.example.org", "no address"),
        ("https://fhir.example.org:port/", "no address"),
        ("", "no address"),
    ],
)
def test_an_unsafe_address_is_refused(url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        address(url)
    assert "secret" not in str(caught.value)


def test_addresses_that_are_safe_lose_only_their_last_slash() -> None:
    for url in (
        "https://fhir.example.org/r4",
        "http://localhost:8080/fhir",
        "http://[::1]/x",
        "http://127.9.9.9",
    ):
        assert address(url + "/") == url
