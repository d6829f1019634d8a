"""Current Time service (1805): what a device's clock says, and how to set it.

A device without this service may have a Date Time (2A08) beside its measurements instead.

Source: Current Time Service 1.1 and GATT Specification Supplement (2A2B, 2A0F).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntFlag
from typing import ClassVar, Self

from device.gatt.fields import DateTime, Reader, encode_dst_offset, encode_time_zone
from device.gatt.measurement import GattService, by_uuid


class AdjustReason(IntFlag):
    """Why a clock was changed."""

    MANUAL_TIME_UPDATE = 1 << 0
    EXTERNAL_REFERENCE_TIME_UPDATE = 1 << 1
    CHANGE_OF_TIME_ZONE = 1 << 2
    CHANGE_OF_DST = 1 << 3


_NO_REASON = AdjustReason(0)


@dataclass(frozen=True, slots=True)
class CurrentTime:
    """Current Time (2A2B): the device's clock, to 1/256 s, without a time zone.

    `day_of_week` is 1 on Monday and 7 on Sunday, `None` when not known; `fractions256` in 1/256 s.
    """

    UUID: ClassVar[str] = "2A2B"

    date_time: DateTime
    day_of_week: int | None = None
    fractions256: int = 0
    adjust_reason: AdjustReason = _NO_REASON

    @classmethod
    def of(cls, moment: dt.datetime, reason: AdjustReason = AdjustReason.MANUAL_TIME_UPDATE) -> Self:
        """Take the fields of a `datetime` as they stand, to set a clock with; its zone is not sent."""
        return cls(DateTime.of(moment), moment.isoweekday(), moment.microsecond * 256 // 1_000_000, reason)

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but ten, and for an eighth day of the week."""
        fields = Reader(cls.UUID, value)
        date_time = fields.date_time("the time")
        day = fields.uint8("the day of the week")
        if day > 7:
            raise fields.error(f"day of the week {day}: Monday is 1, Sunday 7")
        fractions = fields.uint8("the fractions of a second")
        reason = AdjustReason(fields.uint8("the adjust reason"))
        fields.end()
        return cls(date_time, day or None, fractions, reason)

    def __bytes__(self) -> bytes:
        return bytes(self.date_time) + bytes((self.day_of_week or 0, self.fractions256, self.adjust_reason))

    @property
    def datetime(self) -> dt.datetime | None:
        """The naive `datetime`; `None` when a part is unknown or the day does not exist."""
        moment = self.date_time.datetime
        return moment and moment.replace(microsecond=self.fractions256 * 1_000_000 // 256)


@dataclass(frozen=True, slots=True)
class LocalTimeInformation:
    """Local Time Information (2A0F): how the device's clock stands to UTC.

    `time_zone` in minutes east of UTC, `dst_offset` in minutes of daylight saving time that come on top;
    `None` where the device does not know.
    """

    UUID: ClassVar[str] = "2A0F"

    time_zone: int | None
    dst_offset: int | None

    @classmethod
    def from_bytes(cls, value: bytes) -> Self:
        """Decode. Raises `DecodeError` on any length but two, and for numbers that are not assigned."""
        fields = Reader(cls.UUID, value)
        information = cls(fields.time_zone("the time zone"), fields.dst_offset("the daylight saving time"))
        fields.end()
        return information

    def __bytes__(self) -> bytes:
        return encode_time_zone(self.time_zone) + encode_dst_offset(self.dst_offset)


SERVICE = GattService(
    number="1805",
    name="Current Time",
    characteristics=by_uuid(CurrentTime, LocalTimeInformation, DateTime),
    state=frozenset({"2A2B", "2A08"}),
    measures=False,
)
