"""Baselines, shifts and trends of days."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm.analysis.baseline import GAP, LEAST, MONTH, TRUST, levelled, usual
from healthslm.analysis.shift import Shift, shift
from healthslm.analysis.trend import theil_sen
from healthslm.readings import Floats, Ints

FIRST = date(2026, 3, 2).toordinal()  # a Monday


def days(count: int) -> Ints:
    return np.arange(FIRST, FIRST + count)


def noisy(count: int, spread: float = 2.0, seed: int = 1) -> Floats:
    return 60 + spread * np.random.default_rng(seed).standard_normal(count)


def test_the_month_ends_before_the_last_days() -> None:
    values = np.r_[np.full(10, 100.0), np.full(MONTH, 60.0), np.full(GAP, 90.0)]
    found = usual(days(len(values)), values, FIRST + len(values) - 1, typical=2)
    assert found is not None
    assert found.center == 60
    assert found.places.tolist() == list(range(10, 10 + MONTH))


def test_alike_days_are_given_a_spread_that_people_have() -> None:
    found = usual(days(40), np.full(40, 60.0), FIRST + 39, typical=2)
    assert found is not None
    assert found.spread == pytest.approx(2 * np.sqrt(TRUST / (TRUST + MONTH)))
    wild = usual(days(40), noisy(40, 10), FIRST + 39, typical=2)
    assert wild is not None
    assert 4 < wild.spread < 9  # its own 10, drawn towards 2


def test_one_odd_day_moves_neither_center_nor_spread_much() -> None:
    values = noisy(40)
    odd = values.copy()
    odd[20] = 500
    a, b = (usual(days(40), v, FIRST + 39, typical=2) for v in (values, odd))
    assert a is not None
    assert b is not None
    assert abs(a.center - b.center) < 0.5
    assert abs(a.spread - b.spread) < 0.5


def test_under_seven_days_nothing_is_usual() -> None:
    values = np.full(40, np.nan)
    values[5 : 5 + LEAST - 1] = 60
    assert usual(days(20), values[:20], FIRST + 19, typical=2) is None
    values[5 + LEAST] = 60
    assert usual(days(20), values[:20], FIRST + 19, typical=2) is not None


def test_weekdays_habits_are_taken_out_where_they_are_borne() -> None:
    count = 8 * 7
    weekend = np.where(days(count) % 7 == days(1)[0] % 7, 6.0, 0.0)  # Mondays
    values = noisy(count, 1) + weekend
    level = levelled(days(count), values)
    monday = days(count) % 7 == days(1)[0] % 7
    assert abs(np.median(level[monday]) - np.median(level[~monday])) < 1
    plain = noisy(count, 1)
    assert levelled(days(count), plain) is plain  # no habit, no change
    short = values[-20:]
    assert levelled(days(count)[-20:], short) is short  # too few of each weekday


def test_a_shift_of_three_days_is_measured() -> None:
    values = noisy(40, 1)
    values[-3:] = 68
    found = shift(days(40), values, typical=2)
    assert isinstance(found, Shift)
    assert found.change == pytest.approx(8, abs=0.7)
    assert found.spreads > 4
    assert found.recent.tolist() == [37, 38, 39]
    assert found.usual.places.tolist() == list(range(9, 37))
    assert not found.levelled


def test_gaps_are_said() -> None:
    values = noisy(40)
    values[-1] = np.nan
    assert shift(days(40), values, typical=2) == "the last day is not known"
    values = noisy(40)
    values[-3:-1] = np.nan
    assert shift(days(40), values, typical=2) == "1 of the last 3 days known, 2 are needed"
    assert "too few days" in str(shift(days(6), noisy(6), typical=2))
    assert shift(days(0), np.array([]), typical=2) == "the last day is not known"
    # Days without a row are no days next to each other.
    sparse = np.delete(days(40), [37, 38])
    assert "1 of the last 3" in str(shift(sparse, noisy(38), typical=2))


def test_the_slope_of_a_line_and_its_interval() -> None:
    x = np.arange(20)
    exact = theil_sen(x, 3.0 * x + 5)
    assert (exact.value, exact.low, exact.high) == pytest.approx((3, 3, 3))
    assert theil_sen(np.array([1, 5]), np.array([1.0, 3.0])).value == 0.5
    assert theil_sen(np.array([1, 5, 6]), np.array([1.0, 3.0, 2.0])).low is None
    with pytest.raises(ValueError, match="two points"):
        theil_sen(np.array([1]), np.array([1.0]))


def uneven(count: int, decimals: int) -> tuple[Ints, Floats]:
    x = np.cumsum(1 + np.arange(count) % 3)
    return x, np.round(0.2 * x + np.sin(x**2), decimals)


@pytest.mark.parametrize(
    ("count", "decimals", "value", "low", "high"),
    [
        (5, 12, 0.00070193891582, -0.26796577956162, 0.36193232924251),
        (8, 12, 0.09380494546446, 0.01608012761471, 0.25568271225222),
        (15, 12, 0.23958692964425, 0.18292901438547, 0.28286878461289),
        (30, 12, 0.20863733925863, 0.19720176593319, 0.22849527511200),
        (5, 0, 0, -1 / 4, 1 / 3),
        (8, 0, 0.08712121212121, 0, 2 / 7),
        (15, 0, 1 / 4, 0.18181818181818, 0.3),
        (30, 0, 0.21739130434783, 0.2, 0.23333333333333),
    ],
)
def test_the_interval_is_that_of_the_reference(
    count: int, decimals: int, value: float, low: float, high: float
) -> None:
    """The numbers are of SciPy 1.17.1, stats.theilslopes(y, x, 0.95); without decimals there are ties."""
    found = theil_sen(*uneven(count, decimals))
    assert (found.value, found.low, found.high) == pytest.approx((value, low, high), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=4, max_size=30))
def test_what_falls_is_what_rises_seen_in_a_mirror(values: list[int]) -> None:
    x, y = np.arange(len(values)), np.array(values, dtype=np.float64)
    up, down = theil_sen(x, y), theil_sen(x, -y)
    assert up.value == -down.value
    if up.low is None or up.high is None:
        assert (down.low, down.high) == (None, None)
    else:
        assert (down.low, down.high) == (-up.high, -up.low)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_the_interval_holds_the_slope_nineteen_times_in_twenty(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.arange(25)
    held = 0
    for _ in range(40):
        found = theil_sen(x, 0.3 * x + rng.standard_normal(25))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.3 <= found.high
    assert held >= 31
