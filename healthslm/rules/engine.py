"""Asking rules: about now, and about every moment of a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from healthslm.readings import Finding, Window, moment
from healthslm.rules.base import Rule, Verdict, Windows

_TICK = timedelta(microseconds=1)
"""Windows are half-open: a reading at `now` is inside when the window ends one tick later."""
_STEP = np.timedelta64(30, "s")
"""History is asked at readings' times, once in this long at the most; nothing here changes faster."""


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


def _finding(rule: Rule, windows: Windows, verdict: Verdict, end: datetime, *, ongoing: bool) -> Finding:
    return Finding(
        rule=rule.name,
        version=rule.version,
        severity=verdict.severity,
        title=rule.title,
        action=rule.actions[verdict.severity],
        source=rule.source,
        start=verdict.onset,
        end=end,
        ongoing=ongoing,
        evidence=rule.evidence(_cut(windows, rule, verdict.onset, end)),
        missing=rule.missing,
    )


def judge(rule: Rule, windows: Windows, now: datetime) -> Finding | None:
    """Ask one rule about `now`: the finding that holds at this moment, or `None`.

    `windows` must reach back `rule.lookback`; older readings in them are not looked at.
    """
    verdict = rule.verdict(_cut(windows, rule, now - rule.lookback, now), now)
    return None if verdict is None else _finding(rule, windows, verdict, now, ongoing=True)


def _moments(rule: Rule, windows: Windows) -> list[datetime]:
    """The readings' times at which a rule is asked about history, in order."""
    present = [windows[kind].times for kind in rule.kinds if kind in windows]
    times = np.unique(np.concatenate(present)) if present else np.array([], dtype="datetime64[us]")
    if not len(times):
        return []
    bins = (times - times[0]) // _STEP
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


def scan(rule: Rule, windows: Windows) -> list[Finding]:
    """Ask one rule about every moment of its windows: one finding an episode, in order of time.

    An episode is as severe as its worst moment. It is `ongoing` when the rule still held at the last reading.
    """
    moments = _moments(rule, windows)
    held = []
    for now in moments:
        verdict = rule.verdict(_cut(windows, rule, now - rule.lookback, now), now)
        if verdict is not None:
            held.append(_Moment(now, verdict))
    findings = []
    for episode in _episodes(rule, held):
        worst = Verdict(
            severity=max(m.verdict.severity for m in episode), onset=min(m.verdict.onset for m in episode)
        )
        last = episode[-1].at
        findings.append(_finding(rule, windows, worst, last, ongoing=last == moments[-1]))
    return findings


def scan_all(rules: Iterable[Rule], windows: Windows) -> tuple[Finding, ...]:
    """Ask every rule about a period; the most severe findings first, then by time."""
    return by_severity(finding for rule in rules for finding in scan(rule, windows))


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put the most severe findings first, then the earlier ones."""
    return tuple(sorted(findings, key=lambda f: (-f.severity, f.start)))
