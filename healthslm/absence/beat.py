"""A sign of life in a file beside the store, so that it is known that nothing was watched for a while.

It holds a time and nothing about anybody, and needs no key: a job of another program can look at it.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from healthslm.absence.moment import Moment, finding, how_long
from healthslm.alerts.watch import Watch, Watched
from healthslm.readings import Finding, Severity
from healthslm.store import HEARTBEAT

EVERY = timedelta(seconds=30)
MISSED = timedelta(minutes=10)
"""An update, or a start after a power cut, is over by then."""
WATCH = Watch.of(Watched.ENGINE_STOPPED, timedelta(hours=1))
_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Beat:
    """When healthslm was last at work (aware UTC), and whether it ended because it was told to."""

    at: datetime
    clean: bool


def last_beat(folder: Path) -> Beat | None:
    """Return the last sign of life of who collects into the store in `folder`; `None` when there is none.

    Not written durably: after a power cut it may be a minute old, or not to be read, which is `None` too.
    """
    try:
        with (folder / HEARTBEAT).open("rb") as file:
            found = json.loads(file.read(_LIMIT))
        at = datetime.fromisoformat(found["at"])
        return Beat(at=at.astimezone(UTC), clean=found["clean"] is True) if at.tzinfo else None
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def write(folder: Path, beat: Beat) -> None:
    """Put a sign of life in place of the last. That it cannot be disturbs nobody: it is missed then."""
    part = folder / f"{HEARTBEAT}.part"
    text = json.dumps({"at": beat.at.astimezone(UTC).isoformat(), "clean": beat.clean})
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
        part.replace(folder / HEARTBEAT)


def stopped(last: Beat | None, moment: Moment) -> Finding | None:
    """Say that healthslm did not run for a while, and that nobody told it to end."""
    if last is None or last.clean or moment.now - last.at <= MISSED:
        return None
    since, until = moment.words(last.at), moment.words(moment.now)
    return finding(
        WATCH,
        Severity.WATCH,
        f"healthslm did not run from {since} to {until}: nothing was watched then",
        f"It runs again, after {how_long((moment.now - last.at).total_seconds())}. If the power did not fail,"
        " see that this machine does not sleep and that nothing ends healthslm. What the devices kept"
        " meanwhile is fetched from them.",
        "its own sign of life, written every 30 seconds",
        last.at,
        moment,
        missing=(f"whatever was not measured or not kept from {since} to {until}",),
    )
