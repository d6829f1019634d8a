"""An archive, read: each member checked against the manifest, each row against its model, piece by piece.

Nothing in it is trusted: not its sizes, names, times or numbers. What is read takes no more memory than one
line or one block may have, whatever the file says of itself.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO, TypeVar

import numpy as np
from pydantic import ValidationError

from healthslm.archive.records import ForgottenRow, Head, Manifest, Member, Row, StreamRow
from healthslm.archive.writing import MANIFEST, MOST, SIZE, VERSION
from healthslm.errors import DamagedError, ImportFailedError
from healthslm.export.share import ABOUT
from healthslm.store import codec, rollup_bytes
from healthslm.store.codec import Columns
from healthslm.store.ids import DAY_US, EARLIEST, LATEST
from healthslm.store.rollups import MINUTES, Totals
from healthslm.text import clean

TABLES = (
    "settings.jsonl", "devices.jsonl", "streams.jsonl", "alerts.jsonl", "amendments.jsonl", "readings.jsonl",
    "forgotten.jsonl", "notes.jsonl", "digests.jsonl", "trail.jsonl",
)  # fmt: skip
"""The members that every archive has, besides what to read first and the manifest."""
_NAME = re.compile(
    r"READ-ME\.txt|manifest\.json|[a-z]+\.jsonl|streams/[1-9][0-9]{0,3}\.bin|leftover/[a-z0-9_]+\.bin"
)
_MOST_MANIFEST = 4_000_000
_MOST_DIRECTORY = 2_000_000
_LONGEST_LINE = 4_000_000
_LARGEST_BLOCK = 4_000_000
_MINUTES = DAY_US // MINUTES.period
_BINS = 400
"""Bins that a minute's histogram can have at most."""
_PIECE = 1 << 16
OURS = "Use an archive as `healthslm export archive` writes it."
_BUNDLE = "Unpack it, and import the .fhir.json that is in it."
_AGAIN = "Fetch or copy it again: nothing of it was stored."
_T = TypeVar("_T", bound=Row)


class Archive:
    """An archive in an open file that can seek. Raises `ImportFailedError` for everything that is none."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        _check_directory(file, name)
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
            raise ImportFailedError(f"{name} is no whole ZIP: {clean(str(error), 80)}.", _AGAIN) from error
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            self._add(info)
        self.manifest = self._manifest()
        self._members = {one.name: one for one in self.manifest.members}
        self._check_members()

    def _add(self, info: zipfile.ZipInfo) -> None:
        shown = clean(info.filename, 60)
        if info.filename == ABOUT:
            raise ImportFailedError(f"{self.name} is a hand-over, not an archive.", _BUNDLE)
        if not _NAME.fullmatch(info.filename):
            raise ImportFailedError(
                f"{self.name} has a member {shown!r}, which no archive of ours has.", OURS
            )
        if info.filename in self._infos:
            raise ImportFailedError(f"{self.name} has the member {shown} twice.", OURS)
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ImportFailedError(f"{self.name} has its member {shown} packed in another way.", OURS)
        self._infos[info.filename] = info

    def _manifest(self) -> Manifest:
        if MANIFEST not in self._infos:
            raise ImportFailedError(
                f"{self.name} is a ZIP without {MANIFEST}: no archive of healthslm.", OURS
            )
        with self._reader(MANIFEST, None) as reader:
            data = reader.read(_MOST_MANIFEST + 1)
        if len(data) > _MOST_MANIFEST:
            raise ImportFailedError(f"{MANIFEST} in {self.name} is larger than any of ours.", OURS)
        try:
            head = Head.model_validate_json(data)
            if head.format == "healthslm archive" and head.version > VERSION:
                raise ImportFailedError(
                    f"{self.name} was made by a newer healthslm ({clean(head.made_by, 40)}; archives"
                    f" of version {head.version}, this one knows {VERSION}).",
                    "Update healthslm.",
                )
            return Manifest.model_validate_json(data)
        except ValidationError as error:
            raise ImportFailedError(f"{MANIFEST} in {self.name}: {_said(error)}.", OURS) from error

    def _check_members(self) -> None:
        names = [one.name for one in self.manifest.members]
        if len(set(names)) != len(names):
            raise ImportFailedError(f"{MANIFEST} in {self.name} names a member twice.", OURS)
        wrong = sorted({MANIFEST, *names} ^ set(self._infos)) or sorted(set(TABLES) - set(names))
        if wrong:
            raise ImportFailedError(
                f"{self.name} and its {MANIFEST} do not agree on the member {clean(wrong[0], 60)}.", _AGAIN
            )

    @property
    def names(self) -> frozenset[str]:
        """The names of the members."""
        return frozenset(self._members)

    @property
    def room(self) -> int:
        """How many bytes a store may need for it at most: twice, for all is written to a journal first."""
        return 2 * sum(one.bytes for one in self.manifest.members)

    def check(self) -> None:
        """Read every member to its end, and see that it is what the manifest says."""
        for name, told in self._members.items():
            lines = 0
            with self._open(name) as reader:
                while data := reader.read(_PIECE):
                    lines += data.count(b"\n")
            if name.endswith(".jsonl") and lines != told.count:
                raise self._miscounted(name)

    def rows(self, name: str, row: type[_T]) -> Iterator[_T]:
        """Yield the rows of a table."""
        with self._open(name) as reader:
            for number, line in enumerate(self._lines(name, reader), start=1):
                try:
                    yield row.model_validate_json(line)
                except ValidationError as error:
                    where = f"{name} in {self.name}, line {number}"
                    raise ImportFailedError(f"{where}: {_said(error)}.", OURS) from error

    def _lines(self, name: str, reader: _Reader) -> Iterator[bytes]:
        left = b""
        while data := reader.read(_PIECE):
            *whole, left = (left + data).split(b"\n")
            yield from whole
            if len(left) > _LONGEST_LINE:
                raise ImportFailedError(f"{name} in {self.name} has a line longer than any of ours.", OURS)
        if left:
            raise ImportFailedError(f"{name} in {self.name} ends in the middle of a line.", _AGAIN)

    def columns(self, stream: StreamRow) -> Iterator[Columns]:
        """Yield the readings of a stream, each later than the one before."""
        last, count = EARLIEST - 1, 0
        with self._open(self._there(stream.member)) as reader:
            while (block := self._block(stream.member, reader)) is not None:
                columns = self._decoded(stream.member, block)
                times = columns.times
                rising = bool((times[1:] > times[:-1]).all()) and times[0] > last
                if not rising or times[-1] > LATEST:
                    raise ImportFailedError(
                        f"{stream.member} in {self.name} has times out of order, or outside of 2000 to 2071.",
                        OURS,
                    )
                if not np.isfinite(columns.values).all() or (columns.quality < 0).any():
                    raise ImportFailedError(
                        f"{stream.member} in {self.name} has a value that is no number.", OURS
                    )
                last, count = int(times[-1]), count + len(times)
                yield columns
        if count != self._members[stream.member].count:
            raise self._miscounted(stream.member)

    def _decoded(self, name: str, block: bytes) -> Columns:
        try:
            if 0 < codec.count_of(block) <= MOST:
                with np.errstate(invalid="ignore"):  # of what is no number, which `columns` refuses
                    return codec.decode(block)
        except DamagedError as error:
            raise self._foreign(name) from error
        raise self._foreign(name)

    def leftover(self, forgotten: ForgottenRow) -> Iterator[Totals]:
        """Yield what is left of the forgotten readings of a kind, a UTC day at a time."""
        name = self._there(forgotten.member)
        with self._open(name) as reader:
            while (summary := self._block(name, reader)) is not None:
                histogram = self._block(name, reader) or b""
                found = self._totals(name, summary, histogram)
                if not _is_sound(found, forgotten.before_us):
                    raise self._foreign(name)
                yield found

    def _totals(self, name: str, summary: bytes, histogram: bytes) -> Totals:
        try:
            periods, bins = rollup_bytes.counts_of(summary, histogram)
            if 0 < periods <= _MINUTES and bins <= periods * _BINS:
                return rollup_bytes.decode(summary, histogram, MINUTES.period)
        except DamagedError as error:
            raise self._foreign(name) from error
        raise self._foreign(name)

    def _there(self, name: str) -> str:
        if name not in self._members:
            raise ImportFailedError(f"{self.name} speaks of {name}, which is not in it.", _AGAIN)
        return name

    def _block(self, name: str, reader: _Reader) -> bytes | None:
        head = reader.read(SIZE.size)
        if not head:
            return None
        size = SIZE.unpack(head)[0] if len(head) == SIZE.size else _LARGEST_BLOCK + 1
        if size > _LARGEST_BLOCK:
            raise self._foreign(name)
        data = reader.read(size)
        if len(data) != size:
            raise self._foreign(name)
        return data

    def _miscounted(self, name: str) -> ImportFailedError:
        return ImportFailedError(f"{name} in {self.name} has not as much in it as {MANIFEST} says.", _AGAIN)

    def _foreign(self, name: str) -> ImportFailedError:
        return ImportFailedError(f"{name} in {self.name} is not written as healthslm writes it.", OURS)

    def _open(self, name: str) -> _Reader:
        return self._reader(name, self._members[name])

    def _reader(self, name: str, told: Member | None) -> _Reader:
        return _Reader(self._zip, self._infos[name], told, f"{name} in {self.name}")


class _Reader:
    """A member as it is read: no more than was announced, and in the end what its hash says."""

    def __init__(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, told: Member | None, called: str
    ) -> None:
        self._archive, self._info, self._told, self._called = archive, info, told, called
        self._digest, self._size = hashlib.sha256(), 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> _Reader:
        try:
            self._file = self._archive.open(self._info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
            raise self._cut(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer only at the end, which is checked when it is reached."""
        assert self._file is not None  # noqa: S101  entered
        parts, left = [], size
        try:
            while left and (data := self._file.read(min(left, _PIECE))):
                parts.append(data)
                left -= len(data)
        except DECODING as error:
            raise self._cut(error) from error
        found = b"".join(parts)
        self._size += len(found)
        self._digest.update(found)
        told = self._told
        if told is not None and self._size > told.bytes:
            raise ImportFailedError(f"{self._called} is larger than the manifest says.", _AGAIN)
        if told is not None and left and (self._size, self._digest.hexdigest()) != (told.bytes, told.sha256):
            raise ImportFailedError(f"{self._called} was changed or cut: its SHA-256 is another.", _AGAIN)
        return found

    def _cut(self, error: Exception) -> ImportFailedError:
        return ImportFailedError(f"{self._called} cannot be unpacked: {clean(str(error), 80)}.", _AGAIN)


DECODING = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def _check_directory(file: BinaryIO, name: str) -> None:
    """Refuse a directory larger than any of ours, before it is read: each entry takes half a kilobyte."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 66_000))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise ImportFailedError(f"{name} is no whole ZIP: its end is missing.", _AGAIN)
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    if tail[max(0, at - 20) : at].startswith(
        b"PK\x06\x07"
    ):  # larger numbers stand where this points, or before
        (place,) = struct.unpack_from("<Q", tail, at - 12)
        for start in {place, size - len(tail) + at - 76}:
            directory = max(directory, _large(file, start, size))
    if directory > _MOST_DIRECTORY:
        raise ImportFailedError(f"{name} has more members than any archive of ours.", OURS)
    file.seek(0)


def _large(file: BinaryIO, start: int, size: int) -> int:
    """The directory's size as the end of a large ZIP says it, if one begins there; 0 where none does."""
    if not 0 <= start <= size - 56:
        return 0
    file.seek(start)
    end = file.read(56)
    return int(struct.unpack_from("<Q", end, 40)[0]) if end.startswith(b"PK\x06\x06") else 0


def _is_sound(found: Totals, before: int) -> bool:
    """Say whether roll-ups could be those of one UTC day, before then."""
    at, many = found.at, found.histogram.many
    day = at[0] // DAY_US
    has = found.usable > 0
    return bool(
        (at[1:] > at[:-1]).all()
        and at[-1] // DAY_US == day
        and at[0] >= EARLIEST
        and at[-1] < before
        and (found.usable >= 0).all()
        and (found.unusable >= 0).all()
        and np.isfinite(found.low[has]).all()
        and np.isfinite(found.high[has]).all()
        and (many > 0).all()
        and int(many.sum()) == int(found.usable.sum())
    )


def _said(error: ValidationError) -> str:
    """The first thing that is wrong, without what stands there: it may be health data."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return clean(f"{where}: {first['msg']}" if where else str(first["msg"]), 160)
