"""Pressure, oxygen with a target, temperature, breathing: what is told; a sensor that is off is silent."""

import math
from collections.abc import Iterable
from datetime import timedelta

import pytest

from healthslm.errors import UsageError
from healthslm.readings import Finding, Kind, Reading, Severity
from healthslm.rules import Rule, scan
from healthslm.rules.lasting import Lasting
from healthslm.rules.oxygen import LOW_SPO2, SPO2_ABOVE_TARGET
from healthslm.rules.pressure import HIGH_PRESSURE, LOW_PRESSURE
from healthslm.rules.pressure_categories import AHA_2017, ESC_2024, Setting, category, guideline_named
from healthslm.rules.respiration import HIGH_RESPIRATION, LOW_RESPIRATION
from healthslm.rules.temperature import FEVER, LOW_TEMPERATURE
from tests.making import DAY, at, reading, series, windows

WATCH, URGENT, EMERGENCY = Severity.WATCH, Severity.URGENT, Severity.EMERGENCY


def levels(rule: Rule, rows: Iterable[Reading]) -> list[Severity]:
    return [one.severity for one in scan(rule, windows(rows))]


def cuff(clock: str, *pairs: tuple[float, float], apart: float = 60) -> list[Reading]:
    rows = []
    for number, (upper, lower) in enumerate(pairs):
        time = at(clock) + timedelta(seconds=apart * number)
        rows += [reading(Kind.SYSTOLIC, time, upper), reading(Kind.DIASTOLIC, time, lower)]
    return rows


def copd(rule: Rule, name: str, value: float) -> Rule:
    return rule.having(name, value, by="Dr. Stein", at=DAY, why="COPD")


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(95, 60), (94, 60)], []),
        ([(91, 50)], []),
        ([(90, 55), (90, 55)], [WATCH]),
        ([(85, 55)], []),
        ([(80, 50)], [WATCH]),
        ([(80, 50), (79, 50)], [URGENT]),
        ([(89, 60), (94, 60)], []),
    ],
)
def test_low_pressure(pairs: list[tuple[float, float]], expected: list[Severity]) -> None:
    assert levels(LOW_PRESSURE, cuff("08:00", *pairs)) == expected


def test_the_evidence_of_several_sittings_is_the_worst_ones() -> None:
    """A mean over all of an episode would contradict its severity."""
    mild = cuff("08:00", (89, 60), (91, 60))
    (found,) = scan(
        LOW_PRESSURE, windows(mild + cuff("12:00", (78, 45), (80, 47)) + cuff("17:00", (110, 70)))
    )
    assert found.severity is URGENT
    by_name = {one.name: one for one in found.evidence}
    assert by_name["systolic_worst_sitting_mean"].value == 79
    assert by_name["diastolic_worst_sitting_mean"].value == 46
    assert by_name["systolic_worst_sitting_mean"].at == at("12:00")
    assert by_name["systolic_worst_sitting_mean"].count == 2
    assert by_name["pressure_sittings"].value == 2
    assert "systolic_mean" not in by_name
    high = cuff("08:00", (140, 88), (140, 88)) + cuff("13:00", (190, 110), (188, 108), (150, 90))
    (found,) = scan(HIGH_PRESSURE, windows(high))
    by_name = {one.name: one for one in found.evidence}
    assert (found.severity, by_name["systolic_worst_sitting_mean"].value) == (URGENT, 189)
    (bare,) = scan(LOW_PRESSURE, windows(series(Kind.SYSTOLIC, at("08:00"), [78, 80], every=60)))
    assert next(one.name for one in bare.evidence) == "systolic_worst_sitting_mean"


def test_one_measurement_told_twice_is_no_average() -> None:
    assert levels(HIGH_PRESSURE, cuff("08:00", (150, 95), (150, 95), apart=4)) == []
    assert levels(LOW_PRESSURE, cuff("08:00", (88, 55), (88, 55), apart=4)) == []


@pytest.mark.parametrize("code", [0.0, 127.0, 255.0, math.nan])
@pytest.mark.parametrize(
    "rule", [HIGH_PRESSURE, LOW_PRESSURE, LOW_SPO2, FEVER, LOW_TEMPERATURE, HIGH_RESPIRATION, LOW_RESPIRATION]
)
def test_a_sensor_that_is_off_is_never_judged(rule: Rule, code: float) -> None:
    rows = [r for kind in rule.kinds for r in series(kind, at("08:00"), [code] * 60, every=20)]
    assert levels(rule, rows) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [(92, []), (88, []), (87, [WATCH]), (84, [WATCH]), (83, [URGENT]), (80, [URGENT]), (79, [EMERGENCY])],
)
def test_with_a_target_low_oxygen_goes_by_it(value: float, expected: list[Severity]) -> None:
    rows = series(Kind.SPO2, at("09:00"), [90] * 600 + [value] * 600)
    rule = copd(LOW_SPO2, "target_low", 88)
    assert levels(rule, rows) == expected
    for finding in scan(rule, windows(rows)):
        assert [t.name for t in finding.thresholds if t.personal] == ["target_low"]


def test_without_a_target_there_is_nothing_above_it() -> None:
    rows = series(Kind.SPO2, at("09:00"), [99] * 900)
    assert levels(SPO2_ABOVE_TARGET, rows) == []
    (found,) = scan(copd(SPO2_ABOVE_TARGET, "target_high", 92), windows(rows))
    assert found.severity is WATCH
    assert found.evidence[0].value == 99
    assert any("oxygen is given" in unseen for unseen in found.missing)


@pytest.mark.parametrize(("values", "expected"), [([92] * 3, []), ([97, 92, 97], []), ([97, 96], [WATCH])])
def test_above_the_target_sparse_readings_have_to_agree(
    values: list[float], expected: list[Severity]
) -> None:
    rows = series(Kind.SPO2, at("09:00"), values, every=600)
    found = scan(copd(SPO2_ABOVE_TARGET, "target_high", 92), windows(rows))
    assert [finding.severity for finding in found] == expected
    for finding in found:
        assert finding.evidence[0].value == max(values)


def test_a_slip_of_the_pen_is_no_target() -> None:
    with pytest.raises(UsageError, match="70 to 94"):
        copd(LOW_SPO2, "target_low", 8)


@pytest.mark.parametrize(
    ("values", "every", "expected"),
    [
        ([34.6], 60, [WATCH]),
        ([34.6, 34.8], 900, [URGENT]),
        ([35.1, 35.1], 900, []),
        ([34.6, 36.4], 900, [WATCH]),
        ([34.6, 34.8], 300, [URGENT]),
        ([34.6, 34.8], 9000, [URGENT]),
        ([34.6, 34.8], 20000, [WATCH]),
        ([34.6, 34.5], 30, [WATCH]),
        ([34.2, 34.1, 34.0], 180, [URGENT]),
        ([34.2, 34.1, 34.0], 60, [URGENT]),
        ([32.0, 31.8], 3 * 3600, [URGENT]),
        ([32.0, 31.4], 660, [URGENT]),
        ([32.0, 33.4], 660, [WATCH]),
        ([34.8] * 30, 60, [URGENT]),
        ([36.6 - 6 * math.exp(-minute / 5) for minute in range(60)], 60, []),  # put on, it warms up
        ([max(30.0, 36.6 - 0.2 * minute) for minute in range(33)], 60, []),  # fallen off, it cools down
    ],
)
def test_low_temperature(values: list[float], every: float, expected: list[Severity]) -> None:
    assert levels(LOW_TEMPERATURE, series(Kind.TEMPERATURE, at("08:00"), values, every=every)) == expected


@pytest.mark.parametrize("room", [20, 24, None], ids=["cools to 20", "cools to 24", "warms up"])
@pytest.mark.parametrize("tau", [5, 10, 15, 20, 30])
@pytest.mark.parametrize("every", [1, 2, 5, 10, 15])
def test_a_probe_that_warms_up_or_cools_down_is_never_urgent(
    room: float | None, tau: float, every: int
) -> None:
    far = 6 if room is None else 36.6 - room
    way = [far * math.exp(-minute / tau) for minute in range(0, 90, every)]
    values = [36.6 - one if room is None else room + one for one in way]
    told = levels(LOW_TEMPERATURE, series(Kind.TEMPERATURE, at("08:00"), values, every=60 * every))
    assert set(told) <= {WATCH}
    assert not told or every >= 5


@pytest.mark.parametrize("room", [18, 22, 27.5, 28.4, 29])
def test_a_probe_that_fell_off_lies_in_a_room_for_hours_and_is_put_back_is_silent(room: float) -> None:
    cools = [room + (36.7 - room) * math.exp(-minute / 4) for minute in range(320)]
    warms = [36.7 - (36.7 - room) * math.exp(-minute / 4) for minute in range(160)]
    assert levels(LOW_TEMPERATURE, series(Kind.TEMPERATURE, at("08:00"), cools + warms, every=60)) == []


def breathing(rate: float, minutes: int = 20) -> list[Reading]:
    return series(Kind.RESPIRATORY_RATE, at("09:00"), [15] * 20 + [rate] * minutes, every=60)


@pytest.mark.parametrize(
    ("rate", "fast", "slow"),
    [(20, [], []), (21, [WATCH], []), (24, [WATCH], []), (25, [URGENT], []), (9, [], []), (8, [], [URGENT])],
)
def test_breathing_has_the_levels_of_news2(rate: float, fast: list[Severity], slow: list[Severity]) -> None:
    assert levels(HIGH_RESPIRATION, breathing(rate)) == fast
    assert levels(LOW_RESPIRATION, breathing(rate)) == slow


def test_two_fast_minutes_are_too_few() -> None:
    rows = series(Kind.RESPIRATORY_RATE, at("09:00"), [15] * 20 + [30] * 2 + [15] * 20, every=60)
    assert levels(HIGH_RESPIRATION, rows) == []


def test_who_walks_may_breathe_fast() -> None:
    walking = series(Kind.STEPS, at("09:00"), [100] * 45, every=60)
    sitting = series(Kind.STEPS, at("09:00"), [0] * 45, every=60)
    assert levels(HIGH_RESPIRATION, breathing(26) + walking) == []
    found: list[Finding] = scan(HIGH_RESPIRATION, windows(breathing(26) + sitting))
    assert [one.severity for one in found] == [URGENT]
    assert not any("movement" in unseen for unseen in found[0].missing)
    shaken = series(Kind.MOVEMENT, at("09:00"), [150] * 270, every=10)
    assert levels(HIGH_RESPIRATION, breathing(26) + shaken) == []
    (alone,) = scan(HIGH_RESPIRATION, windows(breathing(26)))
    assert any("movement" in unseen for unseen in alone.missing)


def test_movement_is_looked_at_only_where_somebody_breathes_fast() -> None:
    walking = series(Kind.STEPS, at("09:00"), [100] * 45, every=60)
    prepare = HIGH_RESPIRATION.prepare
    assert prepare is not None
    for rate, looked in ((20, 0), (21, 45)):
        seen = prepare(windows(breathing(rate) + walking), HIGH_RESPIRATION.settings)
        assert len(seen.moved.seen) == looked


def test_a_level_has_its_kinds_own_unit() -> None:
    rows = windows(series(Kind.PERFUSION_INDEX, at("09:00"), [3.0] * 600))[Kind.PERFUSION_INDEX]
    found = Lasting.of(rows).extreme(rows, "perfusion_low")
    assert found is not None
    assert found.unit == "%"


@pytest.mark.parametrize(
    ("pair", "aha", "esc"),
    [
        ((119.9, 69.9), "normal", "non-elevated"),
        ((119, 70), "normal", "elevated"),
        ((120, 69), "elevated", "elevated"),
        ((129.9, 79.9), "elevated", "elevated"),
        ((130, 70), "hypertension, stage 1", "elevated"),
        ((118, 80), "hypertension, stage 1", "elevated"),
        ((134.9, 84.9), "hypertension, stage 1", "elevated"),
        ((135, 70), "hypertension, stage 2", "hypertension"),
        ((118, 85), "hypertension, stage 2", "hypertension"),
    ],
)
def test_categories_at_home(pair: tuple[float, float], aha: str, esc: str) -> None:
    assert category(*pair, AHA_2017).name == aha
    assert category(*pair, ESC_2024).name == esc


def test_categories_in_the_office_begin_higher() -> None:
    assert category(136, 84, AHA_2017, setting=Setting.OFFICE).name == "hypertension, stage 1"
    assert category(136, 84, ESC_2024, setting=Setting.OFFICE).name == "elevated"
    assert category(140, 70, ESC_2024, setting=Setting.OFFICE).name == "hypertension"
    assert guideline_named("ESC-2024") is ESC_2024
    with pytest.raises(UsageError, match="aha-2017, esc-2024"):
        guideline_named("jnc-7")
