"""`eval export`: no number on any page differs, and every one that is made to differ is seen."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import fhirkit
import pytest
from typer.testing import CliRunner

from healthslm.cli import app
from healthslm.errors import UsageError
from healthslm.evaluation import export
from healthslm.evaluation.export_cases import CASES, Case
from healthslm.evaluation.page_marks import Marks, Piece
from healthslm.readings import Kind
from tests.fhir_rules import broken

FEW = {case.name: case for case in CASES if case.name in ("one reading", "meter and scale", "wrong clock")}
TIES = {"81.2", "38.2"}
"""Of 81.25 and 38.25: both neighbours count, so one made of the other is not seen."""


def differing(one: export.Exported) -> list[str]:
    return [number.text for number in export.judged(one)[0] if not number.right]


@pytest.fixture(scope="module")
def scale() -> export.Exported:
    return export.exported(FEW["meter and scale"])


@pytest.fixture(scope="module")
def sick() -> export.Exported:
    return export.exported(CASES[0])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_number_on_a_page_differs_and_its_bundle_keeps_every_rule(case: Case) -> None:
    one = export.exported(case)
    numbers, _ = export.judged(one)
    assert [(n.text, n.source, n.wanted, n.around) for n in numbers if not n.right] == []
    assert len(numbers) >= 15
    assert [str(issue) for issue in fhirkit.validate(one.bundle)] == []
    assert broken(json.loads(one.bundle)) == []


@pytest.mark.parametrize("name", FEW)
def test_every_number_that_is_made_wrong_is_seen(name: str) -> None:
    one = export.exported(FEW[name])
    missed = export.unseen(one, range(len(Marks(one.pieces).numbers)))
    assert {number.text for number in missed} <= TIES


def test_a_number_without_a_counterpart_differs(scale: export.Exported) -> None:
    more = [*scale.pieces, Piece("pulse 63", 40, 400, 8.4)]
    (found,) = (number for number in export.judged(replace(scale, pieces=more))[0] if not number.right)
    assert (found.text, found.wanted) == ("63", "no counterpart")
    assert "pulse 63" in found.around


def test_another_value_in_the_bundle_is_seen(sick: export.Exported) -> None:
    made = json.loads(sick.bundle)
    rates = [
        part
        for entry in made["entry"]
        if entry["resource"].get("code", {}).get("text") == "heart rate, statistics of the period"
        for part in entry["resource"].get("component", ())
        if part["code"]["text"] == "mean heart rate"
    ]
    assert rates
    for part in rates:
        part["valueQuantity"]["value"] += 1
    assert differing(replace(sick, bundle=json.dumps(made).encode())) == ["77", "77"]


def test_another_unit_in_the_bundle_is_seen(scale: export.Exported) -> None:
    made = scale.bundle.replace(b'"code":"kg"', b'"code":"g"')
    assert set(differing(replace(scale, bundle=made))) >= {"81.6", "81.9"}


def test_another_reading_in_the_store_is_seen(scale: export.Exported) -> None:
    rows = scale.truth.rows[Kind.GLUCOSE]
    worse = replace(rows[-1], value=rows[-1].value + 1)
    truth = replace(scale.truth, rows={**scale.truth.rows, Kind.GLUCOSE: [*rows[:-1], worse]}, known={})
    assert set(differing(replace(scale, truth=truth))) == {"171", "13:00"}


@pytest.mark.parametrize(
    ("shown", "stored", "right"),
    [
        ("81.2", Fraction("81.25"), True),
        ("81.3", Fraction("81.25"), True),
        ("81.3", Fraction("81.2499"), False),
        ("81.2", Fraction("81.2501"), False),
        ("77", Fraction("77.4999"), True),
        ("78", Fraction("77.4999"), False),
        ("-17.9", Fraction("-17.93"), True),
        ("17.9", Fraction("-17.93"), False),
    ],
)
def test_a_number_is_the_rounded_one_at_the_digits_that_it_has(
    shown: str, stored: Fraction, right: bool
) -> None:
    marks = Marks([Piece(shown, 0, 0, 8)])
    marks.value((0, len(shown)), stored=stored)
    assert [number.right for number in marks.judged] == [right]


def test_numbers_of_labels_that_touch_stay_apart() -> None:
    marks = Marks([Piece("54", 50, 600, 6), Piece("70", 50, 605, 6)])
    assert [number.text for number in marks.judged] == ["54", "70"]


@pytest.fixture
def command() -> Callable[..., tuple[int, str]]:
    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["eval", "export", *words])
        return result.exit_code, result.stdout

    return run


def test_the_command_tells_the_figures(command: Callable[..., tuple[int, str]]) -> None:
    code, said = command("--person", "one reading", "--made-wrong", "3", "--json")
    assert code == 0
    lines = {one["name"]: one["value"] for one in json.loads(said)["lines"]}
    assert lines["people and periods"] == 1
    assert lines["numbers that differ, or have no counterpart"] == 0
    assert lines["made wrong on purpose"] == 3
    counted = sum(value for name, value in lines.items() if name.startswith("as in: "))
    assert counted == lines["numbers on the pages"] > 50


def test_nobody_of_that_name_is_told() -> None:
    with pytest.raises(UsageError, match="nobody like"):
        export.named(["sick"])
