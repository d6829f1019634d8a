"""What the courier says when the core has died without a word: that nobody is watching any more."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import logging
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from healthslm.alerts.courier import back_off
from healthslm.alerts.hooks import Hook
from healthslm.clock import utc_now
from healthslm.errors import HookError

_LOG = logging.getLogger(__name__)
TRIED_S = 600.0
"""Seconds for which a hook that does not take it is tried again."""


@dataclass(frozen=True, slots=True)
class LastWords:
    """What to tell whom, `after_s` after the core's end, if nobody holds the lock of a healthslm at work."""

    told: tuple[tuple[Hook, str], ...]
    lock: Path
    after_s: float


def nobody_at_work(lock: Path) -> bool:
    """Say whether healthslm should be at work on a store and is not; a store that was erased wants nobody."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError:  # rather one call too many than one too few
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


async def say(words: LastWords, key: str, *, jitter: Callable[[], float] = random.random) -> None:
    """Wait, then tell every hook, unless healthslm is at work again. `key` is the delivery's."""
    await asyncio.sleep(words.after_s)
    async with asyncio.TaskGroup() as group:
        for hook, payload in words.told:
            group.create_task(_tell(hook, payload, key, words.lock, jitter))


async def _tell(hook: Hook, payload: str, key: str, lock: Path, jitter: Callable[[], float]) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + TRIED_S
    for attempt in itertools.count():
        if not nobody_at_work(lock):
            return
        try:
            await hook.call(payload, key=key, clock=utc_now)
        except HookError as error:
            _LOG.warning("%s", error.message)
        except Exception:  # one hook's fault must not keep it from the others
            _LOG.exception("hook %s: it failed in a way nobody foresaw.", hook.name)
        else:
            return
        wait = back_off(attempt, jitter()).total_seconds()
        if loop.time() + wait > until:
            return
        await asyncio.sleep(wait)
