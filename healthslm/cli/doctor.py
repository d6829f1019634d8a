"""How the whole thing is: what is well, what wants attention, and what to do about it.

What is looked at is in `healthslm.doctor`, a file a matter; here it is put together for one person's store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from device.controllers import Controller, controllers
from device.errors import AdapterError
from healthslm import __version__, board, secrecy, settings
from healthslm.absence import last_beat
from healthslm.absence.beat import Beat
from healthslm.alerts import Alert
from healthslm.alerts.policy import policy_of
from healthslm.cli import doctor_privacy, terminal
from healthslm.cli.app import Json, app
from healthslm.cli.chores import LAST
from healthslm.cli.running import is_running
from healthslm.cli.session import Session, hooks_of, session
from healthslm.clock import utc_now
from healthslm.doctor import (
    Check,
    Machine,
    NotKnown,
    State,
    adapter,
    answered,
    bluez,
    card,
    clock,
    disk,
    model,
    mounts,
    permissions,
    power,
    program,
    telling,
    upkeep,
)
from healthslm.doctor import store as kept
from healthslm.doctor.check import unknown
from healthslm.errors import HealthslmError, LockedError, MissingError, StoreError
from healthslm.slm import memory
from healthslm.slm import model as built
from healthslm.store import KEYS, Access, Store, keys
from healthslm.store.audit import Event
from healthslm.store.schedule import SETTING, Schedule
from healthslm.wearables import by_radio

_STYLES = {
    State.OK: "green",
    State.UNKNOWN: "dim",
    State.ATTENTION: "yellow",
    State.PROBLEM: "bold red",
}
_MARKS = {State.OK: "✓", State.UNKNOWN: "?", State.ATTENTION: "!", State.PROBLEM: "✗"}
_WIDTH = 14
_ALERTS = 500
"""So many of the newest alerts are asked which hook took them."""


@app.command()
def doctor(
    context: typer.Context,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also read and check everything in the store.")
    ] = False,
    privacy: Annotated[
        bool, typer.Option("--privacy", help="Only try whether anything could leave; needs no passphrase.")
    ] = False,
    json: Json = False,
) -> None:
    """Look at this machine, Bluetooth, the store, its keys, backups and hooks, and say what to do.

    Ends with 1 where there is a problem, with 3 where the store stays locked: then the rest is said. What
    only wants attention, and what cannot be known, changes nothing of that.
    """
    current = session(context)
    if privacy:
        _end_with(list(doctor_privacy.privacy(current)), json=json)
        return
    stays_shut: HealthslmError | None = None
    checks: list[Check] = []
    wearables: int | None = None
    try:
        access = current.access()
    except (LockedError, StoreError) as error:
        stays_shut = error
    else:
        try:
            with current.store(access=access) as store:
                wearables = len(by_radio(store))
                checks += _store(current, access, store, verify)
        except StoreError as error:  # that is what a doctor is there to say
            checks.append(Check(what="store", state=State.PROBLEM, said=error.message, next=error.hint))
            checks += kept.slots(access.key_file)
    checks += _machine(current, Machine(), wearables, there=not isinstance(stays_shut, MissingError))
    if stays_shut is not None:
        checks += _shut(current, stays_shut)
    _end_with(checks, json=json, locked=isinstance(stays_shut, LockedError))


def _end_with(checks: Sequence[Check], *, json: bool, locked: bool = False) -> None:
    if json:
        terminal.print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            _show(check)
    if locked:
        raise typer.Exit(LockedError.exit_code)
    if any(check.state is State.PROBLEM for check in checks):
        raise typer.Exit(1)


def _show(check: Check) -> None:
    line = Text.assemble(
        (f"{_MARKS[check.state]} ", _STYLES[check.state]),
        (f"{check.what:{_WIDTH}} ", "bold"),
        terminal.cell(check.said),
    )
    terminal.out.print(line, soft_wrap=True)
    if check.next:
        terminal.out.print(
            Text.assemble(" " * (_WIDTH + 3), terminal.cell(check.next, "dim")), soft_wrap=True
        )


def _shut(current: Session, error: HealthslmError) -> Iterator[Check]:
    """Say that the store stays shut, and what can be told of it without a key."""
    path = current.settings.home / KEYS
    if isinstance(error, LockedError) and path.exists():
        yield from answered("opened by", _slots(path))
    if isinstance(error, LockedError):
        said = f"locked: {error.message} What is in it, backups, hooks and phones were not looked at"
        yield Check(what="store", state=State.PROBLEM, said=said, next=error.hint)
    else:
        yield Check(what="store", state=State.PROBLEM, said=error.message, next=error.hint)


def _slots(path: Path) -> Iterator[Check]:
    yield from kept.slots(keys.KeyFile.read(path))


def _store(current: Session, access: Access, store: Store, verify: bool) -> Iterator[Check]:
    """Say what only the open store knows."""
    now, zone, file = utc_now(), current.zone, access.key_file
    yield from kept.contents(store, zone)
    yield kept.cipher(file, kept.suitable_cipher())
    yield from kept.slots(file)
    yield kept.verify(store, now, __version__) if verify else kept.last_verified(store, file, now)
    yield upkeep.kept(store, zone, now)
    span = store.span()
    beat = last_beat(store.folder)
    yield from clock.dated(now, beat, span[1] if span else None)
    yield from upkeep.newest(span, now)
    chosen = Schedule.from_json(store.get(SETTING))
    made, read, restored = (
        next(iter(store.trail(1, event=event)), None)
        for event in (Event.BACKED_UP, Event.BACKUP_READ, Event.RESTORED)
    )
    yield from upkeep.backup(chosen, store.get(LAST), made, now, file.store_id)
    if chosen is not None or made is not None or read is not None:
        yield upkeep.tried(read, restored, now, None if chosen is None else chosen.folder)
    yield from answered("hook", _hooks(store))
    yield from answered("policy", _policy(store))
    yield from answered("companion", _companion(store))


def _hooks(store: Store) -> Iterator[Check]:
    tests = {str(entry.detail.get("hook")): entry.at for entry in store.trail(event=Event.HOOK_TESTED)}
    documents = [document for *_, document in store.alerts()[:_ALERTS]]
    alerts = [alert for one in documents if (alert := Alert.if_readable(one)) is not None]
    yield from telling.hooks(hooks_of(store), store, telling.last_taken(alerts, tests), utc_now())


def _policy(store: Store) -> Iterator[Check]:
    yield from telling.policy(policy_of(store))


def _companion(store: Store) -> Iterator[Check]:
    from healthslm.companion import clients_in  # noqa: PLC0415  the page's server is loaded for nobody else
    from healthslm.companion.server import KEPT  # noqa: PLC0415  likewise
    from healthslm.doctor import companion  # noqa: PLC0415  likewise

    yield from companion.companion(clients_in(store), companion.authority_in(store.get(KEPT, {})), utc_now())


def _machine(current: Session, machine: Machine, wearables: int | None, *, there: bool) -> Iterator[Check]:
    """Say what can be told without the key; `there` says whether there is a store at all."""
    chosen, home, now = current.settings, current.settings.home, utc_now()
    beat = last_beat(home)
    if there:
        yield from answered("at work", _at_work(home, beat, wearables))
    yield program.version(__version__, _package())
    yield from _bluetooth(machine, wearables)
    if there:
        yield from permissions.files_are_private(home, permissions.user())
    if wearables is None:
        yield from clock.dated(now, beat, None)
    yield from clock.kept_right(machine)
    yield clock.zone(
        chosen.timezone, settings.system_timezone(), chosen="timezone" in chosen.model_fields_set
    )
    yield from power.power(machine)
    yield from answered("heat", power.heat(machine))
    yield from _disk(machine, current)
    yield program.secrecy(secrecy.keep(lock_memory=False))
    yield doctor_privacy.kernel_check(chosen.strict)
    yield program.board(chosen.profile, chosen.board, board.total())
    yield model.model(lambda: built.verify(chosen.model).model_id, board.available(), memory.NEEDED)


def _at_work(home: Path, beat: Beat | None, wearables: int | None) -> Iterator[Check]:
    try:
        running = is_running(home)
    except OSError as error:
        raise NotKnown(f"{error.filename or home} cannot be opened: {error.strerror}") from None
    yield from program.at_work(
        beat, running=running, now=utc_now(), wearables=wearables, installed=__version__
    )


def _bluetooth(machine: Machine, wearables: int | None) -> Iterator[Check]:
    told: list[Controller] | AdapterError
    try:
        told = asyncio.run(controllers())
    except AdapterError as error:
        told = error
    yield from adapter.adapter(told, machine, wearables)
    yield from answered("BlueZ", bluez.bluez(machine))
    asked = not isinstance(told, AdapterError)
    yield permissions.may_use_bluetooth(permissions.user(), asked=asked)


def _disk(machine: Machine, current: Session) -> Iterator[Check]:
    folder = current.settings.home
    while not folder.exists():  # no store yet: where it would be
        folder = folder.parent
    folder = folder.resolve()
    yield from answered("disk", disk.room(folder, disk.space_of))
    try:
        mount = mounts.mount_of(machine, folder)
    except NotKnown as why:
        yield unknown("file system", f"{why}")
    else:
        yield from disk.file_system(mount)
        yield from answered("disk errors", disk.errors(machine, mount))
        yield from answered("card", card.card(machine, mount.disk))
    yield from answered("swap", disk.swap(machine))


def _package() -> str | None:
    """Return which version the package's own record says; `None` where it has none."""
    try:
        return version_of("healthslm")
    except PackageNotFoundError:
        return None
