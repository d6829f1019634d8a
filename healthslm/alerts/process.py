"""Runs the courier in a process of its own: it gets finished payloads, and has no key and no store.

The process is `healthslm.alerts.worker`. It sees nothing of the core's environment that might be a secret,
none of its files and sockets, and it is started again whenever it ends. What it had not answered by then has
failed: the outbox, which stays in the core's store, still has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import random
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, cast

from pydantic import BaseModel, ConfigDict

from healthslm.alerts.courier import back_off
from healthslm.alerts.hooks import TIME_LIMIT, Hook
from healthslm.alerts.spawning import Start, directly, worker
from healthslm.errors import HookError

_LOG = logging.getLogger(__name__)
GRACE_S = 2.0
"""What the process may take beyond what a hook may."""
START_S = 60.0
"""What it may take to start, and to load what the hooks need: a small board is slow."""
BYE_S = 2.0
"""What it may take to end when it is told to."""
CALM_S = 60.0
"""Once it has lived so long it is started again at once, whatever was before."""
_LONGEST_PAUSE_S = 60.0
_LONGEST_LINE = 1 << 20
_MOST = 2000
"""Letters of what went wrong that are believed."""


def pause(ends: int, jitter: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait before it is started again, after it ended so many times in a row."""
    return 0.0 if ends < 2 else min(back_off(ends - 2, jitter()).total_seconds(), _LONGEST_PAUSE_S)


class CourierProcess:
    """The courier's process; use as `async with`, which starts it and ends it.

    `limit` is what a hook may take, in seconds; `pause` says how long to wait before the process is started
    again; `start` starts it, as a child of this process unless something else is given: behind a fence only
    what was there before it can (`healthslm.alerts.spawning.Starter`).
    """

    def __init__(
        self,
        *,
        limit: float = TIME_LIMIT,
        pause: Callable[[int], float] = pause,
        start: Start | None = None,
    ) -> None:
        self._begin = directly(worker()) if start is None else start
        self._limit = limit
        self._pause = pause
        self._hooks: tuple[Hook, ...] = ()
        self._watch: Mapping[str, object] = {}
        self._life: _Life | None = None
        self._living = asyncio.Event()
        self._leaving = self._renewing = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep(await self._start()))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving = True
        if (life := self._life) is not None:
            life.tell({"bye": True})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BYE_S):
                    await life.over.wait()
        if self._task is not None:
            self._task.cancel()
            (ended,) = await asyncio.gather(self._task, return_exceptions=True)
            if isinstance(ended, Exception):
                raise ended

    @property
    def pid(self) -> int | None:
        """The process, where there is one that is ready."""
        return None if self._life is None else self._life.pid

    async def call(self, hook: Hook, payload: str, key: str) -> None:
        """Have a payload handed over; `key` is the same for every repetition of a delivery.

        Raises `HookError` with what the hook itself said, or with what became of the process.
        """
        said = {"hook": _row(hook), "payload": payload, "key": key, "limit": self._limit}
        await self._ask(hook, said, self._limit + GRACE_S)

    async def warm(self, hooks: Sequence[Hook]) -> None:
        """Have what these hooks need loaded, now and whenever the process is started again.

        Waits until it is. What cannot be loaded is logged: that hook fails when it is called, and no other.
        """
        for ended in await asyncio.gather(
            *(self._ask(hook, _ready(hook), START_S) for hook in hooks), return_exceptions=True
        ):
            if isinstance(ended, HookError):
                _LOG.error("%s", ended)
            elif isinstance(ended, BaseException):
                raise ended
        self._hooks = tuple(hooks)

    async def watch_over(self, told: Sequence[tuple[Hook, str]], lock: Path, after_s: float = 60) -> None:
        """Leave last words with the process: what each hook is told should the core die without a word.

        They are said `after_s` later, unless somebody holds `lock` by then: healthslm at work again.
        """
        self._watch = {
            "watch": {
                "hooks": [_row(hook) for hook, _ in told],
                "payload": [payload for _, payload in told],
                "lock": str(lock),
                "after_s": after_s,
            }
        }
        if self._life is not None:
            self._life.tell(self._watch)

    def renew(self) -> None:
        """Have the process started anew, if there is one: what its fence lets it read is found at its start.

        What it is at work on has failed, and is tried again by who keeps it.
        """
        if (life := self._life) is None:
            return
        self._renewing = True
        self._life = None  # what is asked from now on waits for the new one
        self._living.clear()
        life.tell({"bye": True})
        asyncio.get_running_loop().call_later(BYE_S, life.kill)

    async def _ask(self, hook: Hook, said: Mapping[str, object], within_s: float) -> None:
        try:
            async with asyncio.timeout(self._limit):
                while (life := self._life) is None:
                    await self._living.wait()
        except TimeoutError:
            raise hook.failed("the courier has not started yet.") from None
        try:
            async with asyncio.timeout(within_s):
                answer = await life.ask(said)
        except TimeoutError:
            life.kill()
            raise hook.failed("the courier did not answer; it is started again.") from None
        if answer is None:
            raise hook.failed("the courier ended; it is started again.")
        if not answer.ok:
            raise HookError(hook.readable(answer.error, most=_MOST), hook.readable(answer.hint, most=_MOST))

    async def _keep(self, life: _Life | None) -> None:
        """Keep a process running, until it is cancelled."""
        loop = asyncio.get_running_loop()
        ends = 0
        while True:
            began = loop.time()
            if life is not None:
                await self._serve(life)
            if self._leaving:
                return
            if self._renewing:
                self._renewing = False
                life = await self._start()
                continue
            ends = 1 if loop.time() - began > CALM_S else ends + 1
            wait = self._pause(ends)
            _LOG.error("The courier's process ended; it is started again in %.0f s.", wait)
            await asyncio.sleep(wait)
            life = await self._start()

    async def _start(self) -> _Life | None:
        try:
            _, life = await self._begin(_Life)
        except OSError as error:
            _LOG.error("The courier's process cannot be started: %s.", error)
            return None
        return life

    async def _serve(self, life: _Life) -> None:
        """See a process from its start to its end."""
        try:
            async with asyncio.timeout(START_S):
                if await life.ready is None:
                    return
            if self._watch:
                life.tell(self._watch)
            for hook in self._hooks:  # nobody waits for the answer: they were told of what is missing
                life.ask(_ready(hook))
            self._life = life
            self._living.set()
            await life.over.wait()
        except TimeoutError:
            _LOG.error("The courier's process was not ready within %.0f s.", START_S)
        finally:
            self._life = None
            self._living.clear()
            life.kill()
            await life.over.wait()


class _Answer(BaseModel):
    """What the process says: to which question, whether it was done, or why not. The first: it is ready."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: int
    ok: bool = False
    error: str = ""
    hint: str = ""


_Reply = asyncio.Future[_Answer | None]
"""`None` is that the process ended."""


class _Life(asyncio.SubprocessProtocol):
    """One process from its start to its end, and the questions that it has not answered.

    It is not trusted: each line must be the answer to an open question, or it is ended.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.SubprocessTransport | None = None
        self._numbers = itertools.count()
        self._open: dict[int, _Reply] = {}
        self._heard = b""
        self._exited = False
        self.over = asyncio.Event()
        """Set once the process has ended and the pipes to it are closed."""
        _, self.ready = self._question()

    @property
    def pid(self) -> int | None:
        return None if self._transport is None else self._transport.get_pid()

    def ask(self, said: Mapping[str, object]) -> _Reply:
        """Ask something; who stops waiting may cancel the answer."""
        number, reply = self._question()
        if self.over.is_set():
            reply.set_result(None)
        self.tell({"id": number, **said})
        return reply

    def tell(self, said: Mapping[str, object]) -> None:
        """Say something. Never waits: what a process that has stopped reading is told goes when it does."""
        pipe = self._pipe
        if pipe is not None and not pipe.is_closing():
            pipe.write(json.dumps(said).encode() + b"\n")

    def kill(self) -> None:
        """End the process, if it has not ended yet."""
        if self._transport is not None and not self._exited:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)

    @property
    def _pipe(self) -> asyncio.WriteTransport | None:
        pipe = None if self._transport is None else self._transport.get_pipe_transport(0)
        return pipe if isinstance(pipe, asyncio.WriteTransport) else None

    def _question(self) -> tuple[int, _Reply]:
        number = next(self._numbers)
        reply = self._open[number] = self._loop.create_future()
        return number, reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self._heard = (self._heard + data).split(b"\n")
        try:
            for line in lines:
                answer = _Answer.model_validate_json(line)
                reply = self._open.pop(answer.id)
                if not reply.done():
                    reply.set_result(answer)
            if len(self._heard) > _LONGEST_LINE:
                raise ValueError
        except (ValueError, KeyError):
            if not self._exited:
                _LOG.error("The courier's process said something that is no answer.")
            self._heard = b""
            self.kill()

    def process_exited(self) -> None:
        self._exited = True
        # Its last answers are still to be read; but not for ever, what it has left behind may hold the pipe.
        self._loop.call_later(0.2, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._close()
        self.over.set()
        for reply in self._open.values():
            if not reply.done():
                reply.set_result(None)

    def _close(self) -> None:
        pipe = self._pipe
        if pipe is not None and not pipe.is_closing():
            pipe.abort()  # what was not read by now never will be
        if self._transport is not None:
            self._transport.close()


def _row(hook: Hook) -> dict[str, object]:
    return hook.model_dump(mode="json")


def _ready(hook: Hook) -> dict[str, object]:
    """The request to load what a hook needs."""
    return {"warm": _row(hook)}
