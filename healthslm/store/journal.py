"""The newest dense readings: in memory as they come, in the table `journal` one row a commit.

A commit a second touches one page of the file this way, whatever number of streams it brings. Once there are
enough, all are sealed into their segments (segments.py) and the table is emptied.
"""

from __future__ import annotations

import numpy as np

from healthslm.errors import DamagedError
from healthslm.store.codec import NONE, Columns
from healthslm.store.database import Database
from healthslm.store.ids import dense_id, stream_and_time

_RECORD = np.dtype([("id", "<i8"), ("value", "<f8"), ("quality", "<i2")])
COMMITS, READINGS = 3600, 65_536
"""Commits or readings after which the journal is sealed: an hour at one commit a second, and what keeps what
a process has to read of it to a megabyte."""


class Journal:
    """What is in the table, and behind it what was added since the last commit.

    `known` has the ids of all of it; it is full with `most` readings.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.most = READINGS
        self._rows = 0
        self._newest = -1
        self._ids: list[int] = []
        self._values: list[float] = []
        self._qualities: list[int] = []
        self._written = 0
        self._sorted: tuple[int, Columns] = (0, NONE)
        self.known: set[int] = set()

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def pending(self) -> int:
        """How many readings were added since the last commit."""
        return len(self._ids) - self._written

    @property
    def full(self) -> bool:
        """Whether it is time to seal."""
        return self._rows >= COMMITS or len(self._ids) >= self.most

    def load(self) -> None:
        """Take over what another process changed in the table; what is pending here is dropped."""
        self.back_to(self._written)
        oldest = self._database.value("SELECT min(id) FROM journal")
        if self._rows and (oldest is None or oldest > self._newest):
            self.clear()
        for number, data in self._database.rows(
            "SELECT id, readings FROM journal WHERE id > ? ORDER BY id", (self._newest,)
        ):
            self._take(number, data)
        self._written = len(self._ids)

    def _take(self, number: int, data: bytes) -> None:
        if len(data) % _RECORD.itemsize:
            raise DamagedError(f"{self._database.path} has a journal that cannot be read.")
        records = np.frombuffer(data, _RECORD)
        ids = records["id"].tolist()
        self._ids += ids
        self._values += records["value"].tolist()
        self._qualities += records["quality"].tolist()
        self.known.update(ids)
        self._rows += 1
        self._newest = number

    def add(self, id: int, value: float, quality: int) -> None:
        """Take in a reading that is not known yet."""
        self.known.add(id)
        self._ids.append(id)
        self._values.append(value)
        self._qualities.append(quality)

    def back_to(self, size: int) -> None:
        """Drop what was added since there were so many."""
        if size < len(self._ids):
            self.known.difference_update(self._ids[size:])
            del self._ids[size:], self._values[size:], self._qualities[size:]
            self._sorted = (0, NONE)

    def drop_pending(self) -> None:
        """Drop what was added since the last commit."""
        self.back_to(self._written)

    def write(self, commit: int, last_reading: int) -> None:
        """Put what is pending into the table, as the row of this commit."""
        at = self._written
        records = np.empty(self.pending, _RECORD)
        records["id"] = self._ids[at:]
        records["value"] = self._values[at:]
        records["quality"] = self._qualities[at:]
        self._database.rows("INSERT INTO journal VALUES (?, ?, ?)", (commit, last_reading, records.tobytes()))

    def committed(self, commit: int) -> None:
        """Hear that the transaction of that row was committed."""
        self._written = len(self._ids)
        self._rows += 1
        self._newest = commit

    def clear(self) -> None:
        """Forget everything: it was sealed."""
        self._rows = self._written = 0
        self._newest = -1
        self._ids, self._values, self._qualities = [], [], []
        self._sorted = (0, NONE)
        self.known = set()

    def streams(self) -> set[int]:
        """Return the numbers of the streams that have a reading here."""
        return {stream_and_time(id)[0] for id in self._ids}

    def columns(self, stream: int, start: int, end: int) -> Columns:
        """Return a stream's readings here with `start <= time < end`, in the order of time."""
        ids, values, quality = self._by_id()
        base = dense_id(stream, 0)
        low, high = ids.searchsorted((base + start, base + end))
        return Columns(ids[low:high] - base, values[low:high], quality[low:high])

    def _by_id(self) -> Columns:
        """Everything in the order of its ids, which are where the times belong."""
        size, found = self._sorted
        if size != len(self._ids):
            ids = np.array(self._ids, np.int64)
            order = ids.argsort(kind="stable")
            found = Columns(
                ids[order],
                np.array(self._values, np.float64)[order],
                np.array(self._qualities, np.int16)[order],
            )
            self._sorted = (len(self._ids), found)
        return found

    def value(self, id: int) -> tuple[float, int]:
        """Return value and quality of a known reading."""
        ids, values, quality = self._by_id()
        at = int(ids.searchsorted(id))
        return float(values[at]), int(quality[at])
