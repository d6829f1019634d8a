"""A ZIP written from beginning to end without ever going back, so that it can be encrypted on the way.

The same members and time give the same bytes, on a disk and in a pipe.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO, NamedTuple, cast

from healthslm.archive.records import Member
from healthslm.export.share import member_of

_PIECE = 1 << 16


class Part(NamedTuple):
    """A member to be: its pieces, each with how many things are in it; `packed` where it is small already."""

    name: str
    pieces: Iterator[tuple[bytes, int]]
    packed: bool = False


class _Buffer:
    """What the ZIP writes to: it can neither seek nor tell."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def taken(self) -> bytes:
        data, self._pieces, self.size = b"".join(self._pieces), [], 0
        return data


def zipped(parts: Iterable[Part], made_at: datetime, members: list[Member]) -> Iterator[bytes]:
    """Yield the bytes of a ZIP of the parts; what each came to is appended to `members` when it is written.

    `made_at` is the time of all members, by the clock of its zone.
    """
    buffer = _Buffer()
    with zipfile.ZipFile(cast(IO[bytes], buffer), "w") as archive:
        for part in parts:
            info = member_of(part.name, made_at)
            if part.packed:
                info.compress_type = zipfile.ZIP_STORED
            digest, size, count = hashlib.sha256(), 0, 0
            with archive.open(info, "w", force_zip64=True) as member:
                for data, many in part.pieces:
                    member.write(data)
                    digest.update(data)
                    size += len(data)
                    count += many
                    if buffer.size >= _PIECE:
                        yield buffer.taken()
            members.append(Member(name=part.name, bytes=size, sha256=digest.hexdigest(), count=count))
    yield buffer.taken()
