"""What stands on the clinician's page, as plain data: every word and number is decided here, none in the template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from healthslm import __version__
from healthslm.export import chart, words
from healthslm.readings import KINDS, Device, Feature, Finding, Kind, Review, Severity, Summary, Window

Json = dict[str, Any]

MOST_FINDINGS = 12
"""Findings that are offered to the template; it prints as many of them as fit, and says how many more there are."""
STRIP = timedelta(minutes=2)
_TEXT = 900
"""Characters of the summary that the page has room for."""
_LONGEST_HOLES = 2

# A row of the table of vitals: a chart each. Kinds without a chart follow as one line of numbers.
_CHARTED = (
    (Kind.HEART_RATE,),
    (Kind.SPO2,),
    (Kind.TEMPERATURE,),
    (Kind.SYSTOLIC, Kind.DIASTOLIC),
)
_OTHERS = (Kind.PULSE_RATE, Kind.MEAN_ARTERIAL)
_HRV = ("mean_nn_ms", "sdnn_ms", "rmssd_ms")


def page(review: Review, *, unprintable: bool = False) -> Json:
    """Return everything that the page shows. `unprintable` adds the note that some letters have no glyph.

    Raises `ExportError` for a time zone that does not exist or a period that ends before it starts.
    """
    words.check(review)
    tz = words.zone(review)
    findings = words.ordered(review)
    numbered = list(enumerate(findings, start=1))
    readings = sum(len(w) for k, w in review.windows.items() if k is not Kind.BATTERY)
    return {
        **_head(review, tz),
        "unprintable": unprintable,
        "findings": [_finding(n, f, review, tz) for n, f in numbered[:MOST_FINDINGS]],
        "levels": _levels(findings),
        "more": _more(findings),
        "nothing_found": _nothing_found(review, readings),
        "empty": readings == 0,
        "empty_text": "No reading was received in this period. Nothing can be said about it.",
        "vitals": [_vital(kinds, review, numbered, tz) for kinds in _CHARTED] if readings else [],
        "xticks": chart.time_ticks(review.start, review.end, tz),
        "others": _others(review, tz) if readings else [],
        "strip": _strip(review, numbered, tz),
        "missing": _missing(review, tz) if readings else [],
        "text": _text(review.clinical or review.summary),
        "devices": _devices(review),
        "foot": _foot(review),
    }


def _head(review: Review, tz: ZoneInfo) -> Json:
    start, end, made = (t.astimezone(tz) for t in (review.start, review.end, review.made_at))
    offsets = " then ".join(dict.fromkeys(f"UTC{t.isoformat()[-6:]}" for t in (start, end)))
    last = end - timedelta(microseconds=1)
    day = "{0:%a} {0.day} {0:%b %Y}"
    whole_days = (start.time(), end.time()) == (end.time(), start.time()) and not any(
        (start.hour, start.minute, start.second)
    )
    if whole_days:
        period = (
            day.format(start) if start.date() == last.date() else f"{day.format(start)} to {day.format(last)}"
        )
        period += ", whole day" if start.date() == last.date() else ", whole days"
    else:
        period = f"{day.format(start)} {start:%H:%M} to {day.format(end)} {end:%H:%M}"
    birth = words.clean(review.person.birth_date, 20)
    return {
        "name": words.clean(review.person.name, 70) or "Name not given",
        "birth": f"born {birth}" if birth else "date of birth not given",
        "period": period,
        "zone": f"{tz.key} ({offsets})",
        "made": f"{day.format(made)} {made:%H:%M}",
    }


def _finding(number: int, finding: Finding, review: Review, tz: ZoneInfo) -> Json:
    begin = words.clock(finding.start, tz, review.start)
    close = words.clock(finding.end, tz, finding.start)
    length = words.lasting(finding.end - finding.start)
    if finding.ongoing:
        when = f"since {begin}, still so at {close} ({length})"
    else:
        when = f"{begin} to {close} ({length})" if finding.end > finding.start else f"at {begin}"
    return {
        "number": str(number),
        "severity": finding.severity.word.upper(),
        "loud": finding.severity >= Severity.URGENT,
        "title": words.clean(finding.title, 90),
        "when": when,
        "evidence": [_evidence(e, review, tz) for e in finding.evidence[:6]],
        "action": words.clean(finding.action, 260),
        "rule": f"{words.clean(finding.rule, 50)} v{words.clean(finding.version, 20)}",
        "source": words.clean(finding.source, 260),
        "missing": words.clean("; ".join(finding.missing), 220),
    }


def _evidence(feature: Feature, review: Review, tz: ZoneInfo) -> Json:
    at = (
        f" at {words.clock(feature.at, tz, review.start)}" if feature.at and feature.value is not None else ""
    )
    count = feature.count > 1 and words.statistic(feature) in ("", "mean") and feature.value is not None
    return {
        "name": words.title(feature),
        # A value stays on one line with its unit.
        "value": words.value(feature).replace(" ", "\u00a0" if feature.value is not None else " "),
        "after": f"{at}{f' (n={feature.count})' if count else ''}",
    }


def _levels(findings: Sequence[Finding]) -> str:
    """How many findings of each level: `1 urgent, 3 watch`."""
    levels = Counter(f.severity for f in findings)
    return ", ".join(f"{levels[s]} {s.word}" for s in sorted(Severity, reverse=True) if levels[s])


def _more(findings: Sequence[Finding]) -> list[str]:
    """For each number of printed findings, what to say about the others."""
    rests = (findings[shown:] for shown in range(min(len(findings), MOST_FINDINGS) + 1))
    return [
        f"And {len(rest)} more ({_levels(rest)}) not printed here; all are in the FHIR Bundle."
        if rest
        else ""
        for rest in rests
    ]


def _nothing_found(review: Review, readings: int) -> str:
    if not readings:
        return "The rules had nothing to look at."
    names = ", ".join(f"{words.clean(n, 40)} v{words.clean(v, 10)}" for n, v in words.rules(review).items())
    return f"None in what was measured{f' (rules asked: {names})' if names else ''}. Mind what was not measured, below."


def _vital(
    kinds: tuple[Kind, ...], review: Review, numbered: Sequence[tuple[int, Finding]], tz: ZoneInfo
) -> Json:
    windows = [review.windows.get(k) or Window.of(k, review.start, review.end, ()) for k in kinds]
    mine = [(n, f) for n, f in numbered if _chart_of(f) in kinds]
    used = [w.usable() for w in windows]
    some = [w for w in used if len(w)]
    made: Json = {
        "title": "blood pressure" if len(kinds) > 1 else KINDS[kinds[0]].title,
        "unit": KINDS[kinds[0]].unit,
        "rows": [_numbers(k, review, tz, short=len(kinds) > 1) for k in kinds],
        "empty": "" if some else _reason(kinds[0], review, windows[0]),
        "spans": chart.spans(mine, review.start, review.end),
        "tags": chart.tags(chart.spans(mine, review.start, review.end)),
        "holes": [],
        "strokes": [],
        "dots": [],
        "bars": [],
        "yticks": [],
    }
    if not some:
        return made
    low, high = (float(f(w.values)) for f, w in ((min, _lowest(some)), (max, _highest(some))))
    axis = chart.scale(kinds[0], low, high)
    made["yticks"] = chart.value_ticks(kinds[0], axis)
    if len(kinds) > 1:
        made["bars"] = chart.bars(windows[0], windows[1], axis)
    elif KINDS[kinds[0]].holds is None:
        made["dots"] = chart.dots(windows[0], axis)
    else:
        made["strokes"] = chart.line(windows[0], axis)
        made["holes"] = [{"x0": a, "x1": b} for a, b in chart.holes(used[0])]
    return made


def _chart_of(finding: Finding) -> Kind | None:
    """The kind in whose chart a finding is marked: that of its first evidence; a rhythm's is the heart rate."""
    first = finding.evidence[0].kind if finding.evidence else None
    return Kind.HEART_RATE if first is Kind.RR_INTERVAL else first


def _lowest(windows: Sequence[Window]) -> Window:
    return min(windows, key=lambda w: float(w.values.min()))


def _highest(windows: Sequence[Window]) -> Window:
    return max(windows, key=lambda w: float(w.values.max()))


def _feature(review: Review, name: str) -> Feature | None:
    """The feature of the whole period with that name."""
    return next((f for f in review.features if f.name == name), None)


def _reason(kind: Kind, review: Review, window: Window) -> str:
    """Why a kind has no chart."""
    told = [f.reason for f in review.features if f.kind is kind and f.value is None and f.reason]
    if told:
        return words.clean(told[0], 140)
    title = KINDS[kind].title
    return (
        f"none of {len(window)} {title} readings could be used"
        if len(window)
        else f"no {title} reading in this period"
    )


def _numbers(kind: Kind, review: Review, tz: ZoneInfo, *, short: bool = False) -> Json:
    found = {s: _feature(review, f"{kind}_{s}") for s in ("latest", "mean", "min", "max")}
    known = [f for f in found.values() if f and f.value is not None]
    shares = [f.coverage for f in known if f.coverage is not None]
    cells: Json = {}
    for name, feature in found.items():
        there = feature is not None and feature.value is not None
        cells[name] = feature.text if feature and there else "–"
        at = feature.at if feature and there else None
        cells[f"{name}_at"] = words.clock(at, tz, review.start) if at else ""
    return {
        **cells,
        "name": KINDS[kind].title.removesuffix(" pressure") if short else KINDS[kind].title,
        "unit": KINDS[kind].unit,
        "count": f"{max(f.count for f in known)}" if known else "0",
        "coverage": f"{shares[0] * 100:.0f} %"
        if shares
        else ("spot" if KINDS[kind].holds is None else "0 %"),
    }


def _others(review: Review, tz: ZoneInfo) -> list[str]:
    """The kinds without a chart, a line each: what they were, or why they are not known."""
    lines = []
    for kind in _OTHERS:
        found = [(s, _feature(review, f"{kind}_{s}")) for s in ("latest", "mean", "min", "max")]
        told = [f"{s} {f.text}" for s, f in found if f and f.value is not None]
        if told:
            row = _numbers(kind, review, tz)
            amount = f"n={row['count']}" + (f", coverage {row['coverage']}" if KINDS[kind].holds else "")
            lines.append(f"{KINDS[kind].title} ({KINDS[kind].unit}): {', '.join(told)}; {amount}")
    hrv = [f for name in _HRV if (f := _feature(review, name))]
    told = [f"{words.title(f)} {words.value(f)}" for f in hrv if f.value is not None]
    if told:
        lines.append(f"heart-rate variability: {', '.join(told)}; n={max(f.count for f in hrv)} RR intervals")
    elif hrv:
        lines.append(f"heart-rate variability: not known ({words.clean(hrv[0].reason, 120)})")
    return lines


def _strip(review: Review, numbered: Sequence[tuple[int, Finding]], tz: ZoneInfo) -> Json | None:
    """The beats of the first finding that stands on RR intervals, if their readings are at hand."""
    window = review.windows.get(Kind.RR_INTERVAL)
    if window is None:
        return None
    for number, finding in numbered:
        if any(e.kind is Kind.RR_INTERVAL for e in finding.evidence):
            made = chart.strip(
                window.between(finding.start, finding.end + timedelta(microseconds=1)), STRIP, tz
            )
            if made:
                return {**made, "finding": str(number)}
    return None


def _missing(review: Review, tz: ZoneInfo) -> list[str]:
    """What was not measured or could not be used, kind by kind; the longest holes with their times."""
    lines = []
    for kind in (*(k for kinds in _CHARTED for k in kinds), Kind.RR_INTERVAL):
        window = review.windows.get(kind)
        if window is None or not len(window):
            lines.append(f"{KINDS[kind].title}: no reading")
            continue
        good = window.usable()
        told = []
        if len(good) < len(window):
            told.append(
                f"{len(window) - len(good)} of {len(window)} readings not usable (contact, range or fault)"
            )
        holes = sorted(good.gaps, key=lambda g: (g[0] - g[1], g[0]))[:_LONGEST_HOLES]
        shown = [
            f"{words.clock(a, tz, review.start)} to {words.clock(b, tz, review.start)}"
            for a, b in sorted(holes)
            if b - a >= timedelta(minutes=5)
        ]
        if shown:
            told.append(f"longest without data {' and '.join(shown)}")
        if told:
            lines.append(f"{KINDS[kind].title}: {'; '.join(told)}")
    return lines


def _text(summary: Summary | None) -> Json:
    """The sentences that there is room for, and who wrote them."""
    if summary is None:
        return {"sentences": [], "origin": "", "cut": 0}
    kept: list[Json] = []
    room = _TEXT
    for sentence in summary.sentences:
        text = words.clean(sentence.text, 400)
        room -= len(text)
        if room < 0:
            break
        kept.append({"text": text, "origin": words.clean(sentence.origin, 12)})
    origins = {s.origin for s in summary.sentences}
    model = words.clean(summary.model_id, 60)
    if origins == {"model"}:
        origin = f"written by the language model{f' {model}' if model else ''}; numbers checked"
    elif "model" in origins:
        origin = f"sentences marked \u2020 by the language model{f' {model}' if model else ''}, numbers checked; others from a template"
    else:
        origin = "from a template, no language model"
    return {
        "sentences": [{**s, "mark": s["origin"] == "model" and origins != {"model"}} for s in kept],
        "origin": origin,
        "cut": len(summary.sentences) - len(kept),
    }


def _devices(review: Review) -> list[str]:
    return [_device(d, review) for d in review.devices[:8]] + (
        [f"and {len(review.devices) - 8} more"] if len(review.devices) > 8 else []
    )


def _device(device: Device, review: Review) -> str:
    named = " ".join(t for t in (words.clean(device.manufacturer, 30), words.clean(device.model, 30)) if t)
    first = named or words.clean(device.name, 40) or "unnamed device"
    serial, firmware = words.clean(device.serial, 24), words.clean(device.firmware, 16)
    details = [
        t for t in (f"serial {serial}" if serial else "", f"firmware {firmware}" if firmware else "") if t
    ]
    gives = [
        KINDS[k].title for k, a in review.sources.items() if device.address in a and k is not Kind.BATTERY
    ]
    told = f"{first} ({', '.join(details)})" if details else first
    return f"{told}: {', '.join(gives)}" if gives else told


def _foot(review: Review) -> Json:
    models = ", ".join(words.models(review))
    names = ", ".join(f"{words.clean(n, 40)} {words.clean(v, 12)}" for n, v in words.rules(review).items())
    return {
        "warning": "Not a medical device. Findings are prompts to act, not diagnoses; measured at home, unsupervised.",
        "made": f"healthslm {__version__}"
        + f" · model: {words.clean(models, 90) or 'none'}"
        + f" · rules: {words.clean(names, 160) or 'none named'}",
        "hash": f"data sha256 {words.fingerprint(review)[:16]} (the Bundle of the same data carries it in full)",
    }
