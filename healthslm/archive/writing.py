"""A store as an archive: which members there are, in which order, and what stands in each."""

from __future__ import annotations

import json
import struct
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from healthslm import __version__
from healthslm.alerts import Alert
from healthslm.archive.carried import CARRIED
from healthslm.archive.records import (
    ForgottenRow,
    LeftOut,
    Manifest,
    Member,
    Of,
    Period,
    ReadingRow,
    StreamRow,
)
from healthslm.archive.zipped import Part, zipped
from healthslm.export.share import DISCLAIMER, Terms
from healthslm.readings import KINDS, Note, micro
from healthslm.store import Store, codec, rollup_bytes
from healthslm.store.rollups import MINUTES, Totals
from healthslm.store.schema import MIGRATIONS
from healthslm.store.segments import Stream
from healthslm.store.whole import Amended, TrailEntry, Whole

VERSION = 1
MOST = 1 << 16
"""Readings in one block of a stream: what reads it needs a megabyte or two at a time."""
MANIFEST, README = "manifest.json", "READ-ME.txt"
UNREADABLE = "unreadable"
"""What an alert has in place of its fields where the store's own cannot be read: its text."""
SIZE = struct.Struct("<I")
"""The length in front of each block."""
_MADE_BY = f"healthslm {__version__}"
_TEXT = """An archive of healthslm: everything in one person's store, for healthslm and other programs.

{made_by}, {made_at}

Read in again:  healthslm import FILE

manifest.json     whose it is, the period, each file's size and SHA-256, and what was left out
readings.jsonl    readings one by one: blood pressure, weight, glucose, and all that came with a note
streams.jsonl     series of one kind of one device: which number is which
streams/N.bin     the readings of such a series
devices.jsonl     settings.jsonl     notes.jsonl     alerts.jsonl
amendments.jsonl  what was corrected or deleted, as it was before
forgotten.jsonl   which readings were deleted for their age; leftover/KIND.bin: minutes of what they were
digests.jsonl     what days came to
trail.jsonl       who opened, changed and exported what: to be read; its chain ends here

Every line of a .jsonl file is one JSON object. How to read the .bin files: docs/exports.md of healthslm,
"Archive and back in", and examples/read_an_archive.py.

{warning}
"""


def archived(
    store: Store, terms: Terms, *, zone: ZoneInfo, made_at: datetime
) -> Generator[bytes, None, None]:
    """Yield the bytes of a store's archive, some ten thousand at a time; the same for the same arguments.

    All of it is of the moment at which the first are asked for. One that is not asked for its end is to be
    closed before the store is.
    """
    whole = Whole(store)
    members: list[Member] = []
    local = made_at.astimezone(zone)
    with whole.moment():
        parts = _parts(store, whole, terms, zone, local, members)
        yield from zipped(parts, local, members)


def _parts(
    store: Store, whole: Whole, terms: Terms, zone: ZoneInfo, made_at: datetime, members: list[Member]
) -> Iterator[Part]:
    readme = _TEXT.format(
        made_by=_MADE_BY, made_at=f"{made_at:%Y-%m-%d %H:%M} ({zone.key})", warning=DISCLAIMER
    )
    yield Part(README, iter([(readme.encode(), 1)]))
    settings = dict(whole.settings())
    yield _lines("settings.jsonl", ({"name": n, "value": v} for n, v in settings.items() if n in CARRIED))
    yield _lines("devices.jsonl", ({**asdict(d), "listed": listed} for d, listed in whole.devices()))
    streams = [_stream(stream) for stream in whole.streams()]
    yield _lines("streams.jsonl", (row.model_dump(mode="json") for row, _ in streams))
    yield _lines("alerts.jsonl", map(_alert, whole.alerts()))
    yield _lines("amendments.jsonl", map(_amendment, whole.amendments()))
    yield _lines("readings.jsonl", (ReadingRow.fields_of(one) for one in whole.singles()))
    for row, stream in streams:
        yield Part(row.member, _blocks(whole, stream), packed=True)
    forgotten = [ForgottenRow(kind=kind, before_us=time) for kind, time in whole.forgotten().items()]
    yield _lines("forgotten.jsonl", (row.model_dump(mode="json") for row in forgotten))
    for left in forgotten:
        yield Part(left.member, map(_totals, whole.leftover(left.kind)), packed=True)
    yield _lines("notes.jsonl", map(_note, whole.notes()))
    yield _lines("digests.jsonl", ({**d._asdict(), "seen": d.seen.hex()} for d in whole.digests()))
    yield _lines("trail.jsonl", map(_entry, whole.trail()))
    manifest = _manifest(store, whole, terms, zone, made_at, settings, members)
    data = json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"
    yield Part(MANIFEST, iter([(data.encode(), 1)]))


def _manifest(
    store: Store,
    whole: Whole,
    terms: Terms,
    zone: ZoneInfo,
    made_at: datetime,
    settings: dict[str, Any],
    members: list[Member],
) -> Manifest:
    person = settings.get("person") or {}
    span = store.span()
    return Manifest(
        format="healthslm archive",
        version=VERSION,
        made_by=_MADE_BY,
        made_at=made_at,
        tables=len(MIGRATIONS),
        timezone=zone.key,
        of=Of(name=str(person.get("name", "")), birth_date=str(person.get("birth_date", ""))),
        period=None
        if span is None
        else Period(first=span[0].astimezone(zone), last=span[1].astimezone(zone)),
        last_reading=whole.last_reading(),
        to_whom=terms.to_whom,
        purpose=terms.purpose,
        expires="" if terms.expires is None else terms.expires.isoformat(),
        left_out=_left_out(store, settings),
        warning=DISCLAIMER,
        members=members,
    )


def _left_out(store: Store, settings: dict[str, Any]) -> LeftOut:
    hooks = settings.get("hooks") or []
    return LeftOut(
        hooks=[str(hook.get("name", "?")) for hook in hooks if isinstance(hook, dict)],
        settings=[name for name in settings if name not in CARRIED],
        outbox=store.outbox_pending(),
    )


def _lines(name: str, rows: Iterable[dict[str, Any]]) -> Part:
    """A table as JSON lines; a double is written as the shortest decimal that names it exactly."""
    return Part(name, ((_line(row), 1) for row in rows))


def _line(row: dict[str, Any]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()


def _stream(stream: Stream) -> tuple[StreamRow, Stream]:
    kind = stream.kind
    return StreamRow(number=stream.id, kind=kind, device=stream.address, unit=KINDS[kind].ucum), stream


def _alert(row: tuple[str, str, int, str]) -> dict[str, Any]:
    id_, state, raised_at, document = row
    alert = Alert.if_readable(document)
    said = {UNREADABLE: document} if alert is None else json.loads(alert.to_json())
    return {"id": id_, "state": state, "raised_at_us": raised_at, "alert": said}


def _amendment(one: Amended) -> dict[str, Any]:
    row = ReadingRow.fields_of(one.before)
    return {**row, "new_value": one.new_value, "reason": one.reason, "at_us": one.at}


def _note(note: Note) -> dict[str, Any]:
    row = asdict(note)
    return {"id": row.pop("id"), "time_us": micro(row.pop("time")), **row}


def _entry(one: TrailEntry) -> dict[str, Any]:
    said = {"event": one.event, "detail": json.loads(one.detail), "chain": one.chain.hex()}
    return {"id": one.id, "at_us": one.at, **said}


def _blocks(whole: Whole, stream: Stream) -> Iterator[tuple[bytes, int]]:
    for columns in whole.columns(stream, MOST):
        data = codec.encode(columns)
        yield SIZE.pack(len(data)) + data, len(columns.times)


def _totals(minutes: Totals) -> tuple[bytes, int]:
    summary, histogram = rollup_bytes.encode(minutes, MINUTES.period)
    data = SIZE.pack(len(summary)) + summary + SIZE.pack(len(histogram)) + histogram
    return data, len(minutes.at)
