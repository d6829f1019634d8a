"""A battery that will not last."""

from __future__ import annotations

from datetime import timedelta

from healthslm.absence.moment import Moment, finding
from healthslm.absence.wearable import Wearable
from healthslm.readings import KINDS, Feature, Finding, Kind, Severity

LOW = 15.0
KNOWN_FOR = timedelta(days=2)
"""Many devices say it on connecting only; what they said longer ago may have been charged since."""


def battery_low(it: Wearable, moment: Moment) -> Finding | None:
    """Say that a battery was low when the device last spoke of it."""
    told = it.battery
    if told is None or told.value > LOW or moment.at - it.battery_at > KNOWN_FOR.total_seconds():
        return None
    since = moment.wall(it.battery_at, told.time)
    info = KINDS[Kind.BATTERY]
    level = Feature(
        name="latest",
        kind=Kind.BATTERY,
        value=told.value,
        unit=info.unit,
        start=told.time,
        end=told.time + timedelta(microseconds=1),
        decimals=info.decimals,
        count=1,
        readings=(-1 if told.id is None else told.id,),
        at=told.time,
    )
    return finding(
        it.battery_low,
        Severity.WATCH,
        f"The battery of {it.name} is low: {level.text} %",
        "Charge it, or put in a new one, before it falls silent.",
        "what the device says of its battery",
        since,
        moment,
        evidence=(level,),
    )
