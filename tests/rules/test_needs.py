"""What no rule could judge is said with what it lacks."""

from collections.abc import Sequence

import pytest

from healthslm.readings import Kind, Reading
from healthslm.rules.needs import unjudged
from tests.making import at, series, windows


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (series(Kind.HEART_RATE, at("08:00"), [150]), "heart rate: one reading; the rules need ten minutes"),
        (
            series(Kind.HEART_RATE, at("08:00"), [150] * 9, every=3600),
            "heart rate: 9 readings; the rules need",
        ),
        (series(Kind.SPO2, at("08:00"), [96]), "oxygen saturation: one reading; the rules need five minutes"),
        (series(Kind.RESPIRATORY_RATE, at("08:00"), [16]), "respiratory rate: one reading; the rules need"),
        (series(Kind.TEMPERATURE, at("08:00"), [36.8]), "low temperature needs two"),
        (series(Kind.SYSTOLIC, at("08:00"), [130]), "the systolic one is judged alone"),
        (
            series(Kind.SYSTOLIC, at("08:00"), [130]) + series(Kind.DIASTOLIC, at("08:00"), [80]),
            "blood pressure: one reading, one at a time; an average needs two",
        ),
        (series(Kind.WEIGHT, at("08:00"), [80, 81]), "weight: one day"),
        (
            series(Kind.RR_INTERVAL, at("08:00"), [800] * 600, every=0.8),
            "RR interval: 600 readings; the rule",
        ),
        (series(Kind.HEART_RATE, at("08:00"), [0] * 60), "heart rate: no usable reading"),
        (series(Kind.PULSE_RATE, at("08:00"), [70]), "no rule judges these by themselves: pulse rate"),
    ],
)
def test_what_a_kind_lacks(rows: Sequence[Reading], said: str) -> None:
    (line,) = unjudged(windows(rows))
    assert said in line


@pytest.mark.parametrize(
    "rows",
    [
        series(Kind.HEART_RATE, at("08:00"), [70] * 700),
        series(Kind.SPO2, at("08:00"), [96] * 400),
        series(Kind.SPO2, at("08:00"), [96] * 45),
        series(Kind.SPO2, at("08:00"), [96, 96], every=600),
        series(Kind.TEMPERATURE, at("08:00"), [36.8, 36.9], every=600),
        series(Kind.SYSTOLIC, at("08:00"), [130] * 2, every=120)
        + series(Kind.DIASTOLIC, at("08:00"), [80] * 2, every=120),
        series(Kind.GLUCOSE, at("08:00"), [104]),
        [],
    ],
)
def test_of_what_was_judged_nothing_is_said(rows: Sequence[Reading]) -> None:
    assert unjudged(windows(rows)) == ()
