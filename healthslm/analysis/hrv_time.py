"""Time-domain heart-rate variability with the Task Force's names; NN intervals in ms.

Source: Task Force of the ESC and NASPE. Heart rate variability: standards of measurement, physiological
interpretation and clinical use. Circulation 1996;93:1043-1065. doi:10.1161/01.CIR.93.5.1043
"""

from __future__ import annotations

import numpy as np

from healthslm.readings import Floats

SEGMENT_MS = 300_000.0
"""SDANN and the SDNN index are of segments of five minutes."""
BIN_MS = 7.8125
"""Bins of the geometric measures: 1/128 s."""


def segments(nn: Floats, length: float = SEGMENT_MS) -> list[Floats]:
    """Cut a series into segments that last `length` ms at the most; the last, incomplete one is dropped."""
    ends = np.cumsum(nn)
    found, low = [], 0
    before = 0.0
    while low < len(nn) and ends[-1] - before > length:
        high = max(int(np.searchsorted(ends, before + length, side="right")), low + 1)
        found.append(nn[low:high])
        low, before = high, float(ends[high - 1])
    return found


def triangular_index(nn: Floats) -> float:
    """Return the number of intervals over the height of their histogram, bins of 1/128 s from 0."""
    counts = np.bincount((nn / BIN_MS).astype(np.int64))
    return float(len(nn) / counts.max())


def tinn_ms(nn: Floats) -> float:
    """Return the base of the triangle that fits the histogram best (least squares), in ms; bins of 1/128 s.

    Its peak is the histogram's; each foot is found by itself, for the two sides' errors do not depend on one
    another. NaN when all intervals fall into one bin.
    """
    counts = np.bincount((nn / BIN_MS).astype(np.int64)).astype(np.float64)
    peak = int(counts.argmax())

    def foot(side: Floats) -> int:
        """How many bins from the peak (`side[0]`) the triangle reaches."""
        steps = np.arange(len(side))
        errors = [
            float(((side - side[0] * np.clip(1 - steps / reach, 0, None)) ** 2).sum())
            for reach in range(1, len(side) + 1)
        ]
        return int(np.argmin(errors)) + 1

    if np.count_nonzero(counts) < 2:
        return float("nan")
    return (foot(counts[peak:]) + foot(counts[peak::-1])) * BIN_MS


def time_domain(nn: Floats, changes: Floats | None = None) -> dict[str, float]:
    """Return the time-domain figures of NN intervals in ms, shape `(n,)`, n at least 3.

    `changes` are the differences of successive intervals, where some pairs do not follow each other. SDNN and
    SDSD have n - 1 in the denominator. `sdsd_ms` is the Task Force's, of signed differences; `sdsd_abs_ms`
    that of their absolute values, which some programs print under the same name.
    """
    diff = np.diff(nn) if changes is None else changes
    size = np.abs(diff)
    nn50, nn20 = int((size > 50).sum()), int((size > 20).sum())
    found = {
        "mean_nn_ms": nn.mean(),
        "sdnn_ms": nn.std(ddof=1),
        "rmssd_ms": np.sqrt(np.mean(diff**2)),
        "sdsd_ms": diff.std(ddof=1),
        "sdsd_abs_ms": size.std(ddof=1),
        "nn50": nn50,
        "pnn50": 100 * nn50 / len(diff),
        "nn20": nn20,
        "pnn20": 100 * nn20 / len(diff),
        "triangular_index": triangular_index(nn),
        "tinn_ms": tinn_ms(nn),
    }
    parts = [part for part in segments(nn) if len(part) > 1]
    if len(parts) > 1:
        found["sdnn_index_ms"] = np.mean([part.std(ddof=1) for part in parts])
        found["sdann_ms"] = np.std([part.mean() for part in parts], ddof=1)
    return {name: float(value) for name, value in found.items()}
