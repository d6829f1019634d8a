"""What goes between this program and the model's own process: a JSON line each way.

Plain dataclasses, checked here: the process that reads requests has no room for a validation library. What it
answers is checked again where it arrives (`healthslm.slm.process`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

Messages = Sequence[tuple[str, str]]
_ROLES = ("system", "user", "assistant")
_LONGEST, _NUMBER, _MOST_OPTIONS = 8000, re.compile(r"[0-9][0-9.,:-]{0,15}"), 20


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _check_messages(messages: Messages) -> None:
    _check(len(messages) > 0, "messages")
    for role, text in messages:
        _check(role in _ROLES and isinstance(text, str) and len(text) <= _LONGEST, "messages")


def _check_numbers(numbers: Sequence[str]) -> None:
    _check(all(isinstance(n, str) and _NUMBER.fullmatch(n) for n in numbers), "numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A request for one sentence. `numbers` are the only ones it may contain; null lifts the mask."""

    messages: Messages
    numbers: Sequence[str] | None
    max_tokens: int = 64
    temperature: float = 0.0
    seed: int = 0
    guessing: bool = True

    def __post_init__(self) -> None:
        """Raises `ValueError` naming the field that cannot be."""
        _check_messages(self.messages)
        _check_numbers(self.numbers or ())
        _check(1 <= self.max_tokens <= 256, "max_tokens")
        _check(0 <= self.temperature <= 2, "temperature")
        _check(self.seed >= 0, "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A request for the line of a call; `numbers` are those that the question names."""

    messages: Messages
    numbers: Sequence[str]

    def __post_init__(self) -> None:
        """Raises `ValueError` naming the field that cannot be."""
        _check_messages(self.messages)
        _check_numbers(self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weigh:
    """A request for how likely each of some answers is."""

    messages: Messages
    options: Sequence[str]

    def __post_init__(self) -> None:
        """Raises `ValueError` naming the field that cannot be."""
        _check_messages(self.messages)
        _check(2 <= len(self.options) <= _MOST_OPTIONS, "options")
        _check(all(isinstance(option, str) for option in self.options), "options")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A request for this machine's figures; with `fill` the window is filled, for what memory that takes."""

    fill: bool = False


Request = Write | Line | Weigh | Measure
_KINDS: Mapping[str, type[Request]] = {"write": Write, "line": Line, "weigh": Weigh, "measure": Measure}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What comes back: a sentence with what it took, figures, or why there is neither."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  read by pydantic where an answer arrives

    ready: str = ""
    error: str = ""
    text: str = ""
    prompt_tokens: int = 0
    reused_tokens: int = 0
    tokens: int = 0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    passes: int = 0
    mask_s: float = 0.0
    peak_bytes: int | None = None
    sure: float = 0.0
    weights: tuple[float, ...] = ()


def request(line: str) -> Request:
    """Read a request. Raises `ValueError` for what is none."""
    try:
        said = json.loads(line)
        return _KINDS[said.pop("do")](**said)
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(type(error).__name__) from error


def told(what: Request | Answered) -> str:
    """Write a request or an answer as a line, without what is as it always is."""
    values: dict[str, Any] = {field.name: getattr(what, field.name) for field in fields(what)}
    usual = {field.name: field.default for field in fields(what)}
    kind = next((name for name, one in _KINDS.items() if isinstance(what, one)), None)
    said = {name: value for name, value in values.items() if value != usual[name]}
    return json.dumps({"do": kind, **said} if kind else said)
