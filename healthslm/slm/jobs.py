"""What the model is asked for each of its jobs: the prompt it was tuned on, and nothing beside it.

The kind of job is the first word; what follows came from outside and is only ever text (`runtime.render`
breaks up what looks like a control token in it).
"""

from __future__ import annotations

from healthslm.slm.facts import Audience, Item

Message = tuple[str, str]
LEVELS = ("info", "watch", "urgent", "emergency")
"""Of a note; in order."""
LONGEST = 1200
"""Characters of a question or note that the model reads: its beginning and its end, where most is said."""


def _short(text: str) -> str:
    """Cut a long text in its middle, and put it on one line."""
    line = " ".join(text.split())
    if len(line) <= LONGEST:
        return line
    half = LONGEST // 2
    return f"{line[:half]} … {line[-half:]}"


def call_for(question: str) -> list[Message]:
    """Ask for the line of the call that answers a question (`healthslm.slm.plan`)."""
    return [("user", f"Question: {_short(question)}")]


def level_of(note: str) -> list[Message]:
    """Ask for the level of a note, one of `LEVELS`."""
    return [("user", f"Note: {_short(note)}")]


def sentence_of(item: Item, audience: Audience) -> list[Message]:
    """Ask for an item's sentence."""
    return sentence_about(item.line, audience)


def sentence_about(line: str, audience: Audience) -> list[Message]:
    """Ask for the sentence of one line of a fact sheet."""
    word = "Tell" if audience is Audience.WEARER else "Report"
    return [("user", f"{word}: {line}")]
