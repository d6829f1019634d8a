"""The core alone, without radio and model: how fast readings are kept, and how much memory it holds.

`python -m healthslm.bench.board_core HOME COUNT` is the process: it loads what `healthslm run` loads, what
speaks with BlueZ included, collects so many notifications of a strap as fast as it goes, and says what that
came to.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from device import Event, Notification
from device.gatt import HeartRateMeasurement
from healthslm.bench.energy import meter
from healthslm.bench.memory import held
from healthslm.cli import listening  # noqa: F401  what `healthslm run` has loaded when it begins
from healthslm.pipeline import collect
from healthslm.store import CHEAPEST, create

NOTIFICATIONS = 10_000
_STRAP = "C0:FF:EE:00:00:01"
_START = datetime(2026, 11, 2, tzinfo=UTC)
_PASSPHRASE = "only for a bench"  # noqa: S105  the store is thrown away


class Core(BaseModel):
    """What came of it: readings, the seconds until all were durable, bytes of memory, joules.

    `memory` is what it holds at the end and `peak` at most, `None` where no kernel says; `joules` are of the
    seconds in question, `None` without a meter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    readings: int
    seconds: float
    memory: int | None
    peak: int | None
    joules: float | None


class _Strap:
    """A strap that beats once a second, and a clock that goes by it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.now = _START

    async def events(self) -> AsyncIterator[Event]:
        for number in range(self._count):
            self.now = _START + timedelta(seconds=number)
            bpm, rr = 55 + number * 7 % 40, 700 + number * 37 % 400
            value = bytes(HeartRateMeasurement(bpm, True, None, (rr,)))
            yield Notification(self.now, _STRAP, "2A37", value, time.monotonic_ns())
            if number % 50 == 0:
                await asyncio.sleep(0)


async def collected(home: Path, count: int) -> Core:
    """Collect so many notifications into a new store in `home`."""
    strap = _Strap(count)
    energy = meter()
    store, _ = create(home, _PASSPHRASE, profile=CHEAPEST)
    with store:
        spent, began = energy.read(), time.perf_counter()
        tally = await collect(strap.events(), store, zone=ZoneInfo("UTC"), clock=lambda: strap.now)
        store.commit()
        seconds = time.perf_counter() - began
        return Core(
            readings=tally.stored,
            seconds=seconds,
            memory=held("VmRSS"),
            peak=held("VmHWM"),
            joules=energy.joules_since(spent),
        )


def measure(count: int = NOTIFICATIONS) -> Core:
    """Measure it in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        command = [sys.executable, "-m", __name__, str(Path(folder) / "home"), str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  ourselves
    return Core.model_validate_json(done.stdout)


if __name__ == "__main__":
    if sys.platform.startswith("linux"):
        import dbus_fast.aio  # noqa: F401  what bleak loads to speak with BlueZ
    sys.stdout.write(json.dumps(asyncio.run(collected(Path(sys.argv[1]), int(sys.argv[2]))).model_dump()))
