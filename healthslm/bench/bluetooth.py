"""The way from a wearable to a durable reading, beside a bare bleak callback in the same run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from healthslm.bench import cost, decoding, first
from healthslm.bench.rows import Row, row
from healthslm.bench.soak import Soaked, soak

Progress = Callable[[str], None]
_MB = 1e6
FLAT_MB = 5.0
"""What memory may grow by over a thousand losses: 5 kB a connection is Bumble's own garbage and Python's."""


def run(
    *, repeat: int = 3, losses: int = 1000, seconds: float = 20, progress: Progress = lambda _what: None
) -> list[Row]:
    """Measure everything and return the table's rows.

    `seconds` is how long many devices are listened to at once, `losses` how often a link is lost.
    """
    progress("decoding")
    rows = decoding.run(repeat)
    progress("what a notification costs")
    rows += cost.share(repeat)
    progress(f"many devices at once, for {2 * seconds:.0f} s")
    rows += cost.together(1, seconds=seconds)
    progress("the start")
    rows += first.run(repeat)
    progress(f"{losses} losses of the link")
    rows += soaked(asyncio.run(soak(losses)))
    return rows


def soaked(result: Soaked) -> list[Row]:
    """Say what came of losing the link: what is in doubt, how long the returns took, what grew."""
    what = f"{result.losses} losses and {result.attempts} failed attempts"
    tally = result.tally
    return [
        row(
            f"{what}: readings unaccounted for",
            "",
            [float(result.unaccounted + tally.dropped + tally.unsaved + tally.refused)],
            most=0,
        ),
        row(f"{what}: back after", "s", list(result.back), 3),
        row(f"{what}: longest beyond the back-off", "s", [max(result.late)], 3, most=1),
        row(f"{what}: descriptors more", "", [float(result.descriptors)], most=0),
        row(f"{what}: memory more", "MB", [result.memory / _MB], 1, most=FLAT_MB),
    ]
