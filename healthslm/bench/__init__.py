"""What this machine does: tables of speed, memory and size, measured here and now.

`run` measures the whole, `bluetooth.run` the way from a wearable to a durable reading; those need the extra
`virtual`: the wearables are virtual, everything else is as in use. `store.run` measures the store, beside
others as far as the extra `bench` is there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from healthslm.bench.rows import Row

__all__ = ["Row", "run"]

Progress = Callable[[str], None]


def run(rhythm: Path, model: Path, *, repeat: int = 3, progress: Progress = lambda _what: None) -> list[Row]:
    """Measure the model, the way from the radio to the store, the size and the summary."""
    from healthslm.bench import machine  # noqa: PLC0415  imports Bumble

    return machine.run(rhythm, model, repeat=repeat, progress=progress)
