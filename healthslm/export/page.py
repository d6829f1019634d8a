"""What stands on the clinician's page, as plain data: the template decides no word and no number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from healthslm import __version__
from healthslm.analysis.quality import quality
from healthslm.export import chart, limits, measured, words
from healthslm.export.glucose_page import agp
from healthslm.export.repeated import Told, together
from healthslm.readings import KINDS, Device, Feature, Finding, Kind, Review, Severity, Summary, Window

Json = dict[str, Any]
Windows = Mapping[Kind, Window]

MOST_FINDINGS = 12
"""Findings that are offered to the template in full; it prints as many of them as fit."""
BRIEF = 10
"""Findings after those that are printed as a line each; how many more there are is said."""
STRIP = timedelta(minutes=2)
LONG_DAY = timedelta(hours=25)
MOST_NOTES = 6
"""Notes of the person that the page has room for."""
_TEXT = 900
"""Characters of the summary that the page has room for."""
_LONGEST_HOLES = 2

# A row of the table of vitals: a chart each. Kinds without a chart follow as one line of numbers.
_CHARTED = (
    (Kind.HEART_RATE,),
    (Kind.SPO2,),
    (Kind.TEMPERATURE,),
    (Kind.SYSTOLIC, Kind.DIASTOLIC),
    (Kind.WEIGHT,),
    (Kind.RESPIRATORY_RATE,),
    (Kind.GLUCOSE,),
)
MOST_CHARTS = 5
_ASKED_FOR = frozenset(kind for kinds in _CHARTED[:4] for kind in kinds)
"""What a clinician looks for: where it was never measured, the page says so."""
_OTHERS = (
    Kind.PULSE_RATE,
    Kind.MEAN_ARTERIAL,
    Kind.GLUCOSE,
    Kind.SENSOR_GLUCOSE,
    Kind.WEIGHT,
    Kind.BODY_FAT,
    Kind.RESPIRATORY_RATE,
    Kind.STEPS,
    Kind.ENERGY,
    Kind.DISTANCE,
    Kind.SLEEP_DURATION,
)
_HRV = ("mean_nn_ms", "sdnn_ms", "rmssd_ms")


def page(review: Review, *, unprintable: bool = False) -> Json:
    """Return everything that the page shows. `unprintable` adds the note that some letters have no glyph.

    Raises `ExportError` for a time zone that does not exist or a period that ends before it starts.
    """
    words.check(review)
    tz = words.zone(review)
    findings = words.ordered(review)
    told = together(findings, days=_day(review) is None)
    numbered = [(one.number, findings[n - 1]) for one in told for n in one.numbers]
    windows = words.windows(review)
    readings = sum(len(w) for k, w in windows.items() if k is not Kind.BATTERY)
    return {
        **_head(review, tz),
        "unprintable": unprintable,
        "findings": [_finding(one, review, tz) for one in told[: MOST_FINDINGS + BRIEF]],
        "most": min(len(told), MOST_FINDINGS),
        "brief": BRIEF,
        "levels": _levels(findings),
        "more": _more(told),
        "nothing_found": _nothing_found(review, readings),
        "empty": readings == 0,
        "days": _day(review) is None,
        "empty_text": "No reading was received in this period. Nothing can be said about it.",
        "vitals": [_vital(kinds, review, windows, numbered, tz) for kinds in _charted(windows)],
        "xticks": chart.time_ticks(review.start, review.end, tz),
        "others": _others(review, tz) if readings else [],
        "agp": agp(review, tz),
        "strip": _strip(windows, numbered, tz),
        "personal": limits.personal(review),
        "written": _written(review, tz),
        "missing": _missing(review, windows, tz) if readings else [],
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


def _finding(told: Told, review: Review, tz: ZoneInfo) -> Json:
    finding = told.finding
    begin = words.clock(finding.start, tz, _day(review))
    close = words.clock(finding.end, tz, finding.start)
    length = words.lasting(finding.end - finding.start)
    if finding.ongoing and finding.end <= finding.start:
        when = f"at {begin} (the last reading)"
    elif finding.ongoing:
        when = f"since {begin}, still so at {close} ({length})"
    else:
        when = f"{begin} to {close} ({length})" if finding.end > finding.start else f"at {begin}"
    if told.times > 1:
        ends = " and ".join(words.clock(at, tz, None) for at in (told.first, told.last))
        when = f"{told.times} times, begun between {ends}; worst: {when}"
    return {
        "number": str(told.number),
        "severity": finding.severity.word.upper(),
        "loud": finding.severity >= Severity.URGENT,
        "title": words.clean(finding.title, 90),
        "when": when,
        "evidence": [_evidence(e, review, tz) for e in finding.evidence[:6]],
        "action": words.clean(finding.action, 260),
        "rule": f"{words.clean(finding.rule, 50)} v{words.clean(finding.version, 20)}",
        "source": words.clean(finding.source, 260).rstrip("."),
        "missing": words.clean("; ".join(finding.missing), 220),
        "personal": words.clean(" ".join(words.personal(finding)), 300),
    }


def _evidence(feature: Feature, review: Review, tz: ZoneInfo) -> Json:
    at = (
        f" at\u00a0{words.clock(feature.at, tz, _day(review))}"
        if feature.at and feature.value is not None
        else ""
    )
    count = feature.count > 1 and words.statistic(feature) in ("", "mean") and feature.value is not None
    return {
        "name": words.title(feature),
        # A value stays on one line with its unit.
        "value": words.value(feature).replace(" ", "\u00a0" if feature.value is not None else " "),
        "after": (at if feature.value is not None else "") + (f" (n={feature.count})" if count else ""),
    }


def _levels(findings: Sequence[Finding]) -> str:
    """How many findings of each level: `1 urgent, 3 watch`."""
    levels = Counter(f.severity for f in findings)
    return ", ".join(f"{levels[s]} {s.word}" for s in sorted(Severity, reverse=True) if levels[s])


def _more(told: Sequence[Told]) -> list[str]:
    """For each number of findings printed in full, what to say about those not printed at all."""
    findings = [one.finding for one in told]
    rests = [findings[shown + BRIEF :] for shown in range(min(len(findings), MOST_FINDINGS) + 1)]
    said = "And {} more ({}) not printed here; all are in the FHIR Bundle."
    return [said.format(len(rest), _levels(rest)) if rest else "" for rest in rests]


def _nothing_found(review: Review, readings: int) -> str:
    if not readings:
        return "The rules had nothing to look at."
    names = ", ".join(f"{words.clean(n, 40)} v{words.clean(v, 10)}" for n, v in words.rules(review).items())
    asked = f" (rules asked: {names})" if names else ""
    return f"None in what was measured{asked}. Mind what was not measured, below."


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
    made: Json = {
        "title": _title(kinds),
        "unit": KINDS[kinds[0]].unit,
        "rows": [_numbers(k, review, tz, short=len(kinds) > 1) for k in kinds],
        "empty": "" if some else _reason(kinds, review, seen),
        "spans": chart.spans(mine, review.start, review.end),
        "tags": chart.tags(chart.spans(mine, review.start, review.end)),
        "holes": [],
        "strokes": [],
        "dots": [],
        "bars": [],
        "limits": [],
        "yticks": [],
    }
    if not some:
        return made
    low, high = (float(f(w.values)) for f, w in ((min, _lowest(some)), (max, _highest(some))))
    axis = chart.scale(kinds[0], low, high)
    made["yticks"] = chart.value_ticks(kinds[0], axis)
    made["limits"] = limits.lines(kinds, review, axis)
    if len(kinds) > 1:
        made["bars"] = chart.bars(seen[0], seen[1], axis)
    elif KINDS[kinds[0]].holds is None:
        made["dots"] = chart.dots(seen[0], axis)
    else:
        made["strokes"] = chart.line(seen[0], axis)
        made["holes"] = [{"x0": a, "x1": b} for a, b in chart.holes(used[0])]
    return made


def _charted(windows: Windows) -> Sequence[tuple[Kind, ...]]:
    """What has a chart: the kinds that were measured in the period, at most `MOST_CHARTS` of them."""
    return [kinds for kinds in _CHARTED if any(len(windows.get(kind, ())) for kind in kinds)][:MOST_CHARTS]


def _chart_of(finding: Finding) -> Kind | None:
    """The kind in whose chart a finding is marked: of its first evidence; for a rhythm the heart rate."""
    first = finding.evidence[0].kind if finding.evidence else None
    return Kind.HEART_RATE if first is Kind.RR_INTERVAL else first


def _lowest(windows: Sequence[Window]) -> Window:
    return min(windows, key=lambda w: float(w.values.min()))


def _highest(windows: Sequence[Window]) -> Window:
    return max(windows, key=lambda w: float(w.values.max()))


def _feature(review: Review, name: str) -> Feature | None:
    """The feature with that name, if it is of exactly the period that the page is about."""
    period = (review.start, review.end)
    return next((f for f in review.features if f.name == name and (f.start, f.end) == period), None)


def _day(review: Review) -> datetime | None:
    """The day whose times need no date; none in a period of several days."""
    return None if review.end - review.start > LONG_DAY else review.start


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
        cells[f"{name}_at"] = words.clock(at, tz, _day(review)) if at else ""
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
    charted = {kind for kinds in _charted(words.windows(review)) for kind in kinds}
    for kind in (kind for kind in _OTHERS if kind not in charted):
        found = [(s, _feature(review, f"{kind}_{s}")) for s in ("latest", "mean", "min", "max", "total")]
        told = [f"{s} {f.text}" for s, f in found if f and f.value is not None]
        if told:
            row = _numbers(kind, review, tz)
            count = max(f.count for _, f in found if f and f.value is not None)
            amount = f"n={count}" + (f", coverage {row['coverage']}" if KINDS[kind].holds else "")
            lines.append(f"{KINDS[kind].title} ({KINDS[kind].unit}): {', '.join(told)}; {amount}")
    lines += measured.lines(review)
    lines += measured.of_the_day(review, tz)
    hrv = [f for f in review.features if f.name in _HRV]
    of = ""
    if hrv and (hrv[0].start, hrv[0].end) != (review.start, review.end):
        ends = [words.clock(t, tz, _day(review)) for t in (hrv[0].start, hrv[0].end)]
        of = f" ({' to '.join(ends)})"
    told = [f"{words.title(f)} {words.value(f)}" for f in hrv if f.value is not None]
    if told:
        lines.append(
            f"heart-rate variability{of}: {', '.join(told)}; n={max(f.count for f in hrv)} RR intervals"
        )
    elif hrv:
        lines.append(f"heart-rate variability{of}: not known ({words.clean(hrv[0].reason, 120)})")
    return lines


def _strip(windows: Windows, numbered: Sequence[tuple[int, Finding]], tz: ZoneInfo) -> Json | None:
    """Beats of the first finding that has a trace of RR intervals, if their readings are at hand."""
    window = windows.get(Kind.RR_INTERVAL)
    if window is None:
        return None
    for number, finding in numbered:
        trace = next((e for e in finding.evidence if e.name == "rr_trace"), None)
        if trace is not None:
            made = chart.strip(window.between(trace.start, trace.end), STRIP, tz)
            if made:
                return {**made, "finding": str(number)}
    return None


def _missing(review: Review, windows: Windows, tz: ZoneInfo) -> list[str]:
    """What was not measured or could not be used, kind by kind; the longest holes with their times."""
    lines = []
    for kind in (*(k for kinds in _CHARTED for k in kinds), Kind.RR_INTERVAL):
        window = windows.get(kind)
        if window is None and kind not in _ASKED_FOR:
            continue  # nobody measures it here
        if window is None or not len(window):
            lines.append(f"{KINDS[kind].title}: no reading")
            continue
        good = words.usable(window)
        told = []
        if len(good) < len(window):
            told.append(
                f"{len(window) - len(good)} of {len(window)} readings not usable (contact, range or fault)"
            )
        told += _suspect(window, tz, _day(review))
        holes = sorted(good.gaps, key=lambda g: (g[0] - g[1], g[0]))[:_LONGEST_HOLES]
        shown = [
            f"{words.clock(a, tz, _day(review))} to {words.clock(b, tz, _day(review))}"
            for a, b in sorted(holes)
            if b - a >= timedelta(minutes=5)
        ]
        if shown:
            told.append(f"longest without data {' and '.join(shown)}")
        if told:
            lines.append(f"{KINDS[kind].title}: {'; '.join(told)}")
    return lines


def _suspect(window: Window, tz: ZoneInfo, day: datetime | None) -> list[str]:
    """What looks wrong with readings that were used all the same: flat lines, jumps, two sources at once."""
    told = []
    problems = quality(window).problems
    for what in ("flat line", "jump", "two sources"):
        found = [problem for problem in problems if problem.what == what]
        if found:
            times = ", ".join(words.clock(one.start, tz, day) for one in found[:_LONGEST_HOLES])
            more = " and later" if len(found) > _LONGEST_HOLES else ""
            told.append(f"{what} at {times}{more}")
    return told


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
    model = f"the language model {words.clean(summary.model_id, 60)}".strip()
    if origins == {"model"}:
        origin = f"written by {model}; numbers checked"
    elif "model" in origins:
        origin = f"sentences marked \u2020 by {model}, numbers checked; others from a template"
    else:
        origin = "from a template, no language model"
    return {
        "sentences": [{**s, "mark": s["origin"] == "model" and origins != {"model"}} for s in kept],
        "origin": origin,
        "cut": len(summary.sentences) - len(kept),
    }


def _written(review: Review, tz: ZoneInfo) -> list[str]:
    """What the person wrote, the latest last; what there is no room for is said."""
    told = [
        f"{words.clock(note.time, tz, _day(review))}: \u201c{words.clean(note.text, 200)}\u201d"
        + (f" ({words.clean(note.level, 12)})" if note.level not in ("", "info") else "")
        for note in review.written[-MOST_NOTES:]
    ]
    more = len(review.written) - len(told)
    return [f"{more} earlier ones are in the FHIR Bundle", *told] if more else told


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
        "warning": "Not a medical device. Findings are prompts to act, not diagnoses; "
        "measured at home, unsupervised.",
        "made": f"healthslm {__version__}"
        + f" · model: {words.clean(models, 90) or 'none'}"
        + f" · rules: {words.clean(names, 110) or 'none named'}",
        "hash": f"data sha256 {words.fingerprint(review)[:16]}, as in the FHIR Bundle of the same data",
    }
