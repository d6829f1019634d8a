"""The line that a call is written as: what may come next, and what it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthslm.slm.lines import END, Lines
from healthslm.slm.periods import UnknownPeriodError
from healthslm.slm.plan import read

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 4, 15, 30, tzinfo=BERLIN)


def stands(line: str, numbers: Sequence[str] = ()) -> bool:
    """Whether a line is one of those that there are for a question with these numbers."""
    lines, words = Lines(numbers), line.split()
    return all(word in lines.next(words[:n]) for n, word in enumerate(words)) and END in lines.next(words)


def days(period: dict[str, str]) -> str:
    start, end = (datetime.fromisoformat(period[edge]).astimezone(BERLIN) for edge in ("start", "end"))
    return f"{start:%d.%m %H}/{end:%d.%m %H}"


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("value heart_rate latest", ()),
        ("value heart_rate max yesterday", ()),
        ("trend weight last 3 weeks", ("3",)),
        ("compare steps total this_week / last_week", ()),
        ("compare glucose mean day 3 / 4 march", ("3", "4")),
        ("time_in_range glucose above 10.5 mmol last 2 days", ("10.5", "2")),
        ("time_in_range glucose between 70 and 180", ("70", "180")),
        ("time_in_range glucose range last_month", ()),
        ("relate sleep_duration heart_rate friday to today", ()),
        ("findings urgent this_week", ()),
        ("findings", ()),
        ("value weight mean 3 march 2025", ("3", "2025")),
        ("value weight mean 2026-03-03 to 2026-03-05", ("2026-03-03", "2026-03-05")),
        ("value weight mean 2 days ago", ("2",)),
        ("explain news2", ()),
        ("refuse dosing", ()),
        ("unclear period", ()),
        ("devices", ()),
        ("emergency", ()),
    ],
)
def test_lines_that_there_are(line: str, numbers: Sequence[str]) -> None:
    assert stands(line, numbers)
    read(line, NOW, BERLIN)


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("", ()),
        ("value", ()),
        ("value heart_rate", ()),
        ("value blood max", ()),
        ("value heart_rate max last 3 days", ("4",)),
        ("time_in_range glucose above 181", ("180",)),
        ("time_in_range weight range", ()),
        ("compare steps total this_week", ()),
        ("compare steps total / last_week", ()),
        ("findings severe", ()),
        ("refuse everything", ()),
        ("devices today", ()),
        ("delete everything", ()),
        ("value weight mean day 32", ("32",)),
        ("value weight mean this_week to today", ()),
    ],
)
def test_lines_that_there_are_not(line: str, numbers: Sequence[str]) -> None:
    assert not stands(line, numbers)


@pytest.mark.parametrize(
    ("line", "period"),
    [
        ("value heart_rate mean tuesday", "03.11 00/04.11 00"),
        ("value heart_rate mean friday to sunday", "30.10 00/02.11 00"),
        ("value heart_rate mean monday to today", "02.11 00/04.11 15"),
        ("value heart_rate mean day 2", "02.11 00/03.11 00"),
        ("value heart_rate mean day 30", "30.10 00/31.10 00"),
        ("value heart_rate mean 2 days ago", "02.11 00/03.11 00"),
        ("value heart_rate mean 5 october to 9 october", "05.10 00/10.10 00"),
        ("value heart_rate mean october", "01.10 00/01.11 00"),
        ("value heart_rate mean last 6 hours", "04.11 09/04.11 15"),
        ("value heart_rate mean", "04.11 00/04.11 15"),
        ("trend heart_rate", "05.10 15/04.11 15"),
        ("findings", "04.11 00/04.11 15"),
    ],
)
def test_periods_are_worked_out_here(line: str, period: str) -> None:
    assert days(read(line, NOW, BERLIN).arguments["period"]) == period


@pytest.mark.parametrize(
    ("line", "low", "high"),
    [
        ("time_in_range glucose above 10 mmol", 180.0, None),
        ("time_in_range glucose above 10", 180.0, None),
        ("time_in_range glucose below 70", None, 70.0),
        ("time_in_range glucose between 3.9 and 10 mmol", 70.0, 180.0),
        ("time_in_range glucose between 180 and 70", 70.0, 180.0),
        ("time_in_range glucose range", 70, 180),
        ("time_in_range temperature above 100.4 F", 38.0, None),
        ("time_in_range spo2 below 90", None, 90.0),
    ],
)
def test_bounds_are_converted_here(line: str, low: float | None, high: float | None) -> None:
    arguments = read(line, NOW, BERLIN).arguments
    assert (arguments["low"], arguments["high"]) == (low, high)


def test_the_latest_value_has_no_period() -> None:
    assert read("value spo2 latest", NOW, BERLIN).arguments["period"] is None


def test_what_has_not_begun_is_named() -> None:
    with pytest.raises(UnknownPeriodError, match="31 october 2027"):
        read("value weight mean 31 october 2027", NOW, BERLIN)


_NUMBERS = ("3", "10", "70", "180", "2026", "2026-10-03")


@given(st.data(), st.sampled_from([_NUMBERS, (), ("2026-10-03",), ("2026",), ("1.5",), ("20",)]))
def test_whatever_is_chosen_among_the_next_words_is_a_call(
    data: st.DataObject, numbers: Sequence[str]
) -> None:
    lines, words = Lines(numbers), list[str]()
    while True:
        following = sorted(lines.next(words))
        assert following, words
        word = data.draw(st.sampled_from(following))
        if word == END:
            break
        words.append(word)
        assert len(words) < 20
    try:
        call: Any = read(" ".join(words), NOW, BERLIN)
    except UnknownPeriodError:
        return  # asked back
    assert call.tool == (words[0] if words[0] != "time_in_range" or len(words) > 2 else "unclear")
    if words[0] == "time_in_range" and call.tool == "unclear":
        assert "120" in call.why
