"""A disk that remembers everything that SQLite told it, and what a power cut may make of that; or that fails.

It is a VFS beneath the cipher's own, so what it sees is what a disk would. A write is certain from the next
sync of its file on. What was not synced when the power goes may be there, or not, or half, or as zeros, each
write for itself: disks write in an order of their own. SQLite is told that a cut does not harm bytes beside
those that are being written ("powersafe overwrite"), which flash that writes elsewhere keeps to.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

NAME = "tests-disk"
ON_TOP = "multipleciphers-" + NAME
SECTOR = 512


@dataclass(frozen=True, slots=True)
class Write:
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Delete:
    file: str


@dataclass(frozen=True, slots=True)
class Sync:
    file: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """So many steps of the workload are acknowledged, and the mark beside the database says this."""

    steps: int
    mark: bytes


Event = Write | Truncate | Delete | Sync | Acknowledged


class Disk:
    """What happened, and whether the next write or sync fails: `fault` raises when it is to."""

    def __init__(self) -> None:
        self.log: list[Event] = []
        self.fault: Callable[[Event], None] = lambda _event: None

    def happens(self, event: Event) -> None:
        self.fault(event)
        self.log.append(event)


_disk = Disk()


class _File(apsw.VFSFile):
    def __init__(self, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(path).name if path else ""
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        _disk.happens(Write(self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        _disk.happens(Truncate(self._name, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        _disk.happens(Sync(self._name))
        super().xSync(flags)


class _Vfs(apsw.VFS):
    def __init__(self) -> None:
        super().__init__(NAME, "unix")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        _disk.happens(Delete(Path(filename).name))
        super().xDelete(filename, syncdir)


_registered: list[_Vfs] = []


def _alone(connection: apsw.Connection) -> None:
    if connection.vfsname("main").startswith(ON_TOP):  # it has no shared memory
        connection.pragma("locking_mode", "exclusive")


@contextmanager
def watched() -> Iterator[Disk]:
    """Give a new disk to the connections that are made over `ON_TOP` from now on."""
    global _disk  # noqa: PLW0603  SQLite knows its VFS by name
    if not _registered:  # for good: the cipher's own on top of it would outlive it
        _registered.append(_Vfs())
    _disk = Disk()
    apsw.connection_hooks.append(_alone)
    try:
        yield _disk
    finally:
        apsw.connection_hooks.remove(_alone)
        _disk = Disk()


# What a power cut leaves


@dataclass(slots=True)
class _Kept:
    """A file: what is certain (`None`: not there), and what was done to it since."""

    certain: bytes | None = None
    pending: list[Write | Truncate | Delete] = field(default_factory=list)

    def after(self, chosen: list[Write | Truncate | Delete]) -> bytes | None:
        content = None if self.certain is None else bytearray(self.certain)
        for event in chosen:
            if isinstance(event, Delete):
                content = None
                continue
            content = bytearray() if content is None else content
            if isinstance(event, Truncate):
                del content[event.size :]
            else:
                content.extend(bytes(max(0, event.offset - len(content))))
                content[event.offset : event.offset + len(event.data)] = event.data
        return None if content is None else bytes(content)


class PowerCut:
    """Follows a disk's log from a folder's files at its beginning, and says what a cut could leave."""

    HOW = ("all", "none", "torn", "some", "garbled")

    def __init__(self, files: dict[str, bytes], mark: str) -> None:
        self._mark = mark
        self._marks = [files[mark]]
        self._files = {name: _Kept(content) for name, content in files.items() if name != mark}
        self.acknowledged = 0

    def follow(self, event: Event) -> None:
        if isinstance(event, Acknowledged):
            self.acknowledged = event.steps
            self._marks.append(event.mark)
            return
        kept = self._files.setdefault(event.file, _Kept())
        if isinstance(event, Sync):
            kept.certain = kept.after(kept.pending)
            kept.pending = []
        else:
            kept.pending.append(event)

    def leaves(self, how: str, dice: random.Random) -> dict[str, bytes]:
        """Return the files after a cut now; `how` it goes is one of `HOW`."""
        found = {name: kept.after(_survived(kept.pending, how, dice)) for name, kept in self._files.items()}
        mark = {"all": self._marks[-1], "none": self._marks[0]}.get(how) or dice.choice(self._marks)
        return {name: content for name, content in found.items() if content is not None} | {self._mark: mark}


def _survived(
    pending: list[Write | Truncate | Delete], how: str, dice: random.Random
) -> list[Write | Truncate | Delete]:
    if how == "all" or not pending:
        return pending
    if how == "none":
        return []
    if how == "torn":  # in order, the last one half
        return [*pending[:-1], *_half(pending[-1], dice)]
    chosen: list[Write | Truncate | Delete] = []
    for event in pending:
        if isinstance(event, Delete) and dice.random() < 0.5:
            break  # what came later went into a file that has no name
        fate = dice.random()
        if isinstance(event, Delete) or fate < 0.5:
            chosen.append(event)
        elif fate < 0.7:
            chosen += _half(event, dice)
        elif fate < 0.8 and how == "garbled" and isinstance(event, Write):
            noise = dice.choice([bytes(len(event.data)), dice.randbytes(len(event.data))])
            chosen.append(Write(event.file, event.offset, noise))
    return chosen


def _half(event: Write | Truncate | Delete, dice: random.Random) -> list[Write | Truncate | Delete]:
    if not isinstance(event, Write):
        return []
    size = dice.randrange(len(event.data) + 1)
    if size > SECTOR and dice.random() < 0.7:
        size -= size % SECTOR
    return [Write(event.file, event.offset, event.data[:size])]
