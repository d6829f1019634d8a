"""The store as the exports of single readings see it: a bounded piece of it at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from healthslm.readings import KINDS, Device, Floats, Ints, Kind, Note, Reading, Times, Window

MOST = 4_096
"""Readings in one piece: what is made of a piece in Python takes some hundred bytes a reading."""
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


class Rolled(Protocol):
    """What the readings of a kind came to in each of some periods; see `healthslm.store.rollups.Rollup`."""

    @property
    def starts(self) -> Times: ...  # noqa: D102
    @property
    def count(self) -> Ints: ...  # noqa: D102
    @property
    def minimum(self) -> Floats: ...  # noqa: D102
    @property
    def maximum(self) -> Floats: ...  # noqa: D102
    @property
    def mean(self) -> Floats: ...  # noqa: D102


class Source(Protocol):
    """What the exports ask of a store; `Store` answers it."""

    def kinds(self, start: datetime, end: datetime) -> set[Kind]: ...  # noqa: D102
    def span_of(self, kind: Kind) -> tuple[datetime, datetime] | None: ...  # noqa: D102
    def window(self, kind: Kind, start: datetime, end: datetime) -> Window: ...  # noqa: D102
    def singles(self, kind: Kind, start: datetime, end: datetime) -> list[Reading]: ...  # noqa: D102
    def sources(self, kind: Kind, start: datetime, end: datetime) -> tuple[str, ...]: ...  # noqa: D102
    def rollup_between(self, kind: Kind, edges: list[datetime]) -> Rolled: ...  # noqa: D102
    def device_numbers(self) -> dict[str, int]: ...  # noqa: D102
    def device(self, address: str) -> Device: ...  # noqa: D102
    def notes(self, start: datetime, end: datetime) -> list[Note]: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """Some readings of one kind, in the order of time, at most `MOST`.

    `devices` are the addresses, one a reading; `known` are by id those readings of which more is kept than
    stands in the window.
    """

    window: Window
    devices: list[str]
    known: Mapping[int, Reading]


def pieces(source: Source, kind: Kind, start: datetime, end: datetime) -> Iterator[Piece]:
    """Yield all readings of a kind in `[start, end)`, usable or not, a day of UTC in memory at a time."""
    span = source.span_of(kind)
    if span is None:
        return
    # A waveform has as many readings in an hour as others have in days.
    step = _HOUR if KINDS[kind].waveform else _DAY
    begin, end = max(start, span[0]), min(end, span[1] + timedelta(microseconds=1))
    while begin < end:
        until = min(end, _whole(begin, step) + step)
        window = source.window(kind, begin, until)
        if len(window):
            yield from _cut(window, source)
        begin = until


def _whole(time: datetime, step: timedelta) -> datetime:
    """Return the whole day or hour of UTC that a time falls into: what the store keeps together."""
    midnight = time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (time - midnight) // step * step


def _cut(window: Window, source: Source) -> Iterator[Piece]:
    kind = window.kind
    known = {one.id: one for one in source.singles(kind, window.start, window.end) if one.id is not None}
    numbers = {number: address for address, number in source.device_numbers().items()}
    alone = source.sources(kind, window.start, window.end) if window.devices is None else ()
    for first in range(0, len(window), MOST):
        part = _part(window, slice(first, first + MOST))
        ids = part.ids.tolist()
        if part.devices is not None:
            devices = [numbers[number] for number in part.devices.tolist()]
        elif len(alone) == 1:
            devices = [alone[0]] * len(ids)
        else:  # a spot measurement: each is kept with its device
            devices = [known[id_].device if id_ in known else "" for id_ in ids]
        yield Piece(window=part, devices=devices, known={id_: known[id_] for id_ in ids if id_ in known})


def _part(window: Window, rows: slice) -> Window:
    return Window(
        kind=window.kind,
        start=window.start,
        end=window.end,
        times=window.times[rows],
        values=window.values[rows],
        ids=window.ids[rows],
        quality=window.quality[rows],
        devices=None if window.devices is None else window.devices[rows],
    )
