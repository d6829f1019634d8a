"""Which tokens may come next: digits only where they continue an allowed number.

In SmolLM2's vocabulary every digit is a token of its own, so a number is written character by character and
can be held to a list. Only letters, spaces and a little punctuation may come beside it; that keeps a sentence
English, on one line, and free of markup, control tokens and look-alike digits.

The rule is asked of single tokens, likeliest first (`healthslm.slm.choice`): nearly always the first may
come, and none of the other 49,151 need be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from healthslm.slm.lexicon import NUMBER_WORDS

ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,;:'()-/%°")
"""What a sentence may be made of, beside the digits."""
INSIDE_A_NUMBER = "0123456789.,:"
_TERMS = ("SpO2",)
"""Words with a digit in them."""
_RUN = re.compile(r"\d[\d.,:]*$")
_BEFORE_A_NUMBER = frozenset(" (/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What may come next: some of the characters of a number, and beside them words or nothing else.

    `words` says whether a word, punctuation or the end may come, `after_digit` whether no letter may follow
    directly ("38th").
    """

    characters: frozenset[str]
    words: bool
    after_digit: bool = False

    def allows(self, piece: str) -> bool:
        """Say whether a token's text may come; an empty one (a control token) may not."""
        if piece in self.characters:
            return True
        return self.words and _is_plain(piece) and not (self.after_digit and piece[0].isalpha())


def _is_plain(piece: str) -> bool:
    return bool(piece) and ALPHABET.issuperset(piece) and piece.strip().lower() not in NUMBER_WORDS


class NumberMask:
    """Holds a text to a list of numbers while it is being written.

    A number is digits with `.`, `,` or `:` inside, as it is to stand in the text: `38.9`, `14:20`.
    """

    def __init__(self, numbers: Iterable[str]) -> None:
        self._whole = frozenset(n for n in numbers if n and set(INSIDE_A_NUMBER).issuperset(n))
        self._starts = frozenset(n[:i] for n in self._whole for i in range(1, len(n) + 1))

    def _continuations(self, run: str) -> frozenset[str]:
        """The characters after which `run` is still the beginning of an allowed number."""
        return frozenset(c for c in INSIDE_A_NUMBER if run + c in self._starts)

    def next(self, text: str) -> Next:
        """Return what may follow `text`."""
        for term in _TERMS:
            text = text.replace(term, term[:-1] + "x")  # its digit is no number
        run = number_at_the_end(text)
        if not run:
            return Next(characters=self._first(text), words=True)
        closed = run[-1] not in "0123456789" and run.rstrip(".,:") in self._whole
        whole = run in self._whole or closed
        return Next(characters=self._continuations(run), words=whole, after_digit=whole)

    def _first(self, text: str) -> frozenset[str]:
        """The digits that may begin a number, or end a term such as SpO2, after `text`."""
        terms = frozenset(term[-1] for term in _TERMS if text.endswith(term[:-1]))
        if terms or (text and text[-1] not in _BEFORE_A_NUMBER):
            return terms
        return self._continuations("")

    def finished(self, text: str) -> bool:
        """Say whether `text` ends a sentence: with a full stop that no digit can follow."""
        if not text.endswith((".", "!", "?")):
            return False
        run = number_at_the_end(text)
        return not run or not self._continuations(run)


def number_at_the_end(text: str) -> str:
    """Return the number that a text ends in or is in the middle of (`14:`), empty where there is none."""
    found = _RUN.search(text)
    return found.group() if found else ""
