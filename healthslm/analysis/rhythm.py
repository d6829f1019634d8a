"""What RR intervals say: heart-rate variability and how irregular the rhythm is.

Sources:
[1] Task Force of the ESC and NASPE. Heart rate variability: standards of measurement, physiological
    interpretation and clinical use. Circulation 1996;93:1043-1065. doi:10.1161/01.CIR.93.5.1043
[2] Petrėnas A, Marozas V, Sörnmo L. Low-complexity detection of atrial fibrillation in continuous long-term
    monitoring. Comput Biol Med 2015;65:184-191. doi:10.1016/j.compbiomed.2015.01.019
    (a three-point median keeps single ectopic beats from looking like irregularity)
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthslm.analysis.features import absent
from healthslm.readings import KINDS, Feature, Floats, Kind, Times, Window

BEATS = 64
"""Beats in one stretch that is judged as a whole; about a minute."""
STEP = 32
"""Beats from one judged stretch to the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """The irregularity of consecutive stretches of `BEATS` beats.

    `starts`, `ends`: shape `(n,)`, the first and last beat's time of each stretch; `irregularity`: shape
    `(n,)`, the mean absolute change from beat to beat as a share of the mean RR interval, after a three-point
    median [2]. Steady sinus rhythm is about 0.01 to 0.03.
    """

    starts: Times
    ends: Times
    irregularity: Floats


def _runs(window: Window) -> list[slice]:
    """Stretches of beats that follow each other without a hole in which beats were lost."""
    holds = KINDS[Kind.RR_INTERVAL].holds
    if not len(window) or holds is None:
        return []
    cuts = np.flatnonzero(np.diff(window.times) > np.timedelta64(holds)) + 1
    edges = [0, *cuts.tolist(), len(window)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def _median3(values: Floats) -> Floats:
    """The three-point median; shorter by two."""
    a, b, c = values[:-2], values[1:-1], values[2:]
    return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))


def rhythm(window: Window) -> Rhythm:
    """Judge how irregular the beats of a window of RR intervals are, stretch by stretch.

    Beats marked unusable, and holes between beats, end a stretch: nothing is judged across them.
    """
    good = window.usable()
    starts, ends, values = [], [], []
    for run in _runs(good):
        rr = good.values[run]
        times = good.times[run]
        if len(rr) < BEATS + 2:
            continue
        smooth = _median3(rr)  # smooth[i] belongs to beat i + 1
        change = np.abs(np.diff(smooth))
        sums = np.concatenate(([0.0], np.cumsum(change)))
        totals = np.concatenate(([0.0], np.cumsum(smooth)))
        # Backwards from the newest beat, so that the latest stretch is always among them.
        last = np.arange(len(smooth), BEATS - 1, -STEP)[::-1]
        first = last - BEATS
        mean_change = (sums[last - 1] - sums[first]) / (BEATS - 1)
        values.append(mean_change / ((totals[last] - totals[first]) / BEATS))
        starts.append(times[first + 1])
        ends.append(times[last])
    if not values:
        none = np.array([], dtype="datetime64[us]")
        return Rhythm(starts=none, ends=none, irregularity=np.array([], dtype=np.float64))
    return Rhythm(
        starts=np.concatenate(starts), ends=np.concatenate(ends), irregularity=np.concatenate(values)
    )


def _normal_to_normal(rr: Floats) -> NDArray[np.bool_]:
    """Mark intervals within 20 % of the median of their neighbourhood: the usual first filter for NN."""
    padded = np.pad(rr, 5, mode="edge")
    local = np.median(np.lib.stride_tricks.sliding_window_view(padded, 11), axis=1)
    return np.asarray(np.abs(rr - local) <= 0.2 * local)


def hrv(window: Window) -> tuple[Feature, ...]:
    """Return `mean_nn_ms`, `sdnn_ms` and `rmssd_ms` [1] of the normal-to-normal intervals in a window.

    `sdnn_ms` is over the whole window with n - 1 in the denominator; `rmssd_ms` uses successive intervals
    only, never across a hole. `None` under 64 intervals, and where more than a fifth are not normal: the
    variability of an irregular rhythm is not what these numbers mean.
    """
    names = ("mean_nn_ms", "sdnn_ms", "rmssd_ms")
    good = window.usable()

    def none(reason: str) -> tuple[Feature, ...]:
        return tuple(absent(n, window.kind, window.start, window.end, reason, unit="ms") for n in names)

    if len(good) < BEATS:
        return none(f"{len(good)} usable RR intervals, at least {BEATS} are needed")
    normal = _normal_to_normal(good.values)
    if normal.mean() < 0.8:
        return none(f"only {normal.mean():.0%} of the RR intervals are normal, 80 % are needed")
    successive = [np.diff(good.values[run])[normal[run][1:] & normal[run][:-1]] for run in _runs(good)]
    changes = np.concatenate(successive) if successive else np.array([])
    if not len(changes):
        return none("no two normal RR intervals follow each other")
    nn = good.values[normal]
    values = (float(nn.mean()), float(nn.std(ddof=1)), float(np.sqrt(np.mean(changes**2))))
    return tuple(
        Feature(
            name=name,
            kind=window.kind,
            value=value,
            unit="ms",
            start=window.start,
            end=window.end,
            coverage=good.coverage,
            count=len(nn),
            readings=(int(good.ids[0]), int(good.ids[-1])),
        )
        for name, value in zip(names, values, strict=True)
    )
