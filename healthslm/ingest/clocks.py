"""When it was measured: the device's own clock, and how far it is off.

Three cases, in this order:

1. The device's clock was read on connecting (Current Time, 2A2B, or Date Time, 2A08): what it is off is
   known to the second. What it stamps is moved by that and marked `CLOCK_CORRECTED`, however long ago it
   says it was, so stored records keep their distances; a clock that is right is believed. When a link sets
   the clock, it reads it again: the new offset holds for what follows. What a device stored before its
   battery was changed, by a clock that began anew since, cannot be told from the rest.
2. The clock cannot be read, and says a time within reason: it is believed.
3. The clock cannot be read, and is out of reason: the measurement is taken as live, at its reception, and
   gives the offset for an hour. What comes within that hour and was measured earlier, by that clock, is
   placed by the same offset, behind it; what was measured later is live, and gives the offset anew. So of
   a cuff that hands over old results oldest first, only the last has its own time.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from device.gatt import DateTime
from healthslm.readings import Quality

TRUSTED_PAST = timedelta(days=7)
TRUSTED_FUTURE = timedelta(minutes=10)
"""A clock that cannot be read is believed when it is no further from reception than this: a cuff hands over
last week's measurements when it is switched on, but nobody measures tomorrow."""
TRUSTED_RECORDS = timedelta(days=400)
"""The same for numbered records: a glucose meter keeps a year of them."""
RIGHT = timedelta(minutes=1)
"""A clock that was read and is no further off is right: it shows whole seconds, and the radio takes some."""
_LIVE_FOR = timedelta(hours=1)
_STAMPED = tuple[datetime, datetime | None, Quality]


class Clock:
    """One device's clock. `zone` is the one that it is set to.

    `offset` is what is to be added to the time it shows; `None` while nothing is known of it.
    """

    __slots__ = ("_guessed_at", "_zone", "offset")

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self.offset: timedelta | None = None
        self._guessed_at: datetime | None = None

    def was_read(self, shown: datetime, received_at: datetime) -> None:
        """Take over what the clock shows, naive, at the moment at which it was read."""
        at = self._utc(shown)
        self.offset = None if at is None else received_at - at
        self._guessed_at = None

    def stamp(
        self, stamp: DateTime | None, received_at: datetime, *, past: timedelta = TRUSTED_PAST
    ) -> _STAMPED:
        """Say when it was, what the device's clock said (naive), and what is to be said of that."""
        if stamp is None:
            return received_at, None, Quality.GOOD
        shown = stamp.datetime
        if shown is not None:
            return self.place(shown, received_at, past=past)
        unknown = not stamp.fault and 0 in (stamp.year, stamp.month, stamp.day)  # legal, and says nothing
        return received_at, None, Quality.GOOD if unknown else Quality.CLOCK_CORRECTED

    def place(
        self,
        shown: datetime,
        received_at: datetime,
        *,
        past: timedelta = TRUSTED_PAST,
        numbered: bool = False,
    ) -> _STAMPED:
        """Say when it was that the clock showed this time (naive, or with a zone of its own).

        The device's time is only handed back where it tells one measurement from the next: where the clock
        runs, or the measurements are `numbered`. A clock that starts anew may say the same time twice.
        """
        naive = shown.replace(tzinfo=None)
        at = self._utc(shown)
        if at is not None:
            with contextlib.suppress(OverflowError):  # moved out of the calendar
                return self._placed(naive, at, received_at, past, numbered)
        return received_at, naive if numbered else None, Quality.CLOCK_CORRECTED

    def _placed(
        self, naive: datetime, at: datetime, received_at: datetime, past: timedelta, numbered: bool
    ) -> _STAMPED:
        if self.offset is not None and self._guessed_at is None:
            if abs(self.offset) <= RIGHT:
                return min(at, received_at), naive, Quality.GOOD
            return min(at + self.offset, received_at), naive, Quality.CLOCK_CORRECTED
        if received_at < at <= received_at + TRUSTED_FUTURE:
            return received_at, naive, Quality.CLOCK_CORRECTED  # it runs, a little ahead
        if received_at - past <= at <= received_at:
            return at, naive, Quality.GOOD
        return self._guess(at, received_at), naive if numbered else None, Quality.CLOCK_CORRECTED

    def _guess(self, at: datetime, received_at: datetime) -> datetime:
        """Place a time that is out of reason: as live, or behind what was live within the last hour."""
        apparent, offset, guessed_at = received_at - at, self.offset, self._guessed_at
        recent = guessed_at is not None and received_at - guessed_at <= _LIVE_FOR
        if recent and offset is not None and apparent > offset + RIGHT:
            return at + offset
        self.offset, self._guessed_at = apparent, received_at
        return received_at

    def _utc(self, shown: datetime) -> datetime | None:
        try:
            return (shown if shown.tzinfo else shown.replace(tzinfo=self._zone)).astimezone(UTC)
        except OverflowError:  # the year 9999 has no time in every zone
            return None
