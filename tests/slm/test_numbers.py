"""The numbers that a question names are the only ones that its call can have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.slm.numbers import numbers_named


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("above 180 today", "180"),
        ("over 10,5 mmol", "10.5"),
        ("10,0 mmol", "10"),
        ("1,200 steps", "1200"),
        ("on the 3rd", "3"),
        ("on 7/9", "9"),
        ("2026-03-05", "2026-03-05"),
        ("the last three days", "3"),
        ("a fortnight", "2"),
        ("a couple of days", "2"),
        ("a hundred and eighty", "180"),
        ("one thirty five over eighty five", "135"),
        ("one thirty five over eighty five", "85"),
        ("one oh five", "105"),
        ("two thousand five hundred", "2500"),
        ("thirty eight point five", "38.5"),
        ("seventy and one hundred eighty", "70"),
        ("seventy and one hundred eighty", "180"),
        ("won twenty", "120"),
        ("the twelfth", "12"),
        ("last hour", "1"),
        ("the first week of august", "7"),
        ("a week ago friday", "7"),
    ],
)
def test_numbers_are_found_as_people_say_them(question: str, number: str) -> None:
    assert number in numbers_named(question)


def test_a_question_without_numbers_has_none() -> None:
    assert numbers_named("how high was my pulse yesterday") == ()


@given(st.integers(1, 9999))
def test_digits_are_found(number: int) -> None:
    assert str(number) in numbers_named(f"was it over {number} today?")


@given(st.text(max_size=300))
def test_any_text_names_numbers_or_none(text: str) -> None:
    assert all(number[0].isdigit() for number in numbers_named(text))
