"""Findings and features of a period → a short text for one audience, sentence by sentence.

A sentence of the model's stands only when every check of `grounding` lets it; else the template's takes its
place. What to do next, and what is not known, is always said in the rules' and the template's words. A model
that was not tuned to write is not asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from healthslm.errors import ModelError
from healthslm.readings import Feature, Finding, Sentence, Severity, Summary
from healthslm.slm import template
from healthslm.slm.facts import EPISODES, Audience, FactSheet, Item, Role, fact_sheet
from healthslm.slm.grounding import Objection, check, claims
from healthslm.slm.jobs import sentence_of
from healthslm.slm.roles import Writer

_log = logging.getLogger(__name__)

ATTEMPTS = 2
"""How often the model may try a sentence: once its likeliest, once drawn."""
_ORDER = (Role.FINDING, Role.MORE, Role.VITAL)
"""What is told item by item; the rest is gathered at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sentence that the model wrote for an item, and the objection to it, if any."""

    item: Item
    text: str
    objection: Objection | None


def narrate(
    findings: Iterable[Finding],
    features: Iterable[Feature],
    *,
    audience: Audience,
    zone: ZoneInfo,
    writer: Writer | None,
    observe: Callable[[Attempt], None] = lambda _attempt: None,
    episodes: int = EPISODES,
) -> Summary:
    """Tell what is known of a period. Without a tuned `writer` the text is the template's.

    Of one rule's findings the worst `episodes` are told, and that there are more.

    A writer that fails (`ModelError`) is not asked again: a warning is logged, and the template tells
    the rest. `observe` is told of every attempt of the model's, good or not.
    """
    sheet = fact_sheet(findings, features, zone, episodes=episodes)
    return tell(sheet, audience=audience, writer=writer, observe=observe)


def tell(
    sheet: FactSheet,
    *,
    audience: Audience,
    writer: Writer | None,
    observe: Callable[[Attempt], None] = lambda _attempt: None,
    said: Callable[[Sentence], None] = lambda _sentence: None,
) -> Summary:
    """Tell a fact sheet: findings with what to do, then the vital signs, then what is not known.

    `said` gets each sentence as soon as it stands; what is returned begins with others where the template's
    text took the place of it all.
    """
    asked = writer if writer is not None and writer.tuned else None
    plain = _told(sheet, _Teller(audience=audience, writer=None, observe=observe))
    if asked is None:
        for sentence in plain.sentences:
            said(sentence)
        return plain
    written = _told(sheet, _Teller(audience=audience, writer=asked, observe=observe), said)
    return shown(written, plain, sheet, audience)


def shown(summary: Summary, plain: Summary, sheet: FactSheet, audience: Audience) -> Summary:
    """Return a text, or the template's (`plain`) where it misses an urgent finding or what to do about it.

    Nothing that a model can write brings that about; it is made sure of all the same.
    """
    if urgent_first(summary.sentences, sheet, audience):
        return summary
    _log.warning("The text is the template's, because the model's missed an urgent finding.")
    model = sum(sentence.origin == "model" for sentence in summary.sentences)
    return replace(plain, rejected=summary.rejected + model, withheld=True)


def urgent_first(sentences: Sequence[Sentence], sheet: FactSheet, audience: Audience) -> bool:
    """Say whether a text begins with every urgent and emergency finding, each with what to do next."""
    left = [sentence.text for sentence in sentences]
    steps: set[str] = set()
    for place, item in enumerate(sheet.items):
        if item.finding is None or item.finding.severity < Severity.URGENT:
            continue
        text = left.pop(0) if left else ""
        if text != template.sentence(item, audience, place).text and check(text, item, audience) is not None:
            return False
        step = template.action(item, audience)
        if step is not None and step.text not in steps:
            if not left or left.pop(0) != step.text:
                return False
            steps.add(step.text)
    return True


@dataclass(slots=True, kw_only=True)
class _Teller:
    """Writes one sentence after the other, and counts those that did not stand."""

    audience: Audience
    writer: Writer | None
    observe: Callable[[Attempt], None]
    rejected: int = 0

    def sentence(self, item: Item, place: int) -> Sentence:
        """Return the model's sentence for an item if one stands, else the template's."""
        return self._written(item) or template.sentence(item, self.audience, place)

    def _written(self, item: Item) -> Sentence | None:
        for attempt in range(ATTEMPTS if item.worded else 0):
            if self.writer is None:
                return None
            messages = sentence_of(item, self.audience)
            try:
                text = self.writer(messages, numbers=sorted(item.numbers), attempt=attempt)
            except ModelError as error:
                _log.warning("The text is told by fixed sentences, because the model failed. %s", error)
                self.writer = None
                return None
            objection = check(text, item, self.audience)
            self.observe(Attempt(item=item, text=text, objection=objection))
            if objection is None:
                return Sentence(text=text, origin="model", claims=claims(text, item))
            self.rejected += 1
        return None


def _told(
    sheet: FactSheet, teller: _Teller, said: Callable[[Sentence], None] = lambda _sentence: None
) -> Summary:
    """The whole text, by a model or without one; `said` gets each sentence as it is done."""
    model_id = teller.writer.model_id if teller.writer is not None else ""
    sentences: list[Sentence] = []
    steps: set[str] = set()

    def add(*more: Sentence) -> None:
        for sentence in more:
            sentences.append(sentence)
            said(sentence)

    for place, item in enumerate(sheet.items):
        if item.role not in _ORDER:
            continue
        add(teller.sentence(item, place))
        step = template.action(item, teller.audience)
        if step is not None and step.text not in steps:
            steps.add(step.text)
            add(step)
    add(*template.unknowns(sheet.items, teller.audience))
    last = template.closing(sheet)
    if last is not None:
        add(last)
    return Summary(sentences=tuple(sentences), model_id=model_id, rejected=teller.rejected)
