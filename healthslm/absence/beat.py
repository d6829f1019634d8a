"""A sign of life in a file beside the store, so that it is known that nothing was watched for a while.

It holds a time and nothing about anybody, and needs no key: a job of another program can look at it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from healthslm import __version__
from healthslm.absence.moment import Moment, finding, how_long
from healthslm.alerts.watch import Watch, Watched
from healthslm.readings import Finding, Severity
from healthslm.store import HEARTBEAT

EVERY = timedelta(seconds=30)
MISSED = timedelta(minutes=10)
"""An update, or a start after a power cut, is over by then."""
SETTLED = timedelta(minutes=30)
"""By then a machine without a clock of its own has got the time from the network."""
OFTEN = 3
"""So many ends within an hour that nobody asked for are no accident."""
WATCH = Watch.of(Watched.ENGINE_STOPPED, timedelta(hours=1))
_SOURCE = "its own sign of life, written every 30 seconds"
_HOUR = timedelta(hours=1)
_MOST = 20
_LIMIT = 2000
_VERSION = 40


@dataclass(frozen=True, slots=True)
class Beat:
    """When healthslm was last at work (aware UTC), and whether it ended because it was told to.

    It has been at work since `since`, short stops not counted. `starts` are those within the hour, each after
    an end that nobody had asked for. `version` is which healthslm it was; empty where it did not say yet.
    """

    at: datetime
    clean: bool
    since: datetime | None = None
    starts: tuple[datetime, ...] = ()
    version: str = ""


def last_beat(folder: Path) -> Beat | None:
    """Return the last sign of life of who collects into the store in `folder`; `None` when there is none.

    Not written durably: after a power cut it may be a minute old, or not to be read, which is `None` too.
    """
    try:
        with (folder / HEARTBEAT).open("rb") as file:
            found = json.loads(file.read(_LIMIT))
        since = found.get("since")
        return Beat(
            at=_time(found["at"]),
            clean=found["clean"] is True,
            since=None if since is None else _time(since),
            starts=tuple(_time(start) for start in found.get("starts", ())),
            version=str(found.get("version", ""))[:_VERSION],
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without its offset is none")
    return time.astimezone(UTC)


class SignOfLife:
    """What this process leaves for the next one, and what it finds of the one before; `at` is the counter."""

    def __init__(self, folder: Path, now: datetime, at: float) -> None:
        self._folder = folder
        self._began = at
        self._beaten = -math.inf
        last = last_beat(folder)
        self._before = None if last is None or last.clean else last
        short = last is not None and timedelta(0) <= now - last.at <= MISSED
        self._since = last.since if short and last is not None and last.since is not None else now
        starts = (*last.starts, now) if last is not None and not last.clean else ()
        self._starts = tuple(start for start in starts if timedelta(0) <= now - start < _HOUR)[-_MOST:]

    def watched_for(self, now: datetime) -> float:
        """Return for how many seconds devices have been listened for, short stops not counted."""
        return max(0.0, (now - self._since).total_seconds())

    def slept(self, since: datetime, now: datetime, at: float) -> None:
        """Hear that nothing was done since then: the machine slept, or this program."""
        self._before, self._began, self._since = Beat(since, clean=False), at, now

    def finding(self, moment: Moment) -> Finding | None:
        """Say once that healthslm did not run for a while, or that it ends again and again.

        What the clock shows just after a start may be wrong: it is looked again when it was set.
        """
        if self._before is not None:
            began = moment.wall(self._began)
            if began - self._before.at > MISSED:
                last, self._before = self._before, None
                return _stopped(last, began, moment)
            if moment.at - self._began > SETTLED.total_seconds():
                self._before = None
        starts = [start for start in self._starts if timedelta(0) <= moment.now - start < _HOUR]
        return _often(starts, moment) if len(starts) >= OFTEN else None

    def beat(self, moment: Moment) -> None:
        """Leave a sign, now and then."""
        if moment.at - self._beaten >= EVERY.total_seconds():
            self._beaten = moment.at
            self._write(moment.now, clean=False)

    def finish(self, now: datetime) -> None:
        """Leave the sign that the end is meant."""
        self._write(now, clean=True)

    def _write(self, now: datetime, *, clean: bool) -> None:
        """Put a sign in place of the last. That it cannot be disturbs nobody: it is missed then."""
        part = self._folder / f"{HEARTBEAT}.part"
        said = {
            "at": now.astimezone(UTC).isoformat(),
            "clean": clean,
            "since": self._since.astimezone(UTC).isoformat(),
            "starts": [start.astimezone(UTC).isoformat() for start in self._starts],
            "version": __version__,
        }
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
            descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(json.dumps(said))
            part.replace(self._folder / HEARTBEAT)


def _stopped(last: Beat, began: datetime, moment: Moment) -> Finding:
    since, until = moment.words(last.at), moment.words(began)
    return finding(
        WATCH,
        Severity.WATCH,
        f"healthslm did not run from {since} to {until}: nothing was watched then",
        f"It runs again, after {how_long((began - last.at).total_seconds())}. If the power did not fail,"
        " see that this machine does not sleep and that nothing ends healthslm. What the devices kept"
        " meanwhile is fetched from them.",
        _SOURCE,
        last.at,
        moment,
        missing=(f"whatever was not measured or not kept from {since} to {until}",),
    )


def _often(starts: Sequence[datetime], moment: Moment) -> Finding:
    return finding(
        WATCH,
        Severity.WATCH,
        f"healthslm ended {len(starts)} times within an hour without having been told to",
        "It was started again each time, and may have missed what was measured between. See in its log why it"
        " ended, and that the power supply and the disk are good.",
        _SOURCE,
        starts[0],
        moment,
    )
