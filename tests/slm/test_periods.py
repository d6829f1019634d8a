"""Periods are what the words mean in local time, half-open, and never in the future."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.slm.periods import Period, UnknownPeriodError, resolve

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC")
]
NAMES = ["today", "yesterday", "last_night", "this_week", "last_week", "this_month", "last_month"]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
NOW = datetime(2026, 11, 4, 15, 30, tzinfo=BERLIN)  # a Wednesday

moments = st.builds(
    lambda at, zone: at.astimezone(zone),
    st.integers(946_771_200, 2_840_140_800).map(lambda s: datetime.fromtimestamp(s, UTC)),  # 2000 to 2060
    st.sampled_from(ZONES),
)


def spoken(period: Period, zone: ZoneInfo = BERLIN) -> str:
    return " ".join(f"{t.astimezone(zone):%Y-%m-%dT%H:%M}" for t in (period.start, period.end))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("today", "2026-11-04T00:00 2026-11-04T15:30"),
        ("yesterday", "2026-11-03T00:00 2026-11-04T00:00"),
        ("last_night", "2026-11-03T20:00 2026-11-04T10:00"),
        ("this_morning", "2026-11-04T06:00 2026-11-04T12:00"),
        ("this_afternoon", "2026-11-04T12:00 2026-11-04T15:30"),
        ("this_week", "2026-11-02T00:00 2026-11-04T15:30"),
        ("last_week", "2026-10-26T00:00 2026-11-02T00:00"),
        ("this_month", "2026-11-01T00:00 2026-11-04T15:30"),
        ("last_month", "2026-10-01T00:00 2026-11-01T00:00"),
        ("last 6 hours", "2026-11-04T09:30 2026-11-04T15:30"),
        ("last 1 day", "2026-11-03T15:30 2026-11-04T15:30"),
        ("last 2 weeks", "2026-10-21T15:30 2026-11-04T15:30"),
        ("last 2 months", "2026-09-05T15:30 2026-11-04T15:30"),
        ("wednesday", "2026-11-04T00:00 2026-11-04T15:30"),
        ("thursday", "2026-10-29T00:00 2026-10-30T00:00"),
        ("tuesday", "2026-11-03T00:00 2026-11-04T00:00"),
        ("2026-10-31", "2026-10-31T00:00 2026-11-01T00:00"),
        ("2026-10-30..2026-10-31", "2026-10-30T00:00 2026-11-01T00:00"),
        ("2026-10-30..2026-12-31", "2026-10-30T00:00 2026-11-04T15:30"),
        ("july to september", "2026-07-01T00:00 2026-10-01T00:00"),
        ("december to february", "2025-12-01T00:00 2026-03-01T00:00"),
        ("october to november", "2026-10-01T00:00 2026-11-04T15:30"),
        ("5 march to today", "2026-03-05T00:00 2026-11-04T15:30"),
        ("october to today", "2026-10-01T00:00 2026-11-04T15:30"),
        (" Today ", "2026-11-04T00:00 2026-11-04T15:30"),
    ],
)
def test_what_each_period_is(words: str, expected: str) -> None:
    assert spoken(resolve(words, NOW, BERLIN)) == expected


@pytest.mark.parametrize(
    "words",
    [
        "",
        "soon",
        "2026-13-01",
        "2026-11-05",
        "2026-11-03..2026-11-01",
        "last 0 days",
        "last x days",
        "last 99999 days",
        "this_evening",
        "9999-12-31",
        "2026-10-03 to april",
    ],
)
def test_what_is_no_period_is_not_guessed(words: str) -> None:
    with pytest.raises(UnknownPeriodError):
        resolve(words, NOW, BERLIN)


def test_days_are_23_and_25_hours_long_when_the_clocks_change() -> None:
    def hours(day: str) -> float:
        period = resolve(day, datetime(2026, 12, 1, tzinfo=BERLIN), BERLIN)
        return (period.end.astimezone(UTC) - period.start.astimezone(UTC)) / timedelta(hours=1)

    assert (hours("2026-03-29"), hours("2026-10-25"), hours("2026-10-26")) == (23, 25, 24)


def test_six_hours_are_six_hours_when_the_clocks_change() -> None:
    now = datetime(2026, 10, 25, 6, 0, tzinfo=BERLIN)
    period = resolve("last 6 hours", now, BERLIN)
    assert period.end.astimezone(UTC) - period.start.astimezone(UTC) == timedelta(hours=6)
    assert spoken(period) == "2026-10-25T01:00 2026-10-25T06:00"


def test_the_zone_decides_which_day_it_is() -> None:
    now, utc = datetime(2026, 11, 3, 23, 30, tzinfo=UTC), ZoneInfo("UTC")
    assert spoken(resolve("today", now, BERLIN)) == "2026-11-04T00:00 2026-11-04T00:30"
    assert spoken(resolve("today", now, utc), utc) == "2026-11-03T00:00 2026-11-03T23:30"


@given(moments, st.sampled_from(NAMES + WEEKDAYS))
def test_every_period_lies_before_now_and_begins_as_the_clock_says(now: datetime, words: str) -> None:
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    try:
        period = resolve(words, now, zone)
    except UnknownPeriodError:
        assert now.time() == datetime.min.time()  # the very first moment of a day
        return
    assert period.start.astimezone(UTC) <= period.end.astimezone(UTC) <= now.astimezone(UTC)
    start = period.start.astimezone(zone)
    assert start.hour in ((20,) if words == "last_night" else (0, 1))  # 1 where midnight does not exist
    if words in WEEKDAYS:
        assert period.start.weekday() == WEEKDAYS.index(words)


@given(moments)
def test_yesterday_and_today_and_the_weeks_meet_without_a_hole(now: datetime) -> None:
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    now = now.replace(minute=1)
    for before, after in (("yesterday", "today"), ("last_week", "this_week"), ("last_month", "this_month")):
        assert resolve(before, now, zone).end == resolve(after, now, zone).start


@given(moments, st.integers(1, 9999), st.sampled_from(["hour", "day", "week", "month"]))
def test_last_n_ends_now(now: datetime, count: int, unit: str) -> None:
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    try:
        period = resolve(f"last {count} {unit}s", now, zone)
    except UnknownPeriodError:
        return
    assert period.end == now
    assert period.start < now


@given(st.text(max_size=40))
def test_any_words_give_a_period_or_its_own_error(words: str) -> None:
    with contextlib.suppress(UnknownPeriodError):
        assert resolve(words, NOW, BERLIN).end <= NOW
