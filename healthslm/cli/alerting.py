"""`healthslm alerts`: say that you have seen one, or that you do not want to hear of it for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from healthslm.alerts import Alert, AlertState, desk
from healthslm.alerts.policy import policy_of
from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.running import is_running
from healthslm.cli.session import Session, session
from healthslm.clock import utc_now
from healthslm.errors import UsageError
from healthslm.readings import Severity
from healthslm.store import Store
from healthslm.store.audit import Event
from healthslm.text import clean

alerts = typer.Typer(help="What was raised, who is told of it and when.", no_args_is_help=True)
app.add_typer(alerts, name="alerts")
NAME_LIMIT = 60
_HANGS = timedelta(minutes=2)
"""A sign of life is written every thirty seconds."""
One = Annotated[
    str | None, typer.Argument(metavar="ID", help="Its id, or the first letters of it.", show_default=False)
]


def matters(alert: Alert) -> bool:
    """Say whether an alert is open, or was severe and nobody has said that they saw it."""
    if alert.state is not AlertState.RESOLVED:
        return True
    return alert.acknowledged_at is None and alert.severity >= Severity.URGENT


@alerts.command("ack")
def alerts_ack(
    context: typer.Context,
    alert: One = None,
    by: Annotated[str, typer.Option(help="Who has seen it.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All that `alerts list` shows.")] = False,
) -> None:
    """Say that you have seen an alert: from now on nobody is called for it."""
    _one_or_all(alert, every)
    who = clean(by, NAME_LIMIT)
    if by and not who:
        raise UsageError("--by has no letter that can be shown.", "Say it like --by Anna.")
    with session(context).store() as store:
        wanted = [alert] if alert is not None else _not_seen(store)
        for one in wanted:
            before = desk.find(store, one)
            if before.acknowledged_at is not None:
                already = f" by {before.acknowledged_by}" if before.acknowledged_by else ""
                terminal.say(f"{before.finding.title} ({before.id[:8]}) was acknowledged already{already}.")
                continue
            seen = desk.acknowledge(store, one, utc_now(), who)
            store.note_event(
                Event.ALERT_ACKNOWLEDGED,
                utc_now(),
                alert=seen.id[:8],
                title=seen.finding.title,
                by=who or None,
            )
            store.commit()
            by_whom = f" by {who}" if who else ""
            terminal.say(f"{seen.finding.title} ({seen.id[:8]}) is acknowledged{by_whom}.")
    if not wanted:
        terminal.say("There is nothing that nobody has seen.")


def _not_seen(store: Store) -> list[str]:
    return [
        a.id
        for a in desk.alerts_in(store)
        if matters(a) and a.acknowledged_at is None and a.state is not AlertState.PENDING
    ]


@alerts.command("snooze")
def alerts_snooze(
    context: typer.Context,
    alert: One = None,
    minutes: Annotated[
        int | None,
        typer.Option("--for", metavar="MINUTES", help="For how long; see `alerts policy`, snooze.LEVEL."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Everything, but emergencies that are spared; --for 0 ends it.")
    ] = False,
) -> None:
    """Ask not to hear of an alert for a while. If nobody has seen it by then, it is told again."""
    _one_or_all(alert, every)
    if every and minutes is None:
        raise UsageError("For how long is everything snoozed?", "Add --for 60, or --for 0 to end it.")
    current = session(context)
    with current.store() as store:
        if alert is not None:
            _snooze_one(current, store, alert, minutes)
        elif minutes is not None:
            _snooze_all(current, store, minutes)


def _snooze_one(current: Session, store: Store, alert: str, minutes: int | None) -> None:
    now = utc_now()
    snoozed = desk.snooze(store, alert, minutes, policy_of(store), now)
    until = snoozed.snoozed_until or now
    lasts = round((until - now) / timedelta(minutes=1))
    store.note_event(
        Event.ALERT_SNOOZED, now, alert=snoozed.id[:8], title=snoozed.finding.title, minutes=lasts
    )
    store.commit()
    when = terminal.day_and_clock(until, current.zone)
    terminal.say(f"{snoozed.finding.title} ({snoozed.id[:8]}) is snoozed until {when}.")


def _snooze_all(current: Session, store: Store, minutes: int) -> None:
    now = utc_now()
    until = desk.snooze_all(store, minutes, now)
    store.note_event(Event.ALERT_SNOOZED, now, alert="all", minutes=minutes)
    store.commit()
    if not minutes:
        terminal.say("Nothing is snoozed as a whole any more.")
        return
    spared = policy_of(store).spared
    when = terminal.day_and_clock(until, current.zone)
    but = f" but the emergencies of {', '.join(spared)}" if spared else ", emergencies too,"
    but = " but emergencies" if "*" in spared else but
    terminal.say(f"Everything{but} is snoozed until {when}. To end it: healthslm alerts snooze --all --for 0")


def _one_or_all(alert: str | None, every: bool) -> None:
    if (alert is None) is not every:
        raise UsageError("Which alert?" if not every else "An id and --all do not go together.",
                         "Name its id (healthslm alerts list), or say --all.")  # fmt: skip


@alerts.command("heartbeat")
def alerts_heartbeat(context: typer.Context, json: Json = False) -> None:
    """Say whether `healthslm run` is at work: exit code 0 if it is, 1 if it is not. Needs no passphrase.

    For another program that looks after it. One that runs and has not moved for two minutes hangs: 1.
    """
    from healthslm.absence.beat import last_beat  # noqa: PLC0415  it brings the Bluetooth side with it

    current = session(context)
    running, beat = is_running(current.settings.home), last_beat(current.settings.home)
    hangs = running and beat is not None and not beat.clean and utc_now() - beat.at > _HANGS
    last = None if beat is None else beat.at.isoformat()
    if json:
        terminal.print_json({"running": running, "hangs": hangs, "last": last})
    else:
        word = "hangs" if hangs else "running" if running else "not running"
        since = f", last at work {terminal.day_and_clock(beat.at, current.zone)}" if beat else ""
        terminal.out.print(word if word == "running" else f"{word}{since}")
    if hangs or not running:
        raise typer.Exit(1)
