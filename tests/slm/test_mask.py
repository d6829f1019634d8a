"""Digits only where an allowed number continues: the mask, over a small vocabulary and over the real one."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm.slm.choice import choose, likeliest
from healthslm.slm.mask import NumberMask
from healthslm.slm.tokens import Tokens

TOKENS = [
    "<end>",
    *"0123456789",
    *".,:-/( ",
    " ",
    "°C",
    "%",
    " bpm",
    "Your",
    " heart",
    " SpO",
    "th",
    "\n",
    " two",
    "²",
    " é",
    "",
]
END = "<end>"


def may_come(mask: NumberMask, text: str, token: str) -> bool:
    following = mask.next(text)
    return following.words if token == END else following.allows(token)


def next_texts(text: str, *numbers: str) -> set[str]:
    """The tokens that may follow a text."""
    mask = NumberMask(numbers)
    return {token for token in TOKENS if may_come(mask, text, token)}


def digits_after(text: str, *numbers: str) -> set[str]:
    return {t for t in next_texts(text, *numbers) if t.isdigit()}


def test_a_number_begins_only_as_an_allowed_one_does() -> None:
    assert digits_after("It was ", "38.9", "14:20") == {"3", "1"}
    assert digits_after("It was ") == set()


def test_a_number_goes_on_only_as_an_allowed_one_does() -> None:
    assert next_texts("It was 38.", "38.9") == {"9"}
    assert next_texts("It was 3", "38.9") == {"8"}
    assert next_texts("It was 38", "38.9") == {"."}
    assert digits_after("It was 38", "38", "38.9") == set()
    assert digits_after("at 14:", "14:20") == {"2"}
    assert digits_after("It was 1,", "1,204") == {"2"}


def test_a_whole_number_may_be_followed_by_a_full_stop_but_not_by_other_digits() -> None:
    after = next_texts("It was 38", "38", "38.9")
    assert {".", "<end>", "°C", "%", " bpm"} <= after
    assert "th" not in after
    assert digits_after("It was 38.", "38", "38.9") == {"9"}
    assert "<end>" in next_texts("It was 38.", "38")


def test_a_sentence_does_not_end_inside_a_number() -> None:
    assert "<end>" not in next_texts("It was 38", "38.9")
    assert not NumberMask(["38", "38.9"]).finished("It was 38.")
    assert NumberMask(["38"]).finished("It was 38.")
    assert NumberMask(["38"]).finished("It was high.")


@pytest.mark.parametrize("text", ["It was-", "COVID-", "Your", "It was:", "minus -"])
def test_no_digit_directly_after_a_letter_a_minus_or_a_colon(text: str) -> None:
    assert digits_after(text, "19", "38") == set()


def test_the_digit_of_a_term_is_no_number() -> None:
    assert digits_after("Your SpO", "95") == {"2"}
    assert digits_after("Your SpO2", "95") == set()
    assert digits_after("Your SpO2 ", "95") == {"9"}


def test_line_breaks_number_words_and_foreign_characters_never_come() -> None:
    assert not {"\n", " two", "²", " é", ""} & next_texts("It was ", "38")


@settings(deadline=None)  # how long it takes is the bench's to say
@given(
    st.lists(st.from_regex(r"[1-9][0-9]{0,2}(\.[0-9])?|[0-2][0-9]:[0-5][0-9]", fullmatch=True), max_size=5),
    st.randoms(),
)
def test_whatever_is_written_under_the_mask_has_only_allowed_numbers(
    numbers: list[str], random: object
) -> None:
    mask, text = NumberMask(numbers), ""
    for _ in range(40):
        allowed = [token for token in TOKENS if token != END and may_come(mask, text, token)]
        text += random.choice(allowed)  # type: ignore[attr-defined]
    written = re.findall(r"\d+(?:[.,:]\d+)*", text.replace("SpO2", "")[: -len("99:99")])
    starts = {n[:i] for n in numbers for i in range(1, len(n) + 1)}
    assert all(n in numbers for n in written[:-1])
    assert not written or written[-1] in starts


@settings(deadline=None)
@given(
    st.lists(st.integers(-3, 3), min_size=len(TOKENS), max_size=len(TOKENS)),
    st.sampled_from(["", "It was ", "It was 3", "It was 38", "It was 38.", "Your SpO", "at 14:2"]),
    st.sampled_from([(), ("38.9",), ("38", "38.9"), ("14:20", "3")]),
)
def test_asking_the_likeliest_first_finds_what_a_mask_over_all_would(
    drawn: list[int], text: str, numbers: tuple[str, ...]
) -> None:
    scores, mask = np.array(drawn, dtype=np.float32), NumberMask(numbers)
    allowed = np.array([may_come(mask, text, token) for token in TOKENS])
    if allowed.any():
        chosen = choose(
            scores,
            lambda token: may_come(mask, text, TOKENS[token]),
            temperature=0,
            random=np.random.default_rng(0),
        )
        assert chosen == int(np.where(allowed, scores, -np.inf).argmax())


@settings(deadline=None)
@given(st.lists(st.integers(-40, 40), min_size=1, max_size=300))
def test_the_likeliest_come_in_order_each_once(drawn: list[int]) -> None:
    scores = np.array(drawn, dtype=np.float32)
    order = list(likeliest(scores))
    assert order == sorted(range(len(drawn)), key=lambda token: (-drawn[token], token))


@pytest.mark.model
def test_over_the_real_vocabulary_it_finds_what_a_mask_over_all_would(model_folder: Path) -> None:
    tokens, mask = Tokens(model_folder), NumberMask(["38.9", "14:20"])
    texts = [tokens.text(i) for i in range(len(tokens))]
    random = np.random.default_rng(5)
    for text in ("", "It was ", "It was 3", "It was 38.9", "It was 14:20"):
        following = mask.next(text)
        allowed = np.array([following.allows(piece) for piece in texts])
        for scores in random.normal(size=(20, len(texts))).astype(np.float32):
            first = next(i for i in likeliest(scores) if following.allows(texts[i]))
            assert first == int(np.where(allowed, scores, -np.inf).argmax())


@pytest.mark.model
def test_in_the_real_vocabulary_every_digit_is_one_token(model_folder: Path) -> None:
    tokens = Tokens(model_folder)
    texts = [tokens.text(i) for i in range(len(tokens))]
    with_digit = [t for t in texts if any(c.isdigit() and c.isascii() for c in t)]
    assert sorted(with_digit) == list("0123456789")
    following = NumberMask(["38.9"]).next("It was ")
    allowed = {t for t in texts if following.allows(t)}
    assert {t for t in allowed if any(c.isnumeric() for c in t)} == {"3"}
    assert not any("\n" in t or "<" in t for t in allowed)
    assert all(t.isascii() or set(t) <= set("° ") | set(filter(str.isascii, t)) for t in allowed)


def test_where_few_may_come_only_what_weighs_anything_is_asked() -> None:
    scores = np.full(1000, -100.0, dtype=np.float32)
    scores[[7, 8]] = 5.0, 4.0
    asked: list[int] = []

    def may_come(token: int) -> bool:
        asked.append(token)
        return token in (7, 8, 500)

    drawn = [choose(scores, may_come, temperature=1.0, random=Random(n)) for n in range(400)]
    assert set(drawn) == {7, 8}
    assert 0.6 < drawn.count(7) / len(drawn) < 0.86  # e / (e + 1) is 0.73
    assert set(asked) == {7, 8}
