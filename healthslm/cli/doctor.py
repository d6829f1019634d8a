"""How the whole thing is: what is well, what wants attention, and what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from healthslm import secrecy
from healthslm.cli import terminal
from healthslm.cli.app import app
from healthslm.cli.chores import LAST
from healthslm.cli.session import Session, session
from healthslm.clock import utc_now
from healthslm.errors import DamagedError, HealthslmError, ModelError, RolledBackError
from healthslm.readings import KINDS
from healthslm.slm import model
from healthslm.store import Access, Store, database, keys, retention
from healthslm.store.slots import TYPED

_ROOM = 1e9
"""Bytes that should be free: a database is written anew when its key is changed, and when it is updated."""
_SILENT = timedelta(days=2)


class State(StrEnum):
    """How one thing is."""

    OK = "ok"
    ATTENTION = "attention"
    PROBLEM = "problem"


_STYLES = {State.OK: "green", State.ATTENTION: "yellow", State.PROBLEM: "bold red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line: what was looked at, how it is, and what to do where something should be done."""

    what: str
    state: State
    said: str
    next: str = ""


@app.command()
def doctor(
    context: typer.Context,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also read and check everything in the store.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Look at the store, its keys, its backups and this machine. Ends with 1 where there is a problem."""
    current = session(context)
    access = current.access()
    try:
        with current.store(access=access) as store:
            checks = [*_store(current, access, store, verify), *_upkeep(current, store)]
    except (DamagedError, RolledBackError) as error:  # that is what a doctor is there to say
        checks = [Check(what="store", state=State.PROBLEM, said=error.message, next=error.hint)]
        checks.append(_slots(access.key_file))
    checks += _machine(current)
    if json:
        terminal.print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            _show(check)
    if any(check.state is State.PROBLEM for check in checks):
        raise typer.Exit(1)


def _show(check: Check) -> None:
    mark = {State.OK: "✓", State.ATTENTION: "!", State.PROBLEM: "✗"}[check.state]
    line = Text.assemble(
        (f"{mark} ", _STYLES[check.state]), (f"{check.what:12} ", "bold"), terminal.cell(check.said)
    )
    terminal.out.print(line, soft_wrap=True)
    if check.next:
        terminal.out.print(Text.assemble(" " * 15, terminal.cell(check.next, "dim")), soft_wrap=True)


def _store(current: Session, access: Access, store: Store, verify: bool) -> Iterator[Check]:
    spans, count, size = retention.spans(store), store.count(), store.bytes_on_disk()
    yield Check(
        what="store",
        state=State.OK,
        said=f"{count:,} readings of {len(spans)} kinds in {size / 1e6:,.1f} MB, in {store.folder}",
    )
    for kind, (first, last) in spans.items():
        begin, end = (f"{time.astimezone(current.zone):%Y-%m-%d}" for time in (first, last))
        yield Check(what="", state=State.OK, said=f"{KINDS[kind].title}: {begin} to {end}")
    suits = access.key_file.cipher == database.suitable_cipher()
    yield Check(
        what="cipher",
        state=State.OK,
        said=f"{access.key_file.cipher}, {'which suits this CPU' if suits else 'which suits another CPU'}",
    )
    yield _slots(access.key_file)
    if not verify:
        yield Check(
            what="verified", state=State.OK, said="not now; that takes a while: healthslm doctor --verify"
        )
        return
    try:
        store.verify()
        entries = store.verify_trail()
    except DamagedError as error:
        yield Check(what="verified", state=State.PROBLEM, said=error.message, next=error.hint)
    else:
        said = f"every page, segment and roll-up, and {entries:,} entries of the audit trail"
        yield Check(what="verified", state=State.OK, said=said)


def _slots(file: keys.KeyFile) -> Check:
    typed = [slot for slot in file.slots if isinstance(slot, TYPED)]
    said = ", ".join(slot.label for slot in file.slots)
    if len(typed) > 1:
        return Check(what="opened by", state=State.OK, said=said)
    return Check(
        what="opened by",
        state=State.ATTENTION,
        said=f"{said}: if that is forgotten or lost, so is everything",
        next="healthslm keys add recovery",
    )


def _upkeep(current: Session, store: Store) -> Iterator[Check]:
    now = utc_now()
    try:
        planned = retention.plan(retention.policy(store), retention.spans(store), store.days(), now)
    except HealthslmError as error:
        yield Check(what="retention", state=State.ATTENTION, said=error.message, next=error.hint)
    else:
        due = [deletion for deletion in planned if deletion.due <= now]
        said = ", ".join(
            f"{KINDS[d.kind].title} from before {d.before.astimezone(current.zone):%Y-%m-%d}" for d in due
        )
        later = min((d.due for d in planned), default=None)
        nothing = "nothing" if later is None else f"nothing before {later.astimezone(current.zone):%Y-%m-%d}"
        yield Check(what="retention", state=State.OK, said=f"to be deleted next: {said or nothing}")
    yield _backup(store)
    span = store.span()
    if span is not None and span[1] > now + timedelta(days=1):
        yield Check(
            what="clock",
            state=State.PROBLEM,
            said=f"the newest reading is of {span[1]:%Y-%m-%d %H:%M} UTC, which is still to come",
            next="See that this machine's clock is right (timedatectl), and a device's.",
        )
    elif span is not None and now - span[1] > _SILENT:
        days = (now - span[1]).days
        yield Check(
            what="readings",
            state=State.ATTENTION,
            said=f"the newest is {days} days old",
            next="healthslm devices list",
        )


def _backup(store: Store) -> Check:
    last = store.get(LAST)
    if last is None:
        return Check(
            what="backup",
            state=State.ATTENTION,
            said="none is made by itself",
            next="healthslm backup --schedule FOLDER, on another disk",
        )
    if "error" in last:
        return Check(what="backup", state=State.PROBLEM, said=f"the last one failed: {last['error']}")
    return Check(
        what="backup", state=State.OK, said=f"the last one is {last.get('file')}, of {last.get('at')}"
    )


def _machine(current: Session) -> Iterator[Check]:
    free = shutil.disk_usage(current.settings.home).free
    yield Check(
        what="disk",
        state=State.OK if free > _ROOM else State.ATTENTION,
        said=f"{free / 1e9:,.1f} GB free",
        next="" if free > _ROOM else "Free some space.",
    )
    kept = secrecy.keep(lock_memory=False)
    yield Check(
        what="secrecy",
        state=State.OK if kept.dumps else State.ATTENTION,
        said="no core dump of this process is written"
        if kept.dumps
        else "a crash may write the key to the disk",
    )
    try:
        said = f"{model.verify(current.settings.model).model_id} is ready; every byte is as it was built"
    except ModelError as error:
        yield Check(what="model", state=State.ATTENTION, said=error.message, next=error.hint)
    else:
        yield Check(what="model", state=State.OK, said=said)
