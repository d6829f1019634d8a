"""The courier's process beside `healthslm run`: it calls the hooks, and speaks when healthslm has died."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from healthslm.alerts import Hook
from healthslm.alerts.courier import Carry, call_here
from healthslm.alerts.process import CourierProcess
from healthslm.alerts.stopped import stopped
from healthslm.clock import utc_now


@contextlib.asynccontextmanager
async def carrying(hooks: Sequence[Hook], lock: Path) -> AsyncIterator[Carry]:
    """Give what calls hooks: the courier's process, which is only started where there are any.

    `lock` is the file that a running `healthslm run` holds locked.
    """
    if not hooks:
        yield call_here
        return
    async with CourierProcess() as process:
        await process.watch_over(list(stopped(hooks, utc_now())), lock)
        warming = asyncio.create_task(process.warm(hooks))  # a start does not wait for what loads slowly
        try:
            yield process.call
        finally:
            warming.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await warming
