"""How like a note is to those that told of an emergency."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.slm.likeness import PLACES, learned, parts, weighted
from healthslm.slm.triage import ALIKE_FROM


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_any_text_has_a_likeness(text: str) -> None:
    assert np.isfinite(learned().of(text))


def test_it_does_not_see_case_nor_what_is_invisible() -> None:
    assert learned().of("Lips BLUE") == learned().of("lips\u200b blue")


def test_the_weights_of_a_part_are_those_of_a_direction() -> None:
    words, letters = parts("his lips are blue and he does not wake")
    for part in (words, letters):
        places, values = weighted(part, learned().rarity)
        assert len(set(places.tolist())) == len(places)
        assert places.max() < PLACES
        assert np.isclose(values @ values, 1, atol=1e-5)


@pytest.mark.parametrize("rest", ["x" * 1_000_000, "é" * 100_000])
def test_of_a_long_paste_only_the_beginning_is_read(rest: str) -> None:
    start = "walked the dog. " * 600
    assert learned().of(start + rest) == learned().of(start)


def test_words_that_nobody_ever_wrote_are_no_emergency() -> None:
    assert learned().of("qzxv wvbk") < ALIKE_FROM
