"""`healthslm analyse glucose`: the consensus' figures of a sensor's export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from healthslm.analysis.figure import Figure
from healthslm.analysis.forecast import HORIZON, fit, forecast
from healthslm.analysis.glucose import (
    PERCENTILES,
    Episode,
    Trace,
    episodes,
    insufficient,
    no_sensor,
    profile,
    sensor_figures,
    trace_of,
)
from healthslm.analysis.quality import quality
from healthslm.cli import terminal
from healthslm.cli.analyse import analyses, nothing_in
from healthslm.importers.glucose import GlucoseFile, read_glucose
from healthslm.importers.glucose_units import MG_PER_MMOL
from healthslm.readings import Window
from healthslm.text import many

_SHOWN = (
    ("mean", "mean glucose"),
    ("sd", "standard deviation"),
    ("cv", "coefficient of variation"),
    ("gmi", "glucose management indicator (GMI)"),
    ("ea1c", "estimated HbA1c"),
    ("tbr_level2", "below 54 mg/dL (3.0 mmol/L)"),
    ("tbr_level1", "54 to 69 mg/dL (3.0 to 3.8 mmol/L)"),
    ("tir", "70 to 180 mg/dL (3.9 to 10.0 mmol/L)"),
    ("tar_level1", "181 to 250 mg/dL (10.1 to 13.9 mmol/L)"),
    ("tar_level2", "above 250 mg/dL (13.9 mmol/L)"),
    ("mage", "MAGE"),
    ("lbgi", "LBGI"),
    ("hbgi", "HBGI"),
    ("gri", "glycemia risk index"),
    ("modd", "MODD"),
    ("episodes_low_level1", "episodes below 70 mg/dL, 15 minutes and more"),
    ("episodes_low_level2", "episodes below 54 mg/dL"),
    ("episodes_high_level1", "episodes above 180 mg/dL"),
    ("episodes_high_level2", "episodes above 250 mg/dL"),
)


def result(
    read: GlucoseFile, name: str, window: Window, trace: Trace, found: tuple[Figure, ...]
) -> dict[str, Any]:
    """Return everything `--json` prints; glucose in mg/dL, whichever unit the file is in.

    `window` and `trace` are the file's, `found` the trace's figures.
    """
    little = insufficient(trace)
    grid = None if no_sensor(trace) else trace.grid
    return {
        "file": name,
        "source": read.source,
        "unit": read.unit,
        "readings": len(trace),
        "first": _clock(trace.clock[0]) if len(trace) else None,
        "last": _clock(trace.clock[-1]) if len(trace) else None,
        "interval_minutes": trace.interval,
        "days": trace.days,
        "coverage": None if no_sensor(trace) else trace.active,
        "sufficient": not little,
        "insufficient_because": little,
        "low_words": read.low,
        "high_words": read.high,
        "metrics": {one.name: one.value for one in found},
        "units": {one.name: one.unit for one in found},
        "reasons": _reasons(trace, found),
        "agp": _profile(trace),
        "episodes": [] if grid is None else [_episode(one) for one in episodes(grid)],
        "forecast": _forecast(trace, window),
        "problems": [*read.problems, *_frozen(window)],
    }


def _frozen(window: Window) -> list[str]:
    """What a sensor that got stuck shows: hours of one and the same value."""
    return [
        f"from {one.start:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M} all of"
        f" {many(one.count, 'reading')} are the same to the last digit: a sensor that is stuck? They"
        " count in all figures"
        for one in quality(window).problems
        if one.what == "flat line"
    ]


def _reasons(trace: Trace, found: tuple[Figure, ...]) -> dict[str, str]:
    """Why there is no number, by name; of what needs more than single readings all at once."""
    reasons = {one.name: one.reason for one in found if one.value is None}
    if apart := no_sensor(trace):
        reasons |= dict.fromkeys(("mage", "modd", "conga_24", "episodes", "agp"), apart)
    elif trace.grid is None:
        why = "fewer than two readings" if len(trace) < 2 else "readings are more than 45 minutes apart"
        reasons |= dict.fromkeys(("mage", "modd", "conga_24", "episodes", "agp"), why)
    return reasons


def _clock(time: np.datetime64) -> str:
    return str(time.astype("M8[s]"))


def _episode(one: Episode) -> dict[str, Any]:
    return {
        "direction": one.direction,
        "level": one.level,
        "start": _clock(one.start),
        "end": _clock(one.end),
        "minutes": one.minutes,
        "mean": one.mean,
        "extreme": one.extreme,
        "open_ended": one.open_ended,
    }


def _profile(trace: Trace) -> dict[str, Any] | None:
    found = None if no_sensor(trace) else profile(trace)
    if found is None:
        return None
    rows = {
        f"p{wanted}": [None if np.isnan(v) else float(v) for v in row]
        for wanted, row in zip(PERCENTILES, found.values, strict=True)
    }
    times = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in found.minutes.tolist()]
    return {"time": times, **rows, "days": found.days.tolist()}


def _forecast(trace: Trace, window: Window) -> dict[str, Any]:
    """What is expected after the last reading, by the general model and this person's own readings."""
    model = fit(trace.minutes, trace.values) if len(trace) else None
    found = forecast(window) if model is None else forecast(window, model)
    names = ("value", "low", "high", "error")
    if found[0].value is None:
        return {"minutes": HORIZON, "reason": found[0].reason, **dict.fromkeys(names)}
    values = {key: one.value for key, one in zip(names, found, strict=True)}
    return {"minutes": HORIZON, "reason": "", **values}


@analyses.command("glucose")
def analyse_glucose(
    file: Annotated[
        Path, typer.Argument(help="CSV with time and glucose, or an export of Clarity or LibreView; .gz too.")
    ],
    unit: Annotated[
        str, typer.Option(help="mg/dL or mmol/L, where the file does not say it or says it wrongly.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """The consensus' figures of continuous glucose: times in ranges, GMI, variability, episodes, profile."""
    read = read_glucose(file, unit=unit)
    if not len(read) and not read.low and not read.high:
        raise nothing_in(
            file.name,
            read.problems,
            "Give a CSV file with a column of times and one named `glucose mg/dL` or `glucose mmol/L`.",
        )
    window = read.window()
    trace = trace_of(window, clock=read.clock)
    computed = sensor_figures(trace)
    found = result(read, file.name, window, trace, computed)
    if json:
        terminal.print_json(found)
        return
    by_name = {one.name: one for one in computed}
    table = terminal.table_of("glucose", "value")
    apart = no_sensor(trace)  # then said once below, not in every row
    for name, title in _SHOWN:
        one = by_name.get(name)
        if apart and (one is None or one.value is None):
            continue
        if one is None:
            shown = found["reasons"].get(name) or "no figure without readings"
        elif one.value is None:
            shown = one.reason
        else:
            shown = f"{one.value:,.{one.decimals}f} {one.unit}".strip()
            if name == "mean":
                shown += f" ({one.value / MG_PER_MMOL:.1f} mmol/L)"
        table.add_row(title, terminal.cell(shown))
    terminal.out.print(table)
    terminal.out.print(
        f"{many(len(trace), 'reading')} in {read.unit or 'no unit'},"
        f" {trace.days:.1f} days" + (f", {trace.active:.0%} of the time" if not apart else "")
    )
    if found["forecast"]["value"] is not None:
        ahead = found["forecast"]
        terminal.out.print(
            f"30 minutes after the last reading: {ahead['value']:.0f} mg/dL"
            f" ({ahead['low']:.0f} to {ahead['high']:.0f}; error {ahead['error']:.0f})"
        )
    if found["insufficient_because"]:
        terminal.say(f"Not enough to stand for this person: {found['insufficient_because']}.", "yellow")
    for problem in found["problems"]:
        terminal.say(problem, "yellow")
    terminal.say(terminal.DISCLAIMER, "dim")
