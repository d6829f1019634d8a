"""How much of a time had beats without order, stretch by stretch; that it was AF only an ECG shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from healthslm.analysis.features import absent, of_window
from healthslm.analysis.fibrillation import FEWEST, beats, filled, median3
from healthslm.readings import Feature, Floats, Window, micro, micros, moment

REGULAR = 0.03
"""Mean change of the three-point median from beat to beat over the mean interval, under which the network
need not be asked: of the recordings' quarters of an hour under it (two in three) none has half of its
beats called AF, so none could count as irregular."""

QUARTER = timedelta(minutes=15)
LEAST_MINUTES = 5.0
"""A quarter of an hour with fewer minutes of beats is not judged, unless somebody set another number."""


def share(rr_ms: Floats) -> float:
    """Return the share of RR intervals in ms, shape `(n,)`, called AF, 0 to 1; 0 for a steady rhythm."""
    if len(rr_ms) < FEWEST:
        return 0.0
    smooth = median3(filled(rr_ms))
    if np.abs(np.diff(smooth)).mean() < REGULAR * smooth.mean():
        return 0.0
    return float(beats(rr_ms).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of the clock: the share of its beats called AF, and the minutes its beats make up."""

    window: Window
    share: float
    minutes: float


class Stretches:
    """The beats of a window, stretch by stretch of the clock; each is judged once, when it is asked for.

    A stretch is judged by its own beats alone: what is said of it does not change with what comes after.
    `window` is one of RR intervals in ms; what is not usable is left out.
    """

    def __init__(self, window: Window, width: timedelta) -> None:
        self._beats = window.usable()
        self._width = width
        numbers = micros(self._beats) // (width // timedelta(microseconds=1))
        first = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1 if len(numbers) else 0))
        self._numbers = numbers[first]
        self._judged: dict[int, Stretch] = {}

    def backwards(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        """Yield the stretches with beats that lie wholly in `[start, end]`, the latest first."""
        step = self._width // timedelta(microseconds=1)
        low, high = (micro(at) for at in (start, end))
        first = np.searchsorted(self._numbers, -(-low // step))
        last = np.searchsorted(self._numbers, high // step)
        for place in range(int(last) - 1, int(first) - 1, -1):
            yield self._at(place)

    def _at(self, place: int) -> Stretch:
        judged = self._judged.get(place)
        if judged is None:
            start = moment(
                np.datetime64(int(self._numbers[place] * (self._width // timedelta(microseconds=1))), "us")
            )
            window = self._beats.between(start, start + self._width)
            judged = self._judged[place] = Stretch(
                window=window,
                share=share(window.values),
                minutes=float(window.values.sum() / 60_000),
            )
        return judged


def minutes_of(stretches: Iterable[Stretch]) -> tuple[float, float]:
    """Return the minutes of beats that stretches make up, and those of the beats among them called AF."""
    both = [(one.minutes, one.minutes * one.share) for one in stretches]
    return sum(whole for whole, _ in both), sum(called for _, called in both)


def irregular_share(window: Window) -> Feature:
    """Return `irregular_share_of_day`: of the minutes of beats those without order, in %.

    Of the quarters of an hour that lie wholly in the window and have five minutes of beats, as the rule of
    irregular rhythm judges them. Without a value, and with the reason, where there is none.
    """
    name = "irregular_share_of_day"
    stretches = Stretches(window, QUARTER).backwards(window.start, window.end)
    judged = [one for one in stretches if one.minutes >= LEAST_MINUTES]
    whole, called = minutes_of(judged)
    if not whole:
        why = f"no quarter of an hour with {LEAST_MINUTES:.0f} minutes of usable RR intervals"
        return absent(name, window.kind, window.start, window.end, why, unit="%")
    count = sum(len(one.window) for one in judged)
    return of_window(name, 100 * called / whole, window.usable(), unit="%", decimals=0, count=count)
