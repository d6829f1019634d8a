"""A FHIR R4 Bundle of a review: who, which devices, what was measured, what the rules saw, who made it.

Source: FHIR R4 (4.0.1), http://hl7.org/fhir/R4/, and the guides that the parts name: devices.py and
gateway.py (Personal Health Device 2.0.0), glucose_summary.py (CGM 1.0.0), activity.py (Physical Activity
1.0.0). The Bundle is a `collection`: nothing in it asks a server to do anything. Every `fullUrl` is a
`urn:uuid:` of the resource's content, so the same review gives the same bytes. Not covered: narrative texts
of each resource, and samples of waveforms (ECG, acceleration), which are left out altogether.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import BinaryIO
from zoneinfo import ZoneInfo

from healthslm.export import devices, words
from healthslm.export.activity import KINDS_OF_ACTIVITY, add_days
from healthslm.export.documents import Frame, Page
from healthslm.export.entries import Entries
from healthslm.export.files import Fill
from healthslm.export.gateway import Gateway
from healthslm.export.glucose_summary import add_glucose
from healthslm.export.observations import Observer
from healthslm.export.sampled import add_samples, can_be_sampled
from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.fhir.finding import NOT_A_DEVICE, SEVERITY, advice, feature_text, rule_code, told
from healthslm.readings import Finding, Kind, Person, Review, Window

_SOME = 512
"""Pieces of text that are written at once."""
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def bundle(review: Review, *, sampled: bool = False, page: Page | None = None) -> Json:
    """Return the review as a FHIR R4 Bundle of type `collection`.

    Numbers are `Decimal`s that keep their digits (write them with `bundle_bytes`), units are UCUM, times have
    the offset of `review.timezone`. `review.sources` gives measurements their device where one device alone
    sent the kind; `review.notes["rules"]` (name to version) names the rules that were in force and silent.
    With `sampled` dense series are given reading by reading beside their statistics; a `page` is named as
    document. Raises `ExportError` for a time zone that does not exist, a period that ends before it starts,
    and samples of a period too long to have them.
    """
    words.check(review)
    tz = words.zone(review)
    entries = Entries()
    subject = entries.add(_patient(review.person), salt=_who(review))
    gateway = _gateway(review, entries, tz)
    observer = Observer(entries=entries, subject=subject, tz=tz, gateway=gateway)
    windows = words.windows(review)
    observer.spots(windows)
    observer.features([*review.features, *(f for finding in review.findings for f in finding.evidence)])
    groups = [_glucose(windows, observer), _activity(review, windows, observer)]
    measured = entries.references("Observation")
    if sampled:
        streams = (window for kind, window in sorted(windows.items()) if can_be_sampled(kind))
        groups.append([r for w in streams for r in add_samples(entries, w, tz, subject, gateway)])
    issues = [entries.add(_issue(f, observer, gateway.program)) for f in words.ordered(review)]
    made = coding.when(review.made_at, tz)
    period = coding.period(review.start, review.end, tz)
    frame = Frame(entries=entries, subject=subject, program=gateway.program, made=made, period=period)
    document = [frame.page(page)] if page else []
    frame.composition(review, _sections(issues, measured, groups, gateway, document))
    frame.provenance(review, issues)
    return {
        "resourceType": "Bundle",
        "identifier": {"system": coding.HASHES, "value": words.fingerprint(review)},
        "type": "collection",
        "timestamp": made,
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries.resources.items()],
    }


def bundle_bytes(review: Review, *, sampled: bool = False, page: Page | None = None) -> bytes:
    """Return `bundle(...)` as UTF-8 JSON; decimals keep their digits (38.0 stays 38.0)."""
    return coding.dumps(bundle(review, sampled=sampled, page=page)).encode("utf-8")


def bundle_into(made: Json) -> Fill:
    """Return what writes a Bundle into a file piece by piece, so that its text is never held whole."""

    def fill(file: BinaryIO) -> None:
        for some in _batched(coding.pieces(made)):
            file.write("".join(some).encode("utf-8"))

    return fill


def _batched(pieces: Iterable[str]) -> Iterator[list[str]]:
    """Yield pieces of text, some hundred at a time."""
    them = iter(pieces)
    while some := list(islice(them, _SOME)):
        yield some


def _glucose(windows: Mapping[Kind, Window], observer: Observer) -> list[Json]:
    window = windows.get(Kind.SENSOR_GLUCOSE)
    if window is None or window.step is not None:
        return []
    device = observer.gateway.device(window.kind)
    panel = add_glucose(observer.entries, window, observer.tz, observer.subject, device)
    return [panel] if panel else []


def _activity(review: Review, windows: Mapping[Kind, Window], observer: Observer) -> list[Json]:
    """Days of one device's counts; two devices count the same steps, which must not be added up."""
    alone = [k for k in KINDS_OF_ACTIVITY if k in windows and len(review.sources.get(k, ())) <= 1]
    return [
        one
        for kind in alone
        for one in add_days(
            observer.entries, windows[kind], observer.tz, observer.subject, observer.gateway.device(kind)
        )
    ]


def _sections(
    issues: list[Json],
    measured: list[Json],
    groups: list[list[Json]],
    gateway: Gateway,
    document: list[Json],
) -> list[tuple[str, list[Json]]]:
    """The sections of the Composition; those that a reader looks for are there when they are empty."""
    resources = gateway.entries.resources
    glucose, activity, *samples = groups
    apart = {one["reference"] for one in activity}

    def of(*codes: str) -> list[Json]:
        return [one for one in measured if _category(resources[one["reference"]]) in codes]

    sugar = [one for one in of("laboratory") if one not in glucose]
    sections = [
        ("Findings", issues),
        ("Vital signs", of("vital-signs", "procedure")),
        ("Glucose", [*glucose, *sugar]),
        ("Activity", [one for one in of("activity") if one["reference"] not in apart] + activity),
        ("Series", [one for group in samples for one in group]),
        ("Devices", list(gateway.devices.values())),
        ("Page", document),
    ]
    always = ("Findings", "Vital signs", "Devices")
    return [(title, entries) for title, entries in sections if entries or title in always]


def _category(observation: Json) -> str:
    """An Observation's first category; what a clock showed has none."""
    first = observation.get("category", [{}])[0]
    return str(first.get("coding", [{}])[0].get("code", ""))


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


def _gateway(review: Review, entries: Entries, tz: ZoneInfo) -> Gateway:
    """The devices, as they are added to the Bundle, and who of them sent what."""
    kinds: dict[str, set[Kind]] = {device.address: set() for device in review.devices}
    for kind, addresses in review.sources.items():
        for address in addresses:
            kinds.setdefault(address, set()).add(kind)
    found = {d.address: d for d in review.devices}
    references = {a: entries.add(devices.wearable(d, kinds[a]), salt=a) for a, d in found.items()}
    senders = {kind: at[0] for kind, at in review.sources.items() if len(at) == 1 and at[0] in found}
    return Gateway(
        entries=entries,
        tz=tz,
        program=entries.add(devices.program(review)),
        devices=references,
        heard=frozenset(address for address, device in found.items() if devices.is_wearable(device)),
        senders=senders,
        origins=review.origins,
    )


def _issue(finding: Finding, observer: Observer, software: Json) -> Json:
    """A finding as a DetectedIssue; its evidence are the Observations of its features."""
    evidence = []
    for feature in finding.evidence:
        details = observer.evidence(feature)
        code = coding.concept(text=feature_text(feature))
        evidence.append({"code": [code], **({"detail": details} if details else {})})
    detail = [
        *told(finding, finding.severity),
        *map(words.clean, words.personal(finding, observer.tz)),
        NOT_A_DEVICE,
    ]
    mitigation = advice(finding)
    return {
        "resourceType": "DetectedIssue",
        "status": "preliminary" if finding.ongoing else "final",
        "code": rule_code(finding),
        "severity": SEVERITY[finding.severity],
        "patient": observer.subject,
        "identifiedPeriod": coding.period(
            finding.start, None if finding.ongoing else finding.end, observer.tz
        ),
        "author": software,
        **({"evidence": evidence} if evidence else {}),
        "detail": " ".join(detail),
        **({"mitigation": mitigation} if mitigation else {}),
    }
