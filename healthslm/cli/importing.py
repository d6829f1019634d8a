"""`healthslm import`: an archive or a Bundle of our own, into the store."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from healthslm.archive import (
    Archive,
    Form,
    Manifest,
    Outcome,
    form_of,
    identities_in,
    opened,
    settings_in,
    sha256_of,
    take_in,
)
from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.bundles import import_bundle
from healthslm.cli.imported import SORTS, same, tell
from healthslm.cli.imported_settings import gone, sentences
from healthslm.cli.running import say_if_running
from healthslm.cli.session import Session, session
from healthslm.clock import utc_now
from healthslm.errors import UsageError
from healthslm.text import many


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An archive (.zip, .zip.age) or a Bundle (.fhir.json).")],
    identity: Annotated[
        list[Path] | None,
        typer.Option(metavar="KEYFILE", help="The secret key that an archive was encrypted for."),
    ] = None,
    share_passphrase_file: Annotated[
        Path | None,
        typer.Option(help="The passphrase that an archive was encrypted with, in this file's first line."),
    ] = None,
    same_person: Annotated[
        bool, typer.Option("--same-person", help="It is of this person, though it names another.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only read it through and say what is in it.")
    ] = False,
    json: Json = False,
) -> None:
    """Read an archive or a FHIR Bundle that healthslm wrote into the store; what is there stays.

    It is taken in whole or not at all. Saying it again takes nothing in twice.
    """
    current = session(context)
    form = form_of(file)
    if form is Form.BUNDLE:
        import_bundle(current, file, same_person=same_person, check=check, json=json)
        return
    keys = [key for path in identity or () for key in identities_in(path)]
    if form is Form.FOR_RECIPIENTS and not keys:
        raise UsageError(f"{file.name} is encrypted for a key.", "Name it: --identity KEYFILE")
    secret = _passphrase(current, file, share_passphrase_file) if form is Form.UNDER_PASSPHRASE else ""
    access = current.access()
    with ExitStack() as stack:
        room = current.settings.home
        plain = stack.enter_context(opened(file, form, room, identities=keys, passphrase=secret))
        digest = sha256_of(plain)
        archive = Archive(plain, file.name)
        archive.check()
        decided = [*sentences(settings_in(archive), current.zone, utc_now()), *gone(archive, current.zone)]
        _show(archive.manifest, decided, current, json=json)
        store = stack.enter_context(current.store(access=access))
        if check:
            if json:
                terminal.print_json(_row(archive.manifest, decided, None))
            terminal.say("It is whole. Nothing was stored.")
            return
        of = archive.manifest.of
        same(store, of.name, of.birth_date, file, said=same_person)
        with terminal.progress(in_bytes=False) as update:
            outcome = take_in(
                store, archive, utc_now(), file=str(file.resolve()), sha256=digest, progress=update
            )
    if json:
        terminal.print_json(_row(archive.manifest, decided, outcome))
    else:
        _tell(archive.manifest, outcome)
    if outcome.settings:
        say_if_running(current.settings.home)


def _passphrase(current: Session, file: Path, given: Path | None) -> str:
    secret = current.reading(given, None)
    if secret is not None:
        return secret
    if not sys.stdin.isatty():
        raise UsageError(
            f"{file.name} is encrypted with a passphrase, and there is no terminal to ask for it.",
            "Use --share-passphrase-file FILE.",
        )
    return current.ask(f"Passphrase of {file.name}")


def _show(manifest: Manifest, decided: Sequence[str], current: Session, *, json: bool) -> None:
    """Say what is in an archive, before anything is done with it."""
    if json:
        return
    of = manifest.of.name or "somebody without a name"
    terminal.say(f"An archive of {of}, made {terminal.day_and_clock(manifest.made_at, current.zone)}.")
    if manifest.period is not None:
        first, last = (
            terminal.day_and_clock(time, current.zone)
            for time in (manifest.period.first, manifest.period.last)
        )
        terminal.say(f"From {first} to {last}.")
    counts = _counts(manifest)
    told = [many(count, name.removesuffix("s")) for name, count in counts.items() if count]
    terminal.say(f"In it: {', '.join(told) or 'nothing'}.")
    if decided:
        terminal.say("What is not as usual in it, and holds here from then on where nothing else is set:")
        for one in decided:
            terminal.say(f"  {one}", "yellow")


def _counts(manifest: Manifest) -> dict[str, int]:
    members: dict[str, tuple[str, ...]] = {name: (f"{name}.jsonl",) for name in SORTS}
    members["readings"] = ("readings.jsonl", "streams/")
    return {name: manifest.count(*members[name]) for name in SORTS}


def _tell(manifest: Manifest, outcome: Outcome) -> None:
    tell(outcome)
    if outcome.hours:
        terminal.say(f"Roll-ups of {many(outcome.hours, 'hour')} whose readings are gone were taken in.")
    if outcome.settings:
        terminal.say(f"Settings that hold here from now on: {', '.join(outcome.settings)}.", "yellow")
    if outcome.differing:
        names = ", ".join(outcome.differing)
        terminal.say(f"Settings that are otherwise here, and stay as they are here: {names}.", "yellow")
    left = manifest.left_out
    if left.hooks:
        terminal.say(
            f"Hooks are in no archive; to be added again: {', '.join(left.hooks)}. See: healthslm hooks add"
        )
    terminal.say("The archive's audit trail is to be read in it; this store keeps its own.")


def _row(manifest: Manifest, decided: Sequence[str], outcome: Outcome | None) -> dict[str, Any]:
    """What was in an archive and what became of it, as data."""
    row: dict[str, Any] = {
        "format": "archive",
        "of": manifest.of.model_dump(),
        "made_at": manifest.made_at.isoformat(),
        "period": None if manifest.period is None else manifest.period.model_dump(mode="json"),
        "in_it": _counts(manifest),
        "left_out": manifest.left_out.model_dump(),
        "settings_say": list(decided),
    }
    if outcome is not None:
        row |= {
            "became": {name: asdict(tally) for name, tally in outcome.tallies.items()},
            "hours_rolled_up": outcome.hours,
            "settings_taken": outcome.settings,
            "settings_differing": outcome.differing,
        }
    return row
