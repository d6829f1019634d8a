"""How much of a time had beats without order, stretch by stretch; that it was AF only an ECG shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

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

OF_PERIOD = "irregular_share_of_period"
"""The name of what the shares of several days come to."""
TOO_FEW = f"no quarter of an hour with {LEAST_MINUTES:.0f} minutes of usable RR intervals"
"""Why no share is known."""


def share(rr_ms: Floats) -> float:
    """Return the share of RR intervals in ms, shape `(n,)`, called AF, 0 to 1; 0 for a steady rhythm."""
    if len(rr_ms) < FEWEST:
        return 0.0
    smooth = median3(filled(rr_ms))
    if np.abs(np.diff(smooth)).mean() < REGULAR * smooth.mean():
        return 0.0
    return float(beats(rr_ms).mean())


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of the clock: the minutes its beats make up, and the share of them called AF.

    The share is computed when it is first asked for.
    """

    window: Window

    @cached_property
    def minutes(self) -> float:
        """How many minutes the RR intervals add up to."""
        return float(self.window.values.sum() / 60_000)

    @cached_property
    def share(self) -> float:
        """The share of the beats called AF, 0 to 1; 0 for a steady rhythm, which is not looked at closely."""
        return share(self.window.values)

    @cached_property
    def irregular(self) -> NDArray[np.bool_]:
        """Which beats are called AF, shape `(n,)`, also those of a short episode in a steady rhythm."""
        return beats(self.window.values)

    @cached_property
    def irregular_minutes(self) -> float:
        """How many minutes the beats called AF make up."""
        return float(self.window.values[self.irregular].sum() / 60_000)


class Stretches:
    """The beats of a window, stretch by stretch of the clock; each is judged once, when it is asked for.

    A stretch is judged by its own beats alone: what is said of it does not change with what comes after.
    `window` is one of RR intervals in ms; what is not usable is left out.
    """

    def __init__(self, window: Window, width: timedelta) -> None:
        self._beats = window.usable()
        self._width, self._width_us = width, width // timedelta(microseconds=1)
        numbers = micros(self._beats) // self._width_us
        first = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1 if len(numbers) else 0))
        self._numbers = numbers[first]
        self._judged: dict[int, Stretch] = {}

    def backwards(self, start: datetime, end: datetime) -> Iterator[Stretch]:
        """Yield the stretches with beats that lie wholly in `[start, end]`, the latest first."""
        first = np.searchsorted(self._numbers, -(-micro(start) // self._width_us))
        last = np.searchsorted(self._numbers, micro(end) // self._width_us)
        for place in range(int(last) - 1, int(first) - 1, -1):
            yield self._at(place)

    def _at(self, place: int) -> Stretch:
        judged = self._judged.get(place)
        if judged is None:
            start = moment(np.datetime64(int(self._numbers[place]) * self._width_us, "us"))
            judged = self._judged[place] = Stretch(window=self._beats.between(start, start + self._width))
        return judged


def minutes_of(stretches: Iterable[Stretch]) -> tuple[float, float]:
    """Return the minutes of beats that stretches make up, and those of the beats among them called AF."""
    both = [(one.minutes, one.irregular_minutes) for one in stretches]
    return sum(whole for whole, _ in both), sum(called for _, called in both)


def _judged(window: Window) -> list[Stretch]:
    """The quarters of an hour that lie wholly in the window and have minutes of beats enough, latest first.

    Each device by itself: the same beats told by two, one after the other, are no rhythm, and look steady
    where both show AF. Of several the least regular counts, as where the rules judge.
    """
    worst: dict[int, Stretch] = {}
    for own in window.by_device():
        for one in Stretches(own, QUARTER).backwards(own.start, own.end):
            quarter = micro(one.window.start)
            if one.minutes >= LEAST_MINUTES and (
                quarter not in worst or one.irregular_minutes > worst[quarter].irregular_minutes
            ):
                worst[quarter] = one
    return [worst[quarter] for quarter in sorted(worst, reverse=True)]


def irregular_share(window: Window) -> Feature:
    """Return `irregular_share_of_day`: of the minutes of beats those without order, in %.

    Of the quarters of an hour that lie wholly in the window and have five minutes of beats, as the rule of
    irregular rhythm judges them. Without a value, and with the reason, where there is none.
    """
    name = "irregular_share_of_day"
    judged = _judged(window)
    whole, called = minutes_of(judged)
    if not whole:
        return absent(name, window.kind, window.start, window.end, TOO_FEW, unit="%")
    count = sum(len(one.window) for one in judged)
    return of_window(name, 100 * called / whole, window.usable(), unit="%", decimals=0, count=count)


def judged_minutes(window: Window) -> Feature:
    """Return `judged_minutes_of_day`: the minutes of beats that `irregular_share` is a share of."""
    name = "judged_minutes_of_day"
    judged = _judged(window)
    if not judged:
        return absent(name, window.kind, window.start, window.end, TOO_FEW, unit="min")
    count = sum(len(one.window) for one in judged)
    minutes = sum(one.minutes for one in judged)
    return of_window(name, minutes, window.usable(), unit="min", decimals=0, count=count)


def least_regular(window: Window) -> Window | None:
    """Return the beats of the least regular quarter of an hour, from the first called AF to the last.

    `None` where no quarter has five minutes of such beats; of equal ones the latest.
    """
    most = max(_judged(window), key=lambda one: one.irregular_minutes, default=None)
    if most is None or most.irregular_minutes < LEAST_MINUTES:
        return None
    called = most.window.times[most.irregular]
    return most.window.between(moment(called[0]), moment(called[-1] + np.timedelta64(1, "us")))
