"""What is kept: for how long, and who did what with it."""

from __future__ import annotations

from typing import Annotated

import typer

from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.session import session
from healthslm.clock import utc_now
from healthslm.readings import KINDS, Kind
from healthslm.store import retention
from healthslm.store.audit import Event

keeping = typer.Typer(help="For how long readings are kept.", no_args_is_help=True)
app.add_typer(keeping, name="retention")
FOR_EVER = "ever"


@app.command()
def audit(
    context: typer.Context,
    newest: Annotated[int, typer.Option("--last", min=1, help="How many entries.")] = 50,
    json: Json = False,
) -> None:
    """Show who opened, changed, exported or deleted what: a trail that only grows."""
    current = session(context)
    with current.store() as store:
        trail = store.trail(newest)
    if json:
        terminal.print_json(
            [{"id": e.id, "at": e.at.isoformat(), "event": e.event, "detail": dict(e.detail)} for e in trail]
        )
        return
    table = terminal.table_of("when", "what", "which", whole=16)
    for entry in trail:
        detail = ", ".join(f"{name} {value}" for name, value in entry.detail.items() if value is not None)
        when = terminal.day_and_clock(entry.at, current.zone)
        table.add_row(when, terminal.cell(entry.event), terminal.cell(detail))
    terminal.out.print(table)


@keeping.command("show")
def show(context: typer.Context, json: Json = False) -> None:
    """Say how long each kind of reading is kept, and what will be deleted when."""
    current, now = session(context), utc_now()
    with current.store() as store:
        policy, spans, days = retention.policy(store), retention.spans(store), store.days()
    planned = {deletion.kind: deletion for deletion in retention.plan(policy, spans, days, now)}
    rows = [
        {
            "kind": kind.value,
            "group": retention.group_of(kind),
            "days": policy.days_of(kind),
            "first": spans[kind][0].isoformat(),
            "next": planned[kind].due.isoformat() if kind in planned else None,
        }
        for kind in spans
    ]
    if json:
        terminal.print_json(
            {"groups": {g: policy.days.get(g, d) for g, d in retention.GROUPS.items()}, "kinds": rows}
        )
        return
    if not spans:
        terminal.say("There is no reading yet. Next: healthslm run")
        return
    table = terminal.table_of("reading", "kept for", "the first is of", "is deleted from")
    for kind in spans:
        keep, first = policy.days_of(kind), spans[kind][0]
        table.add_row(
            KINDS[kind].title,
            "ever" if keep is None else f"{keep} days",
            f"{first.astimezone(current.zone):%Y-%m-%d}",
            "" if kind not in planned else f"{planned[kind].due.astimezone(current.zone):%Y-%m-%d} on",
        )
    terminal.out.print(table)
    terminal.say(
        "Roll-ups (counts, extremes, means by minute and hour), alerts and the audit trail are kept for ever."
    )


@keeping.command("set")
def decide(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="A group (waveform, dense, sparse) or a kind, like heart_rate.")
    ],
    days: Annotated[str, typer.Argument(help="How many days, or: ever.")],
) -> None:
    """Decide how long a kind of reading, or a group of kinds, is kept. `healthslm run` deletes once a day."""
    if days != FOR_EVER and not days.isdecimal():
        raise typer.BadParameter(f"{days!r} is no number of days; write 90, or: ever")
    wanted = None if days == FOR_EVER else int(days)
    with session(context).store() as store:
        before = retention.policy(store)
        after = retention.decide(before, name, wanted)
        store.put(retention.SETTING, after.model_dump(mode="json"))
        was = before.days.get(name)
        store.note_event(Event.SETTING_CHANGED, utc_now(), setting=f"retention {name}", was=was, now=wanted)
        store.commit()
    terminal.say(f"From now on {kept(name, wanted)}.")


def kept(name: str, days: int | None) -> str:
    """Say for how long a kind or a group is kept."""
    what = KINDS[Kind(name)].title if name in set(Kind) else f"what is {name}"
    return f"{what} is kept for {'ever' if days is None else f'{days} days'}"
