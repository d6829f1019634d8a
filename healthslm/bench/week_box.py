"""The box of the week, a process of its own: what `healthslm run` is made of, by a clock that somebody sets.

`python -m healthslm.bench.week_box SETUP` listens to the wearables behind a socket, and does what standard
input says, a line of JSON each. What it says is a list a line, on standard output:

    ["delivered", address, characteristic, hex]         a value came to bleak's callback
    ["heard", µs, address, characteristic, hex, read, stored, refused]  what became of it, once it was stored
    ["identity", µs, address, battery, stored]          a wearable said who it is
    ["later", stored]                                   what was held back for a word that did not come
    ["link", address, state, dropped, why]              a link changed
    ["alert", id], ["told", id]                         an alert was raised, a hook took it
    ["disk"], ["hour"], ["rest", figures], ["tally", counts]  what was asked for is done
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import json
import resource
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from device import Identity, LinkEvent, Notification, Radio, Timings, watch
from device.gatt import short_uuid
from device.virtual import VirtualRadio
from healthslm.alerts.desk import alerts_in
from healthslm.bench.week_clock import SharedClock
from healthslm.bench.week_words import PASSPHRASE, say, words_told
from healthslm.cli.chores import Served, look_after
from healthslm.cli.delivering import Delivering
from healthslm.cli.running import LOCK, only_one
from healthslm.cli.seldom import log_seldom
from healthslm.collector import Tally, Update
from healthslm.pipeline import collect, kept
from healthslm.readings import micro
from healthslm.store import Store, open_unlocked, unlock

TIMINGS = Timings(
    connect=5, gatt=5, first_retry=0.01, longest_retry=0.3, jitter=lambda: 1.0, silence=600, patience=20
)
"""The back-off of real life, fifty times as fast."""


def telling(radio: Radio) -> Radio:
    """Return the same radio, which says each value that it hands to bleak's callback."""
    assert radio.client is not None  # noqa: S101  the virtual one has a backend
    client: Any = radio.client

    async def start_notify(self: Any, characteristic: Any, callback: Any, **options: Any) -> None:
        def came(value: bytearray) -> None:
            say("delivered", self.address, short_uuid(characteristic.uuid), value.hex())
            callback(value)

        await client.start_notify(self, characteristic, came, **options)

    return Radio(scanner=radio.scanner, client=type("Telling", (client,), {"start_notify": start_notify}))


def observe(update: Update) -> None:
    """Say what came of an event."""
    event, stored = update.event, len(update.stored)
    if isinstance(event, Notification):
        say(
            "heard",
            micro(event.received_at),
            event.device,
            event.characteristic,
            event.value.hex(),
            event.read,
            stored,
            list(update.refused),
        )
    elif isinstance(event, Identity):
        say("identity", micro(event.at), event.device, event.battery, stored)
    elif isinstance(event, LinkEvent):
        say("link", event.device, event.state.value, event.dropped, event.why)
    elif stored:
        say("later", stored)
    for alert in update.alerts:
        say("alert", alert.id)


class _Box:
    """The process, once its store is open: what it is told to do."""

    def __init__(self, one: Served, clock: SharedClock, air: VirtualRadio, delivering: Delivering) -> None:
        self._one = one
        self._clock = clock
        self._air = air
        self._delivering = delivering
        self._chores: asyncio.Task[None] | None = None
        self._ending = threading.Event()
        self.stop = asyncio.Event()

    async def obey(self) -> None:
        """Do what standard input says, until it ends; the box ends with it, or with what went wrong."""
        try:
            async for word in words_told():
                await self._do(word)
        finally:
            self.stop.set()

    async def _do(self, told: dict[str, Any]) -> None:
        match told["do"]:
            case "adapter off":
                await self._air.adapter_off(removed=told["removed"])
            case "adapter on":
                await self._air.adapter_on()
            case "disk":
                _let_files_grow(not told["full"])
                say("disk")
            case "hour":
                if self._chores is not None:
                    await self._chores
                self._chores = asyncio.create_task(self._hour())
            case "rest":
                if self._chores is not None:
                    await self._chores
                say("rest", self._figures())
            case "stop":
                self.stop.set()

    async def _hour(self) -> None:
        await look_after(self._one, self._clock, self._ending)
        say("hour")

    def _figures(self) -> dict[str, int]:
        gc.collect()
        store = self._one.store
        return {
            "courier": self._delivering.pid or 0,
            "outbox": store.outbox_pending(),
            "alerts": sum(1 for _ in alerts_in(store)),
            "readings": store.count(),
        }

    async def end(self) -> None:
        """Let a backup that is at work end."""
        self._ending.set()
        if self._chores is not None:
            await self._chores


def _let_files_grow(may: bool) -> None:
    """Refuse every write to a file of this process, as a full disk does; or do so no more."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most if may else 0, most))


def _say_where() -> None:
    """Say on standard error what every thread and task waits for: asked of one that does not end."""
    faulthandler.dump_traceback()
    for task in asyncio.all_tasks():
        task.print_stack(limit=4, file=sys.stderr)


async def _run(setup: dict[str, Any], store: Store, served: Served) -> Tally:
    clock, zone = SharedClock(Path(setup["clock"])), ZoneInfo(setup["zone"])
    home = Path(setup["home"])
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _say_where)
    async with contextlib.AsyncExitStack() as stack:
        air = await stack.enter_async_context(VirtualRadio.over(setup["socket"]))
        heard = await stack.enter_async_context(
            watch(
                [],
                clock=clock,
                radio=telling(air.radio),
                timings=TIMINGS,
                kept=partial(kept, store),
                zone=zone,
            )
        )

        def as_listed() -> None:
            heard.listen_to([device.address for device in store.devices()], pair=setup["paired"])

        as_listed()
        delivering = await stack.enter_async_context(Delivering(home / LOCK))
        box = _Box(served, clock, air, delivering)
        obeying = asyncio.create_task(box.obey())
        hooks_now = delivering.hooks_now(store)
        try:
            return await collect(
                heard,
                store,
                zone=zone,
                hooks=hooks_now(),
                hooks_now=hooks_now,
                carry=delivering.call,
                clock=clock,
                wall_clock=clock,
                observe=observe,
                delivered=lambda alert, _hook: say("told", alert),
                elsewhere=as_listed,
                stop=box.stop,
                counter=clock.seconds,
                monotonic=clock.seconds,
            )
        finally:
            obeying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await obeying
            await box.end()


def main(setup: dict[str, Any], run: Callable[..., Any] = asyncio.run) -> None:
    """Open the store, listen until told to stop, and say how it went."""
    log_seldom("%(levelname)s %(message)s")
    home = Path(setup["home"])
    with only_one(home):
        access = unlock(home, PASSPHRASE)
        with open_unlocked(access, patience_s=0.5, state=Path(setup["state"])) as store:
            tally = run(_run(setup, store, Served(label="bench", access=access, store=store)))
    say("tally", asdict(tally))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
