"""`healthslm hooks`: who is told of an alert, how, and how much."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass

import typer

from healthslm.alerts import CommandHook, Hook, Tell, desk
from healthslm.alerts.detected_issue import given
from healthslm.alerts.drill import drill
from healthslm.alerts.hooks import Worded
from healthslm.alerts.payload import Occasion
from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.session import hooks_of, session
from healthslm.clock import utc_now
from healthslm.errors import UsageError
from healthslm.readings import KINDS, Severity
from healthslm.store import Store, open_unlocked
from healthslm.store.audit import Event
from healthslm.store.outbox import OutboxRow
from healthslm.text import many

hooks = typer.Typer(help="Who is told of an alert, and how much.", no_args_is_help=True)
app.add_typer(hooks, name="hooks")


TOLD = {
    Tell.SEVERITY: "that there is an alert, and how severe",
    Tell.TITLE: "the finding and what to do",
    Tell.FULL: "the finding, what to do, and the numbers",
}


def keep(store: Store, rows: list[Hook]) -> None:
    """Keep the hooks, and note that they are other ones."""
    store.put("hooks", [h.model_dump(mode="json") for h in rows])
    store.note_event(Event.SETTING_CHANGED, utc_now(), setting="hooks", now=", ".join(h.name for h in rows))
    store.commit()


def when(hook: Hook) -> str:
    """Say of what, and when, a hook is told; empty where that is of everything, at once."""
    parts = [
        f", from {hook.least.word} on" if hook.least > Severity.WATCH else "",
        f", unless acknowledged within {many(hook.after_min, 'minute')}" if hook.after_min else "",
        f", only of {', '.join(hook.rules)}" if hook.rules else "",
    ]
    more = ["acknowledged and over"] if hook.over else []
    more += [f"a heartbeat every {many(hook.heartbeat_min, 'minute')}"] if hook.heartbeat_min else []
    more += [KINDS[kind].title for kind in hook.vitals]
    return "".join(parts) + (f"; also {', '.join(more)}" if more else "")


@dataclass(frozen=True, slots=True)
class _Mail:
    """What is on its way to a hook, and what was given up."""

    waiting: Sequence[OutboxRow]
    dead: Sequence[OutboxRow]

    @property
    def error(self) -> str:
        """Why the next one was not taken; else why the last one that was given up was not."""
        row = next(iter(self.waiting), None) or next(iter(self.dead[-1:]), None)
        return row.error if row else ""

    @property
    def words(self) -> str:
        """How many there are, where there are any."""
        parts = [str(len(self.waiting))] if self.waiting else []
        return ", ".join([*parts, f"{len(self.dead)} given up"] if self.dead else parts)


@hooks.command("list")
def hooks_list(context: typer.Context, json: Json = False) -> None:
    """List the hooks: where they go, what they are told and when, what waits for them and why."""
    with session(context).store() as store:
        rows = hooks_of(store)
        mail = {h.name: _Mail(store.outbox(h.name), store.outbox_dead(h.name)) for h in rows}
    if json:
        terminal.print_json([_json(h, mail[h.name]) for h in rows])
        return
    if not rows:
        terminal.err.print("No hook yet: alerts are only shown here. Next: healthslm hooks add --help")
        return
    table = terminal.table_of("name", "kind", "target", "told", "waiting")
    for h in rows:
        table.add_row(
            terminal.cell(h.name),
            h.kind,
            terminal.cell(_whole(h)),
            terminal.cell(f"{TOLD[h.tell]}{when(h)}"),
            mail[h.name].words,
        )
    terminal.out.print(table)
    for h in rows:
        if why := mail[h.name].error:
            again = "It is tried again while healthslm runs."
            if mail[h.name].dead:
                again = f"What was given up: healthslm hooks retry {h.name}"
            terminal.say(f"{why} {again}", "yellow")


def _json(hook: Hook, mail: _Mail) -> dict[str, object]:
    return {
        "name": hook.name,
        "kind": hook.kind,
        "target": _whole(hook),
        "tell": hook.tell,
        "form": hook.form,
        "least": hook.least.word,
        "after_min": hook.after_min,
        "rules": list(hook.rules),
        "over": hook.over,
        "heartbeat_min": hook.heartbeat_min,
        "vitals": list(hook.vitals),
        "waiting": len(mail.waiting),
        "dead": len(mail.dead),
        "error": mail.error,
    }


def _whole(hook: Hook) -> str:
    """Say where a hook goes: a command with all its arguments, an address without its secrets."""
    return shlex.join(hook.argv) if isinstance(hook, CommandHook) else hook.target


@hooks.command("remove")
def hooks_remove(context: typer.Context, name: str) -> None:
    """Tell nobody by this hook any more."""
    with session(context).store() as store:
        _find(store, name)
        desk.forget_hook(store, name)
        keep(store, [h for h in hooks_of(store) if h.name != name])
    terminal.say(f"{name} is removed.")


@hooks.command("retry")
def hooks_retry(context: typer.Context, name: str) -> None:
    """Try once more what a hook did not take for days, and was given up."""
    with session(context).store() as store:
        _find(store, name)
        count = store.outbox_revive(name, utc_now())
        store.commit()
    if count:
        terminal.say(f"{many(count, 'alert')} for {name} will be tried again while healthslm runs.")
    else:
        terminal.say(f"Nothing for {name} was given up.")


@hooks.command("test")
def hooks_test(context: typer.Context, name: str) -> None:
    """Send a test alert by this hook now, and say whether it arrived, how fast, and what was in it."""
    current = session(context)
    access = current.access()
    with current.store(access=access) as store:
        hook = _find(store, name)
    alert = drill(Severity.INFO, utc_now())
    sent = given(alert, hook.form, hook.tell, Occasion.TEST)
    hook.ready()
    began = time.monotonic()
    asyncio.run(hook.call(sent, key=alert.id))
    terminal.say(f"{name} ({hook.target}) took it after {(time.monotonic() - began) * 1000:.0f} ms:")
    if isinstance(hook, Worded):
        sent = "\n".join(hook.words(sent))
    terminal.out.print(terminal.printable(sent), markup=False, soft_wrap=True)
    with open_unlocked(access, state=current.settings.state) as store:  # so that `doctor` knows that it works
        store.note_event(Event.HOOK_TESTED, utc_now(), hook=name)


def _find(store: Store, name: str) -> Hook:
    for hook in hooks_of(store):
        if hook.name == name:
            return hook
    raise UsageError(f"There is no hook {name}.", "See `healthslm hooks list`.")
