"""The moment at which it is looked, what is found then, and times in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from healthslm.alerts.watch import Watch
from healthslm.readings import Feature, Finding, Severity

VERSION = "1"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by both clocks: `now` on the wall, `at` in seconds on one that nobody can set."""

    now: datetime
    at: float
    zone: ZoneInfo

    def wall(self, at: float, said: datetime | None = None) -> datetime:
        """Turn a time of the counter into one on the wall.

        What was `said` when it happened is kept, unless the wall clock was set since.
        """
        then = self.now - timedelta(seconds=self.at - at)
        return then if said is None or abs(said - then) > _SET else said

    def words(self, time: datetime) -> str:
        """Return a time as the person's clock shows it: `03:12`, on another day `3 May 03:12`."""
        local, today = time.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == today.date():
            return f"{local:%H:%M}"
        year = "" if local.year == today.year else f" {local.year}"
        return f"{local.day} {local:%b}{year} {local:%H:%M}"


_SET = timedelta(minutes=2)
"""Two clocks that are further apart were set in between."""


def how_long(seconds: float) -> str:
    """Return a span in words: `40 min`, `3 h`, `2 h 05 min`, `3 days`."""
    minutes = max(1, round(abs(seconds) / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours = round(minutes / 60)
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60:02d} min" if minutes % 60 else f"{hours} h"
    return f"{round(hours / 24)} days"


def finding(
    watch: Watch,
    severity: Severity,
    title: str,
    action: str,
    source: str,
    start: datetime,
    moment: Moment,
    *,
    evidence: tuple[Feature, ...] = (),
    missing: tuple[str, ...] = (),
) -> Finding:
    """Make the finding of a watch that holds now."""
    return Finding(
        rule=watch.name,
        version=VERSION,
        severity=severity,
        title=title,
        action=action,
        source=f"healthslm: {source}",
        start=start,
        end=max(start, moment.now) + timedelta(microseconds=1),
        ongoing=True,
        evidence=evidence,
        missing=missing,
    )
