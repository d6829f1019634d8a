"""`healthslm alerts list`: how far every alert has come, who was told and took it, and who is next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from healthslm import as_json
from healthslm.alerts import Alert, AlertState, Hook, desk
from healthslm.alerts.alert import Held
from healthslm.alerts.policy import Policy, policy_of
from healthslm.cli import terminal
from healthslm.cli.alerting import alerts, matters
from healthslm.cli.app import Json
from healthslm.cli.session import hooks_of, session
from healthslm.clock import utc_now
from healthslm.text import many


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What an alert is shown by: the person's hooks and wishes, and this moment."""

    hooks: Sequence[Hook]
    policy: Policy
    all_snoozed: datetime | None
    now: datetime
    zone: ZoneInfo

    def held(self, alert: Alert) -> tuple[Held, datetime | None]:
        """Say why nobody is told of an alert now, and until when, where that is known.

        A snooze counts from when it was asked for, though no `healthslm run` has taken note of it.
        """
        told_of = alert.state in (AlertState.RAISED, AlertState.DELIVERED)
        if told_of and alert.is_snoozed(self.now):
            return Held.SNOOZED, alert.snoozed_until
        if told_of and self.all_snoozed and not self.policy.spares(alert.rule, alert.severity):
            return Held.SNOOZED, self.all_snoozed
        if alert.held is Held.QUIET:
            return Held.QUIET, self.policy.quiet_until(self.now.astimezone(self.zone), alert.severity)
        return (Held.NOT if alert.held is Held.SNOOZED else alert.held), None

    def lines(self, alert: Alert) -> Iterator[str]:
        """Yield what became of it, and what comes next."""
        yield self._state(alert)
        if told := self._told(alert):
            yield told
        held, until = self.held(alert)
        if held is not Held.NOT:
            yield f"held back: {held}{f', until {self._when(until)}' if until else ''}"
        elif alert.state in (AlertState.RAISED, AlertState.DELIVERED):
            yield from self._next(alert)

    def _state(self, alert: Alert) -> str:
        raised = self._when(alert.raised_at)
        if alert.state is AlertState.PENDING:
            wait = round(self.policy.confirmation(alert.rule, alert.severity) / timedelta(minutes=1))
            return f"pending since {raised}: raised once it has held for {many(wait, 'minute')}"
        seen = ""
        if alert.acknowledged_at is not None:
            by = f" by {alert.acknowledged_by}" if alert.acknowledged_by else ""
            seen = f", acknowledged {self._when(alert.acknowledged_at)}{by}"
        if alert.state is not AlertState.RESOLVED:
            return f"raised {raised}{seen}"
        over = f", over {self._when(alert.resolved_at)}" if alert.resolved_at else ", over"
        unseen = "" if seen else ", seen by nobody"
        return f"raised {raised}{seen}{over}{f' ({alert.ended})' if alert.ended else ''}{unseen}"

    def _told(self, alert: Alert) -> str:
        """Who was told, how often, and whether it arrived."""
        said = []
        for hook, told in alert.told.items():
            times = f" ({told.times} times)" if told.times > 1 else ""
            arrived = "" if hook in alert.delivered_to else ", not delivered"
            said.append(f"{hook} {self._when(told.at)}{times}{arrived}")
        if said:
            return f"told: {'; '.join(said)}"
        waits = alert.state in (AlertState.RAISED, AlertState.DELIVERED)
        return "nobody was told yet" if waits else ""

    def _next(self, alert: Alert) -> Iterator[str]:
        """Who is called, or told again, when nobody acknowledges it."""
        due = sorted(
            ((alert.due_since or self.now) + timedelta(minutes=hook.after_min), hook.name)
            for hook in self.hooks
            if hook.after_min and hook.name not in alert.told and hook.wants(alert.rule, alert.severity)
        )
        every = self.policy.repetition(alert.rule, alert.severity)
        most = self.policy.repeat_times.get(alert.severity, 0)
        due += sorted(
            (told.at + every, f"{name} again")
            for name, told in alert.told.items()
            if every and told.times <= most and name in alert.delivered_to
        )
        if due:
            yield f"next, if nobody acknowledges it: {', '.join(f'{n} {self._when(at)}' for at, n in due)}"

    def _when(self, time: datetime) -> str:
        """Write a time: the day too, unless it is today."""
        if time.astimezone(self.zone).date() == self.now.astimezone(self.zone).date():
            return terminal.clock(time, self.zone)
        return terminal.day_and_clock(time, self.zone)


@alerts.command("list")
def alerts_list(
    context: typer.Context,
    json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> None:
    """List the alerts, newest first: how far each has come, who was told, and who is next."""
    current, now = session(context), utc_now()
    with current.store() as store:
        found = list(desk.alerts_in(store))
        view = _View(
            hooks=hooks_of(store),
            policy=policy_of(store),
            all_snoozed=desk.all_snoozed_until(store, now),
            now=now,
            zone=current.zone,
        )
    shown = [a for a in found if every or matters(a)]
    if json:
        terminal.print_json([_json(a, view) for a in shown])
        return
    if view.all_snoozed:
        until = terminal.day_and_clock(view.all_snoozed, current.zone)
        terminal.say(f"Everything is snoozed until {until}, but the emergencies that are spared.", "yellow")
    hidden = len(found) - len(shown)
    if not shown:
        terminal.out.print("No open alert.")
    else:
        terminal.out.print(_table(shown, view))
    if hidden:
        terminal.say(f"{hidden} more {'is' if hidden == 1 else 'are'} over: healthslm alerts list --all")


def _table(shown: Sequence[Alert], view: _View) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=9)
    table.add_column(overflow="fold")
    for a in shown:
        over = a.state is AlertState.RESOLVED
        style = "dim" if over or a.state is AlertState.PENDING else terminal.SEVERITY_STYLE[a.severity]
        title = terminal.cell(a.finding.title, "" if over else "bold")
        was = f" (was {a.finding.severity.word})" if a.finding.severity > a.severity else ""
        about = Text.assemble(title, was, "  ", (terminal.printable(a.id[:8]), "dim"))
        for line in view.lines(a):
            about.append(f"\n{terminal.printable(line)}")
        table.add_row(Text(a.severity.word, style), about)
    return table


def _json(alert: Alert, view: _View) -> dict[str, object]:
    held, until = view.held(alert)
    return {
        "id": alert.id,
        "rule": alert.rule,
        "state": alert.state,
        "severity": alert.severity.word,
        "raised_at": alert.raised_at.isoformat(),
        "due_since": _iso(alert.due_since),
        "held": held or None,
        "held_until": _iso(until),
        "snoozed_until": _iso(alert.snoozed_until),
        "told": {
            hook: {"at": told.at.isoformat(), "times": told.times, "delivered": hook in alert.delivered_to}
            for hook, told in alert.told.items()
        },
        "delivered_to": list(alert.delivered_to),
        "acknowledged_at": _iso(alert.acknowledged_at),
        "acknowledged_by": alert.acknowledged_by or None,
        "resolved_at": _iso(alert.resolved_at),
        "ended": alert.ended or None,
        "finding": as_json.finding(alert.finding),
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
