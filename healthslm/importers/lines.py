"""How a problem names the lines of a file."""

from __future__ import annotations

from collections.abc import Sequence

_NAMED = 5


def named(lines: Sequence[int]) -> str:
    """Return `lines 3, 5 and 12 more`: the first few, and how many others."""
    some = ", ".join(str(line) for line in lines[:_NAMED])
    more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    return f"line{'s' if len(lines) > 1 else ''} {some}{more}"
