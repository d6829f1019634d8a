"""How often the model's sentences stand: drawn days are narrated, and every attempt is counted."""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.evaluation.days import draw_day
from healthslm.readings import Finding, Sentence, Severity, Summary
from healthslm.slm import Audience, Writer, narrate
from healthslm.slm.grounding import ungrounded
from healthslm.slm.narrate import Attempt

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrateResult:
    """What came of narrating drawn days.

    `sentences` are those that a model was asked for, `stood` those that its words were kept for; `rejected`
    counts attempts by the rule that objected. Ungrounded numbers are counted in the attempts as decoded under
    the mask (`ungrounded_before`) and in the finished texts (`ungrounded_after`, which must be 0).
    `findings_told` of `findings` have their sentence; `urgent_with_action` of `urgent` have the next step
    in the text.
    """

    model_id: str
    days: int
    sentences: int
    stood: int
    attempts: int
    rejected: dict[str, int]
    ungrounded_before: int
    ungrounded_after: int
    findings: int
    findings_told: int
    urgent: int
    urgent_with_action: int
    seconds: float
    examples: tuple[tuple[str, str, str], ...] = ()

    @property
    def share(self) -> float:
        """Share of the sentences that stood, 0 to 1."""
        return self.stood / self.sentences if self.sentences else 0.0

    def rows(self) -> list[tuple[str, str]]:
        """The result as lines of a table."""
        reasons = sorted(self.rejected.items(), key=lambda r: -r[1])
        return [
            ("model", self.model_id),
            ("days", str(self.days)),
            ("sentences asked of the model", str(self.sentences)),
            ("stood", f"{self.stood} ({self.share:.0%})"),
            ("attempts", str(self.attempts)),
            *((f"rejected: {rule}", str(count)) for rule, count in reasons),
            ("ungrounded numbers before the check", str(self.ungrounded_before)),
            ("ungrounded numbers after it", str(self.ungrounded_after)),
            ("findings told", f"{self.findings_told} of {self.findings}"),
            ("urgent findings with what to do", f"{self.urgent_with_action} of {self.urgent}"),
            ("seconds", f"{self.seconds:.1f}"),
        ]

    def to_json(self) -> dict[str, Any]:
        """The result for `--json`; examples of rejected attempts with their reason are in it."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "examples"}
        examples = [dict(zip(("rule", "detail", "text"), e, strict=True)) for e in self.examples]
        return {**fields, "share": self.share, "examples": examples}


def unclaimed(sentence: Sentence) -> list[str]:
    """Return the numbers of a sentence that no claim ties to a feature."""
    spans = [(c.start, c.end) for c in sentence.claims]
    text = sentence.text.replace("SpO2", "SpO_")
    return [m.group() for m in _NUMBER.finditer(text) if m.span() not in spans]


def _told(summary: Summary, finding: Finding) -> bool:
    """Say whether a sentence has one of the finding's own numbers in it."""
    return any(claim.feature in finding.evidence for s in summary.sentences for claim in s.claims)


def run(
    writer: Writer,
    *,
    days: int,
    seed: int,
    audiences: tuple[Audience, ...] = tuple(Audience),
    clock: Callable[[], float] = time.monotonic,
    keep: int = 20,
) -> NarrateResult:
    """Narrate drawn days for every audience and count. `keep` rejected attempts are kept as examples."""
    counts: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    examples: list[tuple[str, str, str]] = []
    asked: set[tuple[int, Audience, str]] = set()

    def observe(number: int, audience: Audience, attempt: Attempt) -> None:
        asked.add((number, audience, attempt.item.id))
        counts["attempts"] += 1
        counts["before"] += len(ungrounded(attempt.text, attempt.item))
        if attempt.objection is None:
            counts["stood"] += 1
            return
        rejected[attempt.objection.rule] += 1
        if len(examples) < keep:
            examples.append((attempt.objection.rule, attempt.objection.detail, attempt.text))

    started = clock()
    for audience, number in itertools.product(audiences, range(days)):
        day = draw_day(seed, number)
        actions = {f.action for f in day.findings}
        summary = narrate(
            day.findings,
            day.features,
            audience=audience,
            zone=_ZONE,
            writer=writer,
            observe=partial(observe, number, audience),
        )
        facts = [s for s in summary.sentences if s.text not in actions]
        counts["after"] += sum(len(unclaimed(s)) for s in facts)
        counts["findings"] += len(day.findings)
        counts["told"] += sum(_told(summary, finding) for finding in day.findings)
        advised = audience is Audience.WEARER  # the clinician's page has the next step elsewhere
        urgent = [f for f in day.findings if f.severity >= Severity.URGENT and advised]
        counts["urgent"] += len(urgent)
        counts["acted"] += sum(f.action in {s.text for s in summary.sentences} for f in urgent)
    return NarrateResult(
        model_id=writer.model_id,
        days=days,
        sentences=len(asked),
        stood=counts["stood"],
        attempts=counts["attempts"],
        rejected=dict(rejected),
        ungrounded_before=counts["before"],
        ungrounded_after=counts["after"],
        findings=counts["findings"],
        findings_told=counts["told"],
        urgent=counts["urgent"],
        urgent_with_action=counts["acted"],
        seconds=clock() - started,
        examples=tuple(examples),
    )
