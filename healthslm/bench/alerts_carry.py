"""How payloads go to the hooks in what is measured here: the one place to change that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from healthslm.alerts.courier import Carry, call_here


@dataclass(frozen=True, slots=True)
class Carrying:
    """`carry` is what a `Courier` calls the hooks with, `pid` the process that does it where not this one."""

    carry: Carry
    pid: int | None = None


@asynccontextmanager
async def carrying() -> AsyncIterator[Carrying]:
    """Have the hooks called as long as a block lasts."""
    yield Carrying(call_here)
