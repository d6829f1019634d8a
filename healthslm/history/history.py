"""`History`: the series of days and the findings of a period, from a store's readings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from healthslm.analysis import Daily, DailySeries, Days, day_bounds
from healthslm.history.digests import Digests
from healthslm.readings import KINDS, Feature, Finding, Kind, Window
from healthslm.rules import ASKED, Asked, Rule, Spell, by_severity, finding_of, joined, spells
from healthslm.store import Store

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_FAR, _SOME_DAYS = timedelta(days=30), timedelta(days=10)
"""So far before a period an episode's beginning is looked for; of a rule of days so many at once."""
_EVIDENCE = timedelta(days=2)
"""An episode on a continuous stream that is longer gives the numbers of its last days: of memory's sake."""
_FEATURE = TypeAdapter(Feature)
_MONTH = 32
"""Days between two commits of what they came to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a rule said of a day or a part of one that begins at `begin`, and when it was last asked."""

    begin: datetime
    spells: tuple[Spell, ...]
    asked: Asked


_HELD = TypeAdapter(Held)


class History:
    """The days of one store. A day's numbers are computed once and kept, until `changed` says otherwise."""

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store = store
        self._zone = zone
        self._digests = Digests(store, zone)
        self._features: dict[tuple[str, str, date], Feature] = {}

    # Days

    def days(self, dailies: Iterable[Daily], first: date, last: date, *, now: datetime) -> Days:
        """Return the series of the days in `[first, last]` that were over at `now` and have readings."""
        return {
            name: DailySeries(name=name, days=days, features=tuple(self._features_of(daily, days)))
            for name, daily, days in self._wanted(dailies, first, last, now)
        }

    def missing(self, dailies: Iterable[Daily], first: date, last: date, *, now: datetime) -> Iterator[None]:
        """Compute what `days` would need, one number a step, so that others get a turn between."""
        for _, daily, days in self._wanted(dailies, first, last, now):
            for day in days:
                if (daily.name, daily.version, day) not in self._features:
                    list(self._features_of(daily, (day,)))
                    yield

    def changed(self, times: Iterable[datetime]) -> None:
        """Forget the numbers of days into which readings came late, or whose readings were changed."""
        touched = {time.astimezone(self._zone).date() for time in times}
        around = {day + timedelta(days=n) for day in touched for n in (-1, 0, 1)}
        for key in [key for key in self._features if key[2] in around]:
            del self._features[key]

    def _wanted(
        self, dailies: Iterable[Daily], first: date, last: date, now: datetime
    ) -> Iterator[tuple[str, Daily, tuple[date, ...]]]:
        """Yield each recipe with its days that are over and on which, or the day before, it has readings."""
        for daily in {daily.name: daily for daily in dailies}.values():
            prints = self._digests.prints(daily.kinds, first - _DAY, last)
            measured = {day for of_kind in prints.values() for day in of_kind}
            days = sorted(measured | {day + _DAY for day in measured})
            over = (d for d in days if first <= d <= last and daily.span(d, self._zone)[1] <= now)
            yield daily.name, daily, tuple(over)

    def _features_of(self, daily: Daily, days: Sequence[date]) -> Iterator[Feature]:
        new = [day for day in days if (daily.name, daily.version, day) not in self._features]
        if new:
            name = f"day {daily.name}"
            prints = self._digests.prints(daily.kinds, new[0] - _DAY, new[-1])
            how = f"{daily.version} {daily.hours}"
            known, unknown = self._digests.known(name, new, prints, how=how, back=1)
            values = {day: self._compute(daily, day) for day in unknown}
            texts = {day: _FEATURE.dump_json(feature).decode() for day, feature in values.items()}
            self._digests.keep(name, texts, unknown)
            self._digests.commit()
            values |= {day: _FEATURE.validate_json(text) for day, text in known.items()}
            self._features |= {(daily.name, daily.version, day): one for day, one in values.items()}
        for day in days:
            yield self._features[daily.name, daily.version, day]

    def _compute(self, daily: Daily, day: date) -> Feature:
        start, end = daily.span(day, self._zone)
        windows = {kind: self._store.window(kind, start, end) for kind in daily.kinds}
        return daily.of(windows, day, self._zone)

    # Findings

    def findings(self, rules: Sequence[Rule], start: datetime, end: datetime) -> tuple[Finding, ...]:
        """Return what the rules find in `[start, end)`, the most severe first.

        An episode that reaches into the period from before is told from its beginning, up to a month before
        the period: it is the same one whichever period is asked for. One that the end cuts is `ongoing`.
        """
        found: list[Finding] = []
        for rule, days, held, asked in (
            *self._by_days(rules, start, end),
            *self._by_reading(rules, start, end),
        ):
            for spell in self._with_before(rule, held, start):
                if rule.daily and spell.onset < start:
                    begun, until = (at.astimezone(self._zone).date() for at in (spell.onset, end))
                    days = self.days(rule.daily, begun - timedelta(days=rule.days), until, now=end)  # noqa: PLW2901
                windows = self._windows([rule], _since(rule, spell), spell.last + _TICK)
                ongoing = asked.still(spell)
                found.append(finding_of(rule, spell, windows, ongoing=ongoing, zone=self._zone, days=days))
        return by_severity(found)

    def _with_before(self, rule: Rule, held: Sequence[Spell], start: datetime) -> list[Spell]:
        """Return the episodes of a period, the first from its real beginning where that lies before."""
        episodes = joined(rule, held)
        before: list[Spell] = []
        begin, far = start, start - _FAR
        while episodes and episodes[0].onset - rule.join <= begin and begin > far:
            end = begin
            if rule.daily:
                begin = max(far, end - _SOME_DAYS)
                asked = self._by_days([rule], begin, end)
            else:
                begin = day_bounds((end - _TICK).astimezone(self._zone).date(), self._zone)[0]
                asked = self._by_reading([rule], begin, end)
            before = [*(spell for _, _, spells_, _ in asked for spell in spells_), *before]
            episodes = [one for one in joined(rule, [*before, *held]) if one.last >= start]
        return [one for one in episodes if one.last >= start]

    def _by_days(
        self, rules: Sequence[Rule], start: datetime, end: datetime
    ) -> Iterator[tuple[Rule, Days, list[Spell], Asked]]:
        first, last = (at.astimezone(self._zone).date() for at in (start, end))
        for rule in (rule for rule in rules if rule.daily):
            days = self.days(rule.daily, first - timedelta(days=rule.days), last, now=end)
            windows = self._windows([rule], start, end) if rule.lookback else {}
            yield rule, days, *spells(rule, windows, zone=self._zone, days=days, since=start)

    def _by_reading(
        self, rules: Sequence[Rule], start: datetime, end: datetime
    ) -> Iterator[tuple[Rule, Days, list[Spell], Asked]]:
        mine = [rule for rule in rules if not rule.daily]
        held: dict[str, list[Held]] = {rule.name: [] for rule in mine}
        for chunk in self._chunks(start, end):
            for name, said in self._chunk(mine, *chunk).items():
                held[name] += said
        for rule in mine:
            if rule.later is not None:  # what is asked a while after the last readings of the period
                held[rule.name].append(
                    self._ask(rule, self._windows([rule], end, end), end, end + rule.later)
                )
            every = sorted(held[rule.name], key=lambda one: one.begin)
            asked = Asked(
                last=next((one.asked.last for one in reversed(every) if one.asked.last), None),
                devices={device: at for one in every for device, at in one.asked.devices.items()},
            )
            yield rule, {}, [spell for one in every for spell in one.spells], asked

    def _chunk(
        self, rules: Sequence[Rule], days: Sequence[date], begin: datetime, until: datetime
    ) -> dict[str, list[Held]]:
        """Ask rules about whole days, as far as it is not known what they said, or about a part of one."""
        if not days:
            windows = self._windows(rules, begin, until)
            return {rule.name: [self._ask(rule, windows, begin, until)] for rule in rules}
        back = {rule.name: -(-rule.lookback // _DAY) for rule in rules}
        first = days[0] - timedelta(days=max(back.values(), default=0))
        prints = self._digests.prints(reach_of(rules), first, days[-1])
        said: dict[str, dict[date, str]] = {}
        open_: dict[str, dict[date, bytes]] = {}
        for rule in rules:
            mine = {kind: prints[kind] for kind in rule.kinds}
            said[rule.name], open_[rule.name] = self._digests.known(
                f"rule {rule.name}", days, mine, how=_how(rule), back=back[rule.name]
            )
        new: dict[str, dict[date, str]] = {rule.name: {} for rule in rules}
        for day in days:
            asked = [rule for rule in rules if day in open_[rule.name]]
            from_, to = day_bounds(day, self._zone)
            windows = self._windows(asked, from_, to)
            for rule in asked:
                new[rule.name][day] = _HELD.dump_json(self._ask(rule, windows, from_, to)).decode()
        for name, texts in new.items():
            self._digests.keep(f"rule {name}", texts, open_[name])
        if any(new.values()):
            self._digests.commit()
        return {
            rule.name: [_HELD.validate_json(text) for text in (said[rule.name] | new[rule.name]).values()]
            for rule in rules
        }

    def _ask(self, rule: Rule, windows: Mapping[Kind, Window], begin: datetime, until: datetime) -> Held:
        """Ask a rule about `[begin, until)`: what is to be asked later than that, the next one is asked."""
        found, asked = spells(rule, windows, zone=self._zone, since=begin, until=until)
        return Held(begin=begin, spells=tuple(found), asked=asked)

    def _chunks(
        self, start: datetime, end: datetime
    ) -> Iterator[tuple[tuple[date, ...], datetime, datetime]]:
        """Cut a period into whole local days, a month of them at a time, and what is left at either end."""
        first, last = (at.astimezone(self._zone).date() for at in (start, end))
        if day_bounds(first, self._zone)[0] < start:
            first += _DAY
        days = [first + timedelta(days=n) for n in range((last - first).days)]
        if not days:
            yield (), start, end
            return
        begin, until = day_bounds(days[0], self._zone)[0], day_bounds(days[-1], self._zone)[1]
        if start < begin:
            yield (), start, begin
        for n in range(0, len(days), _MONTH):
            yield tuple(days[n : n + _MONTH]), begin, until
        if until < end:
            yield (), until, end

    def _windows(self, rules: Iterable[Rule], start: datetime, end: datetime) -> Mapping[Kind, Window]:
        """Return the windows that rules need for a period; each reaches back as far as they look."""
        return {kind: self._store.window(kind, start - far, end) for kind, far in reach_of(rules).items()}


def _since(rule: Rule, spell: Spell) -> datetime:
    """Return from when on an episode's numbers are computed."""
    dense = any(KINDS[kind].holds for kind in rule.kinds)
    return max(spell.onset, spell.last - _EVIDENCE) if dense else spell.onset


def _how(rule: Rule) -> str:
    """Name what a rule's answer hangs on beside the readings."""
    settings = " ".join(f"{name}={value!r}" for name, value in sorted(rule.settings.items()))
    return f"{ASKED} {rule.version} {rule.lookback} {rule.every} {rule.join} {rule.later} {settings}"


def reach_of(rules: Iterable[Rule]) -> dict[Kind, timedelta]:
    """Return how far back each kind is looked at."""
    reach: dict[Kind, timedelta] = {}
    for rule in rules:
        for kind in rule.kinds:
            reach[kind] = max(reach.get(kind, timedelta(0)), rule.lookback)
    return reach
