"""Sentences about facts to learn to narrate from: drawn from the turns of phrase that a check lets stand.

Items come from drawn days, whole and with pieces missing; for each item sentences are put together and held
to `healthslm.slm.grounding.check`, the very check that decides later. What does not stand is never learned.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

from numpy.random import Generator

from healthslm.evaluation.days import LEARNED, Day, draw_day
from healthslm.readings import Kind
from healthslm.slm.facts import Audience, Fact, Item, Role, fact_sheet
from healthslm.slm.grounding import check
from healthslm.slm.template import sentence

_ZONE = ZoneInfo("Europe/Berlin")
SEED = LEARNED
_VERBS = {
    "mean": ("averaged {v}", "was {v} on average", "was on average {v}", "had an average of {v}"),
    "min": ("fell to {v}", "dropped to {v}", "dipped to {v}", "had a low of {v}", "went down to {v}"),
    "max": ("rose to {v}", "reached {v}", "peaked at {v}", "climbed to {v}", "reached a high of {v}"),
    "total": ("came to {v}", "came to {v} in all", "was {v} in all", "totalled {v}"),
}
_NOUNS = {
    "mean": ("its average was {v}",),
    "min": ("its lowest reading was {v}", "the lowest was {v}", "its lowest value was {v}"),
    "max": ("its highest reading was {v}", "the highest was {v}", "its highest value was {v}"),
    "latest": ("the latest reading was {v}", "its most recent reading was {v}", "the last reading was {v}"),
}
_OPENINGS = {
    "mean": ("average {name} was {v}", "mean {name} was {v}"),
    "min": ("lowest {name} was {v}", "lowest {name} reading was {v}"),
    "max": ("highest {name} was {v}", "highest {name} reading was {v}"),
    "latest": ("latest {name} was {v}", "most recent {name} was {v}", "last {name} reading was {v}"),
    "total": ("total {name} was {v}",),
}
_RANGES = (
    "ranged between {min} and {max}", "ranged from {min} to {max}", "varied between {min} and {max}",
    "varied from {min} to {max}",
)  # fmt: skip
_PRESSURES = {Kind.SYSTOLIC: "systolic", Kind.DIASTOLIC: "diastolic"}
"""What a sentence has to say of a pressure that stands alone: which of the two it is."""


def items(number: int) -> Iterator[Item]:
    """Yield the worded items of a drawn day."""
    yield from worded(draw_day(SEED, number))


def worded(day: Day) -> Iterator[Item]:
    """Yield the items of a day that a model may word."""
    sheet = fact_sheet(day.findings, day.features, _ZONE)
    yield from (item for item in sheet.items if item.role in (Role.FINDING, Role.VITAL) and item.worded)


def thinned(item: Item, rng: Generator) -> Item:
    """Return the item, at times with one of its facts left out: sheets are not always whole."""
    if item.role is Role.VITAL and item.pressures is None and len(item.facts) > 1 and rng.random() < 0.35:
        out = int(rng.integers(len(item.facts)))
        return replace(item, facts=tuple(f for n, f in enumerate(item.facts) if n != out))
    return item


def written(item: Item, audience: Audience, rng: Generator) -> str | None:
    """Return a sentence about an item that stands, drawn among the ways to say it; `None` without any."""
    ways = [way for way in _ways(item, audience) if check(way, item, audience) is None]
    return ways[int(rng.integers(len(ways)))] if ways else None


def _said(fact: Fact) -> str:
    time = f" at {fact.time}" if fact.time else ""
    return f"{fact.value} {fact.unit}{time}"


def _ways(item: Item, audience: Audience) -> Iterator[str]:
    wearer = audience is Audience.WEARER
    name = item.subject.title if wearer else item.subject.clinical
    start = "Your" if wearer else "The"
    pair = item.pressures
    yield sentence(item, audience).text
    alone = _PRESSURES.get(item.facts[0].feature.kind) if len(item.facts) == 1 else None
    if alone is not None:
        name = f"{alone} {name}"
    if pair is not None:
        said = {pair[0].statistic: f"{pair[0].value} over {pair[1].value} mmHg"}
        if pair[0].statistic == "latest":
            yield f"{start} latest {name} was {said['latest']}."
    else:
        said = {fact.statistic: _said(fact) for fact in item.facts}
    way = item.direction
    if item.role is Role.FINDING and len(said) == 1 and way:
        ((statistic, value),) = said.items()
        yield from _found(start, name, way, statistic, value, fever=item.subject.name == "fever")
        return
    if item.subject.name in ("irregular", "irregular_rhythm") and "value" in said:
        for about in ("", "about "):
            yield f"{start} heart rhythm was irregular for {about}{said['value']}."
            yield f"{start} heartbeat was irregular for {about}{said['value']}."
        return
    if item.subject.name == "hrv":
        for fact in item.facts[:1]:
            label = item.subject.label(fact.feature.name, fact.statistic)
            yield f"{start} heart-rate variability ({label}) was {fact.value} {fact.unit}."
            yield f"{start} {label} heart-rate variability was {fact.value} {fact.unit}."
        return
    yield from _vital(start, name, said)


def _found(start: str, name: str, way: str, statistic: str, value: str, *, fever: bool) -> Iterator[str]:
    if fever:
        for verb in ("rose to", "reached", "climbed to", "peaked at"):
            yield f"{start} {name} {verb} {value}, a fever."
            yield f"{start} {name} {verb} {value}, which is a fever."
        return
    for noun in (*_NOUNS.get(statistic, ()), *_VERBS.get(statistic, ())):
        yield f"{start} {name} was {way}, and {noun.format(v=value)}."
        yield f"{start} {name} was {way} and {noun.format(v=value)}."
    if statistic == "mean":
        yield f"{start} {name} was {way}, averaging {value}."
        yield f"{start} {name} was {way}, with an average of {value}."
        yield f"{start} {name} was {way}: {value} on average."
    if statistic == "min":
        yield f"{start} {name} was {way}, with a lowest reading of {value}."
        yield f"{start} {name} dropped to a low of {value}."
        yield f"{start} {name} fell to a low of {value}."
    if statistic == "max":
        yield f"{start} {name} was {way}, reaching {value}."
        yield f"{start} {name} was {way}, peaking at {value}."


def _vital(start: str, name: str, said: dict[str, str]) -> Iterator[str]:
    """Clauses one after the other; the two ends of a range may be one clause."""
    order = [s for s in ("mean", "max", "min", "latest", "total") if s in said]
    first = order[0] if order else ""
    heads = [f"{start} {name} {v.format(v=said[first])}" for v in _VERBS.get(first, ())]
    heads += [f"{start} {o.format(name=name, v=said[first])}" for o in _OPENINGS.get(first, ())]
    rest = order[1:]
    if {"min", "max"} <= set(rest):
        bare = {s: said[s].partition(" ")[0] for s in ("min",)} | {"max": said["max"]}
        after = [f" and {r.format(**bare)}" for r in _RANGES]
        after += [
            f", ranging from {bare['min']} to {bare['max']}",
            f", ranging between {bare['min']} and {bare['max']}",
        ]
        rest = [s for s in rest if s not in ("min", "max")]
    else:
        after = [""]
    tails = [
        "".join(f", and {noun}" for noun in nouns)
        for nouns in itertools.product(*([n.format(v=said[s]) for n in _NOUNS[s]] for s in rest))
    ]
    for head, middle, tail in itertools.product(heads, after, tails):
        yield f"{head}{middle}{tail}."
