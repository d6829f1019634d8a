"""Alerts and the hooks that carry them."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import shutil
from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from healthslm.alerts import Alert, AlertState, CommandHook, Engine, Hook, Tell, parse_hooks, payload
from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.running import say_if_running
from healthslm.cli.session import hooks_of, session
from healthslm.clock import utc_now
from healthslm.errors import HookError, UsageError
from healthslm.readings import Finding, Severity
from healthslm.store import Store
from healthslm.store.audit import Event

alerts = typer.Typer(help="What was raised, and who has seen it.", no_args_is_help=True)
hooks = typer.Typer(help="Who is told of an alert, and how much.", no_args_is_help=True)
app.add_typer(alerts, name="alerts")
app.add_typer(hooks, name="hooks")
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


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
        seen = Engine(store, (), clock=utc_now).acknowledge(alert, utc_now())
        store.note_event(Event.ALERT_ACKNOWLEDGED, utc_now(), alert=seen.id[:8], title=seen.finding.title)
    terminal.say(f"{seen.finding.title} ({seen.id[:8]}) is acknowledged.")


@hooks.command("add")
def hooks_add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What you call it.")],
    target: Annotated[list[str], typer.Argument(help="An https address, or a command with its arguments.")],
    tell: Annotated[
        Tell,
        typer.Option(help="severity: only the level. title: what and what to do. full: the numbers too."),
    ] = Tell.SEVERITY,
) -> None:
    """Tell somebody of alerts: a web address, or a command that gets the alert on its standard input."""
    web = len(target) == 1 and "://" in target[0]
    row: dict[str, object] = {"name": name, "tell": tell}
    secret = secrets.token_urlsafe(24)
    row |= (
        {"kind": "webhook", "url": target[0], "secret": secret}
        if web
        else {"kind": "command", "argv": target}
    )
    (hook,) = parse_hooks([row])
    if not web and shutil.which(target[0]) is None:
        raise UsageError(
            f"There is no program {target[0]!r} to be found.", "Write its whole path, or install it first."
        )
    current = session(context)
    with current.store() as store:
        kept = hooks_of(store)
        if name in {h.name for h in kept}:
            raise UsageError(f"There is already a hook {name}.", f"First: healthslm hooks remove {name}")
        _save(store, [*kept, hook])
    terminal.say(f"{name} will be told: {_TOLD[hook.tell]}. Next: healthslm hooks test {name}")
    say_if_running(current.settings.home)
    if web:
        terminal.err.print("The secret with which it can check our signature, shown only now:")
        terminal.out.print(secret, markup=False)


_TOLD = {
    Tell.SEVERITY: "that there is an alert, and how severe",
    Tell.TITLE: "the finding and what to do",
    Tell.FULL: "the finding, what to do, and the numbers",
}


def _save(store: Store, rows: list[Hook]) -> None:
    store.put("hooks", [h.model_dump(mode="json") for h in rows])
    store.note_event(Event.SETTING_CHANGED, utc_now(), setting="hooks", now=", ".join(h.name for h in rows))
    store.commit()


@hooks.command("list")
def hooks_list(context: typer.Context, json: Json = False) -> None:
    """List the hooks: where they go and what they are told."""
    with session(context).store() as store:
        rows = hooks_of(store)
    if json:
        terminal.print_json(
            [{"name": h.name, "kind": h.kind, "target": _whole(h), "tell": h.tell} for h in rows]
        )
        return
    if not rows:
        terminal.err.print("No hook yet: alerts are only shown here. Next: healthslm hooks add --help")
        return
    table = terminal.table_of("name", "kind", "target", "told")
    for h in rows:
        table.add_row(terminal.cell(h.name), h.kind, terminal.cell(_whole(h)), _TOLD[h.tell])
    terminal.out.print(table)


def _whole(hook: Hook) -> str:
    """Say where a hook goes: a command with all its arguments, an address without its secrets."""
    return shlex.join(hook.argv) if isinstance(hook, CommandHook) else hook.target


@hooks.command("remove")
def hooks_remove(context: typer.Context, name: str) -> None:
    """Tell nobody by this hook any more."""
    current = session(context)
    with current.store() as store:
        _find(store, name)
        store.outbox_forget(name)
        _save(store, [h for h in hooks_of(store) if h.name != name])
    terminal.say(f"{name} is removed.")
    say_if_running(current.settings.home)


@hooks.command("test")
def hooks_test(context: typer.Context, name: str) -> None:
    """Send a test alert by this hook now, and say whether it arrived and what was in it."""
    with session(context).store() as store:
        hook = _find(store, name)
    now = utc_now()
    finding = Finding(
        rule="test",
        version="1",
        severity=Severity.INFO,
        title="Test",
        action="Nothing to do: somebody is trying this hook.",
        source="healthslm hooks test",
        start=now - timedelta(minutes=1),
        end=now,
    )
    alert = Alert(
        id=f"test-{secrets.token_hex(4)}",
        rule="test",
        state=AlertState.RAISED,
        severity=Severity.INFO,
        finding=finding,
        raised_at=now,
        last_seen=now,
    )
    sent = payload(alert, hook.tell)
    asyncio.run(hook.call(sent))
    terminal.say(f"{hook.target} took it:")
    terminal.out.print(sent, markup=False, soft_wrap=True)


def _find(store: Store, name: str) -> Hook:
    for hook in hooks_of(store):
        if hook.name == name:
            return hook
    raise HookError(f"There is no hook {name}.", "See `healthslm hooks list`.")
