"""A virtual thermometer that shows a fever, and has no clock.

`python -m healthslm.bench.alerts_radio SOCKET EVERY` serves it over a unix socket, and has it measure every
so many seconds; with no clock in it, what it sends counts as of when it is heard.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from device.gatt import TemperatureMeasurement
from device.virtual import Thermometer
from device.virtual.hub import Hub
from healthslm.bench import far

_FEVER_CEL = 38.5


async def serve(socket: Path, every: float) -> None:
    """Serve it over a unix socket, for ever."""
    thermometer = Thermometer(far.address(1), takes_time=False)
    async with Hub() as hub, hub.serving(socket):
        await hub.add(thermometer)
        sys.stdout.write("serving\n")
        sys.stdout.flush()
        while True:
            await asyncio.sleep(every)
            await thermometer.measure(TemperatureMeasurement(_FEVER_CEL))


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), float(sys.argv[2])))
