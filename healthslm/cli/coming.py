"""Those of a household whose stores are locked while `run` is at work: each is served once it is unlocked."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence

from healthslm.cli import terminal
from healthslm.cli.chores import Served
from healthslm.cli.session import Session, opened
from healthslm.cli.unlocking import Opening, brought
from healthslm.errors import HealthslmError
from healthslm.people import Member
from healthslm.store import Access

_Unlocked = tuple[Session, Opening, Access]


class Coming:
    """Waits for the passphrase of each of `locked`, in a thread of its own that ends with the program."""

    def __init__(self, current: Session, locked: Sequence[Member]) -> None:
        self._unlocked: queue.SimpleQueue[_Unlocked] = queue.SimpleQueue()
        for member in locked:
            terminal.say(f"For {member.label} next: healthslm --person {member.label} unlock")
            theirs = current.of(member.label)
            threading.Thread(target=self._wait, args=(theirs,), daemon=True, name="unlock").start()

    def _wait(self, theirs: Session) -> None:
        opening = Opening(theirs)
        try:
            access = brought(theirs.settings.home, "run", opening.access)
        except (HealthslmError, OSError) as error:
            terminal.say(f"{theirs.person} is left out, and not waited for. {error}", "yellow")
            return
        self._unlocked.put((theirs, opening, access))

    @property
    def has_come(self) -> bool:
        """Whether somebody's store was unlocked since `opened` was called last."""
        return not self._unlocked.empty()

    def opened(self, *, wait: bool) -> list[Served]:
        """Open the stores that were unlocked since; with `wait` there is one at the least, whenever that is.

        One that does not open is said, and not waited for again.
        """
        served: list[Served] = []
        while self.has_come or (wait and not served):
            theirs, opening, access = self._unlocked.get()
            with opening:
                try:
                    store = opened(theirs, access, patience_s=0.5)
                except HealthslmError as error:
                    terminal.say(f"{theirs.person} is left out. {error}", "yellow")
                    continue
            served.append(Served(label=theirs.person, access=access, store=store))
        return served
