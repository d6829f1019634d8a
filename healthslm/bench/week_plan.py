"""What happens in the week: ten wearables and when each measures, and everything that goes wrong.

Made from a seed, so that a week that went wrong can be had again. Times are seconds from the beginning by a
clock that is never set; hours of the day are local.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Berlin")
_CHANGE = datetime(2026, 10, 25, tzinfo=ZONE)
"""The last day of every run: at three in the morning its clocks go back to two."""
TICK_S = 60
"""Whoever is to measure is looked for so often."""
HOUR_S, DAY_S = 3600, 86400
_MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Worn:
    """One wearable: its kind in the table of virtual ones, and when it measures.

    It measures every `every_s` in the `hours` of the day, `[from, to)`. One with `visits` is out of reach but
    for some minutes from these hours on, and measures once in each.
    """

    kind: str
    address: str
    every_s: int = 0
    hours: tuple[tuple[float, float], ...] = ()
    visits: tuple[float, ...] = ()

    def measures(self, hour: float, tick: int) -> bool:
        """Say whether it is to measure at a tick, at which it is this hour of the day."""
        if not self.every_s or tick * TICK_S % self.every_s:
            return False
        return any(begin <= hour < end for begin, end in self.hours)


_ALL_DAY = ((0.0, 24.0),)
WORN = (
    Worn(kind="strap", address="C0:FF:EE:00:01:01", every_s=60, hours=((7, 23),)),
    Worn(kind="polar strap", address="C0:FF:EE:00:01:02", every_s=60, hours=((0, 7), (22, 24))),
    Worn(kind="oximeter", address="C0:FF:EE:00:01:03", every_s=60, hours=((0, 9), (14, 16), (21, 24))),
    Worn(kind="glucose sensor", address="C0:FF:EE:00:01:04", every_s=300, hours=_ALL_DAY),
    Worn(kind="cuff", address="C0:FF:EE:00:01:05", every_s=5400, hours=((6, 23),)),
    Worn(kind="thermometer", address="C0:FF:EE:00:01:06", every_s=1800, hours=((2, 3), (6, 24))),
    Worn(kind="activity monitor", address="C0:FF:EE:00:01:07", every_s=300, hours=((5, 22),)),
    Worn(kind="pc-60fw oximeter", address="C0:FF:EE:00:01:08", every_s=60, hours=((3, 5), (10, 12))),
    Worn(kind="glucose meter", address="C0:FF:EE:00:01:09", visits=(1.5, 7.2, 12.1, 18.4, 22.2)),
    Worn(kind="scale", address="C0:FF:EE:00:01:0A", visits=(4.3, 7.0)),
)
"""A strap by day and another by night, two oximeters, a glucose sensor and a meter, a cuff and the rest."""
VISIT_S = 300


class What(StrEnum):
    """What can happen."""

    LINK_LOST = "a link is lost"
    LEAVES = "a wearable goes out of reach"
    RETURNS = "a wearable is back"
    ADAPTER_OFF = "the adapter is switched off"
    ADAPTER_OUT = "the adapter is pulled out"
    ADAPTER_ON = "the adapter is back"
    HOOKS_DOWN = "the hook takes nothing"
    HOOKS_UP = "the hook takes everything"
    DISK_FULL = "the disk is full"
    DISK_FREE = "the disk has room"
    CLOCK_SET = "the clock is set"
    RESTART = "healthslm is restarted"
    KILL = "healthslm is killed"
    HOUR = "an hour is over"
    LOOK = "somebody looks at the page"
    DAY = "a day is over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing that happens: to `who`, where it is a wearable; `off` is what the wall clock is wrong by."""

    at_s: float
    what: What
    who: str = ""
    off: timedelta = timedelta(0)


STOPS = (
    (0.04, What.KILL),
    (0.07, What.RESTART),
    (0.10, What.KILL),
    (0.13, What.KILL),
    (0.975, What.RESTART),
    (0.985, What.KILL),
)
"""At which share of the time the program ends. Early or at the very end: growth is seen in a long life."""
_SET = (
    (0.25, timedelta(hours=1)),
    (0.33, timedelta(0)),
    (0.40, timedelta(hours=-1)),
    (0.47, timedelta(0)),
    (0.76, timedelta(days=1)),
    (0.80, timedelta(0)),
    (0.86, timedelta(days=-1)),
    (0.90, timedelta(0)),
)
"""At which share the wall clock is set, and how wrong it is from then on."""
_HOOKS_DOWN = (2 / 7, 3 / 7)
_DISK_FULL = (4.5 / 7, 0.04)
"""When it is full, and for which share: in a week from noon on for nearly seven hours."""
_LOOK_H = 4
_LOSSES_A_DAY = 3
_ABSENCES_A_DAY = 0.5
_RESETS_A_DAY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run: so many `days` long, with these wearables; `start` is local midnight of the first day."""

    days: float
    seed: int
    worn: Sequence[Worn]
    start: datetime
    happenings: Sequence[Happening]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.days * DAY_S

    def at(self, seconds: float) -> datetime:
        """Return the true time, local, so long after the beginning."""
        return (self.start.astimezone(_UTC) + timedelta(seconds=seconds)).astimezone(ZONE)

    def measuring(self) -> Iterator[tuple[float, Sequence[str]]]:
        """Yield when who measures, in order: by their addresses. No two moments are alike by the clock."""
        dice = random.Random(f"moments {self.seed}")  # noqa: S311  a plan, not a secret
        for tick in range(int(self.seconds // TICK_S)):
            at = tick * TICK_S + dice.randrange(1, 20_000) / 1000
            hour = _hour(self.at(at))
            due = [one.address for one in self.worn if one.measures(hour, tick)]
            if due:
                yield at, due


_UTC = ZoneInfo("UTC")


def _hour(local: datetime) -> float:
    return local.hour + local.minute / 60 + local.second / 3600


def plan(
    days: float, seed: int, worn: Sequence[Worn] = WORN, stops: Sequence[tuple[float, What]] = STOPS
) -> Plan:
    """Make a plan. Whole days end with the one on which summer time ends; a part of a day is of that one.

    `stops` says at which share of the time the program ends, and how.
    """
    start = _CHANGE - timedelta(days=max(0, round(days) - 1))
    dice = random.Random(seed)  # noqa: S311  a plan, not a secret
    span = days * DAY_S
    found = [
        *_singular(span, stops),
        *(event for one in worn for event in _of_one(one, days, dice)),
        *_resets(days, dice),
        *(Happening(at_s=n * HOUR_S, what=What.HOUR) for n in range(1, int(span // HOUR_S) + 1)),
        *(Happening(at_s=(n + 0.5) * HOUR_S, what=What.LOOK) for n in range(0, int(span // HOUR_S), _LOOK_H)),
        *(Happening(at_s=n * DAY_S, what=What.DAY) for n in range(1, int(days))),
    ]
    found.sort(key=lambda one: one.at_s)
    return Plan(days=days, seed=seed, worn=worn, start=start, happenings=found)


def _singular(span: float, stops: Sequence[tuple[float, What]]) -> Iterator[Happening]:
    for share, what in stops:
        yield Happening(at_s=share * span + 17, what=what)
    for share, off in _SET:
        yield Happening(at_s=share * span + 11, what=What.CLOCK_SET, off=off)
    down, up = _HOOKS_DOWN
    yield Happening(at_s=down * span, what=What.HOOKS_DOWN)
    yield Happening(at_s=up * span, what=What.HOOKS_UP)
    full, long = _DISK_FULL
    yield Happening(at_s=full * span, what=What.DISK_FULL)
    yield Happening(at_s=(full + long) * span, what=What.DISK_FREE)


def _of_one(one: Worn, days: float, dice: random.Random) -> Iterator[Happening]:
    span = days * DAY_S
    if one.visits:
        for day in range(int(days) + 1):
            for hour in one.visits:
                at = day * DAY_S + hour * HOUR_S
                if at + VISIT_S < span:
                    yield Happening(at_s=at, what=What.RETURNS, who=one.address)
                    yield Happening(at_s=at + VISIT_S, what=What.LEAVES, who=one.address)
        return
    for _ in range(max(1, round(_LOSSES_A_DAY * days))):
        yield Happening(at_s=dice.uniform(0, span), what=What.LINK_LOST, who=one.address)
    for number in range(max(1, round(_ABSENCES_A_DAY * days))):
        share = span / max(1, round(_ABSENCES_A_DAY * days))
        at = (number + dice.uniform(0, 0.6)) * share
        long = min(dice.uniform(1, 4) * HOUR_S, 0.3 * share)
        yield Happening(at_s=at, what=What.LEAVES, who=one.address)
        yield Happening(at_s=at + long, what=What.RETURNS, who=one.address)


def _resets(days: float, dice: random.Random) -> Iterator[Happening]:
    count = max(1, round(_RESETS_A_DAY * days))
    share = days * DAY_S / count
    for number in range(count):
        at = (number + dice.uniform(0.1, 0.8)) * share
        off = What.ADAPTER_OUT if number % 2 else What.ADAPTER_OFF
        yield Happening(at_s=at, what=off)
        yield Happening(at_s=at + dice.uniform(2, 15) * _MINUTE_S, what=What.ADAPTER_ON)


def counted(plan: Plan) -> Mapping[What, int]:
    """Say how often what happens."""
    return {what: sum(one.what is what for one in plan.happenings) for what in What}
