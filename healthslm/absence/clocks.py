"""Clocks that are wrong: this machine's, by which everything is dated, and a device's."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from healthslm.absence.moment import Moment, finding, how_long
from healthslm.absence.wearable import Wearable
from healthslm.alerts.watch import Watch, Watched
from healthslm.readings import Finding, Severity

RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
"""No clock that is before this is right: to be moved on with every release."""
LEAP = timedelta(minutes=2)
"""A clock that is kept right by the network is moved by less, except when it was wrong."""
SHOWN = timedelta(minutes=10)
"""How long it holds that the clock leapt."""
BEFORE = timedelta(days=1)
SETTLED = timedelta(minutes=5)
"""A machine without a clock battery gets the time from the network soon after its start."""
CORRECTED_FOR = timedelta(days=1)
WATCH = Watch.of(Watched.CLOCK_WRONG, timedelta(hours=1))
_SOURCE = "the clock against a counter that nobody sets, the newest reading, and this version's own date"


class MachineClock:
    """The machine's clock, against a counter, and against what it said before.

    The counter has to go on while the machine sleeps (`CLOCK_BOOTTIME`): one that stands still then
    (`time.monotonic` on Linux) makes a leap of every sleep. `last` is what both showed at the last look.
    """

    def __init__(self, newest: datetime | None, now: datetime, at: float) -> None:
        self._newest = newest
        self.last = (now, at)
        self._leap: tuple[float, datetime, float] | None = None
        self._before_from: float | None = None

    def step(self, now: datetime, at: float) -> float:
        """Take what both show now; returns by how many seconds the clock was set since the last look."""
        drift = (now - self.last[0]).total_seconds() - (at - self.last[1])
        self.last = (now, at)
        if abs(drift) <= LEAP.total_seconds():
            return 0.0
        self._leap = (drift, now, at)
        return drift

    def heard(self, time: datetime) -> None:
        """Note by this clock when something came last."""
        if self._newest is None or time > self._newest:
            self._newest = time

    def finding(self, moment: Moment) -> Finding | None:
        """Say that the clock shows a time that cannot be, or else that it was set a moment ago."""
        impossible = moment.now < RELEASED
        earlier = self._newest is not None and self._newest - moment.now > BEFORE
        if not impossible and not earlier:
            self._before_from = None
            return self._leapt(moment)
        if self._before_from is None:
            self._before_from = moment.at
        if moment.at - self._before_from < SETTLED.total_seconds():
            return self._leapt(moment)
        shown = f"{moment.now.astimezone(moment.zone):%Y-%m-%d %H:%M}"
        if impossible or self._newest is None:
            title = f"The clock of this machine is wrong: it shows {shown}"
            action = (
                "Set it, or connect this machine to the network, which tells it the time. Until then what is"
                " measured gets a wrong date, and alerts by mail or over the internet may not arrive."
            )
        else:
            newest = f"{self._newest.astimezone(moment.zone):%Y-%m-%d %H:%M}"
            title = f"The clock of this machine shows {shown}, but something was measured on {newest}"
            action = (
                "One of the two is wrong. If it is the clock, set it: until then what is measured gets a"
                " wrong date, and alerts may not arrive. If it is right, it was wrong when that was measured."
            )
        since = moment.wall(self._before_from)
        severity = Severity.URGENT if impossible else Severity.WATCH
        return finding(WATCH, severity, title, action, _SOURCE, since, moment)

    def _leapt(self, moment: Moment) -> Finding | None:
        if self._leap is None or moment.at - self._leap[2] > SHOWN.total_seconds():
            return None
        drift, then, at = self._leap
        since = moment.wall(at, then)
        direction, when = ("forward", "early") if drift > 0 else ("back", "late")
        return finding(
            WATCH,
            Severity.WATCH,
            f"The clock of this machine was set {direction} by {how_long(drift)} at {moment.words(since)}",
            "See that it shows the right time now. If it does, there is nothing to do; what was measured"
            f" shortly before may be dated too {when}.",
            _SOURCE,
            since,
            moment,
        )


def corrected(it: Wearable, moment: Moment) -> Finding | None:
    """Say that a device's clock is wrong, which was put right: to be shown, nobody is told."""
    one = it.corrected
    if one is None or moment.at - it.corrected_at > CORRECTED_FOR.total_seconds():
        return None
    by = ""
    if one.device_time is not None:
        with contextlib.suppress(OverflowError):  # a clock at the end of the calendar
            off = (one.device_time.replace(tzinfo=moment.zone) - one.time).total_seconds()
            by = f" by {how_long(off)} ({'ahead' if off > 0 else 'behind'})" if abs(off) >= 60 else ""
    return finding(
        it.clock_wrong,
        Severity.INFO,
        f"The clock of {it.name} is wrong{by}; the times of its readings were corrected",
        "Set it when you can, in the device's own menu or its maker's app.",
        "the device's clock against this machine's",
        one.time,
        moment,
    )
