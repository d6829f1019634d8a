"""`healthslm share list`: what was given to whom."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.session import Session, session
from healthslm.clock import utc_now
from healthslm.export.words import whole_days
from healthslm.store.audit import Entry, Event

share = typer.Typer(help="What was given to whom.", no_args_is_help=True)
app.add_typer(share, name="share")


@share.callback()
def _group() -> None:
    """Keep `list` a word of its own, though it is the only one."""


@share.command("list")
def share_list(context: typer.Context, json: Json = False) -> None:
    """Show every export: when, to whom, which period and formats, how, what for and until when."""
    current = session(context)
    with current.store() as store:
        trail = store.trail(event=Event.EXPORTED)
    rows = [_row(entry, current) for entry in trail]
    if json:
        terminal.print_json(rows)
        return
    if not rows:
        terminal.say("Nothing was given to anybody. Next: healthslm export clinician --help")
        return
    grid = Table.grid(padding=(0, 2))  # seven columns would be too narrow to be read on a common terminal
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for entry, row in zip(trail, rows, strict=True):
        grid.add_row(terminal.day_and_clock(entry.at, current.zone), _told(row, current))
    terminal.out.print(grid)


def _told(row: dict[str, Any], current: Session) -> Text:
    """Write one export in two or three lines: to whom, what and how, and what for and until when."""
    given = (terminal.cell(row["to_whom"] or f"to {row['folder'] or '?'}", "bold"), "\n")
    what = terminal.cell(f"{_period(row, current)}: {row['formats'].replace(',', ', ')}, ")
    how = terminal.cell(_how(row), "" if row["encrypted"] else "yellow")
    terms = [f"for: {row['purpose']}"] if row["purpose"] else []
    if row["expires"]:
        terms.append(f"until {row['expires']}{', expired' if row['expired'] else ''}")
    last = ("\n", terminal.cell("; ".join(terms))) if terms else ()
    return Text.assemble(*given, what, how, *last)


def _row(entry: Entry, current: Session) -> dict[str, Any]:
    """Write one export as data; those of older versions say less."""
    detail = entry.detail
    today = utc_now().astimezone(current.zone).date()
    expires = None if detail.get("expires") is None else str(detail["expires"])
    return {
        "at": entry.at.isoformat(),
        "to_whom": detail.get("to_whom"),
        "start": detail.get("start"),
        "end": detail.get("end"),
        "formats": str(detail.get("formats") or ""),
        "encrypted": detail.get("encrypted") is not None,
        "with": detail.get("encrypted") or ("https" if _by_https(detail.get("to")) else None),
        "recipients": detail.get("recipients"),
        "purpose": detail.get("purpose"),
        "expires": expires,
        "expired": expires is not None and date.fromisoformat(expires) < today,
        "folder": detail.get("to"),
        "files": detail.get("files"),
        "sha256": detail.get("sha256"),
    }


def _by_https(to: object) -> bool:
    """Say whether it went to a FHIR server, and nobody on the way could read it."""
    return str(to).startswith("https://")


def _how(row: dict[str, Any]) -> str:
    if not row["encrypted"]:
        return "encrypted on the way only" if row["with"] else "not encrypted"
    return f"encrypted for {row['recipients']}" if row["recipients"] else "encrypted with a passphrase"


def _period(row: dict[str, Any], current: Session) -> str:
    """Write a period as the files' names do: as days where it is of whole days."""
    if not row["start"] or not row["end"]:
        return "?"
    start, end = (datetime.fromisoformat(row[name]) for name in ("start", "end"))
    days = whole_days(start, end, current.zone)
    if days is None:
        return f"{terminal.day_and_clock(start, current.zone)} to {terminal.day_and_clock(end, current.zone)}"
    first, last = days
    return f"{first}" if first == last else f"{first} to {last}"
