"""What the phone's page costs: many phones that look at live values, and a year's chart.

The server is a process of its own, on loopback and with its own certificate, as at home. Meanwhile another
process stores a heart rate and a saturation every second, as `healthslm run` does.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import numpy as np

from healthslm.bench.memory import held
from healthslm.bench.rows import Row, row
from healthslm.companion import Box, Client, Role, application, server
from healthslm.companion.addresses import addresses_here
from healthslm.companion.clients import add, digest
from healthslm.readings import Kind, Reading
from healthslm.store import CHEAPEST, create, open_store
from healthslm.store.codec import Columns

PHONES = 20
SECONDS = 20.0
_PASSPHRASE = "only for a bench"  # noqa: S105  the store is thrown away
_STRAP, _OXIMETER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"
_YEAR = timedelta(days=365)
_MB = 1e6


def run(
    *,
    repeat: int,
    phones: int = PHONES,
    seconds: float = SECONDS,
    progress: Callable[[str], None] = lambda _what: None,
) -> list[Row]:
    """Measure and return the table's rows: for `seconds` each while nobody and while `phones` look."""
    shares, alone, more, charts = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        home = Path(folder) / "home"
        progress("a year of heart rates")
        _fill(home, phones)
        for _ in range(repeat):
            with _served(home) as at, _writing(home):
                progress("nobody looks")
                alone.append(asyncio.run(_spent(at, 0, seconds))[0])
                progress(f"{phones} phones look")
                share, memory = asyncio.run(_spent(at, phones, seconds))
                shares.append(share)
                more.append(memory)
                progress("a year's chart")
                charts += asyncio.run(_charts(at))
    return [
        row("of a core, nobody looks", "%", alone, 2),
        row(f"of a core, {phones} phones look at live values", "%", shares, 2, most=5),
        row(f"memory more with {phones} phones", "MB", more, 1, most=30),
        row("a year's chart, from asking to having it", "ms", charts, most=100),
    ]


class _At:
    """Where the server is, and how it is asked what it cost."""

    def __init__(self, port: int, authority: str, pipe: Connection) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.trust = ssl.create_default_context(cadata=authority)
        self._pipe = pipe

    def cost(self) -> tuple[float, int]:
        """Return the server's seconds of processor so far, and its memory in bytes."""
        self._pipe.send("cost")
        seconds, memory = self._pipe.recv()
        return float(seconds), int(memory)

    def http(self, number: int = 0) -> httpx.AsyncClient:
        """Return a client that knows the server and is known to it, as the phone of that number."""
        headers = {"authorization": f"Bearer {_token(number)}"}
        return httpx.AsyncClient(base_url=self.url, verify=self.trust, headers=headers, timeout=30)


def _token(number: int) -> str:
    return f"only for a bench {number}"


def _fill(home: Path, phones: int) -> None:
    store, _ = create(home, _PASSPHRASE, profile=CHEAPEST)
    now = datetime.now(UTC)
    with store:
        times = (
            np.arange(int((now - _YEAR).timestamp()), int(now.timestamp()), 60, dtype=np.int64) * 1_000_000
        )
        values = 70 + 20 * np.sin(times / 4e9) + np.random.default_rng(1).normal(0, 3, len(times))
        columns = Columns(times, values.round(), np.zeros(len(times), np.int16))
        store.append_columns(Kind.HEART_RATE, _STRAP, columns)
        for number in range(max(phones, 1)):
            token = digest(_token(number))
            add(store, Client(id=f"{number:016x}", name="bench", role=Role.WEARER, token=token, added=now))
        store.commit()


async def _spent(at: _At, phones: int, seconds: float) -> tuple[float, float]:
    """Return the server's share of a core in % while so many phones look, and its memory more in MB.

    Raises `RuntimeError` where they did not get a state every second or so: then nothing was measured.
    """
    _, before = at.cost()
    heard = [0] * phones
    async with asyncio.TaskGroup() as group:
        looking = [group.create_task(_look(at, heard, number)) for number in range(phones)]
        await asyncio.sleep(2)  # until all are connected
        began, (spent, _), already = time.monotonic(), at.cost(), sum(heard)
        await asyncio.sleep(seconds)
        after, memory = at.cost()
        share = 100 * (after - spent) / (time.monotonic() - began)
        if sum(heard) - already < 0.7 * seconds * phones:
            raise RuntimeError(f"only {sum(heard) - already} states came to {phones} phones")
        for task in looking:
            task.cancel()
    return share, (memory - before) / _MB


async def _look(at: _At, heard: list[int], number: int) -> None:
    async with at.http(number) as http, http.stream("GET", "/api/v1/live") as stream:
        async for line in stream.aiter_lines():
            heard[number] += line == "event: now"


async def _charts(at: _At) -> list[float]:
    """Return how many milliseconds a year's chart takes, again and again on one connection."""
    end = datetime.now(UTC)
    period = {"from": (end - _YEAR).isoformat(), "to": end.isoformat()}
    spent = []
    async with at.http() as http:
        for _ in range(6):
            began = time.perf_counter()
            found = await http.get("/api/v1/series/heart_rate", params=period)
            found.raise_for_status()
            spent.append(1000 * (time.perf_counter() - began))
    return spent[1:]  # the first one shakes hands


@contextmanager
def _served(home: Path) -> Iterator[_At]:
    """Serve the store from another process."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(home, theirs))
    process.start()
    try:
        port, authority = ours.recv()
        yield _At(port, authority, ours)
    finally:
        ours.send("stop")
        process.join(20)


def _serve(home: Path, pipe: Connection) -> None:
    with open_store(home, _PASSPHRASE) as store:
        tls = server.certificates(store, addresses_here(), datetime.now(UTC), os.urandom)
        box = Box(store=store, zone=ZoneInfo("UTC"), home=home)
        opened = server.listening_on("127.0.0.1", 0)
        pipe.send((opened.getsockname()[1], tls.authority.pem.decode()))

        async def serving() -> None:
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            threading.Thread(target=_answer, args=(pipe, loop, stop), daemon=True).start()
            await server.serve(application(box), [opened], tls, stop)

        asyncio.run(serving())
        box.close()


def _answer(pipe: Connection, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while pipe.recv() == "cost":
        pipe.send((time.process_time(), held("VmRSS") or 0))
    loop.call_soon_threadsafe(stop.set)


@contextmanager
def _writing(home: Path) -> Iterator[None]:
    """Store two values a second from another process."""
    context = get_context("spawn")
    end = context.Event()
    process = context.Process(target=_write, args=(home, end))
    process.start()
    try:
        yield
    finally:
        end.set()
        process.join(20)


def _write(home: Path, end: threading.Event) -> None:
    with open_store(home, _PASSPHRASE) as store:
        while not end.wait(1):
            now = datetime.now(UTC)
            store.append(
                [
                    Reading(time=now, kind=Kind.HEART_RATE, value=70 + now.second % 9, device=_STRAP),
                    Reading(time=now, kind=Kind.SPO2, value=97, device=_OXIMETER),
                ]
            )
            store.commit()
