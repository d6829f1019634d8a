"""The people of a household, each with a store and a key of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from healthslm import people as household_people
from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.running import is_running, say_if_running
from healthslm.cli.session import session
from healthslm.cli.setup import new_store
from healthslm.errors import UsageError
from healthslm.store import files

people = typer.Typer(help="The people of a household, each with a store of their own.", no_args_is_help=True)
app.add_typer(people, name="people")


@people.command("add")
def people_add(
    context: typer.Context,
    label: Annotated[str, typer.Argument(help="What to call them on disk; anybody can read it there.")],
    name: Annotated[str, typer.Option(help="Their name; stands on the clinician's page, is encrypted.")] = "",
    born: Annotated[str, typer.Option(help="Date of birth, like 1950-04-01.")] = "",
    recovery_file: Annotated[
        Path | None, typer.Option(help="Write the recovery words to this new file instead of the terminal.")
    ] = None,
) -> None:
    """Make an encrypted store for another person: asks for their passphrase, shows their recovery words."""
    current = session(context)
    everybody = household_people.members(current.household)
    if label in {member.label for member in everybody}:
        raise UsageError(f"There is a store of {label} already.", "Choose another label.")
    theirs = current.of(label)
    if label != household_people.FIRST:
        files.make_private_folder(theirs.settings.home.parent)
    new_store(theirs, name, born, recovery_file)
    if not everybody:
        household_people.switch(current.household, label)
    terminal.say(f"Next: healthslm --person {label} devices scan")
    if everybody:
        say_if_running(everybody[0].folder)


@people.command("list")
def people_list(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show who has a store here. What is in them stays closed: nobody's passphrase is asked for."""
    household = session(context).household
    meant = household_people.current(household)
    rows = [
        {
            "label": member.label,
            "folder": str(member.folder),
            "current": member.label == meant,
            "listening": is_running(member.folder),
        }
        for member in household_people.members(household)
    ]
    if json:
        terminal.print_json(rows)
        return
    if not rows:
        terminal.say("Nobody has a store here yet. Next: healthslm init")
        return
    table = terminal.table_of("label", "folder", "state")
    for row in rows:
        said = [what for what in ("current", "listening") if row[what]]
        table.add_row(
            terminal.cell(str(row["label"])),
            terminal.cell(str(row["folder"])),
            terminal.cell(", ".join(said)),
        )
    terminal.out.print(table)


@people.command("switch")
def people_switch(
    context: typer.Context, label: Annotated[str, typer.Argument(help="As `people list` shows it.")]
) -> None:
    """Mean this person from now on when no --person is named."""
    member = household_people.switch(session(context).household, label)
    terminal.say(f"Commands are about {member.label} now, unless --person says otherwise.")
