"""What frames a Bundle: the page as DocumentReference, the Composition with its sections, and Provenance.

Source: FHIR R4 DocumentReference, Composition, Provenance; LOINC 53576-5, personal health monitoring report.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from healthslm.export import words
from healthslm.export.entries import Entries
from healthslm.export.limits import personal
from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.readings import Review, Summary

_ROLE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_TITLE = "Summary of measurements at home"
REPORT = {
    "system": coding.LOINC,
    "code": "53576-5",
    "display": "Personal health monitoring report Document",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The PDF of the same review: inside the Bundle, or with a `url` beside it."""

    data: bytes
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What every framing resource names: who it is of, who made it, and when."""

    entries: Entries
    subject: Json
    program: Json
    made: str
    period: Json

    def page(self, page: Page) -> Json:
        """Add the page as a DocumentReference; return its Reference."""
        # R4 asks for SHA-1 by name; it tells a changed page from the one that is meant, and guards nothing.
        digest = hashlib.sha1(page.data, usedforsecurity=False).digest()
        held = {"url": page.url} if page.url else {"data": _base64(page.data)}
        attachment = {
            "contentType": "application/pdf",
            **held,
            "size": len(page.data),
            "hash": _base64(digest),
            "title": _TITLE,
            "creation": self.made,
        }
        return self.entries.add(
            {
                "resourceType": "DocumentReference",
                "status": "current",
                "docStatus": "final",
                "type": coding.concept(REPORT, text=_TITLE),
                "subject": self.subject,
                "date": self.made,
                "author": [self.program],
                "content": [{"attachment": attachment}],
                "context": {"period": self.period},
            }
        )

    def composition(self, review: Review, sections: Sequence[tuple[str, list[Json]]]) -> Json:
        """Add the Composition: the texts for a reader, then a section for each group of resources."""
        texts = (("For the clinician", review.clinical), ("For the wearer", review.summary))
        parts: list[Json] = [{"title": name, "text": _narrative(text)} for name, text in texts if text]
        told = (
            ("In the wearer's own words", _written(review)),
            ("Thresholds set for this person", personal(review)),
        )
        parts += [{"title": title, "text": _div(*lines)} for title, lines in told if lines]
        parts += [_section(title, entries) for title, entries in sections]
        return self.entries.add(
            {
                "resourceType": "Composition",
                "status": "final",
                "type": coding.concept(REPORT, text=_TITLE),
                "subject": self.subject,
                "date": self.made,
                "author": [self.program],
                "title": _TITLE,
                "event": [{"period": self.period}],
                "section": parts,
            }
        )

    def provenance(self, review: Review, judged: list[Json]) -> None:
        """Say who made what: the program everything, by which rules the findings, the model its sentences."""
        made_here = self.entries.references(
            "Observation", "DetectedIssue", "Composition", "DocumentReference"
        )
        texts = self.entries.references("Composition")
        self._made(made_here, "assembler", self.program)
        rules = [
            {"role": "source", "what": _rule(name, version)} for name, version in words.rules(review).items()
        ]
        if judged and rules:
            self._made(judged, "performer", self.program, entity=rules)
        for model in words.models(review):
            weights = {
                "resourceType": "Device",
                "deviceName": [{"name": model, "type": "model-name"}],
                "type": {"text": "language model; every number it writes is checked against the data"},
            }
            self._made(texts, "author", self.entries.add(weights))

    def _made(self, targets: list[Json], role: str, who: Json, **more: Json | list[Json]) -> None:
        agent = {"type": coding.concept({"system": _ROLE, "code": role, "display": role.title()}), "who": who}
        self.entries.add(
            {
                "resourceType": "Provenance",
                "target": targets,
                "occurredPeriod": self.period,
                "recorded": self.made,
                "agent": [agent],
                **more,
            }
        )


def _rule(name: str, version: str) -> Json:
    named = f"{words.clean(name, 80).replace(' ', '_')}|{words.clean(version, 40)}"
    return {
        "identifier": {"system": coding.RULES, "value": named},
        "display": f"rule {words.clean(name, 80)}, version {words.clean(version, 40)}",
    }


def _section(title: str, entries: list[Json]) -> Json:
    if entries:
        return {"title": title, "entry": entries}
    system = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
    none = {"system": system, "code": "unavailable", "display": "Unavailable"}
    return {"title": title, "text": _div("none in this period"), "emptyReason": coding.concept(none)}


def _written(review: Review) -> list[str]:
    """What the person wrote, all of it, with how soon somebody should act on it."""
    tz = words.zone(review)
    return [
        f"{coding.when(note.time, tz)}: {words.clean(note.text)} ({words.clean(note.level, 20)})"
        for note in review.written
    ]


def _narrative(summary: Summary) -> Json:
    """The sentences as XHTML, each saying who wrote it."""
    return _div(*(f"{words.clean(s.text)} ({words.clean(s.origin, 20)})" for s in summary.sentences))


def _div(*lines: str) -> Json:
    told = "".join(f"<p>{escape(line, quote=False)}</p>" for line in lines)
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{told or "<p>no text</p>"}</div>'
    return {"status": "additional", "div": div}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
