"""A note → a level and a reason. Rules are the floor: the model may raise the level, it can never lower one.

The rules hear words of an emergency; the tuned model weighs the four levels, and how like the note is to
those of an emergency (likeness.py) counts beside it, or alone where there is no model. Findings that hold now
count too: a note is never below the worst of them.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

from healthslm.errors import ModelError
from healthslm.readings import Finding, Severity
from healthslm.slm import hearing, jobs
from healthslm.slm.languages import english_only, language_of
from healthslm.slm.letters import plain
from healthslm.slm.likeness import learned
from healthslm.slm.roles import Reader

_log = logging.getLogger(__name__)
EMERGENCY_FROM = -1.4
"""From this sum on of the model's log-odds and the likeness' a note is an emergency: a missed one weighs more
than a false one. Chosen on voices that nothing was learned from (docs/model.md)."""
ALIKE_FROM = 0.0
"""The same of the likeness alone: rather so than not."""
_SUREST = 6.0
"""Log-odds count no further: neither reader can talk down an emergency that the other is sure of."""
_HALF = 0.5
_ROUNDING = 1e-3
"""By so much the logarithm of a share of all may lie above 0."""
_LOOKED_AT = 50_000
"""Characters of a note in which symptoms are looked for; words of an emergency are heard further."""
_CALL = "call the emergency number now (112, 911 or 999)"
_SAID = {
    "emergency": f"it reads as an emergency: {_CALL}",
    "urgent": "it reads as something for a doctor today",
    "watch": "it reads as something to tell your doctor in the next days",
    "info": "nothing in it reads as a reason to act; that does not mean that nothing is wrong",
}
_ALIKE = f"it is like notes that told of an emergency: {_CALL}"
_DEAF = (
    "not every way to tell of an emergency is heard here; if it is severe, sudden or getting worse, call the "
    "emergency number (112, 911 or 999)"
)
"""What is said without the model: one in six emergencies told in a note is then not noticed, or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """What a note came to: one of `jobs.LEVELS`, why, and who read it.

    `origin` is `model`, or `template` where the rules or the likeness alone did.
    """

    level: str
    reason: str
    origin: str


def triage(note: str, reader: Reader | None = None, findings: Sequence[Finding] = ()) -> Triage:
    """Return the level of a note. `findings` are those that hold now.

    A `reader` that fails (`ModelError`) is not asked again: a warning is logged, and the rules decide.
    """
    made = by_rules(note)
    if made.level != "emergency" and hearing.normal(note[:_LOOKED_AT]) and not language_of(note):
        read = _read(note, reader)
        if jobs.LEVELS.index(read.level) >= jobs.LEVELS.index(made.level):
            made = read
    worst = max((f for f in findings if f.ongoing), key=lambda f: f.severity, default=None)
    if worst is not None and worst.severity > Severity[made.level.upper()]:
        why = f"the rules found and still see: {plain(worst.title, 90)}"
        return Triage(level=worst.severity.word, reason=why, origin="template")
    return made


def by_rules(note: str) -> Triage:
    """Return what the words alone say: the floor under every other reader."""
    if hearing.emergency(note):
        return Triage(level="emergency", reason=_SAID["emergency"], origin="template")
    if language := language_of(note):  # not understood is no reason to wave it through
        return Triage(
            level="watch",
            reason=f"it is not understood: {english_only(language)}".rstrip("."),
            origin="template",
        )
    if hearing.is_symptom(hearing.normal(note[:_LOOKED_AT])):
        return Triage(level="watch", reason=f"{_SAID['watch']}; {_DEAF}", origin="template")
    return Triage(level="info", reason=_DEAF, origin="template")


def _read(note: str, reader: Reader | None) -> Triage:
    """What the model and the likeness make of a note; without a model the likeness alone."""
    try:
        alike = learned().of(note)
    except ModelError as error:
        _log.error("The note is read without the likeness. %s", error)
        alike = 0.0
    if reader is not None and reader.tuned:
        try:
            level = _weighed(reader.weigh(jobs.level_of(note), jobs.LEVELS), alike)
        except ModelError as error:
            _log.warning("The note is read without the model, because it failed. %s", error)
        else:
            return Triage(level=level, reason=_SAID[level], origin="model")
    if alike > ALIKE_FROM:
        return Triage(level="emergency", reason=_ALIKE, origin="template")
    return Triage(level="info", reason=_DEAF, origin="template")


def _weighed(logarithms: Sequence[float], alike: float) -> str:
    """An emergency from its odds on; else the level that half of the rest lies at or below.

    Raises `ModelError` for what are no shares.
    """
    if len(logarithms) != len(jobs.LEVELS) or not all(one <= _ROUNDING for one in logarithms):  # nor NaN
        raise ModelError("What it weighed are no shares of the four levels.")
    shares = [math.exp(one) for one in logarithms]
    whole = sum(shares)
    if not whole:
        raise ModelError("It gave no level a share.")
    rest = whole - shares[-1]
    odds = logarithms[-1] - math.log(rest) if rest > 0 else _SUREST
    if sum(max(-_SUREST, min(one, _SUREST)) for one in (odds, alike)) >= EMERGENCY_FROM:
        return jobs.LEVELS[-1]
    below = 0.0
    for level, share in zip(jobs.LEVELS[:-1], shares, strict=False):
        below += share
        if below >= _HALF * rest:
            return level
    return jobs.LEVELS[-2]
