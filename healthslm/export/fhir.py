"""A FHIR R4 Bundle of a review: who, which devices, what was measured, what the rules saw, who made it.

Source: FHIR R4 (4.0.1), http://hl7.org/fhir/R4/. The Bundle is a `collection`: nothing in it asks a server
to do anything. Every `fullUrl` is a `urn:uuid:` of the resource's content, so the same review gives the
same bytes. Not covered: narrative texts of each resource, dense series reading by reading,
and samples of waveforms (ECG, acceleration), which are left out altogether.
"""

from __future__ import annotations

import re
from html import escape

from healthslm import __version__
from healthslm.export import words
from healthslm.export.observations import Entries, Observer
from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.fhir.finding import NOT_A_DEVICE, SEVERITY, advice, feature_text, rule_code, told
from healthslm.readings import Device, Finding, Kind, Person, Review, Summary

_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def bundle(review: Review) -> Json:
    """Return the review as a FHIR R4 Bundle of type `collection`.

    Numbers are `Decimal`s that keep their digits (write them with `bundle_bytes`), units are UCUM, times have
    the offset of `review.timezone`. `review.sources` gives measurements their device where one device alone
    sent the kind; `review.notes["rules"]` (name to version) names the rules that were in force and silent.
    Raises `ExportError` for a time zone that does not exist or a period that ends before it starts.
    """
    words.check(review)
    tz = words.zone(review)
    entries = Entries()
    subject = entries.add(_patient(review.person), salt=_who(review))
    wearables = {d.address: entries.add(_wearable(d), salt=d.address) for d in review.devices}
    software = entries.add(_software(review))
    observer = Observer(entries=entries, subject=subject, tz=tz, devices=_by_kind(review, wearables))
    observer.spots(words.windows(review))
    observer.features([*review.features, *(f for finding in review.findings for f in finding.evidence)])
    issues = [entries.add(_issue(f, observer, software)) for f in words.ordered(review)]
    if review.clinical or review.summary:
        entries.add(_composition(review, subject, software, issues, coding.when(review.made_at, tz)))
    _provenance(review, entries, software, issues, coding.when(review.made_at, tz))
    return {
        "resourceType": "Bundle",
        "identifier": {"system": coding.HASHES, "value": words.fingerprint(review)},
        "type": "collection",
        "timestamp": coding.when(review.made_at, tz),
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries.resources.items()],
    }


def bundle_bytes(review: Review) -> bytes:
    """Return `bundle(review)` as UTF-8 JSON; decimals keep their digits (38.0 stays 38.0)."""
    return coding.dumps(bundle(review)).encode("utf-8")


def _who(review: Review) -> str:
    """What tells one unnamed person from another: their devices."""
    return "|".join(sorted(d.address for d in review.devices))


def _patient(person: Person) -> Json:
    name = words.clean(person.name)
    birth = person.birth_date.strip()
    return {
        "resourceType": "Patient",
        **({"name": [{"text": name}]} if name else {}),
        **({"birthDate": birth} if _DATE.fullmatch(birth) else {}),
    }


def _wearable(device: Device) -> Json:
    given = {
        "manufacturer": words.clean(device.manufacturer),
        "modelNumber": words.clean(device.model),
        "serialNumber": words.clean(device.serial),
    }
    name, firmware = words.clean(device.name), words.clean(device.firmware)
    return {
        "resourceType": "Device",
        **{key: text for key, text in given.items() if text},
        **({"deviceName": [{"name": name, "type": "user-friendly-name"}]} if name else {}),
        **({"version": [{"type": {"text": "firmware"}, "value": firmware}]} if firmware else {}),
    }


def _software(review: Review) -> Json:
    """Healthslm itself, with the versions of the rules it judged by."""
    judged = [
        {"type": {"text": f"rule {words.clean(name, 80)}"}, "value": words.clean(version, 40) or "unknown"}
        for name, version in words.rules(review).items()
    ]
    return {
        "resourceType": "Device",
        "deviceName": [{"name": "healthslm", "type": "model-name"}],
        "type": {"text": "health-monitoring software, not a medical device"},
        "version": [{"type": {"text": "software"}, "value": __version__}, *judged],
    }


def _by_kind(review: Review, wearables: dict[str, Json]) -> dict[Kind, Json]:
    known = {kind: [wearables[a] for a in at if a in wearables] for kind, at in review.sources.items()}
    return {kind: found[0] for kind, found in known.items() if len(found) == 1 == len(review.sources[kind])}


def _issue(finding: Finding, observer: Observer, software: Json) -> Json:
    """A finding as a DetectedIssue; its evidence are the Observations of its features."""
    period = {"start": coding.when(finding.start, observer.tz)}
    if not finding.ongoing:
        period["end"] = coding.when(finding.end, observer.tz)
    evidence = []
    for feature in finding.evidence:
        details = observer.evidence(feature)
        code = coding.concept(text=feature_text(feature))
        evidence.append({"code": [code], **({"detail": details} if details else {})})
    detail = [*told(finding, finding.severity), *map(words.clean, words.personal(finding)), NOT_A_DEVICE]
    mitigation = advice(finding)
    return {
        "resourceType": "DetectedIssue",
        "status": "preliminary" if finding.ongoing else "final",
        "code": rule_code(finding),
        "severity": SEVERITY[finding.severity],
        "patient": observer.subject,
        "identifiedPeriod": period,
        "author": software,
        **({"evidence": evidence} if evidence else {}),
        "detail": " ".join(detail),
        **({"mitigation": mitigation} if mitigation else {}),
    }


def _narrative(summary: Summary) -> Json:
    """The sentences as XHTML, each saying who wrote it."""
    told = [f"{words.clean(s.text)} ({words.clean(s.origin, 20)})" for s in summary.sentences]
    lines = "".join(f"<p>{escape(line, quote=False)}</p>" for line in told)
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{lines or "<p>no text</p>"}</div>'
    return {"status": "additional", "div": div}


def _composition(review: Review, subject: Json, software: Json, issues: list[Json], made: str) -> Json:
    """The texts, for a reader; the findings they speak of are their entries."""
    texts = (("For the clinician", review.clinical), ("For the wearer", review.summary))
    sections: list[Json] = [{"title": name, "text": _narrative(text)} for name, text in texts if text]
    if issues:
        sections.append({"title": "Findings", "entry": issues})
    return {
        "resourceType": "Composition",
        "status": "final",
        "type": coding.concept(text="Summary of measurements at home"),
        "subject": subject,
        "date": made,
        "author": [software],
        "title": "Summary of measurements at home",
        "section": sections,
    }


def _provenance(review: Review, entries: Entries, software: Json, issues: list[Json], made: str) -> None:
    """Say who made what: the program everything, the model the texts it wrote sentences of."""
    kinds = ("Observation", "DetectedIssue", "Composition")
    made_here = {url: r["resourceType"] for url, r in entries.resources.items() if r["resourceType"] in kinds}
    role = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
    assembler = coding.concept({"system": role, "code": "assembler", "display": "Assembler"})
    author = coding.concept({"system": role, "code": "author", "display": "Author"})

    def provenance(targets: list[Json], agents: list[Json]) -> Json:
        return {"resourceType": "Provenance", "target": targets, "recorded": made, "agent": agents}

    targets = [{"reference": url} for url in made_here] or [
        next(iter([{"reference": u} for u in entries.resources]))
    ]
    entries.add(provenance(targets, [{"type": assembler, "who": software}]))
    texts = [{"reference": url} for url, kind in made_here.items() if kind == "Composition"]
    for model in words.models(review):
        weights = entries.add(
            {
                "resourceType": "Device",
                "deviceName": [{"name": model, "type": "model-name"}],
                "type": {"text": "language model; every number it writes is checked against the data"},
            }
        )
        entries.add(provenance(texts, [{"type": author, "who": weights}]))
