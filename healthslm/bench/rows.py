"""One line of a bench's table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What, how much, and in which unit; `runs` are the single values, `reach` what it should come to.

    `met` says whether it does: `None` where nothing is set.
    """

    name: str
    value: float
    unit: str
    runs: tuple[float, ...]
    decimals: int = 0
    reach: str = ""
    met: bool | None = None


def row(
    name: str,
    unit: str,
    runs: Sequence[float],
    decimals: int = 0,
    *,
    least: float | None = None,
    most: float | None = None,
) -> Row:
    """Make a line of a measurement's runs: their median, beside what it should be at least or at most."""
    value = statistics.median(runs)
    limit = least if least is not None else most
    return Row(
        name=name,
        value=value,
        unit=unit,
        runs=tuple(runs),
        decimals=decimals,
        reach="" if limit is None else f"{'≥' if least is not None else '≤'} {limit:,.{decimals}f}",
        met=None if limit is None else (value >= limit if least is not None else value <= limit),
    )
