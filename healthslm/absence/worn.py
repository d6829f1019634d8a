"""A device that sends, but of nobody: not worn, or stuck at a value."""

from __future__ import annotations

from datetime import timedelta

from healthslm.absence.moment import Moment, finding, how_long
from healthslm.absence.wearable import Wearable
from healthslm.readings import KINDS, Feature, Finding, Kind, Quality, Severity

OFF_FOR = timedelta(minutes=10)
"""A strap that slips, or hands that are washed, are over by then."""
STEADY_FOR = timedelta(minutes=30)
"""A heart rate that is the same for so long, without RR intervals that move, is of nobody.

The longest real one lasted 2 min 20 s without a hole, in 58 hours of a watch's rate every 5 to 15 s of two
people (Fitabase 2016, from 6 to 23 o'clock), and 3 min 00 s in three whole 10-hour ECGs, as a mean over 10 s
(MIT-BIH AFDB 04015, 04043, 04126; whether they slept is not said). Ten times that. A pacemaker may hold a
sleeping heart as steady: who has one can switch this off.
"""
_NOBODY = Quality.NO_CONTACT.value | Quality.NOT_WORN.value
_STUCK = Quality.FLAT_LINE.value | Quality.FROZEN.value
_AGAIN = "Put it on again; dry skin or a loose strap can be why. If it is on, switch it off and on."


def is_off(it: Wearable, off_for: timedelta) -> bool:
    """Say whether all that a device sent for so long was marked as being of nobody."""
    return it.off_from is not None and it.off_last - it.off_from >= off_for.total_seconds()


def not_worn(it: Wearable, moment: Moment, steady_for: timedelta | None) -> Finding | None:
    """Say that what a device sends is of nobody: it is marked so, or its heart rate stands still."""
    if it.off_told:
        return _off(it, moment)
    if steady_for is not None and it.rate_last - it.rate_from >= steady_for.total_seconds():
        return _steady(it, moment)
    return None


def _off(it: Wearable, moment: Moment) -> Finding:
    since = moment.wall(it.off_last if it.off_from is None else it.off_from, it.off_at)
    when = moment.words(since)
    if it.off_flags & ~_NOBODY == 0:
        title = f"{it.name} is not worn: what it sends says nothing of you"
    elif it.off_flags & (_NOBODY | _STUCK):
        title = f"{it.name} is not worn, or stuck: what it sends says nothing of you"
    else:
        title = f"Nothing that {it.name} sends can be used"
    return finding(
        it.not_worn,
        Severity.WATCH,
        title,
        f"Nothing is watched by it since {when}. {_AGAIN}",
        "what the device says of its readings, and how they stand still",
        since,
        moment,
        missing=(f"what {it.name} would have measured since {when}",),
    )


def _steady(it: Wearable, moment: Moment) -> Finding | None:
    if it.rate is None:
        return None
    since, info = moment.wall(it.rate_from, it.rate_at), KINDS[Kind.HEART_RATE]
    lasted = how_long(it.rate_last - it.rate_from)
    same = Feature(
        name="latest",
        kind=Kind.HEART_RATE,
        value=it.rate.value,
        unit=info.unit,
        start=since,
        end=moment.wall(it.rate_last) + timedelta(microseconds=1),
        decimals=info.decimals,
        count=1,
        readings=(-1 if it.rate.id is None else it.rate.id,),
        at=it.rate.time,
    )
    return finding(
        it.not_worn,
        Severity.WATCH,
        f"{it.name} is not worn, or stuck: it has sent the very same heart rate for {lasted}",
        f"Nothing is watched by it since {moment.words(since)}. {_AGAIN} A heart that a pacemaker leads can"
        " be as steady: if that is yours, have this watch switched off.",
        "the longest real heart rate without a change lasted 3 minutes, in 88 hours of five people",
        since,
        moment,
        evidence=(same,),
        missing=(f"what {it.name} would have measured since {moment.words(since)}",),
    )
