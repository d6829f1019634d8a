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

    def set(self, moment: datetime) -> None:
        """Make it be `moment` now, and run from there."""
        self.offset, self.stopped_at = moment - self.now(), None
