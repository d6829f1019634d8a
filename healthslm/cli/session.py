"""What one call of the command works with: settings, the passphrase, the open store, the model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from healthslm import people
from healthslm import settings as settings_module
from healthslm.alerts import Hook, parse_hooks
from healthslm.cli import terminal
from healthslm.clock import utc_now
from healthslm.errors import LockedError, MissingError, ModelError
from healthslm.settings import Settings
from healthslm.slm import ModelProcess, Writer
from healthslm.store import Access, Store, exists, open_unlocked, unlock


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The options that every command shares.

    `settings.home` is the folder of the person that is meant, `household` that of everybody, and `named` says
    whether the person was named or goes without saying.
    """

    settings: Settings
    household: Path
    person: str = people.FIRST
    named: bool = False
    passphrase_file: Path | None = None
    passphrase_fd: int | None = None

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
        if self.passphrase_fd is not None:
            try:
                with os.fdopen(self.passphrase_fd, encoding="utf-8") as file:
                    return file.readline().rstrip("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise LockedError(
                    f"--passphrase-fd {self.passphrase_fd} cannot be read: {_why(error)}."
                ) from error
        if self.passphrase_file is not None:
            try:
                return self.passphrase_file.read_text(encoding="utf-8").split("\n", 1)[0]
            except (OSError, UnicodeDecodeError) as error:
                raise LockedError(f"{self.passphrase_file} cannot be read: {_why(error)}.") from error
        if not sys.stdin.isatty():
            raise LockedError(
                "The store is locked and there is no terminal to ask for the passphrase.",
                "Use --passphrase-file FILE or --passphrase-fd N.",
            )
        return str(typer.prompt(prompt, hide_input=True, err=True))

    def access(self, secret: str | None = None) -> Access:
        """Unlock the store, without opening it yet; asks for the secret that is not given."""
        folder = self.settings.home
        if not exists(folder):  # before the person has typed a passphrase
            if self.person != people.FIRST:
                raise MissingError(
                    f"There is no store of {self.person} in {folder}.", "Next: healthslm people list"
                )
            raise MissingError(f"There is no store in {folder}.", "Make one with `healthslm init`.")
        return unlock(folder, self.passphrase() if secret is None else secret)

    @contextmanager
    def store(self, *, patience_s: float = 5.0) -> Iterator[Store]:
        """Open the store, and close it again; a write waits `patience_s` for another process."""
        with open_unlocked(self.access(), patience_s=patience_s, state=self.settings.state) as store:
            yield store

    @contextmanager
    def writer(self, *, wanted: bool = True) -> Iterator[Writer | None]:
        """Start the language model's process; without a built model say so once, and yield `None`."""
        if not wanted:
            yield None
            return
        try:
            process = ModelProcess(self.settings.model)
        except ModelError as error:
            terminal.say(f"{error.message} The text is the template's. {error.hint}", "dim")
            yield None
            return
        with process:
            yield process


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
