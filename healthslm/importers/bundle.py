"""A FHIR Bundle that healthslm made, read back: single measurements, samples, and notes become records again.

The other way round of `healthslm.export.fhir`. What a Bundle does not keep cannot come back: times are told
in milliseconds, of a sample only the slot it fell into, values with six decimals. Statistics, sums of days
and findings are computed from readings, so they are named and counted, not read. Thresholds stand in it in
words only: they are shown, for somebody to set and sign. Other people's Bundles are refused: what their
codes, devices and times mean is theirs to say.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path

from pydantic import ValidationError

from healthslm.errors import ImportFailedError
from healthslm.fhir import coding, faults, mdc
from healthslm.importers.bundle_meaning import (
    UNKNOWN,
    can_be,
    device_of,
    is_in,
    kind_of,
    note_of,
    plausibility,
)
from healthslm.importers.bundle_parts import Bundle, Component, Resource, Samples
from healthslm.readings import KINDS, Device, Kind, Note, Quality, Reading
from healthslm.text import clean

_LARGEST = 64_000_000
_MOST_PARTS = 3_000_000
"""Objects, lists and commas: the largest of ours has fewer. Each takes far more memory than its letter."""
_FARTHEST = timedelta(days=90 * 366)
"""How far a device's clock and ours may stand apart to be computed with."""
_MOST_SAMPLES = 2_000_000
"""Of all series together: two days of a dozen streams, each twice a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Samples of one kind and device: each reading's time is when its slot of `period` begins."""

    kind: Kind
    period: timedelta
    readings: list[Reading]


@dataclass(slots=True, kw_only=True)
class Brought:
    """What a Bundle of our own brings back.

    `findings` are titles with their time, `thresholds` sentences: both only to be shown. `left` counts, by
    what it is, what does not come back.
    """

    name: str = ""
    birth_date: str = ""
    made_at: datetime | None = None
    devices: list[Device] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    findings: list[tuple[datetime | None, str]] = field(default_factory=list)
    thresholds: list[str] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


def read(path: Path) -> Brought:
    """Read a Bundle of our own. Raises `ImportFailedError` for every other file, saying what it is."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ImportFailedError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(data) > _LARGEST:
        raise ImportFailedError(
            f"{path.name} has more than {_LARGEST / 1e6:.0f} MB.", "Ask for Bundles of shorter periods."
        )
    if sum(map(data.count, (b"{", b"[", b","))) > _MOST_PARTS:
        raise ImportFailedError(
            f"{path.name} has more parts than any Bundle of ours.", "Ask for Bundles of shorter periods."
        )
    try:
        bundle = Bundle.model_validate_json(data.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ImportFailedError(
            f"{path.name} is no FHIR Bundle that can be read: {clean(where, 80)}: {clean(first['msg'], 80)}.",
            "Use the .fhir.json that `healthslm export clinician` wrote.",
        ) from error
    resources = {entry.fullUrl: entry.resource for entry in bundle.entry}
    found = _Reader(resources)
    program = found.program()
    ours = bundle.resourceType == "Bundle" and bundle.type == "collection" and program
    # Of two resources under one URL it is not known which one is meant.
    if not ours or len(resources) != len(bundle.entry):
        raise _foreign(path, bundle)
    if len(found.patients) > 1:
        raise ImportFailedError(
            f"{path.name} is of {len(found.patients)} people.", "Use a Bundle of this store's person."
        )
    return found.brought(bundle.timestamp, program)


def _foreign(path: Path, bundle: Bundle) -> ImportFailedError:
    types = Counter(entry.resource.resourceType for entry in bundle.entry)
    what = clean(bundle.resourceType, 40)
    told = ", ".join(f"{count} {clean(name, 40)}" for name, count in types.most_common(5))
    return ImportFailedError(
        f"{path.name} is a {what}{f' with {told}' if told else ''}, and no Bundle that healthslm made.",
        "Only those are read in: their devices, times and codes are known.",
    )


class _Reader:
    """Reads the resources of a Bundle, by their URLs."""

    def __init__(self, resources: dict[str, Resource]) -> None:
        self._resources = resources
        self._addresses: dict[str, str] = {}
        self._samples_left = _MOST_SAMPLES
        self.patients = [url for url, one in resources.items() if one.resourceType == "Patient"]

    def program(self) -> str:
        """Return the URL of healthslm as the Device that made what is in here; empty where it did not."""
        makers = {a.who.reference for r in self._of("Provenance") for a in r.agent}
        for url, one in self._resources.items():
            named = any(
                i.system == coding.SOURCES and i.value.startswith("healthslm ") for i in one.identifier
            )
            if one.resourceType == "Device" and named and url in makers:
                return url
        return ""

    def _of(self, *types: str) -> Iterator[Resource]:
        return (one for one in self._resources.values() if one.resourceType in types)

    def brought(self, made_at: datetime | None, program: str) -> Brought:
        """Return what the Bundle brings back."""
        found = Brought(made_at=made_at)
        for patient in (self._resources[url] for url in self.patients):
            found.name = clean(patient.name[0].text, 200) if patient.name else ""
            found.birth_date = clean(patient.birthDate, 20)
        for url, one in self._resources.items():
            if one.resourceType == "Device" and url != program and one.identifier:
                device = device_of(one)
                self._addresses[url] = device.address
                found.devices.append(device)
        for observation in self._of("Observation"):
            self._observation(observation, found)
        for issue in self._of("DetectedIssue"):
            start = issue.identifiedPeriod.start if issue.identifiedPeriod else None
            found.findings.append((start, clean(issue.code.text, 200)))
        for composition in self._of("Composition"):
            _sections(composition, found)
        found.left["page (PDF)"] += sum(1 for _ in self._of("DocumentReference"))
        found.left += Counter()  # what was counted to nothing goes
        return found

    def _observation(self, one: Resource, found: Brought) -> None:
        if any(code.code == mdc.CLOCK["code"] and code.system == mdc.MDC for code in one.code.coding):
            return  # read where a measurement points at it
        if one.status != "final" or one.modifierExtension:  # entered in error, or otherwise not what it says
            found.left["observations that are not final"] += 1
        elif one.subject.reference not in self.patients:
            found.left["observations of somebody or something else"] += 1
        elif one.valueSampledData is not None:
            self._samples(one, one.valueSampledData, found)
        elif not isinstance(one.effectiveDateTime, datetime):
            found.left["statistics and sums of a period, computed from readings"] += 1
        elif one.component:
            for part in one.component:
                self._single(one, one.effectiveDateTime, part, found)
        else:
            self._single(one, one.effectiveDateTime, one, found)

    def _single(self, one: Resource, time: datetime, part: Component, found: Brought) -> None:
        kind = kind_of(part.code)
        if kind is None:
            found.left["measurements of a kind that is not known"] += 1
            return
        quality, value = Quality.GOOD, None
        if part.valueQuantity is not None:
            if not is_in(part.valueQuantity, kind):
                found.left["measurements in another unit, or bounds of one"] += 1
                return
            value = part.valueQuantity.value
            quality = plausibility(kind, value)
        elif part.dataAbsentReason is not None:
            sent = faults.read(part.dataAbsentReason.text, KINDS[kind].unit)
            quality, value = sent if sent is not None else (quality, None)
        if value is None:
            found.left["measurements without a value"] += 1
            return
        if not can_be(time):
            found.left["measurements at a time that cannot be"] += 1
            return
        device_time, moved = self._clock(one, time)
        found.readings.append(
            Reading(
                time=time.astimezone(UTC),
                kind=kind,
                value=value,
                device=self._addresses.get(one.device.reference, UNKNOWN),
                quality=quality | moved,
                device_time=device_time,
            )
        )

    def _clock(self, one: Resource, time: datetime) -> tuple[datetime | None, Quality]:
        """What the device's own clock showed, where it was wrong: the time, less how far they stood apart."""
        for extension in one.extension:
            if extension.url != mdc.COINCIDENT or extension.valueReference is None:
                continue
            clock = self._resources.get(extension.valueReference.reference)
            showed = None if clock is None else clock.valueDateTime
            ours = None if clock is None else clock.effectiveDateTime
            if showed is None or not isinstance(ours, datetime):
                return None, Quality.CLOCK_CORRECTED
            apart = showed - ours
            if abs(apart) > _FARTHEST:
                return None, Quality.CLOCK_CORRECTED
            local = (time + apart).astimezone(showed.tzinfo)
            return local.replace(tzinfo=None), Quality.CLOCK_CORRECTED
        return None, Quality.GOOD

    def _samples(self, one: Resource, samples: Samples, found: Brought) -> None:
        kind = kind_of(one.code)
        if (
            kind is None
            or one.effectivePeriod is None
            or samples.dimensions != 1
            or not is_in(samples.origin, kind)
        ):
            found.left["series of a kind or unit that is not known"] += 1
            return
        period = timedelta(milliseconds=samples.period)
        texts = samples.data.split(maxsplit=self._samples_left)
        if len(texts) > self._samples_left:
            found.left["series longer than any of ours"] += 1
            return
        self._samples_left -= len(texts)
        device = self._addresses.get(one.device.reference, UNKNOWN)
        start, readings = one.effectivePeriod.start, list[Reading]()
        if not can_be(start):
            found.left["series at a time that cannot be"] += 1
            return
        start = start.astimezone(UTC)
        for place, text in enumerate(texts):
            try:
                value = float(text) * samples.factor + samples.origin.value
                time = start + place * period
            except (ValueError, OverflowError):  # E: nobody spoke, or it could not be used
                continue
            if not isfinite(value) or not can_be(time):
                continue
            quality = plausibility(kind, value)
            readings.append(Reading(time=time, kind=kind, value=value, device=device, quality=quality))
        found.series.append(Series(kind=kind, period=period, readings=readings))


def _sections(composition: Resource, found: Brought) -> None:
    """What the person wrote, and the thresholds that were set for them: sentences of two sections."""
    if composition.status != "final" or composition.modifierExtension:
        found.left["pages that are not final"] += 1
        return
    for section in composition.section:
        lines = section.text.div.split("<p>")[1:] if section.text is not None else []
        told = [html.unescape(line.partition("</p>")[0]) for line in lines]
        if section.title == "Thresholds set for this person":
            found.thresholds += [clean(line, 400) for line in told]
        elif section.title == "In the wearer's own words":
            for line in told:
                note = note_of(line)
                if note is None:
                    found.left["notes that cannot be read"] += 1
                else:
                    found.notes.append(note)
