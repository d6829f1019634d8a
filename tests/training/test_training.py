"""Made-up rhythms, and that the learned network is the one that is computed."""

import numpy as np
import pytest

from healthslm.analysis.fibrillation import log_odds
from healthslm.training.rhythms import LONGEST, SHORTEST, blemish, fibrillation, other, stretch


def test_the_same_seed_makes_the_same_rhythm() -> None:
    one, two = (stretch(np.random.default_rng(4), 2000) for _ in range(2))
    assert np.array_equal(one[0], two[0])
    assert not np.array_equal(one[0], stretch(np.random.default_rng(5), 2000)[0])


@pytest.mark.parametrize("seed", range(40))
def test_rhythms_have_their_length_and_are_a_hearts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for make in (fibrillation, other):
        assert make(rng, 257).shape == (257,)
    rr, af = blemish(rng, *stretch(rng, 700))
    assert len(rr) == len(af)
    assert (rr >= SHORTEST).all()
    assert (rr <= LONGEST).all()
    assert set(af.tolist()) <= {0, 1}


def test_fibrillation_has_less_order_than_anything_else() -> None:
    rng = np.random.default_rng(9)

    def order(rr: np.ndarray) -> float:
        change = np.diff(np.log(rr))
        return float(np.median(np.abs(change)))

    wild = [order(np.clip(fibrillation(rng, 400), 0.2, 3)) for _ in range(40)]
    rest = [order(np.clip(other(rng, 400), 0.2, 3)) for _ in range(40)]
    assert np.median(wild) > 2 * np.median(rest)


def test_what_was_learned_is_what_is_computed() -> None:
    torch = pytest.importorskip("torch")
    from healthslm.training.fibrillation import forward, train  # noqa: PLC0415  needs torch

    weights = train((), seed=3, steps=3)
    rr, _ = stretch(np.random.default_rng(3), 600)
    tensors = {name: torch.tensor(value) for name, value in weights.items()}
    theirs = forward(tensors, torch.tensor(rr[None], dtype=torch.float32), drop=0).numpy()[0]
    assert log_odds(1000 * rr, weights) == pytest.approx(theirs, abs=1e-3)
