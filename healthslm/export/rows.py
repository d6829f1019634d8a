"""The rows of the tables, some thousand at a time: a year of seconds never stands in memory."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from healthslm import as_json
from healthslm.analysis.days import day_bounds
from healthslm.export import words
from healthslm.export.source import Piece, Source, pieces
from healthslm.readings import (
    KINDS,
    UNUSABLE,
    Feature,
    Finding,
    Kind,
    Quality,
    Review,
    micro,
    micros,
)

Batch = list[Any]
"""Some rows: a sequence for each column of the table, in their order, all of one length; `None` for empty."""

Edges = Callable[[datetime, datetime, ZoneInfo], list[datetime]]
_DAY_COLUMN = 3
"""Which column of the days the hours have not."""
_QUARTER = timedelta(minutes=15)
_PERIODS = 24 * 32
"""So many hours or days are rolled up at a time."""


def readings(review: Review, source: Source) -> Iterator[Batch]:
    """Yield every reading of the period, by kind in the order of the table of kinds, then by time."""
    named = cache(partial(_named, source))
    for kind in _measured(review, source):
        for piece in pieces(source, kind, review.start, review.end):
            yield _readings(piece, named)


def _readings(piece: Piece, named: Callable[[str], tuple[str, str]]) -> Batch:
    window, known = piece.window, piece.known
    many, info, ids = len(window), KINDS[window.kind], window.ids.tolist()
    devices = [named(address) for address in piece.devices]
    quality = window.quality.tolist()
    singles = [known.get(id_) for id_ in ids] if known else [None] * many
    times = micros(window)
    return [
        window.ids,
        times,
        times,
        [window.kind.value] * many,
        [info.loinc] * many,
        window.values,
        [info.ucum] * many,
        [address for address, _ in devices],
        [name for _, name in devices],
        [quality_words(bits) for bits in quality],
        [bits & UNUSABLE.value == 0 for bits in quality],
        [one.device_time if one else None for one in singles],
        [one.sequence if one else None for one in singles],
        [words.clean(one.context) if one and one.context else None for one in singles],
    ]


def _named(source: Source, address: str) -> tuple[str, str]:
    return words.clean(address), words.clean(source.device(address).name)


@lru_cache(maxsize=256)
def quality_words(bits: int) -> str:
    """Return quality flags as words with a space: `no_contact implausible`, or `good` for none."""
    return " ".join(as_json.quality(Quality(bits))) or "good"


def hours(review: Review, source: Source) -> Iterator[Batch]:
    """Yield what each kind came to in every hour of the person's clock that has a usable reading."""
    for batch in _rolled(review, source, hour_edges):
        del batch[_DAY_COLUMN]
        yield batch


def days(review: Review, source: Source) -> Iterator[Batch]:
    """Yield what each kind came to on every local day that has a usable reading."""
    return _rolled(review, source, day_edges)


def _rolled(review: Review, source: Source, edges_of: Edges) -> Iterator[Batch]:
    zone = words.zone(review)
    for kind in _measured(review, source):
        span = source.span_of(kind)
        if KINDS[kind].waveform or span is None:
            continue
        # A period may be asked for that is a hundred years long.
        start = max(review.start, day_bounds(span[0].astimezone(zone).date(), zone)[0])
        end = min(review.end, day_bounds(span[1].astimezone(zone).date(), zone)[1])
        edges = edges_of(start, end, zone)
        for first in range(0, len(edges) - 1, _PERIODS):
            some = edges[first : first + _PERIODS + 1]
            rolled = source.rollup_between(kind, some)
            has = np.flatnonzero(rolled.count > 0)
            if not len(has):
                continue
            starts = [some[n] for n in has.tolist()]
            count, mean = rolled.count[has], rolled.mean[has]
            yield [
                [kind.value] * len(has),
                [KINDS[kind].loinc] * len(has),
                [KINDS[kind].ucum] * len(has),
                [start.astimezone(zone).date() for start in starts],
                np.array([micro(start) for start in starts], np.int64),
                np.array([micro(some[n + 1]) for n in has.tolist()], np.int64),
                count,
                rolled.minimum[has],
                rolled.maximum[has],
                mean,
                # The store adds up in millionths: so the sum is what it was before it became a mean.
                np.round(mean * count, 6).tolist() if KINDS[kind].adds else [None] * len(has),
            ]


def hour_edges(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return where hours of the clock begin in a period, and its ends.

    Looked for every quarter of an hour of UTC: what time zones are apart by. So an hour in India begins at
    half past of UTC, and one on Lord Howe Island has 90 minutes when its clocks go back.
    """
    begin = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    quarters = (begin + n * _QUARTER for n in range((end - begin) // _QUARTER + 1))
    return [start, *(at for at in quarters if start < at < end and at.astimezone(zone).minute == 0), end]


def day_edges(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the local midnights in a period, and its ends."""
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    dates = (first + timedelta(days=n) for n in range((last - first).days + 1))
    midnights = (day_bounds(date, zone)[0] for date in dates)
    return [start, *(at for at in midnights if start < at < end), end]


def _measured(review: Review, source: Source) -> list[Kind]:
    found = source.kinds(review.start, review.end)
    return [kind for kind in Kind if kind in found]


def findings(review: Review, _source: Source) -> Iterator[Batch]:
    """Yield the findings, the most severe first, as in the other exports."""
    zone = words.zone(review)
    rows = [_finding(finding, zone) for finding in words.ordered(review)]
    if rows:
        yield _turned(rows)


def _finding(finding: Finding, zone: ZoneInfo) -> Sequence[Any]:
    return (
        finding.id,
        finding.rule,
        finding.version,
        finding.severity.word,
        micro(finding.start),
        micro(finding.end),
        finding.ongoing,
        words.clean(finding.title),
        words.clean(finding.action),
        _json([_evidence(feature) for feature in finding.evidence]),
        _json([words.clean(one) for one in finding.missing]),
        words.clean(finding.source),
        words.clean(" ".join(words.personal(finding, zone))),
    )


def _evidence(feature: Feature) -> dict[str, object]:
    known = feature.value is not None and math.isfinite(feature.value)
    return {
        "name": feature.name,
        "kind": feature.kind.value,
        "value": feature.value if known else None,
        "unit": feature.unit,
        "reason": words.clean(feature.reason) or None,
        "start": feature.start.astimezone(UTC).isoformat(),
        "end": feature.end.astimezone(UTC).isoformat(),
        "at": feature.at.astimezone(UTC).isoformat() if feature.at else None,
        "count": feature.count,
        "coverage": feature.coverage,
        "readings": list(feature.readings),
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def notes(review: Review, source: Source) -> Iterator[Batch]:
    """Yield what the person wrote in the period, in the order of time."""
    rows = [
        (one.id, micro(one.time), words.clean(one.text), one.level, words.clean(one.reason), one.origin)
        for one in source.notes(review.start, review.end)
    ]
    if rows:
        yield _turned(rows)


def _turned(rows: Sequence[Sequence[Any]]) -> Batch:
    return [list(column) for column in zip(*rows, strict=True)]


ROWS: Mapping[str, Callable[[Review, Source], Iterator[Batch]]] = {
    "readings": readings,
    "hours": hours,
    "days": days,
    "findings": findings,
    "notes": notes,
}
