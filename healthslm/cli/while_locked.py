"""`healthslm while-locked`: whether to collect while the store is locked, and what `run` does then."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from device import Radio, watch
from healthslm import people, sealed
from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.session import session
from healthslm.cli.stopping import stop_on_signals
from healthslm.clock import utc_now
from healthslm.store import Access
from healthslm.store.audit import Event as Noted

while_locked = typer.Typer(
    help="Whether to go on collecting while the store is locked.", no_args_is_help=True
)
app.add_typer(while_locked, name="while-locked")
FLUSH_S = 1.0
"""What a power cut can take at the most."""
_AGAIN_S = 10.0
Radios = contextlib.AbstractAsyncContextManager[Radio | None]


@while_locked.command("collect")
def while_locked_collect(context: typer.Context) -> None:
    """Go on collecting while locked: `run --wait` then seals what it hears to the store's public key."""
    current = session(context)
    with current.store() as store:
        choice = sealed.collect_while_locked(store, os.urandom)
        store.note_event(Noted.SETTING_CHANGED, utc_now(), setting="while locked", now="collect")
        store.commit()
    count, file = len(choice.wearables), sealed.file_in(store.folder)
    terminal.say(
        f"While the store is locked, `healthslm run --wait` listens to {count} wearables and seals what they"
        " say. Nobody can read it before the store is unlocked, and nobody is warned by it."
        f" The wearables' addresses stand in {file}, for whoever has the disk."
    )
    if len(people.members(current.household)) > 1:
        terminal.say(
            "A `run` for the whole household seals nothing. For this person alone:"
            f" healthslm --person {current.person} run --wait",
            "yellow",
        )


@while_locked.command("stop")
def while_locked_stop(context: typer.Context) -> None:
    """Collect nothing while locked. What is sealed already is taken in all the same."""
    with session(context).store() as store:
        sealed.stop_collecting(store)
        store.note_event(Noted.SETTING_CHANGED, utc_now(), setting="while locked", now="stop")
        store.commit()
    terminal.say("While the store is locked nothing is listened to.")


@while_locked.command("show")
def while_locked_show(context: typer.Context, json: Json = False) -> None:
    """Say what is done while locked, and what is sealed and waits; needs no passphrase."""
    folder = session(context).settings.home
    choice, waiting = sealed.chosen(folder), sealed.sealed_in(folder)
    changed = sealed.damaged_in(folder)
    size = sum(path.stat().st_size for path in waiting)
    if json:
        wearables = None if choice is None else [one.address for one in choice.wearables]
        terminal.print_json(
            {"wearables": wearables, "files": len(waiting), "bytes": size, "damaged": len(changed)}
        )
        return
    if choice is None:
        terminal.say("While the store is locked nothing is listened to. Next: healthslm while-locked collect")
    else:
        terminal.say(f"While the store is locked {len(choice.wearables)} wearables are listened to.")
    if waiting:
        terminal.say(f"{size / 1e6:,.1f} MB are sealed, and taken in when `healthslm run` opens the store.")
    if changed:
        terminal.say(
            f"{len(changed)} files were found changed; what came before that is in the store. They are kept"
            f" in {changed[0].parent}, and can be deleted."
        )


def sealing(
    folder: Path, choice: sealed.Choice, radio: Callable[[], Radios], opens: Callable[[], Access]
) -> Access:
    """Seal what the wearables say until `opens` returns, which waits for the passphrase in a thread.

    Ends the program in good order where it is told to stop meanwhile.
    """
    return asyncio.run(_sealing(folder, choice, radio, opens))


async def _sealing(
    folder: Path, choice: sealed.Choice, radio: Callable[[], Radios], opens: Callable[[], Access]
) -> Access:
    stop = stop_on_signals()
    access, stopped = _in_a_thread(opens), asyncio.create_task(stop.wait())
    with sealed.Sealer(folder, choice) as sealer:
        work = [asyncio.create_task(one) for one in (_hear(choice, radio, sealer), _flush(sealer))]
        waited: list[asyncio.Future[Any]] = [access, stopped]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        await _ended(work)
    if sealer.lost:
        terminal.say(
            f"{sealer.lost} things that were heard while locked are lost: the disk took none of them."
            " Next: make room on it.",
            "bold red",
        )
    if not access.done():
        raise typer.Exit
    stopped.cancel()
    return access.result()


async def _hear(choice: sealed.Choice, radio: Callable[[], Radios], sealer: sealed.Sealer) -> None:
    """Seal what the wearables say. What ends that, as an adapter that is not there yet, is tried again."""
    said = ""
    while True:
        try:
            async with (
                radio() as air,
                watch(
                    [one.address for one in choice.wearables],
                    radio=air,
                    pair=[one.address for one in choice.wearables if one.paired],
                    streams={one.address: one.streams for one in choice.wearables},
                ) as events,
            ):
                said = ""
                async for event in events:
                    sealer.add(event)
        except Exception as error:  # whatever it is: until it is unlocked nobody is there to begin anew
            if str(error) != said:
                said = str(error)
                terminal.say(f"Nothing can be listened to while locked. {said} It is tried again.", "yellow")
        await asyncio.sleep(_AGAIN_S)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            terminal.say(
                f"What was heard while locked is sealed up to {utc_now():%H:%M} UTC only: {ended}", "red"
            )


def _in_a_thread(work: Callable[[], Access]) -> asyncio.Future[Access]:
    """Do what may never end in a thread that nobody waits for."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Access] = loop.create_future()

    def done(value: Access | None, error: Exception | None) -> None:
        if error is not None:
            result.set_exception(error)
        elif value is not None:
            result.set_result(value)

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except Exception as raised:  # it is raised where it is waited for
            error = raised
        loop.call_soon_threadsafe(done, value, error)

    threading.Thread(target=run, daemon=True, name="unlock").start()
    return result


async def _flush(sealer: sealed.Sealer) -> None:
    while True:
        await asyncio.sleep(FLUSH_S)
        sealer.flush()
