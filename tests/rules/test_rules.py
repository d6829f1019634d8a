from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthslm.readings import Finding, Kind, Quality, Reading, Severity
from healthslm.rules import RULES, Rule, judge, scan, scan_all
from healthslm.rules.oxygen import LOW_SPO2, SPO2_ABOVE_TARGET
from healthslm.rules.pressure import HIGH_PRESSURE
from healthslm.rules.temperature import FEVER
from tests.making import at, reading, series, windows


def cuff(clock: str, *pairs: tuple[float, float]) -> list[Reading]:
    rows = []
    for minute, (systolic, diastolic) in enumerate(pairs):
        time = at(clock) + timedelta(minutes=minute)
        rows += [reading(Kind.SYSTOLIC, time, systolic), reading(Kind.DIASTOLIC, time, diastolic)]
    return rows


def severities(findings: Sequence[Finding]) -> list[Severity]:
    return [f.severity for f in findings]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([36.8, 37.9], []),
        ([36.8, 38.0], [Severity.WATCH]),
        ([36.8, 39.4], [Severity.WATCH]),  # one high reading may be tea
        ([38.2, 39.1, 39.2], [Severity.URGENT]),
        ([38.2, 39.2, 37.0], [Severity.WATCH]),
    ],
)
def test_fever(values: list[float], expected: list[Severity]) -> None:
    rows = series(Kind.TEMPERATURE, at("14:00"), values, every=1800)
    assert severities(scan(FEVER, windows(rows))) == expected


@pytest.mark.parametrize(
    ("every", "severity"), [(1, Severity.WATCH), (30, Severity.WATCH), (60, Severity.URGENT)]
)
def test_a_high_fever_wants_a_minute_between_two_readings(every: int, severity: Severity) -> None:
    rows = series(Kind.TEMPERATURE, at("14:00"), [39.2, 39.1], every=every)
    assert severities(scan(FEVER, windows(rows))) == [severity]
    stream = series(Kind.TEMPERATURE, at("14:00"), [39.2, 39.1] * 60)
    assert severities(scan(FEVER, windows(stream))) == [Severity.URGENT]


def test_fever_tells_when_it_began_and_how_high_it_was() -> None:
    rows = series(Kind.TEMPERATURE, at("14:00"), [36.9, 38.1, 38.7, 38.4], every=1800)
    (finding,) = scan(FEVER, windows(rows))
    assert finding.start == at("14:30")
    highest, latest = finding.evidence
    assert (highest.text, highest.at) == ("38.7", at("15:00"))
    assert latest.text == "38.4"
    assert finding.ongoing


def test_fever_that_is_over_is_not_ongoing() -> None:
    rows = series(Kind.TEMPERATURE, at("08:00"), [38.3, 38.1, 37.2, 36.9], every=3600)
    (finding,) = scan(FEVER, windows(rows))
    assert not finding.ongoing
    assert judge(FEVER, windows(rows), at("11:00")) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (94, None),
        (93, Severity.WATCH),
        (92, Severity.WATCH),
        (91, Severity.URGENT),
        (85, Severity.URGENT),
        (84, Severity.EMERGENCY),
    ],
)
def test_low_oxygen_has_three_levels(value: float, expected: Severity | None) -> None:
    rows = series(Kind.SPO2, at("09:00"), [97] * 600 + [value] * 600)
    assert severities(scan(LOW_SPO2, windows(rows))) == ([] if expected is None else [expected])


def test_a_sensor_without_a_finger_is_not_a_low_saturation() -> None:
    zeros = series(Kind.SPO2, at("09:00"), [0] * 900, quality=Quality.IMPLAUSIBLE)
    lost = series(Kind.SPO2, at("10:00"), [80] * 900, quality=Quality.NO_CONTACT)
    assert scan(LOW_SPO2, windows([*zeros, *lost])) == []


def test_a_stream_that_was_just_put_on_is_given_five_minutes() -> None:
    begun = windows(series(Kind.SPO2, at("09:00"), [80] * 290))
    for second in range(0, 240, 10):
        assert judge(LOW_SPO2, begun, at("09:00") + timedelta(seconds=second)) is None
    assert len(scan(LOW_SPO2, windows(series(Kind.SPO2, at("09:00"), [80] * 330)))) == 1


SLIDES = [97 - 20 * second / 80 for second in range(80)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([78] * 180, [Severity.EMERGENCY]),
        ([78, 79] * 20, [Severity.EMERGENCY]),
        ([90] * 60, [Severity.URGENT]),
        ([72, 76, 80, 84] * 30, [Severity.EMERGENCY]),  # it sways: by its milder end
        ([78, 78, 78, 97] * 30, []),
        ([78] * 25, []),
        ([97] * 180, []),
        (SLIDES, []),
        ([97] * 40 + SLIDES[:60], []),
        ([70, 72, 75, 80, 86, 92] + [97] * 30, []),
    ],
)
@pytest.mark.parametrize("after", [0, 130], ids=["switched off", "no finger"])
def test_a_minute_or_two_on_the_finger_are_judged_when_they_are_over(
    values: list[float], expected: list[Severity], after: int
) -> None:
    """How fingertip oximeters are used: they send every second, and come off before five minutes are over."""
    rows = series(Kind.SPO2, at("09:00"), values + [127] * after)
    assert severities(scan(LOW_SPO2, windows(rows))) == expected
    live = judge(LOW_SPO2, windows(rows), rows[-1].time + timedelta(minutes=2))
    assert ([] if live is None else [live.severity]) == expected


def test_a_finger_that_slides_out_and_in_again_is_not_low() -> None:
    rows = series(Kind.SPO2, at("09:00"), [97 - 17 * second / 60 for second in range(60)])
    rows += series(Kind.SPO2, at("09:02"), [97] * 120)
    assert scan(LOW_SPO2, windows(rows)) == []


def test_a_short_stream_above_the_target_is_judged_when_it_is_over() -> None:
    own = SPO2_ABOVE_TARGET.having("target_high", 92, by="Dr. Stein", at=None, why="COPD")
    assert severities(scan(own, windows(series(Kind.SPO2, at("09:00"), [97] * 120)))) == [Severity.WATCH]
    assert scan(own, windows(series(Kind.SPO2, at("09:00"), [90, 97] * 60))) == []


def test_what_once_a_minute_wavers_by_is_not_a_low_saturation() -> None:
    wavers = np.round(np.random.default_rng(0).normal(95.5, 1.5, 480)).clip(0, 100)
    assert scan(LOW_SPO2, windows(series(Kind.SPO2, at("00:00"), wavers.tolist(), every=60))) == []
    found = scan(LOW_SPO2, windows(series(Kind.SPO2, at("00:00"), (wavers - 6).tolist(), every=60)))
    assert severities(found) == [Severity.URGENT]


@pytest.mark.parametrize("every", [1, 12, 60])
def test_a_finding_begins_with_a_reading(every: int) -> None:
    rows = series(Kind.SPO2, at("09:00:30"), [88] * (600 // every), every=every)
    (finding,) = scan(LOW_SPO2, windows(rows))
    assert finding.start >= rows[0].time
    assert finding.start in {row.time for row in rows}


@pytest.mark.parametrize(
    ("values", "every", "expected"),
    [
        ([78], 60, [Severity.WATCH]),  # one spot check may be a slip: measure again
        ([97, 78], 120, []),
        ([97, 78, 79], 120, [Severity.EMERGENCY]),
        ([91, 90], 600, [Severity.URGENT]),
        ([91, 90], 2400, [Severity.WATCH] * 2),  # forty minutes apart they do not speak of the same time
        ([70] * 40, 15, [Severity.EMERGENCY]),  # a sensor that reports four times a minute
        ([96] * 40, 15, []),
    ],
)
def test_readings_that_come_seldom_have_to_agree(
    values: list[float], every: float, expected: list[Severity]
) -> None:
    assert (
        severities(scan(LOW_SPO2, windows(series(Kind.SPO2, at("09:00"), values, every=every)))) == expected
    )


def test_a_sensor_that_keeps_slipping_does_not_hide_a_low_saturation() -> None:
    rows = []
    for minute in range(30):
        start = at("09:00") + timedelta(minutes=minute)
        rows += series(Kind.SPO2, start, [80] * 30)
        rows += series(Kind.SPO2, start + timedelta(seconds=30), [80] * 30, quality=Quality.NO_CONTACT)
    assert severities(scan(LOW_SPO2, windows(rows))) == [Severity.EMERGENCY]


def test_spot_checks_have_a_number_too() -> None:
    rows = series(Kind.SPO2, at("09:00"), [97, 91, 90], every=600)
    (finding,) = scan(LOW_SPO2, windows(rows))
    lowest, five = finding.evidence
    assert five.value is None
    assert "five minutes" in five.reason
    assert (lowest.name, lowest.value, lowest.readings) == ("spo2_min", 90, (rows[-1].id,))


def test_a_finger_that_slides_out_is_not_the_lowest_spot_check() -> None:
    rows = series(Kind.SPO2, at("09:00"), [91, 90, 90], every=600)
    out = at("09:12")
    sliding = [*series(Kind.SPO2, out, [74, 70]), *series(Kind.SPO2, out + timedelta(seconds=2), [0] * 5)]
    (finding,) = scan(LOW_SPO2, windows([*rows, *sliding]))
    assert finding.evidence[0].value == 90


def test_low_oxygen_evidence_names_its_readings() -> None:
    rows = series(Kind.SPO2, at("09:00"), [97] * 600 + [90] * 600)
    (finding,) = scan(LOW_SPO2, windows(rows))
    low, lowest, pulse = finding.evidence
    assert low.name == "spo2_5min_low"
    assert low.value == 90
    assert set(low.readings) <= {r.id for r in rows}
    assert lowest.value == 90
    assert pulse.value is None  # nothing was sent, and it says so
    assert "no pulse rate" in pulse.reason


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(150, 95)], []),  # one measurement is none
        ([(179, 119)], []),
        ([(180, 100)], [Severity.WATCH]),  # unless it is so high that it should be repeated now
        ([(150, 120)], [Severity.WATCH]),
        ([(134, 84), (134, 84)], []),
        ([(135, 80), (135, 80)], [Severity.WATCH]),
        ([(179, 100), (179, 100)], [Severity.WATCH]),
        ([(180, 100), (180, 100)], [Severity.URGENT]),
        ([(150, 84), (122, 80)], [Severity.WATCH]),
        ([(130, 86), (130, 85)], [Severity.WATCH]),
        ([(182, 100), (184, 100)], [Severity.URGENT]),
    ],
)
def test_pressure_is_averaged_over_a_sitting(
    pairs: list[tuple[float, float]], expected: list[Severity]
) -> None:
    assert severities(scan(HIGH_PRESSURE, windows(cuff("18:00", *pairs)))) == expected


def test_measurements_of_different_hours_are_not_one_sitting() -> None:
    rows = cuff("08:00", (150, 95)) + cuff("12:00", (150, 95))
    assert scan(HIGH_PRESSURE, windows(rows)) == []


def test_findings_come_most_severe_first() -> None:
    rows = series(Kind.TEMPERATURE, at("08:00"), [38.5, 38.4], every=3600)
    rows += series(Kind.SPO2, at("12:00"), [90] * 600)
    assert [f.rule for f in scan_all(RULES, windows(rows))] == ["low_spo2", "fever"]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_every_rule_says_where_it_comes_from_and_what_to_do(rule: Rule) -> None:
    assert rule.source
    assert rule.version
    assert rule.missing
    for action in rule.actions.values():
        assert action.endswith(".")
        assert not {"mg", "dose", "tablet"} & set(action.lower().split())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(36, 41), min_size=1, max_size=12), st.integers(0, 11))
def test_live_and_history_agree(values: list[float], index: int) -> None:
    """What a rule says about a moment is the same then and later."""
    rows = series(Kind.TEMPERATURE, at("08:00"), values, every=1800)
    moment = rows[min(index, len(rows) - 1)].time
    live = judge(FEVER, windows(rows), moment)
    history = [f for f in scan(FEVER, windows(rows)) if f.start <= moment <= f.end]
    assert (live is None) or bool(history)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_no_reading_is_no_finding_and_no_error(rule: Rule) -> None:
    assert scan(rule, {}) == []
    assert judge(rule, {}, at("12:00")) is None
