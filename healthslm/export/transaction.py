"""A Bundle as a transaction: each resource is made unless it is there, so that sending twice adds nothing.

Source: FHIR R4 transaction and conditional create, http://hl7.org/fhir/R4/http.html; Personal Health Device
guide 2.0.0 for the identifier of a measurement: device, patient, code and time, by the device's clock where
that differed. Everything else is known by its content, without when it was made. Two people are never taken
for one: a Patient is known by an identifier that their store drew at random, not by a name. Not covered:
changes of what is there already; a corrected reading stays as it was first sent.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from healthslm.fhir import coding, mdc
from healthslm.fhir.coding import Json

_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
_MEASUREMENT = f"{mdc.GUIDE}/PhdBaseObservation"
_OF_THE_MAKING = frozenset(("date", "recorded", "creation"))
_BY_DATA = ("Composition", "DocumentReference")

_ADDRESS = re.compile(r"Patient/[A-Za-z0-9.-]{1,64}")


def is_address(whose: str) -> bool:
    """Say whether it is somebody whom a server knows: `Patient/ID`."""
    return bool(_ADDRESS.fullmatch(whose))


def transaction(collection: Json, *, whose: str) -> Json:
    """Return a Bundle of `healthslm.export.bundle` as a transaction.

    `whose` is `Patient/ID` for somebody whom the server knows, and then no Patient is made; else the
    identifier under which one is made.
    """
    return _Known(collection, whose).transaction()


class _Known:
    """The identity of each resource of a Bundle."""

    def __init__(self, collection: Json, whose: str) -> None:
        self._bundle, self._whose = collection, whose
        self._resources: dict[str, Json] = {e["fullUrl"]: e["resource"] for e in collection["entry"]}
        self._found: dict[str, tuple[str, str]] = {}

    def transaction(self) -> Json:
        """The whole Bundle, with what is asked of the server for each entry."""
        entries = [
            self._entry(url, one)
            for url, one in self._resources.items()
            if not (one["resourceType"] == "Patient" and is_address(self._whose))
        ]
        kept = ("resourceType", "identifier", "timestamp")
        return {**{key: self._bundle[key] for key in kept}, "type": "transaction", "entry": entries}

    def _entry(self, url: str, resource: Json) -> Json:
        system, value = self.identity(url)
        kind = resource["resourceType"]
        asked = "_tag" if kind == "Provenance" else "identifier"
        return {
            "fullUrl": url,
            "resource": self._pointing(_named(resource, system, value)),
            "request": {
                "method": "POST",
                "url": kind,
                "ifNoneExist": f"{asked}={quote(f'{_plain(system)}|{_plain(value)}', safe='')}",
            },
        }

    def _pointing(self, value: Any) -> Any:
        """The same, with the server's own Patient in place of ours."""
        if isinstance(value, dict):
            return {key: self._reference(key, one) for key, one in value.items()}
        return [self._pointing(one) for one in value] if isinstance(value, list) else value

    def _reference(self, key: str, value: Any) -> Any:
        ours = key == "reference" and self._resources.get(value, {}).get("resourceType") == "Patient"
        return self._whose if ours and is_address(self._whose) else self._pointing(value)

    def identity(self, url: str) -> tuple[str, str]:
        """System and value under which a resource is known."""
        if url not in self._found:
            self._found[url] = self._identified(self._resources[url])
        return self._found[url]

    def _identified(self, resource: Json) -> tuple[str, str]:
        kind = resource["resourceType"]
        if kind == "Patient":
            return coding.PATIENTS, self._whose
        if kind == "Device" and "identifier" in resource:
            return resource["identifier"][0]["system"], resource["identifier"][0]["value"]
        if kind == "Observation" and mdc.GATEWAY in {x["url"] for x in resource.get("extension", ())}:
            return _MEASUREMENT, self._measurement(resource)
        if kind in _BY_DATA:
            told = [self._whose, kind, self._bundle["identifier"]["value"]]
            return coding.CONTENTS, coding.urn({"of": told})
        return coding.CONTENTS, coding.urn({"of": self._content(resource)}, salt=self._whose)

    def _content(self, value: Any) -> Any:
        """What a resource says, with the identity in place of each reference, and not when it was made."""
        if isinstance(value, list):
            return [self._content(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            key: list(self.identity(one)) if key == "reference" else self._content(one)
            for key, one in value.items()
            if key not in _OF_THE_MAKING
        }

    def _measurement(self, one: Json) -> str:
        system, device = self.identity(one["device"]["reference"])
        if system == mdc.BLUETOOTH:
            device = device.replace("-", "")
        patient = self._whose if is_address(self._whose) else f"{self._whose}-{coding.PATIENTS}"
        codes = [c["code"] for c in one["code"]["coding"] if c["system"] == mdc.MDC]
        return "-".join([device, patient.removeprefix("Patient/"), *codes, self._time(one)])

    def _time(self, one: Json) -> str:
        """Seconds since 2000, by the device's clock where its own is told, and how long it took."""
        period = one.get("effectivePeriod", {})
        start = datetime.fromisoformat(one.get("effectiveDateTime") or period["start"])
        told = _seconds(start - self._off(one) - _SINCE)
        if not period:
            return told
        return f"{told}..{_seconds(datetime.fromisoformat(period['end']) - start)}"

    def _off(self, one: Json) -> timedelta:
        links = [x["valueReference"]["reference"] for x in one["extension"] if x["url"] == mdc.COINCIDENT]
        clock = self._resources[links[0]] if links else {}
        if "valueDateTime" not in clock:
            return timedelta()
        shown = datetime.fromisoformat(clock["valueDateTime"])
        return datetime.fromisoformat(clock["effectiveDateTime"]) - shown


def _seconds(span: timedelta) -> str:
    return f"{Decimal(span // timedelta(milliseconds=1)) / 1000:f}"


def _plain(text: str) -> str:
    """A value as a search takes it: what has a meaning there stands behind a backslash."""
    for char in "\\|$,":
        text = text.replace(char, f"\\{char}")
    return text


def _named(resource: Json, system: str, value: str) -> Json:
    """The resource with its identity in it; a Provenance has no identifier, and has a tag instead."""
    kind = resource["resourceType"]
    if kind == "Provenance":
        return {**resource, "meta": {"tag": [{"system": system, "code": value}]}}
    identifier = {"system": system, "value": value}
    if kind == "Composition":
        return {**resource, "identifier": identifier}
    known = resource.get("identifier", [])
    told = any((one["system"], one["value"]) == (system, value) for one in known)
    return resource if told else {**resource, "identifier": [*known, identifier]}
