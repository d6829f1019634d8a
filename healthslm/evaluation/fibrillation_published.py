"""Two published detectors of atrial fibrillation from RR intervals, to be compared with.

Written from the papers' equations, with the papers' parameters:
[1] Petrėnas A, Marozas V, Sörnmo L. Low-complexity detection of atrial fibrillation in continuous long-term
    monitoring. Comput Biol Med 2015;65:184-191. doi:10.1016/j.compbiomed.2015.01.019
[2] Zhou X, Ding H, Wu W, Zhang Y. A real-time atrial fibrillation detection algorithm based on the
    instantaneous state of heart rate. PLoS ONE 2015;10(9):e0136544. doi:10.1371/journal.pone.0136544
Both look back from each beat, as in the papers; they are given the same beats as ours.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from healthslm.analysis.fibrillation import filled, median3
from healthslm.readings import Floats

_SMOOTH, _CLOSE, _BEATS, _BIGEMINY, _LIMIT = 0.02, 0.03, 8, 2e-4, 0.725
"""[1]: smoothing of the averages, closeness in s, window in beats, bigeminy's limit, and the limit of AF."""
_SYMBOLS, _WORDS, _ENTROPY = 63, 127, 0.639
"""[2]: symbols of 5 bpm each, words in a window, and the limit of the normalised entropy."""


def petrenas(rr_ms: Floats) -> NDArray[np.bool_]:
    """Return for every interval whether [1] calls it AF, shape `(n,)`."""
    rr = filled(rr_ms) / 1000
    smooth = median3(rr)
    mean = _average(rr)
    near = _back(smooth, _BEATS)
    apart = np.zeros(len(rr))
    for j, k in itertools.combinations(range(_BEATS), 2):
        apart += np.abs(near[:, j] - near[:, k]) >= _CLOSE
    irregular = _average(apart * 2 / (_BEATS * (_BEATS - 1))) / mean
    ratio = near.sum(axis=1) / _back(rr, _BEATS).sum(axis=1)
    bigeminy = _average((ratio - 1) ** 2)
    return np.asarray(np.where(bigeminy >= _BIGEMINY, irregular, bigeminy) > _LIMIT)


def zhou(rr_ms: Floats) -> NDArray[np.bool_]:
    """Return for every interval whether [2] calls it AF, shape `(n,)`."""
    rate = 60_000 / filled(rr_ms)
    symbol = np.where(rate >= 5 * _SYMBOLS, _SYMBOLS, np.floor(rate / 5)).astype(np.int64)
    before = np.pad(symbol, (2, 0), mode="edge")
    _, word = np.unique((before[:-2] << 12) + (before[1:-1] << 6) + before[2:], return_inverse=True)
    padded = np.pad(word, (_WORDS - 1, 0), mode="edge")
    counts = np.bincount(padded[:_WORDS], minlength=int(word.max()) + 1)
    size = np.arange(_WORDS + 1)
    term = size * np.log2(np.maximum(size, 1))
    found = np.zeros(len(word), dtype=np.bool_)
    total, kinds = float(term[counts].sum()), int((counts > 0).sum())
    for i in range(len(word)):
        if i:
            for which, step in ((padded[i - 1], -1), (padded[i + _WORDS - 1], 1)):
                old = counts[which]
                counts[which] = old + step
                total += term[old + step] - term[old]
                kinds += int(old == 0) - int(old + step == 0)
        entropy = np.log2(_WORDS) - total / _WORDS
        found[i] = kinds / _WORDS * entropy / np.log2(_WORDS) > _ENTROPY
    return found


def _average(values: Floats) -> Floats:
    """The exponential average of [1], forwards."""
    out = np.empty_like(values)
    level = values[0]
    for i, value in enumerate(values.tolist()):
        level += _SMOOTH * (value - level)
        out[i] = level
    return out


def _back(values: Floats, count: int) -> Floats:
    """Each value with those before it, shape `(n, count)`."""
    return sliding_window_view(np.pad(values, (count - 1, 0), mode="edge"), count)
