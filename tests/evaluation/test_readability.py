"""Syllables of the words that our texts are made of, and grades against the formula by hand."""

from __future__ import annotations

import pytest

from healthslm.evaluation.readability import grade, syllables


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (
            1,
            "heart rate was high low rose reached ranged peaked rest drink feel the ill worse times note",
        ),
        (2, "reading pressure lowest highest glucose fever doctor between latest service rhythm measure"),
        (3, "oxygen average averaged minimum recently period"),
        (4, "temperature saturation emergency diastolic irregular"),
        (6, "variability"),
    ],
)
def test_everyday_words(count: int, words: str) -> None:
    assert {word: syllables(word) for word in words.split()} == dict.fromkeys(words.split(), count)


@pytest.mark.parametrize(
    ("figure", "count"),
    [("72", 4), ("118", 5), ("38.9", 5), ("14:20", 4), ("88", 3), ("5937", 10), ("16:42", 5), ("88 %", 5)],
)
def test_figures_are_read_aloud_or_count_as_one(figure: str, count: int) -> None:
    assert syllables(figure, aloud=True) == count
    assert syllables(figure) == 1
    assert (syllables("mg/dL"), syllables("mg/dL", aloud=True)) == (1, 8)


def test_the_grade_is_the_formulas() -> None:
    # 6 words in one sentence and 6 syllables; then twice as much of all.
    assert grade(["The cat sat on the mat."]) == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    assert grade(["The cat sat on the mat. The dog ran to the cat."]) == pytest.approx(
        0.39 * 6 + 11.8 - 15.59
    )
    # 5 words: its heart rate was 72 (4 aloud); a unit hangs on its number.
    assert grade(["Its heart rate was 72."], aloud=True) == pytest.approx(0.39 * 5 + 11.8 * 8 / 5 - 15.59)
    assert grade(["It was 88 %."]) == pytest.approx(0.39 * 3 + 11.8 - 15.59)
    assert grade([]) is None
    assert grade(["..."]) is None


def test_long_words_and_sentences_are_harder() -> None:
    hard = "Considerable physiological deterioration necessitates immediate professional reassessment."
    easy = "You should call your doctor now."
    assert (grade([hard]) or 0) > 20
    assert (grade([easy]) or 99) < 8
