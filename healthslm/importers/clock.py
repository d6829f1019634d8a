"""Dates as people's programs write them, and clocks that were changed in the middle of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from healthslm.importers.lines import named
from healthslm.importers.zones import without_name
from healthslm.readings import Floats, Ints, Times

STAMP = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}[T ,]+\d{1,2}[:.]\d{2}")
"""What looks like a date with a time."""
_PARTS = re.compile(
    r"(\d{1,4})[-./](\d{1,2})[-./](\d{1,4})[T ,]+"
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*([ap])?\.?\s?m?\.?",
    re.IGNORECASE,
)
_MIN_US = 60_000_000
_HALF_HOUR = 30
_SLACK = 3.0
"""Minutes by which a changed clock may miss the half hour: sensors' intervals waver."""
_MOST_CHANGES = 8
"""More steps back than this are rows in disorder, not clocks that were changed."""
_MOST_CHANGE = 26 * 60.0
"""Minutes: zones are at most 26 hours apart; dates further back are of another file that was joined on."""
_EVEN = 20.0
"""Minutes: rows further apart than this are no even series that a changed clock could be told from."""
_EPOCH_S, _EPOCH_MS = 1e8, 1e11


@dataclass(frozen=True, kw_only=True, eq=False)
class Stamps:
    """The rows' times by the clock on the wall, and how far that is ahead of UTC where the file says it.

    `clock`: shape `(n,)`, NaT where none could be read; `ahead`: shape `(n,)`, minutes, NaN where not said.
    """

    clock: Times
    ahead: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where there is a time, shape `(n,)`."""
        return ~np.isnat(self.clock)

    def where(self, keep: NDArray[np.bool_]) -> Stamps:
        """Return those that `keep` marks."""
        return Stamps(clock=self.clock[keep], ahead=self.ahead[keep])


def stamps_of(texts: list[str], lines: Ints, problems: list[str]) -> Stamps:
    """Read dates with times: ISO 8601 with or without an offset, day or month first, seconds since 1970."""
    clock = np.full(len(texts), np.datetime64("NaT", "us"), dtype="M8[us]")
    ahead = np.full(len(texts), np.nan)
    other: list[tuple[int, tuple[int, ...]]] = []
    wrong: list[int] = []
    for index, whole in enumerate(texts):
        text, minutes = without_name(whole)
        read = _iso(text) or _epoch(text)
        if minutes is not None:
            ahead[index] = minutes
        if read is not None:
            offset = read.utcoffset()
            clock[index] = np.datetime64(read.replace(tzinfo=None), "us")
            if offset is not None:
                ahead[index] = offset.total_seconds() / 60
            continue
        parts = _parts(text)
        if parts is None:
            wrong.append(index)
        else:
            other.append((index, parts))
    wrong += _by_day_and_month(other, clock, lines, problems)
    if wrong:
        shown = texts[wrong[0]][:25]
        where = named(sorted(int(lines[i]) for i in wrong))
        problems.append(f"{where}: no time that can be read ({shown!r}); not used")
    return Stamps(clock=clock, ahead=ahead)


def _iso(text: str) -> datetime | None:
    if len(text) < 16 or not text[:4].isdigit():
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _epoch(text: str) -> datetime | None:
    """Seconds or milliseconds since 1970, which are UTC."""
    if not re.fullmatch(r"\d{9,13}(?:\.\d+)?", text):
        return None
    number = float(text)
    seconds = number / 1000 if number > _EPOCH_MS else number
    if seconds < _EPOCH_S:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC)


def _parts(text: str) -> tuple[int, ...] | None:
    found = _PARTS.match(text)
    if found is None:
        return None
    a, b, c, hour, minute = (int(found[i]) for i in range(1, 6))
    half = (found[7] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return a, b, c, hour, minute, int(found[6] or 0), int(bool(half)), int("." in text[: found.end(2) + 1])


def _by_day_and_month(
    rows: list[tuple[int, tuple[int, ...]]], clock: Times, lines: Ints, problems: list[str]
) -> list[int]:
    """Fill in the times whose day and month are in an order to be found out; returns those that are none."""
    if not rows:
        return []
    year_first = [row for row in rows if row[1][0] > 31]
    rest = [row for row in rows if row[1][0] <= 31]
    wrong = _fill(year_first, (0, 1, 2), clock)
    if not rest:
        return wrong
    day_first, month_first = (2, 1, 0), (2, 0, 1)
    options = []
    for order in (day_first, month_first):
        trial = clock.copy()
        bad = _fill(rest, order, trial)
        good = trial[[i for i, _ in rest if i not in set(bad)]] if len(bad) < len(rest) else trial[:0]
        days = float((good.max() - good.min()) / np.timedelta64(1, "D")) if len(good) else 0.0
        options.append((len(bad), round(days, 3), order))
    by_day, by_month = options
    if by_day[:2] == by_month[:2]:
        american = any(parts[6] for _, parts in rest)
        order = month_first if american and not any(parts[7] for _, parts in rest) else day_first
        if any(parts[0] != parts[1] for _, parts in rest):
            said = "month first" if order == month_first else "day first"
            problems.append(
                f"day and month cannot be told apart (line {int(lines[rest[0][0]])}): taken as {said}"
            )
    else:
        order = min(options)[2]
    return wrong + _fill(rest, order, clock)


def _fill(rows: list[tuple[int, tuple[int, ...]]], order: tuple[int, int, int], clock: Times) -> list[int]:
    wrong = []
    for index, parts in rows:
        year, month, day = (parts[i] for i in order)
        try:
            hour, minute, second = parts[3:6]
            time = datetime(year + 2000 * (year < 100), month, day, hour, minute, second)  # noqa: DTZ001
        except ValueError:
            wrong.append(index)
            continue
        clock[index] = np.datetime64(time, "us")
    return wrong


def in_order(
    stamps: Stamps, lines: Ints, counted: Floats | None, problems: list[str]
) -> tuple[Times, Times, NDArray[np.int64]]:
    """Return times that passed, the clock at them, and the order of rows that both are in.

    `counted` are the transmitter's own seconds, where a file has them. A clock set back would lay two hours
    over each other: what follows is moved on by as much. One set forward looks like a gap; where nothing says
    how much time passed it is left as one, and named.
    """
    if np.isfinite(stamps.ahead).any():
        return _by_offset(stamps, lines, problems)
    clock = stamps.clock
    minutes = clock.astype(np.int64) / _MIN_US
    steps = np.diff(minutes)
    if len(steps) and (steps < 0).sum() > (steps > 0).sum():  # newest first
        order = np.arange(len(clock))[::-1]
        counted = None if counted is None else counted[::-1]
    else:
        order = np.arange(len(clock))
    moved = _moved(minutes[order], lines[order], counted, problems)
    passed = minutes[order] + moved
    back = np.flatnonzero(np.diff(passed) < 0)
    if len(back):
        where = named(sorted(lines[order][back + 1].tolist()))
        far = float(np.diff(passed).min()) < -_MOST_CHANGE
        why = ", as of files that were joined" if far else ""
        problems.append(f"times go backwards at {where}{why}; the rows are put in order of time")
    again = np.argsort(passed, kind="stable")
    order = order[again]
    times = clock[order] + np.round(moved[again] * _MIN_US).astype("m8[us]")
    return times, clock[order], order.astype(np.int64)


def _moved(minutes: Floats, lines: Ints, counted: Floats | None, problems: list[str]) -> Floats:
    """By how many minutes each row is moved, so that a changed clock leaves neither overlap nor hole."""
    moved = np.zeros(len(minutes))
    if len(minutes) < 3:
        return moved
    steps = np.diff(minutes)
    usual = float(np.median(np.abs(steps)))
    if counted is None and usual > _EVEN:
        return moved
    if counted is not None:
        own = np.diff(counted) / 60
        # A new transmitter counts from zero again.
        drift = np.where(np.isfinite(own) & (own > 0) & (own < 24 * 60), steps - own, 0.0)
        far = np.abs(drift)
        changes = np.flatnonzero((far >= _HALF_HOUR - _SLACK) & (far <= _MOST_CHANGE))
        amounts = drift[changes]
    else:
        changes, amounts = _set_back(minutes, steps, usual)
        _tell_forward(steps, usual, lines, problems)
    if len(changes) > _MOST_CHANGES:
        return moved
    for at, amount in zip(changes.tolist(), amounts.tolist(), strict=True):
        whole = _HALF_HOUR * round(amount / _HALF_HOUR)
        if not whole:
            continue
        moved[at + 1 :] -= whole
        which = "back" if whole < 0 else "forward"
        problems.append(
            f"the clock is set {which} by {_said(abs(whole))} at line {int(lines[at + 1])}; what follows is"
            " counted on without a break, and shown at the new clock's time of day"
        )
    return moved


def _set_back(minutes: Floats, steps: Floats, usual: float) -> tuple[NDArray[np.int64], Floats]:
    """Steps back by half hours after which rows go on evenly over times that were there before."""
    found, amounts = [], []
    for at in np.flatnonzero(steps < 0).tolist():
        amount = steps[at] - usual
        off = abs(amount / _HALF_HOUR - round(amount / _HALF_HOUR)) * _HALF_HOUR
        rest = minutes[at + 1 : at + 4]
        evenly = len(rest) > 1 and bool((np.diff(rest) > 0).all()) and bool((np.diff(rest) < 3 * usual).all())
        last = at + 1 + int(np.argmax(np.append(steps[at + 1 :] < 0, [True])))
        goes_on = minutes[last] > minutes[at] or last == len(minutes) - 1
        near = -amount <= _MOST_CHANGE and off <= max(_SLACK, 0.5 * usual)
        if near and round(amount / _HALF_HOUR) and evenly and goes_on:
            found.append(at)
            amounts.append(amount)
    return np.array(found, dtype=np.int64), np.array(amounts, dtype=np.float64)


def _tell_forward(steps: Floats, usual: float, lines: Ints, problems: list[str]) -> None:
    """Name gaps of exactly an hour and one interval: a clock set forward looks like that, and like a gap."""
    hour = np.flatnonzero(np.abs(steps - 60 - usual) <= min(1.0, usual / 5))
    wide = int((steps > 2.5 * usual).sum())
    if len(hour) == 1 and wide <= 12 * len(steps) / 1000 + 3:
        problems.append(
            f"an hour is missing before line {int(lines[int(hour[0]) + 1])}: a gap, or a clock that was set"
            " forward; taken as a gap"
        )


def _by_offset(stamps: Stamps, lines: Ints, problems: list[str]) -> tuple[Times, Times, NDArray[np.int64]]:
    """Times with offsets: nothing has to be guessed; on the clock of the beginning."""
    known = stamps.ahead[np.isfinite(stamps.ahead)]
    bare = ~np.isfinite(stamps.ahead)
    if bare.any():
        problems.append(
            f"{int(bare.sum())} times have no offset from UTC, the others do; theirs is taken as the first"
        )
    ahead = np.where(bare, known[0], stamps.ahead)
    passed = stamps.clock - np.round(ahead * _MIN_US).astype("m8[us]")
    order = np.argsort(passed, kind="stable")
    ahead = ahead[order]
    first = np.timedelta64(timedelta(minutes=float(ahead[0])))
    for at in np.flatnonzero(np.diff(ahead) != 0)[:_MOST_CHANGES].tolist():
        change = float(ahead[at + 1] - ahead[at])
        which = "forward" if change > 0 else "back"
        problems.append(
            f"the zone changes at line {int(lines[order[at + 1]])}:"
            f" the clock goes {which} by {_said(abs(change))}"
        )
    return passed[order] + first.astype("m8[us]"), stamps.clock[order], order.astype(np.int64)


def _said(minutes: float) -> str:
    hours = minutes / 60
    return f"{hours:g} hour{'s' * (hours != 1)}" if hours >= 1 else f"{minutes:g} minutes"


def each_once(
    times: Times, values: Floats, lines: Ints, problems: list[str], *, what: str = ""
) -> NDArray[np.bool_]:
    """Mark each time once, that of the later line; what it takes the place of is told, with `what` before it.

    Shapes `(n,)` each; `times` rise.
    """
    same = np.flatnonzero(times[1:] == times[:-1])
    twice, other = same[values[same] == values[same + 1]], same[values[same] != values[same + 1]]
    before = f"{what}, " if what else ""
    if len(twice):
        where = named(sorted(lines[twice + 1].tolist()))
        problems.append(f"{before}{where}: the same reading once more; used once")
    if len(other):
        where = named(sorted(lines[other].tolist()))
        problems.append(f"{before}{where}: another value at the same time follows; the later line is used")
    return np.append(times[1:] != times[:-1], [True])[: len(times)]
