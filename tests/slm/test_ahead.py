"""What is guessed ahead, and that guessing changes nothing but the number of passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from healthslm.slm.ahead import Ahead
from healthslm.slm.facts import Audience
from healthslm.slm.jobs import sentence_about
from healthslm.slm.mask import NumberMask
from healthslm.slm.runtime import Engine, render
from healthslm.slm.tokens import Tokens

FACTS = "heart rate: average 72 bpm, lowest 54 bpm, highest 118 bpm"
NUMBERS = ("72", "54", "118")
EARLIER = "Your heart rate averaged 81 bpm and ranged between 60 and 131 bpm."


@pytest.fixture(scope="module")
def engine(model_folder: Path) -> Engine:
    return Engine(model_folder)


def guessed(tokens: Tokens, text: str, most: int = 7, numbers: tuple[str, ...] = NUMBERS) -> str:
    """What is guessed to come after a text, when another one like it was written before."""
    ahead = Ahead(tokens, tokens.encode(f"{EARLIER}\n{FACTS}\n"), FACTS, NumberMask(numbers))
    for token in tokens.encode(text):
        ahead.add(token)
    return "".join(tokens.text(token) for token in ahead.guess(text, most))


@pytest.mark.model
def test_an_earlier_sentence_goes_on_with_the_numbers_of_these_facts(engine: Engine) -> None:
    tokens = engine.tokens
    assert guessed(tokens, "Your heart rate averaged") == " 72 bpm and ranged"
    assert guessed(tokens, "Your heart rate averaged 7") == "2 bpm and ranged between "
    assert guessed(tokens, "Your heart rate averaged 72 bpm and ranged between 54 and ", 5) == "118 bpm"
    assert guessed(tokens, "Your heart rate averaged", 2) == " 7"


@pytest.mark.model
def test_what_may_not_come_is_not_guessed(engine: Engine) -> None:
    assert guessed(engine.tokens, "Your heart rate averaged", numbers=()) == " "
    assert guessed(engine.tokens, "Nothing like it") == ""


@pytest.mark.model
def test_guessing_takes_fewer_passes_and_chooses_what_is_likeliest(engine: Engine) -> None:
    """Several tokens read at once are rounded a little differently: between equals the choice may differ."""
    asked = sentence_about(FACTS, Audience.WEARER)
    engine.write(asked, numbers=NUMBERS)  # so that both find the same prompt known
    plain, ahead = (engine.write(asked, numbers=NUMBERS, guessing=guessing) for guessing in (False, True))
    assert plain.passes == plain.tokens - 1
    assert ahead.passes < plain.passes / 2
    ids, written = engine.encode(render(asked)), engine.encode(ahead.text)
    for place, token in enumerate(written):
        scores = engine.logits([*ids, *written[:place]])
        assert scores[token] > scores.max() - 0.3, ahead.text
