"""Copies of the store: made, made every day, listed, and put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from healthslm.cli import terminal
from healthslm.cli.app import Json, app
from healthslm.cli.chores import LAST
from healthslm.cli.running import only_one
from healthslm.cli.session import Session, session
from healthslm.clock import utc_now
from healthslm.errors import HealthslmError, StoreError, UsageError
from healthslm.store import KEYS, container, exists, keys, open_store, open_unlocked, schedule, unlock
from healthslm.store import backup as backups
from healthslm.store import restore as restoring
from healthslm.store.audit import Event
from healthslm.store.backup import Contents
from healthslm.store.schedule import Policy, Schedule
from healthslm.store.witness import Witness
from healthslm.text import many


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="The new file.", show_default=False)] = None,
    replace: Annotated[bool, typer.Option("--replace", help="In place of an older backup.")] = False,
    schedule_folder: Annotated[
        Path | None,
        typer.Option("--schedule", metavar="FOLDER", help="Make one a day into this folder, from now on."),
    ] = None,
    keep: Annotated[
        str, typer.Option(help="With --schedule: how many days, weeks and months are kept.")
    ] = "7,4,12",
    unschedule: Annotated[bool, typer.Option("--unschedule", help="Make none by itself any more.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List those of the schedule.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Read FILE and say whether it is whole.")] = False,
    json: Json = False,
) -> None:
    """Copy the store into one encrypted file, also while `healthslm run` is at work, and read it back."""
    current = session(context)
    wanted = [bool(file) and not check, schedule_folder is not None, unschedule, list_, check]
    if sum(wanted) != 1 or (check and file is None):
        raise UsageError(
            "Say one thing: FILE, FILE --check, --schedule FOLDER, --unschedule or --list.",
            "For example: healthslm backup /media/stick/today.backup",
        )
    if file is not None and check:
        with terminal.progress() as update:
            secret = _secret(current, file)
            _, _, contents = backups.read(file, secret, update)
        _note_read(current, file, secret, contents)
        _say(file, contents, current.zone, json=json)
    elif file is not None:
        _refuse_inside(file, current.household)
        access = current.access()
        with terminal.progress() as update:
            contents = backups.write(access, file, replace=replace, progress=update)
        with open_unlocked(access, state=current.settings.state) as store:
            store.note_event(Event.BACKED_UP, utc_now(), file=str(file), readings=contents.readings)
        _say(file, contents, current.zone, json=json)
    elif list_:
        _list(current, json=json)
    else:
        _set_schedule(current, schedule_folder, keep, json=json)


def _note_read(current: Session, file: Path, secret: str, contents: Contents) -> None:
    """Note in the store that one of its backups was read back whole: `doctor` asks for that."""
    home = current.settings.home
    try:
        if not exists(home) or keys.KeyFile.read(home / KEYS).store_id != contents.store_id:
            return
        with open_unlocked(unlock(home, secret), state=current.settings.state) as store:
            made = contents.made.isoformat()
            store.note_event(Event.BACKUP_READ, utc_now(), file=str(file), made=made)
    except HealthslmError as error:  # it was read back all the same
        terminal.say(f"That it was read back could not be noted. {error.message}", "dim")


def _set_schedule(current: Session, folder: Path | None, keep: str, *, json: bool) -> None:
    """Set up the daily backup, and make the first one, so that what is wrong is seen now; or end it."""
    policy = _policy(keep)
    if folder is not None:
        _refuse_inside(folder, current.household)
    access = current.access()
    home = current.settings.home
    chosen = None if folder is None else schedule.chosen(folder, home, policy)
    first = None if chosen is None else schedule.carry_out(access, chosen)
    with open_unlocked(access, state=current.settings.state) as store:
        was = Schedule.from_json(store.get(schedule.SETTING))
        store.put(schedule.SETTING, None if chosen is None else chosen.to_json())
        store.note_event(
            Event.SETTING_CHANGED,
            utc_now(),
            setting=schedule.SETTING,
            was=None if was is None else str(was.folder),
            now=None if chosen is None else str(chosen.folder),
        )
        store.commit()
    if chosen is None or first is None:
        terminal.say("No backups are made by themselves any more; those that are there stay.")
        return
    terminal.say(
        f"`healthslm run` makes a backup a day into {chosen.folder} and keeps {policy.daily} daily,"
        f" {policy.weekly} weekly and {policy.monthly} monthly ones. The first is made:"
    )
    if not chosen.own_disk:
        terminal.say("The folder is on the same disk as the store: if that fails, both are gone.", "yellow")
    _say(*first, current.zone, json=json)


def _refuse_inside(target: Path, household: Path) -> None:
    if target.expanduser().resolve().is_relative_to(household.resolve()):
        raise UsageError(
            f"{target} is inside the folder of the stores: what takes the one takes the other.",
            "Choose a place on another disk.",
        )


def _policy(text: str) -> Policy:
    try:
        daily, weekly, monthly = (int(part) for part in text.split(","))
    except ValueError:
        daily = weekly = monthly = -1
    if min(daily, weekly, monthly) < 0 or daily > 1000 or weekly > 1000 or monthly > 1000:
        raise UsageError(f"--keep {text!r} is not three numbers.", "Write it like 7,4,12.")
    return Policy(daily=daily, weekly=weekly, monthly=monthly)


def _list(current: Session, *, json: bool) -> None:
    access = current.access()
    with open_unlocked(access, state=current.settings.state) as store:
        chosen = Schedule.from_json(store.get(schedule.SETTING))
        last = store.get(LAST)
    if chosen is None:
        if json:
            terminal.print_json({"schedule": None, "last": last, "backups": []})
        terminal.say("No backups are scheduled. Next: healthslm backup --schedule FOLDER")
        return
    found = schedule.listed(chosen.folder, access.key_file.store_id)
    rows = [(time, path, path.stat().st_size, _trouble(path)) for time, path in found.items()]
    if json:
        terminal.print_json(
            {
                "schedule": {**chosen.to_json(), "policy": asdict(chosen.policy)},
                "last": last,
                "backups": [
                    {"made": t.isoformat(), "file": str(p), "bytes": size, "trouble": trouble}
                    for t, p, size, trouble in rows
                ],
            }
        )
    else:
        _print_list(rows, current.zone)
    if last and last.get("error"):
        terminal.say(f"The last one failed, {last['at']}: {last['error']}", "yellow")


def _print_list(rows: Sequence[tuple[datetime, Path, int, str]], zone: ZoneInfo) -> None:
    table = terminal.table_of("made", "file", "size", "trouble", whole=16)
    for time, path, size, trouble in rows:
        table.add_row(
            terminal.day_and_clock(time, zone),
            terminal.cell(str(path)),
            f"{size / 1e6:.1f} MB",
            terminal.cell(trouble, "red"),
        )
    terminal.out.print(table)
    terminal.say("To read one through: healthslm backup FILE --check")


def _trouble(path: Path) -> str:
    """Say what is wrong with a backup as far as that shows without reading all of it."""
    try:
        container.read_header(path)
    except StoreError as error:
        return error.message
    return ""


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.")],
    into: Annotated[
        Path | None, typer.Option(metavar="HOME", help="The folder of the store.", show_default=False)
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also in place of a newer or another store; that is kept.")
    ] = False,
    json: Json = False,
) -> None:
    """Put a backup back, here or on another machine: the recovery words are enough."""
    current = session(context)
    home = (into or current.settings.home).expanduser()
    container.read_header(file)  # what is wrong with it is said before a passphrase is asked for
    secret = _secret(current, file)
    with only_one(home), terminal.progress() as update:
        done = restoring.restore(
            file, home, secret, overwrite=overwrite, progress=update, decided=_forgetting(current, home)
        )
        with open_store(home, secret, state=current.settings.state) as store:
            made = done.contents.made.isoformat()
            store.note_event(Event.RESTORED, utc_now(), file=str(file), made=made, aside=_name(done.aside))
    row = {"home": str(home), "kept_aside": str(done.aside) if done.aside else None}
    _say(file, done.contents, current.zone, json=json, more=row)
    terminal.say(f"The store in {home} is as it was when the backup was made.")
    if done.aside:
        terminal.say(f"What was there before is kept in {done.aside}. Delete it when you are sure.")


def _name(path: Path | None) -> str | None:
    return None if path is None else path.name


def _forgetting(current: Session, home: Path) -> Callable[[bytes], None]:
    """Return what forgets how far the store had come: it is to be older from now on."""
    return lambda store_id: Witness(current.settings.state, home, store_id).forget()


def _secret(current: Session, file: Path) -> str:
    return current.passphrase(f"Passphrase or recovery words of the store in {file.name}")


def _say(
    file: Path, contents: Contents, zone: ZoneInfo, *, json: bool, more: dict[str, Any] | None = None
) -> None:
    if json:
        terminal.print_json({"file": str(file), **row_of(contents), **(more or {})})
        return
    span = "no readings"
    if contents.first and contents.last:
        first, last = (terminal.day_and_clock(t, zone) for t in (contents.first, contents.last))
        span = f"{many(contents.readings, 'reading')} from {first} to {last}"
    terminal.out.print(
        terminal.cell(
            f"{file}: made {terminal.day_and_clock(contents.made, zone)}, {span},"
            f" {many(contents.devices, 'device')}, {many(contents.alerts, 'alert')},"
            f" {contents.size / 1e6:.1f} MB, read back and whole."
        ),
        soft_wrap=True,
    )


def row_of(contents: Contents) -> dict[str, Any]:
    """Return what is in a backup as JSON has it."""
    return {
        "made": contents.made.isoformat(),
        "readings": contents.readings,
        "first": contents.first.isoformat() if contents.first else None,
        "last": contents.last.isoformat() if contents.last else None,
        "devices": contents.devices,
        "alerts": contents.alerts,
        "bytes": contents.size,
    }
