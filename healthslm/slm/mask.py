"""Which tokens may come next: digits only where they continue an allowed number.

In SmolLM2's vocabulary every digit is a token of its own, so a number is written character by character and
can be held to a list. Only letters, spaces and a little punctuation may come beside it; that keeps a sentence
English, on one line, and free of markup, control tokens and look-alike digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from healthslm.slm.lexicon import NUMBER_WORDS

Mask = NDArray[np.bool_]

ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,;:'()-/%°")
"""What a sentence may be made of, beside the digits."""
_TERMS = ("SpO2",)
"""Words with a digit in them."""
_RUN = re.compile(r"\d[\d.,:]*$")
_BEFORE_A_NUMBER = frozenset(" (/")
_INSIDE_A_NUMBER = frozenset("0123456789.,:")


class Vocabulary:
    """The text of every token, and the sets of tokens that the mask works with."""

    def __init__(self, texts: Sequence[str], *, end: int) -> None:
        """`texts[i]` is token `i`'s text, empty where special or not whole UTF-8; `end` ends a turn."""
        self.texts = tuple(texts)
        self.end = end
        usable = [bool(t) and ALPHABET.issuperset(t) and t.strip().lower() not in NUMBER_WORDS for t in texts]
        self._plain = np.array(usable, dtype=np.bool_)
        self._plain[end] = True
        self._letter_first = np.array([t[:1].isalpha() for t in texts], dtype=np.bool_)
        self._single = {t: i for i, t in enumerate(texts) if t in _INSIDE_A_NUMBER}

    def __len__(self) -> int:
        return len(self.texts)

    def plain(self, *, after_digit: bool = False) -> Mask:
        """The tokens without a digit; directly after a number none that begins with a letter ("38th")."""
        return self._plain & ~self._letter_first if after_digit else self._plain.copy()

    def characters(self, characters: Iterable[str]) -> list[int]:
        """The tokens that are exactly one of these digits or separators."""
        return [self._single[c] for c in characters if c in self._single]


class NumberMask:
    """Holds a text to a list of numbers while it is being written.

    A number is digits with `.`, `,` or `:` inside, as it is to stand in the text: `38.9`, `14:20`.
    """

    def __init__(self, vocabulary: Vocabulary, numbers: Iterable[str]) -> None:
        self._vocabulary = vocabulary
        self._whole = frozenset(n for n in numbers if n and _INSIDE_A_NUMBER.issuperset(n))
        self._starts = frozenset(n[:i] for n in self._whole for i in range(1, len(n) + 1))

    def _continuations(self, run: str) -> list[str]:
        """The characters after which `run` is still the beginning of an allowed number."""
        return [c for c in sorted(_INSIDE_A_NUMBER) if run + c in self._starts]

    def allowed(self, text: str) -> Mask:
        """Return which tokens may follow `text`: shape (vocabulary,), True where it may."""
        vocabulary = self._vocabulary
        for term in _TERMS:
            text = text.replace(term, term[:-1] + "x")  # its digit is no number
        found = _RUN.search(text)
        run = found.group() if found else ""
        if not run:
            mask = vocabulary.plain()
            mask[vocabulary.characters(self._first(text))] = True
            return mask
        closed = run[-1] not in "0123456789" and run.rstrip(".,:") in self._whole
        if run in self._whole or closed:
            mask = vocabulary.plain(after_digit=True)
        else:
            mask = np.zeros(len(vocabulary), dtype=np.bool_)
        mask[vocabulary.characters(self._continuations(run))] = True
        return mask

    def _first(self, text: str) -> list[str]:
        """The digits that may begin a number, or end a term such as SpO2, after `text`."""
        terms = [term[-1] for term in _TERMS if text.endswith(term[:-1])]
        if terms or (text and text[-1] not in _BEFORE_A_NUMBER):
            return terms
        return self._continuations("")

    def finished(self, text: str) -> bool:
        """Say whether `text` ends a sentence: with a full stop that no digit can follow."""
        if not text.endswith((".", "!", "?")):
            return False
        found = _RUN.search(text)
        return found is None or not self._continuations(found.group())


def read_vocabulary(folder: Path, *, end: int) -> Vocabulary:
    """Read the texts of the tokens from a model folder's `tokenizer.json`."""
    document = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    special = {entry["id"] for entry in document["added_tokens"]}
    bytes_of = _byte_level()
    vocabulary: dict[str, int] = document["model"]["vocab"]
    texts = [""] * len(vocabulary)
    for token, index in vocabulary.items():
        if index not in special:
            try:
                texts[index] = bytes(bytes_of[c] for c in token).decode("utf-8")
            except (KeyError, UnicodeDecodeError):
                continue  # a piece of a character: no text of its own, never allowed
    return Vocabulary(texts, end=end)


def _byte_level() -> dict[str, int]:
    """GPT-2's way to write bytes as printable characters (openai/gpt-2, encoder.py, bytes_to_unicode)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(b): b for b in printable}
    others = [b for b in range(256) if b not in set(printable)]
    table.update({chr(256 + i): b for i, b in enumerate(others)})
    return table
