"""What is learned from in one pass: each question and note in another form, and newly drawn sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from healthslm.evaluation.days import Day, draw_day
from healthslm.slm.facts import Audience
from healthslm.slm.jobs import LEVELS, Message, call_for, level_of, sentence_of
from healthslm.training.sentences import SEED, thinned, worded, written
from healthslm.training.vary import slips, spans, varied
from healthslm.voices import Asked, Noted

DAYS = 60
"""Drawn days whose sentences are learned from in one pass; and as many measured ones, where there are any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A prompt and what the model is to answer."""

    prompt: list[Message]
    answer: str


def one_pass(
    asked: Sequence[Asked], noted: Sequence[Noted], measured: Sequence[Day] = (), *, seed: int, number: int
) -> list[Example]:
    """Return what pass `number` learns from, in a drawn order; the same for the same seed and number.

    `measured` are days of real series (`healthslm.evaluation.measured`): each pass takes some of them.
    """
    rng = np.random.default_rng([seed, number])
    days = [draw_day(SEED, n) for n in range(number * DAYS, (number + 1) * DAYS)]
    if measured:
        days += [measured[n] for n in rng.choice(len(measured), min(DAYS, len(measured)), replace=False)]
    found = [*_calls(asked, rng), *_levels(noted, rng), *_sentences(days, rng)]
    return [found[n] for n in rng.permutation(len(found))]


def _calls(asked: Sequence[Asked], rng: Generator) -> list[Example]:
    from_ = spans(asked)
    made = [varied(one, from_, rng) for one in asked]
    return [Example(prompt=call_for(text), answer=line) for text, line in made]


def _levels(noted: Sequence[Noted], rng: Generator) -> list[Example]:
    """Between two levels that would both do, either is learned: at times the one, at times the other."""
    made = []
    for note in noted:
        low, high = LEVELS.index(note.lowest), LEVELS.index(note.highest)
        text = slips(note.text, rng) if rng.random() < 0.4 else note.text
        made.append(Example(prompt=level_of(text), answer=LEVELS[int(rng.integers(low, high + 1))]))
    return made


def _sentences(days: Sequence[Day], rng: Generator) -> list[Example]:
    made = []
    for day in days:
        audience = Audience.WEARER if rng.random() < 0.6 else Audience.CLINICIAN
        for whole in worded(day):
            item = thinned(whole, rng)
            text = written(item, audience, rng)
            if text is not None:
                made.append(Example(prompt=sentence_of(item, audience), answer=text))
    return made
