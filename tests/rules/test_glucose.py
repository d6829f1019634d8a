from datetime import timedelta

import numpy as np
import pytest

from healthslm.readings import Kind, Quality, Reading, Severity
from healthslm.rules import judge, scan
from healthslm.rules.glucose import HIGH_GLUCOSE, LOW_GLUCOSE, LOW_GLUCOSE_SOON
from tests.making import at, reading, series, windows


def sensor(*parts: tuple[float, int], every: int = 5, start: str = "06:00") -> list[Reading]:
    """Parts of (mg/dL, number of readings)."""
    values = [value for value, count in parts for _ in range(count)]
    return series(Kind.SENSOR_GLUCOSE, at(start), values, every=60 * every)


def severities(rows: list[Reading]) -> list[Severity]:
    return [finding.severity for finding in scan(LOW_GLUCOSE, windows(rows))]


@pytest.mark.parametrize(
    ("value", "count", "expected"),
    [
        (70, 12, []),
        (69, 2, []),
        (69, 3, [Severity.WATCH]),
        (54, 12, [Severity.WATCH]),
        (53, 1, []),
        (53, 2, [Severity.URGENT]),
    ],
)
def test_low_by_a_sensor(value: float, count: int, expected: list[Severity]) -> None:
    assert severities(sensor((100, 12), (value, count), (100, 12))) == expected


@pytest.mark.parametrize(("every", "count"), [(1, 15), (15, 2)])
def test_other_sensors_intervals(every: int, count: int) -> None:
    assert severities(sensor((100, 12), (65, count), (100, 12), every=every)) == [Severity.WATCH]
    assert severities(sensor((100, 12), (65, count - 1), (100, 12), every=every)) == []


def test_two_lows_a_quarter_of_an_hour_apart_are_one() -> None:
    assert len(severities(sensor((100, 6), (65, 4), (80, 1), (65, 4), (100, 12)))) == 1
    assert len(severities(sensor((100, 6), (65, 4), (80, 8), (65, 4), (100, 12)))) == 2


def test_a_low_every_half_hour_tells_from_the_second_on() -> None:
    assert severities(sensor((100, 2), (50, 8), every=30)) == [Severity.URGENT]
    assert severities(sensor((100, 2), (65, 2), (100, 2), every=35)) == [Severity.WATCH]
    assert severities(sensor((100, 2), (50, 1), (100, 2), every=30)) == []
    assert severities(sensor((50, 8), every=40)) == []


def test_a_gap_is_not_low_glucose() -> None:
    rows = sensor((65, 2)) + sensor((65, 2), start="07:00")
    assert severities(rows) == []


def test_a_meter_is_believed_at_once() -> None:
    assert severities([reading(Kind.GLUCOSE, at("07:00"), 65)]) == [Severity.WATCH]
    assert severities([reading(Kind.GLUCOSE, at("07:00"), 50)]) == [Severity.URGENT]
    assert severities([reading(Kind.GLUCOSE, at("07:00"), 90)]) == []


def test_a_sensor_that_is_off_or_faulty_raises_nothing() -> None:
    off = sensor((0, 60))
    faulty = series(Kind.SENSOR_GLUCOSE, at("06:00"), [45] * 60, every=300, quality=Quality.SENSOR_FAULT)
    impossible = sensor((15, 60))
    for rows in (off, faulty, impossible):
        for rule in (LOW_GLUCOSE, HIGH_GLUCOSE, LOW_GLUCOSE_SOON):
            assert scan(rule, windows(rows)) == []


@pytest.mark.parametrize(
    ("value", "count", "found"), [(250, 40, 0), (251, 17, 0), (251, 18, 1), (300, 40, 1)]
)
def test_high_for_long(value: float, count: int, found: int) -> None:
    assert len(scan(HIGH_GLUCOSE, windows(sensor((120, 12), (value, count), (120, 12))))) == found


def test_high_with_breaks_within_two_hours() -> None:
    """Ninety minutes of the last two hours, whether or not in one piece."""
    broken = sensor((120, 12), (280, 9), (240, 2), (280, 10), (120, 12))
    assert len(scan(HIGH_GLUCOSE, windows(broken))) == 1
    half = sensor((120, 12), *[part for _ in range(10) for part in ((280, 2), (240, 2))])
    assert scan(HIGH_GLUCOSE, windows(half)) == []


def test_a_fall_is_announced_before_it_is_low() -> None:
    values = np.concatenate((np.full(12, 130.0), np.linspace(130, 60, 15), np.full(6, 60.0)))
    rows = series(Kind.SENSOR_GLUCOSE, at("06:00"), values.tolist(), every=300)
    (soon,) = scan(LOW_GLUCOSE_SOON, windows(rows))
    (low,) = scan(LOW_GLUCOSE, windows(rows))
    assert soon.start < low.start - timedelta(minutes=5)
    assert soon.evidence[0].name == "glucose_in_30min"
    assert soon.evidence[1].value == 20
    assert any("general" in word for word in soon.missing)


def test_steady_and_rising_are_not_announced() -> None:
    for values in ([75.0] * 40, np.linspace(72, 140, 40).tolist(), np.linspace(220, 130, 30).tolist()):
        rows = series(Kind.SENSOR_GLUCOSE, at("06:00"), values, every=300)
        assert scan(LOW_GLUCOSE_SOON, windows(rows)) == []


def test_the_finding_carries_its_readings() -> None:
    rows = sensor((100, 12), (58, 6), (49, 3), (100, 6))
    (finding,) = scan(LOW_GLUCOSE, windows(rows))
    assert finding.evidence[0].name == "sensor_glucose_min"
    assert finding.evidence[0].value == 49
    assert finding.evidence[0].readings == (rows[18].id,)
    assert finding.start == rows[12].time


def test_a_personal_threshold() -> None:
    own = LOW_GLUCOSE.having("watch_below", 80, by="Dr. Stein", at=None, why="drives a bus")
    rows = sensor((100, 12), (75, 6), (100, 6))
    assert scan(LOW_GLUCOSE, windows(rows)) == []
    (finding,) = scan(own, windows(rows))
    assert any(threshold.personal for threshold in finding.thresholds)


@pytest.mark.parametrize("rule", [LOW_GLUCOSE, HIGH_GLUCOSE, LOW_GLUCOSE_SOON], ids=lambda rule: rule.name)
def test_live_and_history_agree(rule) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(8)
    values = np.clip(130 + np.cumsum(rng.normal(0, 9, 250)), 41, 399)
    values[100:140] = np.linspace(values[100], 45, 40)
    values[180:230] = 290
    rows = series(Kind.SENSOR_GLUCOSE, at("00:00"), values.tolist(), every=300)
    seen = windows(rows)
    found = scan(rule, seen)
    assert found
    live = [row.time for row in rows if judge(rule, seen, row.time) is not None]
    for time in live:
        assert any(f.start <= time <= f.end for f in found)
    for finding in found:
        assert finding.end in live
