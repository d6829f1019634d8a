"""The records that everything else is made of: kinds, readings, windows, features, findings, summaries.

Times are aware UTC `datetime`s in records and `datetime64[us]` (UTC) in arrays. Values are in the unit
of their `Kind`, always; nothing after `ingest` converts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from healthslm.readings.kinds import KINDS, Kind, KindInfo
from healthslm.readings.note import Note
from healthslm.readings.threshold import Threshold

__all__ = [
    "KINDS",
    "QUALITIES",
    "UNUSABLE",
    "Claim",
    "Device",
    "Feature",
    "Finding",
    "Floats",
    "Ints",
    "Kind",
    "KindInfo",
    "Note",
    "Person",
    "Quality",
    "Reading",
    "Review",
    "Sentence",
    "Severity",
    "Summary",
    "Threshold",
    "Times",
    "Window",
    "instant",
    "micro",
    "micros",
    "moment",
    "reading",
]

Times = NDArray[np.datetime64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US, _SECOND_US = 86_400_000_000, 1_000_000


class Quality(IntFlag):
    """Why a reading should not be used, or should be used with care. No flag means good."""

    GOOD = 0
    NO_CONTACT = 1
    """The sensor said that it does not touch the skin."""
    IMPLAUSIBLE = 2
    """Outside what a living person's sensor can show (see `KINDS`)."""
    SENSOR_FAULT = 4
    """The device's own status calls the measurement invalid, unreliable or moved."""
    CLOCK_CORRECTED = 8
    """The device's clock was wrong; the time is corrected, or the one of reception. The value is good."""
    NOT_WORN = 16
    """The device said, or its frames show, that nobody wears it: there is a value, but of no person."""
    FLAT_LINE = 32
    """The same to the last digit for longer than a living body's signal can be: a sensor that is stuck."""
    FROZEN = 64
    """The device's own counter or clock stood still while it went on sending: an old value, sent again."""


UNUSABLE = (
    Quality.NO_CONTACT
    | Quality.IMPLAUSIBLE
    | Quality.SENSOR_FAULT
    | Quality.NOT_WORN
    | Quality.FLAT_LINE
    | Quality.FROZEN
)
"""All but a corrected clock: with each of the others the number is not one of this person at this time.

A flat line and a frozen counter look like the steadiest health there is, so they must not be computed with;
that takes alarms away too, so `ingest` marks them only where no living body, paced or asleep, can be meant.
"""


QUALITIES = tuple(Quality(bits) for bits in range(2 * max(Quality)))
"""Every quality at the index that is its bits: making or combining flags is slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value, at one time, from one device. A FHIR Observation in miniature.

    `device_time` is what the device's own clock said (naive, as sent); `context` what else the device said of
    the measurement (`fasting`, `after a meal`); `id` is given by the store.
    """

    time: datetime
    kind: Kind
    value: float
    device: str
    quality: Quality = Quality.GOOD
    device_time: datetime | None = None
    sequence: int | None = None
    id: int | None = None
    context: str | None = None


class _Draft:
    """A reading while it is being filled in: the same slots, without the guards of a frozen dataclass."""

    __slots__ = tuple(Reading.__dataclass_fields__)

    def __init__(
        self,
        time: datetime,
        kind: Kind,
        value: float,
        device: str,
        quality: Quality,
        device_time: datetime | None,
        sequence: int | None,
        id: int | None,
        context: str | None,
    ) -> None:
        self.time = time
        self.kind = kind
        self.value = value
        self.device = device
        self.quality = quality
        self.device_time = device_time
        self.sequence = sequence
        self.id = id
        self.context = context


def reading(
    time: datetime,
    kind: Kind,
    value: float,
    device: str,
    quality: Quality = Quality.GOOD,
    device_time: datetime | None = None,
    sequence: int | None = None,
    id: int | None = None,
    context: str | None = None,
) -> Reading:
    """Make a `Reading`: the very same object as by its name, in a fifth of the time.

    For the two places that make one for every value that a device ever sends; elsewhere use the class.
    """
    made: Any = _Draft(time, kind, value, device, quality, device_time, sequence, id, context)
    made.__class__ = Reading
    return made  # type: ignore[no-any-return]  # it has just become one


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A wearable as the store knows it: address, name, and what its Device Information service says."""

    address: str
    name: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whose store this is. `birth_date` is ISO (`1950-04-01`) or empty when not given."""

    name: str = ""
    birth_date: str = ""


def instant(time: datetime) -> np.datetime64:
    """Turn an aware time into the UTC `datetime64[us]` that windows use."""
    return np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "us")


def moment(time: np.datetime64) -> datetime:
    """Turn a window's `datetime64` back into an aware UTC time."""
    value: datetime = time.astype("datetime64[us]").item()
    return value.replace(tzinfo=UTC)


def micro(time: datetime) -> int:
    """Turn an aware time into µs since 1970."""
    since = time - _EPOCH
    return since.days * _DAY_US + since.seconds * _SECOND_US + since.microseconds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """The readings of one kind in `[start, end)`, sorted by time, as parallel arrays of one length.

    With a `step` it is an overview of a long period: each value is the mean of so long, and stands for no
    single reading (its id is -1). `devices` are numbers that tell the devices apart which sent a stream's
    readings; `None` where one alone did, or where it is all the same.
    """

    kind: Kind
    start: datetime
    end: datetime
    times: Times
    values: Floats
    ids: Ints
    quality: NDArray[np.int16]
    step: timedelta | None = None
    devices: NDArray[np.int32] | None = None

    @classmethod
    def of(cls, kind: Kind, start: datetime, end: datetime, readings: Iterable[Reading]) -> Window:
        """Make a window of the readings of `kind` that fall into it."""
        rows = sorted((r for r in readings if r.kind is kind and start <= r.time < end), key=lambda r: r.time)
        return cls(
            kind=kind,
            start=start,
            end=end,
            times=np.array([instant(r.time) for r in rows], dtype="datetime64[us]"),
            values=np.array([r.value for r in rows], dtype=np.float64),
            ids=np.array([r.id if r.id is not None else -1 for r in rows], dtype=np.int64),
            quality=np.array([int(r.quality) for r in rows], dtype=np.int16),
        )

    def __len__(self) -> int:
        return len(self.times)

    def where(self, keep: NDArray[np.bool_]) -> Window:
        """Return the same window with only the readings that `keep` marks."""
        return Window(
            kind=self.kind,
            start=self.start,
            end=self.end,
            times=self.times[keep],
            values=self.values[keep],
            ids=self.ids[keep],
            quality=self.quality[keep],
            step=self.step,
            devices=None if self.devices is None else self.devices[keep],
        )

    def by_device(self) -> list[Window]:
        """Return the readings of each device in a window of their own."""
        if self.devices is None:
            return [self]
        return [self.where(self.devices == number) for number in np.unique(self.devices)]

    def usable(self) -> Window:
        """Return the readings that may be computed with: in contact, plausible, not called faulty."""
        return self.where((self.quality & int(UNUSABLE)) == 0)

    def between(self, start: datetime, end: datetime) -> Window:
        """Return the part of the window in `[start, end)`."""
        low, high = np.searchsorted(self.times, [instant(start), instant(end)])
        return Window(
            kind=self.kind,
            start=start,
            end=end,
            times=self.times[low:high],
            values=self.values[low:high],
            ids=self.ids[low:high],
            quality=self.quality[low:high],
            step=self.step,
            devices=None if self.devices is None else self.devices[low:high],
        )

    @property
    def gaps(self) -> tuple[tuple[datetime, datetime], ...]:
        """The stretches no reading speaks for; empty for spot measurements."""
        holds = self.step or KINDS[self.kind].holds
        if holds is None:
            return ()
        step = np.timedelta64(holds)
        edges = np.concatenate(([instant(self.start)], np.minimum(self.times + step, instant(self.end))))
        until = np.concatenate((self.times, [instant(self.end)]))
        open_ = until > edges
        return tuple((moment(a), moment(b)) for a, b in zip(edges[open_], until[open_], strict=True))

    @property
    def coverage(self) -> float | None:
        """Share of the window that readings speak for, 0 to 1; `None` for spot measurements."""
        holds = self.step or KINDS[self.kind].holds
        if holds is None:
            return None
        until = np.concatenate((self.times[1:], [instant(self.end)])) if len(self) else self.times
        spoken = np.minimum(until - self.times, np.timedelta64(holds)).sum()
        return float(spoken / np.timedelta64(self.end - self.start)) if len(self) else 0.0


def micros(window: Window) -> Ints:
    """Return the times of a window in µs since 1970, shape `(n,)`."""
    return window.times.astype("M8[us]").view(np.int64)


class Severity(IntEnum):
    """How soon somebody should act."""

    INFO = 0
    WATCH = 1
    URGENT = 2
    EMERGENCY = 3

    @property
    def word(self) -> str:
        """The level as it is written everywhere: `info`, `watch`, `urgent`, `emergency`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A named computation over stored readings: its value, or `None` and the reason.

    `readings` are the ids that carry the value (the one reading of an extreme, the first and last of an
    aggregate); `count` is how many readings went in; `at` is when an extreme or the latest was.
    """

    name: str
    kind: Kind
    value: float | None
    unit: str
    start: datetime
    end: datetime
    decimals: int = 0
    reason: str = ""
    coverage: float | None = None
    count: int = 0
    readings: tuple[int, ...] = ()
    at: datetime | None = None

    @property
    def text(self) -> str:
        """The value as it is written wherever a person reads it, without its unit; `?` when there is none."""
        return "?" if self.value is None else f"{self.value:.{self.decimals}f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule saw: a prompt to act, not a diagnosis.

    `rule` and `version` name the rule, `source` its citation, `action` the next step; `missing` says what
    the rule could not see, `thresholds` the numbers that it went by. `[start, end)` is the episode; `ongoing`
    while its end is not known.
    """

    rule: str
    version: str
    severity: Severity
    title: str
    action: str
    source: str
    start: datetime
    end: datetime
    ongoing: bool = False
    evidence: tuple[Feature, ...] = ()
    missing: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()

    @property
    def id(self) -> str:
        """A name for this finding that is the same whenever it is computed again."""
        return f"{self.rule}-{self.start.astimezone(UTC):%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A number in a text, and where it comes from: `text[start:end]` is the value of `feature`."""

    start: int
    end: int
    feature: Feature


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence of a summary: who wrote it (`model` or `template`) and what its numbers stand on."""

    text: str
    origin: str
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A text about a period, sentence by sentence, each number traceable.

    `origin` is `model` when at least one sentence is the model's own, else `template`; `model_id` names the
    weights. `rejected` counts the model's sentences that the checks did not let stand; `withheld` says that
    the model's whole text was not shown, because it missed an urgent finding or what to do about it.
    """

    sentences: tuple[Sentence, ...]
    model_id: str = ""
    rejected: int = 0
    withheld: bool = False

    @property
    def text(self) -> str:
        """The sentences as one paragraph."""
        return " ".join(s.text for s in self.sentences)

    @property
    def origin(self) -> str:
        """`model` when any sentence is the model's own."""
        return "model" if any(s.origin == "model" for s in self.sentences) else "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Everything known about a period: what `review()` returns and the exports print.

    `timezone` is the IANA name in which a person reads the times. `devices` are those with readings in it;
    `sources` says by kind which of them (addresses) the readings came from, where that is known; `origins`
    has the whole of those readings, by id, of which that does not say enough: their kind came from several
    devices, or the device's clock was wrong. `thresholds` are by rule those that it went by, `written` what
    the person wrote in that time, `beats` the RR intervals of a quarter of an hour to be looked at. Where a
    window is of means, `spreads` has the lowest and the highest reading of each of them.
    """

    person: Person
    start: datetime
    end: datetime
    made_at: datetime
    timezone: str
    devices: tuple[Device, ...]
    windows: Mapping[Kind, Window]
    features: tuple[Feature, ...]
    findings: tuple[Finding, ...]
    summary: Summary | None = None
    clinical: Summary | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)
    thresholds: Mapping[str, tuple[Threshold, ...]] = field(default_factory=dict)
    written: tuple[Note, ...] = ()
    origins: Mapping[int, Reading] = field(default_factory=dict)
    beats: Window | None = None
    spreads: Mapping[Kind, tuple[Floats, Floats]] = field(default_factory=dict)
