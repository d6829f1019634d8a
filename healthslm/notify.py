"""Tells systemd how a service is: ready, alive, stopping. Where systemd did not start it, nothing is said.

Each is one datagram to the socket that `NOTIFY_SOCKET` names; a name that begins with `@` is an abstract
one. What cannot be sent is left unsaid: whoever listens must not end the listening. Whoever may call
`systemctl status` reads it, so nothing of health is in it. Sources: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping

_TICK_S = 1.0
_PER_INTERVAL = 2
"""How often to say that one is alive in the time that the watchdog waits: so sd_watchdog(3) has it."""


class Notifier:
    """Says how the service is to the socket at `address`; to nobody where that is empty.

    `every_s` is how often the watchdog wants to hear, in seconds, at the least; never where it is infinite.
    """

    def __init__(
        self,
        address: str = "",
        every_s: float = math.inf,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._every_s = every_s
        self._monotonic = monotonic
        self._due = -math.inf

    @classmethod
    def of(cls, environment: Mapping[str, str], pid: int) -> Notifier:
        """Read whom to tell, and how often, from what systemd put into the environment of this process."""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):  # there are others, for machines in machines
            return cls()
        return cls(address, _interval(environment, pid) / _PER_INTERVAL)

    @property
    def is_service(self) -> bool:
        """Whether systemd started it: then nobody is there to start it again when something comes later."""
        return bool(self._address)

    def ready(self, status: str = "") -> None:
        """Say that the service does its work from now on."""
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self) -> None:
        """Say that it is at work, if the watchdog wants to know by now; costs next to nothing otherwise."""
        now = self._monotonic()
        if now >= self._due and math.isfinite(self._every_s):
            self._due = now + self._every_s
            self._send("WATCHDOG=1")

    @contextlib.contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Say so from a thread for as long as this is open: beside what waits, or opens a large store."""
        over = threading.Event()

        def tell() -> None:
            while not over.wait(_TICK_S):
                self.alive()

        telling = threading.Thread(target=tell, daemon=True, name="alive")
        telling.start()
        try:
            yield
        finally:
            over.set()
            telling.join()

    def stopping(self) -> None:
        """Say that it has begun to end."""
        self._send("STOPPING=1\nSTATUS=Stopping.")

    def _send(self, what: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as telling,
        ):
            telling.setblocking(False)
            telling.sendto(what.encode(), self._address)


def _interval(environment: Mapping[str, str], pid: int) -> float:
    """Return how long the watchdog waits, in seconds; for ever where there is none, or it is another's."""
    with contextlib.suppress(ValueError):
        mine = int(environment.get("WATCHDOG_PID") or pid) == pid
        waits = int(environment.get("WATCHDOG_USEC", "0")) / 1e6
        if mine and waits > 0:
            return waits
    return math.inf
