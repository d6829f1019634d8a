"""What stands below the charts of the clinician's page: words, what is missing, devices, where it is from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from healthslm import __version__
from healthslm.analysis.quality import quality
from healthslm.export import words
from healthslm.export.focus import CHARTED
from healthslm.readings import KINDS, Device, Kind, Quality, Review, Summary, Window

Json = dict[str, Any]
Windows = dict[Kind, Window]

MOST_NOTES = 6
"""Notes of the person that the page has room for."""
_TEXT = 900
"""Characters of the summary that the page has room for."""
_LONGEST_HOLES = 2
_MOST_DEVICES = 8
_ASKED_FOR = frozenset({Kind.HEART_RATE, Kind.SPO2, Kind.TEMPERATURE, Kind.SYSTOLIC, Kind.DIASTOLIC})
"""What a clinician looks for: where it was never measured, the page says so."""


def text(summary: Summary | None) -> Json:
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


def written(review: Review, tz: ZoneInfo) -> list[str]:
    """What the person wrote, the latest last; what there is no room for is said."""
    told = [
        f"{words.clock(note.time, tz, words.day(review))}: \u201c{words.clean(note.text, 200)}\u201d"
        + (f" ({words.clean(note.level, 12)})" if note.level not in ("", "info") else "")
        for note in review.written[-MOST_NOTES:]
    ]
    more = len(review.written) - len(told)
    return [f"{more} earlier ones are in the FHIR Bundle", *told] if more else told


def missing(review: Review, windows: Windows, tz: ZoneInfo) -> list[str]:
    """What was not measured or could not be used, kind by kind; the longest holes with their times."""
    lines = []
    for kind in (*CHARTED, Kind.RR_INTERVAL):
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
        told += _suspect(window, tz, words.day(review))
        holes = sorted(good.gaps, key=lambda g: (g[0] - g[1], g[0]))[:_LONGEST_HOLES]
        shown = [
            f"{words.clock(a, tz, words.day(review))} to {words.clock(b, tz, words.day(review))}"
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


def devices(review: Review) -> list[str]:
    """Return the devices that readings came from: model, serial number, firmware, and what they gave."""
    told = [device_line(device, review) for device in review.devices[:_MOST_DEVICES]]
    more = len(review.devices) - len(told)
    return [*told, f"and {more} more"] if more else told


def device_line(device: Device, review: Review) -> str:
    """Return a device in words: what it is, what it gave, and whether its clock was right."""
    named = " ".join(t for t in (words.clean(device.manufacturer, 30), words.clean(device.model, 30)) if t)
    first = named or words.clean(device.name, 40) or "unnamed device"
    serial, firmware = words.clean(device.serial, 24), words.clean(device.firmware, 16)
    details = [
        t for t in (f"serial {serial}" if serial else "", f"firmware {firmware}" if firmware else "") if t
    ]
    gives = [
        KINDS[k].title for k, a in review.sources.items() if device.address in a and k is not Kind.BATTERY
    ]
    if clock := _clock(device, review):
        details.append(clock)
    told = f"{first} ({', '.join(details)})" if details else first
    return f"{told}: {', '.join(gives)}" if gives else told


def _clock(device: Device, review: Review) -> str:
    """Say that a device's clock was wrong, of the kinds that it alone gave."""
    mine = [k for k, addresses in review.sources.items() if addresses == (device.address,)]
    windows = [window for kind, window in words.windows(review).items() if kind in mine]
    wrong = sum(int((window.quality & int(Quality.CLOCK_CORRECTED) != 0).sum()) for window in windows)
    return f"its clock was wrong: {wrong} times corrected" if wrong else ""


def foot(review: Review) -> Json:
    """Return the last lines: what this is and is not, by which versions, and the hash of the data."""
    models = ", ".join(words.models(review))
    rules = ", ".join(f"{words.clean(n, 40)} {words.clean(v, 12)}" for n, v in words.rules(review).items())
    return {
        "warning": "Not a medical device. Findings are prompts to act, not diagnoses; "
        "measured at home, unsupervised.",
        "made": f"healthslm {__version__} · model: {words.clean(models, 90) or 'none'}"
        f" · data sha256 {words.fingerprint(review)[:16]}, as in the FHIR Bundle of the same data",
        "rules": f"rules and their versions: {words.clean(rules, 440) or 'none named'}",
    }
