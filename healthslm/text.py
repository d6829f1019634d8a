"""Text that any page, record system and terminal takes."""

from __future__ import annotations

import unicodedata

# Of the invisible marks only those that join or part letters of a script are kept. The others turn the
# direction of what follows, so a name could re-order the page, or are not allowed in an archivable PDF.
_JOINERS = frozenset("\u200c\u200d")


def clean(text: str, limit: int = 0) -> str:
    """Return text that any page and any record system takes: no control characters, no lone surrogates.

    White space becomes single spaces; invisible marks that re-order text are left out. With a `limit`,
    longer text is cut there and ends in an ellipsis.
    """
    kept = []
    for char in text:
        category = unicodedata.category(char)
        if category == "Cs":
            kept.append("\ufffd")
        elif char.isspace() or category == "Cc":
            kept.append(" ")
        elif category not in ("Cf", "Cn", "Co") or char in _JOINERS:
            kept.append(char)
    line = " ".join("".join(kept).split())
    return line if not limit or len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def many(count: int, thing: str) -> str:
    """Write how many there are of something that takes an s."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
