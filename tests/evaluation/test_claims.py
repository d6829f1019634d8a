"""The judge lets true sentences be, and sees each kind of falsehood that a machine puts into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from numpy.random import Generator

from healthslm.evaluation.claims import judge
from healthslm.evaluation.days import draw_day
from healthslm.slm.facts import Audience, Item, Role, fact_sheet
from healthslm.slm.template import sentence
from healthslm.training.sentences import SEED, thinned, written
from tests.slm.facts_for_tests import (
    BERLIN,
    FEVER,
    HEART,
    HIGH_PRESSURE,
    IRREGULAR,
    LOW_OXYGEN,
    OXYGEN,
    PRESSURE,
    TEMPERATURE,
    feature,
    found,
    item,
)

DAYS_SEED = 31
assert DAYS_SEED != SEED

Told = tuple[str, Item]
Spoil = Callable[[str, Item, Generator], str | None]


@cache
def true_sentences() -> list[Told]:
    return list(_true_sentences(45))


def _true_sentences(days: int) -> Iterator[Told]:
    rng = np.random.default_rng(DAYS_SEED)
    for number in range(days):
        day = draw_day(DAYS_SEED, number)
        for whole in fact_sheet(day.findings, day.features, BERLIN).items:
            if whole.role not in (Role.FINDING, Role.VITAL) or not whole.worded:
                continue
            one = thinned(whole, rng)
            for audience in Audience:
                text = written(one, audience, rng)
                if text is not None:
                    yield text, one


def one_of(found_: list[str], rng: Generator) -> str:
    return found_[int(rng.integers(len(found_)))]


def exchanged(text: str, one: str, other: str) -> str:
    return text.replace(one, "\0").replace(other, one).replace("\0", other)


def swapped_values(text: str, one: Item, rng: Generator) -> str | None:
    values = sorted({f.value for f in one.facts})
    if len(values) < 2:
        return None
    a, b = (values[n] for n in rng.permutation(len(values))[:2])
    pattern = re.compile(rf"(?<![\d.:])(?:{re.escape(a)}|{re.escape(b)})(?![\d:]|\.\d)")
    return pattern.sub(lambda m: b if m.group() == a else a, text)


def other_value(text: str, one: Item, rng: Generator) -> str | None:
    value = one_of([f.value for f in one.facts], rng)
    new = f"{float(value) + (1 + int(rng.integers(9))):.{len(value.partition('.')[2])}f}"
    if new in {f.value for f in one.facts}:
        return None  # that is a swap
    return re.sub(rf"(?<![\d.:]){re.escape(value)}(?![\d:]|\.\d)", new, text, count=1)


UNITS = ("bpm", "%", "°C", "mmHg", "ms", "minutes", "a minute", "mg/dL", "kg", "kcal", "steps", "hours")


def other_unit(text: str, one: Item, rng: Generator) -> str | None:
    unit = one.facts[0].unit
    same = {unit, "bpm", "a minute"} if unit in ("bpm", "a minute") else {unit}
    other = one_of([u for u in UNITS if u not in same], rng)
    new = re.sub(rf"(\d ?){re.escape(unit)}(?!\w)", rf"\g<1>{other}", text, count=1)
    return new if new != text else None


NAMES = ("heart rate", "oxygen saturation", "temperature", "blood pressure", "heart-rate variability",
         "breathing rate", "weight", "body fat", "step count", "distance", "sleep")  # fmt: skip


def other_metric(text: str, one: Item, rng: Generator) -> str | None:
    own = [n for n in (one.subject.title, one.subject.clinical, "heart rhythm", "heartbeat") if n in text]
    if not own:
        return None
    mine = {one.subject.title, "heart rate" if one.subject.title == "pulse" else ""}
    return text.replace(own[0], one_of([n for n in NAMES if n not in mine], rng), 1)


STATISTICS = {
    "highest": "lowest", "lowest": "highest", "rose to": "fell to", "climbed to": "dropped to",
    "peaked at": "fell to", "fell to": "rose to", "dropped to": "rose to", "dipped to": "peaked at",
    "went down to": "climbed to", "a high of": "a low of", "a low of": "a high of",
    "average": "highest", "averaged": "peaked at", "averaging": "peaking at", "latest": "highest",
    "most recent": "lowest", "last": "lowest", "mean": "maximum", "peaking at": "averaging",
}  # fmt: skip
"""What says one statistic, and what says another."""


def other_statistic(text: str, one: Item, rng: Generator) -> str | None:
    if one.finding is not None and one.finding.title.lower() in text.lower():
        return None
    there = [words for words in STATISTICS if re.search(rf"\b{words}\b", text)]
    if not there:
        return None
    said = one_of(there, rng)
    return re.sub(rf"\b{said}\b", STATISTICS[said], text, count=1)


def moved_time(text: str, one: Item, rng: Generator) -> str | None:
    clocks = re.findall(r"\d\d:\d\d", text)
    if not clocks:
        return None
    if len(set(clocks)) > 1 and rng.random() < 0.5:
        return exchanged(text, clocks[0], clocks[1])
    at = one_of(clocks, rng)
    return text.replace(at, f"{(int(at[:2]) + 1 + int(rng.integers(22))) % 24:02}{at[2:]}", 1)


def turned(text: str, one: Item, rng: Generator) -> str | None:
    """High for low in what a finding says; a vital sign that is called high or low."""
    if one.finding is None:
        title = one.subject.title
        new = re.sub(
            rf"\b{title} (?=averaged|fell|rose|reached)",
            rf"{title} was {one_of(['high', 'low'], rng)} and ",
            text,
        )
        return new if new != text else None
    if re.search(r"\bwas (?:high|low)\b", text) is None:
        return None
    return re.sub(r"\bwas (high|low)\b", lambda m: f"was {'low' if m[1] == 'high' else 'high'}", text)


def compared(text: str, one: Item, rng: Generator) -> str:
    return text[:-1] + one_of([", above normal.", ", higher than usual.", ", less than yesterday.",
                               ", which is better.", ", lower than last week."], rng)  # fmt: skip


SPOILS: dict[Spoil, set[str]] = {
    swapped_values: {"value", "statistic", "metric", "time"},
    other_value: {"value"},
    other_unit: {"unit"},
    other_metric: {"metric"},
    other_statistic: {"statistic", "direction"},
    moved_time: {"time"},
    turned: {"direction"},
    compared: {"comparison"},
}
"""Each way to make a sentence false, and what may be said against it."""


def test_true_sentences_are_let_be() -> None:
    judged = [(judge(text, one), text, one.line) for text, one in true_sentences()]
    wrong = [(verdict.wrong, text, line) for verdict, text, line in judged if verdict.wrong]
    assert len(judged) > 600
    assert len(wrong) <= 0.005 * len(judged), wrong[:5]
    assert all(verdict.claims >= 2 for verdict, _, _ in judged)


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
def test_false_sentences_are_seen(spoil: Spoil) -> None:
    rng = np.random.default_rng(5)
    made = [
        (spoiled, text, one)
        for text, one in true_sentences()
        if (spoiled := spoil(text, one, rng)) is not None and spoiled != text
    ]
    missed = [
        (spoiled, one.line)
        for spoiled, _, one in made
        if not {w.kind for w in judge(spoiled, one).wrong} & SPOILS[spoil]
    ]
    assert len(made) > 40
    assert len(missed) <= 0.01 * len(made), (len(missed), len(made), missed[:5])


@pytest.mark.parametrize("audience", list(Audience))
def test_the_templates_sentences_are_true(audience: Audience) -> None:
    wrong = []
    for number in range(80):
        day = draw_day(DAYS_SEED, number)
        for place, one in enumerate(fact_sheet(day.findings, day.features, BERLIN).items):
            if one.role in (Role.FINDING, Role.VITAL):
                text = sentence(one, audience, place).text
                wrong += [(text, judge(text, one).wrong)] if judge(text, one).wrong else []
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "one", "kinds"),
    [
        ("Your heart rate averaged 72 bpm and ranged between 54 and 118 bpm.", item(*HEART), set()),
        ("Your heart rate was 72 bpm.", item(*HEART), {"statistic"}),
        ("Your pulse peaked at 118 bpm.", item(*HEART), set()),
        ("Your heart rate averaged 54 bpm and ranged between 72 and 118 bpm.", item(*HEART), {"statistic"}),
        ("Your heart rate was normal, averaging 72 bpm.", item(*HEART), {"comparison"}),
        ("Your heart rate averaged 72 %.", item(*HEART), {"unit"}),
        ("Your heart rate averaged -72 bpm.", item(*HEART), {"value"}),
        ("Your heart rate averaged seventy bpm.", item(*HEART), {"value"}),
        ("Your SpO2 averaged 95 %, and the lowest was 88% at 16:42.", item(*OXYGEN), set()),
        ("At 16:42 your oxygen fell to 88 %.", item(*OXYGEN), set()),
        ("Your oxygen never fell to 88 %.", item(*OXYGEN), {"direction"}),
        ("Your oxygen fell to 88 % in the night.", item(*OXYGEN), {"time"}),
        ("Your temperature peaked at 37.8 °C at 21:00.", item(*TEMPERATURE), {"statistic"}),
        ("Your temperature peaked at 38.9 °C at 21:00.", item(*TEMPERATURE), {"time"}),
        ("Your blood pressure averaged 94 over 152 mmHg.", item(*PRESSURE), {"metric"}),
        ("Your blood pressure averaged 152 mmHg.", item(PRESSURE[0]), {"metric"}),
        ("Your systolic blood pressure averaged 152 mmHg.", item(PRESSURE[0]), set()),
        ("Your blood pressure was high: 152/94 mmHg on average.", found(HIGH_PRESSURE), set()),
        ("Your blood pressure was low: 152/94 mmHg on average.", found(HIGH_PRESSURE), {"direction"}),
        ("Your temperature rose to 38.9 °C at 14:20, a fever.", found(FEVER), set()),
        ("Your heart rate rose to 38.9 °C at 14:20.", found(FEVER), {"metric"}),
        ("Your oxygen saturation was low: 88 % over five minutes, at 16:42.", found(LOW_OXYGEN), set()),
        ("Your rhythm was irregular for 34 minutes, beginning at 14:00.", found(IRREGULAR), set()),
        ("Your rhythm was irregular for 34 hours.", found(IRREGULAR), {"unit"}),
        ("Your SDNN heart-rate variability was 41 ms.", item(feature("rmssd_ms", 41)), {"metric"}),
        ("", item(*HEART), {"metric"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(text: str, one: Item, kinds: set[str]) -> None:
    assert {w.kind for w in judge(text, one).wrong} == kinds
