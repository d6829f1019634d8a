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
    """A finding with its number on the page, and all of its rule that it stands for, itself among them.

    `first` and `last` are when they began, the earliest and the latest.
    """

    number: int
    finding: Finding
    findings: tuple[Finding, ...]
    first: datetime
    last: datetime

    @property
    def times(self) -> int:
        """How many findings these are."""
        return len(self.findings)


def together(findings: Sequence[Finding], *, days: bool) -> list[Told]:
    """Return the findings, the most severe first; over several `days` a rule's frequent ones as its worst."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    told: list[Told] = []
    for finding in findings:
        of_rule = by_rule[finding.rule]
        if not days or len(of_rule) < OFTEN:
            of_rule = [finding]
        elif finding is not of_rule[0]:
            continue  # the first of them is the most severe
        starts = [one.start for one in of_rule]
        told.append(
            Told(
                number=len(told) + 1,
                finding=finding,
                findings=tuple(of_rule),
                first=min(starts),
                last=max(starts),
            )
        )
    return told
