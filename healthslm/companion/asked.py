"""What a request asks for in its address: a day, a period, a number, one of some names.

All raise `UsageError` for what cannot be meant.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TypeVar

from starlette.requests import Request

from healthslm.errors import UsageError
from healthslm.export import Focus
from healthslm.readings import Kind

_E = TypeVar("_E", Kind, Focus)
_YEARS = range(1900, 2200)
"""Beyond them calendars end, and what is usual before a day has no days."""


def queried(given: Mapping[str, str], name: str, default: str | None = None) -> str:
    """Return a part of the query. Raises `UsageError` where it is missing."""
    found = given.get(name, default)
    if found is None:
        raise UsageError(f"{name} is missing.", "See /api/openapi.json.")
    return found


def day_in(text: str) -> date:
    """Read a day."""
    with contextlib.suppress(ValueError):
        found = date.fromisoformat(text)
        if found.year in _YEARS:
            return found
    raise UsageError(f"{text[:40]!r} is no day of {_YEARS[0]} to {_YEARS[-1]}.", "Write it like 2026-11-02.")


def period_in(request: Request) -> tuple[datetime, datetime]:
    """Read `from` and `to`: times with an offset, or seconds since 1970."""
    start, end = (_time(queried(request.query_params, name)) for name in ("from", "to"))
    if end <= start:
        raise UsageError("The period ends before it begins.", "Ask for a later end.")
    return start, end


def _time(text: str) -> datetime:
    try:
        if text.lstrip("-").replace(".", "", 1).isdigit():
            found = datetime.fromtimestamp(float(text), UTC)
        else:
            found = datetime.fromisoformat(text)
        if found.tzinfo is not None and found.year in _YEARS:
            return found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise UsageError(f"{text[:40]!r} is no time with an offset.", "Write it like 2026-11-02T00:00:00Z.")


def number_in(request: Request, name: str, default: int) -> int:
    """Read a whole number of the query; `default` where there is none."""
    text = queried(request.query_params, name, str(default))
    if not re.fullmatch("[0-9]{1,6}", text):  # not `isdigit`, which takes what `int` does not
        raise UsageError(f"{name} is a whole number.", "Leave it away for the usual one.")
    return int(text)


def one_of(values: type[_E], text: str) -> _E:
    """Read one of these."""
    try:
        return values(text)
    except ValueError as error:
        raise UsageError(
            f"{text[:40]!r} is not known.", f"Known are: {', '.join(one.value for one in values)}."
        ) from error
