"""From the numbers in a file to windows: each time once, marked what no living person's sensor shows."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.quality import OFF_CODES
from healthslm.importers.clock import each_once
from healthslm.importers.lines import named
from healthslm.readings import KINDS, Floats, Ints, Kind, Quality, Times, Window, moment

_SKIN_BELOW, _SKIN_DAYS, _SKIN_LEAST = 35.0, np.timedelta64(1, "D"), 7
"""A median of a day and more below this is a wrist's: nobody has hypothermia for days and writes it down."""
_SENSOR_LEAST, _SENSOR_EVERY = 12, timedelta(minutes=15, seconds=30)


def windows_of(made: dict[Kind, tuple[Times, Floats, Ints]], problems: list[str]) -> dict[Kind, Window]:
    """Return the windows of what a file holds by kind (times, values, lines), all over the same time."""
    made = _of_a_sensor(made, problems)
    made = {kind: rows for kind, rows in made.items() if not _of_skin(kind, *rows[:2], problems)}
    if not made:
        return {}
    start = moment(min(times[0] for times, _, _ in made.values()))
    end = moment(max(times[-1] for times, _, _ in made.values())) + timedelta(microseconds=1)
    windows = {
        kind: Window(
            kind=kind,
            start=start,
            end=end,
            times=times,
            values=values,
            ids=lines,
            quality=_quality(kind, values, lines, problems),
        )
        for kind, (times, values, lines) in made.items()
    }
    return {kind: windows[kind] for kind in Kind if kind in _cuffs(_oximeter(windows), problems)}


def _of_a_sensor(
    made: dict[Kind, tuple[Times, Floats, Ints]], problems: list[str]
) -> dict[Kind, tuple[Times, Floats, Ints]]:
    """Take a glucose every quarter of an hour and more often for a sensor's: nobody pricks a finger so."""
    times = made[Kind.GLUCOSE][0] if Kind.GLUCOSE in made else None
    if times is None or Kind.SENSOR_GLUCOSE in made or len(times) < _SENSOR_LEAST:
        return made
    if np.median(np.diff(times)) > np.timedelta64(_SENSOR_EVERY):
        return made
    problems.append("glucose: so close together they are a sensor's; taken as such")
    return {Kind.SENSOR_GLUCOSE if kind is Kind.GLUCOSE else kind: rows for kind, rows in made.items()}


def once(
    times: Times, values: Floats, lines: Ints, kind: Kind, problems: list[str]
) -> tuple[Times, Floats, Ints]:
    """Each time once; of several values at one time that of the later line."""
    again = np.lexsort((lines, times))
    times, values, lines = times[again], values[again], lines[again]
    last = each_once(times, values, lines, problems, what=KINDS[kind].title)
    return times[last], values[last], lines[last]


def _of_skin(kind: Kind, times: Times, values: Floats, problems: list[str]) -> bool:
    """Whether temperatures are a wrist's by their values; then they are told of, and not used."""
    if kind is not Kind.TEMPERATURE or len(values) < _SKIN_LEAST or times[-1] - times[0] < _SKIN_DAYS:
        return False
    there = values[(values >= KINDS[kind].low) & (values <= KINDS[kind].high)]
    if len(there) < _SKIN_LEAST or float(np.median(there)) >= _SKIN_BELOW:
        return False
    problems.append(
        f"temperature: half of it below {np.median(there):.1f} °C, over days: of the skin, colder than the"
        " body; not used"
    )
    return True


def _quality(kind: Kind, values: Floats, lines: Ints, problems: list[str]) -> NDArray[np.int16]:
    """Mark what is not to be computed with, and name it."""
    info = KINDS[kind]
    off = np.isin(values, OFF_CODES.get(kind, ()))
    outside = ~((values >= info.low) & (values <= info.high))
    if off.any():
        codes = ", ".join(f"{code:g}" for code in np.unique(values[off]))
        problems.append(
            f"{info.title}, {named(sorted(lines[off].tolist()))}: {codes} is a sensor that is off; marked,"
            " not computed with"
        )
    if (outside & ~off).any():
        problems.append(
            f"{info.title}, {named(sorted(lines[outside & ~off].tolist()))}: outside of {info.low:g} to"
            f" {info.high:g} {info.unit}; marked, not computed with"
        )
    return np.where(off, int(Quality.NOT_WORN), 0).astype(np.int16) | np.where(
        outside, int(Quality.IMPLAUSIBLE), 0
    ).astype(np.int16)


def _cuffs(windows: dict[Kind, Window], problems: list[str]) -> dict[Kind, Window]:
    """Mark pressures of one time whose systolic is not above its diastolic: no cuff measured that."""
    if Kind.SYSTOLIC not in windows or Kind.DIASTOLIC not in windows:
        return windows
    upper, lower = windows[Kind.SYSTOLIC], windows[Kind.DIASTOLIC]
    _, first, second = np.intersect1d(upper.times, lower.times, return_indices=True)
    wrong = upper.values[first] <= lower.values[second]
    fine = (upper.quality[first] == 0) & (lower.quality[second] == 0)
    if (wrong & fine).any():
        where = named(sorted(upper.ids[first[wrong & fine]].tolist()))
        problems.append(f"blood pressure, {where}: systolic not above diastolic; marked, not computed with")
    upper.quality[first[wrong]] |= int(Quality.IMPLAUSIBLE)
    lower.quality[second[wrong]] |= int(Quality.IMPLAUSIBLE)
    return windows


def _oximeter(windows: dict[Kind, Window]) -> dict[Kind, Window]:
    """Mark a heart rate that is the same code as the saturation of that time: both are of an empty sensor."""
    spo2 = windows.get(Kind.SPO2)
    for kind in (Kind.HEART_RATE, Kind.PULSE_RATE):
        rate = windows.get(kind)
        if spo2 is not None and rate is not None:
            _, first, second = np.intersect1d(spo2.times, rate.times, return_indices=True)
            off = np.isin(spo2.values[first], OFF_CODES[Kind.SPO2])
            same = off & (rate.values[second] == spo2.values[first])
            rate.quality[second[same]] |= int(Quality.NOT_WORN)
    return windows
