"""The period that a command looks at: `--from` and `--to`."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated

import typer

from healthslm.cli.session import Session, now_or, parse_time
from healthslm.errors import UsageError
from healthslm.store import Store
from healthslm.text import clean

_DAYS = re.compile(r"(\d{1,5})d", re.ASCII)

From = Annotated[
    str | None,
    typer.Option(
        "--from", help="Start, like 2026-11-02 or 2026-11-02T14:30; the last day with readings if left out."
    ),
]
To = Annotated[str | None, typer.Option("--to", help="End of the period (not included); now if left out.")]


def period(start: str | None, end: str | None, current: Session, store: Store) -> tuple[datetime, datetime]:
    """Return the period asked for: by default the last day on which anything was measured."""
    from healthslm.pipeline import last_day  # noqa: PLC0415  the whole engine; `alerts list` is beside this

    zone = current.zone
    until = now_or(end, zone)
    if start is not None:
        begin = parse_time(start, zone)
    else:
        begin, day_ends = last_day(store, until, zone)
        until = until if end else day_ends
    if begin < until:
        return begin, until
    first, last = (f"{time.astimezone(zone):%Y-%m-%d %H:%M}" for time in (begin, until))
    if end is None:
        raise UsageError(f"The period begins at {first}, after now.", "Name an earlier --from.")
    if start is None:
        raise UsageError(f"There is no reading to begin with before {last}.", "Name --from too.")
    hint = "Swap them."
    if begin == until:  # somebody who wants one day says it twice
        following = begin.astimezone(zone) + timedelta(days=1)
        hint = f"--to is not included. For the whole day: --to {following:%Y-%m-%d}"
    raise UsageError(f"The period from {first} to {last} is empty.", hint)


def last_day(option: str, text: str, today: date) -> date | None:
    """Read the last day on which something may be used: a date, or how many days from today.

    Raises `UsageError` for what is no day, or one that is over.
    """
    if not text:
        return None
    how = "Write a day like 2026-12-31, or 30d for thirty days from now."
    try:
        days = _DAYS.fullmatch(text)
        last = today + timedelta(days=int(days[1])) if days else date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {clean(text, 40)!r} is no day.", how) from error
    if last < today:
        raise UsageError(f"{option} {last} is over already.", how)
    return last
