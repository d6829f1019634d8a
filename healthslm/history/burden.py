"""How much of a longer period had beats without order; and the beats that a strip is drawn of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from healthslm.analysis import absent
from healthslm.analysis.burden import OF_PERIOD, TOO_FEW, least_regular
from healthslm.analysis.daily_vitals import IRREGULAR_SHARE_OF_DAY, JUDGED_MINUTES_OF_DAY
from healthslm.history.history import History
from healthslm.readings import Feature, Finding, Kind, Window
from healthslm.store import Store

SHARE = IRREGULAR_SHARE_OF_DAY.name
_TICK = timedelta(microseconds=1)


def burden(history: History, start: datetime, end: datetime, zone: ZoneInfo) -> tuple[Feature, ...]:
    """Return `irregular_share_of_day` of each whole day with beats, and `irregular_share_of_period`.

    In % of the minutes of beats in quarters of an hour that could be judged. Nothing where no day has beats.
    """
    first, last = (at.astimezone(zone).date() for at in (start, end - _TICK))
    days = history.days([IRREGULAR_SHARE_OF_DAY, JUDGED_MINUTES_OF_DAY], first, last, now=end)
    both = zip(days[SHARE].features, days[JUDGED_MINUTES_OF_DAY.name].features, strict=True)
    pairs = [(share, minutes) for share, minutes in both if share.start >= start]
    if not pairs:
        return ()
    shares = [share for share, _ in pairs]
    known = [(share, share.value, minutes.value) for share, minutes in pairs if share.value is not None]
    if not known:
        return (*shares, absent(OF_PERIOD, Kind.RR_INTERVAL, start, end, TOO_FEW, unit="%"))
    whole = sum(minutes or 0.0 for _, _, minutes in known)
    called = sum(value * (minutes or 0.0) for _, value, minutes in known)
    of_all = Feature(
        name=OF_PERIOD,
        kind=Kind.RR_INTERVAL,
        value=called / whole,
        unit="%",
        start=start,
        end=end,
        count=sum(share.count for share, _, _ in known),
        readings=(known[0][0].readings[0], known[-1][0].readings[-1]),
    )
    return (*shares, of_all)


def strip(store: Store, findings: Iterable[Finding], features: Sequence[Feature]) -> Window | None:
    """Return the RR intervals, beat by beat, that a clinician looks at first; `None` where none stand out.

    Those of the first finding that has a trace; else of the least regular day's least regular quarter of an
    hour, from the first to the last beat without order, if such beats make up five minutes of it.
    """
    for finding in findings:
        for feature in finding.evidence:
            if feature.name == "rr_trace":
                return _of_its_device(store.window(Kind.RR_INTERVAL, feature.start, feature.end), feature)
    days = [one for one in features if one.name == SHARE and one.value]
    if not days:
        return None
    day = max(days, key=lambda one: one.value or 0.0)
    return least_regular(store.window(Kind.RR_INTERVAL, day.start, day.end))


def _of_its_device(window: Window, feature: Feature) -> Window:
    """The beats that the device told of which a feature is: those of another in between are no rhythm."""
    first = feature.readings[0] if feature.readings else None
    return next((one for one in window.by_device() if first in one.ids), window)
