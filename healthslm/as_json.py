"""The records as JSON, for programs: what `--json` prints and the companion's page is given.

Values are as written for people, to the digits of their kind; times are ISO 8601 with their offset. Readings
are named by their ids, as numbers or, for programs whose numbers have 53 bits, as `Ids.TEXT`.
"""

from __future__ import annotations

from enum import Enum

from healthslm.readings import Feature, Finding, Quality, Sentence, Summary, Threshold


class Ids(Enum):
    """How the ids of readings are written."""

    NUMBER = int
    TEXT = str


def feature(one: Feature, ids: Ids = Ids.NUMBER) -> dict[str, object]:
    """Write a feature as JSON: name, value or reason, and the readings it stands on."""
    return {
        "name": one.name,
        "value": None if one.value is None else float(one.text),
        "unit": one.unit,
        "reason": one.reason or None,
        "start": one.start.isoformat(),
        "end": one.end.isoformat(),
        "at": one.at.isoformat() if one.at else None,
        "count": one.count,
        "coverage": one.coverage,
        "readings": [ids.value(reading) for reading in one.readings],
    }


def finding(one: Finding, ids: Ids = Ids.NUMBER) -> dict[str, object]:
    """Write a finding as JSON."""
    return {
        "id": one.id,
        "rule": one.rule,
        "version": one.version,
        "severity": one.severity.word,
        "title": one.title,
        "action": one.action,
        "source": one.source,
        "start": one.start.isoformat(),
        "end": one.end.isoformat(),
        "ongoing": one.ongoing,
        "evidence": [feature(f, ids) for f in one.evidence],
        "missing": list(one.missing),
        "thresholds": [threshold(t) for t in one.thresholds],
    }


def threshold(one: Threshold) -> dict[str, object]:
    """Write a threshold as JSON: its value, the rule's own, and who set it where somebody did."""
    return {
        "name": one.name,
        "value": one.value,
        "unit": one.unit,
        "meaning": one.meaning,
        "source": one.source or None,
        "usual": one.value if one.usual is None else one.usual,
        "by": one.by or None,
        "at": one.at.isoformat() if one.at else None,
        "why": one.why or None,
    }


def summary(one: Summary, ids: Ids = Ids.NUMBER) -> dict[str, object]:
    """Write a summary as JSON: its text, and for every number the place in the text and its evidence."""
    return {
        "text": one.text,
        "origin": one.origin,
        "model": one.model_id,
        "rejected": one.rejected,
        "withheld": one.withheld,
        "sentences": [sentence(s, ids) for s in one.sentences],
    }


def sentence(one: Sentence, ids: Ids = Ids.NUMBER) -> dict[str, object]:
    """Write a sentence as JSON: for every number its place in the text and its evidence."""
    return {
        "text": one.text,
        "origin": one.origin,
        "numbers": [
            {
                "text": one.text[c.start : c.end],
                "start": c.start,
                "end": c.end,
                "evidence": feature(c.feature, ids),
            }
            for c in one.claims
        ],
    }


def quality(flags: Quality) -> list[str]:
    """Write quality as words, `no_contact`; a good reading has none."""
    return [str(flag.name).lower() for flag in Quality if flag and flags & flag]
