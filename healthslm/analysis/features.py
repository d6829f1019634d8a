"""Plain statistics of a window as features: latest, mean, min, max, total, each with its readings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np

from healthslm.readings import KINDS, Feature, Kind, Window, moment


def absent(name: str, kind: Kind, start: datetime, end: datetime, reason: str, *, unit: str = "") -> Feature:
    """Return the feature that could not be computed, with its reason."""
    return Feature(name=name, kind=kind, value=None, unit=unit, start=start, end=end, reason=reason)


def of_window(
    name: str,
    value: float,
    window: Window,
    *,
    unit: str | None = None,
    decimals: int | None = None,
    count: int | None = None,
) -> Feature:
    """Return the feature that was computed from all readings of a window: it stands on the first to the last.

    Unit and decimals are those of the window's kind unless given; `count` is how many readings went in.
    """
    info = KINDS[window.kind]
    return Feature(
        name=name,
        kind=window.kind,
        value=value,
        unit=info.ucum if unit is None else unit,
        decimals=info.decimals if decimals is None else decimals,
        start=window.start,
        end=window.end,
        coverage=window.coverage,
        count=len(window) if count is None else count,
        readings=(int(window.ids[0]), int(window.ids[-1])) if len(window) else (),
    )


def _why_empty(window: Window) -> str:
    """Say why a window has nothing to compute with."""
    title = KINDS[window.kind].title
    if not len(window):
        return f"no {title} reading in this period"
    return f"none of the {len(window)} {title} readings could be used (no contact, implausible or faulty)"


def _feature(window: Window, name: str, index: int, *, decimals: int) -> Feature:
    """The feature that is one reading of the window."""
    return Feature(
        name=f"{window.kind}_{name}",
        kind=window.kind,
        value=float(window.values[index]),
        unit=KINDS[window.kind].ucum,
        decimals=decimals,
        start=window.start,
        end=window.end,
        coverage=window.coverage,
        count=len(window),
        readings=(int(window.ids[index]),),
        at=moment(window.times[index]),
    )


def extreme(window: Window, which: str) -> Feature:
    """Return the `latest`, `min` or `max` usable reading of a window; of equal ones the first."""
    pick: Callable[[Window], int] = {
        "latest": lambda w: len(w) - 1,
        "min": lambda w: int(np.argmin(w.values)),
        "max": lambda w: int(np.argmax(w.values)),
    }[which]
    good = window.usable()
    if not len(good):
        name = f"{window.kind}_{which}"
        unit = KINDS[window.kind].ucum
        return absent(name, window.kind, window.start, window.end, _why_empty(window), unit=unit)
    return _feature(good, which, pick(good), decimals=KINDS[window.kind].decimals)


def mean(window: Window) -> Feature:
    """Return the arithmetic mean of the usable readings, in the kind's unit."""
    info = KINDS[window.kind]
    good = window.usable()
    name = f"{window.kind}_mean"
    if not len(good):
        return absent(name, window.kind, window.start, window.end, _why_empty(window), unit=info.ucum)
    return of_window(name, float(np.mean(good.values)), good)


def total(window: Window) -> Feature:
    """Return the sum of the usable readings of a kind that adds up: steps, energy, distance, sleep."""
    info = KINDS[window.kind]
    good = window.usable()
    name = f"{window.kind}_total"
    if not len(good):
        return absent(name, window.kind, window.start, window.end, _why_empty(window), unit=info.ucum)
    return of_window(name, float(np.sum(good.values)), good)


def describe(window: Window) -> tuple[Feature, ...]:
    """Return latest, mean, min and max of a window, in that order.

    Of a kind that adds up its total alone, for one amount says nothing; of a waveform nothing.
    """
    info = KINDS[window.kind]
    if info.waveform:
        return ()
    if info.adds:
        return (total(window),)
    return extreme(window, "latest"), mean(window), extreme(window, "min"), extreme(window, "max")
