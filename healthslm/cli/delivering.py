"""The courier's process beside `healthslm run`: it calls the hooks, and speaks when healthslm has died."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from healthslm.alerts import CommandHook, Hook
from healthslm.alerts.process import CourierProcess
from healthslm.alerts.spawning import Start
from healthslm.alerts.stopped import stopped
from healthslm.cli.session import hooks_of
from healthslm.clock import utc_now
from healthslm.store import Store


class Delivering:
    """Calls hooks in the courier's process, which is only started once there are any; use as `async with`.

    `lock` is the file that a running `healthslm run` holds locked; `start` starts the process, as a child of
    this one unless something else is given.
    """

    def __init__(self, lock: Path, start: Start | None = None) -> None:
        self._lock = lock
        self._start = start
        self._stack = contextlib.AsyncExitStack()
        self._starting = asyncio.Lock()
        self._process: CourierProcess | None = None
        self._hooks: dict[Path, Sequence[Hook]] = {}
        self._programs: set[tuple[str, ...]] = set()
        self._preparing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.gather(self._preparing, return_exceptions=True)
        await self._stack.aclose()

    @property
    def pid(self) -> int | None:
        """The process, where there is one that is ready."""
        return None if self._process is None else self._process.pid

    async def call(self, hook: Hook, payload: str, key: str) -> None:
        """Have a payload handed over. Raises `HookError`."""
        await (await self._started()).call(hook, payload, key)

    def hooks_now(self, store: Store) -> Callable[[], Sequence[Hook]]:
        """Return what reads a person's hooks, and has the process made ready for them when they are new."""

        def read() -> Sequence[Hook]:
            hooks = hooks_of(store)
            if hooks != self._hooks.get(store.folder, []):
                self._hooks[store.folder] = hooks
                self._prepare()
            return hooks

        return read

    def _prepare(self) -> None:
        """Make the process ready; nobody waits for what loads slowly."""
        if self._preparing is not None:
            self._preparing.cancel()
        everybodys = [hook for hooks in self._hooks.values() for hook in hooks]
        self._preparing = asyncio.create_task(self._made_ready(everybodys))

    async def _made_ready(self, hooks: Sequence[Hook]) -> None:
        process = await self._started()
        programs = {hook.argv for hook in hooks if isinstance(hook, CommandHook)}
        if programs - self._programs:
            process.renew()  # one that was put there since it started may lie where it could not read
        self._programs = programs
        await process.watch_over(list(stopped(hooks, utc_now())), self._lock)
        await process.warm(hooks)

    async def _started(self) -> CourierProcess:
        async with self._starting:
            if self._process is None:
                self._process = await self._stack.enter_async_context(CourierProcess(start=self._start))
            return self._process
