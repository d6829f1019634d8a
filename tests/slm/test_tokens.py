"""Our own tokens against the runtime's over the same vocabulary, and a small vocabulary by hand."""

from __future__ import annotations

import json
from pathlib import Path

import onnxruntime_genai as og
import pytest

from healthslm.slm import tokens
from healthslm.slm.tokens import Tokens

DATA = Path(__file__).parents[1] / "data" / "slm"
VECTORS = DATA / "tokens.json"


def small(folder: Path) -> Tokens:
    """A vocabulary of a few letters in which `ab` is learned before `bc`, and `abc` from `ab` and `c`."""
    letters = ["<e>", "a", "b", "c", "Ġ", "ab", "bc", "abc", "Ã", "¤"]
    tokens.write(letters, ["a b", "b c", "ab c"], [0], folder)
    return Tokens(folder)


def test_the_pair_that_was_learned_first_is_merged_first(tmp_path: Path) -> None:
    made = small(tmp_path)
    assert made.encode("abc") == [7]
    assert made.encode("bc ab<e>a") == [6, 4, 5, 0, 1]
    assert made.encode("aab") == [1, 5]


def test_control_tokens_and_pieces_of_characters_have_no_text(tmp_path: Path) -> None:
    made = small(tmp_path)
    assert [made.text(i) for i in (0, 4, 7, 8)] == ["", " ", "abc", ""]
    assert made.encode("ä") == [8, 9]
    assert made.is_control(0)
    assert not made.is_control(1)
    assert len(made) == 10


@pytest.mark.model
def test_strange_texts_have_the_tokens_that_they_were_learned_with(model_folder: Path) -> None:
    """Vectors of Hugging Face's tokenizers 0.22 over the same tokenizer.json."""
    ours = Tokens(model_folder)
    for vector in json.loads(VECTORS.read_text(encoding="utf-8")):
        assert ours.encode(vector["text"]) == vector["ids"], vector["text"]


@pytest.mark.model
def test_a_plain_text_has_the_tokens_that_the_runtime_gives_it(model_folder: Path) -> None:
    """The runtime differs where there are several spaces before a digit, or digits such as ①."""
    ours, theirs = Tokens(model_folder), og.Tokenizer(og.Model(str(model_folder)))
    for path in sorted(DATA.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines()[:200]:
            text = " ".join(line.split())
            assert ours.encode(text) == [int(i) for i in theirs.encode(text)], text


@pytest.mark.model
def test_a_long_word_does_not_take_for_ever(model_folder: Path) -> None:
    assert 0 < len(Tokens(model_folder).encode("a" * 8000)) < 8000
