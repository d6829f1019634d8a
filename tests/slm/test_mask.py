"""Digits only where an allowed number continues: the mask, over a small vocabulary and over the real one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.slm.mask import NumberMask, Vocabulary, read_vocabulary

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
END = 0
SMALL = Vocabulary(["", *TOKENS[1:]], end=END)


def next_texts(text: str, *numbers: str) -> set[str]:
    """The tokens that may follow a text."""
    return {TOKENS[i] for i in np.flatnonzero(NumberMask(SMALL, numbers).allowed(text))}


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
    assert not NumberMask(SMALL, ["38", "38.9"]).finished("It was 38.")
    assert NumberMask(SMALL, ["38"]).finished("It was 38.")
    assert NumberMask(SMALL, ["38"]).finished("It was high.")


@pytest.mark.parametrize("text", ["It was-", "COVID-", "Your", "It was:", "minus -"])
def test_no_digit_directly_after_a_letter_a_minus_or_a_colon(text: str) -> None:
    assert digits_after(text, "19", "38") == set()


def test_the_digit_of_a_term_is_no_number() -> None:
    assert digits_after("Your SpO", "95") == {"2"}
    assert digits_after("Your SpO2", "95") == set()
    assert digits_after("Your SpO2 ", "95") == {"9"}


def test_line_breaks_number_words_and_foreign_characters_never_come() -> None:
    assert not {"\n", " two", "²", " é", ""} & next_texts("It was ", "38")


@given(
    st.lists(st.from_regex(r"[1-9][0-9]{0,2}(\.[0-9])?|[0-2][0-9]:[0-5][0-9]", fullmatch=True), max_size=5),
    st.randoms(),
)
def test_whatever_is_written_under_the_mask_has_only_allowed_numbers(
    numbers: list[str], random: object
) -> None:
    mask, text = NumberMask(SMALL, numbers), ""
    for _ in range(40):
        allowed = [int(i) for i in np.flatnonzero(mask.allowed(text)) if i != END]
        text += TOKENS[random.choice(allowed)]  # type: ignore[attr-defined]
    written = re.findall(r"\d+(?:[.,:]\d+)*", text.replace("SpO2", "")[: -len("99:99")])
    starts = {n[:i] for n in numbers for i in range(1, len(n) + 1)}
    assert all(n in numbers for n in written[:-1])
    assert not written or written[-1] in starts


@pytest.mark.model
def test_in_the_real_vocabulary_every_digit_is_one_token(model_folder: Path) -> None:
    vocabulary = read_vocabulary(model_folder, end=2)
    with_digit = [t for t in vocabulary.texts if any(c.isdigit() and c.isascii() for c in t)]
    assert sorted(with_digit) == list("0123456789")
    open_tokens = np.flatnonzero(NumberMask(vocabulary, ["38.9"]).allowed("It was "))
    texts = {vocabulary.texts[i] for i in open_tokens}
    assert {t for t in texts if any(c.isnumeric() for c in t)} == {"3"}
    assert not any("\n" in t or "<" in t for t in texts)
    assert all(t.isascii() or set(t) <= set("° ") | set(filter(str.isascii, t)) for t in texts)
