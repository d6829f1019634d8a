"""Listen to the wearables, or to a file of what they said once; and say what single bytes mean."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Hashable, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from device import PAIR_FIRST, Event, LinkEvent, LinkState, Radio, RecordError, watch
from device.capture import CapturedDevice, capture, replay
from healthslm import people, sealed
from healthslm.alerts.spawning import Start
from healthslm.cli import terminal
from healthslm.cli.app import Json, StrictOption, app
from healthslm.cli.chores import Served, beside
from healthslm.cli.delivering import Delivering
from healthslm.cli.fencing import RUN, answering, put_up, starter
from healthslm.cli.household import everybody, listen_for_all
from healthslm.cli.locking import exit_if_locked, heeding_lock
from healthslm.cli.measure import need_virtual
from healthslm.cli.running import LOCK, only_one
from healthslm.cli.session import Session, hooks_of, opened, session
from healthslm.cli.unlocking import WaitOption, opens_by_itself, waited_for
from healthslm.cli.while_locked import sealing, take_in
from healthslm.clock import boot_seconds
from healthslm.collector import Tally, Update
from healthslm.errors import UsageError
from healthslm.nearby import asked_who_is_near
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
) -> None:
    """Listen to the wearables, keep what they say, and warn. Runs until it is stopped."""
    if replay_file and capture_file:
        raise UsageError("--replay and --capture do not go together.", "Copy the file instead.")
    if replay_file and virtual:
        raise UsageError("--replay and --virtual do not go together.", "A file needs no devices.")
    if speed is not None and (replay_file is None or not 0 < speed < float("inf")):
        raise UsageError("--speed is for --replay, and a number above 0.", "1 is as fast as recorded.")
    current = session(context).strictly(strict)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    for_all = not current.named and len(people.members(current.household)) > 1
    if for_all and capture_file:
        raise UsageError("--capture writes down one person's devices.", "Say whose with --person LABEL.")
    if for_all and wait and not replay_file:
        raise UsageError(
            "--wait waits for one person's passphrase.",
            "Say whose with --person LABEL, or give everybody's with --passphrases FOLDER.",
        )
    if for_all and not replay_file:
        _run_for_all(current, passphrases, virtual)
        return
    with only_one(current.settings.home), starter(current) as starts:
        standing = put_up(current)
        access = _access(current, virtual, wait)
        with opened(current, access, patience_s=0.5) as store:
            take_in(store, lambda events: _taken_in(store, current, events, starts.start))
            if replay_file:
                tally = asyncio.run(_play(store, current, replay_file, speed, starts.start))
            else:
                listening = _listen(store, current.settings, capture_file, virtual, starts.start)
                one = Served(label=current.person, access=access, store=store)
                working = answering(current.settings.home, RUN, standing, beside(listening, [one]))
                tally = asyncio.run(working)
    _say_what_came(tally, "Stopped" if replay_file is None else f"{replay_file} is played")
    exit_if_locked(current.settings.home)


def _access(current: Session, virtual: Path | None, wait: bool) -> Access:
    """Unlock the store; who waits for the passphrase listens meanwhile, if that was chosen."""
    if opens_by_itself(current, wait=wait):
        return current.access()
    folder = current.settings.home
    choice = sealed.chosen(folder)
    if choice is None:
        return waited_for(current, "run")
    return sealing(folder, choice, lambda: _radio(virtual), lambda: waited_for(current, "run"))


def _taken_in(store: Store, current: Session, events: AsyncIterator[Event], start: Start) -> bool:
    """Store what was sealed, and judge it as what comes late is; say whether the store has all of it."""
    screen = _Screen(current.zone, {d.address: d.name for d in store.devices()})

    async def take() -> Tally:
        async with Delivering(store.folder / LOCK, start) as delivering:
            return await collect(
                events,
                store,
                zone=current.zone,
                hooks=delivering.hooks_now(store)(),
                carry=delivering.call,
                observe=screen.observe,
            )

    tally = asyncio.run(take())
    _say_what_came(tally, "What was sealed while the store was locked is taken in")
    return not tally.unsaved


def _run_for_all(current: Session, passphrases: Path | None, virtual: Path | None) -> None:
    """Serve everybody in the household whose store opens."""
    with contextlib.ExitStack() as stack:
        starts = stack.enter_context(starter(current, passphrases))
        standing = put_up(current)
        served = stack.enter_context(everybody(current, passphrases))
        screens = {
            one.label: _Screen(
                current.zone,
                {d.address: f"{one.label}: {d.name or d.address}" for d in one.store.devices()},
                f"{one.label}: ",
            ).observe
            for one in served
        }

        async def listening() -> dict[str, Tally]:
            stop = _stop_on_signals()
            async with _radio(virtual) as radio:
                everything = listen_for_all(
                    served,
                    current.zone,
                    screens,
                    stop,
                    radio=radio,
                    zone_now=current.settings.zone_now,
                    start=starts.start,
                )
                return await beside(everything, served)

        tallies = asyncio.run(answering(current.household, RUN, standing, listening()))
    for label, tally in tallies.items():
        _say_what_came(tally, f"{label}: stopped")
    exit_if_locked(*(one.store.folder for one in served))


def _say_what_came(tally: Tally, what: str) -> None:
    terminal.say(
        f"{what}. {tally.notifications} notifications: {tally.stored} readings stored, "
        f"{tally.duplicates} duplicates, {tally.refused} refused, {tally.unsaved} not taken by the store, "
        f"{tally.dropped} lost unread."
    )
    for reason, count in sorted(tally.reasons.items(), key=lambda item: -item[1])[:5]:
        terminal.say(f"  refused {count} ×: {reason}", "dim")


NO_WEARABLE = "No wearable is set up yet. Next: healthslm devices scan; or More, on the phone's page."


class Seldom:
    """Lets the same thing be said again only after a minute, then two, four, and so on up to an hour."""

    _FIRST, _MOST = timedelta(minutes=1), timedelta(hours=1)

    def __init__(self) -> None:
        self._said: dict[Hashable, tuple[datetime, timedelta]] = {}

    def say(self, thing: Hashable, at: datetime) -> bool:
        """Answer whether to say it now; a thing that did not happen for long is news again."""
        last, wait = self._said.get(thing, (None, self._FIRST))
        if last is not None and timedelta(0) <= at - last < wait:
            return False
        seldom = last is not None and at - last < 2 * self._MOST
        self._said[thing] = (at, min(2 * wait, self._MOST) if seldom else self._FIRST)
        return True


class _Screen:
    """Shows what happens, a line each."""

    def __init__(self, zone: ZoneInfo, names: Mapping[str, str], whose: str = "") -> None:
        self._zone = zone
        self.names = names
        self._whose = whose
        self._seldom = Seldom()

    def observe(self, update: Update) -> None:
        """Show what came of one event."""
        with contextlib.suppress(OSError):  # a terminal that is gone must not end the listening
            if isinstance(update.event, LinkEvent):
                self.link(update.event)
            for alert in update.alerts:
                style = terminal.SEVERITY_STYLE[alert.severity]
                text = f"{self._whose}{alert.finding.title}. {alert.finding.action}"
                terminal.err.print(
                    Text.assemble(
                        f"{terminal.clock(alert.raised_at, self._zone)} ",
                        (alert.severity.word, style),
                        " ",
                        terminal.cell(text),
                    ),
                    soft_wrap=True,
                )

    def link(self, event: LinkEvent) -> None:
        """Show a change of a link."""
        if not self._seldom.say((event.device, event.state, event.why), event.at):
            return
        name = self.names.get(event.device) or event.device
        terminal.say(f"{terminal.clock(event.at, self._zone)} {name}: {event.state} {event.why}".rstrip())
        if PAIR_FIRST in event.why:
            terminal.say(f"  Next: healthslm devices add {event.device} --pair")


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _listen(
    store: Store, settings: Settings, capture_file: Path | None, virtual: Path | None, start: Start
) -> Tally:
    """Listen on this machine's adapter, or to the virtual wearables behind a socket."""
    async with _radio(virtual) as radio:
        return await listen(store, settings, capture_file, radio=radio, start=start)


@contextlib.asynccontextmanager
async def _radio(virtual: Path | None) -> AsyncIterator[Radio | None]:
    """Give the radio of the virtual wearables behind a socket, or `None` for this machine's own."""
    if virtual is None:
        yield None
        return
    need_virtual()
    from device.virtual import VirtualRadio  # noqa: PLC0415  an extra, and half a second

    async with VirtualRadio.over(virtual) as air:
        yield air.radio


async def listen(
    store: Store,
    settings: Settings,
    capture_file: Path | None = None,
    *,
    radio: Radio | None = None,
    start: Start | None = None,
) -> Tally:
    """Listen to the store's devices until SIGINT or SIGTERM; `radio` is another than this machine's.

    One that is put on the list meanwhile, or taken off it, is listened to from then on, or no more. `start`
    starts the courier's process.
    """
    zone = settings.zone
    screen = _Screen(zone, {})
    stop = _stop_on_signals()
    async with contextlib.AsyncExitStack() as stack:
        heard = await stack.enter_async_context(watch([], radio=radio, kept=partial(kept, store), zone=zone))

        def as_listed() -> None:
            devices, links = store.devices(), link_settings(store)
            screen.names = {d.address: d.name for d in devices}
            sealed.keep_current(store)
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
        )


async def _play(store: Store, current: Session, path: Path, speed: float | None, start: Start) -> Tally:
    """Collect what a file holds. What is old raises no alarm: `collect` has the clock of today."""
    zone = current.zone
    async with replay(path, speed=speed) as recorded:
        called = {d.address: d.name for d in recorded.header.devices}
        screen = _Screen(zone, called | {d.address: d.name for d in store.devices() if d.name})
        try:
            # What waits for a hook since before is brought to it meanwhile, by who may.
            async with Delivering(current.settings.home / LOCK, start) as delivering:
                return await collect(
                    _of_then(recorded, screen),
                    store,
                    zone=zone,
                    hooks=hooks_of(store),
                    carry=delivering.call,
                    observe=screen.observe,
                    stop=_stop_on_signals(),
                )
        except RecordError as error:
            raise RecordError(error.message, error.hint or "What comes before it is stored.") from error


async def _of_then(events: AsyncIterator[Event], screen: _Screen) -> AsyncIterator[Event]:
    """Leave out how the links stood then, which is only shown: it says nothing of how they stand now."""
    async for event in events:
        if isinstance(event, LinkEvent) and event.state is not LinkState.DROPPED:
            screen.link(event)
        else:
            yield event


@app.command()
def decode(
    characteristic: Annotated[str, typer.Argument(help="UUID, like 2A37.")],
    value: Annotated[str, typer.Argument(help="The bytes in hexadecimal, like 0055.")],
    json: Json = False,
) -> None:
    """Say what the bytes of a Bluetooth characteristic mean, or why they mean nothing."""
    from device import decode as decode_bytes  # noqa: PLC0415  the command's own name is taken

    try:
        raw = bytes.fromhex(value.removeprefix("0x"))
    except ValueError as error:
        raise UsageError(f"{value!r} is not hexadecimal.", "Write two digits a byte, like 0055.") from error
    fields = terminal.fields_of(decode_bytes(characteristic, raw))
    if json:
        terminal.print_json(fields)
    else:
        for name, field in fields.items():
            terminal.out.print(terminal.cell(f"{name:24} {field}"))
