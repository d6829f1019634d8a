"""Asking rules: about now, and about every moment of a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from healthslm.analysis import Days
from healthslm.readings import Finding, Window, moment
from healthslm.rules.base import Case, Rule, Verdict, Windows

_TICK = timedelta(microseconds=1)
"""Windows are half-open: a reading at `now` is inside when the window ends one tick later."""
_STEP = timedelta(seconds=30)
"""History is asked at readings' times, once in this long at the most; nothing here changes faster."""
_UTC = ZoneInfo("UTC")
_NO_DAYS: Days = {}
_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Moment:
    """One moment at which a rule held."""

    at: datetime
    verdict: Verdict


def _cut(windows: Windows, rule: Rule, start: datetime, end: datetime) -> Windows:
    """The rule's own windows, cut to `[start, end]`; empty where there is no window of a kind."""
    return {
        kind: windows[kind].between(start, end + _TICK)
        if kind in windows
        else Window.of(kind, start, end + _TICK, ())
        for kind in rule.kinds
    }


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
        windows=_cut(windows, rule, start, end),
        now=end,
        zone=zone,
        thresholds=rule.settings,
        days={d.name: days[d.name].until(end) for d in rule.daily if d.name in days},
        prepared=prepared,
    )


def _prepared(rule: Rule, windows: Windows) -> Any:
    return None if rule.prepare is None else rule.prepare(windows, rule.settings)


def _finding(rule: Rule, case: Case, verdict: Verdict, *, ongoing: bool) -> Finding:
    return Finding(
        rule=rule.name,
        version=rule.version,
        severity=verdict.severity,
        title=rule.title,
        action=rule.actions[verdict.severity],
        source=rule.source,
        start=verdict.onset,
        end=case.now,
        ongoing=ongoing,
        evidence=rule.evidence(case),
        missing=(*rule.missing, *(m for m in verdict.missing if m not in rule.missing)),
        thresholds=rule.thresholds,
    )


def judge(
    rule: Rule, windows: Windows, now: datetime, *, zone: ZoneInfo = _UTC, days: Days = _NO_DAYS
) -> Finding | None:
    """Ask one rule about `now`: the finding that holds at this moment, or `None`.

    `windows` must reach back `rule.lookback`, `days` `rule.days`; what is older is not looked at.
    """
    recent = _cut(windows, rule, now - rule.lookback, now)
    prepared = _prepared(rule, recent)
    case = _case(rule, recent, now - rule.lookback, now, zone=zone, days=days, prepared=prepared)
    verdict = rule.verdict(case)
    if verdict is None:
        return None
    episode = _case(rule, recent, verdict.onset, now, zone=zone, days=days, prepared=prepared)
    return _finding(rule, episode, verdict, ongoing=True)


def _moments(rule: Rule, windows: Windows, days: Days) -> list[datetime]:
    """The moments at which a rule is asked about history, in order.

    They are the readings' times, or the ends of days for a rule that looks at days.
    """
    if rule.daily:
        ends = (f.end for d in rule.daily if d.name in days for f in days[d.name].features)
        return sorted(set(ends))
    present = [windows[kind].times for kind in rule.kinds if kind in windows]
    times = np.unique(np.concatenate(present)) if present else np.array([], dtype="datetime64[us]")
    if not len(times):
        return []
    bins = (times - times[0]) // np.timedelta64(max(_STEP, rule.every))
    # The last reading of each step: with it the rule has seen all of the step.
    last = np.flatnonzero(np.append(bins[1:] != bins[:-1], [True]))
    return [moment(t) for t in times[last]]


def _episodes(rule: Rule, held: Iterable[_Moment]) -> Iterator[list[_Moment]]:
    """Moments that lie close enough together to be one episode."""
    episode: list[_Moment] = []
    for one in held:
        if episode and one.verdict.onset - episode[-1].at > rule.join:
            yield episode
            episode = []
        episode.append(one)
    if episode:
        yield episode


def scan(
    rule: Rule,
    windows: Windows,
    *,
    zone: ZoneInfo = _UTC,
    days: Days = _NO_DAYS,
    since: datetime = _ALWAYS,
) -> list[Finding]:
    """Ask one rule about every moment from `since` on: one finding an episode, in order of time.

    An episode is as severe as its worst moment, and could not see what any of its moments could not. It is
    `ongoing` when the rule still held at the last moment.
    """
    moments = [at for at in _moments(rule, windows, days) if at >= since]
    if not moments:
        return []
    prepared = _prepared(rule, windows)
    held = []
    for now in moments:
        back = now - rule.lookback
        verdict = rule.verdict(_case(rule, windows, back, now, zone=zone, days=days, prepared=prepared))
        if verdict is not None:
            held.append(_Moment(now, verdict))
    findings = []
    for episode in _episodes(rule, held):
        worst = Verdict(
            severity=max(m.verdict.severity for m in episode),
            onset=min(m.verdict.onset for m in episode),
            missing=tuple(dict.fromkeys(word for m in episode for word in m.verdict.missing)),
        )
        last = episode[-1].at
        case = _case(rule, windows, worst.onset, last, zone=zone, days=days, prepared=prepared)
        findings.append(_finding(rule, case, worst, ongoing=last == moments[-1]))
    return findings


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
