"""One notification on its way to readings: what a measurement's function is given, and fills."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from device import Notification
from device.gatt import DateTime, Number, Special
from healthslm.ingest.clocks import TRUSTED_PAST
from healthslm.ingest.state import State
from healthslm.readings import KINDS, QUALITIES, Kind, Quality, Reading, reading

_GOOD, _IMPLAUSIBLE = Quality.GOOD, int(Quality.IMPLAUSIBLE)
_RANGES = {kind: (info.low, info.high) for kind, info in KINDS.items()}


_MS, _US = timedelta(milliseconds=1), timedelta(microseconds=1)


class Taken(NamedTuple):
    """What became of one notification: its readings, and what was refused with why."""

    readings: list[Reading] | tuple[Reading, ...] = ()
    refused: list[str] | tuple[str, ...] = ()


class Heard:
    """One notification: `add` what it measured, `refuse` what it did not.

    `at` is when it was measured: the reception, until `stamped` says better. `state` is the device's.
    """

    __slots__ = (
        "at",
        "clock_quality",
        "device",
        "device_time",
        "readings",
        "received_at",
        "refused",
        "sequence",
        "state",
    )

    def __init__(self, notification: Notification, state: State) -> None:
        self.received_at = self.at = notification.received_at
        self.device = notification.device
        self.state = state
        self.readings: list[Reading] = []
        self.refused: list[str] = []
        self.device_time: datetime | None = None
        self.sequence: int | None = None
        self.clock_quality = _GOOD

    def live(self) -> datetime:
        """Say that it is one of a stream, measured now: in whole milliseconds, and later than the last one.

        The radio hands things over tens of milliseconds late, so microseconds say nothing; and a store keeps
        them at a greater expense than the value. What comes within one millisecond differs by one each.
        """
        at, last = self.received_at, self.state.heard_at
        micros = at.microsecond
        if micros % 1000:
            at = at.replace(microsecond=micros // 1000 * 1000)
        if last is not None and last - _MS < at <= last:
            at = last + _US
        self.at = self.state.heard_at = at
        return at

    def stamped(self, stamp: DateTime | None, *, clock_set: bool = True) -> None:
        """Say what the device's own clock said of it; `clock_set` is false where it says that it is unset."""
        if clock_set:
            self.at, self.device_time, self.clock_quality = self.state.clock.stamp(stamp, self.received_at)
        elif stamp is not None:
            self.clock_quality = Quality.CLOCK_CORRECTED

    def placed(self, shown: datetime, *, past: timedelta = TRUSTED_PAST, sequence: int | None = None) -> None:
        """Say what the device's own clock showed, and the record's number where it has one."""
        self.sequence = sequence
        self.at, self.device_time, self.clock_quality = self.state.clock.place(
            shown, self.received_at, past=past, numbered=sequence is not None
        )

    def add(self, kind: Kind, value: Number, quality: Quality = _GOOD, at: datetime | None = None) -> None:
        """Add a value in the kind's unit; a `Special` becomes a refusal, an implausible one is marked."""
        if value.__class__ is Special:
            self.refuse_special(kind, value)
            return
        low, high = _RANGES[kind]
        if not low <= value <= high:  # type: ignore[operator]  # a Special went above
            quality = QUALITIES[quality.value | _IMPLAUSIBLE]
        if self.clock_quality is not _GOOD:
            quality = QUALITIES[quality.value | self.clock_quality.value]
        self.readings.append(
            reading(
                at or self.at,
                kind,
                value,  # type: ignore[arg-type]
                self.device,
                quality,
                self.device_time,
                self.sequence,
            )
        )

    def refuse(self, why: str) -> None:
        """Refuse something, with its reason: the same words each time, since they are counted."""
        self.refused.append(why)

    def refuse_special(self, kind: Kind, value: Number) -> None:
        """Refuse what the device itself says is no number."""
        said = value.value if isinstance(value, Special) else value
        self.refused.append(f"{KINDS[kind].title}: the device sent {said}")

    def grown(self, name: str, count: float) -> float | None:
        """Return by how much a running counter grew since last seen; `None` at first, and when set back."""
        counters = self.state.counters
        before = counters.get(name)
        counters[name] = (count, self.received_at)
        return count - before[0] if before is not None and count >= before[0] else None
