"""The audit trail: who opened, changed, exported or deleted what, and when. It only grows.

Each entry's `chain` is a hash over the entry and the chain of the one before, the first over the store's id:
none can be changed, taken out or put in without the rest failing. That the end was not cut off is seen by
the witness (witness.py), which keeps the last chain outside of the folder. Who has the data key could write
the whole trail anew; the witness notices that, too, as long as it is not rewritten with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial

from healthslm.errors import DamagedError
from healthslm.store.rows import micros, moment
from healthslm.store.transactions import Transactions

_BEGIN = b"healthslm audit 1"
Detail = Mapping[str, str | int | float | None]


class Event(StrEnum):
    """What is noted."""

    OPENED = "opened"
    EXPORTED = "exported"
    BACKED_UP = "backed up"
    BACKUP_READ = "backup read back"
    RESTORED = "restored"
    IMPORTED = "imported"
    KEYS_CHANGED = "keys changed"
    HOOK_TESTED = "hook tested"
    SETTING_CHANGED = "setting changed"
    DEVICE_CHANGED = "device changed"
    RULE_CHANGED = "rule changed"
    ALERT_ACKNOWLEDGED = "alert acknowledged"
    ALERT_SNOOZED = "alert snoozed"
    CLIENT_ADDED = "phone or program added"
    CLIENT_REVOKED = "phone or program revoked"
    READING_CORRECTED = "reading corrected"
    READING_DELETED = "reading deleted"
    READINGS_FORGOTTEN = "readings forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the trail. `detail` names the thing; what it was before and after where that matters."""

    id: int
    at: datetime
    event: str
    detail: Detail


def _link(before: bytes, id: int, at: int, event: str, detail: str) -> bytes:
    row = json.dumps([id, at, event, detail], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(before + row.encode("utf-8", "surrogatepass")).digest()


class Audit(Transactions):
    """The part of `Store` that keeps the trail."""

    def note_event(self, event: Event, at: datetime, **detail: str | float | None) -> None:
        """Add an entry; it is durable with the commit that what it tells of is durable with."""
        self._write(partial(self._note, event, at, detail))

    def _note(self, event: Event, at: datetime, detail: Detail) -> None:
        last = self._database.rows("SELECT id, chain FROM audit ORDER BY id DESC LIMIT 1")
        id_, before = last[0] if last else (0, self._root())
        text = json.dumps(detail, ensure_ascii=False, sort_keys=True, allow_nan=False)
        row = (id_ + 1, micros(at), event.value, text)
        self._database.rows("INSERT INTO audit VALUES (?, ?, ?, ?, ?)", (*row, _link(before, *row)))

    def _root(self) -> bytes:
        return hashlib.sha256(_BEGIN + self._database.identity).digest()

    def trail(self, newest: int | None = None, *, event: Event | None = None) -> list[Entry]:
        """Return the entries, or those of one `event`, the oldest first; of many only the `newest`."""
        found = self._database.rows(
            "SELECT id, at, event, detail FROM audit WHERE ?1 IS NULL OR event = ?1"
            " ORDER BY id DESC LIMIT ?2",
            (None if event is None else event.value, -1 if newest is None else newest),
        )
        return [
            Entry(id=id_, at=moment(at), event=event, detail=json.loads(detail))
            for id_, at, event, detail in reversed(found)
        ]

    def verify_trail(self) -> int:
        """Check every link of the chain, and return how many there are.

        Raises `DamagedError` for the first entry that is not what was written.
        """
        chain, count = self._root(), 0
        for id_, at, event, detail, link in self._database.each(
            "SELECT id, at, event, detail, chain FROM audit ORDER BY id"
        ):
            chain, count = _link(chain, count + 1, at, event, detail), count + 1
            if id_ != count or chain != link:
                raise DamagedError(
                    f"The audit trail of {self._database.path} was changed: its entry {count} is not the one"
                    " that was written.",
                    "Put back a copy of the store from before, and find out who has its secrets.",
                )
        return count
