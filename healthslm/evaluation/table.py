"""What an evaluation found: ours beside what was published and what was asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

FLOAT32 = "float32 of the same weights"
"""What a 4-bit model is compared with (`healthslm.evaluation.float32`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One figure. `value` is `None` where it could not be had, and `note` says why.

    `published` is somebody else's figure with its source, `reach` what was asked; `met` says whether it was,
    `None` where nothing was.
    """

    name: str
    value: float | None
    unit: str = ""
    decimals: int = 2
    published: str = ""
    reach: str = ""
    met: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The figures of one evaluation, and what one has to know to read them."""

    title: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The table for `--json`."""
        return {
            "title": self.title,
            "lines": [asdict(line) for line in self.lines],
            "notes": list(self.notes),
        }


def line(
    name: str,
    value: float | None,
    unit: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
    decimals: int = 2,
    published: str = "",
    note: str = "",
) -> Line:
    """Make a line of a figure that should be at least or at most so much; compared unrounded."""
    limit = least if least is not None else most
    met = None
    if limit is not None:
        met = value is not None and (value >= limit if least is not None else value <= limit)
    return Line(
        name=name,
        value=value,
        unit=unit,
        decimals=decimals,
        published=published,
        reach="" if limit is None else f"{'≥' if least is not None else '≤'} {limit:g}",
        met=met,
        note=note,
    )
