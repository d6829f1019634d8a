from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from healthslm.readings import Kind, Reading, Severity, Window
from healthslm.rules import judge, needs, scan
from healthslm.rules.base import Verdict
from healthslm.rules.heart_rate import HIGH_HEART_RATE, LOW_HEART_RATE, STEPLESS
from tests.making import at, series, windows

RNG = np.random.default_rng(11)


def rates(*parts: tuple[float, float, int], noise: float = 1.0, start: str = "09:00") -> list[Reading]:
    """Parts of (from, to, seconds), one reading a second."""
    values = np.concatenate([np.linspace(a, b, n) for a, b, n in parts])
    values = values + noise * RNG.standard_normal(len(values))
    return series(Kind.HEART_RATE, at(start), np.round(values).tolist())


def steps(minutes: int, a_minute: float, start: str = "09:00") -> list[Reading]:
    return series(Kind.STEPS, at(start) + timedelta(minutes=1), [a_minute] * minutes, every=60)


RUN = ((70, 70, 900), (70, 125, 120), (125, 155, 300), (155, 165, 1800), (165, 105, 120), (105, 80, 600))


def severities(rows: list[Reading]) -> list[Severity]:
    return [f.severity for f in scan(HIGH_HEART_RATE, windows(rows))]


@pytest.mark.parametrize(("rate", "expected"), [(118, []), (125, [Severity.WATCH]), (150, [Severity.URGENT])])
def test_at_rest_by_a_step_counter(rate: float, expected: list[Severity]) -> None:
    rows = rates((70, 70, 900), (rate, rate, 1200)) + steps(35, 0)
    assert severities(rows) == expected


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_who_rides_a_bicycle_takes_no_steps(noise: float) -> None:
    ride = (
        (70, 70, 900),
        (70, 150, 300),
        *[part for _ in range(20) for part in ((150, 153, 180), (153, 147, 180))],
    )
    (finding,) = scan(HIGH_HEART_RATE, windows(rates(*ride, noise=noise) + steps(140, 0)))
    assert finding.severity is Severity.WATCH
    assert STEPLESS in finding.missing
    long = rates((70, 70, 900), (70, 150, 300), (150, 150, 7 * 3600), noise=noise)
    assert severities(long + steps(440, 0)) == [Severity.URGENT]


def test_a_rate_that_rises_over_hours_at_rest_is_no_exertion() -> None:
    rows = rates((90, 90, 900), (90, 140, 3 * 3600), (140, 140, 1800))
    assert severities(rows + steps(225, 0)) == [Severity.URGENT]


def test_steps_that_are_told_once_an_hour_count_for_that_hour() -> None:
    hourly = series(Kind.STEPS, at("08:00"), [0, 0, 9000], every=3600)
    run = rates((70, 70, 300), (70, 155, 10), (155, 155, 2400), (155, 90, 600), start="09:05")
    assert severities(run + hourly) == []


def test_ten_minutes_are_asked_for() -> None:
    assert severities(rates((70, 70, 900), (130, 130, 480), (70, 70, 600)) + steps(35, 0)) == []


def test_no_alarm_because_somebody_ran() -> None:
    assert severities(rates(*RUN) + steps(15, 0) + steps(38, 160, "09:15") + steps(12, 0, "09:53")) == []
    assert severities(rates(*RUN)) == []  # a strap alone: by the pattern
    assert severities(rates(*RUN, noise=0.3)) == []


def test_intervals_on_a_track_without_a_step_counter() -> None:
    laps = [part for _ in range(8) for part in ((112, 170, 90), (170, 172, 120), (172, 112, 90))]
    assert severities(rates((70, 70, 600), (70, 112, 300), *laps, (112, 80, 600))) == []


def test_a_rhythm_that_sets_in_at_once_is_told_and_says_what_it_did_not_see() -> None:
    (finding,) = scan(HIGH_HEART_RATE, windows(rates((72, 72, 900), (165, 165, 1200))))
    assert finding.severity is Severity.WATCH
    assert any("movement" in word for word in finding.missing)
    assert abs(finding.start - at("09:15")) < timedelta(minutes=3)
    assert finding.evidence[0].value is not None


def test_a_strap_that_is_put_on_at_a_steady_high_rate() -> None:
    assert severities(rates((140, 140, 900))) == [Severity.WATCH]
    drifting = rates((130, 150, 1200), noise=3)
    assert severities(drifting) == []  # somebody who started the watch during a run


def test_a_sensor_off_code_is_no_heart_rate() -> None:
    rows = series(Kind.HEART_RATE, at("09:00"), [255] * 1800) + series(
        Kind.HEART_RATE, at("11:00"), [0] * 1800
    )
    assert scan(HIGH_HEART_RATE, windows(rows)) == []
    assert scan(LOW_HEART_RATE, windows(rows)) == []


@pytest.mark.parametrize(("rate", "count"), [(41, 0), (40, 1), (36, 1)])
def test_low(rate: float, count: int) -> None:
    rows = rates((60, 60, 900), (rate, rate, 1200), noise=0)
    assert len(scan(LOW_HEART_RATE, windows(rows))) == count


def test_a_personal_threshold_silences_an_athlete() -> None:
    rows = rates((50, 50, 900), (38, 38, 1200), noise=0)
    own = LOW_HEART_RATE.having("low_at", 34, by="Dr. Stein", at=None, why="rows")
    assert scan(own, windows(rows)) == []


@pytest.mark.parametrize(
    ("every", "apart"),
    [
        (20, "less than a minute"),
        (60, "about a minute"),
        (120, "minutes"),
        (300, "minutes"),
        (400, "minutes"),
    ],
)
def test_a_sensor_that_reports_seldom_is_judged_and_says_how_seldom(every: float, apart: str) -> None:
    count = int(4 * 3600 / every)
    high = series(Kind.HEART_RATE, at("09:00"), [170, 171] * (count // 2), every=every)
    low = series(Kind.HEART_RATE, at("09:00"), [30, 31] * (count // 2), every=every)
    usual = series(Kind.HEART_RATE, at("09:00"), [70, 71] * (count // 2), every=every)
    for rule, rows in ((HIGH_HEART_RATE, high), (LOW_HEART_RATE, low)):
        (finding,) = scan(rule, windows(rows))
        assert finding.severity is Severity.WATCH
        assert finding.start == rows[0].time
        assert f"heart rate between the readings, which were {apart} apart" in finding.missing
        assert judge(rule, windows(rows), rows[-1].time) is not None
        assert scan(rule, windows(usual)) == []
        assert needs.unjudged(windows(rows)) == ()
    still = series(Kind.STEPS, at("09:00"), [0] * 48, every=300)
    (finding,) = scan(HIGH_HEART_RATE, windows(high + still))
    assert finding.severity is Severity.URGENT


def test_a_few_readings_in_bursts_are_judged_by_their_minutes() -> None:
    bursts = [
        row
        for minute in range(0, 60, 5)
        for row in series(
            Kind.HEART_RATE, at("09:00") + timedelta(minutes=minute), [33, 34, 120, 33], every=2
        )
    ]
    assert len(scan(LOW_HEART_RATE, windows(bursts))) == 1


@pytest.mark.parametrize(
    ("values", "every"),
    [([140] * 30, 1200), ([140] * 4, 60), ([140] * 4, 300), ([140, 140, 140, 90] * 30, 60), ([140] * 5, 30)],
)
def test_readings_that_come_too_seldom_or_do_not_agree_say_nothing(values: list[float], every: float) -> None:
    assert scan(HIGH_HEART_RATE, windows(series(Kind.HEART_RATE, at("09:00"), values, every=every))) == []


def test_a_finding_begins_with_a_reading() -> None:
    rows = series(Kind.HEART_RATE, at("09:00:20"), [150] * 480)
    (finding,) = scan(HIGH_HEART_RATE, windows(rows))
    assert finding.start == rows[0].time
    assert not any("between the readings" in word for word in finding.missing)


def shaking(spread: float, minutes: int, start: str = "09:00") -> list[Reading]:
    return series(Kind.MOVEMENT, at(start), [spread] * (6 * minutes), every=10)


def test_acceleration_shows_rest_and_movement() -> None:
    high = rates((72, 72, 900), (150, 150, 1200))
    assert severities(high + shaking(8, 35)) == [Severity.URGENT]
    assert severities(high + shaking(180, 35)) == []


def test_samples_of_acceleration_are_not_looked_at_live_nor_in_history() -> None:
    """A rule is shown its own kinds alone, whatever windows there are."""
    high = rates((72, 72, 900), (150, 150, 1200))
    plain = windows(high)
    beside = windows(high + series(Kind.ACCELERATION, at("09:00"), [900, 1150] * 3000, every=0.2))
    assert scan(HIGH_HEART_RATE, beside) == scan(HIGH_HEART_RATE, plain) != []
    assert judge(HIGH_HEART_RATE, beside, at("09:34")) == judge(HIGH_HEART_RATE, plain, at("09:34"))
    seen: list[set[Kind]] = []

    def prepare(given: Mapping[Kind, Window], _: Mapping[str, float]) -> None:
        seen.append(set(given))

    rule = replace(
        HIGH_HEART_RATE,
        prepare=prepare,
        verdict=lambda _: Verdict(severity=Severity.WATCH, onset=at("09:15")),
    )
    rule = replace(rule, evidence=lambda _: ())
    scan(rule, beside)
    judge(rule, beside, at("09:34"))
    assert seen
    assert all(Kind.ACCELERATION not in kinds for kinds in seen)


def test_live_and_history_agree() -> None:
    """At each minute live tells what history says of it, but for the edges: they look at other moments."""
    seen = windows(rates((72, 72, 900), (165, 165, 1200)) + steps(35, 0))
    (finding,) = scan(HIGH_HEART_RATE, seen)
    told = [m for m in range(10, 36) if judge(HIGH_HEART_RATE, seen, at("09:00") + timedelta(minutes=m))]
    assert told == list(range(told[0], 36))
    first = (finding.start + timedelta(minutes=10) - at("09:00")) / timedelta(minutes=1)
    assert abs(told[0] - first) <= 2
    live = judge(HIGH_HEART_RATE, seen, at("09:30"))
    assert live is not None
    assert (live.severity, live.evidence[1].value) == (finding.severity, finding.evidence[1].value)
    assert abs(live.start - finding.start) <= timedelta(minutes=1)
