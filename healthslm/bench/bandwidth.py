"""How fast this machine reads memory: what bounds writing, which reads every weight for each token."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_FLOATS = 32 << 20
"""Of each thread: 128 MB, far more than any cache."""


def gigabytes_per_s(threads: int, rounds: int = 5) -> float:
    """Read a large array in every thread at once; return the fastest of some rounds, in GB/s."""
    parts = [np.ones(_FLOATS, dtype=np.float32) for _ in range(threads)]

    def read(part: np.ndarray) -> float:
        return float(part.max())  # one comparison a number: less than the memory takes to bring it

    fastest = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            began = time.perf_counter()
            list(pool.map(read, parts))
            fastest = max(fastest, sum(p.nbytes for p in parts) / (time.perf_counter() - began))
    return fastest / 1e9
