"""What `healthslm run` does beside listening: the backup of the day, and deleting what is kept no longer."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from healthslm.cli import terminal
from healthslm.clock import utc_now
from healthslm.errors import HealthslmError, StoreError
from healthslm.readings import KINDS
from healthslm.store import Access, Store, retention, schedule
from healthslm.store.audit import Event
from healthslm.store.schedule import Schedule

LAST = "last scheduled backup"
"""The setting that says how the last scheduled backup went: `at`, and `file` or `error`."""
EVERY_S = 3600.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A person whom `healthslm run` serves, with the store, open, and what opens it once more."""

    label: str
    access: Access
    store: Store


async def beside(
    work: Awaitable[_T],
    served: Sequence[Served],
    *,
    clock: Callable[[], datetime] = utc_now,
    every_s: float = EVERY_S,
    quiet: bool = False,
) -> _T:
    """Wait for the work, and meanwhile look every hour what is due of the day's chores.

    `quiet` is for a log, which is not told what was measured.
    """
    ending = threading.Event()
    task = asyncio.create_task(_every_hour(served, clock, every_s, ending, quiet))
    try:
        return await work
    finally:
        ending.set()  # a backup that is at work in its thread stops at its next step
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _every_hour(
    served: Sequence[Served],
    clock: Callable[[], datetime],
    every_s: float,
    ending: threading.Event,
    quiet: bool,
) -> None:
    while True:
        for one in served:
            await look_after(one, clock, ending, quiet=quiet)
        await asyncio.sleep(every_s)


async def look_after(
    one: Served, clock: Callable[[], datetime], ending: threading.Event, *, quiet: bool = False
) -> None:
    """Do what is due for somebody: the backup of the day, deleting what is kept no longer."""
    await _back_up_if_due(one, clock, ending)
    _forget_if_due(one, clock, quiet=quiet)
    _give_back()


def _give_back() -> None:
    """Give freed memory back to the system, which glibc else keeps: what a backup takes is some MB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


async def _back_up_if_due(one: Served, clock: Callable[[], datetime], ending: threading.Event) -> None:
    """Make somebody's backup of the day, in a thread and with a connection of its own.

    What goes wrong is said, kept as the setting `LAST`, and tried again an hour later.
    """

    def go_on(_step: str, _done: int, _total: int) -> None:
        if ending.is_set():
            raise StoreError("The backup was not finished: `healthslm run` ended.", "The next one will be.")

    try:
        chosen = Schedule.from_json(one.store.get(schedule.SETTING))
        if chosen is None:
            return
        now = clock()
        if not schedule.is_due(schedule.listed(chosen.folder, one.access.key_file.store_id), now):
            return
        path, contents = await asyncio.to_thread(
            schedule.carry_out, one.access, chosen, clock=lambda: now, progress=go_on
        )
    except StoreError as error:
        if not ending.is_set():
            _tell(one, {"at": clock().isoformat(), "error": error.message}, f"{error}", "yellow")
        return
    with contextlib.suppress(StoreError):  # it is made all the same; `_tell` says what the store says
        one.store.note_event(Event.BACKED_UP, now, file=str(path), readings=contents.readings)
    _tell(
        one,
        {"at": now.isoformat(), "file": str(path)},
        f"Backed up {contents.readings:,} readings to {path}.",
        "dim",
    )


def _forget_if_due(one: Served, clock: Callable[[], datetime], *, quiet: bool = False) -> None:
    """Delete what is kept no longer; what stands in the way is said, and tried again an hour later."""
    try:
        gone = retention.carry_out(one.store, clock())
    except HealthslmError as error:
        gone = {}
        with contextlib.suppress(OSError):
            terminal.say(f"What is kept no longer could not be deleted. {error}", "yellow")
    for kind, count in () if quiet else gone.items():
        with contextlib.suppress(OSError):
            terminal.say(
                f"{count:,} readings of {KINDS[kind].title} were kept long enough, and deleted.", "dim"
            )


def _tell(one: Served, row: dict[str, Any], text: str, style: str) -> None:
    """Say how it went, and keep it where `backup --list` finds it; the same trouble is kept and said once."""
    try:
        before = one.store.get(LAST)
        if before is not None and "error" in row and before.get("error") == row["error"]:
            return
        one.store.put(LAST, row)
        one.store.commit()
    except StoreError as error:
        text = f"{text} {error}"
    with contextlib.suppress(OSError):  # a terminal that is gone must not end the listening
        terminal.say(text, style)
