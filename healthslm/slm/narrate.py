"""Findings and features of a period → a short text for one audience, sentence by sentence.

A sentence of the model's stands only when every check of `grounding` lets it; else the template's takes its
place. What to do next, and what is not known, is always said in the rules' and the template's words.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from healthslm.errors import ModelError
from healthslm.readings import Feature, Finding, Sentence, Summary
from healthslm.slm import template
from healthslm.slm.facts import Audience, FactSheet, Item, Role, fact_sheet
from healthslm.slm.grounding import Objection, check, claims
from healthslm.slm.process import Writer
from healthslm.slm.prompts import prompt

_log = logging.getLogger(__name__)

ATTEMPTS = 2
"""How often the model may try a sentence: once its likeliest, once drawn."""


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
) -> Summary:
    """Tell what is known of a period. Without a `writer` the text is the template's.

    A writer that fails (`ModelError`) is not asked again: a warning is logged, and the template tells
    the rest. `observe` is told of every attempt of the model's, good or not.
    """
    sheet = fact_sheet(findings, features, zone)
    return tell(sheet, audience=audience, writer=writer, observe=observe)


def tell(
    sheet: FactSheet,
    *,
    audience: Audience,
    writer: Writer | None,
    observe: Callable[[Attempt], None] = lambda _attempt: None,
) -> Summary:
    """Tell a fact sheet: findings with what to do, then the vital signs, then what is not known."""
    teller = _Teller(audience=audience, writer=writer, observe=observe)
    sentences: list[Sentence] = []
    actions: set[str] = set()
    for place, item in enumerate(sheet.items):
        if item.role not in (Role.FINDING, Role.VITAL):
            continue
        sentences.append(teller.sentence(item, place))
        # What to do next is said to who can do it; the clinician's page has it beside each finding.
        step = template.action(item) if audience is Audience.WEARER else None
        if step is not None and step.text not in actions:
            actions.add(step.text)
            sentences.append(step)
    sentences += template.unknowns(sheet.items, audience)
    last = template.closing(sheet)
    if last is not None:
        sentences.append(last)
    return Summary(
        sentences=tuple(sentences),
        model_id=writer.model_id if writer is not None else "",
        rejected=teller.rejected,
    )


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
            try:
                text = self.writer(prompt(self.audience, item), numbers=sorted(item.numbers), attempt=attempt)
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
