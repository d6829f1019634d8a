"""The keys of the store: who can open it, another data key, and the end of it."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Annotated

import typer

from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.running import only_one
from healthslm.cli.session import Session, long_enough, session
from healthslm.cli.setup import show_words
from healthslm.clock import utc_now
from healthslm.errors import LockedError, MissingError, StoreError, UsageError
from healthslm.store import Access, erase, exists, files, open_unlocked, restore, rotation, slots, words
from healthslm.store import keys as store_keys
from healthslm.store.audit import Event
from healthslm.store.slots import CHEAPEST, INTERACTIVE, Maker

keys = typer.Typer(help="Who can open the store, and with what.", no_args_is_help=True)
app.add_typer(keys, name="keys")
NewFile = Annotated[
    Path | None,
    typer.Option("--new-passphrase-file", help="The new passphrase: this file's first line."),
]
NewDescriptor = Annotated[
    int | None, typer.Option("--new-passphrase-fd", help="Read the new passphrase from this descriptor.")
]
_TITLES = {
    "passphrase": "passphrase",
    "carer": "a carer's passphrase",
    "recovery": "recovery words",
    "machine": "this machine, unattended",
}


@keys.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the slots: each opens the store. Needs no passphrase, and shows no secret."""
    current = session(context)
    file = _key_file(current)
    rows = [
        {"id": slot.id, "kind": slot.kind, "label": slot.label, "created": slot.created.isoformat()}
        for slot in file.slots
    ]
    if json:
        terminal.print_json(rows)
        return
    table = terminal.table_of("id", "label", "opened by", "made", whole=8)
    for slot in file.slots:
        made = terminal.day_and_clock(slot.created, current.zone)
        table.add_row(slot.id, terminal.cell(slot.label), _TITLES[slot.kind], made)
    terminal.out.print(table)


@keys.command("add")
def add(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="passphrase, carer, recovery or machine.")],
    label: Annotated[
        str, typer.Option(help="What you call it; without it, its kind.", show_default=False)
    ] = "",
    file: Annotated[
        Path | None, typer.Option(help="machine: the new file for its credential.", show_default=False)
    ] = None,
    new_file: NewFile = None,
    new_descriptor: NewDescriptor = None,
) -> None:
    """Let somebody else open the store: with a passphrase of their own, words on paper, or unattended."""
    if kind not in _TITLES:
        raise UsageError(f"{kind!r} is no kind of slot.", f"One of: {', '.join(_TITLES)}.")
    if (kind == "machine") != (file is not None):
        raise UsageError(
            "A machine's credential goes into a file, and only that.",
            "healthslm keys add machine --file /etc/healthslm.key",
        )
    current = session(context)
    access = current.access()
    maker = _maker(access)
    label = label or _free_label(access, "recovery words" if kind == "recovery" else kind)
    if kind == "machine":
        assert file is not None  # noqa: S101  checked above
        secret = os.urandom(slots.KEY_BYTES)
        slot: slots.AnySlot = maker.machine(secret, label)
        after = store_keys.added(access.key_file, slot)
        if file.resolve().is_relative_to(current.household.resolve()):
            raise UsageError(
                f"{file} is in the store's own folder: who takes the one takes the other.",
                "Name another place.",
            )
        files.make_private(file)
        files.write_private(file, (slots.credential(secret) + "\n").encode("ascii"))
    elif kind == "recovery":
        entropy = os.urandom(slots.KEY_BYTES)
        slot = maker.recovery(entropy, label)
        after = store_keys.added(access.key_file, slot)
    else:
        passphrase = _new_passphrase(current, new_file, new_descriptor)
        slot = maker.carer(passphrase, label) if kind == "carer" else maker.passphrase(passphrase, label)
        after = store_keys.added(access.key_file, slot)
    _replace(current, access, after, added=label, kind=kind)
    terminal.say(f"{label} ({slot.id}) opens the store from now on.")
    if kind == "recovery":
        show_words(words.to_words(entropy))
    if file is not None:
        terminal.say(f"Its credential is in {file}: healthslm --passphrase-file {file} run")


@keys.command("remove")
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The slot's id or label.")],
    only_machines: Annotated[
        bool, typer.Option("--only-machines-left", help="Though nobody could type anything that opens it.")
    ] = False,
) -> None:
    """Take a slot away. Who had the store open, or has an old backup, keeps what they have: see `rotate`."""
    current = session(context)
    access = current.access()
    after, slot = store_keys.removed(access.key_file, name, only_machines=only_machines)
    _replace(current, access, after, removed=slot.label, kind=slot.kind)
    terminal.say(f"{slot.label} ({slot.id}) does not open the store any more.")
    terminal.say(
        "Backups made before still open with it. Next, where that matters: healthslm keys rotate", "dim"
    )


@keys.command("rotate")
def rotate(context: typer.Context) -> None:
    """Change the data key itself: everything is encrypted anew, and the old key opens nothing any more."""
    current = session(context)
    secret = current.passphrase()
    access = current.access(secret)
    with only_one(current.settings.home), terminal.progress() as update:
        done = rotation.rotate(access, secret, profile=_profile(access), now=utc_now(), progress=update)
    with open_unlocked(done.access, state=current.settings.state) as store:
        store.note_event(Event.KEYS_CHANGED, utc_now(), rotated=access.slot)
    terminal.say("The store has another data key. The old one opens nothing of it any more: that was tried.")
    for slot in done.dropped:
        terminal.say(f"{slot.label} has to be added again: healthslm keys add {slot.kind}", "yellow")
    terminal.say("Backups made before open with the old secrets, as ever; make a new one and delete those.")
    for copy in restore.copies(current.settings.home):
        terminal.say(f"So does {copy}", "yellow")
    show_words(done.words)


@app.command("erase")
def erase_(
    context: typer.Context,
    confirmed: Annotated[str, typer.Option("--confirm", help="The folder of the store, typed out.")] = "",
) -> None:
    """Destroy the store: its slots first, so that nothing in it can ever be read again."""
    current = session(context)
    folder = current.settings.home
    if not exists(folder):
        raise MissingError(f"There is no store in {folder}.", "See `healthslm people list`.")
    terminal.say(f"This destroys everything in the store in {folder}, for ever.", "bold red")
    terminal.say("Backups elsewhere have slots of their own, and open as ever: delete those yourself.")
    copies = restore.copies(folder)
    for copy in copies:
        terminal.say(f"  destroyed with it: {copy}")
    said = confirmed or str(typer.prompt("Type the folder of the store to go on", default="", err=True))
    if said.strip() != str(folder):
        raise UsageError("That is not the folder; nothing was destroyed.", "Type it as it stands above.")
    with only_one(folder):
        erase(folder)
    terminal.say(f"The store in {folder} is destroyed.")


def _free_label(access: Access, wanted: str) -> str:
    """Return a label that no slot has yet: `recovery words`, `recovery words 2` and so on."""
    taken = {slot.label for slot in access.key_file.slots}
    numbers = itertools.count(2)
    label = wanted
    while label in taken:
        label = f"{wanted} {next(numbers)}"
    return label


def _key_file(current: Session) -> store_keys.KeyFile:
    folder = current.settings.home
    if not exists(folder):
        raise MissingError(f"There is no store in {folder}.", "Make one with `healthslm init`.")
    restore.finish(folder)
    return store_keys.KeyFile.read(folder / restore.KEYS)


def _profile(access: Access) -> slots.Profile:
    """As dear a guess as at the passphrase that is there already."""
    cheap = any(
        isinstance(slot, slots.PassphraseSlot) and slot.memory_kib <= CHEAPEST.memory_kib
        for slot in access.key_file.slots
    )
    return CHEAPEST if cheap else INTERACTIVE


def _maker(access: Access) -> Maker:
    file = access.key_file
    return Maker(
        store=file.store,
        cipher=file.cipher,
        key=access.key,
        random=os.urandom,
        now=utc_now(),
        profile=_profile(access),
    )


def _replace(current: Session, access: Access, after: store_keys.KeyFile, **detail: str) -> None:
    """Write the slots as they are now, and note it."""
    folder = current.settings.home
    with files.alone(folder):
        if store_keys.KeyFile.read(folder / restore.KEYS) != access.key_file:
            raise StoreError("The slots were changed meanwhile; yours were not.", "Say it again.")
        files.write_private(folder / restore.KEYS, after.to_bytes())
    with open_unlocked(access, state=current.settings.state) as store:
        store.note_event(Event.KEYS_CHANGED, utc_now(), by=access.slot, **detail)


def _new_passphrase(current: Session, file: Path | None, descriptor: int | None) -> str:
    given = current.reading(file, descriptor)
    passphrase = long_enough(given if given is not None else current.ask("New passphrase"))
    if given is None and current.ask("The same again") != passphrase:
        raise LockedError("The two passphrases differ.", "Nothing was changed; try again.")
    return passphrase
