"""The appendix to the clinician's page: what that sums up, finding by finding and day by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis import day_bounds
from healthslm.export import chart, words
from healthslm.export.focus import CHARTED
from healthslm.export.glucose_page import TARGET
from healthslm.export.page_findings import shown
from healthslm.export.page_rest import device_line
from healthslm.export.repeated import together
from healthslm.export.rows import day_edges, hour_edges, quality_words
from healthslm.export.source import Source
from healthslm.readings import KINDS, Kind, Reading, Review, Window, moment
from healthslm.rules import RULES

Json = dict[str, Any]

MOST = 400
"""Rows of each part; what there is no room for is counted, and stands in the tables of `--format csv`."""
MOST_DAYS = 92
"""Days of glucose that are drawn, the latest."""
_SHORT = timedelta(days=2)
"""A period of so long is told by the hour."""
_SPOT = (Kind.SYSTOLIC, Kind.DIASTOLIC, Kind.TEMPERATURE, Kind.WEIGHT, Kind.GLUCOSE, Kind.BODY_FAT)
_AXIS = (40.0, 350.0)
"""mg/dL: the ends of a day's glucose; what is higher is drawn at the edge."""


def appendix(review: Review, source: Source) -> Json:
    """Return everything that the appendix shows.

    Each finding in full, every period's figures, single measurements, glucose day by day, all notes, the
    rules with their thresholds, the devices. Numbers are the store's own.
    """
    tz = words.zone(review)
    found = together(words.ordered(review), days=False)
    curves, not_drawn = _glucose(review, tz)
    return {
        "findings": [shown(one, review, tz) for one in found[:MOST]],
        "findings_more": _more(len(found), "finding"),
        "periods": _periods(review, source, tz),
        "spots": _spots(review, source, tz),
        "glucose": curves,
        "glucose_more": not_drawn,
        "notes_more": _more(len(review.written), "note"),
        "notes": [
            {
                "when": _clock(note.time, review, tz),
                "level": words.clean(note.level, 12),
                "text": words.clean(note.text),
            }
            for note in review.written[-MOST:]
        ],
        "rules": list(_rules(review)),
        "devices": [
            f"{words.clean(device.address, 40)}: {device_line(device, review)}" for device in review.devices
        ],
    }


def _more(count: int, what: str) -> str:
    rest = count - MOST
    return f"{rest} more {what}s are in the tables (--format csv)." if rest > 0 else ""


def _periods(review: Review, source: Source, tz: ZoneInfo) -> Json:
    """What each kind came to by day, or by hour in a short period: count, mean, lowest and highest."""
    short = review.end - review.start <= _SHORT
    edges = (hour_edges if short else day_edges)(review.start, review.end, tz)
    edges = edges[-MOST - 1 :]
    before = edges[0] > review.start and source.kinds(review.start, edges[0])
    years = _of_years(review, tz)
    there = source.kinds(edges[0], edges[-1])
    kinds = [kind for kind in CHARTED if kind in there]
    kinds += [k for k in Kind if k in there and k not in kinds and _told(k)]
    rolled = {kind: source.rollup_between(kind, edges) for kind in kinds}
    rows = []
    for n, start in enumerate(edges[:-1]):
        if not any(rolled[kind].count[n] for kind in kinds):
            continue
        local = start.astimezone(tz)
        day = f"{local:%a} {local.day} {local:%b}{f' {local:%Y}' if years else ''}"
        rows.append(
            {
                "when": _hour(local) if short else day,
                "cells": [_cell(kind, rolled[kind], n) for kind in kinds],
            }
        )
    return {
        "by": "hour" if short else "day",
        "names": [{"name": KINDS[kind].title, "unit": KINDS[kind].unit} for kind in kinds],
        "rows": rows,
        "more": f"What was before {_day(edges[0], tz)} is in the tables (--format csv)." if before else "",
    }


def _day(at: datetime, tz: ZoneInfo) -> str:
    """Write a day with its year."""
    local = at.astimezone(tz)
    return f"{local.day} {local:%b %Y}"


def _hour(local: datetime) -> str:
    """An hour of the clock; one that the clock shows twice that night with what the clock is called then."""
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return f"{local.day} {local:%b %H:%M}{f' {local:%Z}' if twice else ''}"


def _of_years(review: Review, tz: ZoneInfo) -> bool:
    """Say whether a day and a month alone could be of two years."""
    return review.start.astimezone(tz).year != review.end.astimezone(tz).year


def _clock(at: datetime, review: Review, tz: ZoneInfo) -> str:
    """A time as on the page, with its year where that is not known otherwise."""
    year = f", {at.astimezone(tz):%Y}" if _of_years(review, tz) else ""
    return f"{words.clock(at, tz)}{year}"


def _told(kind: Kind) -> bool:
    return not KINDS[kind].waveform and kind not in (Kind.BATTERY, Kind.RR_INTERVAL, Kind.PULSE_RATE)


def _cell(kind: Kind, rolled: Any, n: int) -> Json:
    info, count = KINDS[kind], int(rolled.count[n])
    if not count:
        return {"main": "", "range": ""}
    if info.adds:
        return {"main": f"{rolled.mean[n] * count:.{info.decimals}f}", "range": ""}
    low, mean, high = (
        f"{float(x[n]):.{info.decimals}f}" for x in (rolled.minimum, rolled.mean, rolled.maximum)
    )
    return {"main": mean, "range": f"{low}\u2013{high}, n={count}" if count > 1 else "n=1"}


def _spots(review: Review, source: Source, tz: ZoneInfo) -> Json:
    """Every single measurement with its device; systolic and diastolic of one inflation on one line."""
    singles = [one for kind in _SPOT for one in source.singles(kind, review.start, review.end)]
    by_time: dict[tuple[datetime, str], list[Reading]] = {}
    for one in singles:
        by_time.setdefault((one.time, one.device), []).append(one)
    rows = [
        _spot(_clock(at, review, tz), device, group, source)
        for (at, device), group in sorted(by_time.items(), key=lambda i: i[0])
    ]
    return {"rows": rows[-MOST:], "more": _more(len(rows), "measurement")}


def _spot(when: str, address: str, group: Sequence[Reading], source: Source) -> Json:
    values = {one.kind: f"{one.value:.{KINDS[one.kind].decimals}f}" for one in group}
    told = []
    if Kind.SYSTOLIC in values and Kind.DIASTOLIC in values:
        told.append(f"{values.pop(Kind.SYSTOLIC)}/{values.pop(Kind.DIASTOLIC)} mmHg")
    told += [f"{KINDS[kind].title} {value} {KINDS[kind].unit}" for kind, value in values.items()]
    remarks = {quality_words(int(one.quality)) for one in group} - {"good"}
    return {
        "when": when,
        "value": ", ".join(told),
        "device": words.clean(source.device(address).name, 40) or words.clean(address, 40),
        "remark": ", ".join(sorted(remarks))
        + "".join(sorted({f" {words.clean(o.context, 60)}" for o in group if o.context})),
    }


def _glucose(review: Review, tz: ZoneInfo) -> tuple[list[Json], str]:
    """Each local day of a sensor's glucose as a curve of its own, the consensus' daily profiles.

    And what is said of days that are not drawn.
    """
    window = words.windows(review).get(Kind.SENSOR_GLUCOSE)
    if window is None or not len(window):
        return [], ""
    if window.step is not None:
        return [], "Of so long a period days are not drawn: ask for a shorter one."
    first, last = (moment(at).astimezone(tz).date() for at in (window.times[0], window.times[-1]))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)][-MOST_DAYS:]
    more = "" if days[0] == first else f"What was before {days[0].day} {days[0]:%b %Y} is not drawn."
    made = []
    for day in days:
        of_day = window.between(*day_bounds(day, tz))
        if len(of_day):
            made.append(
                {
                    "day": f"{day:%a} {day.day} {day:%b}",
                    "strokes": _curve(of_day),
                    "targets": [_y(v) for v in TARGET],
                }
            )
    return made, more


def _y(value: float) -> float:
    low, high = _AXIS
    return round(float(np.clip((high - value) / (high - low), 0, 1)), 4)


def _curve(window: Window) -> list[list[list[float]]]:
    scale = chart.Scale(low=_AXIS[0], high=_AXIS[1], ticks=())
    return [[[x, min(1.0, max(0.0, y))] for x, y in stroke] for stroke in chart.line(window, scale)]


def _rules(review: Review) -> Iterator[Json]:
    """Each rule in force with the numbers that it went by, those set for this person marked."""
    sources = {rule.name: rule.source for rule in RULES}
    for rule, version in words.rules(review).items():
        yield {
            "name": f"{words.clean(rule, 50)} v{words.clean(version, 20)}",
            "source": words.clean(sources.get(rule, ""), 400),
            "thresholds": [
                {
                    "value": words.clean(words.threshold(one), 80),
                    "meaning": words.clean(one.meaning, 200),
                    "personal": words.clean(words.signed(one, words.zone(review)), 300)
                    if one.personal
                    else "",
                }
                for one in review.thresholds.get(rule, ())
            ],
        }
