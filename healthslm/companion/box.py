"""The box behind the page: the open store of one person, worked on by a thread of its own.

What a view needs is a function of the store; `Box.do` runs it where nothing else touches the store, one after
the other, while the server goes on taking requests.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from healthslm.clock import utc_now
from healthslm.errors import StoreError
from healthslm.slm import Model
from healthslm.store import Store

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Box:
    """What the views work with. `writer` words what the template would; `home` is the store's folder."""

    store: Store
    zone: ZoneInfo
    home: Path
    writer: Model | None = None
    clock: Callable[[], datetime] = utc_now
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
    )

    async def do(self, work: Callable[[Store], _T]) -> _T:
        """Run `work` on the store in its own thread; what it raises is raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._whole, work)

    def _whole(self, work: Callable[[Store], _T]) -> _T:
        """Run `work`, and commit what it left: an open write would keep `healthslm run` from its own."""
        try:
            return work(self.store)
        finally:
            # What is to be durable `work` committed itself; on a full disk it can be read all the same.
            with contextlib.suppress(StoreError):
                self.store.commit()

    def close(self) -> None:
        """Wait for what is at work, and take nothing more. The store stays open."""
        self._thread.shutdown(wait=True)
