"""Non-linear heart-rate variability: Poincaré plot, sample entropy, detrended fluctuation analysis.

Sources:
[1] Brennan M, Palaniswami M, Kamen P. IEEE Trans Biomed Eng 2001;48:1342-1347. doi:10.1109/10.959330
[2] Richman JS, Moorman JR. Am J Physiol Heart Circ Physiol 2000;278:H2039-2049
[3] Peng CK, Havlin S, Stanley HE, Goldberger AL. Chaos 1995;5:82-87. doi:10.1063/1.166141
"""

from __future__ import annotations

import math

import numpy as np

from healthslm.readings import Floats

TOLERANCE = 0.2
"""Sample entropy's tolerance as a share of the standard deviation [2]."""
PIECE = 5000
"""Beats that sample entropy compares with each other; longer series give the mean of such pieces."""
SHORT, LONG = (4, 16), (17, 64)
"""Beats a box for the short- and the long-term exponent."""


def poincare(nn: Floats, before: Floats | None = None) -> dict[str, float]:
    """Return `sd1_ms`, `sd2_ms`, `sd2_sd1` and `ellipse_ms2` of NN intervals in ms [1]; n in the denominator.

    `before` are the intervals before each of `nn`, where some pairs do not follow each other.
    """
    x, y = (nn[:-1], nn[1:]) if before is None else (before, nn)
    sd1, sd2 = float((y - x).std() / math.sqrt(2)), float((y + x).std() / math.sqrt(2))
    ratio = sd2 / sd1 if sd1 else math.nan
    return {"sd1_ms": sd1, "sd2_ms": sd2, "sd2_sd1": ratio, "ellipse_ms2": math.pi * sd1 * sd2}


def sample_entropy(nn: Floats) -> float:
    """Return the sample entropy, m = 2, tolerance 0.2 of the standard deviation, closer than it counts [2].

    NaN when nothing matches. Time grows with the square of up to 5,000 beats, memory with the beats.
    """
    count = math.ceil(len(nn) / PIECE)
    if count > 1:
        return float(np.mean([sample_entropy(part) for part in np.array_split(nn, count)]))
    if len(nn) < 4:
        return math.nan
    tolerance = TOLERANCE * float(nn.std(ddof=1))
    two = three = 0
    for lag in range(1, len(nn) - 2):
        near = np.abs(nn[lag:] - nn[:-lag]) < tolerance
        pair = near[:-2] & near[1:-1]
        two += int(np.count_nonzero(pair))
        three += int(np.count_nonzero(pair & near[2:]))
    return -math.log(three / two) if two and three else math.nan


def dfa(nn: Floats, boxes: tuple[int, int]) -> float:
    """Return the scaling exponent over boxes of `boxes[0]` to `boxes[1]` beats that do not overlap [3].

    The fluctuation of a size is the mean of the boxes' root mean squares, as in the published reference
    values; other programs take the root of the mean square, which gives a smaller short-term exponent. NaN
    for a series shorter than two of the largest boxes or without any fluctuation.
    """
    low, high = boxes
    if len(nn) < 2 * high:
        return math.nan
    walk = np.cumsum(nn - nn.mean())
    sizes = np.arange(low, high + 1)
    fluctuation = np.empty(len(sizes))
    for index, size in enumerate(sizes.tolist()):
        parts = walk[: len(walk) // size * size].reshape(-1, size)
        parts = parts - parts.mean(axis=1, keepdims=True)
        t = np.arange(size) - (size - 1) / 2
        parts = parts - np.outer(parts @ t / (t @ t), t)
        fluctuation[index] = np.sqrt((parts**2).mean(axis=1)).mean()
    if not (fluctuation > 0).all():
        return math.nan
    x = np.log(sizes) - np.log(sizes).mean()
    return float(x @ np.log(fluctuation) / (x @ x))
