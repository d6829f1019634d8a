"""The box behind the page: the open store of one person, worked on by threads of its own.

What a view needs is a function of the store; `Box.do` runs it where nothing else touches the store, one after
the other, while the server goes on taking requests. What takes long (a text by the language model, a year's
findings) is done by `Box.do_slowly`, on a second opening of the store: live values do not wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from device import Found
from healthslm.clock import utc_now
from healthslm.errors import StoreError
from healthslm.nearby import who_is_near
from healthslm.slm import Model
from healthslm.store import Store

_T = TypeVar("_T")


def _thread(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)


@dataclass(frozen=True, kw_only=True)
class Box:
    """What the views work with. `writer` words what the template would; `home` is the store's folder.

    `second` is the same store, opened once more; without it everything waits for everything. `look` has it
    looked which wearables are near.
    """

    store: Store
    zone: ZoneInfo
    home: Path
    second: Store | None = None
    writer: Model | None = None
    look: Callable[[Path], Awaitable[list[Found]]] = who_is_near
    clock: Callable[[], datetime] = utc_now
    _soon: ThreadPoolExecutor = field(default_factory=lambda: _thread("store"))
    _slowly: ThreadPoolExecutor = field(default_factory=lambda: _thread("store, slowly"))

    async def do(self, work: Callable[[Store], _T]) -> _T:
        """Run `work` on the store in its own thread; what it raises is raised here."""
        return await self._run(self._soon, self.store, work)

    async def do_slowly(self, work: Callable[[Store], _T]) -> _T:
        """Run `work` that takes long, so that it keeps nothing waiting but its like."""
        if self.second is None:
            return await self.do(work)
        return await self._run(self._slowly, self.second, work)

    async def _run(self, thread: ThreadPoolExecutor, store: Store, work: Callable[[Store], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(thread, _whole, store, work)

    def close(self) -> None:
        """Wait for what is at work, and take nothing more. The store stays open."""
        self._slowly.shutdown(wait=True)
        self._soon.shutdown(wait=True)


def _whole(store: Store, work: Callable[[Store], _T]) -> _T:
    """Run `work`, and commit what it left: an open write would keep `healthslm run` from its own."""
    try:
        return work(store)
    finally:
        # What is to be durable `work` committed itself; on a full disk it can be read all the same.
        with contextlib.suppress(StoreError):
            store.commit()
