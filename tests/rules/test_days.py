"""Rules that look at days: shifts, weight, and signs that moved together."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from healthslm.analysis import Daily, DailySeries, Days
from healthslm.analysis.daily_vitals import (
    DAY_WEIGHT,
    EVENING_TEMPERATURE,
    NIGHT_HEART_RATE,
    NIGHT_RESPIRATION,
    NIGHT_SPO2,
)
from healthslm.analysis.resting import NIGHT_RMSSD, RESTING_HEART_RATE
from healthslm.export import words
from healthslm.readings import Feature, Finding
from healthslm.rules import RULES, Rule, judge, scan
from healthslm.rules.patterns import DECOMPENSATION_PATTERN, INFECTION_PATTERN
from healthslm.rules.shift import LOWERED_VARIABILITY, RAISED_RESTING_RATE
from healthslm.rules.weight import WEIGHT_GAIN

ZONE = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 3, 1)  # summer time begins on the 29th


def made(daily: Daily, values: list[float | None]) -> DailySeries:
    days = tuple(FIRST + timedelta(days=n) for n in range(len(values)))
    features = []
    for n, (day, value) in enumerate(zip(days, values, strict=True)):
        start, end = daily.span(day, ZONE)
        reason = "" if value is not None else "not worn"
        features.append(
            Feature(
                name=daily.name, kind=daily.kinds[0], value=value, unit=daily.unit, start=start, end=end,
                reason=reason, count=1, readings=() if value is None else (n + 1,),
            )
        )  # fmt: skip
    return DailySeries(name=daily.name, days=days, features=tuple(features))


def around(center: float, spread: float, count: int = 35, seed: int = 1) -> list[float | None]:
    rng = np.random.default_rng(seed)
    return (center + spread * rng.standard_normal(count)).tolist()


def found(rule: Rule, *series: DailySeries) -> list[Finding]:
    days: Days = {one.name: one for one in series}
    return scan(rule, {}, zone=ZONE, days=days)


def test_a_resting_heart_rate_that_stays_up_is_told_once() -> None:
    up = made(RESTING_HEART_RATE, [*around(60, 1.5), 68.0, 69.0, 67.0, 68.0, 60.0, 61.0])
    (finding,) = found(RAISED_RESTING_RATE, up)
    began = (finding.start.astimezone(ZONE).date() - FIRST).days
    assert 33 <= began <= 35
    recent, usual = finding.evidence
    assert recent.value == pytest.approx(66, abs=2.5)
    assert usual.value == pytest.approx(60, abs=1)
    assert recent.readings[0] in range(34, 42)
    assert not finding.ongoing


def test_the_numbers_of_a_shift_are_those_of_the_days_that_it_was_seen_on() -> None:
    up = made(RESTING_HEART_RATE, [*around(60, 1.5, 60), 68.0, 69.0])
    days = {up.name: up}
    finding = judge(RAISED_RESTING_RATE, {}, up.features[-1].end, zone=ZONE, days=days)
    assert finding is not None
    recent, usual = finding.evidence
    assert (recent.readings, recent.count) == ((60, 62), 3)
    assert recent.value == pytest.approx(np.mean(up.values[59:]))
    assert (usual.readings, usual.count) == ((32, 59), 28)
    assert usual.value == pytest.approx(np.median(up.values[31:59]))


def test_where_weekdays_habits_were_taken_out_the_judged_change_stands_beside_the_readings_own() -> None:
    habit = 6 * np.array([(FIRST + timedelta(days=n)).weekday() == 4 for n in range(62)])
    values = habit + np.array(around(60, 1, 62), dtype=np.float64)
    up = made(RESTING_HEART_RATE, [*values[:59], *(v + 8 for v in values[59:])])
    assert [day.weekday() for day in up.days[-3:]] == [2, 3, 4]
    finding = judge(RAISED_RESTING_RATE, {}, up.features[-1].end, zone=ZONE, days={up.name: up})
    assert finding is not None
    recent, usual, change = finding.evidence
    assert recent.value == pytest.approx(np.mean(up.values[-3:]))
    assert usual.value == pytest.approx(np.median(up.values[31:59]))
    assert change.value == pytest.approx(8, abs=1.5)
    assert recent.value is not None
    assert usual.value is not None
    assert recent.value - usual.value > change.value + 1  # Friday's habit is in the days' own numbers
    assert words.title(change) == "resting heart rate, change that was judged"


def test_a_healthy_month_says_nothing_and_one_high_day_neither() -> None:
    assert found(RAISED_RESTING_RATE, made(RESTING_HEART_RATE, around(60, 1.5, 90))) == []
    assert (
        found(
            RAISED_RESTING_RATE, made(RESTING_HEART_RATE, [*around(60, 1.5), 65.0, *around(60, 1.5, 20, 2)])
        )
        == []
    )


def test_days_that_were_not_worn_say_nothing() -> None:
    gone: list[float | None] = [None] * 5
    assert found(RAISED_RESTING_RATE, made(RESTING_HEART_RATE, [*around(60, 1.5), *gone, 70.0])) == []
    week = made(RESTING_HEART_RATE, [60.0, 61, 60, 70, 70, 70])
    assert found(RAISED_RESTING_RATE, week) == []


def test_a_shift_that_is_days_old_is_not_told_as_now() -> None:
    up = made(RESTING_HEART_RATE, [*around(60, 1.5), 70.0, 70.0, 70.0])
    days = {up.name: up}
    end = up.features[-1].end
    assert judge(RAISED_RESTING_RATE, {}, end, zone=ZONE, days=days) is not None
    assert judge(RAISED_RESTING_RATE, {}, end + timedelta(days=2), zone=ZONE, days=days) is None


def nights(factors: list[float], rates: list[float]) -> tuple[DailySeries, DailySeries]:
    rng = np.random.default_rng(3)
    rmssd = [
        40 * f * (60 / r) ** 3 * float(np.exp(0.05 * rng.standard_normal()))
        for f, r in zip(factors, rates, strict=True)
    ]
    return made(NIGHT_RMSSD, list(rmssd)), made(NIGHT_HEART_RATE, list(rates))


def test_a_fall_of_variability_is_told_at_the_heart_rate_it_comes_with() -> None:
    rates = [60 + float(n % 5) for n in range(40)]
    fallen = [1.0] * 37 + [0.65] * 3
    (finding,) = found(LOWERED_VARIABILITY, *nights(fallen, rates))
    recent, usual, change = finding.evidence
    assert recent.value is not None
    assert usual.value is not None
    assert recent.value < 0.75 * usual.value
    assert (change.text, change.unit) == ("-36", "%")
    assert [words.title(f) for f in finding.evidence] == [
        "RMSSD at night, last days",
        "usual RMSSD at night",
        "RMSSD at night, change at the same heart rate",
    ]
    assert found(LOWERED_VARIABILITY, *nights([1.0] * 40, rates)) == []
    # A faster heart alone has less variability: told as a raised rate, not as this.
    faster = [*rates[:37], 68.0, 68.0, 68.0]
    assert found(LOWERED_VARIABILITY, *nights([1.0] * 40, faster)) == []


def test_the_usual_variability_is_that_of_the_nights_of_the_baseline() -> None:
    """A month of other nights before it and the fallen ones after it have no part in it."""
    rmssd, rates = nights([2.0] * 28 + [1.0] * 28 + [0.6] * 3, [60.0] * 59)
    days = {one.name: one for one in (rmssd, rates)}
    finding = judge(LOWERED_VARIABILITY, {}, rmssd.features[-1].end, zone=ZONE, days=days)
    assert finding is not None
    usual = finding.evidence[1]
    assert usual.value == pytest.approx(np.median(rmssd.values[28:56]))
    assert (usual.readings, usual.count) == ((29, 56), 28)


def test_nights_without_a_heart_rate_are_not_judged() -> None:
    rmssd, _ = nights([1.0] * 37 + [0.5] * 3, [60.0] * 40)
    assert found(LOWERED_VARIABILITY, rmssd) == []
    zero = made(NIGHT_RMSSD, [40.0] * 37 + [0.0] * 3)
    assert found(LOWERED_VARIABILITY, zero, made(NIGHT_HEART_RATE, [60.0] * 40)) == []


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ([80.0, 80.2, 79.9, 80.1, 80.0], False),
        ([80.0, 80.2, 79.9, 80.9, 82.1], True),  # 2.2 kg in three days
        ([80.0, 80.2, 80.0, 81.0, 82.0], False),  # 2.0 is not more than 2
        ([80.0, 80.4, 80.8, 81.2, 81.5, 81.9, 82.0, 82.4], True),  # 2.4 kg in a week
        ([80.0, 80.3, 80.5, 80.8, 81.0, 81.3, 81.5, 81.8, 82.0, 82.3, 82.5], False),  # a kilo in four days
        ([80.0, 80.1, 79.9, 80.0, 62.0, 80.1], False),  # somebody else
        ([80.0, 80.1, 79.9, 80.0, 176.5], False),  # pounds
        ([80.0], False),
    ],
)  # fmt: skip
def test_weight(weights: list[float], told: bool) -> None:
    assert bool(found(WEIGHT_GAIN, made(DAY_WEIGHT, list(weights)))) is told


def test_weight_evidence_names_the_gain_and_its_readings() -> None:
    (finding,) = found(WEIGHT_GAIN, made(DAY_WEIGHT, [80.0, 80.2, 79.9, 80.9, 82.1]))
    three, week, latest = finding.evidence
    assert (three.text, three.readings) == ("2.2", (3, 5))
    assert week.text == "2.2"
    assert latest.text == "82.1"
    assert any("heart failure" in unseen for unseen in finding.missing)


def test_two_of_three_signs_make_a_pattern_and_what_was_not_measured_is_named() -> None:
    fever = made(EVENING_TEMPERATURE, [*around(36.6, 0.1), 38.1])
    calm = made(RESTING_HEART_RATE, around(60, 1, 36))
    breath = made(NIGHT_RESPIRATION, [*around(15, 0.3, 34), 18.0, 18.2])
    assert found(INFECTION_PATTERN, fever, calm) == []
    # One day a little up is no sign; one that is far up is.
    assert found(INFECTION_PATTERN, fever, made(RESTING_HEART_RATE, [*around(60, 1), 62.5])) == []
    assert len(found(INFECTION_PATTERN, fever, made(RESTING_HEART_RATE, [*around(60, 1), 68.0]))) == 1
    (finding,) = found(INFECTION_PATTERN, fever, calm, breath)
    assert finding.title.startswith("Two of")  # as the rule asks; the heart is as ever here
    assert [f.name for f in finding.evidence[:2]] == ["evening_temperature_days", "evening_temperature_usual"]
    assert not any("not measured" in unseen for unseen in finding.missing)
    rising = made(RESTING_HEART_RATE, [*around(60, 1, 34), 67.0, 68.0])
    (finding,) = found(INFECTION_PATTERN, fever, rising)
    assert "respiratory rate at night: not measured" in finding.missing


def test_fluid_is_seen_in_weight_oxygen_and_heart_rate() -> None:
    weight = made(DAY_WEIGHT, [*around(80, 0.2), 82.0])
    oxygen = made(NIGHT_SPO2, [*around(96, 0.5, 34), 92.0, 92.0])
    rate = made(RESTING_HEART_RATE, [*around(60, 1, 34), 68.0, 68.0])
    assert found(DECOMPENSATION_PATTERN, weight) == []
    (finding,) = found(DECOMPENSATION_PATTERN, weight, oxygen)
    assert finding.title.startswith("Two of")
    assert "fluid" not in finding.title
    assert len(found(DECOMPENSATION_PATTERN, weight, rate)) == 1
    better = made(NIGHT_SPO2, [*around(94, 0.5, 34), 98.0, 98.0])
    assert found(DECOMPENSATION_PATTERN, weight, better) == []


def test_no_day_and_one_day() -> None:
    for rule in (r for r in RULES if r.daily):
        assert scan(rule, {}, zone=ZONE, days={}) == []
        assert judge(rule, {}, datetime(2026, 3, 5, tzinfo=UTC), zone=ZONE, days={}) is None
        one = {d.name: made(d, [70.0]) for d in rule.daily}
        assert scan(rule, {}, zone=ZONE, days=one) == []
        nothing = {d.name: made(d, [None, None]) for d in rule.daily}
        assert scan(rule, {}, zone=ZONE, days=nothing) == []
