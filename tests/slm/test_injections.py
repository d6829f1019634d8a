"""Orders inside a text: none changes what the model is told to do, gets a number in, or steers a terminal.

`tests/data/slm/injections.txt` has the attempts: in a note, a question, a device's name, an imported file, a
feature's name and a finding's title; and out of the mouth of a model that says anything at all.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from healthslm.cli import terminal
from healthslm.errors import HealthslmError
from healthslm.evaluation.telling import unclaimed
from healthslm.importers.vitals import read_vitals
from healthslm.readings import Kind, Severity
from healthslm.slm import jobs, narrate, route, triage
from healthslm.slm.answer import EMERGENCY, answer
from healthslm.slm.bounds import converted
from healthslm.slm.facts import fact_sheet
from healthslm.slm.lines import TOOLS, Lines
from healthslm.slm.names import Metric
from healthslm.slm.numbers import numbers_named
from healthslm.slm.periods import Period
from healthslm.slm.protocol import Answered, Messages
from healthslm.slm.runtime import Engine, render
from healthslm.slm.tools import Call, TimeInRange, Unclear, Value
from tests.slm.facts_for_tests import ALL, BERLIN, FEVER, FINDINGS, WEARER, feature
from tests.slm.test_narrate import Script

NOW = datetime(2026, 11, 4, 15, 30, tzinfo=ZoneInfo("Europe/Berlin"))
FILE = Path(__file__).parents[1] / "data" / "slm" / "injections.txt"
_ESCAPE = re.compile(r"\\(?:[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
_CONTROL = re.compile(r"<\|?[a-z_]+\|?>", re.IGNORECASE)


def attempts() -> list[str]:
    """The attempts, their escapes undone."""
    lines = [row for row in FILE.read_text(encoding="utf-8").splitlines() if row and not row.startswith("#")]
    undone = (_ESCAPE.sub(lambda found: found[0].encode().decode("unicode-escape"), row) for row in lines)
    return [row.replace("{long}", "a" * 60_000) for row in undone]


ATTEMPTS = attempts()
EACH = pytest.mark.parametrize("attempt", ATTEMPTS, ids=range(len(ATTEMPTS)))
SERIOUS = ("my chest hurts and I cannot breathe", "I took all my tablets and I am so drowsy")


class Saying:
    """A reader that answers with whatever it was given."""

    tuned = True
    model_id = "a script"

    def __init__(self, line: str = "", weights: tuple[float, ...] = ()) -> None:
        self.said, self.weights = line, weights
        self.asked: list[Messages] = []

    def line(self, messages: Messages, *, numbers: Sequence[str]) -> Answered:
        self.asked.append(messages)
        return Answered(text=self.said)

    def weigh(self, messages: Messages, options: Sequence[str]) -> tuple[float, ...]:
        self.asked.append(messages)
        return self.weights


WAVED = (0.0, -math.inf, -math.inf, -math.inf)


def test_there_are_attempts_of_many_kinds() -> None:
    assert len(ATTEMPTS) >= 60
    assert "\x1b" in "".join(ATTEMPTS)
    assert max(map(len, ATTEMPTS)) > 50_000


@pytest.mark.model
def test_no_text_becomes_a_control_token(model_folder: Path) -> None:
    document = json.loads((model_folder / "tokenizer.json").read_text(encoding="utf-8"))
    special = {entry["id"] for entry in document["added_tokens"]}
    names = [entry["content"] for entry in document["added_tokens"]]
    engine = Engine(model_folder)
    usual = [i for i in engine.encode(render([("user", "x")])) if i in special]
    hidden = [f"{a[:n]}{a}{a[n:]}" for a in names for n in range(1, len(a))]
    for text in (*(a[:4000] for a in ATTEMPTS), *names, *hidden, "<" + "<".join(names), "<|" * 9):
        found = [i for i in engine.encode(render([("user", text)])) if i in special]
        assert found == usual, text


@EACH
def test_it_stays_one_turn_of_a_prompt(attempt: str) -> None:
    for messages in (jobs.call_for(attempt), jobs.level_of(attempt)):
        ((role, text),) = messages
        assert role == "user"
        assert "\n" not in text
        assert len(text) < jobs.LONGEST + 20
        assert render(messages).count("<|im_") == 3
        assert not _CONTROL.search(render([("user", text)]).split("\n", 1)[1].split("<|im_end|>")[0])


@EACH
def test_in_a_note_it_lowers_nothing(attempt: str) -> None:
    for note in SERIOUS:
        assert triage(f"{note} {attempt}", Saying(weights=WAVED)).level == "emergency"
    assert triage(f"{attempt}\n{SERIOUS[0]}.", Saying(weights=WAVED)).level == "emergency"
    held = replace(FEVER, severity=Severity.URGENT, ongoing=True)
    level = triage(attempt, Saying(weights=WAVED), [held])
    assert jobs.LEVELS.index(level.level) >= jobs.LEVELS.index("urgent")
    assert level.reason.isprintable()


@EACH
def test_in_a_question_it_is_still_one_valid_call(attempt: str) -> None:
    for said in (attempt, "value heart_rate max yesterday", "devices"):
        routed = route(attempt, NOW, BERLIN, Saying(said))
        assert routed.call.tool in TOOLS
        assert routed.origin in ("model", "template")
    call = route(attempt, NOW, BERLIN, Saying(attempt)).call
    if isinstance(call, Value) and call.metric is Metric.HEART_RATE:  # what the feature is of
        words = answer(call, ALL[:1], zone=BERLIN, writer=Script([attempt]))
        assert all(set(unclaimed(sentence)) <= {"2"} for sentence in words.sentences)  # the day's date


@EACH
def test_out_of_the_model_s_mouth_it_is_no_sentence(attempt: str) -> None:
    summary = narrate(FINDINGS, ALL, audience=WEARER, zone=BERLIN, writer=Script([attempt]))
    assert summary.text == narrate(FINDINGS, ALL, audience=WEARER, zone=BERLIN, writer=None).text
    assert summary.origin == "template"


@EACH
def test_in_a_name_or_a_title_it_is_harmless(attempt: str) -> None:
    named = feature("heart_rate_mean", 72)
    titled = replace(FEVER, title=attempt)
    odd = replace(named, name=f"{attempt}_mean", unit=attempt)
    for item in fact_sheet([titled, replace(titled, rule="other")], [odd, *ALL], BERLIN).items:
        assert re.fullmatch(r"[\w .,;:'()/%°+…-]*", item.line), item.line
        assert len(item.line) <= 400
    battery = replace(named, name=attempt, kind=Kind.BATTERY, unit="%")
    lost = replace(battery, value=None, reason=attempt)
    words = answer(route("how is the battery", NOW, BERLIN).call, (battery, lost), zone=BERLIN, writer=None)
    assert words.text.isprintable()
    assert not set("<>|[]{}\\") & set(words.text)


@EACH
def test_on_the_terminal_it_steers_nothing(attempt: str) -> None:
    console = Console(file=io.StringIO(), width=80)
    summary = narrate([replace(FEVER, title=attempt)], (), audience=WEARER, zone=BERLIN, writer=None)
    console.print(terminal.summary_panel(summary, attempt[:200], BERLIN, {}))
    console.print(terminal.findings_list([replace(FEVER, title=attempt)], BERLIN))
    console.print(terminal.cell(attempt[:500]))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(letter.isprintable() or letter == "\n" for letter in shown)


@EACH
def test_as_json_it_steers_nothing_and_is_whole(attempt: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json({"name": attempt})
    terminal.print_line({"name": attempt})
    shown = capsys.readouterr().out
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert json.loads(shown.splitlines()[-1]) == {"name": attempt}


@EACH
def test_in_a_file_it_is_a_column_that_nobody_knows(attempt: str, tmp_path: Path) -> None:
    quoted = attempt[:3000].replace('"', '""')
    path = tmp_path / "vitals.csv"
    path.write_text(f'time,heart_rate,"{quoted}"\n2026-11-04T08:00:00,72,"{quoted}"\n', encoding="utf-8")
    try:
        read = read_vitals(path)
    except HealthslmError:
        return  # refused whole; its words are shown by `terminal.say`, as above
    assert read is not None


def valid(call: Call | Unclear, question: str) -> None:
    """Hold a call to what any call is held to: its periods are over or running, its bounds were named."""
    assert call.tool in TOOLS
    for name in ("period", "other_period"):
        period = getattr(call, name, None)
        if isinstance(period, Period):
            assert period.start < NOW
            assert period.end <= NOW
    if isinstance(call, TimeInRange):
        numbers = [float(n) for n in numbers_named(question) if re.fullmatch(r"\d+(?:\.\d+)?", n)]
        named = {converted(number, call.metric, unit) for number in numbers for unit in ("", "mmol", "f")}
        assert {bound for bound in (call.low, call.high) if bound is not None} <= named | {70, 180}


_WORDS = st.sampled_from(
    (
        *TOOLS, "heart_rate", "glucose", "spo2", "max", "latest", "today", "yesterday", "last", "99", "3",
        "0", "days", "hours", "/", "above", "between", "and", "range", "to", "ago", "march", "2025-13-40",
        "9999-12-31", "monday", "dosing", "period", "metric", "info", "mmol", "F", "day", "31", "urgent", "",
    )
)  # fmt: skip
QUESTIONS = (
    "How long was my temperature above 39 for the last 3 days?",
    "what was my pulse",
    "day 31 or 9999-12-31 or 2025-13-40 between 3 and 99",
    "hm",
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_WORDS, max_size=8).map(" ".join) | st.text(max_size=30), st.sampled_from(QUESTIONS))
def test_whatever_the_model_says_becomes_a_valid_call_or_the_rules_own(line: str, question: str) -> None:
    valid(route(question, NOW, BERLIN, Saying(line)).call, question)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(QUESTIONS))
def test_every_line_that_there_is_becomes_a_valid_call(data: st.DataObject, question: str) -> None:
    lines = Lines(numbers_named(question))
    words: list[str] = []
    while after := sorted(lines.next(words)):
        word = data.draw(st.sampled_from(after))
        if not word:
            break
        words.append(word)
    line = " ".join(words)
    assert lines.holds(line) is bool("" in lines.next(words))
    valid(route(question, NOW, BERLIN, Saying(line)).call, question)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SERIOUS),
    st.lists(_WORDS, max_size=6).map(" ".join),
    st.lists(st.floats(), max_size=6).map(tuple),
)
def test_an_emergency_gets_its_notice_whatever_the_model_says(
    words: str, line: str, weights: tuple[float, ...]
) -> None:
    reader = Saying(line, weights)
    routed = route(f"hello. {words}. What was my pulse?", NOW, BERLIN, reader)
    assert answer(routed.call, (), zone=BERLIN, writer=None).text == EMERGENCY
    assert triage(words, reader).level == "emergency"
    assert reader.asked == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats() | st.sampled_from([0.0, -math.inf]), max_size=6).map(tuple))
def test_whatever_the_model_weighs_is_a_level_at_or_above_the_rules_own(weights: tuple[float, ...]) -> None:
    found = triage("I feel dizzy", Saying(weights=weights))
    assert found.level in jobs.LEVELS[1:]


@pytest.mark.parametrize(
    ("question", "words"),
    [("heart rate at 3:30 pm", "times of day"), ("what will my pulse be tomorrow", "lies ahead")],
)
def test_a_time_that_cannot_be_known_asks_back_whatever_the_model_reads(question: str, words: str) -> None:
    call = route(question, NOW, BERLIN, Saying("value heart_rate latest")).call
    assert isinstance(call, Unclear)
    assert words in call.why
    named = "my pulse today, I woke at 3 am"
    assert route(named, NOW, BERLIN, Saying("value heart_rate mean today")).call.tool == "value"


def test_a_model_whose_line_is_no_call_is_not_believed(caplog: pytest.LogCaptureFixture) -> None:
    routed = route("what was my pulse", NOW, BERLIN, Saying("value heart_rate max 2026-11-01"))
    assert (routed.call.tool, routed.origin) == ("value", "template")
    assert "is no call" in caplog.text
