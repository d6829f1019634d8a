"""`python -m healthslm.training.likeness`: learn what notes of an emergency are like (slm/likeness.py).

Takes a minute. Needs scikit-learn (extra `train`). The same voices give the same file.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.random import Generator
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression

from healthslm.slm.likeness import FILE, PLACES, Likeness, Part, parts, weighted
from healthslm.training.vary import slips
from healthslm.voices import Noted, learned_from

_STRENGTH = 20.0
"""Inverse of the regularisation; 5 and 20 were tried on the held-out voices, and gave the same."""


def learn(noted: Sequence[Noted], rng: Generator) -> Likeness:
    """Learn from notes, as written and with slips; of two levels that would do, each counts half."""
    texts = [text for note in noted for text in (note.text, slips(note.text, rng))]
    found = [parts(text) for text in texts]
    rarity = _rarity(found)
    rows = [(row, *weighted(part, rarity)) for row, both in enumerate(found) for part in both if part]
    numbers = np.concatenate([np.full(len(places), row) for row, places, _ in rows])
    places = np.concatenate([places for _, places, _ in rows])
    values = np.concatenate([values for _, _, values in rows])
    table = csr_matrix((values, (numbers, places)), shape=(len(found), PLACES))
    share = np.repeat([(one.lowest == "emergency") + (one.highest == "emergency") for one in noted], 2) / 2
    # Each note is an example of either answer, weighed by how far it is true.
    model = LogisticRegression(C=_STRENGTH, max_iter=2000)
    truth = np.repeat([1, 0], len(found))
    model.fit(vstack([table, table]), truth, sample_weight=np.concatenate([share, 1 - share]))
    return Likeness(rarity=rarity, weights=model.coef_[0].astype(np.float32), bias=float(model.intercept_[0]))


def _rarity(found: Sequence[tuple[Part, Part]]) -> np.ndarray:
    """Inverse document frequency of every place, smoothed as scikit-learn does."""
    seen = np.zeros(PLACES)
    for both in found:
        for part in both:
            seen[list(part)] += 1
    return (np.log((1 + len(found)) / (1 + seen)) + 1).astype(np.float32)


def main() -> None:
    """Learn, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m healthslm.training.likeness", description=__doc__)
    beside = Path(__file__).parents[1] / "slm" / FILE
    parser.add_argument("--out", type=Path, default=beside, help="The file to write.")
    chosen = parser.parse_args()
    made = learn(learned_from()[1], np.random.default_rng(1))
    np.savez_compressed(
        chosen.out,
        rarity=made.rarity.astype(np.float16),
        weights=made.weights.astype(np.float16),
        bias=np.float32(made.bias),
    )


if __name__ == "__main__":
    main()
