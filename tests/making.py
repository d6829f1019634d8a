"""Readings and windows for tests, in one line each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from healthslm.readings import Kind, Quality, Reading, Window

DAY = datetime(2026, 11, 2, tzinfo=UTC)
_IDS = itertools.count(1)


def at(clock: str, day: datetime = DAY) -> datetime:
    """`at("14:30")` is that time on the tests' day, UTC."""
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    return day + timedelta(hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)


def reading(
    kind: Kind, time: datetime, value: float, *, quality: Quality = Quality.GOOD, device: str = "AA:01"
) -> Reading:
    """One reading with an id of its own."""
    return Reading(time=time, kind=kind, value=value, device=device, quality=quality, id=next(_IDS))


def series(
    kind: Kind,
    start: datetime,
    values: Iterable[float],
    *,
    every: float = 1.0,
    quality: Quality = Quality.GOOD,
) -> list[Reading]:
    """Readings `every` so many seconds."""
    return [
        reading(kind, start + timedelta(seconds=every * i), value, quality=quality)
        for i, value in enumerate(values)
    ]


def beats(start: datetime, rr_ms: Sequence[float]) -> list[Reading]:
    """RR intervals at the times at which they end."""
    ends = itertools.accumulate(rr_ms)
    return [
        reading(Kind.RR_INTERVAL, start + timedelta(milliseconds=end), rr)
        for end, rr in zip(ends, rr_ms, strict=True)
    ]


def windows(
    readings: Iterable[Reading], start: datetime = DAY, end: datetime = DAY + timedelta(days=1)
) -> Mapping[Kind, Window]:
    """A window for every kind that occurs."""
    rows = list(readings)
    return {kind: Window.of(kind, start, end, rows) for kind in {r.kind for r in rows}}
