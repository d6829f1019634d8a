"""`healthslm analyse vitals`: what there is in a file of vital signs, and what the rules find in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from healthslm import as_json
from healthslm.analysis import DailySeries, Days, describe
from healthslm.analysis.daily_vitals import SHOWN
from healthslm.analysis.measures import measures
from healthslm.analysis.oxygen import oxygen_features
from healthslm.analysis.pressure import morning_surge
from healthslm.analysis.quality import Problem, WindowQuality, quality
from healthslm.cli import terminal
from healthslm.cli.analyse import analyses, nothing_in
from healthslm.errors import UsageError
from healthslm.export import words
from healthslm.importers.vitals import VitalsFile, read_vitals
from healthslm.readings import KINDS, Feature, Finding, Kind, Window, moment
from healthslm.rules import RULES, scan_all
from healthslm.rules.needs import unjudged
from healthslm.rules.pressure_categories import ESC_2024, GUIDELINES, Guideline, category, guideline_named
from healthslm.rules.whole import days_of
from healthslm.text import many

_STATISTICS = ("latest", "mean", "min", "max", "total")
_SAID = {"flat line": "unchanging"}
"""A problem's name where another word says more: nobody's heart has stopped."""
_WIDEST = max(len(info.title) for info in KINDS.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """A file with all that analysis and the rules say of it."""

    read: VitalsFile
    qualities: Mapping[Kind, WindowQuality]
    features: tuple[Feature, ...]
    days: Days
    findings: tuple[Finding, ...]


def judged(read: VitalsFile, woke: time | None = None) -> Judged:
    """Analyse a file's windows, and ask every rule about every moment of them.

    `woke` is when the person woke on the last day with a systolic pressure: for the morning surge.
    """
    windows, zone = read.judged, read.zone
    days = days_of(windows, zone)
    features = [one for window in read.windows.values() for one in describe(window)]
    features += oxygen_features(windows)
    features += measures(windows, zone)
    if woke is not None and Kind.SYSTOLIC in windows:
        features.append(_surge(windows[Kind.SYSTOLIC], zone, woke))
    features += (found for daily in SHOWN if (found := _latest(days.get(daily.name))) is not None)
    return Judged(
        read=read,
        qualities={kind: quality(window) for kind, window in read.windows.items()},
        features=tuple(features),
        days=days,
        findings=scan_all(RULES, windows, zone=zone, days=days),
    )


def _surge(systolic: Window, zone: ZoneInfo, woke: time) -> Feature:
    """The morning surge of the last day with a pressure."""
    last = moment(systolic.times[-1]).astimezone(zone).date()
    return morning_surge(systolic, zone=zone, woke=datetime.combine(last, woke, zone))


def _latest(series: DailySeries | None) -> Feature | None:
    """The last day's number that there is, or why the last day has none."""
    if series is None or not len(series):
        return None
    known = [feature for feature in series.features if feature.value is not None]
    return known[-1] if known else series.features[-1]


def result(found: Judged, guideline: Guideline) -> dict[str, Any]:
    """Return everything `--json` prints: values in the unit of their kind, times in UTC."""
    read = found.read
    windows = read.windows.values()
    return {
        "file": read.name,
        "person": read.person or None,
        "people": list(read.people),
        "readings": len(read),
        "first": min(moment(one.times[0]) for one in windows).isoformat() if windows else None,
        "last": max(moment(one.times[-1]) for one in windows).isoformat() if windows else None,
        "zone": read.zone.key if read.zoned else None,
        "kinds": {kind.value: _kind_json(found, kind) for kind in read.windows},
        "features": [as_json.feature(feature) for feature in found.features],
        "pressure_category": _category(found, guideline),
        "days": {
            name: {
                day.isoformat(): _rounded(one) for day, one in zip(series.days, series.features, strict=True)
            }
            for name, series in found.days.items()
        },
        "findings": [as_json.finding(finding) for finding in found.findings],
        "not_judged": list(unjudged(read.judged)),
        "problems": list(read.problems),
    }


def _rounded(feature: Feature) -> float | None:
    return None if feature.value is None else float(feature.text)


def _kind_json(found: Judged, kind: Kind) -> dict[str, Any]:
    seen = found.qualities[kind]
    averages = kind in found.read.averages
    return {
        "unit": KINDS[kind].ucum,
        "readings": seen.readings,
        "usable": seen.usable,
        "coverage": None if averages else seen.coverage,
        "averages": averages,
        "problems": [] if averages else _problems(seen.problems),
    }


def _problems(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    """What is wrong, each sort once: how often, over how many readings, from when to when."""
    by_sort: dict[str, list[Problem]] = {}
    for one in problems:
        by_sort.setdefault(one.what, []).append(one)
    return [
        {
            "what": what,
            "times": len(ones),
            "readings": sum(one.count for one in ones),
            "start": ones[0].start.isoformat(),
            "end": max(one.end for one in ones).isoformat(),
            "longest_minutes": round(max(one.end - one.start for one in ones) / timedelta(minutes=1), 2),
        }
        for what, ones in by_sort.items()
    ]


def _category(found: Judged, guideline: Guideline) -> dict[str, Any] | None:
    """The category of the average at home; `None` where there is no such average (the feature says why)."""
    by_name = {feature.name: feature.value for feature in found.features}
    upper, lower = by_name.get("home_systolic"), by_name.get("home_diastolic")
    if upper is None or lower is None:
        return None
    return {
        "category": category(upper, lower, guideline).name,
        "guideline": guideline.name,
        "source": guideline.source,
        "home_source": guideline.home_source,
    }


def _woke(text: str | None) -> time | None:
    if text is None:
        return None
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--woke {text!r} is no time of day.", "Use one like 07:00.") from error


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"{name!r} is no time zone.", "Use a name like Europe/Berlin.") from error


@analyses.command("vitals")
def analyse_vitals(
    file: Annotated[
        Path, typer.Argument(help="CSV with times and vital signs, by column or by row; .gz too.")
    ],
    person: Annotated[
        str | None, typer.Option(help="Whose rows, as the file calls them; the first one's if left out.")
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(help="kg, lb, C, F, mg/dL, mmol/L, km, ... where the file does not say it; repeatable."),
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="The time zone of the file's clock, like Europe/Berlin.")
    ] = None,
    guideline: Annotated[
        str, typer.Option(help=f"By which pressure at home is put into a category: {', '.join(GUIDELINES)}.")
    ] = ESC_2024.name,
    woke: Annotated[
        str | None, typer.Option(help="When they woke on the last day, like 07:00: for the morning surge.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, with every finding's evidence.")] = False,
) -> None:
    """Vital signs of a file: what there is, how good it is, and what the rules find in it."""
    chosen = guideline_named(guideline)
    zone_, woke_ = _zone(zone), _woke(woke)
    with terminal.err.status("reading the file"):
        read = read_vitals(file, person=person or "", units=tuple(unit or ()), zone=zone_)
    if not read.windows:
        hint = (
            "Give a CSV file with a column `time` and one named like `heart rate`, `SpO2` or `glucose mg/dL`."
        )
        raise nothing_in(file.name, read.problems, hint)
    with terminal.err.status(f"asking the rules about {many(len(read), 'reading')}"):
        found = judged(read, woke_)
    if json:
        terminal.print_json(result(found, chosen))
    else:
        _show(found, chosen)
        for problem in found.read.problems[len(found.read.loud) :]:
            terminal.say(problem, "yellow")
        terminal.say(terminal.DISCLAIMER, "dim")


def _in_table(feature: Feature) -> bool:
    return feature.name in {f"{feature.kind}_{part}" for part in _STATISTICS}


def _heading(read: VitalsFile) -> str:
    """Whose readings these are, and from when to when."""
    words_ = [read.name]
    if read.person:
        several = len(read.people) > 1
        words_.append(f"{read.person}, of {len(read.people)} in the file" if several else read.person)
    if read.windows:
        windows = read.windows.values()
        first = moment(min(one.times[0] for one in windows))
        last = moment(max(one.times[-1] for one in windows))
        clock = read.zone.key if read.zoned else "the file's own clock"
        span = f"{terminal.day_and_clock(first, read.zone)}"
        if last > first:
            span += f" to {terminal.day_and_clock(last, read.zone)}"
        words_.append(f"{span} ({clock})")
    return ", ".join(words_)


def _show(found: Judged, guideline: Guideline) -> None:
    read = found.read
    terminal.out.print(terminal.cell(_heading(read), "bold"))
    for line in read.loud:
        terminal.out.print(terminal.cell(line, "bold red"))
    table = terminal.table_of("what", "readings", "latest", "mean", "range", "amiss", whole=_WIDEST)
    by_name = {one.name: one for one in found.features}
    for kind in read.windows:
        seen = found.qualities[kind]
        latest, mean, low, high, total = (by_name.get(f"{kind}_{part}") for part in _STATISTICS)
        cells = ["" if one is None or one.value is None else words.value(one) for one in (latest, mean)]
        if total is not None:
            cells[0] = f"in all {words.value(total)}"
        cells.append("" if low is None or high is None or low.value is None else f"{low.text}–{high.text}")
        count = (
            f"{seen.readings:,}" if seen.usable == seen.readings else f"{seen.usable:,} of {seen.readings:,}"
        )
        whats = () if kind in read.averages else (one.what for one in seen.problems)
        amiss = ", ".join(_SAID.get(what, what) for what in dict.fromkeys(whats))
        table.add_row(KINDS[kind].title, count, *cells, amiss)
    terminal.out.print(table)
    beside = [one for one in found.features if not _in_table(one)]
    for feature in beside:
        if feature.value is not None:
            terminal.out.print(terminal.cell(f"{words.title(feature)}: {words.value(feature)}"))
    why = {one.reason: words.title(one) for one in reversed(beside) if one.value is None}
    for reason, title in reversed(why.items()):  # each reason once, with the first that it is of
        terminal.out.print(terminal.cell(f"{title}: not known ({reason})", "dim"))
    named = _category(found, guideline)
    if named is not None:
        terminal.out.print(f"pressure at home: {named['category']} by {guideline.title}")
    if found.findings:
        terminal.out.print(terminal.findings_list(found.findings, read.zone))
    elif read.judged:
        terminal.out.print("No rule found anything.")
        for line in unjudged(read.judged):
            terminal.out.print(terminal.cell(f"  not judged: {line}", "dim"))
    else:
        terminal.out.print("Means and sums alone: there is nothing that a rule could judge.")
