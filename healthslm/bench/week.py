"""A week of everything: ten wearables, links and adapters lost, hooks down, a full disk, kills, a clock set.

`healthslm bench week` plays it against the whole box: the processes of `healthslm run`, of its courier and of
the phone's page, over an encrypted store on the disk. Wearables, time, and whoever takes the alerts are not
real; see the other files that begin with `week_`. What it shows is whether every reading is accounted for,
and whether anything grows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from healthslm.bench.rows import Row, row
from healthslm.bench.week_plan import What, counted, plan
from healthslm.bench.week_run import Rest, Week, play
from healthslm.errors import HealthslmError

Progress = Callable[[str], None]
_MB = 1e6
FLAT_MB_A_DAY = 1.0
"""What memory may grow by in a day on average: a kilobyte a notification would be five times that."""
LONGEST_S = 600
KILL_TAKES_S = 1.0
"""A kill takes what came within a second before it: see docs/durability.md."""


def run(*, days: float = 7, seed: int = 1, progress: Progress = lambda _what: None) -> list[Row]:
    """Play a week, or less of it, and return the table's rows."""
    return rows(asyncio.run(play(plan(days, seed), progress)))


def rows(week: Week) -> list[Row]:
    """Say what came of a run."""
    return [*_accounted(week), *_told(week), *_grown(week), *_took(week)]


def _accounted(week: Week) -> list[Row]:
    settled, account = week.settled, week.account
    if settled is None:
        raise HealthslmError("The week did not come to its end.", "See what it said.")
    refused = sum(account.refused.values())
    return [
        _number("notifications taken", account.notifications),
        _number("measured while nobody listened", week.missed),
        _number("readings received", settled.readings + refused),
        _number("of them stored", settled.stored),
        _number("of them duplicates", settled.duplicates),
        _number("of them refused with a reason", refused),
        _number("of them lost in kills", len(settled.lost)),
        row(
            "the oldest of those, before its kill",
            "s",
            [max(settled.lost, default=0.0)],
            2,
            most=KILL_TAKES_S,
        ),
        _none("readings in doubt: missing, altered, or from nowhere", settled.in_doubt + in_doubt(week)),
        _none("readings by which the program's own count is off", account.told_wrong),
        _none(
            "notifications dropped or not taken by the store",
            account.dropped + account.unheard + account.unsaved,
        ),
    ]


def in_doubt(week: Week) -> int:
    """How many values were measured and taken that are in the store too seldom, and not for a known reason.

    A value may have gone with a kill, or be a second one of a moment that a clock set back gave twice.
    """
    settled = week.settled
    known = 0 if settled is None else len(settled.lost) + settled.other_values
    return max(0, week.unlike - known)


def _told(week: Week) -> list[Row]:
    return [
        _number("alerts", week.alerts),
        _none("alerts raised and lost, or said to be told and not", week.alerts_lost + week.untold),
        _none("messages that still wait for the hook", week.waiting),
        _none("answers of the page that were none", sum(week.looks.values()) - week.looks[200]),
        _number("scheduled backups that are kept", week.backups),
    ]


def _grown(week: Week) -> list[Row]:
    rests = longest_life(week.rests)
    found = []
    for who in ("box", "courier", "page"):
        held = [getattr(one, who) for one in rests]
        memory = [one.memory / _MB for one in held]
        slope = slope_of([(rest.day, one) for rest, one in zip(rests, memory, strict=True)])
        found += [
            row(f"{who}: memory, at the ends of days", "MB", memory, 1),
            row(f"{who}: memory more a day", "MB", [slope], 2, most=FLAT_MB_A_DAY),
            _none(f"{who}: descriptors more", _more(one.descriptors for one in held)),
            _none(f"{who}: threads more", _more(one.threads for one in held)),
        ]
    return [
        *found,
        _none("files more in the store's folder", _more(one.files for one in rests)),
        _none("temporary files left", max((one.temporary for one in rests), default=0)),
        row("size of the store's folder", "MB", [one.size / _MB for one in week.rests], 1),
    ]


def _took(week: Week) -> list[Row]:
    happened = counted(week.plan)
    return [
        _number("links lost, and wearables that went away", happened[What.LINK_LOST] + happened[What.LEAVES]),
        _number("resets of the adapter", happened[What.ADAPTER_ON]),
        _number("kills and restarts", happened[What.KILL] + happened[What.RESTART]),
        row(f"{week.plan.days:g} days took", "s", [week.seconds], most=LONGEST_S),
    ]


def longest_life(rests: Sequence[Rest]) -> list[Rest]:
    """Return what was held in the life of the box in which most days ended, once it was warm.

    That is after its first day: with the first backup come a thread that waits for the next one, and a
    descriptor that SQLite uses again.
    """
    lives = [one.life for one in rests]
    longest = max(lives, key=lives.count, default=0)
    days = [one for one in rests if one.life == longest]
    return days[1:] or days


def slope_of(points: Sequence[tuple[float, float]]) -> float:
    """Return by how much a value grows in a day, by least squares; 0 for fewer than three days."""
    if len(points) < 3:
        return 0.0
    days, values = zip(*points, strict=True)
    return float(np.polyfit(days, values, 1)[0])


def _more(counts: Iterable[int]) -> int:
    """By how much the last count is above the first."""
    found = list(counts)
    return max(0, found[-1] - found[0]) if found else 0


def _number(name: str, count: int) -> Row:
    return row(name, "", [float(count)])


def _none(name: str, count: int) -> Row:
    return row(name, "", [float(count)], most=0)
