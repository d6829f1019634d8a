from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from healthslm.analysis import paired
from healthslm.analysis.pressure import home_average, morning_evening_difference, morning_surge, sittings
from healthslm.readings import Kind, Reading, Window
from tests.making import DAY, at, reading, series, windows

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = DAY + timedelta(days=8)


def cuff(day: int, clock: str, *pairs: tuple[float, float], apart: float = 60) -> list[Reading]:
    rows = []
    for number, (upper, lower) in enumerate(pairs):
        time = at(clock) + timedelta(days=day, seconds=apart * number)
        rows += [reading(Kind.SYSTOLIC, time, upper), reading(Kind.DIASTOLIC, time, lower)]
    return rows


def of(rows: list[Reading]) -> tuple[Window, Window]:
    found: Mapping[Kind, Window] = windows(rows, end=WEEK)
    return tuple(  # type: ignore[return-value]
        found.get(kind, Window.of(kind, DAY, WEEK, ())) for kind in (Kind.SYSTOLIC, Kind.DIASTOLIC)
    )


def week(days: int = 7, *, first: float = 180, morning: float = 140, evening: float = 130) -> list[Reading]:
    rows = []
    for day in range(days):
        upper = (first, first) if day == 0 else (morning, evening)
        rows += cuff(day, "07:00", (upper[0] + 2, 82), (upper[0] - 2, 80))
        rows += cuff(day, "20:00", (upper[1] + 2, 80), (upper[1] - 2, 78))
    return rows


def test_sittings_are_half_hours_of_measurements_a_minute_apart() -> None:
    rows = cuff(0, "07:00", (140, 90), (130, 86)) + cuff(0, "07:29", (120, 80)) + cuff(0, "07:31", (150, 95))
    first, second = sittings(*of(rows))
    assert (first.count, first.systolic, second.count, second.systolic) == (3, 130, 1, 150)
    assert len(first.readings) == 6


def test_the_same_measurement_told_twice_is_one() -> None:
    (one,) = sittings(*of(cuff(0, "07:00", (150, 95), (150, 95), apart=5)))
    assert one.count == 1


def test_what_no_cuff_measures_is_no_pair() -> None:
    rows = cuff(0, "07:00", (127, 127), (255, 255), (0, 0), (80, 120), (130, 80))
    upper, lower = paired(*of(rows))
    assert (upper.values.tolist(), lower.values.tolist()) == ([130], [80])


def test_the_average_of_a_week_leaves_out_the_first_day() -> None:
    upper, lower, number = home_average(*of(week()), zone=UTC)
    assert (upper.value, lower.value, number.value) == (135, 80, 12)
    assert (upper.count, len(upper.readings)) == (24, 48)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no complete"),
        (week(1), "0 days after the first"),
        (week(3), "2 days after the first"),
        ([r for r in week() if r.time.hour == 7], "no sitting in the evening"),
        ([r for r in week() if r.time.minute == 0], "none with 2 measurements"),
        ([r for r in week(5) if r.time.hour == 7], "8 measurements after the first day"),
    ],
)
def test_too_few_have_no_average(rows: list[Reading], reason: str) -> None:
    upper, lower, _ = home_average(*of(rows), zone=UTC)
    assert upper.value is None
    assert lower.value is None
    assert reason in upper.reason


def test_four_days_bear_an_average() -> None:
    upper, _, number = home_average(*of(week(4)), zone=UTC)
    assert (upper.value, number.value) == (135, 6)


def test_mornings_less_evenings() -> None:
    found = morning_evening_difference(*of(week()), zone=UTC)
    assert found.value == pytest.approx(10)
    assert "0 days" in morning_evening_difference(*of([]), zone=UTC).reason
    # The clock on the wall decides: 20:00 UTC is morning in nobody's Berlin, 03:30 UTC is.
    early = [r for day in range(6) for r in cuff(day, "03:30", (150, 90), (150, 90))]
    late = [r for day in range(6) for r in cuff(day, "19:00", (130, 85), (130, 85))]
    assert morning_evening_difference(*of(early + late), zone=BERLIN).value == 20
    assert morning_evening_difference(*of(early + late), zone=UTC).value is None


def test_the_morning_surge_needs_a_night() -> None:
    night = series(Kind.SYSTOLIC, at("00:30"), [118, 114, 104, 100, 108, 116, 120, 121, 122, 123], every=1800)
    morning = series(Kind.SYSTOLIC, at("07:00"), [140, 144, 146, 150], every=1800)
    whole = of([*night, *morning])[0]
    found = morning_surge(whole, zone=UTC, woke=at("07:00"))
    assert found.value == pytest.approx(145 - (104 + 100 + 108) / 3)
    assert found.count == 7
    assert "waking" in morning_surge(whole, zone=UTC).reason
    by_day = of(morning)[0]
    assert "0 readings at night" in morning_surge(by_day, zone=UTC, woke=at("07:00")).reason
    asleep = of(night)[0]
    assert "after waking" in morning_surge(asleep, zone=UTC, woke=at("07:00")).reason
