"""One way to narrate, counted: every attempt of a model's, and every sentence that is shown."""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from healthslm.evaluation.claims import judge
from healthslm.evaluation.days import Telling
from healthslm.evaluation.readability import grade
from healthslm.readings import Finding, Sentence, Severity, Summary
from healthslm.slm import Audience, Writer
from healthslm.slm.facts import FactSheet, Item, Role, fact_sheet
from healthslm.slm.grounding import ungrounded
from healthslm.slm.narrate import Attempt, tell

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"[a-z]+")
_SIGN = re.compile(r"\b(?:high|low|fever|irregular\w*|above|below|rose by|may be)\b")
"""Of these a sentence about a finding has one; a sentence about an everyday value has none."""
_STEM = 5
"""Letters that a word of a finding's title and one of its sentence begin with alike."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A writer that is asked as a tuned one; with `sampled` each sentence is drawn, each by its own seed."""

    writer: Writer
    sampled: bool = False
    tuned: bool = True
    _drawn: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def model_id(self) -> str:
        """Name of the weights."""
        return self.writer.model_id

    def __call__(
        self, messages: Sequence[tuple[str, str]], *, numbers: Sequence[str] | None, attempt: int = 0
    ) -> str:
        """Write a sentence."""
        seed = next(self._drawn) if self.sampled else attempt
        return self.writer(messages, numbers=numbers, attempt=seed)


@dataclass(slots=True, kw_only=True)
class Narrated:
    """What came of narrating days in one way.

    `asked` sentences were wanted of the model, `stood` of them are its own, in `attempts` tries, of which
    `objections` counts those refused, by the check's rule. `wrong_written` and `wrong_shown` are what the
    judge (`healthslm.evaluation.claims`) finds in the attempts and in what is shown, by kind, of so many
    claims. `loose` numbers are in no fact. `mentioned` are of the `findings` of `watch` and above those that
    the text tells; `led` of the `urgent` texts begin with their urgent findings and what to do.
    """

    narratives: int = 0
    asked: int = 0
    stood: int = 0
    attempts: int = 0
    objections: Counter[str] = field(default_factory=Counter)
    loose_written: int = 0
    loose_shown: int = 0
    claims_written: int = 0
    claims_shown: int = 0
    wrong_written: Counter[str] = field(default_factory=Counter)
    wrong_shown: Counter[str] = field(default_factory=Counter)
    findings: int = 0
    mentioned: int = 0
    urgent: int = 0
    led: int = 0
    withheld: int = 0
    seconds: float = 0.0
    texts: dict[Audience, list[str]] = field(default_factory=lambda: {one: [] for one in Audience})
    examples: list[tuple[str, str, str]] = field(default_factory=list)
    """Rejected attempts: the rule that objected, to what, and the sentence."""

    @property
    def standing(self) -> float | None:
        """Sentences that stand, in percent of those asked for."""
        return 100 * self.stood / self.asked if self.asked else None

    @property
    def told(self) -> float | None:
        """Findings of `watch` and above that the text mentions, in percent."""
        return 100 * self.mentioned / self.findings if self.findings else None

    @property
    def first(self) -> float | None:
        """Texts about something urgent that begin with it and with what to do, in percent."""
        return 100 * self.led / self.urgent if self.urgent else None

    def wrong(self, *, shown: bool) -> float | None:
        """Claims that are wrong, in percent, as they were written or as they are shown."""
        wrong, claims = (
            (self.wrong_shown, self.claims_shown) if shown else (self.wrong_written, self.claims_written)
        )
        return 100 * wrong.total() / claims if claims else None

    def grade(self, audience: Audience, *, aloud: bool = False) -> float | None:
        """The Flesch-Kincaid grade of one audience's texts."""
        return grade(self.texts[audience], aloud=aloud)


def measured(
    tellings: Iterable[Telling],
    writer: Writer | None,
    *,
    sentences: int | None = None,
    sampled: bool = False,
    clock: Callable[[], float] = time.monotonic,
    keep: int = 40,
) -> Narrated:
    """Narrate days and count, until the model wrote so many `sentences` or there are no more days.

    Without a `writer` it is the template that is measured. `keep` rejected attempts are kept as examples.
    """
    found = Narrated()
    asked = None if writer is None else Asked(writer, sampled)
    for telling in tellings:
        _narrated(telling, asked, found, clock, keep)
        if sentences is not None and found.attempts >= sentences:
            break
    return found


def _narrated(
    telling: Telling, writer: Writer | None, found: Narrated, clock: Callable[[], float], keep: int
) -> None:
    wanted: set[str] = set()

    def observe(attempt: Attempt) -> None:
        wanted.add(attempt.item.id)
        found.attempts += 1
        found.loose_written += len(ungrounded(attempt.text, attempt.item))
        judged = judge(attempt.text, attempt.item)
        found.claims_written += judged.claims
        found.wrong_written.update(one.kind for one in judged.wrong)
        if attempt.objection is None:
            found.stood += 1
            return
        found.objections[attempt.objection.rule] += 1
        if len(found.examples) < keep:
            found.examples.append((attempt.objection.rule, attempt.objection.detail, attempt.text))

    sheet = fact_sheet(telling.day.findings, telling.day.features, telling.zone)
    began = clock()
    summary = tell(sheet, audience=telling.audience, writer=writer, observe=observe)
    found.seconds += clock() - began
    found.narratives += 1
    found.asked += len(wanted)
    found.withheld += summary.withheld
    found.texts[telling.audience].append(summary.text)
    steps = {finding.action.strip() for finding in telling.day.findings}
    said = [one for one in summary.sentences if not _is_step(one.text, steps)]
    found.loose_shown += sum(len(unclaimed(one)) for one in said)
    for item, sentence in zip(_told(sheet), said, strict=False):
        if not item.facts:
            continue  # only a title
        judged = judge(sentence.text, item)
        found.claims_shown += judged.claims
        found.wrong_shown.update(one.kind for one in judged.wrong)
    watched = [f for f in telling.day.findings if f.severity >= Severity.WATCH]
    found.findings += len(watched)
    found.mentioned += sum(any(mentions(one.text, finding) for one in said) for finding in watched)
    urgent = [finding for finding in watched if finding.severity >= Severity.URGENT]
    found.urgent += bool(urgent)
    found.led += bool(urgent) and leads(summary, urgent)


def _told(sheet: FactSheet) -> list[Item]:
    """The items that have a sentence of their own, in its order."""
    return [item for item in sheet.items if item.role in (Role.FINDING, Role.MORE, Role.VITAL)]


def unclaimed(sentence: Sentence) -> list[str]:
    """Return the numbers of a sentence that no claim ties to a feature."""
    spans = [(c.start, c.end) for c in sentence.claims]
    text = sentence.text.replace("SpO2", "SpO_")
    return [m.group() for m in _NUMBER.finditer(text) if m.span() not in spans]


def mentions(text: str, finding: Finding) -> bool:
    """Say whether a sentence tells a finding: by its title, or by its subject, a sign and a number of it."""
    small = text.lower()
    title = finding.title.lower()
    if title in small:
        return True
    values = {feature.text for feature in finding.evidence if feature.value is not None}
    if values and not values.intersection(_NUMBER.findall(small)):
        return False
    about = {word[:_STEM] for word in _WORD.findall(title) if len(word) >= _STEM}
    about |= {_WORD.findall(feature.kind)[0][:_STEM] for feature in finding.evidence}  # spo, respi
    words = {word[:_STEM] for word in _WORD.findall(small)}
    return bool(about & words) and _SIGN.search(small) is not None


def leads(summary: Summary, urgent: Sequence[Finding]) -> bool:
    """Say whether a text begins with these findings and what to do about each, and nothing else between."""
    left = {finding.id for finding in urgent}
    steps = {finding.action.strip() for finding in urgent} - {""}
    waiting = set(steps)
    for sentence in summary.sentences:
        if not left and not waiting:
            break
        told = {finding.id for finding in urgent if mentions(sentence.text, finding)}
        done = {step for step in steps if sentence.text.endswith(step)}
        if not told and not done:
            return False
        left -= told
        waiting -= done
    return not left and not waiting


def _is_step(text: str, steps: set[str]) -> bool:
    return any(step and text.endswith(step) for step in steps)
