"""The lines of the clinician's page that stand on guidelines."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from healthslm.export import measured
from healthslm.readings import Feature, Kind, Review
from tests.export.conftest import END, START


def feature(name: str, value: float | None, kind: Kind = Kind.SYSTOLIC, **more: object) -> Feature:
    given: dict[str, object] = {"unit": "mm[Hg]", "decimals": 1, "count": 24, **more}
    return Feature(name=name, kind=kind, value=value, start=START, end=END, **given)  # type: ignore[arg-type]


@pytest.fixture
def told(sick: Review) -> Callable[..., list[str]]:
    def lines(*features: Feature, guideline: str = "esc-2024") -> list[str]:
        made = replace(sick, features=features, notes={"pressure guideline": guideline})
        return measured.lines(made)

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


def test_a_period_without_either_has_no_line(told: Callable[..., list[str]]) -> None:
    assert told(feature("systolic_mean", 120)) == []
