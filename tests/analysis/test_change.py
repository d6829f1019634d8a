from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.analysis import in_range, relation, trend
from healthslm.readings import Kind, Window
from tests.making import DAY, reading

UTC = ZoneInfo("UTC")


def days(kind: Kind, *values: float) -> Window:
    rows = [reading(kind, DAY + timedelta(days=i, hours=12), v) for i, v in enumerate(values)]
    return Window.of(kind, DAY, DAY + timedelta(days=60), rows)


def test_a_trend_is_the_slope_a_day_and_one_odd_day_does_not_move_it() -> None:
    assert trend(days(Kind.SYSTOLIC, 120, 122, 124, 126), UTC)[0].value == pytest.approx(2)
    assert trend(days(Kind.SYSTOLIC, 120, 122, 190, 126, 128, 130), UTC)[0].value == pytest.approx(2, abs=0.5)


def test_a_trend_of_two_days_is_not_given() -> None:
    found = trend(days(Kind.SYSTOLIC, 120, 122), UTC)[0]
    assert found.value is None
    assert found.reason == "systolic pressure on 2 days, a trend needs 3"


def test_a_day_is_a_local_day() -> None:
    late = [reading(Kind.TEMPERATURE, DAY + timedelta(hours=h), 37) for h in (22, 23.5)]
    window = Window.of(Kind.TEMPERATURE, DAY, DAY + timedelta(days=3), late)
    assert trend(window, UTC)[0].reason.startswith("temperature on 1 day,")
    assert trend(window, ZoneInfo("Europe/Berlin"))[0].reason.startswith("temperature on 2 days,")


@given(st.lists(st.floats(80, 200), min_size=1, max_size=30), st.floats(80, 200))
def test_shares_below_and_above_add_up(values: list[float], bound: float) -> None:
    window = days(Kind.SYSTOLIC, *values)
    below = in_range(window, None, bound).value or 0.0
    above = in_range(window, bound, None).value or 0.0
    at = 100 * sum(v == bound for v in values) / len(values)
    assert below + above - at == pytest.approx(100)


def test_a_relation_is_one_for_any_rising_curve() -> None:
    one = days(Kind.SYSTOLIC, *range(100, 110))
    rising = days(Kind.DIASTOLIC, *(x**1.5 / 10 for x in range(100, 110)))
    assert relation(one, rising, UTC).value == pytest.approx(1)
    assert relation(one, days(Kind.DIASTOLIC, *range(90, 80, -1)), UTC).value == pytest.approx(-1)


@pytest.mark.parametrize(("values", "why"), [((80, 81, 82), "3 same days"), ((80,) * 10, "never changed")])
def test_a_relation_that_says_nothing_is_not_given(values: tuple[float, ...], why: str) -> None:
    found = relation(days(Kind.SYSTOLIC, *range(100, 110)), days(Kind.DIASTOLIC, *values), UTC)
    assert found.value is None
    assert why in found.reason
