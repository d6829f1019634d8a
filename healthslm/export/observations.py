"""Observations: spot measurements one by one, dense series as statistics that point at their extremes.

Sources: FHIR R4 Observation (obs-6, obs-7), vital signs profiles (vs-2, vs-3), the shape that the R4
operation `$stats` answers with (the vital sign as code, one component a statistic), Personal Health Device
guide 2.0.0 for measurements of a known wearable, CGM guide 1.0.0 for readings of a glucose sensor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from healthslm.export.devices import CGM
from healthslm.export.entries import Entries
from healthslm.export.gateway import Gateway
from healthslm.fhir import coding, faults, mdc
from healthslm.fhir.coding import Json
from healthslm.fhir.finding import components, is_reading, summary_code
from healthslm.readings import KINDS, UNUSABLE, Feature, Kind, Window, moment


@dataclass(slots=True, kw_only=True)
class Observer:
    """Makes Observations of one person's readings, and remembers which reading is in which."""

    entries: Entries
    subject: Json
    tz: ZoneInfo
    gateway: Gateway
    single: dict[tuple[Kind, datetime], Json] = field(default_factory=dict)
    grouped: dict[tuple[Kind, datetime, datetime], Json] = field(default_factory=dict)

    def reading(self, kind: Kind, at: datetime, value: float, quality: int = 0, id: int = -1) -> Json:
        """Add one measurement at its time; return the Reference. An unusable one has its reason instead."""
        origin = self.gateway.measured(kind, id, guide="PhdNumericObservation", profiles=_profiles(kind))
        resource = {
            "resourceType": "Observation",
            **origin,
            "status": "final",
            "code": mdc.measurement_code(kind),
            "subject": self.subject,
            "effectiveDateTime": coding.when(at, self.tz),
            **_measured(kind, value, quality),
        }
        reference = self.entries.add(resource)
        self.single.setdefault((kind, at), reference)
        return reference

    def pressure(self, at: datetime, values: Mapping[Kind, _Row]) -> Json:
        """Add one cuff measurement as the blood pressure panel; a part that is missing is said to be."""
        parts = [
            {"code": mdc.measurement_code(kind), **_measured(kind, values[kind].value, values[kind].quality)}
            if kind in values
            else {
                "code": mdc.measurement_code(kind),
                "dataAbsentReason": coding.absent("unknown", "the cuff gave none"),
            }
            for kind in coding.PRESSURES
            if kind in values or kind is not Kind.MEAN_ARTERIAL
        ]
        first = next(iter(values))
        origin = self.gateway.measured(
            first,
            values[first].id,
            guide="PhdCompoundNumericObservation",
            profiles=[f"{coding.PROFILE}/bp"],
        )
        resource = {
            "resourceType": "Observation",
            **origin,
            "status": "final",
            "code": coding.concept(coding.loinc("85354-9"), mdc.PRESSURE, text="blood pressure"),
            "subject": self.subject,
            "effectiveDateTime": coding.when(at, self.tz),
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
                for row in _rows(window):
                    self.reading(kind, row.at, row.value, row.quality, row.id)
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
            # No profile: its own value stays empty here, so that nobody takes a mean for a measurement.
            "resourceType": "Observation",
            "status": "final",
            "category": coding.category(first.kind),
            "code": summary_code(first.kind),
            "subject": self.subject,
            "effectivePeriod": coding.period(first.start, first.end, self.tz),
            **self.gateway.device(first.kind),
            **({"derivedFrom": derived} if derived else {}),
            "component": components(features),
        }
        return self.entries.add(resource)

    def _extreme(self, feature: Feature) -> Json | None:
        """The Observation of the one reading that a latest, lowest or highest value is."""
        if not is_reading(feature) or feature.at is None or feature.value is None:
            return None
        known = self.single.get((feature.kind, feature.at))
        id = feature.readings[0] if feature.readings else -1
        return known or self.reading(feature.kind, feature.at, feature.value, id=id)

    def evidence(self, feature: Feature) -> list[Json]:
        """Return References to the Observations that hold a feature: the reading itself, then its summary."""
        found = (self._extreme(feature), self.grouped.get((feature.kind, feature.start, feature.end)))
        return [reference for reference in found if reference]


def _profiles(kind: Kind) -> list[str]:
    """The profiles that a single measurement of a kind keeps, whoever made it."""
    if kind is Kind.SENSOR_GLUCOSE:
        return [f"{CGM}/cgm-sensor-reading-mass-per-volume"]
    return list(coding.meta(kind).get("meta", {}).get("profile", []))


class _Row(NamedTuple):
    """One reading of a window."""

    at: datetime
    value: float
    quality: int
    id: int


def _rows(window: Window) -> Iterator[_Row]:
    columns = (window.values.tolist(), window.quality.tolist(), window.ids.tolist())
    rows = zip(window.times, *columns, strict=True)
    return (_Row(moment(time), value, quality, id) for time, value, quality, id in rows)


def _inflations(windows: Mapping[Kind, Window]) -> Iterator[tuple[datetime, dict[Kind, _Row]]]:
    """Pressures that belong together: same instant; the n-th of each kind where an instant has several."""
    rows = [
        (at, number, kind, row)
        for kind in coding.PRESSURES
        if kind in windows
        for at, group in groupby(_rows(windows[kind]), key=lambda row: row.at)
        for number, row in enumerate(group)
    ]
    rows.sort(key=lambda row: row[:2])
    for (at, _), group_ in groupby(rows, key=lambda row: row[:2]):
        yield at, {kind: row for _, _, kind, row in group_}


def _measured(kind: Kind, value: float, quality: int) -> Json:
    """The value of a measurement, or the reason why there is none to be used."""
    info = KINDS[kind]
    if not math.isfinite(value):
        return {"dataAbsentReason": coding.absent("not-a-number", "the device sent no number")}
    if quality & int(UNUSABLE):
        sent = f"{coding.digits(value, info.decimals)} {info.unit}"
        return {"dataAbsentReason": coding.absent("error", faults.told(quality, sent))}
    # The CGM guide fixes the unit's name too, in this spelling.
    unit = "mg/dl" if kind is Kind.SENSOR_GLUCOSE else info.unit
    return {"valueQuantity": coding.quantity(coding.digits(value, info.decimals), info.ucum, unit)}
