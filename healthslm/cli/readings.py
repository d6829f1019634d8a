"""Single readings: looked up, corrected, taken out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.period import From, To, period
from healthslm.cli.session import Session, session
from healthslm.clock import utc_now
from healthslm.errors import UsageError
from healthslm.readings import KINDS, Kind, Quality, Reading
from healthslm.store import Store, ids, retention

readings = typer.Typer(help="Single readings: look them up, correct one, take one out.", no_args_is_help=True)
app.add_typer(readings, name="readings")
Reason = Annotated[str, typer.Option(help="Why; it is kept with what was there before.")]
Id = Annotated[str, typer.Argument(help="As `readings list` or a summary's evidence shows it.")]


@readings.command("list")
def list_(
    context: typer.Context,
    kind: Annotated[
        str | None, typer.Argument(help="Like heart_rate or systolic; without it, which there are.")
    ] = None,
    start: From = None,
    end: To = None,
    most: Annotated[int, typer.Option(min=1, help="The newest of them.")] = 50,
    json: Json = False,
) -> None:
    """List the readings of a kind, the newest last."""
    current = session(context)
    if kind is None:
        _kinds(current, json=json)
        return
    wanted = _kind(kind)
    with current.store() as store:
        window = store.window(wanted, *period(start, end, current, store))
        found = [store.reading(int(id_)) for id_ in window.ids[-most:]]
        names = {one.device: store.device(one.device).name or one.device for one in found if one}
    rows = [_row(one) for one in found if one is not None]
    if json:
        terminal.print_json(rows)
        return
    if not rows:
        terminal.say(f"There is no reading of {KINDS[wanted].title} in this period; see --from and --to.")
        return
    table = terminal.table_of("id", "when", "value", "from", "quality", whole=10)
    for one, row in zip((one for one in found if one), rows, strict=True):
        when = f"{one.time.astimezone(current.zone):%Y-%m-%d %H:%M:%S}"
        when += f".{one.time.microsecond // 1000:03}" if one.time.microsecond else ""
        value = f"{one.value:.{KINDS[wanted].decimals}f} {KINDS[wanted].unit}"
        table.add_row(
            row["id"], when, value, terminal.cell(names[one.device]), ", ".join(row["quality"]) or "good"
        )
    terminal.out.print(table)


@readings.command("correct")
def correct(
    context: typer.Context,
    id: Id,
    value: Annotated[float, typer.Argument(help="What it should have been, in the unit shown.")],
    reason: Reason,
) -> None:
    """Give a reading another value. The old one is kept with the reason, and the trail tells of it."""
    with session(context).store() as store:
        before = _reading(store, id)
        assert before.id is not None  # noqa: S101  it came out of the store
        info = KINDS[before.kind]
        if not info.low <= value <= info.high:
            raise UsageError(
                f"{info.title} cannot have been {value:g} {info.unit}.",
                f"It lies between {info.low:g} and {info.high:g} {info.unit}; to take the reading out: "
                f"healthslm readings delete {id} --reason REASON",
            )
        after = store.correct(before.id, value, reason, utc_now())
        store.commit()
    unit = KINDS[after.kind].unit
    terminal.say(f"{KINDS[after.kind].title}: {after.value:g} {unit} instead of {before.value:g} {unit}.")


@readings.command("delete")
def delete(context: typer.Context, id: Id, reason: Reason) -> None:
    """Take a reading out, for good: there is no undo, and it does not come back with a later transfer.

    What it was is kept with the reason, in the audit trail and for whoever looks into the store.
    """
    with session(context).store() as store:
        before = _reading(store, id)
        assert before.id is not None  # noqa: S101  it came out of the store
        store.delete(before.id, reason, utc_now())
        store.commit()
    terminal.say(f"{KINDS[before.kind].title} {before.value:g} {KINDS[before.kind].unit} is taken out.")


def _kinds(current: Session, *, json: bool) -> None:
    """Say which kinds of readings there are, and from when to when."""
    with current.store() as store:
        spans = retention.spans(store)
    if json:
        rows = [
            {"kind": kind.value, "first": first.isoformat(), "last": last.isoformat()}
            for kind, (first, last) in spans.items()
        ]
        terminal.print_json(rows)
        return
    if not spans:
        terminal.say("There is no reading yet. Next: healthslm run")
        return
    table = terminal.table_of("kind", "the first", "the last", whole=10)
    for kind, ends in spans.items():
        table.add_row(kind.value, *(terminal.day_and_clock(end, current.zone) for end in ends))
    terminal.out.print(table)


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError as error:
        raise UsageError(f"{name!r} is no kind of reading.", f"One of: {', '.join(Kind)}.") from error


def _reading(store: Store, id: str) -> Reading:
    try:
        found = store.reading(ids.parse(id))
    except ValueError:
        found = None
    if found is None:
        raise UsageError(f"There is no reading {id!r}.", "See `healthslm readings list KIND`.")
    return found


def _row(one: Reading) -> dict[str, Any]:
    assert one.id is not None  # noqa: S101  it came out of the store
    return {
        "id": ids.name(one.id),
        "time": one.time.isoformat(),
        "kind": one.kind.value,
        "value": one.value,
        "unit": KINDS[one.kind].ucum,
        "device": one.device,
        "quality": [flag.name.lower() for flag in Quality if flag and flag in one.quality and flag.name],
        "context": one.context,
    }
