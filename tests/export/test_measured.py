"""The lines of the clinician's page that stand on guidelines."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from healthslm.export import measured
from healthslm.readings import Feature, Kind, Review
from tests.export.conftest import END, START, ZONE


def feature(name: str, value: float | None, kind: Kind = Kind.SYSTOLIC, **more: object) -> Feature:
    given: dict[str, object] = {"unit": "mm[Hg]", "decimals": 1, "count": 24, **more}
    return Feature(name=name, kind=kind, value=value, start=START, end=END, **given)  # type: ignore[arg-type]


@pytest.fixture
def told(sick: Review) -> Callable[..., list[str]]:
    def lines(*features: Feature, guideline: str = "esc-2024") -> list[str]:
        made = replace(sick, features=features, notes={"pressure guideline": guideline})
        return measured.lines(made, profile=False)

    return lines


@pytest.mark.parametrize(
    ("guideline", "upper", "lower", "category"),
    [
        ("esc-2024", 134.9, 84.9, "elevated by ESC 2024"),
        ("esc-2024", 135, 70, "hypertension by ESC 2024"),
        ("aha-2017", 131, 70, "hypertension, stage 1 by ACC/AHA 2017"),
        ("aha-2017", 119, 79, "normal by ACC/AHA 2017"),
    ],
)
def test_the_average_at_home_has_its_category_by_the_chosen_guideline(
    told: Callable[..., list[str]], guideline: str, upper: float, lower: float, category: str
) -> None:
    pair = feature("home_systolic", upper), feature("home_diastolic", lower, Kind.DIASTOLIC)
    (line,) = told(*pair, guideline=guideline)
    assert f"{upper:.0f}/{lower:.0f} mmHg, n=24" in line
    assert category in line


def test_what_is_not_known_has_its_reason(told: Callable[..., list[str]]) -> None:
    (line,) = told(feature("home_systolic", None, reason="2 days after the first one, at least 3"))
    assert line.endswith("not known (2 days after the first one, at least 3)")
    assert "hypertension" not in line


def test_a_sensor_has_the_consensus_figures_in_their_order(told: Callable[..., list[str]]) -> None:
    mean = feature("cgm_mean", 130.34, Kind.SENSOR_GLUCOSE, unit="mg/dL")
    share = feature("cgm_tir", 81.25, Kind.SENSOR_GLUCOSE, unit="%")
    (line,) = told(mean, share)
    assert line.endswith("70 to 180 mg/dL 81.2 %, mean 130.3 mg/dL")


def test_the_numbers_of_a_day_stand_under_the_hour_at_which_their_hours_end(sick: Review) -> None:
    def of(name: str, value: float | None, ended: float, reason: str = "") -> Feature:
        end = START + timedelta(hours=ended)
        return replace(
            feature(name, value, Kind.HEART_RATE, unit="/min", decimals=0),
            start=end - timedelta(hours=6), end=end, reason=reason,
        )  # fmt: skip

    few = "4 h are needed"
    features = (
        of("resting_heart_rate", 58, 24), of("nocturnal_dip", None, 6, "1 h each is needed"),
        of("heart_rate_recovery", 31, 24), of("night_rmssd_ms", 41, 6),
        of("night_odi3", None, 8, few), of("night_odi4", None, 8, few), of("night_spo2_below_90", 2, 8),
    )  # fmt: skip
    assert measured.of_the_day(replace(sick, features=features), ZoneInfo(ZONE)) == [
        "of 14 Mar: resting heart rate 58 bpm; fall of heart rate in the first minute after exertion 31 bpm",
        "of the night that ended 14 Mar 06:00: RMSSD at night 41 bpm; "
        "nocturnal dip of heart rate: not known (1 h each is needed)",
        "of the night that ended 14 Mar 08:00: time at night with oxygen saturation below 90 % (CT90) 2 bpm; "
        "desaturations by 3 points at night (ODI3), desaturations by 4 points at night (ODI4): "
        f"not known ({few})",
    ]
    assert measured.of_the_day(replace(sick, features=()), ZoneInfo(ZONE)) == []


def test_a_period_without_either_has_no_line(told: Callable[..., list[str]]) -> None:
    assert told(feature("systolic_mean", 120)) == []
