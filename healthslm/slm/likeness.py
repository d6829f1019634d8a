"""How much a note is like those that told of an emergency: logistic regression over its words and letters.

A second reader beside the language model, and the only one where there is no model: it takes a fraction of a
millisecond for a note of usual length, and errs on other notes than the model does. What it knows was learned
by `python -m healthslm.training.likeness` from the voices (healthslm/voices), and lies in `likeness.npz`. The
classical baseline of `healthslm eval triage` is of the same kind, with its terms by name and all four levels.
"""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import ModelError
from healthslm.slm.letters import visible

FILE = "likeness.npz"
PLACES = 1 << 16
"""Terms are known by where their hash falls, not by name: no table of words, and new ones have a place."""
_READ = 4000
"""Characters of a note that are read: the weight of each word falls with the note's length."""
_WORD = re.compile(r"\w+")
_LETTERS = (2, 3, 4, 5)
Part = Mapping[int, float]
"""How often each place is met, damped: 1 + ln(count)."""


def parts(note: str) -> tuple[Part, Part]:
    """Return what a note is made of: its words and pairs of words, and the pieces of its words."""
    text = visible(note[: 2 * _READ])[:_READ].lower()
    words = _WORD.findall(text)
    pairs = (f"{a} {b}" for a, b in pairwise(words))
    return _counted("w", [*words, *pairs]), _counted("l", _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """Two to five letters of each word with a blank around it (scikit-learn's `char_wb`)."""
    for word in text.split():
        padded = f" {word} "
        for size in _LETTERS:
            yield from (padded[n : n + size] for n in range(max(1, len(padded) - size + 1)))


def _counted(kind: str, terms: Iterable[str]) -> Part:
    counts = Counter(zlib.crc32(f"{kind}{term}".encode("utf-8", "surrogatepass")) % PLACES for term in terms)
    return {place: 1 + math.log(count) for place, count in counts.items()}


def weighted(part: Part, rarity: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return places and weights of one part, rare ones more, their squares adding up to 1."""
    places = np.fromiter(part, dtype=np.int64, count=len(part))
    values = np.fromiter(part.values(), dtype=np.float32, count=len(part)) * rarity[places]
    return places, values / max(float(np.sqrt(values @ values)), 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What was learned: `rarity` and `weights` by place, and the `bias`."""

    rarity: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: float

    def of(self, note: str) -> float:
        """Return the logarithm of the odds that a note tells of an emergency; above 0 rather so than not."""
        found = (weighted(part, self.rarity) for part in parts(note) if part)
        return self.bias + sum(float(self.weights[places] @ values) for places, values in found)


@cache
def learned() -> Likeness:
    """Return what comes along with the program. Raises `ModelError` where it cannot be read."""
    try:
        with files("healthslm.slm").joinpath(FILE).open("rb") as file, np.load(file) as kept:
            made = Likeness(
                rarity=kept["rarity"].astype(np.float32),
                weights=kept["weights"].astype(np.float32),
                bias=float(kept["bias"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{FILE} of this program cannot be read: {error}.", "Install healthslm again."
        ) from error
    if not made.rarity.shape == made.weights.shape == (PLACES,):
        raise ModelError(f"{FILE} of this program is of another version.", "Install healthslm again.")
    return made
