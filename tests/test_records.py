"""The ground level: moments and the times of windows in microseconds."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from healthslm.readings import Kind, instant, micro, micros, moment
from tests.making import at, series, windows


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_and_its_microseconds_are_the_same_time(time: datetime) -> None:
    assert micro(time) == int(instant(time).astype(np.int64))
    assert moment(np.datetime64(micro(time), "us")) == time


def test_whose_clock_it_is_makes_no_difference() -> None:
    summer = datetime(2026, 7, 1, 14, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert micro(summer) == micro(summer.astimezone(UTC))


def test_the_times_of_a_window_are_those_of_its_readings() -> None:
    rows = series(Kind.SPO2, at("09:00"), [97, 96, 95], every=0.25)
    assert micros(windows(rows)[Kind.SPO2]).tolist() == [micro(row.time) for row in rows]
