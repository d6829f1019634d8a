"""What stands on the clinician's page, as plain data: the template decides no word and no number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.export import chart, limits, measured, rhythm_page, words
from healthslm.export.focus import CHARTED, CHARTS, PARTS, Focus, Paper
from healthslm.export.glucose_page import agp
from healthslm.export.page_findings import BRIEF, MOST_FINDINGS, levels, more, nothing_found, shown
from healthslm.export.page_rest import devices, foot, missing, text, written
from healthslm.export.repeated import together
from healthslm.readings import KINDS, Feature, Finding, Kind, Review, Window

Json = dict[str, Any]
Windows = Mapping[Kind, Window]

MOST_CHARTS = 5
_OTHERS = (
    *CHARTED,
    Kind.PULSE_RATE,
    Kind.MEAN_ARTERIAL,
    Kind.SENSOR_GLUCOSE,
    Kind.BODY_FAT,
    Kind.STEPS,
    Kind.ENERGY,
    Kind.DISTANCE,
    Kind.SLEEP_DURATION,
)
_HRV = ("mean_nn_ms", "sdnn_ms", "rmssd_ms")


def page(
    review: Review,
    *,
    focus: Focus = Focus.GENERAL,
    paper: Paper = Paper.A4,
    unprintable: bool = False,
) -> Json:
    """Return everything that the page shows. `unprintable` adds the note that some letters have no glyph.

    Raises `ExportError` for a time zone that does not exist or a period that ends before it starts.
    """
    words.check(review)
    tz = words.zone(review)
    findings = words.ordered(review)
    told = together(findings, days=words.day(review) is None)
    numbered = [(one.number, finding) for one in told for finding in one.findings]
    windows = words.windows(review)
    readings = sum(len(w) for k, w in windows.items() if k is not Kind.BATTERY)
    profile = agp(review, tz)
    return {
        **_head(review, tz),
        "paper": paper.value,
        "parts": list(PARTS[focus]),
        "unprintable": unprintable,
        "findings": [shown(one, review, tz) for one in told[: MOST_FINDINGS + BRIEF]],
        "most": min(len(told), MOST_FINDINGS),
        "brief": BRIEF,
        "levels": levels(findings),
        "more": more(told),
        "nothing_found": nothing_found(review, readings),
        "empty": readings == 0,
        "days": words.day(review) is None,
        "empty_text": "No reading was received in this period. Nothing can be said about it.",
        "vitals": [_vital(kinds, review, windows, numbered, tz) for kinds in _charted(windows, focus)],
        "xticks": chart.time_ticks(review.start, review.end, tz),
        "bands": chart.BANDS,
        "line_told": _line_told(review),
        "others": _others(review, tz, _charted(windows, focus), profile=bool(profile)) if readings else [],
        "agp": profile,
        "strip": rhythm_page.strip(review, numbered, tz),
        "burden": rhythm_page.burden(review, tz),
        "personal": limits.personal(review),
        "written": written(review, tz),
        "missing": missing(review, windows, tz) if readings else [],
        "text": text(review.clinical or review.summary),
        "devices": devices(review),
        "foot": foot(review),
    }


def _head(review: Review, tz: ZoneInfo) -> Json:
    start, end, made = (t.astimezone(tz) for t in (review.start, review.end, review.made_at))
    offsets = " then ".join(dict.fromkeys(f"UTC{t.isoformat()[-6:]}" for t in (start, end)))
    day = "{0:%a} {0.day} {0:%b %Y}".format
    days = words.whole_days(review.start, review.end, tz)
    if days is None:
        period = f"{day(start)} {start:%H:%M} to {day(end)} {end:%H:%M}"
    elif days[0] == days[1]:
        period = f"{day(days[0])}, whole day"
    else:
        period = f"{day(days[0])} to {day(days[1])}, whole days"
    birth = words.clean(review.person.birth_date, 20)
    return {
        "name": words.clean(review.person.name, 70) or "Name not given",
        "birth": f"born {birth}" if birth else "date of birth not given",
        "period": period,
        "zone": f"{tz.key} ({offsets})",
        "made": f"{day(made)} {made:%H:%M}",
    }


def _vital(
    kinds: tuple[Kind, ...],
    review: Review,
    windows: Windows,
    numbered: Sequence[tuple[int, Finding]],
    tz: ZoneInfo,
) -> Json:
    mine = [(n, f) for n, f in numbered if _chart_of(f) in kinds]
    seen = [windows.get(k) or Window.of(k, review.start, review.end, ()) for k in kinds]
    used = [words.usable(w) for w in seen]
    some = [w for w in used if len(w)]
    spans = chart.spans(mine, review.start, review.end)
    made: Json = {
        "title": _title(kinds),
        "unit": KINDS[kinds[0]].unit,
        "rows": [_numbers(k, review, tz, short=len(kinds) > 1) for k in kinds],
        "empty": "" if some else _reason(kinds, review, seen),
        "spans": spans,
        "tags": chart.tags(spans),
        "holes": [],
        "band": [],
        "strokes": [],
        "dots": [],
        "bars": [],
        "limits": [],
        "usual": limits.usual(kinds, review, None),
        "yticks": [],
    }
    if not some:
        return made
    spread = review.spreads.get(kinds[0])
    read = np.concatenate([w.values for w in some])
    lows, highs = spread or (read, read)
    axis = chart.scale(kinds[0], float(lows.min()), float(highs.max()))
    made["yticks"] = chart.value_ticks(kinds[0], axis)
    made["limits"] = limits.lines(kinds, review, axis)
    made["usual"] = limits.usual(kinds, review, axis)
    if len(kinds) > 1:
        made["bars"] = chart.bars(seen[0], seen[1], axis)
    elif KINDS[kinds[0]].holds is None:
        made["dots"] = chart.dots(seen[0], axis)
    else:
        made["strokes"] = chart.line(seen[0], axis)
        made["band"] = chart.band(seen[0], *spread, axis) if spread else []
        made["holes"] = [{"x0": a, "x1": b} for a, b in chart.holes(used[0])]
    return made


def _line_told(review: Review) -> str:
    """Say what the line of a chart is, and that no extreme is lost in it."""
    steps = {window.step for kind, window in review.windows.items() if kind in review.spreads}
    if not steps:
        return "Each line keeps every lowest and highest value."
    by = "hour" if any(step and step >= timedelta(hours=1) for step in steps) else "minute"
    return f"Line: means by the {by}; the band around it: the lowest to the highest reading."


def _charted(windows: Windows, focus: Focus) -> Sequence[tuple[Kind, ...]]:
    """What has a chart: the kinds that were measured in the period, at most `MOST_CHARTS` of them."""
    return [kinds for kinds in CHARTS[focus] if any(len(windows.get(kind, ())) for kind in kinds)][
        :MOST_CHARTS
    ]


def _chart_of(finding: Finding) -> Kind | None:
    """The kind in whose chart a finding is marked: of its first evidence; for a rhythm the heart rate."""
    first = finding.evidence[0].kind if finding.evidence else None
    return Kind.HEART_RATE if first is Kind.RR_INTERVAL else first


def _feature(review: Review, name: str) -> Feature | None:
    """The feature with that name, if it is of exactly the period that the page is about."""
    period = (review.start, review.end)
    return next((f for f in review.features if f.name == name and (f.start, f.end) == period), None)


def _reason(kinds: Sequence[Kind], review: Review, seen: Sequence[Window]) -> str:
    """Why there is no chart."""
    name = _title(kinds)
    if not any(len(w) for w in seen):
        return f"no {name} reading in this period"
    told = [f.reason for f in review.features if f.kind in kinds and f.value is None and f.reason]
    return words.clean(told[0], 140) if told else f"none of {len(seen[0])} {name} readings could be used"


def _title(kinds: Sequence[Kind]) -> str:
    return "blood pressure" if len(kinds) > 1 else KINDS[kinds[0]].title


def _numbers(kind: Kind, review: Review, tz: ZoneInfo, *, short: bool = False) -> Json:
    found = {s: _feature(review, f"{kind}_{s}") for s in ("latest", "mean", "min", "max")}
    known = [f for f in found.values() if f and f.value is not None]
    shares = [f.coverage for f in known if f.coverage is not None]
    cells: Json = {}
    for name, feature in found.items():
        there = feature is not None and feature.value is not None
        cells[name] = feature.text if feature and there else "–"
        at = feature.at if feature and there else None
        cells[f"{name}_at"] = words.clock(at, tz, words.day(review)) if at else ""
    return {
        **cells,
        "name": KINDS[kind].title.removesuffix(" pressure") if short else KINDS[kind].title,
        "unit": KINDS[kind].unit,
        "count": f"{max(f.count for f in known)}" if known else "0",
        "coverage": f"{shares[0] * 100:.0f} %"
        if shares
        else ("spot" if KINDS[kind].holds is None else "0 %"),
    }


def _others(review: Review, tz: ZoneInfo, shown: Sequence[tuple[Kind, ...]], *, profile: bool) -> list[str]:
    """The kinds without a chart, a line each: what they were, or why they are not known."""
    lines = []
    charted = {kind for kinds in shown for kind in kinds}
    for kind in (kind for kind in _OTHERS if kind not in charted):
        found = [(s, _feature(review, f"{kind}_{s}")) for s in ("latest", "mean", "min", "max", "total")]
        told = [f"{s} {f.text}" for s, f in found if f and f.value is not None]
        if told:
            row = _numbers(kind, review, tz)
            count = max(f.count for _, f in found if f and f.value is not None)
            amount = f"n={count}" + (f", coverage {row['coverage']}" if KINDS[kind].holds else "")
            lines.append(f"{KINDS[kind].title} ({KINDS[kind].unit}): {', '.join(told)}; {amount}")
    lines += measured.lines(review, profile=profile)
    return [*lines, *measured.of_the_day(review, tz), *_variability(review, tz)]


def _variability(review: Review, tz: ZoneInfo) -> list[str]:
    """Return the line of heart-rate variability, if there is any, with the hours that it is of."""
    hrv = [f for f in review.features if f.name in _HRV]
    if not hrv:
        return []
    of = ""
    if (hrv[0].start, hrv[0].end) != (review.start, review.end):
        ends = [words.clock(t, tz, words.day(review)) for t in (hrv[0].start, hrv[0].end)]
        of = f" ({' to '.join(ends)})"
    told = [f"{words.title(f)} {words.value(f)}" for f in hrv if f.value is not None]
    if not told:
        return [f"heart-rate variability{of}: not known ({words.clean(hrv[0].reason, 120)})"]
    return [f"heart-rate variability{of}: {', '.join(told)}; n={max(f.count for f in hrv)} RR intervals"]
