"""The measure counts what it says it counts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from healthslm import settings
from healthslm.evaluation import narrate
from healthslm.evaluation.days import draw_day
from healthslm.readings import Claim, Sentence
from healthslm.slm import Audience, ModelProcess, model


class Fool:
    """A writer that always says the same thing."""

    model_id = "fool"
    tuned = True

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(
        self, messages: Sequence[tuple[str, str]], *, numbers: Sequence[str] | None, attempt: int = 0
    ) -> str:
        assert messages
        return self.text


def test_days_are_drawn_again_the_same_and_differ() -> None:
    assert draw_day(1, 3) == draw_day(1, 3)
    assert draw_day(1, 3) != draw_day(1, 4)
    assert draw_day(1, 3) != draw_day(2, 3)
    days = [draw_day(1, n) for n in range(60)]
    assert {len(d.findings) for d in days} >= {0, 1, 2, 3}
    assert any(f.value is None for d in days for f in d.features)
    assert any((f.coverage or 1) < 0.5 for d in days for f in d.features)


def test_a_fools_sentences_never_stand_and_every_attempt_is_counted() -> None:
    clock = itertools.count()
    result = narrate.run(
        Fool("You slept 99 hours."), days=5, seed=1, clock=lambda: float(next(clock)), keep=3
    )
    assert (result.stood, result.share) == (0, 0.0)
    assert result.attempts == 2 * result.sentences == sum(result.rejected.values())
    assert result.ungrounded_before == result.attempts
    assert result.ungrounded_after == 0
    assert result.findings_told == result.findings > 0
    assert result.urgent_with_action == result.urgent
    assert (len(result.examples), result.seconds) == (3, 1.0)
    assert ("stood", "0 (0%)") in result.rows()
    assert result.to_json()["examples"][0]["text"] == "You slept 99 hours."


def test_unclaimed_numbers_are_found() -> None:
    feature = draw_day(1, 1).features[-1]
    good = Sentence(text="It was 72.", origin="model", claims=(Claim(start=7, end=9, feature=feature),))
    assert narrate.unclaimed(good) == []
    assert narrate.unclaimed(Sentence(text="SpO2 was 72.", origin="model")) == ["72"]


@pytest.mark.model
def test_the_untuned_model_lets_no_number_through() -> None:
    folder = settings.load().model
    model.load(folder)
    with ModelProcess(folder) as writer:
        result = narrate.run(writer, days=2, seed=3, audiences=(Audience.WEARER,))
    assert result.ungrounded_after == 0
    assert result.sentences > 5
    assert 0.3 < result.share <= 1
