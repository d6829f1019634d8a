"""The written questions and notes: every one can be read, and no voice is on both sides."""

from datetime import date

import pytest

from healthslm.errors import UsageError
from healthslm.slm.lines import END, Lines
from healthslm.slm.numbers import numbers_named
from healthslm.voices import HELD_OUT, held_out, learned_from, parse
from healthslm.voices.reader import line_of, voices

THURSDAY = date(2026, 5, 14)


def test_there_are_thousands_and_hardly_any_twice() -> None:
    (asked, noted), (kept, kept_notes) = learned_from(), held_out()
    assert len(asked) > 3000
    assert len(noted) > 1500
    texts = [one.text.lower().strip(" ?.") for one in (*asked, *kept)]
    assert len(set(texts)) > 0.99 * len(texts)
    assert not {one.text for one in (*noted,)} & {one.text for one in kept_notes}


def test_held_out_voices_are_there_and_learned_from_by_nobody() -> None:
    assert set(HELD_OUT) <= set(voices())
    assert not {one.voice for one in learned_from()[0]} & {one.voice for one in held_out()[0]}


def test_every_question_can_become_its_line_with_the_numbers_that_it_names() -> None:
    for one in (*learned_from()[0], *held_out()[0]):
        lines, words = Lines(numbers_named(one.text)), one.line.split()
        assert all(w in lines.next(words[:n]) for n, w in enumerate(words)), (one.text, one.line)
        assert END in lines.next(words), (one.text, one.line)


@pytest.mark.parametrize(
    ("label", "marked", "line"),
    [
        ("value weight mean @yesterday", "weight [yesterday]", "value weight mean yesterday"),
        ("value weight mean @2026-05-11..2026-05-14", "[since Monday]", "value weight mean monday to today"),
        ("value weight mean @2026-05-03", "[on the 3rd]", "value weight mean day 3"),
        ("value weight mean @2026-03-03", "[on March 3rd]", "value weight mean 3 march"),
        ("value weight mean @2026-04-01..2026-04-30", "[in April]", "value weight mean april"),
        ("value weight mean @2026-05-12", "[the day before yesterday]", "value weight mean 2 days ago"),
        ("time_in_range glucose >10mmol", "over {10}", "time_in_range glucose above 10 mmol"),
        ("time_in_range glucose 70..180", "in range", "time_in_range glucose range"),
        (
            "compare steps total @2026-05-09 / 2026-05-10",
            "[Sat] or [Sun]",
            "compare steps total saturday / sunday",
        ),
    ],
)
def test_labels_become_lines_that_name_what_the_text_names(label: str, marked: str, line: str) -> None:
    assert line_of(label, marked, THURSDAY) == line


def test_a_label_that_cannot_be_is_named_with_its_line() -> None:
    with pytest.raises(UsageError, match="x, line 2"):
        parse("== questions\ntime_in_range glucose high | too much sugar", "x")
