"""Write a day of a strap at 1 Hz and an oximeter once a minute as a capture: `python day.py FILE`.

87,840 notifications, yesterday's in UTC, for `healthslm run --replay`; figures are drawn, with a fixed seed.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device import Notification
from device.capture import capture
from device.gatt import HeartRateMeasurement, PlxContinuousMeasurement
from healthslm.clock import utc_now

STRAP, OXIMETER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"


async def notifications(midnight: datetime) -> AsyncIterator[Notification]:
    """Give what both send in the 24 hours from midnight, in order."""
    drawn = random.Random(1)
    rate = 70.0
    for second in range(86_400):
        at, ns = midnight + timedelta(seconds=second), second * 10**9
        rate += (70 - rate) * 0.01 + drawn.gauss(0, 0.7)
        beat = HeartRateMeasurement(heart_rate=round(rate), rr_intervals=(round(61_440 / rate),))
        yield Notification(at, STRAP, "2A37", bytes(beat), ns)
        if second % 60 == 0:
            seen = PlxContinuousMeasurement(drawn.choice((95, 96, 97)), round(rate))
            yield Notification(at, OXIMETER, "2A5F", bytes(seen), ns)


async def write(path: Path, midnight: datetime) -> None:
    """Write the file, which must not be there yet."""
    async with capture(path, notifications(midnight)) as passed:
        async for _ in passed:
            pass


if __name__ == "__main__":
    today = utc_now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    asyncio.run(write(Path(sys.argv[1]), today - timedelta(days=1)))
