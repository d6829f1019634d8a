"""What is no emergency though its words stand in it: denied, past, a figure of speech, over."""

import pytest

from healthslm.slm.emergency import is_emergency
from healthslm.slm.hearing import normal

MEANT = (
    "passed out and now his arm is numb",
    "no chest pain but I cannot breathe",
    "had a heart attack in 2011 and now I have the same pain in my chest",
    "she fainted and won't wake up",
    "I'm not laughing, I can't breathe",
    "he says he is dying and his lips are blue",
    "I am dying, please help",
    "seizure for ten minutes and still going",
    "my chest is tight and heavy",
)
NOT_MEANT = (
    "Palpitations since lunch, no chest pain",
    "fluttering since nine, no pain, no breathlessness",
    "passed out at the bus stop for a few seconds, right as rain now",
    "I fainted in the vestry. I am well now and sitting with a biscuit.",
    "He fainted, half a minute. Now sits with tea.",
    "my manager gave me a heart attack with that meeting",
    "nearly had a heart attack when I saw the price",
    "had a stroke of genius, budget balanced",
    "In two thousand and nine I had a stroke. Today was an ordinary day.",
    "Heart attack was twenty fifteen, all good",
    "i am dying of boredom",
    "she's dying for a gin",
    "laughed till I couldn't breathe at the wedding",
    "a little more breathless than usual on the stairs",
    "ate all her dinner, bless",
)


@pytest.mark.parametrize("text", MEANT)
def test_what_is_meant_is_heard(text: str) -> None:
    assert is_emergency(normal(text))


@pytest.mark.parametrize("text", NOT_MEANT)
def test_what_is_not_meant_is_none(text: str) -> None:
    assert not is_emergency(normal(text))
