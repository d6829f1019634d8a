"""Sentences put together from words and numbers, so that each number knows whose value it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from healthslm.readings import Claim, Feature, Sentence
from healthslm.slm.facts import Fact, Item

Number = tuple[str, Feature]
"""A number as it is printed, and the feature whose value it is."""
Piece = str | Number
Pieces = Sequence[Piece]
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")


def compose(*pieces: Piece | Pieces) -> Sentence:
    """Join pieces into a sentence that knows which of its characters are the value of which feature."""
    text, claims = "", []
    for piece in _flat(pieces):
        if isinstance(piece, str):
            text += piece
        else:
            value, feature = piece
            claims.append(Claim(start=len(text), end=len(text) + len(value), feature=feature))
            text += value
    text = text[:1].upper() + text[1:]
    return Sentence(text=text, origin="template", claims=tuple(claims))


def _flat(pieces: Iterable[Piece | Pieces]) -> Iterable[Piece]:
    for piece in pieces:
        if isinstance(piece, str):
            yield piece
        elif len(piece) == 2 and isinstance(piece[0], str) and isinstance(piece[1], Feature):
            yield piece[0], piece[1]
        else:
            yield from _flat(piece)  # type: ignore[arg-type]  # a sequence of pieces, not a number


def numbers_in(text: str, feature: Feature) -> list[Piece]:
    """Split a text at its numbers, each a claim on `feature`."""
    pieces: list[Piece] = []
    at = 0
    for found in _DIGITS.finditer(text):
        pieces += [text[at : found.start()], (found.group(), feature)]
        at = found.end()
    return [*pieces, text[at:]]


def value(fact: Fact, *, when: bool = False) -> list[Piece]:
    """A fact's value with its unit, and on request with its time: `38.9 °C at 14:20`."""
    unit = f" {fact.unit}" if fact.unit else ""
    time = numbers_in(f" {fact.when}", fact.feature) if when and fact.when else []
    return [(fact.value, fact.feature), unit, *time]


def listed(parts: Sequence[Pieces]) -> list[Piece]:
    """Join with commas and a last `and`."""
    out: list[Piece] = []
    for i, part in enumerate(parts):
        if i:
            out.append(" and " if i == len(parts) - 1 else ", ")
        out += part
    return out


def pressure(item: Item) -> list[Piece] | None:
    """`142 over 88 mmHg`, when both numbers are there."""
    if item.pressures is None:
        return None
    upper, lower = item.pressures
    return [(upper.value, upper.feature), " over ", *value(lower, when=True)]
