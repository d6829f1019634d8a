"""A number that a rule goes by: named, cited, and settable for one person by somebody who signs for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One number of a rule, and whose it is.

    `meaning` says in words what the rule does with it; `unit` is UCUM. `usual` is the rule's own number and
    `source` its citation (empty: the rule's). `low`..`high` is what a clinician may set instead; then `by`,
    `at` and `why` say who set `value`, when and for what reason.
    """

    name: str
    value: float
    unit: str
    meaning: str
    low: float
    high: float
    source: str = ""
    usual: float | None = None
    by: str = ""
    at: datetime | None = None
    why: str = ""

    @property
    def personal(self) -> bool:
        """Whether somebody set it for this person."""
        return bool(self.by)
