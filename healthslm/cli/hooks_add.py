"""`healthslm hooks add`: somebody new is told of alerts, in one of many ways."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from healthslm.alerts import CommandHook, Hook, Tell, parse_hooks
from healthslm.alerts.hooks.base import LOOPBACK, can_be_host
from healthslm.alerts.payload import Form
from healthslm.alerts.watch import Watched
from healthslm.cli import terminal
from healthslm.cli.hooks import TOLD, hooks, keep, when
from healthslm.cli.levels import Level
from healthslm.cli.session import hooks_of, session
from healthslm.errors import HookError, UsageError
from healthslm.readings import Kind
from healthslm.rulebook import rule_named

_HOW = "See `healthslm hooks add --help`."


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
    after: Annotated[
        int,
        typer.Option(
            metavar="MINUTES", help="Only when nobody has acknowledged it so long after it was told."
        ),
    ] = 0,
    least: Annotated[Level, typer.Option(help="Only of this level and above.")] = Level.WATCH,
    rules: Annotated[
        str,
        typer.Option(
            metavar="RULE,...",
            help="Only of these; see `rules list`. Name what is missing too, like "
            "engine_stopped,no_data, or it is not told of that.",
        ),
    ] = "",
    over: Annotated[
        bool, typer.Option("--over", help="Also when it is acknowledged, and when it is over.")
    ] = False,
    heartbeat: Annotated[
        int, typer.Option(metavar="MINUTES", help="Also say so often that healthslm is at work.")
    ] = 0,
    vitals: Annotated[
        str, typer.Option(metavar="KIND,...", help="Also the latest of these, like heart_rate,spo2.")
    ] = "",
    vitals_every: Annotated[int, typer.Option(metavar="SECONDS", help="How often at the most.")] = 60,
    form: Annotated[
        Form, typer.Option(help="fhir: as a FHIR DetectedIssue, with --tell full.")
    ] = Form.HEALTHSLM,
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
    if text is not None and row["kind"] in ("command", "webhook", "mqtt"):
        raise UsageError("--text is for what a person reads: a mail, a push, the desktop.", "Leave it out.")
    if text is not None:
        row["template"] = text
    row |= {
        "after_min": after,
        "least": least.severity,
        "rules": [_rule(rule) for rule in _words(rules)],
        "heartbeat_min": heartbeat,
        "vitals": [_kind(kind) for kind in _words(vitals)],
        "vitals_s": vitals_every,
        "form": form,
    }
    hook = _usable({"name": name, "tell": tell, **row, **({"over": True} if over else {})})
    if isinstance(hook, CommandHook) and shutil.which(hook.argv[0]) is None:
        raise UsageError(
            f"There is no program {target[0]!r} to be found.", "Write its whole path, or install it first."
        )
    with session(context).store() as store:
        kept = hooks_of(store)
        if name in {h.name for h in kept}:
            raise UsageError(f"There is already a hook {name}.", f"First: healthslm hooks remove {name}")
        keep(store, [*kept, hook])
    terminal.say(f"{name} will be told {TOLD[hook.tell]}{when(hook)}. Next: healthslm hooks test {name}")
    if hook.rules and not set(hook.rules) & set(Watched):
        terminal.say(
            f"{name} is not told when something is missing, nor that healthslm has stopped. "
            f"To be told: --rules {','.join(hook.rules)},engine_stopped,no_data,device_gone",
            "yellow",
        )
    if "secret" in row:
        terminal.err.print("The secret with which it can check our signature, shown only now:")
        terminal.out.print(row["secret"], markup=False)


def _usable(row: dict[str, object]) -> Hook:
    """Make the hook. What cannot work in it was typed so; a package that is missing was not."""
    try:
        (hook,) = parse_hooks([row])
    except HookError as error:
        raise UsageError(error.message, error.hint) from error
    hook.ready()
    try:
        hook.checked()
    except HookError as error:
        raise UsageError(error.message, error.hint or _HOW) from error
    return hook


def _words(text: str) -> Sequence[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _rule(name: str) -> str:
    if name in set(Watched):
        return name
    try:
        return rule_named(name).name
    except UsageError as error:
        missing = f"What is missing has names too: {', '.join(Watched)}."
        raise UsageError(error.message, f"{error.hint} {missing}") from error


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError as error:
        raise UsageError(
            f"There is nothing like {name!r} to measure.", f"There are: {', '.join(Kind)}."
        ) from error


def _row(target: list[str]) -> dict[str, object]:
    """What kind of hook a target names."""
    first = target[0]
    scheme = first.partition(":")[0].lower() if ":" in first and len(target) == 1 else ""
    if scheme in ("http", "https"):
        return {"kind": "webhook", "url": first, "secret": secrets.token_urlsafe(24)}
    if scheme == "mailto":
        return {"kind": "mail", "to": [one.strip() for one in first.partition(":")[2].split(",")]}
    if scheme == "desktop":
        if first != f"{scheme}:":
            raise UsageError("This desktop has no address.", "Write it like: desktop:")
        return {"kind": "desktop"}
    if scheme in ("mqtt", "mqtts"):
        return _broker(first)
    if scheme and "://" in first:
        return {"kind": "apprise", "url": first}
    return {"kind": "command", "argv": [*map(_whole_path, target)]}


def _whole_path(word: str) -> str:
    """Name a file that is there by its whole path: `healthslm run` may be started in another folder.

    A link stays one: behind that to an environment's Python there is another Python.
    """
    written = ("/" in word and not word.startswith("/")) or Path(word).suffix
    return str(Path(word).absolute()) if written and Path(word).is_file() else word


def _mail_server(server: str | None, sender: str, user: str, password_file: Path | None) -> dict[str, object]:
    """By which server a mail goes, with the password that is asked for."""
    if server is None or not sender:
        raise UsageError(
            "A mail needs a server and a sender.", "Add --server smtp.example.org --from me@example.org."
        )
    try:
        parts = urlsplit(f"//{server}")
        host, port = parts.hostname or "", 587 if parts.port is None else parts.port
    except ValueError as error:
        raise UsageError(f"{server!r} is no server.", "Write HOST or HOST:PORT.") from error
    if not can_be_host(host):
        raise UsageError(f"{server!r} is no server.", "Write HOST or HOST:PORT.")
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


_HOW_A_BROKER = "Write mqtts://HOST, :PORT and /TOPIC if need be, and the user's name with --user."


def _broker(address: str) -> dict[str, object]:
    """Read where an MQTT broker is."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError("That is no broker's address.", _HOW_A_BROKER) from error
    if not can_be_host(host) or "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError("A broker's address is a host, and a port and a topic if need be.", _HOW_A_BROKER)
    tls = parts.scheme == "mqtts"
    topic = parts.path.strip("/")
    usual = 8883 if tls else 1883
    row = {"kind": "mqtt", "host": host, "port": usual if port is None else port, "tls": tls}
    return row | ({"topic": topic} if topic else {})


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
