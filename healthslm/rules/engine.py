"""Asking rules: about now, and about every moment of a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis import Days
from healthslm.readings import Finding, Kind, Severity, Times, Window, moment
from healthslm.rules.alone import UNCONFIRMED
from healthslm.rules.base import Case, Rule, Verdict, Windows
from healthslm.rules.devices import devices_in, of_device

_TICK = timedelta(microseconds=1)
"""Windows are half-open: a reading at `now` is inside when the window ends one tick later."""
_STEP = timedelta(seconds=30)
"""History is asked at readings' times, once in this long at the most; nothing here changes faster."""
ASKED = "3"
"""The version of how rules are asked. 2: several devices one by one; 3: each with its own last moment."""
_UTC = ZoneInfo("UTC")
_NO_DAYS: Days = {}
_ALWAYS, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A stretch of moments at which a rule held: asked `first` to `last`, with readings from `onset` on.

    `device` is the one whose readings showed it, where several sent the same.
    """

    onset: datetime
    first: datetime
    last: datetime
    severity: Severity
    missing: tuple[str, ...] = ()
    alone: bool = False
    device: int | None = None

    def with_next(self, later: Spell) -> Spell:
        """Return both as one: as severe as the worse, and blind to what either could not see.

        One reading alone is no longer alone in an episode that others have made worse.
        """
        worst = max(self.severity, later.severity)
        return Spell(
            onset=min(self.onset, later.onset),
            first=self.first,
            last=max(self.last, later.last),
            severity=worst,
            missing=tuple(dict.fromkeys((*self.missing, *later.missing))),
            alone=any(one.alone for one in (self, later) if one.severity is worst),
            device=next(
                (
                    one.device
                    for one in sorted((self, later), key=lambda one: -one.severity)
                    if one.device is not None
                ),
                None,
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The last moment at which a rule was asked: of all readings, and of each device where several sent."""

    last: datetime | None = None
    devices: Mapping[int, datetime] = field(default_factory=dict)

    def still(self, spell: Spell) -> bool:
        """Say whether a stretch goes on to the last moment at which its own device was asked of."""
        own = None if spell.device is None else self.devices.get(spell.device)
        return spell.last == (own or self.last)


class _Cut(Mapping[Kind, Window]):
    """A rule's own windows, cut to `[start, end]` when they are looked at; empty where there is none."""

    __slots__ = ("_end", "_kinds", "_made", "_start", "_windows")

    def __init__(self, windows: Windows, kinds: tuple[Kind, ...], start: datetime, end: datetime) -> None:
        self._windows = windows
        self._kinds = kinds
        self._start = start
        self._end = end + _TICK
        self._made: dict[Kind, Window] = {}

    def __getitem__(self, kind: Kind) -> Window:
        made = self._made.get(kind)
        if made is None:
            if kind not in self._kinds:
                raise KeyError(kind)
            whole = self._windows.get(kind)
            made = self._made[kind] = (
                Window.of(kind, self._start, self._end, ())
                if whole is None
                else whole.between(self._start, self._end)
            )
        return made

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


def _case(
    rule: Rule,
    windows: Windows,
    start: datetime,
    end: datetime,
    *,
    zone: ZoneInfo,
    days: Days,
    prepared: Any,
) -> Case:
    """What the rule is asked about `[start, end]`."""
    return Case(
        windows=_Cut(windows, rule.kinds, start, end),
        now=end,
        zone=zone,
        thresholds=rule.settings,
        days={d.name: days[d.name].until(end) for d in rule.daily if d.name in days},
        prepared=prepared,
    )


def _prepared(rule: Rule, windows: Windows) -> Any:
    """What the rule makes of its own kinds and no others: live there are none."""
    if rule.prepare is None:
        return None
    return rule.prepare({kind: windows[kind] for kind in rule.kinds if kind in windows}, rule.settings)


def finding_of(
    rule: Rule,
    spell: Spell,
    windows: Windows,
    *,
    ongoing: bool,
    zone: ZoneInfo = _UTC,
    days: Days = _NO_DAYS,
    prepared: Any = None,
) -> Finding:
    """Return the finding of an episode, with the evidence of windows that reach over all of it."""
    windows = of_device(rule, windows, spell.device)
    if prepared is None:
        prepared = _prepared(rule, windows)
    case = _case(rule, windows, spell.onset, spell.last, zone=zone, days=days, prepared=prepared)
    unseen = (UNCONFIRMED, *spell.missing) if spell.alone else spell.missing
    return Finding(
        rule=rule.name,
        version=rule.version,
        severity=spell.severity,
        title=rule.title,
        action=rule.alone if spell.alone and rule.alone else rule.actions[spell.severity],
        source=rule.source,
        start=spell.onset,
        end=spell.last,
        ongoing=ongoing,
        evidence=rule.evidence(case),
        missing=(*rule.missing, *(word for word in unseen if word not in rule.missing)),
        thresholds=rule.thresholds,
    )


def judge(
    rule: Rule, windows: Windows, now: datetime, *, zone: ZoneInfo = _UTC, days: Days = _NO_DAYS
) -> Finding | None:
    """Ask one rule about `now`: the finding that holds at this moment, or `None`.

    `windows` must reach back `rule.lookback`, `days` `rule.days`; what is older is not looked at.
    """
    recent = _Cut(windows, rule.kinds, now - rule.lookback, now)
    worst: tuple[Spell, Windows, Any] | None = None
    for device in devices_in(rule, recent):
        mine = of_device(rule, recent, device)
        prepared = _prepared(rule, mine)
        case = _case(rule, mine, now - rule.lookback, now, zone=zone, days=days, prepared=prepared)
        verdict = rule.verdict(case)
        if verdict is not None and (worst is None or verdict.severity > worst[0].severity):
            worst = _spell(now, verdict), mine, prepared
    if worst is None:
        return None
    spell, mine, prepared = worst
    return finding_of(rule, spell, mine, ongoing=True, zone=zone, days=days, prepared=prepared)


def _spell(at: datetime, verdict: Verdict, device: int | None = None) -> Spell:
    return Spell(
        onset=verdict.onset,
        first=at,
        last=at,
        severity=verdict.severity,
        missing=verdict.missing,
        alone=verdict.alone,
        device=device,
    )


def _moments(rule: Rule, windows: Windows, days: Days) -> list[tuple[datetime, datetime]]:
    """The moments at which a rule is asked about history, in order, each with the reading's that it is of.

    They are the readings' times, or the ends of days for a rule that looks at days. A rule with `later` is
    asked so long after a reading too, where none followed.
    """
    if rule.daily:
        ends = (f.end for d in rule.daily if d.name in days for f in days[d.name].features)
        return [(end, end) for end in sorted(set(ends))]
    present = [windows[kind].times for kind in rule.kinds if kind in windows]
    times = np.concatenate(present) if present else np.array([], dtype="datetime64[us]")
    if not len(times):
        return []
    if len(present) > 1:
        times.sort(kind="stable")
    # Steps of the clock, not of the window: a period that begins elsewhere is asked at the same moments.
    bins = times.astype("M8[us]").view(np.int64) // (max(_STEP, rule.every) // _TICK)
    # The last reading of each step: with it the rule has seen all of the step.
    times = times[np.flatnonzero(np.append(bins[1:] != bins[:-1], [True]))]
    asked, seen = _and_later(times, rule.later)
    return [(moment(a), moment(s)) for a, s in zip(asked, seen, strict=True)]


def _and_later(times: Times, later: timedelta | None) -> tuple[Times, Times]:
    if later is None:
        return times, times
    quiet = times[np.append(np.diff(times) > np.timedelta64(later), [True])]
    asked = np.concatenate([times, quiet + np.timedelta64(later)])
    order = np.argsort(asked, kind="stable")
    return asked[order], np.concatenate([times, quiet])[order]


def joined(rule: Rule, spells: Iterable[Spell]) -> list[Spell]:
    """Put spells that lie close enough together into one; they come and go in order of time."""
    episodes: list[Spell] = []
    for spell in spells:
        if episodes and spell.onset - episodes[-1].last <= rule.join:
            episodes[-1] = episodes[-1].with_next(spell)
        else:
            episodes.append(spell)
    return episodes


def spells(
    rule: Rule,
    windows: Windows,
    *,
    zone: ZoneInfo = _UTC,
    days: Days = _NO_DAYS,
    since: datetime = _ALWAYS,
    until: datetime = _NEVER,
) -> tuple[list[Spell], Asked]:
    """Ask one rule about every moment from `since` on, before `until`.

    Returns the stretches in which it held, in order, and the last moments at which it was asked.
    """
    found, asked, _ = _asked(rule, windows, zone=zone, days=days, since=since, until=until)
    return found, asked


def _asked(
    rule: Rule,
    windows: Windows,
    *,
    zone: ZoneInfo,
    days: Days,
    since: datetime,
    until: datetime = _NEVER,
) -> tuple[list[Spell], Asked, Any]:
    """The same, and what the rule prepared for it: evidence needs that again."""
    held: list[Spell] = []
    asked: dict[int | None, datetime] = {}
    prepared = None
    devices = devices_in(rule, windows)
    for device in devices:
        mine = of_device(rule, windows, device)
        moments = [(at, seen) for at, seen in _moments(rule, mine, days) if since <= at < until]
        if not moments:
            continue
        prepared = _prepared(rule, mine)
        for now, seen in moments:
            back = now - rule.lookback
            verdict = rule.verdict(_case(rule, mine, back, now, zone=zone, days=days, prepared=prepared))
            if verdict is not None:
                held.append(_spell(seen, verdict, device))
        asked[device] = max(seen for _, seen in moments)
    held.sort(key=lambda spell: spell.last)
    last = Asked(
        last=max(asked.values(), default=None),
        devices={device: at for device, at in asked.items() if device is not None},
    )
    return joined(rule, held), last, prepared if len(devices) == 1 else None


def scan(
    rule: Rule,
    windows: Windows,
    *,
    zone: ZoneInfo = _UTC,
    days: Days = _NO_DAYS,
    since: datetime = _ALWAYS,
) -> list[Finding]:
    """Ask one rule about every moment from `since` on: one finding an episode, in order of time.

    An episode is as severe as its worst moment. It is `ongoing` when the rule still held at the last moment.
    """
    found, asked, prepared = _asked(rule, windows, zone=zone, days=days, since=since)
    return [
        finding_of(rule, one, windows, ongoing=asked.still(one), zone=zone, days=days, prepared=prepared)
        for one in found
    ]


def scan_all(
    rules: Iterable[Rule],
    windows: Windows,
    *,
    zone: ZoneInfo = _UTC,
    days: Days = _NO_DAYS,
    since: datetime = _ALWAYS,
) -> tuple[Finding, ...]:
    """Ask every rule about a period; the most severe findings first, then by time."""
    return by_severity(
        finding for rule in rules for finding in scan(rule, windows, zone=zone, days=days, since=since)
    )


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put the most severe findings first, then the earlier ones."""
    return tuple(sorted(findings, key=lambda f: (-f.severity, f.start)))
