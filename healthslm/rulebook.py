"""The rules that are in force for one person: as they are, with what somebody set and signed for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from healthslm.errors import DamagedError, UsageError
from healthslm.rules import RULES, Rule
from healthslm.rules.pressure_categories import ESC_2024, Guideline, guideline_named

_NAME = "thresholds"
_GUIDELINE = "pressure guideline"


class Personal(BaseModel):
    """One threshold that was set for this person: by whom, when and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    name: str
    value: float
    by: str
    at: AwareDatetime
    why: str


_ALL = TypeAdapter(list[Personal])


class Shelf(Protocol):
    """What the rulebook needs of the store."""

    def get(self, name: str, default: object = None) -> object:
        """Return what was put under a name."""
        ...

    def put(self, name: str, value: object) -> None:
        """Keep something under a name."""
        ...


def personal(store: Shelf) -> list[Personal]:
    """Return what was set for this person. Raises `DamagedError` when it cannot be read."""
    try:
        return _ALL.validate_python(store.get(_NAME, []))
    except ValidationError as error:
        raise DamagedError(
            "The personal thresholds in the store cannot be read.",
            "Take them back: healthslm rules reset",
        ) from error


def in_force(store: Shelf, rules: Sequence[Rule] = RULES) -> tuple[Rule, ...]:
    """Return the rules with this person's own thresholds in them.

    One that no rule has any more, or that it no longer takes, is left out: the rule's own number counts.
    """
    return having(personal(store), rules)


def having(ones: Sequence[Personal], rules: Sequence[Rule] = RULES) -> tuple[Rule, ...]:
    """Return the rules with these thresholds in them, as far as the rules take them."""
    return tuple(_with(rule, ones) for rule in rules)


def _with(rule: Rule, ones: Sequence[Personal]) -> Rule:
    """The rule with what was set of it, in whatever order each is taken: one may make room for another."""
    left = [one for one in ones if one.rule == rule.name]
    while taken := next((one for one in left if takes(rule, one.name, one.value)), None):
        rule = rule.having(taken.name, taken.value, by=taken.by, at=taken.at, why=taken.why)
        left.remove(taken)
    return rule


def takes(rule: Rule, name: str, value: float) -> bool:
    """Say whether a rule has such a threshold and lets it be set to this."""
    try:
        rule.having(name, value, by="", at=None, why="")
    except UsageError:
        return False
    return True


def rule_named(name: str, rules: Sequence[Rule] = RULES) -> Rule:
    """Return a rule. Raises `UsageError` naming those there are."""
    for rule in rules:
        if rule.name == name:
            return rule
    raise UsageError(f"There is no rule {name!r}.", f"There are: {', '.join(r.name for r in rules)}.")


def set_threshold(
    store: Shelf, rule: str, name: str, value: float, *, by: str, why: str, at: datetime
) -> Rule:
    """Set a threshold for this person and return the rule as it is now; the caller notes and commits it.

    Raises `UsageError` for a rule, name or value that cannot be, beside what else is set, and where nobody
    signs or gives a reason.
    """
    if not by.strip() or not why.strip():
        raise UsageError("A personal threshold needs who set it and why.", "Use --by NAME --why REASON.")
    if not math.isfinite(value):
        raise UsageError(f"{value} is no threshold.", "Give a number.")
    changed = _with(rule_named(rule), personal(store)).having(
        name, value, by=by.strip(), at=at, why=why.strip()
    )
    new = Personal(rule=rule, name=name, value=value, by=by.strip(), at=at, why=why.strip())
    others = [one for one in personal(store) if (one.rule, one.name) != (rule, name)]
    store.put(_NAME, _ALL.dump_python([*others, new], mode="json"))
    return changed


def reset(store: Shelf, rule: str | None = None, name: str | None = None) -> int:
    """Take personal thresholds back: one, a rule's, or all; return how many there were."""
    kept = (
        []
        if rule is None
        else [one for one in personal(store) if one.rule != rule or name not in (None, one.name)]
    )
    before = store.get(_NAME, [])
    count = (len(before) if isinstance(before, list) else 1) - len(kept)
    if count:
        store.put(_NAME, _ALL.dump_python(kept, mode="json"))
    return count


def guideline(store: Shelf) -> Guideline:
    """Return the guideline whose categories of blood pressure are this person's; ESC 2024 unless one was set.

    Raises `DamagedError` when what was set is none.
    """
    try:
        return guideline_named(str(store.get(_GUIDELINE, ESC_2024.name)))
    except UsageError as error:
        raise DamagedError(
            "The guideline of blood pressure in the store cannot be read.",
            "Set it: healthslm rules guideline",
        ) from error


def choose_guideline(store: Shelf, name: str) -> Guideline:
    """Set the guideline and return it; the caller notes and commits it. `UsageError` for an unknown one."""
    chosen = guideline_named(name)
    store.put(_GUIDELINE, chosen.name)
    return chosen
