"""How a problem names the lines of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_NAMED = 5
_REASONS = 5
"""So many different reasons are told one by one; words in a column of numbers may all differ."""


def named(lines: Sequence[int]) -> str:
    """Return `lines 3, 5 and 12 more`: the first few, and how many others."""
    some = ", ".join(str(line) for line in lines[:_NAMED])
    more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    return f"line{'s' if len(lines) > 1 else ''} {some}{more}"


def unused(reasons: Mapping[str, Sequence[int]], *, what: str = "") -> list[str]:
    """Return a problem for each of the first few reasons why lines were not used, and one for all others.

    `what` stands before the lines.
    """
    before = f"{what}, " if what else ""
    texts = list(reasons.items())
    problems = [f"{before}{named(lines)}: {reason}; not used" for reason, lines in texts[:_REASONS]]
    others = sorted(line for _, lines in texts[_REASONS:] for line in lines)
    return problems + ([f"{before}{named(others)}: no number; not used"] if others else [])
