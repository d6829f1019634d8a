"""How often a rule would have warned: asked of this person's own history, before anybody relies on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer

from healthslm import as_json, rulebook
from healthslm.cli import terminal
from healthslm.cli.alerting import alerts
from healthslm.cli.period import To, period
from healthslm.cli.session import session
from healthslm.errors import UsageError
from healthslm.history import History
from healthslm.readings import Finding
from healthslm.rules import Rule

_WEEK = timedelta(days=7)
From = Annotated[
    str | None,
    typer.Option("--from", help="Start, like 2026-11-02 or 2026-11-02T14:30; the first reading if left out."),
]


def _setting(text: str) -> tuple[str, float]:
    name, equals, number = text.partition("=")
    try:
        if not equals:
            raise ValueError
        return name.strip(), float(number)
    except ValueError as error:
        raise UsageError(f"--set {text!r} is not understood.", "Write it as NAME=NUMBER.") from error


def _having(rule: Rule, settings: Sequence[str]) -> Rule:
    for name, number in map(_setting, settings):
        rule = rule.having(name, number, by="replay", at=None, why="tried in a replay")
    return rule


@alerts.command("replay")
def alerts_replay(
    context: typer.Context,
    start: From = None,
    end: To = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule; see `rules list`.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE: try another threshold of the rule.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say how often the rules would have warned in a period; nothing is stored and nobody is told.

    Without --from it is the whole history. With --set the rule as it is stands beside it.
    """
    if settings and rule is None:
        raise UsageError("--set needs to know whose number it is.", "Name it with --rule RULE.")
    current = session(context)
    with current.store() as store:
        span = store.span()
        if span is None and not json:
            terminal.out.print("Nothing was measured, so there is nothing to replay.")
            return
        if start is None and span is not None:
            start = span[0].astimezone(current.zone).date().isoformat()
        begin, until = period(start, end, current, store)
        book = rulebook.in_force(store)
        wanted = book if rule is None else (rulebook.rule_named(rule, book),)
        history = History(store, current.zone)
        now = history.findings(wanted, begin, until)
        tried = history.findings([_having(wanted[0], settings)], begin, until) if settings else None
    if json:
        terminal.print_json(
            {
                "from": begin.isoformat(),
                "to": until.isoformat(),
                "as_it_is": _json(now, begin, until),
                "with": None if tried is None else {"set": settings} | _json(tried, begin, until),
            }
        )
        return
    first, last = (f"{at.astimezone(current.zone):%Y-%m-%d %H:%M}" for at in (begin, until))
    terminal.out.print(f"{first} to {last}, {(until - begin) / timedelta(days=1):.0f} days")
    table = terminal.table_of("rule", "episodes", "a week", "levels", whole=0)
    rows = [(r.name, [f for f in now if f.rule == r.name]) for r in wanted]
    if tried is not None:
        rows.append((f"with {', '.join(settings or ())}", list(tried)))
    for name, found in rows:
        table.add_row(name, str(len(found)), f"{len(found) * _WEEK / (until - begin):.1f}", _levels(found))
    terminal.out.print(table)
    for finding in sorted(tried if tried is not None else now, key=lambda f: f.start):
        when = terminal.day_and_clock(finding.start, current.zone)
        terminal.out.print(terminal.cell(f"{when}  {finding.severity.word:9}  {finding.title}"), style="dim")


def _levels(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(f"{counts[level]} {level.word}" for level in sorted(counts, reverse=True))


def _json(findings: Sequence[Finding], begin: datetime, until: datetime) -> dict[str, object]:
    return {
        "episodes": len(findings),
        "a_week": len(findings) * _WEEK / (until - begin),
        "findings": [as_json.finding(finding) for finding in findings],
    }
