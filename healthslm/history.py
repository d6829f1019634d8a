"""Looking back over a store: the numbers of its days, and what the rules found in them, a day at a time.

A period may be years long and memory is not: never more than a day of readings and what a rule looks back
over is held at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from healthslm.analysis import Daily, DailySeries, Days, day_bounds
from healthslm.readings import Feature, Finding, Kind, Window
from healthslm.rules import Rule, Spell, by_severity, finding_of, joined, spells
from healthslm.store import Store

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


class History:
    """The days of one store. A day's numbers are computed once and kept, until `changed` says otherwise."""

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store = store
        self._zone = zone
        self._features: dict[tuple[str, str, date], Feature] = {}

    def days(self, dailies: Iterable[Daily], first: date, last: date, *, now: datetime) -> Days:
        """Return the series of the days in `[first, last]` that were over at `now` and have readings.

        A day that is over is computed once; whichever is not in memory costs a look at its readings.
        """
        wanted = {daily.name: daily for daily in dailies}
        present = self._present({kind for daily in wanted.values() for kind in daily.kinds}, first, last)
        series = {}
        for name, daily in wanted.items():
            over = tuple(day for day in present if daily.span(day, self._zone)[1] <= now)
            features = tuple(self.feature(daily, day) for day in over)
            series[name] = DailySeries(name=name, days=over, features=features)
        return series

    def feature(self, daily: Daily, day: date) -> Feature:
        """Return one day's number, from memory where it is there."""
        key = (daily.name, daily.version, day)
        feature = self._features.get(key)
        if feature is None:
            start, end = daily.span(day, self._zone)
            windows = {kind: self._store.window(kind, start, end) for kind in daily.kinds}
            feature = self._features[key] = daily.of(windows, day, self._zone)
        return feature

    def missing(self, dailies: Iterable[Daily], first: date, last: date, *, now: datetime) -> Iterator[None]:
        """Compute what `days` would need, one number a step, so that others get a turn between."""
        wanted = {daily.name: daily for daily in dailies}
        present = self._present({kind for daily in wanted.values() for kind in daily.kinds}, first, last)
        for daily, day in itertools.product(wanted.values(), present):
            over = daily.span(day, self._zone)[1] <= now
            if over and (daily.name, daily.version, day) not in self._features:
                self.feature(daily, day)
                yield

    def changed(self, times: Iterable[datetime]) -> None:
        """Forget the numbers of days into which readings came late, or whose readings were changed."""
        touched = {time.astimezone(self._zone).date() for time in times}
        around = {day + timedelta(days=n) for day in touched for n in (-1, 0, 1)}
        for key in [key for key in self._features if key[2] in around]:
            del self._features[key]

    def _present(self, kinds: Iterable[Kind], first: date, last: date) -> list[date]:
        """Return the local days in `[first, last]` on which, or on the day before, anything was measured."""
        if last < first:
            return []
        every = [first + timedelta(days=n) for n in range(-1, (last - first).days + 1)]
        edges = [day_bounds(day, self._zone)[0] for day in [*every, last + _DAY]]
        counts = [self._store.rollup_between(kind, edges).count for kind in kinds]
        measured = {day for count in counts for day, some in zip(every, count > 0, strict=True) if some}
        return [day for day in every[1:] if day in measured or day - _DAY in measured]

    def findings(self, rules: Sequence[Rule], start: datetime, end: datetime) -> tuple[Finding, ...]:
        """Return what the rules find in `[start, end)`, the most severe first.

        An episode that reaches into the period from before is told from its beginning, as far as the rule
        looks back; one that the period's end cuts is `ongoing`.
        """
        by_reading = [rule for rule in rules if not rule.daily]
        found: dict[str, list[Spell]] = {rule.name: [] for rule in rules}
        last: dict[str, datetime | None] = dict.fromkeys(found)
        for begin, until in self._chunks(start, end):
            windows = self._windows(by_reading, begin, until)
            for rule in by_reading:
                held, asked = spells(rule, windows, zone=self._zone, since=begin)
                found[rule.name] += held
                last[rule.name] = asked or last[rule.name]
        days: dict[str, Days] = {}
        for rule in (rule for rule in rules if rule.daily):
            days[rule.name] = self._days_for(rule, start, end)
            found[rule.name], last[rule.name] = spells(
                rule, self._windows([rule], start, end), zone=self._zone, days=days[rule.name], since=start
            )
        return by_severity(
            finding_of(
                rule,
                spell,
                self._windows([rule], spell.onset, spell.last + _TICK, back=timedelta(0)),
                ongoing=spell.last == last[rule.name],
                zone=self._zone,
                days=days.get(rule.name, {}),
            )
            for rule in rules
            for spell in joined(rule, found[rule.name])
        )

    def _days_for(self, rule: Rule, start: datetime, end: datetime) -> Days:
        first = start.astimezone(self._zone).date() - timedelta(days=rule.days)
        return self.days(rule.daily, first, end.astimezone(self._zone).date(), now=end)

    def _chunks(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Cut a period at local midnights."""
        day = start.astimezone(self._zone).date()
        while start < end:
            day += _DAY
            until = min(end, day_bounds(day, self._zone)[0])
            if until > start:
                yield start, until
                start = until

    def _windows(
        self, rules: Iterable[Rule], start: datetime, end: datetime, *, back: timedelta | None = None
    ) -> Mapping[Kind, Window]:
        """Return the windows that rules need for a period; each reaches back as far as they look."""
        reach = reach_of(rules)
        return {
            kind: self._store.window(kind, start - (far if back is None else back), end)
            for kind, far in reach.items()
        }


def reach_of(rules: Iterable[Rule]) -> dict[Kind, timedelta]:
    """Return how far back each kind is looked at."""
    reach: dict[Kind, timedelta] = {}
    for rule in rules:
        for kind in rule.kinds:
            reach[kind] = max(reach.get(kind, timedelta(0)), rule.lookback)
    return reach
