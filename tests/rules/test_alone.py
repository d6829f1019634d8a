"""One reading alone beyond what would be urgent: to be measured again at once, and not confirmed."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from healthslm.readings import Finding, Kind, Quality, Reading, Severity
from healthslm.rules import Rule, judge, scan
from healthslm.rules.alone import LATER, UNCONFIRMED
from healthslm.rules.oxygen import LOW_SPO2
from healthslm.rules.pressure import HIGH_PRESSURE, LOW_PRESSURE
from healthslm.rules.respiration import HIGH_RESPIRATION, LOW_RESPIRATION
from healthslm.rules.temperature import FEVER, LOW_TEMPERATURE
from tests.making import DAY, at, reading, series, windows

EIGHT = at("08:00")


def once(rule: Rule, **values: float) -> list[Finding]:
    return scan(rule, windows([reading(Kind(kind), EIGHT, value) for kind, value in values.items()]))


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        (LOW_SPO2, {"spo2": 78}),
        (LOW_SPO2, {"spo2": 91}),
        (FEVER, {"temperature": 41.5}),
        (LOW_TEMPERATURE, {"temperature": 33.9}),
        (HIGH_PRESSURE, {"systolic": 230}),
        (HIGH_PRESSURE, {"systolic": 230, "diastolic": 125}),
        (HIGH_PRESSURE, {"systolic": 186, "diastolic": 122}),
        (LOW_PRESSURE, {"systolic": 72, "diastolic": 40}),
        (LOW_PRESSURE, {"systolic": 72}),
        (HIGH_RESPIRATION, {"respiratory_rate": 31}),
        (LOW_RESPIRATION, {"respiratory_rate": 6}),
    ],
)
def test_once_is_a_watch_that_says_to_measure_again_and_whom_to_call(
    rule: Rule, values: dict[str, float]
) -> None:
    (found,) = once(rule, **values)
    assert found.severity is Severity.WATCH
    assert "again at once" in found.action
    assert "if it is still" in found.action
    assert "or you feel unwell" in found.action
    assert "call your doctor" in found.action
    assert UNCONFIRMED in found.missing
    assert next(iter(values.values())) in {feature.value for feature in found.evidence}
    assert found.start == found.end == EIGHT


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        (LOW_SPO2, {"spo2": 92}),
        (LOW_TEMPERATURE, {"temperature": 35.1}),
        (HIGH_PRESSURE, {"systolic": 179, "diastolic": 119}),
        (HIGH_PRESSURE, {"systolic": 179}),
        (LOW_PRESSURE, {"systolic": 81}),
        (HIGH_RESPIRATION, {"respiratory_rate": 24}),
        (LOW_RESPIRATION, {"respiratory_rate": 9}),
    ],
)
def test_once_and_milder_it_is_nothing(rule: Rule, values: dict[str, float]) -> None:
    assert once(rule, **values) == []


def test_a_fever_that_is_not_high_has_the_usual_action() -> None:
    (found,) = once(FEVER, temperature=38.4)
    assert found.action == FEVER.actions[Severity.WATCH]
    assert UNCONFIRMED not in found.missing


@pytest.mark.parametrize(
    ("rule", "kind", "value", "apart"),
    [
        (LOW_SPO2, Kind.SPO2, 86, 300),
        (FEVER, Kind.TEMPERATURE, 39.8, 1200),
        (LOW_TEMPERATURE, Kind.TEMPERATURE, 34.0, 900),
        (HIGH_PRESSURE, Kind.SYSTOLIC, 230, 300),
    ],
)
def test_a_second_one_that_agrees_confirms_it(rule: Rule, kind: Kind, value: float, apart: float) -> None:
    (found,) = scan(rule, windows(series(kind, EIGHT, [value, value], every=apart)))
    assert found.severity is Severity.URGENT
    assert found.action == rule.actions[Severity.URGENT]
    assert UNCONFIRMED not in found.missing


def test_measured_again_within_the_minute_it_is_still_told() -> None:
    (found,) = scan(LOW_SPO2, windows(series(Kind.SPO2, EIGHT, [78, 79], every=30)))
    assert UNCONFIRMED in found.missing
    assert scan(LOW_SPO2, windows(series(Kind.SPO2, EIGHT, [78, 97], every=30))) == []


def _slipping(code: float) -> list[Reading]:
    return series(Kind.SPO2, EIGHT, [97] * 60 + [91, 88, 84, 80, 78] + [code] * 30)


@pytest.mark.parametrize(
    "rows",
    [
        series(Kind.SPO2, EIGHT, [78, 80, 84, 90] + [97] * 60),  # a finger going in
        _slipping(127),
        _slipping(0)[:65],  # out, and switched off
        [
            reading(Kind.SPO2, EIGHT, 97, quality=Quality.NOT_WORN),
            reading(Kind.SPO2, EIGHT + timedelta(seconds=20), 80),
        ],
        series(Kind.SPO2, EIGHT, [97, 97, 97, 80, 97, 97], every=60),
        series(Kind.SPO2, EIGHT, [80, 80, 80], every=15),  # a stream that broke off: five minutes would tell
    ],
    ids=["going in", "slips", "slips, off", "nobody", "one a minute", "broken off"],
)
def test_neither_a_stream_nor_a_finger_that_slides_is_one_reading_alone(rows: Sequence[Reading]) -> None:
    assert scan(LOW_SPO2, windows(rows)) == []


def test_live_it_is_told_once_nothing_followed() -> None:
    found = windows([reading(Kind.SPO2, EIGHT, 78)])
    assert judge(LOW_SPO2, found, EIGHT) is None
    finding = judge(LOW_SPO2, found, EIGHT + LATER)
    assert finding is not None
    assert UNCONFIRMED in finding.missing
    assert judge(LOW_SPO2, found, EIGHT + timedelta(minutes=20)) is None


def test_with_a_target_one_reading_alone_goes_by_it() -> None:
    rule = LOW_SPO2.having("target_low", 88, by="Dr. Stein", at=DAY, why="COPD")
    assert once(rule, spo2=86) == []
    assert len(once(rule, spo2=82)) == 1


def test_a_systolic_pressure_without_a_diastolic_one_is_judged_by_its_own_level() -> None:
    rows = series(Kind.SYSTOLIC, EIGHT, [196, 190], every=120)
    (found,) = scan(HIGH_PRESSURE, windows(rows))
    assert found.severity is Severity.URGENT
    assert any("diastolic" in word for word in found.missing)
    assert [feature.value for feature in found.evidence] == [193, 196, 1]
    refused = [reading(Kind.DIASTOLIC, row.time, 0, quality=Quality.IMPLAUSIBLE) for row in rows]
    assert scan(HIGH_PRESSURE, windows([*rows, *refused])) == []
