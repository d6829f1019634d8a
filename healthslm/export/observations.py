"""Observations: spot measurements one by one, dense series as statistics that point at their extremes.

Sources: FHIR R4 Observation (obs-6, obs-7), vital signs profiles (vs-2, vs-3), and the shape that the R4
operation `$stats` answers with: the vital sign as code, one component a statistic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from healthslm.fhir import coding
from healthslm.fhir.coding import Json
from healthslm.fhir.finding import components, is_reading, summary_code
from healthslm.readings import KINDS, UNUSABLE, Feature, Kind, Quality, Window, moment

_FAULTS = {
    Quality.NO_CONTACT: "the sensor had no contact with the skin",
    Quality.IMPLAUSIBLE: "the value is outside what the sensor can show of a living person",
    Quality.SENSOR_FAULT: "the device called the measurement invalid",
    Quality.NOT_WORN: "nobody wore the device",
    Quality.FLAT_LINE: "the value stood still for longer than a living body's can",
    Quality.FROZEN: "the device's own counter stood still",
}


@dataclass(slots=True)
class Entries:
    """The resources of a Bundle in order, each under the `urn:uuid:` that its content gets."""

    resources: dict[str, Json] = field(default_factory=dict)

    def add(self, resource: Json, salt: str = "") -> Json:
        """Add a resource, or find the very same one; return a Reference to it."""
        url = coding.urn(resource, salt)
        self.resources.setdefault(url, resource)
        return {"reference": url}


@dataclass(slots=True, kw_only=True)
class Observer:
    """Makes Observations of one person's readings, and remembers which reading is in which.

    `devices` are the References to the wearables by kind, where one wearable gave all readings of it.
    """

    entries: Entries
    subject: Json
    tz: ZoneInfo
    devices: Mapping[Kind, Json]
    single: dict[tuple[Kind, datetime], Json] = field(default_factory=dict)
    grouped: dict[tuple[Kind, datetime, datetime], Json] = field(default_factory=dict)

    def _base(self, kind: Kind, code: Json, *, profile: Json) -> Json:
        return {
            "resourceType": "Observation",
            **profile,
            "status": "final",
            "category": coding.category(kind),
            "code": code,
            "subject": self.subject,
        }

    def _device(self, kind: Kind) -> Json:
        return {"device": self.devices[kind]} if kind in self.devices else {}

    def reading(self, kind: Kind, at: datetime, value: float, quality: int = 0) -> Json:
        """Add one measurement at its time; return the Reference. An unusable one has its reason instead."""
        resource = {
            **self._base(kind, coding.kind_code(kind), profile=coding.meta(kind)),
            "effectiveDateTime": coding.when(at, self.tz),
            **_measured(kind, value, quality),
            **self._device(kind),
        }
        reference = self.entries.add(resource)
        self.single.setdefault((kind, at), reference)
        return reference

    def pressure(self, at: datetime, values: Mapping[Kind, tuple[float, int]]) -> Json:
        """Add one cuff measurement as the blood pressure panel; a part that is missing is said to be."""
        parts = [
            {"code": coding.kind_code(kind), **_measured(kind, *values[kind])}
            if kind in values
            else {
                "code": coding.kind_code(kind),
                "dataAbsentReason": coding.absent("unknown", "the cuff gave none"),
            }
            for kind in coding.PRESSURES
            if kind in values or kind is not Kind.MEAN_ARTERIAL
        ]
        code = coding.concept(coding.loinc("85354-9"), text="blood pressure")
        profile = {"meta": {"profile": [f"{coding.PROFILE}/bp"]}}
        resource = {
            **self._base(Kind.SYSTOLIC, code, profile=profile),
            "effectiveDateTime": coding.when(at, self.tz),
            **self._device(next(iter(values))),
            "component": parts,
        }
        reference = self.entries.add(resource)
        for kind in values:
            self.single.setdefault((kind, at), reference)
        return reference

    def spots(self, windows: Mapping[Kind, Window]) -> None:
        """Add every spot measurement of a period, one by one; pressures of one inflation as one panel.

        Not amounts (steps, energy), of which only the total says anything.
        """
        left_out = (*coding.PRESSURES, Kind.BATTERY)
        for kind, window in sorted(windows.items()):
            if KINDS[kind].holds is None and not KINDS[kind].adds and kind not in left_out:
                for at, value, quality in _rows(window):
                    self.reading(kind, at, value, quality)
        for at, values in _inflations(windows):
            self.pressure(at, values)

    def features(self, features: Iterable[Feature]) -> None:
        """Add the statistics: one Observation a kind and period, one component a feature."""
        groups: dict[tuple[Kind, datetime, datetime], dict[str, Feature]] = {}
        for feature in features:
            if feature.kind is not Kind.BATTERY:
                named = groups.setdefault((feature.kind, feature.start, feature.end), {})
                named.setdefault(feature.name, feature)
        for key, named in groups.items():
            self.grouped[key] = self._summary(tuple(named.values()))

    def _summary(self, features: tuple[Feature, ...]) -> Json:
        first = features[0]
        extremes = [r for f in features if (r := self._extreme(f))]
        derived = [{"reference": url} for url in dict.fromkeys(r["reference"] for r in extremes)]
        resource = {
            # A profile's own value stays empty here, so that nobody takes a mean for a measurement.
            **self._base(first.kind, summary_code(first.kind), profile={}),
            "effectivePeriod": {
                "start": coding.when(first.start, self.tz),
                "end": coding.when(first.end, self.tz),
            },
            **self._device(first.kind),
            **({"derivedFrom": derived} if derived else {}),
            "component": components(features),
        }
        return self.entries.add(resource)

    def _extreme(self, feature: Feature) -> Json | None:
        """The Observation of the one reading that a latest, lowest or highest value is."""
        if not is_reading(feature) or feature.at is None or feature.value is None:
            return None
        known = self.single.get((feature.kind, feature.at))
        return known or self.reading(feature.kind, feature.at, feature.value)

    def evidence(self, feature: Feature) -> list[Json]:
        """Return References to the Observations that hold a feature: the reading itself, then its summary."""
        found = (self._extreme(feature), self.grouped.get((feature.kind, feature.start, feature.end)))
        return [reference for reference in found if reference]


def _rows(window: Window) -> Iterator[tuple[datetime, float, int]]:
    rows = zip(window.times, window.values.tolist(), window.quality.tolist(), strict=True)
    return ((moment(time), value, quality) for time, value, quality in rows)


def _inflations(
    windows: Mapping[Kind, Window],
) -> Iterator[tuple[datetime, dict[Kind, tuple[float, int]]]]:
    """Pressures that belong together: same instant; the n-th of each kind where an instant has several."""
    rows = [
        (at, number, kind, (value, quality))
        for kind in coding.PRESSURES
        if kind in windows
        for at, group in groupby(_rows(windows[kind]), key=lambda row: row[0])
        for number, (_, value, quality) in enumerate(group)
    ]
    rows.sort(key=lambda row: row[:2])
    for (at, _), group_ in groupby(rows, key=lambda row: row[:2]):
        yield at, {kind: measured for _, _, kind, measured in group_}


def _measured(kind: Kind, value: float, quality: int) -> Json:
    """The value of a measurement, or the reason why there is none to be used."""
    info = KINDS[kind]
    if not math.isfinite(value):
        return {"dataAbsentReason": coding.absent("not-a-number", "the device sent no number")}
    if quality & int(UNUSABLE):
        why = "; ".join(text for flag, text in _FAULTS.items() if quality & int(flag))
        sent = f"{coding.digits(value, info.decimals)} {info.unit}"
        return {"dataAbsentReason": coding.absent("error", f"{why} (it sent {sent})")}
    return {"valueQuantity": coding.quantity(coding.digits(value, info.decimals), info.ucum, info.unit)}
