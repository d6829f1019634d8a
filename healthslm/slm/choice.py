"""Which token is written: the likeliest that may come, or one drawn from the likeliest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
_FEW = 64
_TOP_P = 0.9
_FAR = 25.0
"""A token so many temperatures below the likeliest is drawn once in 10¹¹ times: never, as far as 90 % go."""


def likeliest(scores: Scores) -> Iterator[int]:
    """Yield every token, the likeliest first, of equal ones the first.

    Sorts no more than it is asked for: mostly the first may come, and nothing is sorted at all.
    """
    yield int(scores.argmax())
    few = min(_FEW, len(scores))
    least = np.partition(scores, -few)[-few]
    top = np.flatnonzero(scores >= least)  # more than a few only where some are equal
    top = top[np.argsort(-scores[top], kind="stable")]
    yield from (int(token) for token in top[1:])
    rest = np.argsort(-scores, kind="stable")[len(top) :]
    yield from (int(token) for token in rest)


def choose(
    scores: Scores,
    may_come: Callable[[int], bool],
    *,
    temperature: float = 0.0,
    random: Random | None = None,
) -> int:
    """Take the likeliest token that may come; above temperature 0 draw from those that make up 90 %.

    `random` is Python's own: to load numpy's takes 5 MB.
    """
    if temperature <= 0 or random is None:
        return next(token for token in likeliest(scores) if may_come(token))
    top: list[int] = []
    for token in likeliest(scores):
        if top and (len(top) == _FEW or scores[token] < scores[top[0]] - _FAR * temperature):
            break  # where few may come, the rest of the vocabulary is not asked one by one
        if may_come(token):
            top.append(token)
    weights = np.exp((scores[top] - scores[top[0]]) / temperature)
    weights /= weights.sum()
    keep = int(np.searchsorted(np.cumsum(weights), _TOP_P)) + 1
    return int(random.choices(top[:keep], weights[:keep])[0])


def log_share(scores: Scores, token: int) -> float:
    """Return the logarithm of a token's share."""
    top = float(scores.max())
    return float(scores[token] - top - np.log(np.exp(scores - top).sum()))
