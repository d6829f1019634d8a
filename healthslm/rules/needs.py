"""What no rule could judge, and why: no finding is only as good as what there was to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import numpy as np

from healthslm.analysis import rolling_median
from healthslm.analysis.burden import QUARTER
from healthslm.analysis.pressure import sittings
from healthslm.analysis.quality import worn
from healthslm.readings import KINDS, Kind, Window
from healthslm.rules import heart_rate, lasting, pressure, rhythm

_BESIDE = (
    Kind.PULSE_RATE, Kind.MEAN_ARTERIAL, Kind.BODY_FAT, Kind.PERFUSION_INDEX, Kind.PULSE_INTERVAL, Kind.STEPS,
    Kind.ENERGY, Kind.DISTANCE, Kind.SPEED, Kind.CADENCE, Kind.SLEEP_DURATION,
)  # fmt: skip
"""Kinds that no rule judges by themselves."""
_PRESSURES = (Kind.SYSTOLIC, Kind.DIASTOLIC)


def unjudged(windows: Mapping[Kind, Window]) -> tuple[str, ...]:
    """Say of each kind of which no rule can have said anything what it lacks, a line each.

    Of an overview (`Window.step`), which is no reading by reading, nothing is said.
    """
    there = {k: windows[k] for k in Kind if k in windows and len(windows[k]) and windows[k].step is None}
    told = [f"{KINDS[kind].title}: {why}" for kind, window in there.items() if (why := _why(kind, window))]
    told += _pressure(there)
    beside = [KINDS[kind].title for kind in there if kind in _BESIDE]
    if beside:
        told.append(f"no rule judges these by themselves: {', '.join(beside)}")
    return tuple(told)


def _why(kind: Kind, window: Window) -> str:
    good = worn(window)
    if not len(good):
        return "" if kind in (*_BESIDE, *_PRESSURES) else "no usable reading"
    if kind is Kind.HEART_RATE and not heart_rate.judged(good):
        return (
            f"{_many(len(good))}; the rules need ten minutes of readings that follow each other, or five"
            " within half an hour"
        )
    if kind in (Kind.SPO2, Kind.RESPIRATORY_RATE) and not _lasts(good):
        return (
            f"{_many(len(good))}; the rules need five minutes of readings, or two that are a minute to half"
            " an hour apart"
        )
    if kind is Kind.TEMPERATURE and len(good) == 1:
        return "one reading; a fever would be told, a low temperature needs two that agree"
    if kind is Kind.RR_INTERVAL and good.times[-1] - good.times[0] < rhythm.OF * np.timedelta64(QUARTER):
        return f"{_many(len(good))}; the rule needs six quarters of an hour with enough beats"
    if kind is Kind.WEIGHT and len(np.unique(good.times.astype("M8[D]"))) == 1:
        return "one day; a gain needs a weight of a day before"
    return ""


def _covered(good: Window, width: timedelta, demand: float) -> bool:
    return len(rolling_median(good, width=width, demand=demand)[0]) > 0


def _lasts(good: Window) -> bool:
    apart = np.diff(good.times)
    pair = (apart >= np.timedelta64(1, "m")) & (apart <= np.timedelta64(30, "m"))
    return (
        bool(pair.any()) or _covered(good, lasting.WIDTH, lasting.DEMAND) or lasting.ended(good) is not None
    )


def _pressure(there: Mapping[Kind, Window]) -> Iterator[str]:
    upper, lower = (there.get(kind) for kind in _PRESSURES)
    if upper is None and lower is None:
        return
    if upper is None:
        yield "blood pressure: no systolic pressure"
        return
    if lower is None:
        yield "diastolic pressure: none; the systolic one is judged alone"
        return
    found = sittings(upper, lower)
    if not found:
        yield "blood pressure: no measurement with both pressures of one time"
    elif max(one.count for one in found) < pressure.MEASUREMENTS:
        yield (
            f"blood pressure: {_many(len(found))}, one at a time; an average needs two, a minute to half an"
            " hour apart. One alone is told only where it is extreme"
        )


def _many(count: int) -> str:
    return "one reading" if count == 1 else f"{count:,} readings"
