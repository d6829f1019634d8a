"""The findings on the clinician's page: in full, as a line, or counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from healthslm.export import words
from healthslm.export.repeated import Told
from healthslm.readings import Feature, Finding, Review, Severity

Json = dict[str, Any]

MOST_FINDINGS = 12
"""Findings that are offered to the template in full; it prints as many of them as fit."""
BRIEF = 10
"""Findings after those that are printed as a line each; how many more there are is said."""


def shown(told: Told, review: Review, tz: ZoneInfo) -> Json:
    """Return a finding as it stands on the page, with evidence, what to do, and the rule's source."""
    finding = told.finding
    begin = words.clock(finding.start, tz, words.day(review))
    close = words.clock(finding.end, tz, finding.start)
    length = words.lasting(finding.end - finding.start)
    if finding.ongoing and finding.end <= finding.start:
        when = f"at {begin} (the last reading)"
    elif finding.ongoing:
        when = f"since {begin}, still so at {close} ({length})"
    else:
        when = f"{begin} to {close} ({length})" if finding.end > finding.start else f"at {begin}"
    if told.times > 1:
        ends = " and ".join(words.clock(at, tz, None) for at in (told.first, told.last))
        which = f" ({levels(told.findings)})" if len({f.severity for f in told.findings}) > 1 else ""
        when = f"{told.times} times{which}, begun between {ends}; worst: {when}"
    return {
        "number": str(told.number),
        "severity": finding.severity.word.upper(),
        "loud": finding.severity >= Severity.URGENT,
        "title": words.clean(finding.title, 90),
        "when": when,
        "evidence": [_evidence(e, review, tz) for e in finding.evidence[:6]],
        "action": words.clean(finding.action, 260),
        "rule": f"{words.clean(finding.rule, 50)} v{words.clean(finding.version, 20)}",
        "source": words.clean(finding.source, 330).rstrip("."),
        "missing": words.clean("; ".join(finding.missing), 220),
        "personal": words.clean(" ".join(words.personal(finding, tz)), 300),
    }


def _evidence(feature: Feature, review: Review, tz: ZoneInfo) -> Json:
    name, value = words.title(feature), words.value(feature)
    if feature.value is None:
        return {"name": name, "value": value, "after": ""}
    at = f" at\u00a0{words.clock(feature.at, tz, words.day(review))}" if feature.at else ""
    counts = feature.count > 1 and words.statistic(feature) in ("", "mean")
    return {
        "name": name,
        "value": value.replace(" ", "\u00a0"),  # it stays on one line with its unit
        "after": at + (f" (n={feature.count})" if counts else ""),
    }


def levels(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each level: `1 urgent, 3 watch`."""
    counts = Counter(f.severity for f in findings)
    return ", ".join(f"{counts[s]} {s.word}" for s in sorted(Severity, reverse=True) if counts[s])


def more(told: Sequence[Told]) -> list[str]:
    """Return for each number of findings that are printed what to say of those that are not."""
    findings = [one.finding for one in told]
    rests = [findings[count:] for count in range(min(len(findings), MOST_FINDINGS + BRIEF) + 1)]
    said = "And {} more ({}) not printed here; all are in the FHIR Bundle."
    return [said.format(len(rest), levels(rest)) if rest else "" for rest in rests]


def nothing_found(review: Review, readings: int) -> str:
    """Say that no rule held, and which were asked."""
    if not readings:
        return "The rules had nothing to look at."
    names = ", ".join(f"{words.clean(n, 40)} v{words.clean(v, 10)}" for n, v in words.rules(review).items())
    asked = f" (rules asked: {names})" if names else ""
    return f"None in what was measured{asked}. Mind what was not measured, below."
