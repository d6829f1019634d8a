from datetime import timedelta

import pytest

from healthslm.analysis.quality import quality, worn
from healthslm.readings import Kind, Quality, Reading, Window
from tests.making import at, beats, reading, series


def window(kind: Kind, rows: list[Reading], minutes: float = 60) -> Window:
    return Window.of(kind, at("08:00"), at("08:00") + timedelta(minutes=minutes), rows)


def whats(found: Window) -> list[str]:
    return [p.what for p in quality(found).problems]


def test_a_clean_hour_has_no_problem() -> None:
    rows = series(Kind.HEART_RATE, at("08:00"), [70 + i % 5 for i in range(3600)])
    found = quality(window(Kind.HEART_RATE, rows))
    assert found.problems == ()
    assert found.coverage == pytest.approx(1)
    assert found.usable == found.readings == 3600


def test_a_gap_has_its_span() -> None:
    rows = series(Kind.HEART_RATE, at("08:00"), [70 + i % 5 for i in range(1800)])
    (gap,) = quality(window(Kind.HEART_RATE, rows)).problems
    assert gap.what == "gap"
    assert gap.end == at("09:00")
    assert gap.end - gap.start == timedelta(minutes=30) - timedelta(seconds=9)


@pytest.mark.parametrize(("kind", "code"), [(Kind.SPO2, 0), (Kind.HEART_RATE, 255), (Kind.HEART_RATE, 0)])
def test_a_sensor_off_code_is_no_value(kind: Kind, code: float) -> None:
    rows = series(kind, at("08:00"), [code] * 600) + series(kind, at("08:10"), [97, 96] * 300)
    found = window(kind, rows, 20)
    assert len(worn(found)) == 600
    assert worn(found).values.min() == 96
    off = next(p for p in quality(found).problems if p.what == "sensor off")
    assert (off.start, off.count) == (at("08:00"), 600)
    assert quality(found).coverage == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("flag", "what"),
    [
        (Quality.NOT_WORN, "not worn"),
        (Quality.NO_CONTACT, "not worn"),
        (Quality.SENSOR_FAULT, "sensor fault"),
        (Quality.FROZEN, "sensor fault"),
        (Quality.IMPLAUSIBLE, "implausible"),
        (Quality.FLAT_LINE, "flat line"),
    ],
)
def test_what_a_device_said_is_told(flag: Quality, what: str) -> None:
    rows = series(Kind.SPO2, at("08:00"), [96] * 60, quality=flag)
    assert what in whats(window(Kind.SPO2, rows, 1))


def test_a_stuck_sensor_is_told_and_a_calm_saturation_is_not() -> None:
    assert "flat line" in whats(window(Kind.HEART_RATE, series(Kind.HEART_RATE, at("08:00"), [64] * 3600)))
    assert whats(window(Kind.SPO2, series(Kind.SPO2, at("08:00"), [97] * 3600))) == []


def test_a_jump_no_body_makes_is_told() -> None:
    rows = series(Kind.SPO2, at("08:00"), [97] * 30 + [80] * 30)
    (jump,) = quality(window(Kind.SPO2, rows, 1)).problems
    assert (jump.what, jump.start) == ("jump", at("08:00:29"))


def test_two_sources_at_once_are_told_and_counted_once() -> None:
    rows = series(Kind.HEART_RATE, at("08:00"), [70, 71] * 30)
    both = window(Kind.HEART_RATE, rows + series(Kind.HEART_RATE, at("08:00"), [72, 73] * 30), 1)
    assert "two sources" in whats(both)
    assert len(worn(both)) == 60
    twice = beats(at("08:00"), [800.0] * 70) + beats(at("08:00:00"), [810.0] * 70)
    assert "two sources" in whats(window(Kind.RR_INTERVAL, twice, 1))
    assert "two sources" not in whats(window(Kind.RR_INTERVAL, beats(at("08:00"), [800.0] * 70), 1))


def test_one_reading_and_none_are_no_error() -> None:
    for kind in Kind:
        assert quality(window(kind, [])).usable == 0
        assert quality(window(kind, [reading(kind, at("08:01"), 60)])).readings == 1


@pytest.mark.parametrize("every", [600, 86400])
def test_what_is_measured_now_and_then_is_neither_flat_nor_full_of_gaps(every: float) -> None:
    rows = series(Kind.HEART_RATE, at("08:00"), [64] * 30, every=every)
    assert whats(window(Kind.HEART_RATE, rows, 30 * every / 60)) == []


def test_a_sensor_every_quarter_of_an_hour_is_a_stream() -> None:
    rows = series(Kind.SENSOR_GLUCOSE, at("08:00"), [104] * 20, every=900)
    assert whats(window(Kind.SENSOR_GLUCOSE, rows, 600)) == ["flat line", "gap"]
