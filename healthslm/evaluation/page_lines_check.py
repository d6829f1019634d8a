"""The lines of text on a page: head, kinds without a chart, guidelines' figures, what is missing, foot."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from fractions import Fraction

from healthslm.analysis.names import CONSENSUS
from healthslm.evaluation.page_check import (
    CLOCK,
    HASH,
    NAME,
    NUMBER,
    PERIOD,
    RULE,
    TIME,
    VERSION,
    WORDS,
    Check,
    plain,
)
from healthslm.readings import KINDS, Kind

_DAY = r"[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}"
_MG = "mg/dL"
_FIGURES = {
    "cgm_tir": ("97510-2", "%"),
    "cgm_tbr_level1": ("104641-6", "%"),
    "cgm_tbr_level2": ("104642-4", "%"),
    "cgm_tar_level1": ("104640-8", "%"),
    "cgm_tar_level2": ("104639-0", "%"),
    "cgm_mean": ("97507-8", _MG),
    "cgm_gmi": ("97506-0", "%"),
    "cgm_cv": ("104638-2", "%"),
    "cgm_active_percent": ("104637-4", "%"),
    "cgm_mage": ("", _MG),
    "cgm_gri": ("", ""),
}
"""The consensus' figures: LOINC's code in the panel of the CGM guide, and the unit."""
_GOALS = {"cgm_tir": "> 70 %", "cgm_tar_level2": "< 5 %", "cgm_tbr_level2": "< 1 %"}
"""Battelino 2019, table 2."""
_OF_THE_DAY = (
    "resting_heart_rate",
    "nocturnal_dip",
    "heart_rate_recovery",
    "night_rmssd_ms",
    "irregular_share_of_day",
    "night_odi3",
    "night_odi4",
    "night_spo2_below_90",
)


def check_lines(check: Check) -> None:
    """Judge the numbers of every line of text but the findings'."""
    _head(check)
    _kinds(check)
    _pressure(check)
    _glucose(check)
    _of_the_day(check)
    _variability(check)
    _missing(check)
    _written(check)
    _devices(check)
    _foot(check)
    for reason in check.bundle.reasons:
        check.marks.quote(reason, "Bundle's reason")
    check.marks.match(r"(?:SpO|spo)2|\(?ODI[34]\)?|CT90", NAME)


def _head(check: Check) -> None:
    marks, zone = check.marks, check.truth.zone
    (patient,) = check.bundle.of("Patient")
    end = check.region("What the rules found")[0] or len(marks.text)
    for name in patient.get("name", ()):
        marks.quote(name["text"], NAME, (0, end))
    marks.quote(f"born {patient.get('birthDate', '')}", "Bundle", (0, end))
    start, until = (at.astimezone(zone) for at in check.bundle.period)
    made = datetime.fromisoformat(check.bundle.made["timestamp"]).astimezone(zone)
    for found in marks.search(rf"made ({_DAY} \d\d:\d\d)", (0, end)):
        _same(check, found.span(1), f"{_day(made)} {made:%H:%M}", "Bundle")
    last = (until - timedelta(microseconds=1)).date()
    for found in marks.search(rf"({_DAY})(?: to ({_DAY}))?, whole days?", (0, end)):
        _same(check, found.span(1), _day(start), PERIOD)
        if found[2]:
            _same(check, found.span(2), _day(last), PERIOD)
        elif start.date() != last:
            marks.judge(found.span(1), PERIOD, False, last)
    for found in marks.search(rf"({_DAY} \d\d:\d\d) to ({_DAY} \d\d:\d\d)", (0, end)):
        _same(check, found.span(1), f"{_day(start)} {start:%H:%M}", PERIOD)
        _same(check, found.span(2), f"{_day(until)} {until:%H:%M}", PERIOD)
    offsets = " then ".join(dict.fromkeys(f"UTC{at.isoformat()[-6:]}" for at in (start, until)))
    for found in marks.search(r"\((UTC[^)]*)\)", (0, end)):
        _same(check, found.span(1), offsets, PERIOD)


def _day(at: date) -> str:
    return f"{at:%a} {at.day} {at:%b %Y}"


def _same(check: Check, span: tuple[int, int], wanted: str, source: str) -> None:
    check.marks.judge(span, source, " ".join(check.marks.text[slice(*span)].split()) == wanted, wanted)


def _kinds(check: Check) -> None:
    """`pulse rate (bpm): latest 98, mean 83, min 57, max 103; n=4500, coverage 52 %`."""
    for kind, info in KINDS.items():
        one = rf"(?:latest|mean|min|max|total) {NUMBER}"
        line = (
            rf"{plain(info.title)} \({plain(info.unit)}\): ((?:{one},? ?)+); n=(\d+)(?:, coverage (\d+) %)?"
        )
        for found in check.marks.search(line.replace(",? ?", r",?\s*")):
            for part in check.marks.search(rf"(latest|mean|min|max|total) ({NUMBER})", found.span(1)):
                check.statistic(part.span(2), kind, part[1])
            check.amounts(found, kind, 2, 3)


def _pressure(check: Check) -> None:
    line = (
        rf"at home, average: (?P<home_systolic>{NUMBER})/(?P<home_diastolic>{NUMBER}) mmHg, "
        rf"n=(?P<n>\d+) after the first day"
        rf"(?:, systolic, mornings less evenings (?P<morning_evening_difference>{NUMBER}))?; "
        rf"[^;]*? by (?P<guideline>ACC/AHA 2017|ESC 2024)'s table"
    )
    truth = check.truth.home_pressure() or {}
    for found in check.marks.search(line):
        for name in ("home_systolic", "home_diastolic", "morning_evening_difference"):
            if found[name]:
                told = check.bundle.values(name, ucum="mm[Hg]")
                check.marks.value(found.span(name), stored=truth.get(name), told=told or [None])
        check.marks.value(found.span("n"), stored=truth.get("n"))
        check.marks.judge(found.span("guideline"), RULE)


def _glucose(check: Check) -> None:
    """The consensus' figures, in their line and beside the profile: by the store, and by both of a Bundle."""
    truth, panel = check.truth.glucose(), check.region("Ambulatory glucose profile")
    lines = [
        found.span() for found in check.marks.search(r"glucose of a sensor, consensus: 70[^\u2022]{0,400}")
    ]
    check.marks.match(r"25th to 75th, light: 5th to 95th percentile", RULE, panel)
    for region in (*lines, panel):
        for name, (code, ucum) in _FIGURES.items():
            goal = rf"(?P<goal> goal {plain(_GOALS[name])})?" if name in _GOALS else "(?P<goal>)"
            title, unit = CONSENSUS[name], ucum
            pattern = rf"(?<!\w)(?P<title>{plain(title)})(?: {_MG})?{goal} (?P<value>{NUMBER})\s*{unit}"
            found = next(check.marks.search(pattern, region), None)
            if found is None:
                continue
            check.marks.judge(found.span("title"), NAME)
            check.marks.judge(found.span("goal"), RULE)
            told = check.bundle.values(name, ucum=ucum or "1") + (
                check.bundle.values(code, ucum=ucum) if code else []
            )
            check.marks.value(found.span("value"), stored=truth.get(name), told=told or [None])
    for found in check.marks.search(r"(\d+) days laid over each other", panel):
        check.marks.value(found.span(1), stored=Fraction(check.truth.days_over_each_other()))


def _of_the_day(check: Check) -> None:
    """`of 14 Mar: …`, `of the night that ended 14 Mar 06:00: …`: by the Bundle, which says of which hours."""
    label = rf"of (?:(?P<day>\d{{1,2}} [A-Z][a-z]{{2}})|the night that ended (?P<night>{CLOCK})):"
    for found in check.marks.search(label):
        told = [one for one in check.bundle.told if one.name in _OF_THE_DAY and _ends(check, found, one.end)]
        check.marks.judge(found.span(), TIME, bool(told), "an Observation that ends then")
        line = (found.end(), min(len(check.marks.text), found.end() + 900))
        after = next(
            check.marks.search(r"of (?:\d{1,2} [A-Z]|the night that ended)|heart-rate variability", line),
            None,
        )
        line = (line[0], after.start() if after else line[1])
        for one in told:
            for part in check.marks.search(rf"({plain(one.text)}) ({NUMBER})(?= {plain(one.unit)})", line):
                check.marks.judge(part.span(1), NAME)
                check.marks.value(part.span(2), told=[one.value])
            check.marks.match(plain(one.text), NAME, line)


def _ends(check: Check, found: re.Match[str], end: datetime) -> bool:
    local = end.astimezone(check.truth.zone)
    if found["night"]:
        return check.says(found["night"], end, None)
    before = local - timedelta(days=1)
    return f"{local:%H:%M}" == "00:00" and " ".join(found["day"].split()) == f"{before.day} {before:%b}"


def _variability(check: Check) -> None:
    line = (
        rf"variability(?: \([^)]*\))?: mean NN interval ({NUMBER}) ms, SDNN ({NUMBER}) ms, "
        rf"RMSSD ({NUMBER}) ms; n=(\d+)"
    )
    period = {"start": check.truth.start, "end": check.truth.end}
    for found in check.marks.search(line):
        for group, name in enumerate(("mean_nn_ms", "sdnn_ms", "rmssd_ms"), start=1):
            check.marks.value(
                found.span(group), told=check.bundle.values(name, ucum="ms", **period) or [None]
            )
        count = check.bundle.amount(Kind.RR_INTERVAL, check.truth.start, check.truth.end)[0]
        check.marks.value(found.span(4), told=[None if count is None else Fraction(count)])


def _missing(check: Check) -> None:
    """Holes with their times, readings that are not usable, and what looks wrong, all by the readings."""
    marks, region = check.marks, check.region("What was not measured")
    for kind, info in KINDS.items():
        for line in marks.search(rf"(?<!\w){plain(info.title)}: (?P<told>[^·]*)", region):
            span, rows = line.span("told"), check.truth.rows.get(kind, [])
            for found in marks.search(r"(\d+) of (\d+) readings not usable", span):
                marks.value(found.span(1), stored=Fraction(sum(not row.usable for row in rows)))
                marks.value(found.span(2), stored=Fraction(len(rows)))
            holes = check.truth.holes(kind, 2, timedelta(minutes=5))
            for found in marks.search(
                rf"without data ({CLOCK}) to ({CLOCK})(?: and ({CLOCK}) to ({CLOCK}))?", span
            ):
                edges = [check.truth.local(edge) for hole in holes for edge in hole]
                for group, edge in zip((1, 2, 3, 4), [*edges, None, None, None, None], strict=False):
                    check.clock(found, group, edge, "store", check.day)
            times = {row.at for row in rows}
            for found in marks.search(rf"(?:flat line|jump|two sources) at ({CLOCK})(?:, ({CLOCK}))?", span):
                for group in (1, 2) if found[2] else (1,):
                    at = next(
                        (t for t in times if check.says(found[group], check.truth.local(t), check.day)), None
                    )
                    check.clock(found, group, at, TIME, check.day)


def _written(check: Check) -> None:
    """The latest notes of the person, one after the other: when, and word for word what."""
    marks, region = check.marks, check.region("In the wearer\u2019s own words")
    notes, shown = check.truth.notes, list(marks.search(rf"({CLOCK}): \u201c([^\u201d]*)\u201d", region))
    for found, note in zip(shown, notes[len(notes) - len(shown) :], strict=False):
        check.clock(found, 1, datetime.fromisoformat(note["time"]), TIME, check.day)
        marks.quote(f"\u201c{note['text']}\u201d", WORDS, found.span())
    for found in marks.search(r"(\d+) earlier ones", region):
        marks.value(found.span(1), stored=Fraction(len(notes) - len(shown)))


def _devices(check: Check) -> None:
    """Names, serial numbers and firmware, word for word as in the Bundle."""
    marks, region = check.marks, check.region("Devices")
    devices = [one for one in check.bundle.of("Device") if "identifier" in one]
    for one in devices:
        maker = " ".join(one[name] for name in ("manufacturer", "modelNumber") if name in one)
        named = [name["name"] for name in one.get("deviceName", ())]
        firmware = [
            v["value"] for v in one.get("version", ()) if v["type"]["text"] == "firmware" and "value" in v
        ]
        for text in (
            maker,
            *named,
            f"serial {one.get('serialNumber', '')}",
            *(f"firmware {v}" for v in firmware),
        ):
            marks.quote(text, NAME, region)
    wrong: dict[str, int] = {}
    for rows in check.truth.rows.values():
        for row in rows:
            if "clock_corrected" in row.quality:
                wrong[row.device] = wrong.get(row.device, 0) + 1
    for found in marks.search(r"clock was wrong: (\d+) times", region):
        marks.judge(found.span(1), "store", int(found[1]) in wrong.values(), sorted(wrong.values()))
    for found in marks.search(r"and (\d+) more$", region):
        marks.value(found.span(1), told=[Fraction(len(devices) - 9)])


def _foot(check: Check) -> None:
    marks, versions = check.marks, check.bundle.versions
    for found in marks.search(r"healthslm (\d\S*) ·"):
        marks.judge(found.span(1), VERSION, found[1] == versions.get("software"), versions.get("software"))
    for found in marks.search(r"data sha(256) ([0-9a-f]{16})"):
        wanted = check.bundle.made["identifier"]["value"][:16]
        marks.judge(found.span(2), HASH, found[2] == wanted, wanted)
        marks.judge(found.span(1), HASH)
    listed = r"rules(?: and their versions)?: \w+ \d+(?:,\s*\w+ \d+)*"
    for line in marks.search(listed, check.region("Not a medical device")):
        for found in marks.search(r"(\w+) (\d+)(?!\w)", line.span()):
            wanted = versions.get(f"rule {found[1]}")
            marks.judge(found.span(2), VERSION, found[2] == wanted, wanted)
