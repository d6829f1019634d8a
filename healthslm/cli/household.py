"""One service for everybody: one Bluetooth adapter, and to each what comes from the devices on their list."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from device import Event, Kept, Notification, Radio, Timings, batches, watch
from device.events import EventQueue
from healthslm import people
from healthslm.alerts.spawning import Start
from healthslm.cli import terminal
from healthslm.cli.chores import Served
from healthslm.cli.delivering import Delivering
from healthslm.cli.how import without_adapter
from healthslm.cli.locking import heeding_lock, is_locked
from healthslm.cli.running import LOCK, only_one
from healthslm.cli.session import Session, opened
from healthslm.cli.unlocking import Opening
from healthslm.clock import boot_seconds, utc_now
from healthslm.collector import Tally, Update
from healthslm.errors import HealthslmError, LockedError, StoreError
from healthslm.nearby import asked_who_is_near
from healthslm.notify import Notifier
from healthslm.people import Member
from healthslm.pipeline import collect, kept
from healthslm.readings import Device
from healthslm.relay import heard_by_phones
from healthslm.store import Access
from healthslm.wearables import LinkSettings, by_radio, link_settings

Observe = Callable[[Update], None]


@contextmanager
def everybody(
    current: Session, passphrases: Path | None, *, wait: bool
) -> Iterator[tuple[list[Served], list[Member]]]:
    """Open the stores of all whose secret is known, each with their own; who is left out is said.

    Yields also those whose stores are locked, where `wait` says that they are to be waited for. Raises
    `LockedError` when nobody's opens and nobody is waited for, `HealthslmError` when somebody is being
    listened to already.
    """
    with contextlib.ExitStack() as stack:
        there = people.members(current.household)
        for member in there:  # those left out too: they share the adapter
            stack.enter_context(only_one(member.folder))
        served, locked = [], []
        for member in there:
            with Opening(current.of(member.label)) as opening:
                try:
                    access = _unlocked(current, member, passphrases, opening, wait=wait)
                    store = opened(current, access, patience_s=0.5)
                except (LockedError, StoreError) as error:
                    waits = wait and isinstance(error, LockedError)
                    terminal.say(f"{member.label} {'waits' if waits else 'is left out'}. {error}", "yellow")
                    if waits:
                        locked.append(member)
                    continue
            served.append(Served(label=member.label, access=access, store=stack.enter_context(store)))
        if not served and not locked:
            raise LockedError(
                "Nobody's store could be opened.",
                "Use --passphrases FOLDER with a file for each label, or --person LABEL.",
            )
        yield served, locked


def _unlocked(
    current: Session, member: Member, passphrases: Path | None, opening: Opening, *, wait: bool
) -> Access:
    """Unlock somebody's store: with their file, what was given for the current person, or by asking.

    Raises `LockedError` where there is nothing of these, it opens nothing, or the store was locked by hand;
    whoever is waited for is not asked for.
    """
    theirs = current.of(member.label)
    opening.begin()
    if is_locked(member.folder):
        raise LockedError("The store was locked by hand.", f"Next: healthslm --person {member.label} unlock")
    if passphrases is not None and (passphrases / member.label).exists():
        return replace(theirs, passphrase_file=passphrases / member.label, passphrase_fd=None).access()
    # A service's credential is the first person's, whoever is meant otherwise.
    on_file = current.passphrase_file is not None and member.label in (current.person, people.FIRST)
    if on_file or (current.passphrase_fd is not None and member.label == current.person):
        return theirs.access()
    nothing = LockedError("No passphrase was given.")
    if wait or not sys.stdin.isatty():
        raise nothing
    asked = f"Passphrase of {member.label} (empty: leave out)"
    secret = str(typer.prompt(asked, hide_input=True, err=True, default="", show_default=False))
    if not secret:
        raise nothing
    return theirs.access(secret)


def owners(served: Sequence[Served], said: set[str]) -> dict[str, tuple[Served, Device]]:
    """Return whose each device is, by its address. One on two lists is nobody's, which is `said` once."""
    listed = [(device, one) for one in served for device in by_radio(one.store)]
    times = Counter(device.address.upper() for device, _ in listed)
    twice = {address for address, count in times.items() if count > 1}
    fresh = sorted(twice - said)
    said.clear()
    said.update(twice)
    for address in fresh:
        whose = [one.label for device, one in listed if device.address.upper() == address]
        terminal.say(
            f"{address} is on the lists of {' and '.join(whose)}, so nobody gets what it says. Next:"
            f" healthslm --person {whose[-1]} devices forget {address}",
            "bold red",
        )
    return {d.address.upper(): (one, d) for d, one in listed if times[d.address.upper()] == 1}


async def listen_for_all(
    served: Sequence[Served],
    zone: ZoneInfo,
    observe: Mapping[str, Observe],
    stop: asyncio.Event,
    *,
    radio: Radio | None = None,
    clock: Callable[[], datetime] = utc_now,
    zone_now: Callable[[], ZoneInfo] | None = None,
    start: Start | None = None,
    notify: Notifier | None = None,
) -> dict[str, Tally]:
    """Listen to everybody's devices until `stop` is set; returns what came for each, by label.

    `observe` has for each label what sees what came of an event. What goes wrong with one person's store is
    said, and the others go on. Who puts a device on their list meanwhile, or takes it off, is heeded. `start`
    starts the courier's process; `notify` tells systemd that it listens, and that it still does.
    """
    notify = notify or Notifier()
    whose: dict[str, tuple[Served, Device]] = {}
    twice: set[str] = set()
    queues = {one.label: EventQueue(Timings().queue, clock) for one in served}

    def last_kept(address: str, characteristic: str) -> Kept | None:
        one, device = whose[address.upper()]
        return kept(one.store, device.address, characteristic)

    async with (
        Delivering(served[0].store.folder / LOCK, start) as delivering,
        watch(
            [],
            radio=radio,
            kept=last_kept,
            zone=zone,
            absent=without_adapter if notify.is_service else None,
        ) as events,
    ):

        def as_listed() -> None:
            now = owners(served, twice)
            whose.clear()
            whose.update(now)
            links: dict[str, LinkSettings] = {}
            for one in served:
                links |= {
                    a.upper(): link for a, link in link_settings(one.store).items() if _is(whose, a, one)
                }
            events.listen_to(
                whose,
                pair=[address for address, link in links.items() if link.paired],
                streams={address: link.streams for address, link in links.items()},
            )

        as_listed()
        if not whose:
            terminal.say("No wearable is set up for anybody yet. Next: healthslm --person LABEL devices scan")

        def serve(one: Served) -> Awaitable[Tally | None]:
            hooks_now = delivering.hooks_now(one.store)
            theirs = collect(
                queues[one.label],
                one.store,
                zone=zone,
                zone_now=zone_now,
                hooks=hooks_now(),
                hooks_now=hooks_now,
                carry=delivering.call,
                observe=observe[one.label],
                elsewhere=as_listed,
                stop=stop,
                counter=boot_seconds,
                alive=notify.alive,
            )
            return _until_it_fails(one, theirs)

        sharing = asyncio.create_task(_share_out(events, whose, queues))
        try:
            async with contextlib.AsyncExitStack() as phones:
                await phones.enter_async_context(heeding_lock([one.store.folder for one in served], stop))
                for one in served:
                    await phones.enter_async_context(heard_by_phones(one.store.folder, queues[one.label]))
                    await phones.enter_async_context(asked_who_is_near(one.store.folder, events.look))
                notify.ready("Listening.")
                tallies = await asyncio.gather(*map(serve, served))
        finally:
            sharing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sharing
    return {one.label: tally for one, tally in zip(served, tallies, strict=True) if tally is not None}


def _is(whose: Mapping[str, tuple[Served, Device]], address: str, one: Served) -> bool:
    return address.upper() in whose and whose[address.upper()][0] is one


async def _share_out(
    events: AsyncIterator[Event],
    whose: Mapping[str, tuple[Served, Device]],
    queues: Mapping[str, EventQueue],
) -> None:
    """Put each event into the queue of whose device it is. Who is slow loses only what is their own."""
    try:
        async for batch in batches(events):
            for event in batch:
                owner = whose.get(event.device.upper())
                if owner is None:
                    continue  # taken off the list a moment ago
                queue = queues[owner[0].label]
                if isinstance(event, Notification):
                    queue.put_notification(event)
                else:
                    queue.put(event)
            await asyncio.sleep(0)  # a queue that is never empty never lets go of the loop by itself
    finally:
        for queue in queues.values():
            queue.close()


async def _until_it_fails(one: Served, collecting: Awaitable[Tally]) -> Tally | None:
    """Collect what comes for one person; `None` when that ended in an error, which the others survive."""
    try:
        return await collecting
    except HealthslmError as error:
        terminal.say(f"{one.label} is not served any more. {error}", "bold red")
        return None
