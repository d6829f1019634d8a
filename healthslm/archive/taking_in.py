"""An archive taken into a store: all of it or nothing, and nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from pydantic import ValidationError

from healthslm.alerts import Alert, AlertState
from healthslm.alerts.desk import untold
from healthslm.archive.carried import checked
from healthslm.archive.reading import Archive
from healthslm.archive.records import (
    AlertRow,
    AmendmentRow,
    DeviceRow,
    DigestRow,
    ForgottenRow,
    NoteRow,
    ReadingRow,
    SettingRow,
    StreamRow,
)
from healthslm.archive.room import see_room
from healthslm.archive.writing import UNREADABLE
from healthslm.errors import DamagedError, ImportFailedError
from healthslm.readings import Kind
from healthslm.store import Store
from healthslm.store.arrivals import Arrivals, Tally
from healthslm.store.ids import DENSE
from healthslm.store.whole import Amended, Digest

_MOST_AMENDMENTS = 200_000
"""What is in memory at once: two hundred a day for years, by hand."""
_AT_ONCE = 1000
_OURS = "Use an archive as `healthslm export archive` writes it."
_NOBODY: tuple[dict[str, str], ...] = ({}, {"name": "", "birth_date": ""})
Progress = Callable[[str, int, int], None]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of an archive: a tally of each sort of things, and which settings are otherwise here."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
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
        outcome.tallies.clear()
        arrivals = _all_of_it(store, archive, outcome, progress or (lambda *_: None))
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
        )

    try:
        store.at_once(all_of_it)
    except DamagedError as error:  # the codec's word for bytes that are not its own
        raise ImportFailedError(f"{archive.name}: {error.message}", _OURS) from error
    return outcome


def _all_of_it(store: Store, archive: Archive, outcome: Outcome, progress: Progress) -> Arrivals:
    amendments = _amendments(archive)
    alerts = _Alerts(archive, {str(hook.get("name")) for hook in store.get("hooks", [])})
    named = {id_ for id_ in alerts.evidence() if id_ < DENSE}
    named |= {one.before.id or 0 for ones in amendments.values() for one in ones}
    arrivals = Arrivals(store, named)
    _settings(archive, arrivals, outcome)
    for device in archive.rows("devices.jsonl", DeviceRow):
        outcome.add("devices", arrivals.device(device.device, listed=device.listed))
    streams = list(archive.rows("streams.jsonl", StreamRow))
    keys = {(one.kind, one.device) for one in streams}
    if len({one.number for one in streams}) != len(streams) or len(keys) != len(streams):
        raise ImportFailedError(f"{archive.name} has a stream twice.", _OURS)
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
    arrivals.given(archive.manifest.last_reading)
    for ones in amendments.values():
        outcome.add("amendments", arrivals.amended(ones))
    _forgotten(archive, arrivals, outcome)
    for note in archive.rows("notes.jsonl", NoteRow):
        outcome.add("notes", arrivals.note(note.note))
    for row in archive.rows("digests.jsonl", DigestRow):
        outcome.add("digests", arrivals.digest(Digest(row.name, row.day, bytes.fromhex(row.seen), row.value)))
    for alert, document in alerts.documents(arrivals.id_here):
        tally = arrivals.alert(alert.id, alert.state, alert.raised_at_us, document, _alike)
        outcome.add("alerts", tally)
    return arrivals


def _amendments(archive: Archive) -> dict[tuple[Kind, str, int], list[Amended]]:
    """The amendments by reading, each reading's in their order."""
    found: dict[tuple[Kind, str, int], list[Amended]] = {}
    for number, row in enumerate(archive.rows("amendments.jsonl", AmendmentRow)):
        if number >= _MOST_AMENDMENTS:
            raise ImportFailedError(f"{archive.name} has more amendments than can be taken in.", _OURS)
        found.setdefault((row.kind, row.device, row.time_us), []).append(row.amended)
    return found


def _batches(archive: Archive) -> Iterator[list[ReadingRow]]:
    rows, last = archive.rows("readings.jsonl", ReadingRow), 0
    while batch := list(islice(rows, _AT_ONCE)):
        for row in batch:
            if not last < row.id <= archive.manifest.last_reading:
                raise ImportFailedError(f"readings.jsonl in {archive.name} has ids out of order.", _OURS)
            last = row.id
        yield batch


def _settings(archive: Archive, arrivals: Arrivals, outcome: Outcome) -> None:
    for row in archive.rows("settings.jsonl", SettingRow):
        empty = _NOBODY if row.name == "person" else ()
        tally = arrivals.setting(row.name, checked(row.name, row.value), empty)
        outcome.add("settings", tally)
        if tally.other:
            outcome.differing.append(row.name)


def _forgotten(archive: Archive, arrivals: Arrivals, outcome: Outcome) -> None:
    before: dict[Kind, int] = {}
    for row in archive.rows("forgotten.jsonl", ForgottenRow):
        if row.kind in before or row.member not in archive.names:
            raise ImportFailedError(
                f"forgotten.jsonl in {archive.name} is not as healthslm writes it.", _OURS
            )
        before[row.kind] = row.before_us
        for minutes in archive.leftover(row):
            outcome.hours += arrivals.leftover(row.kind, minutes)
    arrivals.forgotten(before)


class _Alerts:
    """The alerts of an archive; `hooks` are the names of those that are here.

    That a hook which is not here was told of an open alert is dropped: one of the same name that is added
    later is another one, and is told.
    """

    def __init__(self, archive: Archive, hooks: set[str]) -> None:
        self._archive = archive
        self._hooks = hooks

    def evidence(self) -> Iterator[int]:
        """Yield the ids of the readings that findings stand on."""
        for row in self._archive.rows("alerts.jsonl", AlertRow):
            for feature in self._read(row).finding.evidence if UNREADABLE not in row.alert else ():
                yield from feature.readings

    def documents(self, id_here: Callable[[int], int]) -> Iterator[tuple[AlertRow, str]]:
        """Yield each alert as the store keeps it, its evidence under the ids that readings have here."""
        for row in self._archive.rows("alerts.jsonl", AlertRow):
            if UNREADABLE in row.alert:
                yield row, str(row.alert[UNREADABLE])
                continue
            alert = self._read(row)
            evidence = tuple(
                replace(feature, readings=tuple(map(id_here, feature.readings)))
                for feature in alert.finding.evidence
            )
            alert = replace(alert, finding=replace(alert.finding, evidence=evidence))
            if alert.state is not AlertState.RESOLVED:
                away = {*alert.told, *alert.delivered_to} - self._hooks
                alert = replace(alert, **untold(alert, away)) if away else alert
            yield row, alert.to_json()

    def _read(self, row: AlertRow) -> Alert:
        try:
            alert = Alert.from_json(json.dumps(row.alert, allow_nan=False))
        except (ValidationError, ValueError) as error:
            raise ImportFailedError(
                f"{self._archive.name} has an alert that cannot be read.", _OURS
            ) from error
        if (alert.id, alert.state.value) != (row.id, row.state):
            raise ImportFailedError(f"{self._archive.name} has an alert that contradicts itself.", _OURS)
        if any(not -1 <= id_ < 1 << 63 for f in alert.finding.evidence for id_ in f.readings):
            raise ImportFailedError(f"{self._archive.name} has an alert whose evidence is none.", _OURS)
        return alert


def _alike(here: str, there: str) -> bool:
    """Say whether two documents of an alert say the same, by whatever ids their readings go."""
    ours, theirs = Alert.if_readable(here), Alert.if_readable(there)
    if ours is None or theirs is None:
        return here == there
    return _without_ids(ours) == _without_ids(theirs)


def _without_ids(alert: Alert) -> Alert:
    evidence = tuple(replace(feature, readings=()) for feature in alert.finding.evidence)
    return replace(alert, finding=replace(alert.finding, evidence=evidence))
