"""What was sealed while a store was locked: into the store, and before the rules, as what comes late is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from device import Event
from healthslm import sealed
from healthslm.cli import terminal
from healthslm.cli.delivering import Delivering
from healthslm.cli.fencing import RUN, answering
from healthslm.cli.how import How
from healthslm.cli.locking import exit_if_locked, heeding_lock
from healthslm.cli.running import LOCK
from healthslm.cli.screen import Screen, say_what_came
from healthslm.cli.stopping import stop_on_signals
from healthslm.collector import Tally
from healthslm.errors import DamagedError, StoreError
from healthslm.pipeline import collect
from healthslm.store import Store

_WHAT = "through what was sealed while the store was locked"


def take_in(store: Store, zone: ZoneInfo, how: How) -> None:
    """Take in what was sealed, before anything else is listened to. Raises `StoreError`.

    Ends the program where it is stopped, or locked, meanwhile: what is left is taken in the next time.
    """
    if sealed.sealed_in(store.folder):
        how.notify.ready("Unlocked; taking in what was sealed.")
        take_files(store, partial(_taken, store, zone, how))


def _taken(store: Store, zone: ZoneInfo, how: How, events: AsyncIterator[Event]) -> bool:
    """Store a file's events, and judge them; say whether the store has all of them."""
    names = {d.address: d.name for d in store.devices()}
    screen = Screen(zone, names, quiet=how.quiet)

    async def take() -> tuple[Tally, bool]:
        stop = stop_on_signals(how.notify)
        async with (
            heeding_lock([store.folder], stop),
            Delivering(store.folder / LOCK, how.start) as delivering,
        ):
            tally = await collect(
                events,
                store,
                zone=zone,
                hooks=delivering.hooks_now(store)(),
                carry=delivering.call,
                observe=screen.observe,
                stop=stop,
                alive=how.notify.alive,
            )
        return tally, stop.is_set()

    tally, stopped = asyncio.run(answering(store.folder, RUN, how.standing, take()))
    say_what_came(tally, f"{'Stopped going' if stopped else 'Gone'} {_WHAT}", quiet=how.quiet)
    if stopped:
        exit_if_locked(store.folder)
        raise typer.Exit
    return not tally.unsaved


def take_files(store: Store, take: Callable[[AsyncIterator[Event]], bool]) -> None:
    """Take in the sealed files; `take` stores a file's events and says whether the store has all of them.

    A file whose events are all stored is deleted; one that was changed is kept under another name, and said.
    """
    try:
        keys = sealed.keys_in(store)
    except DamagedError as error:  # the files stay; what is heard from now on needs them not
        terminal.say(f"{error}", "bold red")
        return
    for path in sealed.sealed_in(store.folder):
        trouble: list[StoreError] = []
        whole = take(_events(path, keys, trouble))
        if trouble:
            terminal.say(f"{trouble[0]}", "bold red")
        try:
            if not whole:
                continue  # the store did not take all of it: the next time
            if trouble and isinstance(trouble[0], DamagedError):
                path.rename(path.with_suffix(sealed.DAMAGED))
            elif not trouble:
                path.unlink()
        except OSError as error:
            raise StoreError(
                f"{path} cannot be removed: {error.strerror or error}.",
                "See that the disk can be written, and that the folder is this user's.",
            ) from error


async def _events(path: Path, keys: sealed.Keys, trouble: list[StoreError]) -> AsyncIterator[Event]:
    """Yield a file's events; what is wrong with it is kept, so that what comes before it is stored."""
    try:
        for event in sealed.read(path, keys):
            yield event
    except StoreError as error:
        trouble.append(error)
