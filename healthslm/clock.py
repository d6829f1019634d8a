"""The wall clock: the one place that reads it. Everything else is given a clock as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)
