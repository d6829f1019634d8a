"""Patience where every program is emulated (tests/arm64/run.sh): there, slow is not wrong."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
from typing import Any

from hypothesis import HealthCheck, settings

from healthslm.slm import ModelProcess

EMULATED = bool(os.environ.get("HEALTHSLM_EMULATED"))
"""tests/arm64/run.sh says so. QEMU's own memory counts there, and it keeps a program to no RLIMIT_AS."""
_TIMES = 30
"""A program takes ten to thirty times as long under QEMU's user-mode emulation."""


def be_patient() -> None:
    """Have every limit of time wait longer, and Hypothesis try fewer examples: the machine alone differs."""
    settings.register_profile(
        "emulated", deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("emulated")
    for waiting in ("wait", "communicate"):
        _longer(subprocess.Popen, waiting)
    defaults = ModelProcess.__init__.__kwdefaults__
    for limit in ("start_s", "answer_s"):
        defaults[limit] *= _TIMES
    once = asyncio.timeout
    asyncio.timeout = lambda delay: once(delay and delay * _TIMES)


def _longer(process: Any, name: str) -> None:
    once = getattr(process, name)
    asked = inspect.signature(once)

    def longer(*arguments: Any, **named: Any) -> Any:
        told = asked.bind(*arguments, **named)
        if told.arguments.get("timeout"):
            told.arguments["timeout"] *= _TIMES
        return once(*told.args, **told.kwargs)

    setattr(process, name, longer)
