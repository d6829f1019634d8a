"""Findings that come again and again, as one: what a clinician reads is that, how often, and the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from healthslm.readings import Finding

OFTEN = 3
"""So many findings of a rule are told as one, in a period of several days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding with the number it has in both exports, and the others of its rule that it stands for.

    `numbers` are those of all of them, `first` and `last` when they began, the earliest and the latest.
    """

    number: int
    finding: Finding
    numbers: tuple[int, ...]
    first: datetime
    last: datetime

    @property
    def times(self) -> int:
        """How many findings these are."""
        return len(self.numbers)


def together(findings: Sequence[Finding], *, days: bool) -> list[Told]:
    """Return the findings, the most severe first; over several `days` a rule's frequent ones as its worst."""
    numbered = list(enumerate(findings, start=1))
    by_rule: dict[str, list[tuple[int, Finding]]] = {}
    for number, finding in numbered:
        by_rule.setdefault(finding.rule, []).append((number, finding))
    told = []
    for number, finding in numbered:
        of_rule = by_rule[finding.rule]
        if days and len(of_rule) >= OFTEN:
            if number != of_rule[0][0]:
                continue  # the first of them is the most severe
        else:
            of_rule = [(number, finding)]
        starts = [one.start for _, one in of_rule]
        told.append(
            Told(
                number=number,
                finding=finding,
                numbers=tuple(n for n, _ in of_rule),
                first=min(starts),
                last=max(starts),
            )
        )
    return told
