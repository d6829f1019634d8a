"""`healthslm alerts`: what was raised, and who has seen it."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from healthslm.alerts import Alert, AlertState, desk
from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.readings import Severity
from healthslm.store.audit import Event

alerts = typer.Typer(help="What was raised, and who has seen it.", no_args_is_help=True)
app.add_typer(alerts, name="alerts")


@alerts.command("list")
def alerts_list(
    context: typer.Context,
    json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
) -> None:
    """List the alerts, newest first."""
    current = session(context)
    with current.store() as store:
        found = [Alert.from_json(document) for _, _, _, document in store.alerts()]
    shown = [a for a in found if every or _matters(a)]
    if json:
        terminal.print_json(
            [
                {
                    "id": a.id,
                    "state": a.state,
                    "severity": a.severity.word,
                    "raised_at": a.raised_at.isoformat(),
                    "acknowledged_at": a.acknowledged_at.isoformat() if a.acknowledged_at else None,
                    "delivered_to": list(a.delivered_to),
                    "finding": terminal.finding_json(a.finding),
                }
                for a in shown
            ]
        )
        return
    hidden = len(found) - len(shown)
    if not shown:
        terminal.out.print("No open alert.")
    else:
        terminal.out.print(_table(shown, current.zone))
    if hidden:
        terminal.say(f"{hidden} more {'is' if hidden == 1 else 'are'} over: healthslm alerts list --all")


def _matters(alert: Alert) -> bool:
    """Say whether an alert is open, or was severe and nobody has said that they saw it."""
    if alert.state is not AlertState.RESOLVED:
        return True
    return alert.acknowledged_at is None and alert.severity >= Severity.URGENT


def _table(shown: list[Alert], zone: ZoneInfo) -> Table:
    table = terminal.table_of("id", "level", "what", "raised", "state", "told", whole=8)
    for a in shown:
        raised = terminal.day_and_clock(a.raised_at, zone)
        level = Text(a.severity.word, terminal.SEVERITY_STYLE[a.severity])
        told = terminal.cell(", ".join(a.delivered_to))
        table.add_row(terminal.cell(a.id[:8]), level, terminal.cell(a.finding.title), raised, a.state, told)
    return table


@alerts.command("ack")
def alerts_ack(
    context: typer.Context, alert: Annotated[str, typer.Argument(help="Its id, or the first letters of it.")]
) -> None:
    """Say that you have seen an alert."""
    with session(context).store() as store:
        seen = desk.acknowledge(store, alert, utc_now())
        store.note_event(Event.ALERT_ACKNOWLEDGED, utc_now(), alert=seen.id[:8], title=seen.finding.title)
    terminal.say(f"{seen.finding.title} ({seen.id[:8]}) is acknowledged.")
