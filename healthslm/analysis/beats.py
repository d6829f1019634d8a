"""From RR intervals to normal-to-normal (NN) intervals: which are normal, and which follow each other.

Sources:
[1] Task Force of the ESC and NASPE. Circulation 1996;93:1043-1065. doi:10.1161/01.CIR.93.5.1043
[2] Piskorski J, Guzik P. Filtering Poincaré plots. Comput Methods Sci Technol 2005;11:39-48 (the quotient
    filter: a beat 20 % off both its neighbours). Only short-then-long counts here, as a premature beat and
    its pause are: wide breathing arrhythmia is left whole.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from healthslm.readings import KINDS, UNUSABLE, Floats, Kind, Window, micros

Bools = NDArray[np.bool_]
PREMATURE = 0.8
"""Shorter than this share of the interval before and of the one after: a premature beat [2]."""
MISSED, EXTRA = 1.7, 0.5
"""Shares of the neighbours' median beyond which a beat was missed, or was none; respiration stays within."""
LOCAL = 11
"""Intervals of the median that an interval is held against."""
FIVE_US = 300_000_000
OFF = 0.2
"""An interval this share off its neighbours' median counts as irregular: the usual 20 % filter [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """RR intervals in ms with what is known of each; arrays of shape `(n,)`.

    `usable` is false for what no heart made or the sensor doubted, `ectopic` true for premature beats,
    `normal` false for those, the pauses after them, and artefacts. `follows` is true where nothing was lost
    between an interval and the one before. `irregular`: share of usable intervals more than 20 % off their
    neighbours' median; sinus rhythm with wide breathing is below 0.1, atrial fibrillation 0.25 and more.
    """

    rr: Floats
    usable: Bools
    ectopic: Bools
    normal: Bools
    follows: Bools
    irregular: float

    @property
    def nn(self) -> Floats:
        """The normal-to-normal intervals, shape `(m,)`."""
        return self.rr[self.normal]

    @property
    def successive(self) -> Bools:
        """Where an interval and the one before it are both normal, with nothing lost between; `(n,)`."""
        both = self.normal & self.follows
        both[1:] &= self.normal[:-1]
        both[:1] = False
        return both

    @property
    def changes(self) -> Floats:
        """Differences of successive normal intervals in ms, never across a hole; shape `(k,)`."""
        at = np.flatnonzero(self.successive)
        return np.asarray(self.rr[at] - self.rr[at - 1])

    @property
    def share(self) -> float:
        """Share of all intervals that are normal, 0 to 1."""
        return float(self.normal.mean()) if len(self.normal) else 0.0


def local_median(rr: Floats) -> Floats:
    """The median of the `LOCAL` intervals around each, shape `(n,)`; fewer at the ends of a short series."""
    pad = min(LOCAL // 2, len(rr) - 1)
    if pad < 1:
        return rr
    around = sliding_window_view(np.pad(rr, pad, mode="reflect"), 2 * pad + 1)
    # The number is odd: the middle one is the median, at a quarter of what `median` takes for many rows.
    return np.asarray(np.partition(around, pad, axis=1)[:, pad])


def premature(rr: Floats) -> Bools:
    """Mark intervals that end in a premature beat: short against the one before and the one after; `(n,)`.

    Holds in bigeminy too, where a local median knows no normal beat. A premature beat without a pause
    (interpolated), and one that is hardly early, is not seen: RR intervals alone do not show it.
    """
    found = np.zeros(len(rr), dtype=np.bool_)
    found[1:-1] = (rr[1:-1] < PREMATURE * rr[:-2]) & (rr[1:-1] < PREMATURE * rr[2:])
    return found


def beats_of(rr: Floats, *, usable: Bools | None = None, follows: Bools | None = None) -> Beats:
    """Judge a series of RR intervals in ms, shape `(n,)`.

    What is outside of the plausible range of an RR interval, or no number, is never usable. After an unusable
    interval a new run begins, as after a hole (`follows` false). Nothing is judged across.
    """
    info = KINDS[Kind.RR_INTERVAL]
    with np.errstate(invalid="ignore"):
        good = np.asarray((rr >= info.low) & (rr <= info.high))
    if usable is not None:
        good &= usable
    linked = np.ones(len(rr), dtype=np.bool_) if follows is None else follows.copy()
    linked[:1] = False
    linked[1:] &= good[:-1] & good[1:]
    ectopic = np.zeros(len(rr), dtype=np.bool_)
    normal = good.copy()
    index = np.flatnonzero(good)
    starts = np.flatnonzero(~linked[index])
    off = 0
    for first, last in itertools.pairwise([*starts.tolist(), len(index)]):
        run = slice(int(index[first]), int(index[last - 1]) + 1)
        part = rr[run]
        middle = local_median(part)
        early = premature(part)
        ectopic[run] = early
        wrong = early | (part > MISSED * middle) | (part < EXTRA * middle)
        wrong[1:] |= early[:-1]  # the pause
        normal[run] = ~wrong
        off += int((np.abs(part - middle) > OFF * middle).sum())
    return Beats(
        rr=rr,
        usable=good,
        ectopic=ectopic,
        normal=normal,
        follows=linked,
        irregular=off / len(index) if len(index) else 0.0,
    )


def beats_in(window: Window) -> Beats:
    """Judge a window of RR intervals; a hole longer than a reading speaks for ends a run."""
    holds = KINDS[window.kind].holds
    follows = np.ones(len(window), dtype=np.bool_)
    if len(window) and holds is not None:
        follows[1:] = np.diff(window.times) <= np.timedelta64(holds)
    return beats_of(window.values, usable=(window.quality & int(UNUSABLE)) == 0, follows=follows)


def of_one_device(window: Window) -> Window:
    """Return the beats of one device in every five minutes: the same told by two would be pairs of equals.

    It is that with the most beats of all, where it has at least half as many as the best of them.
    """
    if window.devices is None or not len(window):
        return window
    good = ((window.quality & int(UNUSABLE)) == 0).astype(np.int64)
    _, which = np.unique(window.devices, return_inverse=True)
    _, place = np.unique(micros(window) // FIVE_US, return_inverse=True)
    counts = np.zeros((int(place.max()) + 1, int(which.max()) + 1), np.int64)
    np.add.at(counts, (place, which), good)
    order = np.argsort(-counts.sum(axis=0), kind="stable")
    enough = 2 * counts[:, order] >= counts.max(axis=1, keepdims=True)
    return window.where(which == order[enough.argmax(axis=1)][place])
