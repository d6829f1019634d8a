"""The measure counts what it says it counts."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from healthslm.errors import UsageError
from healthslm.evaluation import narrate
from healthslm.evaluation.day_files import tellings
from healthslm.evaluation.days import LEARNED, draw_day, drawn
from healthslm.evaluation.telling import Asked, leads, measured, mentions, unclaimed
from healthslm.readings import Claim, Feature, Sentence, Severity, Summary
from healthslm.slm import Audience, ModelProcess
from healthslm.slm.template import sentence
from tests.slm.facts_for_tests import FEVER, FINDINGS, HEART, IRREGULAR, LOW_OXYGEN, WEARER, feature, found

DAYS = Path(__file__).parents[1] / "data" / "slm" / "days.jsonl"


@dataclass
class Fool:
    """A writer that always says the same thing; it notes the attempts."""

    text: str = "You slept 99 hours."
    model_id: str = "fool"
    tuned: bool = False
    attempts: list[int] = field(default_factory=list)

    def __call__(
        self, messages: Sequence[tuple[str, str]], *, numbers: Sequence[str] | None, attempt: int = 0
    ) -> str:
        assert len(messages) == 1
        self.attempts.append(attempt)
        return self.text


def test_days_are_drawn_again_the_same_and_differ() -> None:
    assert draw_day(1, 3) == draw_day(1, 3)
    assert draw_day(1, 3) != draw_day(1, 4)
    assert draw_day(1, 3) != draw_day(2, 3)
    days = [draw_day(1, n) for n in range(60)]
    assert {len(d.findings) for d in days} >= {0, 1, 2, 3}
    assert any(f.value is None for d in days for f in d.features)
    assert any((f.coverage or 1) < 0.5 for d in days for f in d.features)


def test_nothing_is_measured_on_days_that_were_learned_from() -> None:
    with pytest.raises(UsageError, match="has learned from"):
        narrate.run(None, Fool(), {}, sentences=1, seed=LEARNED, sampled=True)
    with pytest.raises(AssertionError):
        next(drawn(LEARNED))


def test_a_fools_sentences_never_stand_and_every_attempt_is_counted() -> None:
    clock = itertools.count()
    one = measured(itertools.islice(drawn(1), 10), Fool(), clock=lambda: float(next(clock)), keep=3)
    assert (one.stood, one.standing, one.narratives, one.seconds) == (0, 0.0, 10, 10.0)
    assert one.attempts == 2 * one.asked == one.objections.total()
    assert one.loose_written == one.attempts
    assert one.wrong_written["value"] == one.attempts
    assert (one.wrong(shown=False) or 0) > 60
    assert (one.loose_shown, one.wrong(shown=True)) == (0, 0.0)
    assert one.findings > 0
    assert one.urgent > 0
    assert (one.told, one.first, one.withheld) == (100.0, 100.0, 0)
    assert len(one.examples) == 3
    assert one.examples[0][2] == "You slept 99 hours."
    assert 3 < (one.grade(WEARER) or 0) < 8 < (one.grade(WEARER, aloud=True) or 0)


def test_the_template_alone_is_measured_too() -> None:
    one = measured(itertools.islice(drawn(2), 20), None)
    assert (one.attempts, one.standing, one.wrong(shown=False)) == (0, None, None)
    assert (one.wrong(shown=True), one.told, one.first) == (0.0, 100.0, 100.0)


def test_so_many_sentences_are_written_each_drawn_with_its_own_seed() -> None:
    fool = Fool()
    one = measured(drawn(1), fool, sentences=50, sampled=True)
    assert 50 <= one.attempts < 100
    assert fool.attempts == list(range(1, one.attempts + 1))
    plain = Fool()
    assert not plain.tuned
    assert Asked(plain).tuned
    measured(itertools.islice(drawn(1), 1), plain)
    assert set(plain.attempts) == {0, 1}


def test_the_table_sets_others_beside_and_says_what_rounding_costs() -> None:
    others = {narrate.UNTUNED: Fool(), narrate.FLOAT32: Fool("Your heart rate averaged 72 bpm.")}
    table, one = narrate.run(DAYS, Fool(), others, sentences=1000, seed=1, sampled=False)
    lines = {line.name: line for line in table.lines}
    assert one.narratives == 10
    assert lines["numbers in no fact, as written"].met is False
    assert lines["numbers in no fact, as shown"].met is True
    assert lines["findings of watch and above in the text"].value == 100
    assert lines["urgent findings first, with what to do"].value == 100
    assert lines["template: wrong claims, as shown"].value == 0
    assert lines["untuned model: sentences that stand"].value == 0
    assert lines["4 bits lose: sentences that stand"].value == (
        lines["float32 of the same weights: sentences that stand"].value
    )
    assert (lines["4 bits lose: right claims, as written"].value or 0) > 0.5
    assert json.dumps(table.to_json())


def test_texts_are_drawn_for_both_audiences_and_shown_as_markdown() -> None:
    shown = list(narrate.texts(None, Fool(), count=4, seed=5))
    assert [audience for audience, _ in shown] == [Audience.WEARER] * 2 + [Audience.CLINICIAN] * 2
    assert len({summary.text for _, summary in shown}) == 4
    text = narrate.markdown(*shown[0])
    assert text.startswith("For the wearer:\n\n- *Your ")
    mine = Summary(sentences=(Sentence(text="It is so.", origin="model"),))
    assert narrate.markdown(WEARER, mine) == "For the wearer:\n\n- It is so.\n"
    assert len(list(narrate.texts(DAYS, Fool(), count=4, seed=1))) == 4


def test_unclaimed_numbers_are_found() -> None:
    one = draw_day(1, 1).features[-1]
    good = Sentence(text="It was 72.", origin="model", claims=(Claim(start=7, end=9, feature=one),))
    assert unclaimed(good) == []
    assert unclaimed(Sentence(text="SpO2 was 72.", origin="model")) == ["72"]


def test_a_finding_is_mentioned_by_what_was_found_not_by_an_everyday_value() -> None:
    for one in FINDINGS:
        for audience in Audience:
            assert mentions(sentence(found(one), audience).text, one)
    assert mentions("Your heart rhythm was irregular for 34 minutes.", IRREGULAR)
    assert mentions("The SpO2 was low, at 88 %.", LOW_OXYGEN)
    assert not mentions("Your oxygen saturation averaged 88 %.", LOW_OXYGEN)
    assert not mentions("Your oxygen saturation was low: 87 %.", LOW_OXYGEN)
    assert not mentions("Your blood pressure was low: 88 %.", LOW_OXYGEN)


def test_a_text_leads_with_what_is_urgent_or_does_not() -> None:
    def text(*said: str) -> Summary:
        return Summary(sentences=tuple(Sentence(text=one, origin="model") for one in said))

    told, step = "Your oxygen saturation was low: 88 % at 16:42.", LOW_OXYGEN.action
    assert leads(text(told, step, "Your pulse was 72."), [LOW_OXYGEN])
    assert leads(text(told, f"Advice to the wearer: {step}"), [LOW_OXYGEN])
    assert not leads(text("Your pulse was 72.", told, step), [LOW_OXYGEN])
    assert not leads(text(told, "Your pulse was 72."), [LOW_OXYGEN])
    assert not leads(text(told), [LOW_OXYGEN])
    assert not leads(text(step), [LOW_OXYGEN])
    assert not leads(text(), [LOW_OXYGEN])


def test_a_file_of_days_is_read_as_it_is_documented() -> None:
    read = tellings(DAYS)
    assert {telling.audience for telling in read} == set(Audience)
    heart = {f.name: f for f in read[0].day.features}["heart_rate_mean"]
    assert (heart.value, heart.kind, heart.text) == (72, HEART[0].kind, "72")
    low = read[4].day.findings[0]
    assert (low.severity, low.evidence[0].kind) == (Severity.EMERGENCY, LOW_OXYGEN.evidence[0].kind)
    weight: Feature = read[4].day.findings[2].evidence[0]
    assert (weight.text, weight.start) == ("2.4", read[4].day.features[0].start)
    one = measured(read, None)
    assert (one.told, one.first, one.wrong(shown=True), one.loose_shown) == (100.0, 100.0, 0.0, 0)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"audience": "dog"}, "line 1: audience: "),
        ({"start": "yesterday"}, "line 1: start: "),
        ({"timezone": "Nowhere/Land"}, "line 1: there is no time zone Nowhere/Land"),
        (
            {"features": [{"name": "mood_mean", "value": 3, "unit": "1"}]},
            "mood_mean needs its kind",
        ),
        ({"features": [{"name": "spo2_mean", "value": "high", "unit": "%"}]}, "line 1: features.0.value: "),
        ({"verdict": "fine"}, "line 1: verdict: "),
    ],
)
def test_a_line_that_cannot_be_read_is_named(
    change: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    row = {**json.loads(DAYS.read_text(encoding="utf-8").splitlines()[0]), **change}
    (tmp_path / "days").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(UsageError) as error:
        tellings(tmp_path / "days")
    assert complaint in str(error.value)


def test_no_file_and_an_empty_one_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        tellings(tmp_path / "none")
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no day"):
        tellings(tmp_path / "empty")


def test_what_a_rule_never_saw_is_mentioned_by_its_title() -> None:
    strange = replace(FEVER, rule="new", title="Something new", evidence=(feature("heart_rate_mean", 140),))
    assert mentions("Something new: average 140 bpm.", strange)
    assert not mentions("Your heart rate averaged 140 bpm.", strange)


@pytest.mark.model
def test_the_built_model_lets_no_number_through(writer: ModelProcess) -> None:
    one = measured(itertools.islice(drawn(3), 4), writer, sampled=True)
    assert (one.loose_written, one.loose_shown, one.told) == (0, 0, 100.0)
    assert one.asked > 5
    if writer.tuned:
        assert (one.standing or 0) > 80


@pytest.mark.model
def test_the_command_prints_its_table_and_its_texts() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "healthslm", "eval", "narrate", "--data", str(DAYS), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)

    result = run("--sentences", "6", "--json")
    assert result.returncode == 0, result.stderr
    lines = {line["name"]: line for line in json.loads(result.stdout)["lines"]}
    assert lines["numbers in no fact, as written"]["value"] == 0
    shown = run("--show", "2").stdout
    assert (shown.count("For the wearer:"), shown.count("For the clinician:")) == (1, 1)
    assert run("--sentences", "many").returncode == 2
