"""Days and charts: a day's summary with what each number stands on, and series thin enough for a phone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from healthslm import as_json
from healthslm.analysis import day_bounds
from healthslm.as_json import Ids
from healthslm.companion.answers import Json
from healthslm.companion.box import Box
from healthslm.errors import UsageError
from healthslm.export.limits import thresholds_of
from healthslm.history import History, usual
from healthslm.pipeline import review
from healthslm.readings import KINDS, Kind, Reading, Window, micros
from healthslm.rulebook import in_force
from healthslm.slm import Audience
from healthslm.store import Store

POINTS = 400
"""Points of a chart unless others are asked for: a phone is about so many points wide."""
MOST_POINTS = 2000
LONGEST = timedelta(days=3700)
_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def span_of(box: Box, store: Store) -> Json:
    """Return the first and the last local day with a reading; none in an empty store."""
    span = store.span()
    days = [at.astimezone(box.zone).date().isoformat() for at in span] if span else [None, None]
    return {"first": days[0], "last": days[1], "timezone": box.zone.key}


def day_of(box: Box, store: Store, day: date, audience: Audience) -> Json:
    """Return a day: its summary, findings and numbers, each with the readings that it stands on."""
    start, end = day_bounds(day, box.zone)
    made = review(
        store, start, end, zone=box.zone, made_at=box.clock(), writer=box.writer, audiences=(audience,)
    )
    text = made.clinical if audience is Audience.CLINICIAN else made.summary
    return {
        "day": day.isoformat(),
        "start": start.isoformat(),
        "end": end.isoformat(),
        "summary": as_json.summary(text, Ids.TEXT) if text else None,
        "findings": [as_json.finding(one, Ids.TEXT) for one in made.findings],
        "features": [as_json.feature(one, Ids.TEXT) for one in made.features],
        "kinds": [
            {"kind": kind.value, "title": KINDS[kind].title, "unit": KINDS[kind].unit, "count": len(window)}
            for kind, window in made.windows.items()
            if len(window) and kind is not Kind.BATTERY
        ],
        "notes": [
            {"time": note.time.isoformat(), "text": note.text, "level": note.level} for note in made.written
        ],
    }


def series_of(
    box: Box, store: Store, kind: Kind, start: datetime, end: datetime, points: int, *, trend: bool = False
) -> Json:
    """Return a kind in a period: single readings where they are few, else lowest, mean and highest of parts.

    A `trend` has no single ones: its parts are whole hours, of what is measured now and then whole days,
    and begin where the clock's do. So nothing shorter comes of several, whatever periods are asked for.

    `times` are seconds since 1970; what is not usable is left out. With it: what was usual before, and the
    thresholds of the rules. Raises `UsageError` for a period that cannot be drawn.
    """
    if not timedelta(0) < end - start <= LONGEST:
        raise UsageError("A chart is of a period that ends after it begins, of ten years at the most.")
    points = min(max(points, 2), MOST_POINTS)
    info = KINDS[kind]
    return {
        "kind": kind.value,
        "title": info.title,
        "unit": info.unit,
        "decimals": info.decimals,
        "start": start.isoformat(),
        "end": end.isoformat(),
        **(_trend if trend else _points)(store, kind, start, end, points),
        "usual": {f.name.rpartition("_")[2]: float(f.text) for f in usual(store, [kind], start, box.zone)},
        "limits": [
            {"value": one.value, "meaning": one.meaning, "personal": one.personal}
            for one in thresholds_of(kind, {rule.name: rule.thresholds for rule in in_force(store)})
        ],
    }


def findings_of(box: Box, store: Store, start: datetime, end: datetime) -> list[Json]:
    """Return what the rules found in a period, to be marked in charts. Raises `UsageError` as `series_of`."""
    if not timedelta(0) < end - start <= LONGEST:
        raise UsageError("Findings are of a period that ends after it begins, of ten years at the most.")
    found = History(store, box.zone).findings(in_force(store), start, end)
    return [as_json.finding(one, Ids.TEXT) for one in found]


def _points(store: Store, kind: Kind, start: datetime, end: datetime, points: int) -> Json:
    step = max((end - start) / points, timedelta(seconds=1))
    if end - start <= _DAY or KINDS[kind].holds is None:
        window = store.window(kind, start, end).usable()
        return _single(window) if len(window) <= points else _thinned(window, step)
    unit, whole = _whole(step)
    # Parts of whole minutes and hours come from roll-ups alone: a year is not read.
    return _rolled(store, kind, start - (start - _EPOCH) % unit, end, whole)


def _trend(store: Store, kind: Kind, start: datetime, end: datetime, points: int) -> Json:
    least = _DAY if KINDS[kind].holds is None else _HOUR
    whole = least * max(1, -(-(end - start) // (least * points)))
    begin = start - (start - _EPOCH) % whole
    return _rolled(store, kind, begin, end + (_EPOCH - end) % whole, whole)


def _rolled(store: Store, kind: Kind, begin: datetime, end: datetime, whole: timedelta) -> Json:
    rolled = store.rollup(kind, begin, end, whole)
    some = np.flatnonzero(rolled.count)
    return {
        "times": _seconds(rolled.starts[some].astype("M8[us]").astype(np.int64), whole / 2),
        "mean": _rounded(rolled.mean[some], kind),
        "low": _rounded(rolled.minimum[some], kind),
        "high": _rounded(rolled.maximum[some], kind),
        "step_s": whole.total_seconds(),
        "count": int(rolled.count.sum()),
    }


def _whole(step: timedelta) -> tuple[timedelta, timedelta]:
    """Return the unit, an hour or a minute, of which a part of about that length is made, and its length."""
    unit = _HOUR if step >= _HOUR else _MINUTE
    return unit, unit * max(1, -(-step // unit))


def _single(window: Window) -> Json:
    values = _rounded(window.values, window.kind)
    return {
        "times": _seconds(micros(window), timedelta(0)),
        "mean": values,
        "low": values,
        "high": values,
        "ids": [str(one) for one in window.ids.tolist()],
        "step_s": 0,
        "count": len(window),
    }


def _thinned(window: Window, step: timedelta) -> Json:
    width = step // timedelta(microseconds=1)
    parts = micros(window) // width
    first = np.flatnonzero(np.diff(parts, prepend=parts[0] - 1))
    sums, sizes = np.add.reduceat(window.values, first), np.diff(np.append(first, len(window)))
    return {
        "times": _seconds(parts[first] * width, step / 2),
        "mean": _rounded(sums / sizes, window.kind),
        "low": _rounded(np.minimum.reduceat(window.values, first), window.kind),
        "high": _rounded(np.maximum.reduceat(window.values, first), window.kind),
        "step_s": step.total_seconds(),
        "count": len(window),
    }


def _seconds(microseconds: np.ndarray[Any, np.dtype[np.int64]], more: timedelta) -> list[float]:
    return np.round(microseconds / 1e6 + more.total_seconds(), 3).tolist()  # type: ignore[no-any-return]


def _rounded(values: np.ndarray[Any, np.dtype[np.float64]], kind: Kind) -> list[float]:
    return np.round(values, KINDS[kind].decimals + 1).tolist()  # type: ignore[no-any-return]


def reading_of(store: Store, one: Reading) -> Json:
    """Return all that is kept of a reading."""
    info = KINDS[one.kind]
    device = store.device(one.device)
    return {
        "id": str(one.id),
        "kind": one.kind.value,
        "title": info.title,
        "value": f"{one.value:.{info.decimals}f}",
        "unit": info.unit,
        "time": one.time.isoformat(),
        "device": {
            "address": one.device,
            "name": device.name,
            "model": f"{device.manufacturer} {device.model}".strip(),
        },
        "device_time": one.device_time.isoformat() if one.device_time else None,
        "sequence": one.sequence,
        "quality": as_json.quality(one.quality),
        "context": one.context,
    }
