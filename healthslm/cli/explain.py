"""One finding, taken apart: the rule, its numbers, what it was given, and what it could not see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.table import Table
from rich.text import Text

from healthslm.cli import terminal
from healthslm.errors import UsageError
from healthslm.export import words
from healthslm.history import History
from healthslm.readings import Feature, Finding
from healthslm.rulebook import in_force, rule_named
from healthslm.store import Store

_ONSET = timedelta(days=30)
"""So long after its onset a rule may first have said so, as one that looks at days does."""


def finding_named(store: Store, name: str, zone: ZoneInfo) -> Finding:
    """Return the finding with an id such as `fever-20261102T131500Z`, computed anew.

    Raises `UsageError` when the id is none, or when the rule finds nothing there (any more).
    """
    which, _, when = name.rpartition("-")
    try:
        start = datetime.strptime(when, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(
            f"{name!r} is not the id of a finding.", "See the ids with: healthslm findings --json"
        ) from error
    rule = rule_named(which, in_force(store))
    # An id has whole seconds; the rule is asked from there on, until the episode is over.
    span = store.span()
    last = start if span is None else span[1] + timedelta(seconds=1)
    until = start + max(timedelta(days=1), 2 * rule.lookback)
    while True:
        found = _of(History(store, zone).findings([rule], start, until), start)
        enough = until - start >= _ONSET if found is None else found.end + rule.join < until
        if enough or until >= last:
            break
        until += until - start
    if found is not None:
        return found
    raise UsageError(
        f"{rule.title}: nothing begins at {start.astimezone(zone):%Y-%m-%d %H:%M} (any more).",
        "See what there is with: healthslm findings --from DATE",
    )


def _of(findings: Sequence[Finding], start: datetime) -> Finding | None:
    """The episode that begins at a time, or else the one that it lies in."""
    near = [one for one in findings if abs(one.start - start) < timedelta(seconds=1)]
    around = [one for one in findings if one.start <= start <= one.end]
    return next(iter([*near, *around]), None)


def shown(finding: Finding, zone: ZoneInfo) -> Group:
    """Lay out everything about a finding for the terminal."""
    begin, end = (terminal.day_and_clock(at, zone) for at in (finding.start, finding.end))
    until = f"{end}, still so at the last reading" if finding.ongoing else end
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    facts.add_row("level", Text(finding.severity.word, terminal.SEVERITY_STYLE[finding.severity]))
    facts.add_row("when", f"{begin} to {until}")
    facts.add_row("rule", f"{finding.rule}, version {finding.version}")
    facts.add_row("source", terminal.cell(finding.source))
    for number, threshold in enumerate(finding.thresholds):
        text = f"{threshold.name} {words.threshold(threshold)}: {threshold.meaning}"
        facts.add_row("" if number else "goes by", terminal.cell(text))
        if threshold.source:
            facts.add_row("", Text(threshold.source, "dim"))
        if threshold.personal:
            facts.add_row("", Text(words.signed(threshold, zone), "bold"))
    for number, feature in enumerate(finding.evidence):
        facts.add_row("" if number else "saw", terminal.cell(_saw(feature, zone)))
    for number, unseen in enumerate(finding.missing):
        facts.add_row("" if number else "could not see", terminal.cell(unseen))
    facts.add_row("next step", terminal.cell(finding.action))
    return Group(Text(finding.title, "bold"), facts)


def _saw(feature: Feature, zone: ZoneInfo) -> str:
    """Write an input: its number, the readings it stands on, and how much of the time they speak for."""
    line = terminal.evidence_line(feature, zone, {})
    return line if feature.coverage is None else f"{line}, {feature.coverage:.0%} of the time covered"
