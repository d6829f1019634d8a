"""Text to tokens and back: byte-level BPE as GPT-2 does it, every digit a token of its own.

The tables are kept as a few flat arrays (1 MB), because a dictionary of 49,152 texts and as many merges takes
fifteen times as much. `healthslm.slm.tokenizer` writes the file.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

FILE = "tokens.npy"
_SPACE = r"[^\S\x1c-\x1f]"  # Python counts four control characters as spaces, GPT-2's expression does not
_WORDS = re.compile(
    rf"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W_]+| ?(?:(?!{_SPACE})[\W_])+|{_SPACE}+(?!(?!{_SPACE}).)|{_SPACE}+",
    re.DOTALL,
)
"""How GPT-2 splits a text that has no digits (openai/gpt-2, encoder.py)."""
_NEVER = 1 << 16
"""Rank of a pair that is not merged."""
_CACHED = 4096


class Tokens:
    """The text of every token, and the merges that make tokens of bytes."""

    def __init__(self, folder: Path) -> None:
        """Read the file in a model's folder. Raises `OSError` or `ValueError` when it cannot be read."""
        with (folder / FILE).open("rb") as file:
            special, ends, text, pairs, ranks, made = (np.load(file, allow_pickle=False) for _ in range(6))
        self._bytes: bytes = text.tobytes()
        self._ends = array("I", ends.astype(np.uint32).tobytes())
        self._pairs = array("I", pairs.astype(np.uint32).tobytes())
        self._ranks = array("H", ranks.astype(np.uint16).tobytes())
        self._made = array("H", made.astype(np.uint16).tobytes())
        self._special = frozenset(int(i) for i in special)
        controls = {self._raw(i).decode(): i for i in self._special}
        self._controls: Mapping[str, int] = controls
        self._split = re.compile(
            "(" + "|".join(map(re.escape, sorted(controls, key=len, reverse=True))) + ")"
        )
        single = np.flatnonzero(np.diff(ends, prepend=0) == 1)
        self._of_byte = {self._raw(int(i))[0]: int(i) for i in single if int(i) not in self._special}
        self._word = lru_cache(_CACHED)(self._merged)

    def __len__(self) -> int:
        return len(self._ends)

    def _raw(self, token: int) -> bytes:
        return self._bytes[self._ends[token - 1] if token else 0 : self._ends[token]]

    def text(self, token: int) -> str:
        """Return a token's text; empty where it is a control token or a piece of a character."""
        if token in self._special:
            return ""
        try:
            return self._raw(token).decode("utf-8")
        except UnicodeDecodeError:
            return ""

    def is_control(self, token: int) -> bool:
        """Say whether a token is none of the text: the beginning or the end of a turn."""
        return token in self._special

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text; control tokens in it count as such."""
        found: list[int] = []
        for part in self._split.split(text):
            if part in self._controls:
                found.append(self._controls[part])
            else:
                for word in _words(part):
                    found += self._word(word)
        return found

    def _rank(self, left: int, right: int) -> int:
        pair = left << 16 | right
        at = bisect_left(self._pairs, pair)
        return self._ranks[at] if at < len(self._pairs) and self._pairs[at] == pair else _NEVER

    def _merged(self, word: str) -> tuple[int, ...]:
        """Merge a word's bytes: always the pair that was learned first, of equal ones the leftmost."""
        ids = [self._of_byte[byte] for byte in word.encode("utf-8", "replace")]
        ranks = [self._rank(a, b) for a, b in pairwise(ids)]
        while ranks and (best := min(ranks)) != _NEVER:
            at = ranks.index(best)
            ids[at : at + 2] = [self._made[best]]
            del ranks[at]
            if at < len(ranks):
                ranks[at] = self._rank(ids[at], ids[at + 1])
            if at:
                ranks[at - 1] = self._rank(ids[at - 1], ids[at])
        return tuple(ids)


def _words(text: str) -> Iterator[str]:
    """Split a text as GPT-2 does, every digit apart."""
    start = 0
    for at, character in enumerate(text):
        if character.isnumeric() and unicodedata.category(character)[0] == "N":
            yield from _WORDS.findall(text[start:at])
            yield character
            start = at + 1
    yield from _WORDS.findall(text[start:])


def write(tokens: Sequence[str], merges: Iterable[str], special: Iterable[int], folder: Path) -> None:
    """Write the file: `tokens` and `merges` as GPT-2 writes them, `special` the ids of control tokens."""
    special, table = sorted(special), _byte_level()
    texts = [t.encode() if i in set(special) else bytes(table[c] for c in t) for i, t in enumerate(tokens)]
    number = {token: i for i, token in enumerate(tokens)}
    halves = [merge.split(" ") for merge in merges]
    pairs = np.array([number[a] << 16 | number[b] for a, b in halves], dtype=np.uint32)
    order = np.argsort(pairs)
    arrays = (
        np.array(special, dtype=np.uint16),
        np.cumsum([len(text) for text in texts], dtype=np.uint32),
        np.frombuffer(b"".join(texts), dtype=np.uint8),
        pairs[order],
        order.astype(np.uint16),
        np.array([number[a + b] for a, b in halves], dtype=np.uint16),
    )
    with (folder / FILE).open("wb") as file:
        for each in arrays:
            np.save(file, each, allow_pickle=False)


def _byte_level() -> dict[str, int]:
    """GPT-2's way to write bytes as printable characters (openai/gpt-2, encoder.py, bytes_to_unicode)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(b): b for b in printable}
    others = [b for b in range(256) if b not in set(printable)]
    table.update({chr(256 + i): b for i, b in enumerate(others)})
    return table
