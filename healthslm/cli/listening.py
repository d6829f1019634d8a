"""`healthslm run`: listen to the wearables, or to a file of what they said once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from device import Event, LinkEvent, LinkState, Radio, RecordError, watch
from device.capture import CapturedDevice, capture, replay
from healthslm import people, sealed
from healthslm.alerts.spawning import Start
from healthslm.cli import terminal
from healthslm.cli.app import StrictOption, app
from healthslm.cli.chores import Served, beside
from healthslm.cli.delivering import Delivering
from healthslm.cli.fencing import RUN, answering, put_up, starter
from healthslm.cli.how import How, without_adapter
from healthslm.cli.locking import exit_if_locked, heeding_lock
from healthslm.cli.running import LOCK, only_one
from healthslm.cli.screen import Screen, say_what_came
from healthslm.cli.seldom import log_seldom
from healthslm.cli.serving import serve
from healthslm.cli.session import Session, hooks_of, opened, session
from healthslm.cli.stopping import stop_on_signals
from healthslm.cli.taking_in import take_in
from healthslm.cli.unlocking import Opening, WaitOption, by_hand, opens_by_itself, waited_for
from healthslm.cli.while_locked import sealing
from healthslm.clock import boot_seconds
from healthslm.collector import Tally
from healthslm.errors import DamagedError, StoreError, UsageError
from healthslm.nearby import asked_who_is_near
from healthslm.notify import Notifier
from healthslm.pipeline import collect, kept
from healthslm.relay import heard_by_phones
from healthslm.settings import Settings
from healthslm.store import Access, Store
from healthslm.wearables import by_radio, link_settings


@app.command()
def run(
    context: typer.Context,
    replay_file: Annotated[
        Path | None,
        typer.Option("--replay", metavar="FILE", help="Play a captured file instead of listening."),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(help="How fast to replay: 1 as recorded, 60 an hour in a minute; else as it goes."),
    ] = None,
    capture_file: Annotated[
        Path | None,
        typer.Option("--capture", metavar="FILE", help="Also write all to a new file. It is not encrypted."),
    ] = None,
    virtual: Annotated[
        Path | None,
        typer.Option(metavar="SOCKET", help="Listen to what `python -m device.virtual` serves there."),
    ] = None,
    passphrases: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where each person of a household has a passphrase file."),
    ] = None,
    wait: WaitOption = False,
    strict: StrictOption = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="For a log: nothing of what is measured, no alert, no name.")
    ] = False,
) -> None:
    """Listen to the wearables, keep what they say, and warn. Runs until it is stopped."""
    if replay_file and capture_file:
        raise UsageError("--replay and --capture do not go together.", "Copy the file instead.")
    if replay_file and virtual:
        raise UsageError("--replay and --virtual do not go together.", "A file needs no devices.")
    if speed is not None and (replay_file is None or not 0 < speed < float("inf")):
        raise UsageError("--speed is for --replay, and a number above 0.", "1 is as fast as recorded.")
    current = session(context).strictly(strict)
    how = How(virtual=virtual, quiet=quiet, notify=Notifier.of(os.environ, os.getpid()))
    log_seldom()
    for_all = not current.named and len(people.members(current.household)) > 1
    if for_all and capture_file:
        raise UsageError("--capture writes down one person's devices.", "Say whose with --person LABEL.")
    if for_all and not replay_file:
        serve(current, passphrases, how, wait=wait)
        return
    with only_one(current.settings.home), starter(current) as starts:
        how = replace(how, start=starts.start, standing=put_up(current))
        with how.notify.kept_alive(), Opening(current) as opening:
            access = _access(current, opening, how, wait=wait)
            store = opened(current, access, patience_s=0.5)
        with store:
            take_in(store, current.zone, how)
            if replay_file:
                tally = asyncio.run(_play(store, current, replay_file, speed, how))
            else:
                listening = _listen(store, current.settings, capture_file, how)
                one = Served(label=current.person, access=access, store=store)
                working = beside(listening, [one], quiet=quiet)
                tally = asyncio.run(answering(current.settings.home, RUN, how.standing, working))
    say_what_came(tally, "Stopped" if replay_file is None else f"{replay_file} is played", quiet=quiet)
    exit_if_locked(current.settings.home)


def _access(current: Session, opening: Opening, how: How, *, wait: bool) -> Access:
    """Unlock the store; who waits for the passphrase listens meanwhile, if that was chosen."""
    if opens_by_itself(current, opening, wait=wait):
        return by_hand(current, opening)
    folder = current.settings.home
    try:
        choice = sealed.chosen(folder)
    except DamagedError as error:  # nothing is heard then; it is waited for all the same
        terminal.say(f"{error}", "yellow")
        choice = None
    waiting = partial(waited_for, current, opening, "run", how.notify)
    if choice is None:
        return waiting()
    return sealing(folder, choice, how.radio, waiting)


NO_WEARABLE = "No wearable is set up yet. Next: healthslm devices scan; or More, on the phone's page."


async def _listen(store: Store, settings: Settings, capture_file: Path | None, how: How) -> Tally:
    """Listen on this machine's adapter, or to the virtual wearables behind a socket."""
    async with how.radio() as radio:
        return await listen(
            store,
            settings,
            capture_file,
            radio=radio,
            start=how.start,
            quiet=how.quiet,
            notify=how.notify,
        )


async def listen(
    store: Store,
    settings: Settings,
    capture_file: Path | None = None,
    *,
    radio: Radio | None = None,
    start: Start | None = None,
    quiet: bool = False,
    notify: Notifier | None = None,
) -> Tally:
    """Listen to the store's devices until SIGINT or SIGTERM; `radio` is another than this machine's.

    One that is put on the list meanwhile, or taken off it, is listened to from then on, or no more. `start`
    starts the courier's process; `quiet` is for a log, to which nothing of health goes; `notify` tells
    systemd how it goes.
    """
    zone, notify = settings.zone, notify or Notifier()
    screen = Screen(zone, {}, quiet=quiet)
    stop = stop_on_signals(notify)
    async with contextlib.AsyncExitStack() as stack:
        absent = without_adapter if notify.is_service else None
        heard = await stack.enter_async_context(
            watch([], radio=radio, kept=partial(kept, store), zone=zone, absent=absent)
        )

        def as_listed() -> None:
            devices, links = store.devices(), link_settings(store)
            screen.names = {d.address: d.name for d in devices}
            try:
                sealed.keep_current(store)
            except StoreError as error:  # as on a full disk: what is listened to now is not in question
                logging.error("What is listened to while locked could not be kept. %s", error)
            heard.listen_to(
                [d.address for d in by_radio(store)],
                pair=[address for address, link in links.items() if link.paired],
                streams={address: link.streams for address, link in links.items()},
            )

        as_listed()
        await stack.enter_async_context(heard_by_phones(settings.home, heard))
        await stack.enter_async_context(heeding_lock([settings.home], stop))
        await stack.enter_async_context(asked_who_is_near(settings.home, heard.look))
        if not screen.names:
            terminal.say(NO_WEARABLE)
        events: AsyncIterator[Event] = heard
        if capture_file is not None:
            known = [CapturedDevice(d.address, d.name) for d in store.devices()]
            events = await stack.enter_async_context(capture(capture_file, events, devices=known))
            terminal.say(f"What is heard is also written to {capture_file}, which is not encrypted.")
        delivering = await stack.enter_async_context(Delivering(settings.home / LOCK, start))
        hooks_now = delivering.hooks_now(store)
        notify.ready("Listening.")
        return await collect(
            events,
            store,
            zone=zone,
            zone_now=settings.zone_now,
            hooks=hooks_now(),
            hooks_now=hooks_now,
            carry=delivering.call,
            observe=screen.observe,
            elsewhere=as_listed,
            stop=stop,
            counter=boot_seconds,
            alive=notify.alive,
        )


async def _play(store: Store, current: Session, path: Path, speed: float | None, how: How) -> Tally:
    """Collect what a file holds. What is old raises no alarm: `collect` has the clock of today."""
    zone = current.zone
    async with replay(path, speed=speed) as recorded:
        called = {d.address: d.name for d in recorded.header.devices}
        names = called | {d.address: d.name for d in store.devices() if d.name}
        screen = Screen(zone, names, quiet=how.quiet)
        try:
            # What waits for a hook since before is brought to it meanwhile, by who may.
            async with Delivering(current.settings.home / LOCK, how.start) as delivering:
                return await collect(
                    _of_then(recorded, screen),
                    store,
                    zone=zone,
                    hooks=hooks_of(store),
                    carry=delivering.call,
                    observe=screen.observe,
                    stop=stop_on_signals(how.notify),
                )
        except RecordError as error:
            raise RecordError(error.message, error.hint or "What comes before it is stored.") from error


async def _of_then(events: AsyncIterator[Event], screen: Screen) -> AsyncIterator[Event]:
    """Leave out how the links stood then, which is only shown: it says nothing of how they stand now."""
    async for event in events:
        if isinstance(event, LinkEvent) and event.state is not LinkState.DROPPED:
            screen.link(event)
        else:
            yield event
