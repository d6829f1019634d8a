"""The wall clock, and a counter: the one place that reads them. All else is given them as arguments."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


def boot_seconds() -> float:
    """Return seconds that are never set, and go on while the machine sleeps where the system counts so."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
