"""A process of the week, as who started it sees it: what it says, what it is told, what it holds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from healthslm.errors import HealthslmError

_LINE = 1 << 20
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Held:
    """What a process held at one moment: bytes of memory, open descriptors, threads."""

    memory: int
    descriptors: int
    threads: int


def held_by(pid: int) -> Held:
    """Return what a process of this user holds; zeros where the kernel does not say."""
    own = Path(f"/proc/{pid}")
    try:
        said = dict(line.split(":", 1) for line in (own / "status").read_text(encoding="ascii").splitlines())
        return Held(
            memory=int(said["VmRSS"].split()[0]) * 1024,
            descriptors=len(os.listdir(own / "fd")),
            threads=int(said["Threads"]),
        )
    except (OSError, KeyError):
        return Held(0, 0, 0)


class Child:
    """`python -m MODULE SETUP`, which says lists of JSON and is told objects of it, a line each.

    `hear` is called with each list and the moment (seconds, monotonic) at which it came. What goes to
    standard error is counted in `complaints`, the last of it kept.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        complaining: asyncio.StreamReader,
        hear: Callable[[list[Any], float], None],
    ) -> None:
        self._process = process
        self._complaining = complaining
        self._hear = hear
        self._waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self._transport: asyncio.ReadTransport | None = None
        self.complaints: Counter[str] = Counter()
        self.last_words: deque[str] = deque(maxlen=200)
        self._reading = asyncio.create_task(self._read())
        self._grumbling = asyncio.create_task(self._grumble())

    @classmethod
    async def start(
        cls, module: str, setup: dict[str, Any], folder: Path, hear: Callable[[list[Any], float], None]
    ) -> Self:
        """Start one, whose temporary files go to `folder`."""
        # Not a pipe of asyncio's, whose end is waited for: a courier that outlives its core holds it.
        ours, theirs = os.pipe()
        complaining = asyncio.StreamReader(limit=_LINE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(complaining), os.fdopen(ours, "rb")
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            json.dumps(setup),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=theirs,
            limit=_LINE,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        os.close(theirs)
        child = cls(process, complaining, hear)
        child._transport = transport
        return child

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has."""
        return self._process.returncode is not None

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  it was asked for
        while line := await self._process.stdout.readline():
            if not line.endswith(b"\n"):
                return  # it was killed in the middle of a word
            said = json.loads(line)
            waiting = self._waiting.pop(said[0], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(said)
            self._hear(said, time.monotonic())

    async def _grumble(self) -> None:
        while line := await self._complaining.readline():
            text = line.decode(errors="replace").rstrip()
            self.last_words.append(text)
            self.complaints[text[:160]] += 1

    def tell(self, what: str, **more: Any) -> None:
        """Tell it to do something. A process that is gone hears nothing."""
        assert self._process.stdin is not None  # noqa: S101  likewise
        with contextlib.suppress(OSError):
            self._process.stdin.write((json.dumps({"do": what, **more}) + "\n").encode())

    async def ask(self, what: str, answer: str = "", **more: Any) -> list[Any]:
        """Tell it to do something, and wait until it says that it did; an error where it does not."""
        answer = answer or what
        waiting = self._waiting[answer] = asyncio.get_running_loop().create_future()
        self.tell(what, **more)
        return await self._when(waiting, what)

    async def _when(self, waiting: asyncio.Future[list[Any]], what: str) -> list[Any]:
        ending = asyncio.create_task(self._process.wait())
        try:
            either: set[asyncio.Future[Any]] = {waiting, ending}
            await asyncio.wait(either, timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                await self._reading  # what it said last
            if waiting.done():
                return waiting.result()
        finally:
            ending.cancel()
        raise HealthslmError(
            f"A process of the bench did not answer to {what!r}.", "It said: " + " / ".join(self.last_words)
        )

    async def kill(self) -> float:
        """Kill it, hear what it said before; returns the moment (seconds, monotonic)."""
        at = time.monotonic()
        self._process.kill()
        await self._over()
        return at

    async def stop(self) -> int:
        """Have it end by itself; returns how it did."""
        self.tell("stop")
        assert self._process.stdin is not None  # noqa: S101  it was asked for
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._over()
        except TimeoutError:
            self._process.send_signal(signal.SIGUSR1)
            await asyncio.sleep(1)  # in which it says what it waits for
            self._process.kill()
            await self._over()
        return self._process.returncode or 0

    async def _over(self) -> None:
        await self._process.wait()
        await self._reading
        await asyncio.wait({self._grumbling}, timeout=0.1)
        self._grumbling.cancel()
        if self._transport is not None:
            self._transport.close()
