"""How payloads go to the hooks in what is measured here: the one place to change that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from healthslm.alerts.courier import Carry
from healthslm.alerts.process import CourierProcess


@dataclass(frozen=True, slots=True)
class Carrying:
    """`carry` is what a `Courier` calls the hooks with, `pid` the process that does it where not this one."""

    carry: Carry
    pid: int | None = None


@asynccontextmanager
async def carrying() -> AsyncIterator[Carrying]:
    """Have the hooks called as long as a block lasts."""
    async with CourierProcess() as process:
        while process.pid is None:  # noqa: ASYNC110  what is measured begins when it is ready
            await asyncio.sleep(0.005)
        yield Carrying(process.call, process.pid)
