"""What one call of the command works with: settings, the passphrase, the open store, the model."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

from healthslm import people
from healthslm import settings as settings_module
from healthslm.alerts import Hook, parse_hooks
from healthslm.cli import terminal
from healthslm.clock import utc_now
from healthslm.errors import LockedError, MissingError, ModelError, StoreError
from healthslm.settings import Settings
from healthslm.store import Access, Store, exists, open_unlocked, unlock
from healthslm.store.audit import Event
from healthslm.store.slots import CREDENTIAL

if TYPE_CHECKING:
    from healthslm.slm import Model

_TRIES = 3
"""So often a passphrase may be mistyped at a terminal: what is typed after that would go to the shell."""
SHORTEST = 8
"""Characters of a passphrase: what all new ones have at the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The options that every command shares.

    `settings.home` is the folder of the person that is meant, `household` that of everybody, and `named` says
    whether the person was named or goes without saying. `own_process` says that the process is the command's
    alone, and may be given up to a fence: it is not where tests or other programs call the command.
    """

    settings: Settings
    household: Path
    person: str = people.FIRST
    named: bool = False
    passphrase_file: Path | None = None
    passphrase_fd: int | None = None
    command: str = ""
    own_process: bool = False

    def strictly(self, strict: bool) -> Session:
        """Return the session in strict mode where that was asked for."""
        settings = self.settings.model_copy(update={"strict": self.settings.strict or strict})
        return replace(self, settings=settings)

    def absolute(self) -> Session:
        """Return the session with paths that hold in every working folder."""
        paths = {name: getattr(self.settings, name).absolute() for name in ("home", "model", "state")}
        file = self.passphrase_file
        return replace(
            self,
            settings=self.settings.model_copy(update=paths),
            household=self.household.absolute(),
            passphrase_file=None if file is None else file.absolute(),
        )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which days begin and times are written."""
        return self.settings.zone

    def of(self, person: str) -> Session:
        """Return a session about another person of the household."""
        home = people.folder_of(self.household, person)
        return replace(
            self, settings=self.settings.model_copy(update={"home": home}), person=person, named=True
        )

    def passphrase(self, prompt: str = "Passphrase") -> str:
        """Read the passphrase: from the file or descriptor that was named, else from the terminal.

        Never from an argument or the environment, where other processes could read it.
        """
        given = self.reading(self.passphrase_file, self.passphrase_fd)
        return self.ask(prompt) if given is None else given

    def reading(self, file: Path | None, descriptor: int | None) -> str | None:
        """Read a secret from a descriptor or a file's first line; `None` when neither was named."""
        if descriptor is not None:
            try:
                with os.fdopen(descriptor, encoding="utf-8") as opened:
                    return opened.readline().rstrip("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise LockedError(f"The descriptor {descriptor} cannot be read: {_why(error)}.") from error
        if file is None:
            return None
        try:
            with file.open(encoding="utf-8") as opened:
                secret = opened.read().split("\n", 1)[0]
                mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
        except (OSError, UnicodeDecodeError) as error:
            raise LockedError(f"{file} cannot be read: {_why(error)}.") from error
        if secret.startswith(CREDENTIAL) and mode & (0o037 if _handed_over(file) else 0o077):
            raise LockedError(
                f"{file} opens the store, and others than its owner may read it (mode {mode:o}).",
                f"Say: chmod 600 {file}",
            )
        return secret

    def ask(self, prompt: str) -> str:
        """Ask for a secret at the terminal. Raises `LockedError` where there is none."""
        if not sys.stdin.isatty():
            raise LockedError(
                "There is no terminal to ask for the passphrase.",
                "Give it before the command: healthslm --passphrase-file FILE …, or --passphrase-fd N.",
            )
        return str(typer.prompt(prompt, hide_input=True, err=True))

    def is_there(self) -> bool:
        """Say whether the person has a store."""
        return exists(self.settings.home)

    def access(self, secret: str | None = None) -> Access:
        """Unlock the store, without opening it yet; asks for the secret that is not given."""
        folder = self.settings.home
        if not exists(folder):  # before the person has typed a passphrase
            if self.person != people.FIRST:
                raise MissingError(
                    f"There is no store of {self.person} in {folder}.", "Next: healthslm people list"
                )
            raise MissingError(f"There is no store in {folder}.", "Make one with `healthslm init`.")
        given = self.reading(self.passphrase_file, self.passphrase_fd) if secret is None else secret
        if given is not None:
            return unlock(folder, given)
        for left in reversed(range(_TRIES)):
            try:
                return unlock(folder, self.ask("Passphrase"))
            except LockedError as error:
                if not left or not sys.stdin.isatty():
                    raise
                terminal.say(f"{error.message} Once more:", "yellow")
        raise AssertionError("the last attempt returned or raised")

    @contextmanager
    def store(self, *, access: Access | None = None, patience_s: float = 5.0) -> Iterator[Store]:
        """Open the store, unlocking it where it is not yet, and close it again.

        A write waits `patience_s` for another process.
        """
        with opened(self, access or self.access(), patience_s=patience_s) as store:
            yield store

    @contextmanager
    def writer(self, *, wanted: bool = True) -> Iterator[Model | None]:
        """Start the language model's process; without a built model say so once, and yield `None`."""
        if not wanted:
            yield None
            return
        from healthslm.slm import ModelProcess  # noqa: PLC0415  most commands write no text

        try:
            process = ModelProcess(
                self.settings.model, idle_s=self.settings.profile.model_idle_s, strict=self.settings.strict
            )
        except ModelError as error:
            terminal.say(f"{error.message} The text is the template's. {error.hint}", "dim")
            yield None
            return
        with process:
            yield process


def opened(about: Session, access: Access, *, patience_s: float = 5.0) -> Store:
    """Open an unlocked store, and note in its trail that it was: which command, with whose secret."""
    store = open_unlocked(access, patience_s=patience_s, state=about.settings.state)
    try:
        store.note_event(Event.OPENED, utc_now(), slot=access.slot, command=about.command)
        store.commit()
    except (
        StoreError
    ) as error:  # as on a disk that cannot be written: what is in it can be looked at all the same
        terminal.say(f"That the store was opened could not be noted. {error.message}", "yellow")
    return store


def long_enough(passphrase: str) -> str:
    """Return a new passphrase. Raises `LockedError` for one that is guessed too soon."""
    if len(passphrase) < SHORTEST:
        raise LockedError(
            f"The passphrase has fewer than {SHORTEST} characters.", "Take a few words that nobody guesses."
        )
    return passphrase


def _handed_over(file: Path) -> bool:
    """Say whether systemd handed this over: its access list for the service shows as the group's right.

    Source: systemd.exec(5), `LoadCredential=`; `write_credential` in systemd's exec-credential.c.
    """
    return str(file.parent) == os.environ.get("CREDENTIALS_DIRECTORY")


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8"


def session(context: typer.Context) -> Session:
    """Return the session that the app's callback made."""
    found = context.find_object(Session)
    if found is None:  # only when a command is called without the app
        settings = settings_module.load()
        return Session(settings=settings, household=settings.home)
    return found


def hooks_of(store: Store) -> list[Hook]:
    """Return the hooks that the person set up."""
    return parse_hooks(store.get("hooks", []))


def parse_time(text: str, zone: ZoneInfo) -> datetime:
    """Read an ISO date or time; without an offset it is local. Raises `typer.BadParameter`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no date or time; write 2026-11-02 or 2026-11-02T14:30"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=zone)


def now_or(text: str | None, zone: ZoneInfo) -> datetime:
    """Return the given time, or now."""
    return parse_time(text, zone) if text else utc_now()
