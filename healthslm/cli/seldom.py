"""Saying the same thing again only seldom: a disk that is full for hours is not to fill a log by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta

from healthslm.clock import utc_now


class Seldom:
    """Lets the same thing be said again only after a minute, then two, four, and so on up to an hour."""

    _FIRST, _MOST = timedelta(minutes=1), timedelta(hours=1)
    _THINGS = 1000

    def __init__(self) -> None:
        self._said: dict[Hashable, tuple[datetime, timedelta]] = {}

    def say(self, thing: Hashable, at: datetime) -> bool:
        """Answer whether to say it now; a thing that did not happen for long is news again."""
        last, wait = self._said.get(thing, (None, self._FIRST))
        if last is not None and timedelta(0) <= at - last < wait:
            return False
        if len(self._said) >= self._THINGS:  # rather say some again than remember for ever
            self._said.clear()
        seldom = last is not None and at - last < 2 * self._MOST
        self._said[thing] = (at, min(2 * wait, self._MOST) if seldom else self._FIRST)
        return True


class SeldomLogged(logging.Filter):
    """Lets a line of the log through as `Seldom` does; what is new is there at once."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__()
        self._clock = clock
        self._seldom = Seldom()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a line is to be written."""
        return self._seldom.say((record.name, record.levelno, record.getMessage()), self._clock())


def log_seldom(line: str = "%(message)s") -> None:
    """Write the warnings of this process to its standard error, none of them again and again."""
    handler = logging.StreamHandler()
    handler.addFilter(SeldomLogged())
    logging.basicConfig(level=logging.WARNING, format=line, handlers=[handler])
