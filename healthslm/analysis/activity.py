"""Whether somebody moved, by steps, cadence, speed or acceleration; and what exertion's onset looks like.

Of acceleration only how much it varied in ten seconds is looked at (`Kind.MOVEMENT`, made as it comes in).

Sources:
[1] Tudor-Locke C et al. Br J Sports Med 2018;52:776-788. doi:10.1136/bjsports-2017-097628 (steps a minute:
    1 to 19 is incidental movement)
[2] Hildebrand M et al. Med Sci Sports Exerc 2014;46:1816-1824. doi:10.1249/MSS.0000000000000289
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from healthslm.readings import KINDS, Floats, Ints, Kind, Window, micros

MOVING: Mapping[Kind, float] = {Kind.CADENCE: 30, Kind.SPEED: 0.5, Kind.MOVEMENT: 50}
"""From here on somebody moves: revolutions or steps a minute, m/s; mg, ours: of the acceleration in excess of
gravity that [2] averages, sitting and lying stay below it, and slow walking is above."""
SHOWS_MOVEMENT = (Kind.STEPS, *MOVING)
"""The kinds that a rule about rest needs beside its own."""
STEPS_A_MINUTE = 20.0
"""Less is incidental movement [1]."""
RECOVERY_US = 10 * 60_000_000
"""So long after movement somebody's heart rate may still be high, and breathing fast."""
ALIVE_US = 15 * 60_000_000
"""A sensor of movement that reported within this is there."""
UNSEEN = "movement: nothing sent steps, cadence, speed or acceleration"
"""What a finding could not see where nothing was there to show it."""
_LONGEST_US, _HOURLY_US, _FIRST_US = 15 * 60_000_000, 75 * 60_000_000, 60_000_000
SUDDEN_S, JUMP = 15.0, 30.0
"""Exertion takes the rate up over a minute and more; a rhythm that sets in, by 30 bpm within seconds."""
LEAP_S, RISE_S = 120.0, 1800.0
"""From one reading to the next within so long is sudden too, for a sensor that reports once a minute;
exertion takes the rate up within half an hour, and a fever over hours."""
STEADY = 2.0
"""Standard deviation of minute means (bpm) that exertion, outside of a laboratory, does not stay below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """When somebody moved, and when anything was there to show it; times in µs since 1970.

    `starts` rise; `reach` is how far any stretch begun until then goes. `seen` are all readings' times.
    """

    starts: Ints
    reach: Ints
    seen: Ints

    def moved(self, since: int, until: int) -> bool:
        """Whether there was movement at any time in `(since, until]`."""
        before = int(np.searchsorted(self.starts, until))
        return before > 0 and bool(self.reach[before - 1] > since)

    def known(self, since: int, until: int) -> bool:
        """Whether a sensor of movement reported in `(since, until]`."""
        low, high = np.searchsorted(self.seen, [since, until], side="right")
        return bool(high > low)


def movement(windows: Mapping[Kind, Window]) -> Movement:
    """Return when somebody moved by whatever shows it.

    Steps are spread over 15 minutes at the most; where they are many enough for a whole hour, over that.
    """
    starts, ends, seen = [], [], []
    for kind in SHOWS_MOVEMENT:
        if kind not in windows or not len(windows[kind]):
            continue
        good = windows[kind].usable()
        at = micros(good)
        if not len(at):
            continue
        seen.append(at)
        if kind is Kind.STEPS:
            before = np.concatenate(([at[0] - _FIRST_US], at[:-1]))
            for longest in (_LONGEST_US, _HOURLY_US):
                since = np.maximum(before, at - longest)
                minutes = np.maximum((at - since) / 60e6, 1 / 60)
                active = good.values / minutes >= STEPS_A_MINUTE
                starts.append(since[active])
                ends.append(at[active])
        else:
            begun = at[good.values >= MOVING[kind]]
            holds = KINDS[kind].holds
            starts.append(begun)
            ends.append(begun + (0 if holds is None else int(holds.total_seconds() * 1e6)))
    if not seen:
        none = np.array([], dtype=np.int64)
        return Movement(starts=none, reach=none, seen=none)
    begin, end = np.concatenate(starts), np.concatenate(ends)
    order = np.argsort(begin, kind="stable")
    return Movement(
        starts=begin[order], reach=np.maximum.accumulate(end[order]), seen=np.sort(np.concatenate(seen))
    )


def like_exertion(seconds: Floats, rates: Floats, high: float) -> bool:
    """Whether a heart rate that is high at the end could be exertion, by its pattern alone.

    `seconds` rise to the moment that is asked about, `rates` (/min) reach back to before the onset; both of
    shape `(n,)`. It is not where the rate jumped within seconds to a level at which it stayed, nor, when no
    onset is to be seen, where the last ten minutes are steadier than exertion is.
    """
    below = np.flatnonzero(rates < high - 20)
    if not len(below):
        return not _steady(seconds, rates)
    last = int(below[-1])
    after = np.flatnonzero(rates[last:] >= high)
    if not len(after):
        return True
    first = last + int(after[0])
    if seconds[first] - seconds[last] > SUDDEN_S:
        return True
    before = rates[(seconds > seconds[last] - 60) & (seconds <= seconds[last])].mean()
    begun = rates[(seconds >= seconds[first]) & (seconds < seconds[first] + 60)].mean()
    later = rates[(seconds >= seconds[first] + 120) & (seconds < seconds[first] + 300)]
    level = later.mean() if len(later) else begun
    return not bool(begun - before >= JUMP and abs(level - begun) <= 10)


def rose_as_in_exertion(seconds: Floats, rates: Floats, high: float) -> bool:
    """Whether a high heart rate rose as it does in exertion, though a sensor shows no movement.

    On a bicycle or in a boat nobody takes steps. As `like_exertion`, and stricter where that has to guess:
    the rate has to have been seen rising, within half an hour and by more than one reading, or the readings
    to have begun with it, less than `RISE_S` before.
    """
    if not len(rates) or not like_exertion(seconds, rates, high):
        return False
    below = np.flatnonzero(rates < high - 20)
    beyond = np.flatnonzero(rates >= high)
    if not len(below):
        return bool(len(beyond)) and float(seconds[-1] - seconds[0]) < RISE_S
    last = int(below[-1])
    beyond = beyond[beyond > last]
    if not len(beyond):
        return True
    took = float(seconds[beyond[0]] - seconds[last])
    return took <= RISE_S and not (beyond[0] == last + 1 and took <= LEAP_S)


def _steady(seconds: Floats, rates: Floats) -> bool:
    recent = seconds > seconds[-1] - 600
    minute: NDArray[np.int64] = ((seconds[-1] - seconds[recent]) // 60).astype(np.int64)
    count = np.bincount(minute)
    means = np.bincount(minute, rates[recent])[count > 0] / count[count > 0]
    return bool(means.std() <= STEADY)
