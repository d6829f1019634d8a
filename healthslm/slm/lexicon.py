"""Lists of words that the mask and the checks share."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Return the set of words of a text."""
    return frozenset(text.split())


NUMBER_WORDS = words("""
    zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds
    thousand thousands million millions billion dozen dozens half halves quarter quarters third thirds
    twice thrice double doubled triple tripled
""")
"""Numbers written out, which no list of digits would catch. `one` is not here: it is a pronoun too."""
