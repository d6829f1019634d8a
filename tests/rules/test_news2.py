"""NEWS2: every cell of the chart, what lies between cells, and what is missing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.errors import UsageError
from healthslm.evaluation.news2 import cells, run
from healthslm.rules.news2 import news2


def test_every_value_of_every_cell() -> None:
    wrong = [(told, points) for name, told, points in cells() if news2(**told).points[name] != points]
    assert wrong == []
    assert len(list(cells())) > 600


def test_the_evaluation_says_so() -> None:
    table = run()
    assert {one.name.split(":")[0] for one in table.lines} == {
        "respiration",
        "spo2, scale 1",
        "spo2, scale 2",
        "systolic",
        "pulse",
        "temperature",
        "oxygen",
        "consciousness",
    }
    assert all(one.met for one in table.lines)


def test_a_whole_score_as_in_the_help() -> None:
    result = news2(
        respiration=18, spo2=95, oxygen=False, systolic=120, pulse=80, consciousness="A", temperature=37.0
    )
    assert (result.score, result.partial, result.risk) == (1, (), "low")


@pytest.mark.parametrize(
    ("told", "score", "risk"),
    [
        ({"respiration": 25}, 3, "low-medium"),
        ({"respiration": 21, "pulse": 120, "temperature": 38.5}, 5, "medium"),
        ({"respiration": 25, "pulse": 135, "temperature": 38.5}, 7, "high"),
        ({"pulse": 95, "temperature": 38.5, "oxygen": True}, 4, "low"),
    ],
)
def test_the_risk_bands(told: dict[str, Any], score: int, risk: str) -> None:
    result = news2(**told)
    assert (result.score, result.risk) == (score, risk)


def test_what_is_missing_is_named_and_not_scored() -> None:
    result = news2(pulse=80, temperature=37.0)
    assert result.partial == ("respiration", "spo2", "oxygen", "systolic", "consciousness")
    assert result.points == {"pulse": 0, "temperature": 0}
    assert len(news2().partial) == 7


def test_on_scale_2_a_high_saturation_is_not_scored_without_knowing_of_oxygen() -> None:
    assert "spo2" in news2(spo2=97, scale=2).partial
    assert news2(spo2=90, scale=2).points["spo2"] == 0
    assert news2(spo2=97, scale=2, oxygen=True).points == {"spo2": 3, "oxygen": 2}


@pytest.mark.parametrize(
    ("told", "points"),
    [
        ({"temperature": 38.04}, 0),
        ({"temperature": 38.05}, 1),
        ({"respiration": 20.4}, 0),
        ({"respiration": 20.5}, 2),
        ({"spo2": 91.5}, 2),
        ({"systolic": 90.49}, 3),
        ({"pulse": 130.5}, 3),
    ],
)
def test_between_two_cells_it_is_rounded_as_on_the_chart(told: dict[str, Any], points: int) -> None:
    assert list(news2(**told).points.values()) == [points]


@pytest.mark.parametrize(
    "told",
    [
        {"temperature": 98.6},
        {"spo2": 0},
        {"spo2": 101},
        {"pulse": -1},
        {"systolic": float("nan")},
        {"respiration": float("inf")},
        {"consciousness": "AV"},
        {"consciousness": ""},
        {"scale": 3},
    ],
)
def test_what_cannot_be_is_refused_by_name(told: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as refused:
        news2(**told)
    assert refused.value.hint


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "respiration": st.floats(0, 100),
            "spo2": st.floats(50, 100),
            "oxygen": st.booleans(),
            "systolic": st.floats(40, 300),
            "pulse": st.floats(0, 300),
            "consciousness": st.sampled_from("ACVPUacvpu"),
            "temperature": st.floats(25, 45),
        },
    ),
    st.sampled_from([1, 2]),
)
def test_the_sum_is_that_of_the_parts_and_missing_ones_never_raise_it(
    told: dict[str, Any], scale: int
) -> None:
    result = news2(scale=scale, **told)
    assert result.score == sum(result.points.values()) <= 20
    assert set(result.points) | set(result.partial) == {
        "respiration", "spo2", "oxygen", "systolic", "pulse", "consciousness", "temperature"
    }  # fmt: skip
    for name in told:
        rest = {other: value for other, value in told.items() if other != name}
        assert news2(scale=scale, **rest).score <= result.score
