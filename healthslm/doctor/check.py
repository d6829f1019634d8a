"""One line of what the doctor says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from healthslm.doctor.machine import NotKnown
from healthslm.errors import HealthslmError


class State(StrEnum):
    """How one thing is. What is not known is never taken for well."""

    OK = "ok"
    UNKNOWN = "unknown"
    ATTENTION = "attention"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line: what was looked at, how it is, and what to do where something should be done."""

    what: str
    state: State
    said: str
    next: str = ""


def ok(what: str, said: str, next: str = "") -> Check:
    """Say that something is well."""
    return Check(what=what, state=State.OK, said=said, next=next)


def attention(what: str, said: str, next: str) -> Check:
    """Say that something should be looked at, though everything works."""
    return Check(what=what, state=State.ATTENTION, said=said, next=next)


def problem(what: str, said: str, next: str) -> Check:
    """Say that something does not work, or may be lost."""
    return Check(what=what, state=State.PROBLEM, said=said, next=next)


def unknown(what: str, why: object, next: str = "") -> Check:
    """Say that it cannot be known how something is, and why not."""
    return Check(what=what, state=State.UNKNOWN, said=f"not known: {why}", next=next)


def answered(what: str, checks: Iterable[Check]) -> Iterator[Check]:
    """Yield the checks; where one cannot be made the line says why, and the rest of them is left out."""
    try:
        yield from checks
    except NotKnown as why:
        yield unknown(what, why)
    except HealthslmError as error:
        yield problem(what, error.message, error.hint)
