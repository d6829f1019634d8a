"""Files of questions and notes: read, or refused with the line named; calls compared as people would."""

import importlib.util
import json
from pathlib import Path

import pytest

from healthslm.errors import UsageError
from healthslm.evaluation.questions import classical, notes, questions, same
from healthslm.evaluation.route import by, measured
from healthslm.evaluation.triage import measured as levelled
from healthslm.voices import Noted

ROW = {
    "question": "What was my highest heart rate yesterday?",
    "now": "2026-11-04T15:30:00+01:00",
    "tool": "value",
    "arguments": {
        "metric": "heart_rate",
        "statistic": "max",
        "period": {"start": "2026-11-03T00:00:00+01:00", "end": "2026-11-04T00:00:00+01:00"},
    },
}


def file(folder: Path, *rows: object) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in rows) + "\n")
    return path


def test_a_file_is_routed_in_the_zone_of_its_time(tmp_path: Path) -> None:
    other = ROW | {"question": "write me a poem", "tool": "refuse", "arguments": {"reason": "off_topic"}}
    found = measured(questions(file(tmp_path, ROW, other)), by(None))
    assert (found.tool, found.whole, found.refused, found.answered) == (100, 100, 100, 100)
    assert found.emergencies is None


def test_what_is_wrong_is_counted_and_kept(tmp_path: Path) -> None:
    wrong = ROW | {"arguments": {**ROW["arguments"], "statistic": "min"}}  # type: ignore[dict-item]
    found = measured(questions(file(tmp_path, ROW, wrong)), by(None))
    assert (found.tool, found.whole) == (100, 50)
    assert [q.arguments["statistic"] for q, _, _ in found.wrong] == ["min"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "line 1"),
        ({"question": "x", "tool": "value"}, "no now"),
        (ROW | {"now": "noon"}, "line 1"),
        ("", "nothing to measure on"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, row: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        questions(file(tmp_path, row))


def test_a_level_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'severe' is no level"):
        notes(file(tmp_path, {"text": "x", "lowest": "info", "highest": "severe"}))


def test_levels_are_counted_by_what_two_nurses_would_give() -> None:
    rows = [
        Noted(voice="", text="a", lowest="emergency", highest="emergency"),
        Noted(voice="", text="b", lowest="watch", highest="urgent"),
        Noted(voice="", text="c", lowest="info", highest="info"),
        Noted(voice="", text="d", lowest="info", highest="watch"),
    ]
    said = {"a": "urgent", "b": "watch", "c": "emergency", "d": "watch"}
    found = levelled(rows, lambda text: said[text])
    assert (found.recognised, found.within, found.below) == (0, 50, 25)
    assert found.false == pytest.approx(100 / 3)
    assert [note.text for note, _ in found.wrong] == ["a", "c"]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"low": 180.0, "high": None}, {"low": 180.2}, True),
        ({"low": 180.0}, {"low": 185.0}, False),
        ({"metric": "spo2"}, {"metric": "spo2", "period": None}, True),
        ({"metric": "spo2"}, {"metric": "weight"}, False),
        (
            {"period": {"start": "2026-11-03T00:00:00+01:00", "end": "2026-11-03T15:30:00+01:00"}},
            {"period": {"start": "2026-11-02T23:00:00+00:00", "end": "2026-11-03T14:30:20+00:00"}},
            True,
        ),
    ],
)
def test_calls_are_the_same_when_they_would_look_up_the_same(one: object, other: object, alike: bool) -> None:
    assert same(one, other) is alike  # type: ignore[arg-type]


def test_without_its_package_the_classical_program_is_named_not_missed() -> None:
    if importlib.util.find_spec("sklearn") is not None:
        assert classical().Router
        return
    with pytest.raises(UsageError, match="needs the package sklearn") as raised:
        classical()
    assert "--no-classical" in raised.value.hint
