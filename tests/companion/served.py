"""The page served for real, over TLS on this machine, for a browser that Node drives."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from device.events import EventQueue
from healthslm.companion import Box, Client, Role, application, locked, pairing, server
from healthslm.companion.addresses import addresses_here
from healthslm.companion.clients import add, digest
from healthslm.relay import heard_by_phones
from healthslm.store import CHEAPEST, Store, create, open_store
from tests.companion import month
from tests.companion.conftest import near

SCENES = Path(__file__).parent / "browser"
ZONE = ZoneInfo("Europe/Berlin")
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_T = TypeVar("_T")
Told = dict[str, Any]


def browser() -> str | None:
    """Return where a browser is, with Node and what drives it; `None` where one of the three is missing."""
    found = next((path for name in _CHROMIUM if (path := shutil.which(name))), None)
    driver = SCENES / "node_modules" / "playwright-core"
    return found if found and shutil.which("node") and driver.is_dir() else None


class Served:
    """A store behind the page's server, which can be stopped and started again on the same port."""

    def __init__(self, store: Store, second: Store, home: Path) -> None:
        self.box = Box(store=store, second=second, zone=ZONE, home=home, look=near)
        self.tls = server.certificates(store, addresses_here(), datetime.now(UTC), os.urandom)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.base = f"https://127.0.0.1:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._runs = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runs.start()
        self._stop: asyncio.Event | None = None
        self._serving: Any = None

    def start(self) -> None:
        """Serve."""
        self._stop = asyncio.Event()
        sockets = [server.listening_on("127.0.0.1", self.port)]
        app = application(self.box, self.tls.authority)
        self._serving = asyncio.run_coroutine_threadsafe(
            server.serve(app, sockets, self.tls, self._stop), self._loop
        )

    def stop(self) -> None:
        """Serve no more, as if the phone had left the house."""
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._serving.result(20)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be locked for a while: the page is served no more, and the box says why."""
        self.stop()
        sockets = [server.listening_on("127.0.0.1", self.port)]
        with locked.said_locked(self.box.home, sockets) as said:
            assert said
            yield
        for one in sockets:
            one.close()
        self.start()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._runs.join(10)
        self._loop.close()
        self.box.close()

    def do(self, work: Callable[[Store], _T]) -> _T:
        """Run `work` where the server does: nothing else touches the store meanwhile."""
        return asyncio.run_coroutine_threadsafe(self.box.do(work), self._loop).result(30)

    def add_client(self, name: str) -> str:
        """Let somebody in whose phone nobody looks at; returns its id."""
        client = Client(
            id=os.urandom(8).hex(), name=name, role=Role.CARER, token=digest(name), added=datetime.now(UTC)
        )
        self.do(lambda store: add(store, client))
        return client.id

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run something where the server does."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def offer(self, role: Role) -> tuple[str, str]:
        """Make an offer; returns its id and its secret."""
        now = datetime.now(UTC)
        until = now + timedelta(days=30) if role is Role.CLINICIAN else None
        made, secret = self.do(lambda store: pairing.offer(store, role, now, os.urandom, until))
        return made.id, secret

    def confirm(self, offer: str, digits: str) -> Told:
        """Do what somebody at the box does: compare the digits, and let the phone in if they agree."""

        def work(store: Store) -> Told:
            found = pairing.find(store, offer, datetime.now(UTC))
            assert found is not None
            assert found.claim is not None
            if found.claim.code != digits:
                return {"same": False, "name": found.claim.name}
            client = pairing.confirm(store, offer, datetime.now(UTC), os.urandom)
            return {"same": True, "name": found.claim.name, "client": client.id}

        return self.do(work)


@contextmanager
def a_month(home: Path) -> Iterator[Served]:
    """Serve a new store with a month in it, and an alert of just now."""
    made, _ = create(home, "passphrase", profile=CHEAPEST)
    with made as store, open_store(home, "passphrase") as second:
        now = datetime.now(UTC)
        month.fill(store, now)
        month.alert(store, now, ZONE)
        served = Served(store, second, home)
        served.start()
        try:
            yield served
        finally:
            served.close()


class Listening:
    """What takes what phones heard, as `healthslm run` does; it can be stopped and started again."""

    def __init__(self, served: Served, queue: EventQueue) -> None:
        self._served = served
        self._queue = queue
        self._open: AbstractAsyncContextManager[None] | None = None

    def start(self) -> None:
        """Be at work."""
        self._open = heard_by_phones(self._served.box.home, self._queue)
        self._served.run(self._open.__aenter__())

    def stop(self) -> None:
        """Be at work no more."""
        assert self._open is not None
        self._served.run(self._open.__aexit__(None, None, None))


def play(
    served: Served,
    scene: str,
    role: Role = Role.WEARER,
    hands: Mapping[str, Callable[[Told], Told | None]] | None = None,
    longest_s: float = 100,
    **given: Any,
) -> Told:
    """Play a scene in a browser and return what it told at its end; `hands` do our part, by its steps."""
    offer, secret = served.offer(role)
    told = {"base": served.base, "chromium": browser(), "secret": secret, **given}
    mine = {"digits": lambda step: served.confirm(offer, step["digits"]), **(hands or {})}
    command = ["nice", "node", str(SCENES / f"{scene}.mjs"), json.dumps(told)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Timer(longest_s, process.kill)
        late.start()
        try:
            for line in process.stdout:
                step: Told = json.loads(line)
                if step["step"] == "end":
                    return step
                assert step["step"] != "failed", f"{step['error']}\n{step['wrong']}"
                process.stdin.write(json.dumps(mine[step["step"]](step) or {}) + "\n")
                process.stdin.flush()
        finally:
            late.cancel()
            process.kill()
    raise AssertionError(f"The scene {scene} ended without a word.")
