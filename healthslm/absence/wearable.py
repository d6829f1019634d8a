"""What is known of one device: when it last sent what, and whether that was of anybody.

While readings come in, only marks are set (`took`, about half a microsecond each). `settle` turns them into
times at each look, on a counter that nobody can set: a wall clock that leaps makes no silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from healthslm.alerts.watch import Watch, Watched
from healthslm.readings import KINDS, UNUSABLE, Kind, Quality, Reading

RATE, BEAT, FINGER, SUGAR, SPOT, CELL = 1, 2, 4, 8, 16, 32
"""What a kind is here: a heart's rate, its beats, what a fingertip shows too, sensor glucose, all that is
measured once in a while, the battery."""
WORN = RATE | BEAT | SUGAR
"""Who sends these is worn; who sends a `FINGER`'s may be held for a minute, as a cuff's pulse is."""
STREAMS = WORN | FINGER
_KNOWN = {Kind.HEART_RATE: RATE, Kind.RR_INTERVAL: BEAT, Kind.SENSOR_GLUCOSE: SUGAR, Kind.BATTERY: CELL}
_SPORT = {Kind.SPEED, Kind.CADENCE}
"""They come all the time too, but nobody is watched by a bicycle."""


def _part(kind: Kind) -> int:
    info = KINDS[kind]
    stream = info.holds is not None and not info.waveform and kind not in _SPORT
    return _KNOWN.get(kind, FINGER if stream else SPOT)


PART: Mapping[Kind, int] = {kind: _part(kind) for kind in Kind}
LONG_RUN = timedelta(minutes=10)
"""An oximeter that sent for so long in one go is worn; one that is held to a finger sends for a minute."""
_BREAK_S = timedelta(minutes=5).total_seconds()
"""A longer hole ends a run."""
RATE_BREAK = timedelta(minutes=1)
"""A heart rate that comes more seldom can be the same by chance."""
_OFF, _GOOD, _CORRECTED = UNUSABLE.value, Quality.GOOD, Quality.CLOCK_CORRECTED.value
JOIN = timedelta(minutes=30)
_JOIN_BATTERY = timedelta(hours=6)
"""A cell that recovers a little overnight is not charged."""
_JOIN_CLOCK = timedelta(days=1)


class Wearable:
    """One device. Times that are numbers are on the counter; `last` is the start where nothing ever came.

    `fresh` says that something came since the start, `pace` how far its readings are apart. `silent` is the
    name of the watch that told that nothing comes, `off_told` says that one told that nobody wears it: both
    hold until it is otherwise, so that one absence is told once.
    """

    def __init__(self, address: str, name: str, at: float) -> None:
        self.address, self.name = address, name
        self.no_data = Watch.of(Watched.NO_DATA, JOIN, address)
        self.device_gone = Watch.of(Watched.DEVICE_GONE, JOIN, address)
        self.not_worn = Watch.of(Watched.NOT_WORN, JOIN, address)
        self.battery_low = Watch.of(Watched.BATTERY_LOW, _JOIN_BATTERY, address)
        self.clock_wrong = Watch.of(Watched.CLOCK_WRONG, _JOIN_CLOCK, address)
        # What it is
        self.roles = 0
        self.run_long = False
        self.pace = 0.0
        # When it last sent
        self.heard_at: datetime | None = None
        self.fresh = False
        self.last = self._run_from = at
        self.last_stream = -math.inf
        self._gap = 0.0
        self.silent = ""
        # What it sent
        self.off_from: float | None = None
        self.off_at: datetime | None = None
        self.off_last = at
        self.off_flags = 0
        self.off_told = False
        self.rate: Reading | None = None
        self.rate_at: datetime | None = None
        self.rate_from = self.rate_last = at
        self.battery: Reading | None = None
        self.battery_at = at
        self.corrected: Reading | None = None
        self.corrected_at = at
        self._corrected_seen: Reading | None = None
        # Marks since the last look
        self._seen = self._off = 0
        self._usable = self._moved = False

    @property
    def monitor(self) -> bool:
        """Say whether it is one that is worn, and not held or stood on once in a while."""
        return bool(self.roles & WORN) or self.run_long

    def took(self, one: Reading, received_at: datetime) -> None:
        """Mark what a reading says. Called for every one there is, so nothing is computed here."""
        part, quality = PART[one.kind], one.quality
        self._seen |= part
        if part is CELL:
            self.battery = one
            return
        self.heard_at = received_at
        usable = True
        if quality is not _GOOD:
            bits = quality.value
            if part is not SPOT and bits & _OFF:
                self._off |= bits & _OFF
                usable = False
            if bits & _CORRECTED:
                self.corrected = one
            elif one.device_time is not None:
                self.corrected = None
        elif one.device_time is not None:
            self.corrected = None
        if usable and part is not SPOT:
            self._usable = True
            if part is RATE:
                if self.rate is None or one.value != self.rate.value:
                    self.rate, self._moved = one, True
            elif part is BEAT:
                self._moved = True

    def settle(self, at: float) -> bool:
        """Turn the marks into times; returns whether anything but a battery was heard since the last look."""
        seen = self._seen
        if not seen:
            return False
        self.roles |= seen
        if seen & CELL:
            self.battery_at = at
        if self.corrected is not self._corrected_seen:
            self._corrected_seen, self.corrected_at = self.corrected, at
        if seen & STREAMS:
            self._stream(at)
            self._worn(at)
            self._beating(at, seen)
        heard = bool(seen & ~CELL)
        if heard:
            self.last, self.fresh = at, True
            if not self.monitor:
                self.silent = ""
        self._seen = self._off = 0
        self._usable = self._moved = False
        return heard

    def _stream(self, at: float) -> None:
        gap = at - self.last_stream
        if gap > _BREAK_S:
            self._run_from, self.run_long = at, False
        elif at - self._run_from >= LONG_RUN.total_seconds():
            self.run_long = True
        self.pace, self._gap = min(gap, self._gap), gap
        self.last_stream, self.silent = at, ""

    def _worn(self, at: float) -> None:
        if self._usable:
            self.off_from, self.off_flags, self.off_told = None, 0, False
            return
        if self.off_from is None:
            self.off_from, self.off_at = at, self.heard_at
        self.off_last = at
        self.off_flags |= self._off

    def _beating(self, at: float, seen: int) -> None:
        """Note since when the heart rate is the same: any beat that is sent with it shows that it lives."""
        if seen & RATE:
            hole = at - self.rate_last > RATE_BREAK.total_seconds()
            if self._moved or hole or not self._usable:
                self.rate_from, self.rate_at = at, self.heard_at
            self.rate_last = at
        elif self._moved:
            self.rate_from, self.rate_at = at, self.heard_at
