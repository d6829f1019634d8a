"""Making the store: `init`, what it asks for, and the recovery words that it shows once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO
from zoneinfo import ZoneInfo

import typer

from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.session import Session, long_enough, session
from healthslm.clock import utc_now
from healthslm.errors import LockedError, UsageError
from healthslm.readings import Person
from healthslm.store import create, exists

if TYPE_CHECKING:
    from device import Found

_LOOK_S = 10.0


@app.command()
def init(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Whose store this is; stands on the clinician's page.")] = "",
    born: Annotated[str, typer.Option(help="Date of birth, like 1950-04-01.")] = "",
    recovery_file: Annotated[
        Path | None, typer.Option(help="Write the recovery words to this new file instead of the terminal.")
    ] = None,
) -> None:
    """Make the encrypted store: asks for a passphrase, shows the recovery words once.

    In a terminal it then looks for the first wearables.
    """
    current = session(context)
    passphrase = new_store(current, name, born, recovery_file)
    if sys.stdin.isatty():
        _first_devices(current, passphrase)
    else:
        terminal.say("Next: healthslm devices scan")


def _first_devices(current: Session, passphrase: str) -> None:
    # Only this needs Bluetooth, which takes a while to load.
    from device import scan  # noqa: PLC0415
    from healthslm.cli import first_device  # noqa: PLC0415

    def ask(question: str) -> str:
        return str(typer.prompt(question, default="", show_default=False, prompt_suffix="", err=True))

    def look() -> list[Found]:
        terminal.say(f"Looking for {_LOOK_S:.0f} s ...", "dim")
        return asyncio.run(scan(_LOOK_S))

    with current.store(access=current.access(passphrase)) as store:
        pair = first_device.paired_at_terminal(current.settings.home)
        added = first_device.add_first_devices(store, ask=ask, look=look, pair=pair)
    terminal.say(first_device.next_step(added))


def new_store(current: Session, name: str, born: str, recovery_file: Path | None) -> str:
    """Make the store that a session is about, and return its passphrase, which opens it.

    Raises `UsageError` where there is one already.
    """
    folder = current.settings.home
    birth_date = _date(born, current.zone)
    if exists(folder):
        raise UsageError(f"There is already a store in {folder}.", "Use another folder with --home.")
    if recovery_file is not None and recovery_file.exists():
        raise UsageError(f"{recovery_file} is already there.", "Name a new file for the recovery words.")
    passphrase = long_enough(current.passphrase("New passphrase"))
    from_terminal = current.passphrase_file is None and current.passphrase_fd is None
    if from_terminal and current.passphrase("The same again") != passphrase:
        raise LockedError("The two passphrases differ.", "Nothing was made; try again.")
    _make(folder, passphrase, {"name": name, "birth_date": birth_date}, recovery_file)
    return passphrase


def _make(folder: Path, passphrase: str, person: dict[str, str], recovery_file: Path | None) -> None:
    """Make the store and hand over its words; when anything fails, nothing is left that blocks a retry."""
    with contextlib.ExitStack() as undo:
        file = None
        if recovery_file is not None:
            file = undo.enter_context(_new_private(recovery_file))
            undo.callback(recovery_file.unlink, missing_ok=True)
        store, words = create(folder, passphrase)
        undo.callback(_remove_store, folder)  # only now: what `create` refuses to touch is not ours
        with store:
            store.put("person", person)
            store.commit()
        terminal.say(f"The store is in {folder}.")
        if file is not None:
            _write(file, words, recovery_file)
            terminal.say(f"The recovery words are in {recovery_file}. Print it, then delete it.")
        else:
            show_words(words)
        undo.pop_all()
        if file is not None:
            file.close()


def _new_private(path: Path) -> TextIO:
    """Make a file that was not there and that only its owner can read."""
    try:
        return open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8"
        )
    except FileExistsError as error:
        raise UsageError(f"{path} is already there.", "Name a new file for the recovery words.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{path} cannot be made: {why}.", "Name another file for the recovery words."
        ) from error


def _write(file: TextIO, words: str, path: Path | None) -> None:
    try:
        file.write(words + "\n")
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Nothing was made; try again."
        ) from error


def _remove_store(folder: Path) -> None:
    """Remove a store that was made a moment ago and whose words nobody has."""
    for name in ("keys.json", "store.mark"):
        (folder / name).unlink(missing_ok=True)
    for leftover in folder.glob("store.db*"):
        leftover.unlink(missing_ok=True)


def _date(text: str, zone: ZoneInfo) -> str:
    if not text:
        return ""
    try:
        born = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--born {text!r} is no date.", "Write it like 1950-04-01.") from error
    if born > utc_now().astimezone(zone).date():
        raise UsageError(f"--born {text} is in the future.", "Write it like 1950-04-01.")
    return born.isoformat()


def show_words(words: str) -> None:
    """Show the recovery words, four to a line, numbered, on the terminal only."""
    terminal.err.print("\n[bold]Recovery words.[/] They open the store when the passphrase is forgotten.")
    terminal.err.print("Write them on paper now. They are not shown again, and nobody else has them.\n")
    numbered = [f"{n:>2} {word:<10}" for n, word in enumerate(words.split(), start=1)]
    for at in range(0, len(numbered), 4):
        terminal.err.print("   " + " ".join(numbered[at : at + 4]), markup=False)
    terminal.err.print()


def person_of(value: object) -> Person:
    """Read the person from what the store holds."""
    row = value if isinstance(value, dict) else {}
    return Person(name=str(row.get("name", "")), birth_date=str(row.get("birth_date", "")))
