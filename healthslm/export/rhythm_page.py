"""The rhythm on the clinician's page: beats one by one, and by day how much of them was without order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.analysis.burden import OF_PERIOD
from healthslm.analysis.daily_vitals import IRREGULAR_SHARE_OF_DAY
from healthslm.export import chart, words
from healthslm.readings import Feature, Finding, Review, instant

Json = dict[str, Any]

STRIP = timedelta(minutes=2)
"""How much of the quarter of an hour is drawn: enough to see whether there is an order."""
_LABELLED = 31
"""Days up to which each has its number above its bar."""
_ONLY_AN_ECG = "Called by RR intervals alone; that it is atrial fibrillation only an ECG shows."


def strip(review: Review, numbered: Sequence[tuple[int, Finding]], tz: ZoneInfo) -> Json | None:
    """Return two minutes of `review.beats`, with the finding that they belong to, if any."""
    if review.beats is None:
        return None
    drawn = chart.strip(review.beats, STRIP, tz)
    if drawn is None:
        return None
    begun = review.beats.start
    number = next(
        (n for n, f in numbered for e in f.evidence if (e.name, e.start) == ("rr_trace", begun)), None
    )
    day = "" if words.day(review) else f"{begun.astimezone(tz).day} {begun.astimezone(tz):%b} "
    of = f"of finding {number}" if number else "of the least regular quarter of an hour (no finding)"
    return {**drawn, "from": f"{day}{drawn['from']}", "of": of}


def burden(review: Review, tz: ZoneInfo) -> Json | None:
    """Return a bar for each day of a longer period, and what all of it came to; `None` without beats."""
    found = {feature.name: feature for feature in review.features}
    period = found.get(OF_PERIOD)
    if period is None:
        return None
    days = [f for f in review.features if f.name == IRREGULAR_SHARE_OF_DAY.name and f.value is not None]
    return {
        "told": _told(period, days, tz),
        "bars": [_bar(day, review, label=len(days) <= _LABELLED) for day in days],
        "yticks": [{"y": 1 - share / 100, "label": f"{share}"} for share in (0, 50, 100)],
    }


def _told(period: Feature, days: Sequence[Feature], tz: ZoneInfo) -> str:
    if period.value is None:
        return f"Share of beats without order: {words.value(period)}."
    most = max(days, key=lambda one: one.value or 0.0)
    start = most.start.astimezone(tz)
    return (
        f"{words.value(period)} of the time judged ({len(days)} day{'s' * (len(days) != 1)},"
        f" {period.count} beats); most on {start.day} {start:%b}: {words.value(most)}. {_ONLY_AN_ECG}"
    )


def _bar(day: Feature, review: Review, *, label: bool) -> Json:
    left, right = chart.place([instant(day.start), instant(day.end)], review.start, review.end).tolist()
    share = day.value or 0.0
    return {
        "x0": round(left, 4),
        "x1": round(right, 4),
        "y": round(1 - share / 100, 4),
        "label": day.text if label else "",
    }
