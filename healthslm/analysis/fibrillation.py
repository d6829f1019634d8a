"""Atrial fibrillation from RR intervals alone, beat by beat.

A small convolutional network looks at 254 intervals on each side of every interval and says how likely AF
is. It learned the order of intervals from made-up rhythms and from annotated recordings
(`healthslm/training/fibrillation.py`); `healthslm eval af` puts it beside the published statistics. The
weights are 37 kB of plain numbers and are computed with numpy: an inference runtime would cost the process
that listens fifty times that.

RR intervals show that a rhythm has no order. That is AF mostly; it may be other things, and only an ECG shows
which.

Sources of its parts:
[1] Petrėnas A, Marozas V, Sörnmo L. Low-complexity detection of atrial fibrillation in continuous long-term
    monitoring. Comput Biol Med 2015;65:184-191. doi:10.1016/j.compbiomed.2015.01.019 (a three-point median
    keeps single ectopic beats from looking like irregularity)
[2] Bai S, Kolter JZ, Koltun V. An empirical evaluation of generic convolutional and recurrent networks for
    sequence modeling. arXiv:1803.01271 (dilated convolutions with a way around each)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from healthslm.readings import Floats

Weights = Mapping[str, NDArray[np.float32]]
"""`first`, `middle`, `last` and their biases, as `training/fibrillation.py` makes them."""
TAPS = 5
DILATIONS = (1, 2, 4, 8, 16, 32, 64)
REACH = TAPS // 2 * (1 + sum(DILATIONS))
"""Intervals on each side that have a say."""
ODDS = -1.0
"""Log-odds above which an interval is called AF, chosen on patients who were not learned from
(docs/rhythm.md): between most beats found and fewest false ones."""
FEWEST = 16
"""Fewer intervals than these show no order, and no lack of it."""
_SHORTEST, _LONGEST = 200.0, 3000.0
_PIECE = 2048
"""Intervals at a time: what they need stays in the processor's cache."""


def beats(rr_ms: Floats) -> NDArray[np.bool_]:
    """Say of every RR interval whether it is AF: shape `(n,)` in ms in, shape `(n,)` out.

    Consecutive intervals of one recording. What is not a number, and what is no interval of a living heart,
    is judged by its neighbours. All False below 16 intervals.
    """
    if len(rr_ms) < FEWEST or not np.isfinite(rr_ms).any():
        return np.zeros(len(rr_ms), dtype=np.bool_)
    return np.asarray(log_odds(rr_ms) > ODDS)


def log_odds(rr_ms: Floats, weights: Weights | None = None) -> Floats:
    """Return the log-odds of AF for every interval, shape `(n,)`; by the package's weights unless given."""
    weights = _weights() if weights is None else weights
    inputs = _inputs(filled(rr_ms))
    count = inputs.shape[1]
    # Piece by piece: the memory needed does not grow with the recording.
    return np.concatenate(
        [
            _network(inputs[:, max(at - REACH, 0) : at + _PIECE + REACH], weights)[
                min(at, REACH) : min(at, REACH) + min(_PIECE, count - at)
            ]
            for at in range(0, count, _PIECE)
        ]
    )


@cache
def _weights() -> Weights:
    with files("healthslm.analysis").joinpath("fibrillation.npz").open("rb") as file:
        return dict(np.load(file))


def filled(rr_ms: Floats) -> Floats:
    """Return the intervals without holes, shape `(n,)`: filled from the neighbours, and 200 to 3000 ms."""
    bad = ~np.isfinite(rr_ms)
    if bad.any():
        rr_ms = rr_ms.copy()
        rr_ms[bad] = np.interp(np.flatnonzero(bad), np.flatnonzero(~bad), rr_ms[~bad])
    return np.clip(rr_ms, _SHORTEST, _LONGEST)


def median3(values: Floats) -> Floats:
    """Return the median of each value and its two neighbours [1], shape `(n,)`; at the ends the values."""
    padded = np.pad(values, 1, mode="edge")
    a, b, c = padded[:-2], padded[1:-1], padded[2:]
    return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))


def _inputs(rr: Floats) -> NDArray[np.float32]:
    """What the network is given, shape `(5, n)`: the interval, its change, and the change of the median."""
    log = np.log(rr / 800.0)
    change, smooth = (np.diff(x, prepend=x[0]) for x in (log, median3(log)))
    return np.stack(
        (log, 4 * change, 6 * smooth, np.tanh(12 * np.abs(change)), np.tanh(20 * np.abs(smooth)))
    ).astype(np.float32)


def _network(inputs: NDArray[np.float32], weights: Weights) -> Floats:
    x = np.maximum(_convolved(inputs, weights["first"], weights["first_bias"], 1), 0)
    for kernel, bias, dilation in zip(weights["middle"], weights["middle_bias"], DILATIONS, strict=True):
        x += np.maximum(_convolved(x, kernel, bias, dilation), 0)
    out = weights["last"][:, :, 0] @ x + weights["last_bias"][:, None]
    return np.asarray(out[0], dtype=np.float64)


def _convolved(
    x: NDArray[np.float32], kernel: NDArray[np.float32], bias: NDArray[np.float32], dilation: int
) -> NDArray[np.float32]:
    """Convolve `(channels, n)` with `(out, channels, taps)`, zeros around it; shape `(out, n)`."""
    count = x.shape[1]
    side = TAPS // 2 * dilation
    padded = np.zeros((x.shape[0], count + 2 * side), dtype=np.float32)
    padded[:, side : side + count] = x
    out = np.repeat(bias[:, None], count, axis=1)
    for tap in range(TAPS):
        out += np.ascontiguousarray(kernel[:, :, tap]) @ padded[:, tap * dilation : tap * dilation + count]
    return out
