"""Whether every reading is accounted for: what came, compared with what is in the store, by content.

The box says of each notification that it came, and later what became of it. Here the same notifications are
made into readings once more, and each of these is looked for in the store: by kind, device, time and value.
One that is not there must have a reason: it is one that the device sent before, or came so shortly before a
kill that it was not committed. And what is in the store must have come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from device import Identity, Notification
from healthslm.ingest import Ingest
from healthslm.readings import Kind, Reading, micro
from healthslm.store import Store
from healthslm.store.ids import DENSE, stream_and_time
from healthslm.store.rows import moment

Key = tuple[Kind, str, int]
"""A kind, a device, and a time in µs."""


@dataclass(slots=True)
class _Came:
    """A reading that came: when it was said (monotonic), and in which of the program's lives."""

    reading: Reading
    said: float
    life: int


@dataclass(slots=True)
class Account:
    """What came, life by life; `hear` takes what the box says, `ended` how a life ended."""

    zone: ZoneInfo
    life: int = 0
    notifications: int = 0
    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    unsaved: int = 0
    told_wrong: int = 0
    """By how much what the program itself counted is off, in the lives that ended as they should."""
    delivered: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    unheard: int = 0
    alerts: set[str] = field(default_factory=set)
    heard_of: Counter[str] = field(default_factory=Counter)
    _came: list[_Came] = field(default_factory=list)
    _doubtful: list[Reading] = field(default_factory=list)
    _killed: dict[int, float] = field(default_factory=dict)
    _ingest: Ingest | None = None
    _refused_here: int = 0

    def begin(self) -> None:
        """Hear of a new life of the program from now on."""
        self.life += 1
        self._refused_here = 0
        self._ingest = Ingest(self.zone)

    def hear(self, said: list[Any], at: float) -> None:
        """Take one word of the box, that came at a moment (monotonic)."""
        match said:
            case ["delivered", address, characteristic, value]:
                self.delivered[address, characteristic, value] += 1
            case ["heard", us, address, characteristic, value, read, _, refused]:
                self._heard(us, address, characteristic, value, read, at)
                self.refused.update(refused)
                self._refused_here += len(refused)
            case ["identity", us, address, battery, _]:
                identity = Identity(at=moment(us), device=address, battery=battery)
                self._take(self._now.battery(identity), at)
            case ["link", _, _, dropped, _]:
                self.dropped += dropped
            case ["alert", id_]:
                self.alerts.add(id_)
            case ["tally", counts]:
                self.unsaved += counts["unsaved"]
                here = sum(one.life == self.life for one in self._came)
                self.told_wrong += abs(counts["stored"] + counts["duplicates"] - here)
                self.told_wrong += abs(counts["refused"] - self._refused_here)

    @property
    def _now(self) -> Ingest:
        assert self._ingest is not None  # noqa: S101  nothing is heard before `begin`
        return self._ingest

    def _heard(self, us: int, address: str, characteristic: str, value: str, read: bool, at: float) -> None:
        self.notifications += 1
        self.read += read
        self.heard_of[address] += 1
        if not read:
            self.delivered[address, characteristic, value] -= 1
        came = Notification(moment(us), address, characteristic, bytes.fromhex(value), 0, read)
        self._take(self._now.take(came).readings, at)

    def _take(self, readings: Iterable[Reading], at: float) -> None:
        self._came += [_Came(one, at, self.life) for one in readings]

    def ended(self, at: float | None, now: datetime, whole: Iterable[str]) -> None:
        """Hear that a life ended: killed at a moment, or of itself (`None`).

        `whole` are the wearables whose values come to bleak's callback as they are taken. What was handed to
        it and of which nothing more was said is lost with a kill, and may be in the store all the same.
        """
        self._take(self._now.flush(), at or 0.0)
        left = {key: count for key, count in self.delivered.items() if count > 0}
        lost = {key: n for key, n in left.items() if key[0] in set(whole) and not _asks(key[1])}
        if at is not None:
            self._killed[self.life] = at
            for address, characteristic, value in left:
                came = Notification(now, address, characteristic, bytes.fromhex(value), 0)
                self._doubtful += self._now.take(came).readings
        else:
            self.unheard += max(0, sum(lost.values()))
        self.delivered.clear()

    def settled(self, store: Store) -> Settled:
        """Compare with the store; what other devices have in it is let be."""
        there = stored_readings(store)
        ours = {key for key in there if any(key[1] == one for one in self.heard_of)}
        came: dict[Key, list[_Came]] = {}
        for one in self._came:
            came.setdefault(_key(one.reading), []).append(one)
        records = {_record(one.reading) for key in came.keys() & ours for one in came[key]}
        lost, missing, wrong = [], [], []
        for key, ones in came.items():
            if key in there:
                if all(there[key] != one.reading.value for one in ones):
                    wrong.append(ones[0].reading)
            elif any(_is_numbered(one.reading) and _record(one.reading) in records for one in ones):
                continue  # sent again, and placed at another time
            elif all(one.life in self._killed for one in ones):
                lost.append(min(self._killed[one.life] - one.said for one in ones))
            else:
                missing.append(ones[0].reading)
        allowed = {_key(one) for one in self._doubtful}
        extra = [key for key in ours if key not in came and key not in allowed]
        return Settled(
            readings=len(self._came),
            stored=len(ours & came.keys()),
            duplicates=len(self._came) - len(ours & came.keys()) - len(lost) - len(missing),
            other_values=sum(len({one.reading.value for one in ones}) - 1 for ones in came.values()),
            lost=tuple(lost),
            missing=tuple(missing),
            wrong=tuple(wrong),
            extra=tuple(extra),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of the `readings` that came.

    `duplicates` were there already, `other_values` of them with another value: a clock that was set back gave
    the same moment twice. `lost` are how long (s) before its kill each came that was lost with it. In doubt
    are those `missing` without a reason, stored with a `wrong` value, or stored and never come (`extra`).
    """

    readings: int
    stored: int
    duplicates: int
    other_values: int
    lost: tuple[float, ...]
    missing: tuple[Reading, ...]
    wrong: tuple[Reading, ...]
    extra: tuple[Key, ...]

    @property
    def in_doubt(self) -> int:
        """How many are not accounted for."""
        return len(self.missing) + len(self.wrong) + len(self.extra)


def _key(one: Reading) -> Key:
    return one.kind, one.device, micro(one.time)


def _is_numbered(one: Reading) -> bool:
    return one.device_time is not None or one.sequence is not None


def _record(one: Reading) -> tuple[Kind, str, datetime | None, float, int | None]:
    return one.kind, one.device, one.device_time, one.value, one.sequence


def _asks(characteristic: str) -> bool:
    """Say whether it is a control point, whose answers are no measurements."""
    return characteristic in ("2A52", "2AAC") or characteristic.startswith("fb005c81")


def stored_readings(store: Store) -> dict[Key, float]:
    """Return every reading in a store, by kind, device and time."""
    span = store.span()
    if span is None:
        return {}
    start, end = span[0], span[1] + timedelta(microseconds=1)
    found: dict[Key, float] = {}
    senders: dict[int, str] = {}
    for kind in store.kinds(start, end):
        found |= {_key(one): one.value for one in store.singles(kind, start, end)}
        for window in store.readings(kind, start, end):
            for id_, value in zip(window.ids.tolist(), window.values.tolist(), strict=True):
                if id_ < DENSE:
                    continue
                stream, time = stream_and_time(id_)
                if stream not in senders:
                    one = store.reading(id_)
                    senders[stream] = "" if one is None else one.device
                found[kind, senders[stream], time] = value
    return found
