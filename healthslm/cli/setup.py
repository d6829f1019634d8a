"""Making things ready: the store, and the language model."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Annotated

import typer

from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.session import session
from healthslm.errors import LockedError, ModelError, UsageError
from healthslm.readings import Person
from healthslm.slm import model as slm_model
from healthslm.store import create

models = typer.Typer(help="The language model on this machine.", no_args_is_help=True)
app.add_typer(models, name="model")


@app.command()
def init(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Whose store this is; stands on the clinician's page.")] = "",
    born: Annotated[str, typer.Option(help="Date of birth, like 1950-04-01.")] = "",
    recovery_file: Annotated[
        Path | None, typer.Option(help="Write the recovery words to this new file instead of the terminal.")
    ] = None,
) -> None:
    """Make the encrypted store: asks for a passphrase, shows the recovery words once."""
    current = session(context)
    folder = current.settings.home
    if (folder / "keys.json").exists():
        raise UsageError(f"There is already a store in {folder}.", "Use another folder with --home.")
    if recovery_file is not None and recovery_file.exists():
        raise UsageError(f"{recovery_file} is already there.", "Name a new file for the recovery words.")
    passphrase = current.passphrase("New passphrase")
    if len(passphrase) < 8:
        raise LockedError(
            "The passphrase has fewer than 8 characters.", "Take a few words that nobody guesses."
        )
    from_terminal = current.passphrase_file is None and current.passphrase_fd is None
    if from_terminal and current.passphrase("The same again") != passphrase:
        raise LockedError("The two passphrases differ.", "Nothing was made; try again.")
    store, words = create(folder, passphrase)
    with store:
        store.put("person", {"name": name, "birth_date": _date(born)})
        store.commit()
    terminal.err.print(f"The store is in {folder}.")
    if recovery_file is not None:
        recovery_file.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        recovery_file.write_text(words + "\n", encoding="utf-8")
        terminal.err.print(f"The recovery words are in {recovery_file}. Print it, then delete it.")
    else:
        _show_words(words)
    terminal.err.print("Next: healthslm devices scan")


def _date(text: str) -> str:
    from datetime import date  # noqa: PLC0415  one use

    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise UsageError(f"--born {text!r} is no date.", "Write it like 1950-04-01.") from error


def _show_words(words: str) -> None:
    """Show the recovery words, six to a line, numbered, on the terminal only."""
    terminal.err.print("\n[bold]Recovery words.[/] They open the store when the passphrase is forgotten.")
    terminal.err.print("Write them on paper now. They are not shown again, and nobody else has them.\n")
    numbered = [f"{n:>2} {word:<10}" for n, word in enumerate(words.split(), start=1)]
    for at in range(0, len(numbered), 6):
        terminal.err.print("   " + "  ".join(numbered[at : at + 6]), markup=False)
    terminal.err.print()


def person_of(value: object) -> Person:
    """Read the person from what the store holds."""
    row = value if isinstance(value, dict) else {}
    return Person(name=str(row.get("name", "")), birth_date=str(row.get("birth_date", "")))


@models.command("build")
def model_build(
    context: typer.Context,
    gguf: Annotated[Path | None, typer.Option(help="Use this GGUF file instead of downloading it.")] = None,
    force: Annotated[bool, typer.Option(help="Build again even if the model is there.")] = False,
) -> None:
    """Fetch the weights, check their hash, and build the 4-bit model. Does nothing when it is there."""
    folder = session(context).settings.model
    if not force:
        try:
            manifest = slm_model.load(folder)
        except ModelError:
            pass  # what is wrong with it is about to be mended
        else:
            terminal.err.print(f"The language model {manifest.model_id} is ready in {folder}.")
            return
    with terminal.progress() as update:
        manifest = slm_model.install(folder, update, gguf=gguf)
    terminal.err.print(f"The language model {manifest.model_id} is ready in {folder}.")


@models.command("info")
def model_info(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say which model is there, and compare every byte of it with what was built."""
    folder = session(context).settings.model
    manifest = slm_model.verify(folder)
    row = {
        "model": manifest.model_id,
        "folder": str(folder),
        "license": manifest.license,
        "source": manifest.source,
        "bytes": sum(entry.size for entry in manifest.files.values()),
    }
    if json:
        terminal.print_json(row)
    else:
        for name, value in row.items():
            terminal.out.print(f"{name:8} {value}", markup=False)
