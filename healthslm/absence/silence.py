"""Nothing comes from a device: it is connected and silent, it is gone, or this machine's Bluetooth is."""

from __future__ import annotations

from datetime import datetime, timedelta

from device import LinkState
from healthslm.absence.moment import Moment, finding, how_long
from healthslm.absence.wearable import SUGAR, Wearable
from healthslm.alerts.watch import Watch, Watched
from healthslm.links import Standing
from healthslm.readings import KINDS, Finding, Kind, Severity

EXPECTED = timedelta(minutes=30)
"""A device that is worn and sent nothing for so long is missed. Shorter would tell of every shower."""
EXPECTED_SUGAR = timedelta(minutes=20)
"""As the signal loss alert of Dexcom's G6 and G7 (user guides): their sensors speak every 5 minutes."""
_PACES = 3
"""A sensor that speaks seldom is missed after so many of its own steps: one that is lost is no absence."""
_SLOWEST = _PACES * (KINDS[Kind.SENSOR_GLUCOSE].holds or EXPECTED_SUGAR).total_seconds()
AT_START = timedelta(minutes=30)
"""So long a device has after a start to be found, if it is not to be missed sooner anyway."""
URGENT_TIMES = 4
"""A device that somebody set a length for is relied on: after so many times that length it is urgent."""
ADAPTER_GONE = timedelta(minutes=5)
"""A restart of the Bluetooth service is over by then."""
_ADAPTER_TRIED = timedelta(minutes=2)
"""A missing adapter is told again at every try, of which there is one in half a minute at least."""
NO_ADAPTER = Watch.of(Watched.ADAPTER_GONE, timedelta(minutes=30))
_SOURCE = "this machine's own clock, against when something last came"
_SUGAR_SOURCE = f"{_SOURCE}; 20 minutes as the signal loss alert of Dexcom's G6 and G7"


class Adapter:
    """What is known of this machine's own Bluetooth: that it is gone is told again and again while it is."""

    def __init__(self, at: float) -> None:
        self._told: datetime | None = None
        self._from: float | None = None
        self._last = at
        self.since: datetime | None = None
        self.why = ""

    def missing(self, at: datetime, why: str) -> None:
        """Mark that a link was told that there is no adapter."""
        self._told, self.why = at, why

    def works(self) -> None:
        """Mark that a device is connected."""
        self._told = self._from = None

    def settle(self, at: float) -> None:
        """Turn the marks into times."""
        if self._told is not None:
            if self._from is None:
                self._from, self.since = at, self._told
            self._last, self._told = at, None
        elif self._from is not None and at - self._last > _ADAPTER_TRIED.total_seconds():
            self._from = None

    @property
    def gone(self) -> bool:
        """Say whether it is gone as far as is known."""
        return self._from is not None

    def finding(self, moment: Moment) -> Finding | None:
        """Say that it has been gone for a while."""
        if self._from is None or moment.at - self._from < ADAPTER_GONE.total_seconds():
            return None
        since = moment.wall(self._from, self.since)
        return finding(
            NO_ADAPTER,
            Severity.WATCH,
            f"This machine's Bluetooth is gone since {moment.words(since)}{_because(self.why)}",
            "Nothing is watched by any device until it is back. Switch Bluetooth on, or take its adapter out"
            " and put it in again; if that does not help, start this machine anew.",
            "what the links to the devices said",
            since,
            moment,
            missing=(f"what every device measured since {moment.words(since)}",),
        )


def longest_silence(it: Wearable, personal: timedelta | None) -> float | None:
    """Return after how many seconds without anything a device is missed; `None` for one that is not."""
    if personal is not None:
        return personal.total_seconds()
    if not it.monitor:
        return None
    if it.roles & SUGAR:
        return max(EXPECTED_SUGAR.total_seconds(), min(_PACES * it.pace, _SLOWEST))
    return EXPECTED.total_seconds()


def silence(it: Wearable, at: float) -> float:
    """Return for how many seconds nothing came: of what it is worn for, where it is."""
    return at - (it.last_stream if it.monitor else it.last)


def is_silent(it: Wearable, longest: float, moment: Moment, started: float) -> bool:
    """Say whether a device is missed now. After a start it has a while, unless it was missed before."""
    if silence(it, moment.at) < longest:
        return False
    since_start = moment.at - started
    return bool(it.fresh or it.silent or since_start >= min(longest, AT_START.total_seconds()))


def is_down(link: Standing | None) -> bool:
    """Say whether a device is known not to be connected."""
    return link is not None and link.state != LinkState.CONNECTED.value


def no_data(
    it: Wearable, watch: Watch, link: Standing | None, longest: float, personal: bool, moment: Moment
) -> Finding:
    """Say that a device sends nothing, and what that means."""
    lasted = silence(it, moment.at)
    since = moment.wall(moment.at - lasted, it.heard_at)
    when = moment.words(since)
    relied = personal and it.monitor
    severity = Severity.URGENT if relied and lasted >= URGENT_TIMES * longest else Severity.WATCH
    if it.heard_at is None:
        title = f"Nothing has come from {it.name} yet"
    elif is_down(link):
        why = link.why if link is not None and link.state == LinkState.LOST.value else ""
        title = f"{it.name} is out of reach, and nothing has come from it since {when}{_because(why)}"
    else:
        title = f"Nothing has come from {it.name} since {when}"
    return finding(
        watch,
        severity,
        title,
        f"{_meaning(it, when, longest)} {_next(it, link)}",
        _SUGAR_SOURCE if it.roles & SUGAR and not personal else _SOURCE,
        since,
        moment,
        missing=(f"what {it.name} would have measured since {when}",),
    )


def _meaning(it: Wearable, when: str, longest: float) -> str:
    if not it.monitor:
        return f"Something is expected from it every {how_long(longest)}."
    return f"Nothing is watched by it since {when}, and no other alert can come of it."


def _next(it: Wearable, link: Standing | None) -> str:
    if not it.monitor:
        return "Measure when you can. If you did, see that it is near this machine and its battery is good."
    if link is not None and link.state == LinkState.CONNECTED.value:
        return "It is connected: see that it sits well on the skin, or switch it off and on."
    return "See that it is worn, charged, switched on and near this machine, and connected to no phone."


def _because(why: str) -> str:
    return f": {why.strip().rstrip('.')}" if why.strip() else ""
