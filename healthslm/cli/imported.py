"""What `healthslm import` says: whose a file is, and what became of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from healthslm.archive import Outcome
from healthslm.cli import terminal
from healthslm.errors import HealthslmError, UsageError
from healthslm.store import Store
from healthslm.text import clean

SORTS = ("readings", "amendments", "alerts", "notes", "devices", "settings", "digests")
_WHY = {
    "there": "there already",
    "other": "otherwise here, which stays",
    "deleted": "deleted here, and stay so",
    "forgotten": "older than what is kept here",
}


def same(store: Store, name: str, birth_date: str, file: Path, *, said: bool) -> None:
    """See that a file is of the person whose store this is. Raises where it names another and nobody says so.

    A name that one of the two does not have says nothing.
    """
    person: Any = store.get("person", {})
    here = (clean(str(person.get("name", ""))), str(person.get("birth_date", "")))
    pairs = (("name", here[0], clean(name)), ("date of birth", here[1], birth_date))
    other = [what for what, ours, theirs in pairs if ours and theirs and ours.casefold() != theirs.casefold()]
    if not other or said:
        return
    differ = "differs" if len(other) == 1 else "differ"
    told = f"{file.name} is of another person than this store: the {' and the '.join(other)} {differ}."
    if not sys.stdin.isatty():
        raise UsageError(told, "If it is the same person all the same, say --same-person.")
    terminal.say(told, "yellow")
    if not typer.confirm("Is it the same person all the same?", default=False, err=True):
        raise HealthslmError("Nothing was stored.", "For another person: healthslm people add LABEL")


def tell(outcome: Outcome) -> None:
    """Show how many of each sort are new, were there, or stay out and why. Whys of nothing are left out."""
    whys = [why for why in _WHY if any(getattr(tally, why) for tally in outcome.tallies.values())]
    table = terminal.table_of("what", "new", *(_WHY[why] for why in whys), whole=10)
    for name in SORTS:
        tally = outcome.tallies.get(name)
        if tally is not None:
            counts = [tally.new, *(getattr(tally, why) for why in whys)]
            table.add_row(name, *(f"{count:,}" if count else "" for count in counts))
    terminal.out.print(table)
