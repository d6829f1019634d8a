"""`healthslm hooks`: who is told of an alert, how, and how much."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from healthslm.alerts import Alert, AlertState, CommandHook, Hook, Tell, parse_hooks, payload
from healthslm.alerts.hooks.base import LOOPBACK
from healthslm.alerts.payload import Occasion
from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.running import say_if_running
from healthslm.cli.session import hooks_of, session
from healthslm.clock import utc_now
from healthslm.errors import HookError, UsageError
from healthslm.readings import Finding, Severity
from healthslm.store import Store
from healthslm.store.audit import Event
from healthslm.store.outbox import OutboxRow

hooks = typer.Typer(help="Who is told of an alert, and how much.", no_args_is_help=True)
app.add_typer(hooks, name="hooks")


@hooks.command("add")
def hooks_add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What you call it.")],
    target: Annotated[
        list[str],
        typer.Argument(
            help="An https address; mailto:ADDRESS; desktop:; mqtts://HOST for Home Assistant; an address as "
            "Apprise writes it (ntfys://, tgram://, matrixs:// ...); or a command with its arguments."
        ),
    ],
    tell: Annotated[
        Tell,
        typer.Option(help="severity: only the level. title: what and what to do. full: the numbers too."),
    ] = Tell.SEVERITY,
    text: Annotated[
        str | None, typer.Option(help="What a person reads, with fields in braces: '{severity}: {message}'.")
    ] = None,
    server: Annotated[str | None, typer.Option(help="The mail server: HOST or HOST:PORT.")] = None,
    sender: Annotated[str | None, typer.Option("--from", help="The address that a mail is from.")] = None,
    user: Annotated[str, typer.Option(help="The name to log in to the mail server or broker with.")] = "",
    password_file: Annotated[
        Path | None,
        typer.Option(help="Read that name's password from a file, instead of asking for it."),
    ] = None,
) -> None:
    """Tell somebody of alerts: by the web, by mail, by a push service, on the desktop, by a program."""
    row = _row(target)
    if row["kind"] == "mail":
        row |= _mail_server(server, sender or user, user, password_file)
    elif server or sender:
        raise UsageError("--server and --from are a mail's.", "Name mailto:ADDRESS.")
    elif row["kind"] == "mqtt":
        row |= {"user": user, "password": _password(user, str(row["host"]), password_file)}
    elif user or password_file:
        raise UsageError("--user and --password-file are a mail's and a broker's.", "Leave them out.")
    if text is not None:
        row["template"] = text
    (hook,) = parse_hooks([{"name": name, "tell": tell, **row}])
    hook.checked()
    if isinstance(hook, CommandHook) and shutil.which(target[0]) is None:
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
    if "secret" in row:
        terminal.err.print("The secret with which it can check our signature, shown only now:")
        terminal.out.print(row["secret"], markup=False)


def _row(target: list[str]) -> dict[str, object]:
    """What kind of hook a target names."""
    first = target[0]
    scheme = first.partition(":")[0].lower() if ":" in first and len(target) == 1 else ""
    if scheme in ("http", "https"):
        return {"kind": "webhook", "url": first, "secret": secrets.token_urlsafe(24)}
    if scheme == "mailto":
        return {"kind": "mail", "to": [one.strip() for one in first.partition(":")[2].split(",")]}
    if scheme == "desktop":
        return {"kind": "desktop"}
    if scheme in ("mqtt", "mqtts"):
        return _broker(first)
    if scheme and "://" in first:
        return {"kind": "apprise", "url": first}
    return {"kind": "command", "argv": target}


def _mail_server(server: str | None, sender: str, user: str, password_file: Path | None) -> dict[str, object]:
    """By which server a mail goes, with the password that is asked for."""
    if server is None or not sender:
        raise UsageError(
            "A mail needs a server and a sender.", "Add --server smtp.example.org --from me@example.org."
        )
    try:
        parts = urlsplit(f"//{server}")
        host, port = parts.hostname or "", parts.port or 587
    except ValueError as error:
        raise UsageError(f"{server!r} is no server.", "Write HOST or HOST:PORT.") from error
    password = _password(user, host, password_file)
    security = "tls" if port == 465 else "none" if host in LOOPBACK else "starttls"
    return {
        "host": host,
        "port": port,
        "security": security,
        "sender": sender,
        "user": user,
        "password": password,
    }


_HOW_A_BROKER = "Write mqtts://HOST or mqtts://HOST:PORT, and the user's name with --user."


def _broker(address: str) -> dict[str, object]:
    """Read where an MQTT broker is."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError("That is no broker's address.", _HOW_A_BROKER) from error
    if not host or "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError("A broker's address is a host, and a port if need be.", _HOW_A_BROKER)
    tls = parts.scheme == "mqtts"
    return {"kind": "mqtt", "host": host, "port": port or (8883 if tls else 1883), "tls": tls}


def _password(user: str, host: str, file: Path | None) -> str:
    """Read a user's password from a file, or ask for it."""
    if not user:
        return ""
    if file is None:
        return str(typer.prompt(f"Password of {user} at {host}", hide_input=True, err=True))
    try:
        return file.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        raise UsageError(f"{file} cannot be read as a password's file.") from error


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
    """List the hooks: where they go, what they are told, what waits for them and why."""
    with session(context).store() as store:
        rows = hooks_of(store)
        waiting = {h.name: store.outbox(h.name) for h in rows}
    if json:
        terminal.print_json(
            [
                {
                    "name": h.name,
                    "kind": h.kind,
                    "target": _whole(h),
                    "tell": h.tell,
                    "waiting": len(waiting[h.name]),
                    "error": _trouble(waiting[h.name]),
                }
                for h in rows
            ]
        )
        return
    if not rows:
        terminal.err.print("No hook yet: alerts are only shown here. Next: healthslm hooks add --help")
        return
    table = terminal.table_of("name", "kind", "target", "told", "waiting")
    for h in rows:
        count = len(waiting[h.name])
        table.add_row(
            terminal.cell(h.name),
            h.kind,
            terminal.cell(_whole(h)),
            _TOLD[h.tell],
            str(count) if count else "",
        )
    terminal.out.print(table)
    for h in rows:
        if why := _trouble(waiting[h.name]):
            terminal.say(f"{why} It is tried again while healthslm runs.", "yellow")


def _trouble(waiting: list[OutboxRow]) -> str:
    """Why the oldest payload was not taken; empty where it was not refused."""
    return waiting[0].error if waiting else ""


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
    sent = payload(alert, hook.tell, Occasion.TEST)
    hook.ready()
    asyncio.run(hook.call(sent, key=alert.id))
    terminal.say(f"{hook.target} took it:")
    terminal.out.print(sent, markup=False, soft_wrap=True)


def _find(store: Store, name: str) -> Hook:
    for hook in hooks_of(store):
        if hook.name == name:
            return hook
    raise HookError(f"There is no hook {name}.", "See `healthslm hooks list`.")
