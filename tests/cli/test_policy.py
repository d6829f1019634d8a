"""`alerts policy`: readable in a narrow terminal, and nobody disarms themselves without being told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from healthslm.alerts.policy import Policy
from healthslm.alerts.policy_meaning import meaning
from healthslm.alerts.policy_words import Known, rows, with_word
from healthslm.cli import app, policy, terminal
from healthslm.store import CHEAPEST, create

DEVICE = "C0:FF:EE:00:00:01"
KNOWN = Known(rules=["fever", "decompensation_pattern"], devices={DEVICE: ""})


def said(*words: str) -> str:
    chosen = Policy()
    for word in words:
        chosen = with_word(chosen, word, KNOWN)
    return " ".join(meaning(chosen))


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["repeat.emergency=0"], "An emergency is told once, and not again"),
        (["repeat-times.emergency=0"], "An emergency is told once, and not again"),
        (["repeat-times.emergency=3"], "told 3 times again, the last after 30 minutes, and then no more"),
        (["repeat.emergency=120"], "told again only every 2 hours"),
        (["repeat.urgent=0"], "What is urgent is told once"),
        (["repeat.watch=30"], "needs repeat-times.watch too"),
        (["repeat-of.fever=0"], "fever is told once, an emergency too"),
        (["repeat-of.fever=600"], "only every 10 hours, an emergency too"),
        (["quiet=22:00-07:00"], "what is urgent waits too, and only an emergency does not"),
        (["quiet=22:00-07:00", "quiet-spares=urgent"], "a watch waits"),
        (["quiet=22:00-07:00", "quiet-spares=watch"], "hold back nothing"),
        (["quiet=07:00-06:00"], "23 hours of the day"),
        (["cap=1"], "After 1 message in an hour"),
        (["cap=1000"], "Up to 1,000 messages an hour"),
        (["snooze.emergency=1440"], "An emergency may be snoozed for 24 hours"),
        (["spared=none"], "silences emergencies too"),
        (["spared=fever"], "every emergency but those of fever"),
        (["confirm.fever=120"], "only once it has held for 2 hours"),
        (["at-most.fever=watch"], "fever is a watch even where"),
        ([f"expect.{DEVICE}=0"], f"Nobody is told when {DEVICE} sends nothing"),
        ([f"expect.{DEVICE}=10080"], "only after 7 days"),
        (["paced=yes"], "stands still"),
    ],
)
def test_what_disarms_is_said(words: list[str], what: str) -> None:
    assert what in said(*words)


@pytest.mark.parametrize(
    "words",
    [[], ["cap=20"], ["repeat.emergency=5"], ["repeat.watch=60", "repeat-times.watch=3"], ["paced=no"]],
)
def test_what_disarms_nobody_is_not_remarked_upon(words: list[str]) -> None:
    assert said(*words) == ""


@pytest.fixture
def change(tmp_path: Path) -> Callable[..., str]:
    create(tmp_path / "home", "passphrase", profile=CHEAPEST)[0].close()
    (tmp_path / "passphrase").write_text("passphrase\n")
    opening = ["--home", str(tmp_path / "home"), "--passphrase-file", str(tmp_path / "passphrase")]

    def command(*words: str) -> str:
        result = CliRunner().invoke(app, [*opening, "alerts", "policy", *words], catch_exceptions=False)
        return result.stderr

    return command


def test_it_is_said_after_the_change_and_whenever_the_policy_is_shown(change: Callable[..., str]) -> None:
    told_once = "An emergency is told once"
    assert told_once in change("repeat.emergency=0")
    assert told_once not in change("cap=20")  # that is said already
    assert told_once in change()
    assert told_once not in change("--reset")
    assert told_once not in change()


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_word_is_broken_in_a_narrow_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Policy()
    for word in ("confirm.decompensation_pattern=30", f"expect.{DEVICE}=60", "snooze.watch=5,10,15,20,25,30"):
        chosen = with_word(chosen, word, KNOWN)
    screen = Console(width=width)
    monkeypatch.setattr(terminal, "out", screen)
    with screen.capture() as shown:
        policy._print(list(rows(chosen)))
    lines = shown.get().splitlines()
    assert max(map(len, lines)) <= width
    words = set(" ".join(lines).split())
    for row in rows(chosen):
        assert {row.name, row.value, *row.meaning.split()} <= words
