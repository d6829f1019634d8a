"""What is no emergency though its words stand in it: denied, past, a figure of speech, over."""

from pathlib import Path

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
    "was watching telly and then this crushing pain in my chest",
    "we were watching a film and dad had a stroke",
    "at the first aid course now, a man here is unconscious",
    "no pain, but his lips are blue and he is not breathing",
    "he overdosed on his tablets",
    "the man in the street collapsed",
    "he had a seizure in the car",
    "stood up and passed out, twice since lunch",
    "I don't want to live",
    "I said I would not but I want to hurt myself",
    "sats at 41, can't breathe",
    "took all my pills",
    "denies chest pain, left arm numb since noon",
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
    "I don't want to hurt myself, I'm just flat",
    "denies chest pain, SOB, syncope, suicidal ideation",
    "the printer had a seizure again",
    "watching Casualty, a fella had a stroke in a lift",
    "seizure training at work today with a video",
    "did paramedic role play, I was the one having the heart attack",
    "took my pills as told by the nurse",
    "the conveyor has had a stroke",
    "my sourdough collapsed",
    "left calf fat and hot, breathing no trouble",
    "gran had a stroke when I was twelve",
    "three years since his heart attack, we pray",
)


HEARD = (Path(__file__).parents[1] / "data" / "slm" / "meant.txt").read_text(encoding="utf-8").splitlines()
"""Emergencies told beside words that take others back: a film, a drill, a denial, seconds, a mistake."""


@pytest.mark.parametrize("text", [*MEANT, *HEARD])
def test_what_is_meant_is_heard(text: str) -> None:
    assert is_emergency(normal(text))


@pytest.mark.parametrize("text", ["his lips are blue", "she is not breathing", "I took an overdose"])
@pytest.mark.parametrize(
    "more", ["first aid given", "by mistake", "for 40 seconds", "the telly was on", "this is no drill"]
)
def test_what_is_said_besides_takes_nothing_back(text: str, more: str) -> None:
    assert is_emergency(normal(f"{text}, {more}"))
    assert is_emergency(normal(f"{more}. {text}"))


@pytest.mark.parametrize("text", NOT_MEANT)
def test_what_is_not_meant_is_none(text: str) -> None:
    assert not is_emergency(normal(text))
