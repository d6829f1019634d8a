"""`healthslm alerts test`: whether an alert would arrive, tried with every hook at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from healthslm.alerts import Alert, Courier, Hook
from healthslm.alerts.detected_issue import given
from healthslm.alerts.drill import NAME, drill
from healthslm.alerts.payload import Occasion
from healthslm.alerts.policy import policy_of
from healthslm.cli import terminal
from healthslm.cli.alerting import alerts
from healthslm.cli.levels import Level
from healthslm.cli.running import is_running
from healthslm.cli.session import Session, hooks_of, session
from healthslm.clock import utc_now
from healthslm.errors import HookError, UsageError
from healthslm.readings import Severity
from healthslm.store import Store
from healthslm.text import many

_PATIENCE_S = 30.0
Took = Callable[[str], None]


@alerts.command("test")
def alerts_test(
    context: typer.Context,
    level: Annotated[Level, typer.Option(help="As what it is told.")] = Level.WATCH,
) -> None:
    """Send a test alert by the outbox to all hooks that such an alert goes to, and say whether it arrived.

    Nothing holds it back, and nothing follows from it: it is in no list, and not told again.
    """
    current = session(context)
    with current.store() as store:
        hooks = [hook for hook in hooks_of(store) if hook.wants(NAME, level.severity)]
        if not hooks:
            raise UsageError(
                f"No hook is told of alerts of the level {level}.", "Add one: healthslm hooks add --help"
            )
        _say_when(current, store, hooks, level.severity)
        failed = asyncio.run(_try_out(current, store, hooks, drill(level.severity, utc_now())))
    if failed:
        raise HookError(f"It did not reach {', '.join(failed)}.", "See: healthslm hooks list")


def _say_when(current: Session, store: Store, hooks: Sequence[Hook], level: Severity) -> None:
    """Say what would be otherwise with a real one."""
    until = policy_of(store).quiet_until(utc_now().astimezone(current.settings.zone_now()), level)
    if until is not None:
        terminal.say(f"A real one would wait until {until:%H:%M}, when the quiet hours end.", "dim")
    for hook in hooks:
        if hook.after_min:
            after = many(hook.after_min, "minute")
            terminal.say(
                f"{hook.name} is told of a real one when nobody has acknowledged it for {after}.", "dim"
            )


async def _try_out(current: Session, store: Store, hooks: Sequence[Hook], alert: Alert) -> list[str]:
    """Have it delivered; return the names of those that did not take it."""
    began = time.monotonic()
    waits = {hook.name for hook in hooks}

    def took(name: str) -> None:
        waits.discard(name)
        terminal.say(f"{name} took it after {(time.monotonic() - began) * 1000:.0f} ms.")

    for hook in hooks:
        text = given(alert, hook.form, hook.tell, Occasion.TEST)
        store.outbox_add([alert.id], hook.name, text, utc_now(), first=True, occasion=Occasion.TEST)
    store.commit()
    if is_running(current.settings.home):
        await _watch(store, alert, waits, took)
    else:
        await _bring(store, hooks, alert, took)
    for name in sorted(waits):
        why = next((row.error for row in store.outbox(name) if alert.id in row.alert_ids), "")
        terminal.say(f"{name} did not take it. {why or 'It has not been called yet.'}", "bold red")
    for row in store.outbox_waiting({Occasion.TEST}):
        if alert.id in row.alert_ids:
            store.outbox_done(row.id)  # one that arrives tomorrow helps nobody
    store.commit()
    return sorted(waits)


async def _bring(store: Store, hooks: Sequence[Hook], alert: Alert, took: Took) -> None:
    """Deliver it here, since nobody else does."""

    def delivered(ids: Sequence[str], hook: str, _row: int) -> None:
        if alert.id in ids:
            took(hook)

    logging.getLogger(Courier.__module__).setLevel(logging.ERROR)  # what it did not take is said below
    async with Courier(store, hooks, clock=utc_now, on_delivered=delivered) as courier:
        await courier.drain(_PATIENCE_S)


async def _watch(store: Store, alert: Alert, waits: set[str], took: Took) -> None:
    """Wait while `healthslm run` delivers it."""
    until = time.monotonic() + _PATIENCE_S
    while waits and time.monotonic() < until:
        await asyncio.sleep(0.1)
        there = {row.hook for name in waits for row in store.outbox(name) if alert.id in row.alert_ids}
        for name in sorted(waits - there):
            took(name)
