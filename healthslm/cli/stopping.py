"""Ending in good order when the system, or the person at the terminal, says so."""

from __future__ import annotations

import asyncio
import signal

from healthslm.notify import Notifier


def stop_on_signals(notify: Notifier | None = None) -> asyncio.Event:
    """Return what is set at SIGINT or SIGTERM; `notify` then tells systemd."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        (notify or Notifier()).stopping()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    return stop
