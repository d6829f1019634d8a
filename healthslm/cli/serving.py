"""`healthslm run` for a household: from whose store opens to the end, over and over as more are unlocked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from healthslm.cli import terminal
from healthslm.cli.chores import Served, beside
from healthslm.cli.coming import Coming
from healthslm.cli.fencing import RUN, answering, put_up, starter
from healthslm.cli.household import everybody, listen_for_all
from healthslm.cli.how import How
from healthslm.cli.locking import exit_if_locked, heeding
from healthslm.cli.screen import Screen, say_what_came
from healthslm.cli.session import Session
from healthslm.cli.stopping import stop_on_signals
from healthslm.cli.taking_in import take_in
from healthslm.collector import Tally
from healthslm.errors import HealthslmError


def serve(current: Session, passphrases: Path | None, how: How, *, wait: bool) -> None:
    """Serve everybody in the household whose store opens; with `wait` the others once theirs is unlocked.

    Raises `LockedError` where nobody's opens and none is waited for, `HealthslmError` where nobody can be
    served any more.
    """
    with contextlib.ExitStack() as stack:
        starts = stack.enter_context(starter(current, passphrases))
        how = replace(how, start=starts.start, standing=put_up(current))
        with how.notify.kept_alive():
            served, locked = stack.enter_context(everybody(current, passphrases, wait=wait))
        coming, taken_in = Coming(current, locked), 0
        while True:
            if not served:
                how.notify.ready("Locked. Next: healthslm --person LABEL unlock")
            with how.notify.kept_alive():
                for one in coming.opened(wait=not served):
                    stack.enter_context(one.store)
                    served.append(one)
            for one in served[taken_in:]:
                _take_in(one, current, how)
            taken_in = len(served)
            listening = _listening(current, served, coming, how)
            tallies, stopped = asyncio.run(answering(current.household, RUN, how.standing, listening))
            more = coming.has_come and not stopped
            for label, tally in tallies.items():
                what = "goes on in a moment, with somebody more" if more else "stopped"
                say_what_came(tally, f"{label}: {what}", quiet=how.quiet)
            exit_if_locked(*(one.store.folder for one in served))
            if not more:
                break
    if not (tallies or stopped):
        raise HealthslmError("Nobody is served any more.", "What is wrong with each store is said above.")


def _take_in(one: Served, current: Session, how: How) -> None:
    """Take in what was sealed for somebody; what goes wrong with it is said, and the others go on."""
    try:
        take_in(one.store, current.zone, how)
    except HealthslmError as error:
        terminal.say(f"{one.label}: what was sealed is taken in another time. {error}", "bold red")


async def _listening(
    current: Session, served: Sequence[Served], coming: Coming, how: How
) -> tuple[dict[str, Tally], bool]:
    """Listen for those who are served until somebody more is unlocked, or the end, which is told."""
    screens = {
        one.label: Screen(
            current.zone,
            {d.address: f"{one.label}: {d.name or d.address}" for d in one.store.devices()},
            f"{one.label}: ",
            quiet=how.quiet,
        ).observe
        for one in served
    }
    told, stop = stop_on_signals(how.notify), asyncio.Event()
    async with heeding(lambda: told.is_set() or coming.has_come, stop), how.radio() as radio:
        everything = listen_for_all(
            served,
            current.zone,
            screens,
            stop,
            radio=radio,
            zone_now=current.settings.zone_now,
            start=how.start,
            notify=how.notify,
        )
        return await beside(everything, served, quiet=how.quiet), told.is_set()
