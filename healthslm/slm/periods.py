"""Periods of local time: what `yesterday` or `last 3 days` mean, given now and the zone.

Every period is half-open, `[start, end)`, and lies before the call: it never reaches beyond `now`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

_WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_LAST_N = re.compile(r"last (\d{1,4}) (hour|day|week|month)s?")
_DATES = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")
_DAY_OF = re.compile(
    r"day (?P<day>\d{1,2})|(?P<ago>\d{1,4}) days ago|(?P<of>\d{1,2}) (?P<month>[a-z]+)(?: (?P<year>\d{4}))?"
)
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_DAYS = {"day": 1, "week": 7, "month": 30}
_PARTS: dict[str, tuple[time, time | None]] = {
    "this_morning": (time(6), time(12)),
    "this_afternoon": (time(12), time(18)),
    "this_evening": (time(18), None),
}
NIGHT = (time(20, 0), time(10, 0))
"""When a night begins and when it is over, for `last_night`."""


class Period(BaseModel):
    """A stretch of time, `[start, end)`, both aware."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.start > self.end:
            raise ValueError("a period ends after it starts")
        return self


class UnknownPeriodError(ValueError):
    """The words name no period, or one that is not over and has not begun."""


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _month_before(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def resolve(words: str, now: datetime, zone: ZoneInfo) -> Period:
    """Return the period that `words` name, in `zone`.

    Known: `today`, `yesterday`, `last_night`, `this_morning`, `this_afternoon`, `this_evening` (from 06, 12
    and 18 o'clock, six hours each), `this_week`, `last_week`, `this_month`, `last_month`,
    `last N hours|days|weeks|months`, a weekday, `2026-11-02`, and `2026-11-02..2026-11-05` with both days in
    it; `3 march`, `3 march 2025`, `day 3` (of this month or the last), `3 days ago`, `march`, each the latest
    that has begun, and two of them with `to` between them (`friday to today`, `july to september`). Weeks
    begin on Monday. Raises `UnknownPeriodError` for anything else and for what is yet to come.
    """
    local = now.astimezone(zone)
    try:
        start, end = _bounds(words.strip().lower(), local, zone)
    except OverflowError as error:
        raise UnknownPeriodError(f"{words} lies beyond the calendar") from error
    if start >= local:
        raise UnknownPeriodError(f"{words} has not begun yet")
    return Period(start=start, end=min(end, local))


def _bounds(words: str, local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    today = local.date()
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    one = timedelta(days=1)
    named: dict[str, tuple[date, date]] = {
        "today": (today, today + one),
        "yesterday": (today - one, today),
        "this_week": (monday, monday + 7 * one),
        "last_week": (monday - 7 * one, monday),
        "this_month": (first, today + one),
        "last_month": (_month_before(first), first),
    }
    if words in named:
        return _midnight(named[words][0], zone), _midnight(named[words][1], zone)
    if words == "last_night":
        evening, morning = NIGHT
        return datetime.combine(today - one, evening, zone), datetime.combine(today, morning, zone)
    if words in _PARTS:
        begins, ends = _PARTS[words]
        end = _midnight(today + one, zone) if ends is None else datetime.combine(today, ends, zone)
        return datetime.combine(today, begins, zone), end
    if found := _LAST_N.fullmatch(words):
        return _last(int(found[1]), found[2], local), local
    if found := _DATES.fullmatch(words):
        return _between(found[1], found[2] or found[1], zone)
    since, _, until = words.rpartition(" to ")
    last = _ended(until, today)
    first = _day(since or until, min(last, today)) if since or until in _MONTHS else last
    if first > last:
        raise UnknownPeriodError(f"{since} is after {until}")
    return _midnight(first, zone), _midnight(last + one, zone)


def _ended(words: str, latest: date) -> date:
    """The day that a period ends with: of a month its last, also where that is yet to come."""
    day = _day(words, latest)
    return day.replace(day=calendar.monthrange(day.year, day.month)[1]) if words in _MONTHS else day


def _day(words: str, latest: date) -> date:
    """Return the latest day, up to `latest`, that the words name; of a month its first."""
    if words in _MONTHS:
        first = latest.replace(month=_MONTHS[words], day=1)
        return first if first <= latest else first.replace(year=first.year - 1)
    if words in ("today", "yesterday"):
        return latest - timedelta(days=words == "yesterday")
    if words in _WEEKDAYS:
        return latest - timedelta(days=(latest.weekday() - _WEEKDAYS[words]) % 7)
    found = _DAY_OF.fullmatch(words)
    try:
        if found is None:
            return date.fromisoformat(words)
        if found["ago"]:
            return latest - timedelta(days=int(found["ago"]))
        if found["day"]:
            this = latest.replace(day=1)
            months = (this, _month_before(this), _month_before(_month_before(this)))
            return _latest(int(found["day"]), months, latest)
        month = _MONTHS[found["month"]]
        years = (int(found["year"]),) if found["year"] else tuple(range(latest.year, latest.year - 5, -1))
        return _latest(int(found["of"]), [date(year, month, 1) for year in years], latest)
    except (ValueError, KeyError) as error:
        raise UnknownPeriodError(f"{words!r} is no day that is known here") from error


def _latest(day: int, months: Iterable[date], latest: date) -> date:
    """The first of some months, given by their first days, that has the day and is not after `latest`."""
    for first in months:
        if 1 <= day <= calendar.monthrange(first.year, first.month)[1] and first.replace(day=day) <= latest:
            return first.replace(day=day)
    raise ValueError("no such day")


def _last(count: int, unit: str, local: datetime) -> datetime:
    if count == 0:
        raise UnknownPeriodError(f"the last 0 {unit}s are nothing")
    if unit == "hour":  # an hour is an hour, also when the clocks change
        return (local.astimezone(UTC) - timedelta(hours=count)).astimezone(local.tzinfo)
    return local - timedelta(days=count * _DAYS[unit])


def _between(first: str, last: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError as error:
        raise UnknownPeriodError(f"{first}..{last} is no pair of dates") from error
    if end < start:
        raise UnknownPeriodError(f"{first} is after {last}")
    return _midnight(start, zone), _midnight(end + timedelta(days=1), zone)
