"""How a `healthslm run` works, be it for one person or for a household."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from device import AdapterError, Radio
from healthslm.alerts.spawning import Start
from healthslm.cli import terminal
from healthslm.cli.measure import need_virtual
from healthslm.fence import Fenced
from healthslm.notify import Notifier


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """On which radio, with nothing of health in the log, and who is told how it goes.

    `start` starts the courier's process; `standing` is the fence that is up.
    """

    virtual: Path | None = None
    quiet: bool = False
    notify: Notifier
    start: Start | None = None
    standing: Fenced | None = None

    @contextlib.asynccontextmanager
    async def radio(self) -> AsyncIterator[Radio | None]:
        """Give the radio of the virtual wearables behind a socket, or `None` for this machine's own."""
        if self.virtual is None:
            yield None
            return
        need_virtual()
        from device.virtual import VirtualRadio  # noqa: PLC0415  an extra, and half a second

        async with VirtualRadio.over(self.virtual) as air:
            yield air.radio


def without_adapter(error: AdapterError) -> None:
    """Say that nothing is heard until there is an adapter: what a service does instead of ending."""
    terminal.say(f"No wearable is heard. {error} It is tried again.", "yellow")
