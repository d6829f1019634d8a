"""From nothing to the first reading: a process that does what `healthslm run` does, and says when it had one.

`python -m healthslm.bench.first SOCKET HOME PASSPHRASE ADDRESS` is that process; `run` starts it. The virtual
radio is imported in the middle, and the time that this takes is taken off: a real one does without.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from device import watch
from healthslm.bench import far
from healthslm.bench.rows import Row, row
from healthslm.bench.ways import PASSPHRASE
from healthslm.cli import listening  # noqa: F401  what `healthslm run` has loaded when it begins
from healthslm.collector import Update
from healthslm.pipeline import collect
from healthslm.store import CHEAPEST, create, open_store


async def _first(socket: str, home: str, passphrase: str, address: str) -> dict[str, float]:
    """Listen until one reading is stored and durable; the moments on the machine's clock."""
    stop = asyncio.Event()

    def observe(update: Update) -> None:
        if any(reading.kind.value == "heart_rate" for reading in update.stored):
            stop.set()

    loaded = time.time()
    from device.virtual import VirtualRadio  # noqa: PLC0415  its time is measured

    virtual = time.time() - loaded
    with open_store(Path(home), passphrase) as store:
        async with VirtualRadio.over(socket) as air:
            listening = time.time()
            async with watch([address], radio=air.radio) as events:
                await collect(events, store, zone=ZoneInfo("UTC"), observe=observe, stop=stop)
                return {"virtual": virtual, "listening": listening, "first": time.time()}


def run(repeat: int) -> list[Row]:
    """Measure, `repeat` times, a process from its start with a known strap advertising."""
    whole, heard = [], []
    address = far.address(1)
    with tempfile.TemporaryDirectory(prefix="healthslm-bench-") as folder:
        create(Path(folder) / "store", PASSPHRASE, profile=CHEAPEST)[0].close()
        for _ in range(repeat):
            # Often, so that what is measured is not how long a beat is waited for.
            with far.serving(far.straps(1, every=0.02)) as socket:
                home = str(Path(folder) / "store")
                command = [sys.executable, "-m", __name__, str(socket), home, PASSPHRASE, address]
                began = time.time()
                done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  ourselves
            at = json.loads(done.stdout)
            whole.append(at["first"] - began - at["virtual"])
            heard.append(at["first"] - at["listening"])
    return [
        row("start of the process to the first reading", "s", whole, 2, most=1),
        row("watch() to the first reading", "s", heard, 2, most=1),
    ]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_first(*sys.argv[1:5]))))
