"""An archive taken into a store: all of it or nothing, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from healthslm.archive.alerts_in import Alerts, alike
from healthslm.archive.decided import settings_in
from healthslm.archive.reading import OURS, Archive
from healthslm.archive.records import (
    AmendmentRow,
    DeviceRow,
    DigestRow,
    ForgottenRow,
    NoteRow,
    ReadingRow,
    StreamRow,
)
from healthslm.archive.room import see_room
from healthslm.errors import ImportFailedError
from healthslm.readings import Kind
from healthslm.store import Store
from healthslm.store.arrivals import Arrivals, Tally
from healthslm.store.ids import DENSE, STREAMS
from healthslm.store.rows import micros, moment
from healthslm.store.whole import Amended, Digest

_MOST_AMENDMENTS, _LONGEST_AMENDMENTS = 200_000, 64_000_000
"""What is in memory at once, and how many letters of it: two hundred a day for years, by hand."""
_MOST_EVIDENCE = 1_000_000
"""Single readings that alerts stand on; so many ids are in memory at once."""
_MOST_DEVICES = 10_000
_AT_ONCE, _LONGEST_AT_ONCE = 1000, 4_000_000
"""Rows, and letters in them, that are taken in at once."""
_NOBODY: tuple[dict[str, str], ...] = ({}, {"name": "", "birth_date": ""})
Progress = Callable[[str, int, int], None]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of an archive: a tally of each sort of things, and what became of which settings."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    settings: list[str] = field(default_factory=list)
    """The settings that were taken in: from now on they hold here."""
    differing: list[str] = field(default_factory=list)
    """Those that are otherwise here, and stay so."""
    hours: int = 0
    """Hours of which only roll-ups are left, that are new."""

    def add(self, what: str, tally: Tally) -> None:
        """Add to the tally of one sort."""
        self.tallies.setdefault(what, Tally()).add(tally)

    @property
    def new(self) -> int:
        """How many things of any sort were new."""
        return sum(tally.new for tally in self.tallies.values()) + self.hours


def take_in(
    store: Store, archive: Archive, at: datetime, *, file: str, sha256: str, progress: Progress | None = None
) -> Outcome:
    """Take an archive in, in one transaction; return what became of it.

    What is here stays, also where the archive says otherwise: that is counted and named. Said again, it takes
    nothing in twice. Raises `ImportFailedError` for what no archive of ours has, and where the disk has no
    room; the store is then as it was.
    """
    see_room(archive.name, store.folder, archive.room)
    outcome = Outcome()

    def all_of_it() -> None:
        arrivals = _all_of_it(store, archive, at, outcome, progress or (lambda *_: None))
        readings = outcome.tallies.get("readings", Tally())
        arrivals.noted(
            at,
            file=file,
            sha256=sha256,
            made_by=archive.manifest.made_by,
            made_at=archive.manifest.made_at.isoformat(),
            readings=readings.new,
            there=readings.there,
            refused=readings.other + readings.deleted + readings.forgotten,
            settings=", ".join(outcome.settings) or None,
        )

    store.at_once(all_of_it)
    return outcome


def _all_of_it(
    store: Store, archive: Archive, at: datetime, outcome: Outcome, progress: Progress
) -> Arrivals:
    amendments = _amendments(archive)
    alerts = Alerts(store, archive)
    named = _evidence(archive, alerts)
    named |= {one.before.id or 0 for ones in amendments.values() for one in ones}
    arrivals = Arrivals(store, named)
    _settings(archive, arrivals, outcome)
    _devices(archive, arrivals, outcome)
    streams = list(islice(archive.rows("streams.jsonl", StreamRow), STREAMS))
    keys = {(one.kind, one.device) for one in streams}
    if len({one.number for one in streams}) != len(streams) or len(keys) != len(streams):
        raise ImportFailedError(f"{archive.name} has a stream twice.", OURS)
    for stream in streams:
        arrivals.stream(stream.number, stream.kind, stream.device)
    total, done = archive.manifest.count("readings.jsonl", "streams/"), 0
    # Rows first: among them are those that a stream's reading of the same time would keep out.
    for batch in _batches(archive):
        outcome.add("readings", arrivals.singles([row.reading for row in batch]))
        done += len(batch)
        progress("readings", done, total)
    for stream in streams:
        for columns in archive.columns(stream):
            outcome.add("readings", arrivals.columns(stream.number, columns))
            done += len(columns.times)
            progress("readings", done, total)
    _only(archive, "streams/", {stream.member for stream in streams})
    arrivals.given(archive.manifest.last_reading)
    for ones in amendments.values():
        outcome.add("amendments", arrivals.amended(ones))
    _forgotten(archive, at, arrivals, outcome)
    for note in archive.rows("notes.jsonl", NoteRow):
        outcome.add("notes", arrivals.note(note.note))
    for one in archive.rows("digests.jsonl", DigestRow):
        outcome.add("digests", arrivals.digest(Digest(one.name, one.day, bytes.fromhex(one.seen), one.value)))
    for row, state, document in alerts.documents(arrivals.id_here):
        tally = arrivals.alert(row.id, state, row.raised_at_us, document, alike)
        outcome.add("alerts", tally)
    return arrivals


def _evidence(archive: Archive, alerts: Alerts) -> set[int]:
    """The ids of single readings that alerts stand on."""
    named: set[int] = set()
    for id_ in alerts.evidence():
        if id_ < DENSE:
            named.add(id_)
        if len(named) > _MOST_EVIDENCE:
            raise _too_much(archive, "alerts")
    return named


def _devices(archive: Archive, arrivals: Arrivals, outcome: Outcome) -> None:
    for number, row in enumerate(archive.rows("devices.jsonl", DeviceRow)):
        if number >= _MOST_DEVICES:
            raise _too_much(archive, "devices")
        outcome.add("devices", arrivals.device(row.device, listed=row.listed))


def _amendments(archive: Archive) -> dict[tuple[Kind, str, int], list[Amended]]:
    """The amendments by reading, each reading's in their order."""
    found: dict[tuple[Kind, str, int], list[Amended]] = {}
    size = 0
    for number, row in enumerate(archive.rows("amendments.jsonl", AmendmentRow)):
        size += _size(row) + len(row.reason)
        if number >= _MOST_AMENDMENTS or size > _LONGEST_AMENDMENTS:
            raise _too_much(archive, "amendments")
        found.setdefault((row.kind, row.device, row.time_us), []).append(row.amended)
    return found


def _batches(archive: Archive) -> Iterator[list[ReadingRow]]:
    batch, size, last = list[ReadingRow](), 0, 0
    for row in archive.rows("readings.jsonl", ReadingRow):
        if not last < row.id <= archive.manifest.last_reading:
            raise ImportFailedError(f"readings.jsonl in {archive.name} has ids out of order.", OURS)
        last = row.id
        batch.append(row)
        size += _size(row)
        if len(batch) == _AT_ONCE or size > _LONGEST_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(row: ReadingRow) -> int:
    return len(row.device) + len(row.context or "")


def _too_much(archive: Archive, what: str) -> ImportFailedError:
    return ImportFailedError(f"{archive.name} has more {what} than can be taken in.", OURS)


def _settings(archive: Archive, arrivals: Arrivals, outcome: Outcome) -> None:
    for name, value in settings_in(archive).items():
        empty = _NOBODY if name == "person" else ()
        tally = arrivals.setting(name, value, empty)
        outcome.add("settings", tally)
        if tally.new:
            outcome.settings.append(name)
        if tally.other:
            outcome.differing.append(name)


def _forgotten(archive: Archive, at: datetime, arrivals: Arrivals, outcome: Outcome) -> None:
    before: dict[Kind, int] = {}
    for row in archive.rows("forgotten.jsonl", ForgottenRow):
        if row.kind in before or row.member not in archive.names:
            raise ImportFailedError(f"forgotten.jsonl in {archive.name} is not as healthslm writes it.", OURS)
        if row.before_us > micros(at):  # it would keep out what is yet to be measured
            raise ImportFailedError(
                f"{archive.name} says that readings until {moment(row.before_us):%Y-%m-%d} were deleted: "
                "that is later than now.",
                "See that this machine's clock is right, and that the archive is one of healthslm.",
            )
        before[row.kind] = row.before_us
        for minutes in archive.leftover(row):
            outcome.hours += arrivals.leftover(row.kind, minutes)
    _only(archive, "leftover/", {f"leftover/{kind.value}.bin" for kind in before})
    arrivals.forgotten(before)


def _only(archive: Archive, where: str, known: set[str]) -> None:
    """See that nothing is among the readings that no table speaks of: it would be left out unsaid."""
    more = sorted(name for name in archive.names - known if name.startswith(where))
    if more:
        raise ImportFailedError(f"{archive.name} has {more[0]}, of which no table in it speaks.", OURS)
