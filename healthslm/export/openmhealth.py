"""Readings as Open mHealth data points: JSON lines, each point by a published schema.

Source: the schemas of https://github.com/openmhealth/schemas (Apache-2.0); of each measure the newest version
that refers to Open mHealth's own parts. The later ones ask for the same properties and refer to the parts of
IEEE 1752.1, which took over time frames and units.

A data point has no place for a reading's quality, so only usable readings become one; what has no schema and
what was left out is written beside. Nobody is named: there is no `user_id`.
"""

from __future__ import annotations

import bisect
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from healthslm.export import words
from healthslm.export.files import Fill
from healthslm.export.rows import day_edges
from healthslm.export.source import Piece, Source, pieces
from healthslm.export.tables import local
from healthslm.readings import UNUSABLE, Kind, Reading, Review, micro, micros, moment

_NAMESPACE = uuid.UUID("5c1f2f0e-7a55-5b0e-9d63-6d0f6b1f6a11")
"""Under which a data point's id is made of device, schema and time: the same whenever it is exported."""
_MICRO = 1_000_000
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A measure's schema: its name and version, the property of the value, its unit, what is always said."""

    name: str
    version: str
    value: str
    unit: str
    always: Mapping[str, Any] = field(default_factory=dict)


_OXIMETRY = {"system": "peripheral capillary", "measurement_method": "pulse oximetry"}
_HEART = Schema(name="heart-rate", version="2.0", value="heart_rate", unit="beats/min")
SCHEMAS: Mapping[Kind, Schema] = {
    Kind.HEART_RATE: _HEART,
    # The schema's own code is SNOMED's "pulse rate".
    Kind.PULSE_RATE: _HEART,
    Kind.RR_INTERVAL: Schema(name="rr-interval", version="1.0", value="rr_interval", unit="ms"),
    Kind.SPO2: Schema(
        name="oxygen-saturation", version="2.0", value="oxygen_saturation", unit="%", always=_OXIMETRY
    ),
    Kind.TEMPERATURE: Schema(name="body-temperature", version="3.0", value="body_temperature", unit="C"),
    # From where a meter's blood was taken is not kept, so it is not said.
    Kind.GLUCOSE: Schema(name="blood-glucose", version="3.0", value="blood_glucose", unit="mg/dL"),
    Kind.SENSOR_GLUCOSE: Schema(
        name="blood-glucose",
        version="3.0",
        value="blood_glucose",
        unit="mg/dL",
        always={"specimen_source": "interstitial fluid"},
    ),
    Kind.WEIGHT: Schema(name="body-weight", version="2.0", value="body_weight", unit="kg"),
    Kind.BODY_FAT: Schema(name="body-fat-percentage", version="1.0", value="body_fat_percentage", unit="%"),
    Kind.RESPIRATORY_RATE: Schema(
        name="respiratory-rate", version="2.0", value="respiratory_rate", unit="breaths/min"
    ),
}
"""One reading, one data point."""
PRESSURE = Schema(name="blood-pressure", version="3.1", value="", unit="mmHg")
"""Two readings, one data point, with two values."""
_PAIRED = {Kind.SYSTOLIC: Kind.DIASTOLIC, Kind.DIASTOLIC: Kind.SYSTOLIC}
AMOUNTS: Mapping[Kind, Schema] = {
    Kind.STEPS: Schema(name="step-count", version="3.0", value="step_count", unit="steps"),
    Kind.ENERGY: Schema(name="calories-burned", version="2.0", value="kcal_burned", unit="kcal"),
    Kind.SLEEP_DURATION: Schema(name="total-sleep-time", version="1.0", value="total_sleep_time", unit="h"),
}
"""The sum of a local day, one data point: of one amount it is not known since when it was counted."""
_KNOWN = {*SCHEMAS, *AMOUNTS, *_PAIRED}
_MEALS = {"fasting": "fasting", "before a meal": "before meal", "after a meal": "after meal"}


def files(review: Review, source: Source) -> list[tuple[str, Fill]]:
    """Return the data points and what was left out of them, each as an ending and what fills the file."""
    made = _Export(review, source)
    return [(".omh.jsonl", made.points), (".omh.left-out.json", made.left_out)]


class _Row(NamedTuple):
    """A usable reading: `at` in µs since 1970, `local` as it is written, `known` what else is kept of it."""

    at: int
    local: str
    value: float
    device: str
    id: int
    known: Reading | None


class _Export:
    """One export: makes the points, and counts meanwhile what became none."""

    def __init__(self, review: Review, source: Source) -> None:
        self._source = source
        self._start, self._end = review.start, review.end
        self._zone = words.zone(review)
        self._made_at = self._local(micro(review.made_at))
        self._name = cache(self._named)
        self._unusable: Counter[str] = Counter()
        self._alone: Counter[str] = Counter()

    def points(self, file: BinaryIO) -> None:
        """Write the data points, by kind in the order of the table of kinds, then by time."""
        found = self._source.kinds(self._start, self._end)
        for kind in (kind for kind in Kind if kind in found):
            for line in self._of(kind):
                file.write(line.encode())

    def left_out(self, file: BinaryIO) -> None:
        """Write what is not among the points that were written before: kinds, and numbers of readings."""
        found = self._source.kinds(self._start, self._end)
        said = {
            "no schema for": [kind.value for kind in Kind if kind in found and kind not in _KNOWN],
            "unusable readings": self._unusable,
            "pressures without the other of their pair": self._alone,
        }
        file.write((json.dumps(said, indent=2) + "\n").encode())

    def _of(self, kind: Kind) -> Iterator[str]:
        if kind in SCHEMAS:
            return self._singles(kind, SCHEMAS[kind])
        if kind in AMOUNTS:
            return self._amounts(kind, AMOUNTS[kind])
        if kind in _PAIRED:
            return self._pressures(kind, _PAIRED[kind])
        return iter(())

    def _singles(self, kind: Kind, schema: Schema) -> Iterator[str]:
        for row in self._rows(kind):
            body = {schema.value: _quantity(row.value, schema.unit), **schema.always, **_meal(row.known)}
            yield self._single(kind, schema, row, body)

    def _pressures(self, kind: Kind, other: Kind) -> Iterator[str]:
        """One point a pair, in the turn of the upper pressure; in the other's the lone ones are counted."""
        for piece in pieces(self._source, kind, self._start, self._end):
            beside = self._beside(piece, other)
            for row in self._usable(piece):
                value = beside.get((row.at, row.device))
                if value is None:
                    self._alone[kind.value] += 1
                elif kind is Kind.SYSTOLIC:
                    body = {
                        "systolic_blood_pressure": _quantity(row.value, PRESSURE.unit),
                        "diastolic_blood_pressure": _quantity(value, PRESSURE.unit),
                    }
                    yield self._single(kind, PRESSURE, row, body)

    def _beside(self, piece: Piece, kind: Kind) -> dict[tuple[int, str], float]:
        """Return the usable readings of another kind in the time of a piece, by time and device."""
        first, last = (moment(time) for time in piece.window.times[[0, -1]])
        return {
            (micro(one.time), one.device): one.value
            for one in self._source.singles(kind, first, last + timedelta(microseconds=1))
            if not one.quality & UNUSABLE
        }

    def _amounts(self, kind: Kind, schema: Schema) -> Iterator[str]:
        """One point a local day and device: what two devices count of the same steps is not added up."""
        edges = [micro(edge) for edge in day_edges(self._start, self._end, self._zone)]
        sums: Counter[tuple[int, str]] = Counter()
        for row in self._rows(kind):
            sums[bisect.bisect(edges, row.at) - 1, row.device] += round(row.value * _MICRO)
        for (day, device), total in sorted(sums.items()):
            start, end = edges[day], edges[day + 1]
            when = {"start_date_time": self._local(start), "end_date_time": self._local(end)}
            body = {
                schema.value: _quantity(total / _MICRO, schema.unit),
                "effective_time_frame": {"time_interval": when},
                "descriptive_statistic": "sum",
            }
            yield self._line(schema, f"{device} {kind.value} {start} {end}", body, self._provenance(device))

    def _single(self, kind: Kind, schema: Schema, row: _Row, body: Mapping[str, Any]) -> str:
        provenance = {
            **self._provenance(row.device),
            "source_data_point_id": str(row.id),
            "source_creation_date_time": row.local,
        }
        body = {**body, "effective_time_frame": {"date_time": row.local}}
        return self._line(schema, f"{row.device} {kind.value} {row.at}", body, provenance)

    def _line(self, schema: Schema, name: str, body: Mapping[str, Any], provenance: Mapping[str, str]) -> str:
        header = {
            "id": str(uuid.uuid5(_NAMESPACE, name)),
            "creation_date_time": self._made_at,
            "schema_id": {"namespace": "omh", "name": schema.name, "version": schema.version},
            "acquisition_provenance": provenance,
        }
        return _JSON.encode({"header": header, "body": body}) + "\n"

    def _provenance(self, device: str) -> dict[str, str]:
        return {"source_name": self._name(device), "modality": "sensed"}

    def _named(self, device: str) -> str:
        return words.clean(self._source.device(device).name) or words.clean(device) or "unknown"

    def _local(self, at: int) -> str:
        return local(np.array([at], np.int64), self._zone)[0]

    def _rows(self, kind: Kind) -> Iterator[_Row]:
        for piece in pieces(self._source, kind, self._start, self._end):
            yield from self._usable(piece)

    def _usable(self, piece: Piece) -> Iterator[_Row]:
        window = piece.window
        times = micros(window)
        rows = zip(
            times.tolist(),
            local(times, self._zone),
            window.values.tolist(),
            piece.devices,
            window.ids.tolist(),
            (window.quality & UNUSABLE.value).tolist(),
            strict=True,
        )
        for at, shown, value, device, id_, bad in rows:
            if bad:
                self._unusable[window.kind.value] += 1
            else:
                yield _Row(at, shown, value, device, id_, piece.known.get(id_))


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": int(value) if value.is_integer() else value, "unit": unit}


def _meal(known: Reading | None) -> dict[str, str]:
    """Return what a glucose meter said of the meal, where the schema has a word for it."""
    said = known.context.split("; ") if known and known.context else []
    meals = [_MEALS[one] for one in said if one in _MEALS]
    return {"temporal_relationship_to_meal": meals[0]} if meals else {}
