"""A wearable's own clock, which may be wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from device.adapter import utc_now
from device.gatt import DateTime

FACTORY = datetime(2021, 1, 1, tzinfo=UTC)
"""The time at which a clock stands that was never set."""


class OwnClock:
    """Tells `now` plus `offset`, or stands still at `stopped_at` until it is set.

    `settable` says whether the wearable lets its Current Time be written; `never_set` whether it says of its
    time stamps that they count from a default.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = utc_now,
        *,
        offset: timedelta = timedelta(0),
        stopped_at: datetime | None = None,
        settable: bool = True,
    ) -> None:
        self.now = now
        self.offset = offset
        self.stopped_at = stopped_at
        self.settable = settable

    def __call__(self) -> datetime:
        """Tell the time that the wearable believes it is."""
        return self.stopped_at if self.stopped_at is not None else self.now() + self.offset

    @property
    def stamp(self) -> DateTime:
        """The time as it is sent."""
        return DateTime.of(self())

    @property
    def current_time(self) -> bytes:
        """The value of Current Time (2A2B): Date Time, day of the week (Monday 1), 1/256 s, why adjusted.

        Source: Current Time Service 1.1 and GATT Specification Supplement (2A2B).
        """
        now = self()
        return bytes(self.stamp) + bytes((now.isoweekday(), now.microsecond * 256 // 1_000_000, 0))

    def take(self, value: bytes) -> None:
        """Be set by such a value. Raises `ValueError` when it is no time."""
        year = int.from_bytes(value[:2], "little")
        month, day, hour, minute, second = value[2:7]
        self.set(datetime(year, month, day, hour, minute, second, tzinfo=self().tzinfo))

    def set(self, moment: datetime) -> None:
        """Make it be `moment` now, and run from there."""
        self.offset, self.stopped_at = moment - self.now(), None
