"""How an export leaves: encrypted for somebody, or plain after a clear yes; either way it is noted."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from healthslm.cli import terminal
from healthslm.cli.period import last_day
from healthslm.cli.session import Session, long_enough
from healthslm.clock import utc_now
from healthslm.errors import HealthslmError, LockedError, UsageError
from healthslm.export import stem
from healthslm.export.files import Fill, filled, filling, staged
from healthslm.export.share import LARGEST, Recipient, Terms, pack, recipient, recipients_in, sealed
from healthslm.readings import Review
from healthslm.store import Store, exists, unlock
from healthslm.store.audit import Event
from healthslm.text import clean

RecipientOption = Annotated[
    list[str] | None,
    typer.Option(
        "--recipient",
        metavar="KEY|FILE",
        help="Encrypt for this public key (age1…, ssh-…) or those in a file. Can be said again.",
        show_default=False,
    ),
]
PassphraseOption = Annotated[
    bool, typer.Option("--passphrase", help="Encrypt with a passphrase, which is asked for.")
]
PassphraseFileOption = Annotated[
    Path | None,
    typer.Option("--share-passphrase-file", help="Encrypt with the passphrase in this file's first line."),
]
PlainOption = Annotated[bool, typer.Option("--plain", help="Yes, write files that are not encrypted.")]
ToWhomOption = Annotated[str, typer.Option(help="Who gets it, for the list: Dr. Example.")]
PurposeOption = Annotated[str, typer.Option(help="What it is for.")]
ExpiresOption = Annotated[
    str,
    typer.Option(
        metavar="DATE|DAYS",
        help="Ask the reader to delete it after 2026-12-31, or 30d from now. Nothing enforces it.",
    ),
]
NOT_ENCRYPTED = "These files are not encrypted. Hand them over only to whom you trust."
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """How an export is to leave: for recipients, under a passphrase, or, with neither, plain."""

    recipients: tuple[Recipient, ...] = ()
    passphrase: str = ""
    terms: Terms = field(default_factory=Terms)

    @property
    def encrypted(self) -> str:
        """Say with what it is encrypted; nothing where it is not."""
        return "recipients" if self.recipients else "passphrase" if self.passphrase else ""


def decided(
    current: Session,
    *,
    recipients: Sequence[str] | None,
    passphrase: bool,
    passphrase_file: Path | None,
    plain: bool,
    to_whom: str,
    purpose: str,
    expires: str,
) -> Handover:
    """Make of the options how the export leaves, asking what they leave open.

    Raises `UsageError` for options that cannot be used, `LockedError` for a passphrase that may not be, and
    `HealthslmError` where somebody says no.
    """
    ways = sum((bool(recipients), passphrase or passphrase_file is not None, plain))
    if ways > 1:
        raise UsageError(
            "An export is for recipients, or under a passphrase, or plain.",
            "Say one: --recipient, --passphrase or --plain.",
        )
    today = utc_now().astimezone(current.zone).date()
    terms = Terms(
        to_whom=clean(to_whom, _LONGEST),
        purpose=clean(purpose, _LONGEST),
        expires=last_day("--expires", expires, today),
    )
    if recipients:
        found = {one.text: one for given in recipients for one in _recipients(given)}
        return Handover(recipients=tuple(found.values()), terms=terms)
    if passphrase or passphrase_file is not None:
        return Handover(passphrase=_passphrase(current, passphrase_file), terms=terms)
    if not plain:
        _ask()
    return Handover(terms=terms)


def hand_over(
    store: Store,
    review: Review,
    files: Sequence[tuple[str, Fill]],
    folder: Path,
    formats: Sequence[str],
    how: Handover,
) -> list[Path]:
    """Write the files, or the one that holds them encrypted, and note it in the trail; return the paths.

    Nothing is written that the trail does not know of: the entry is durable before a file has its name.
    """
    if how.encrypted:
        key = how.recipients or how.passphrase
        packed = pack(review, [(name, filled(fill, LARGEST)) for name, fill in files], how.terms)
        files = [(f"{stem(review)}.zip.age", filling(sealed(packed, key)))]
    period = (review.start.isoformat(), review.end.isoformat())
    return write_and_note(store, files, folder, formats, period, how)


def write_and_note(
    store: Store,
    files: Sequence[tuple[str, Fill]],
    folder: Path,
    formats: Sequence[str],
    period: tuple[str, str] | None,
    how: Handover,
) -> list[Path]:
    """Write files that are as they leave, and note it in the trail before they have their names."""
    written = [(folder / name, fill) for name, fill in files]
    with staged(written) as waiting:
        store.note_event(
            Event.EXPORTED,
            utc_now(),
            to=str(folder.resolve()),
            files=", ".join(path.name for path, _ in written),
            sha256=", ".join(map(_sha256, waiting)),
            formats=",".join(formats),
            start=period[0] if period else None,
            end=period[1] if period else None,
            encrypted=how.encrypted or None,
            recipients=", ".join(one.short for one in how.recipients) or None,
            to_whom=how.terms.to_whom or None,
            purpose=how.terms.purpose or None,
            expires=how.terms.expires.isoformat() if how.terms.expires else None,
        )
        store.commit()
    return [path for path, _ in written]


def print_paths(paths: Sequence[Path], *, json: bool) -> None:
    """Print where the files are, a line each, or as JSON."""
    if json:
        terminal.print_json([str(path) for path in paths])
        return
    for path in paths:
        terminal.out.print(str(path), markup=False, soft_wrap=True)


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def say_how_to_open(paths: Sequence[Path], how: Handover, *, told_inside: bool = False) -> None:
    """Say what the reader does with it, or that nothing protects it.

    `told_inside` says that what for and until when stands in the files, plain ones too.
    """
    if not how.encrypted:
        terminal.say(NOT_ENCRYPTED)
        if (how.terms.purpose or how.terms.expires) and not told_inside:
            terminal.say("What for and until when stands in your list only; plain files do not say it.")
        return
    name = paths[0].name
    identity = "--identity KEYFILE " if how.recipients else ""
    terminal.say(f"The reader opens it with: age --decrypt {identity}--output {paths[0].stem} {name}")
    if how.passphrase:
        terminal.say("Tell the passphrase on another way than the file goes: by telephone, or in person.")


def _recipients(given: str) -> list[Recipient]:
    """Read what was given with `--recipient`: a key, or a file of them."""
    path = os.path.expanduser(given)
    if not given.startswith(("age1", "ssh-")) and os.path.exists(path):  # which takes any text, unlike Path
        return recipients_in(Path(path))
    return [recipient(given)]


def _passphrase(current: Session, file: Path | None) -> str:
    given = current.reading(file, None)
    if given is None and not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to ask for the passphrase of the file.", "Use --share-passphrase-file FILE."
        )
    secret = long_enough(current.ask("New passphrase for the file") if given is None else given)
    if given is None and current.ask("The same again") != secret:
        raise LockedError("The two passphrases differ.", "Nothing was written; try again.")
    if _opens_the_store(current, secret):
        raise LockedError(
            "That opens your store: whoever gets the file could read everything in it.",
            "Take another passphrase for the file.",
        )
    return secret


def _opens_the_store(current: Session, secret: str) -> bool:
    if not exists(current.settings.home):  # that is said when the store is opened
        return False
    try:
        unlock(current.settings.home, secret)
    except LockedError:
        return False
    return True


def _ask() -> None:
    """Ask for a clear yes to files that are not encrypted. Raises where nobody can be asked, or says no."""
    ways = "Encrypt it with --recipient KEY or --passphrase; or say --plain."
    if not sys.stdin.isatty():
        raise UsageError("Files that are not encrypted are only written after a clear yes.", ways)
    terminal.say(NOT_ENCRYPTED, "yellow")
    if not typer.confirm("Write them all the same?", default=False, err=True):
        raise HealthslmError("Nothing was written.", "To encrypt it: --recipient KEY or --passphrase")
