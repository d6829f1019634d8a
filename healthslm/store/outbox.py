"""The alerts, and the outbox: what is on its way to a hook.

Every write here is durable after `commit()`; an alert and its outbox rows put in before one commit are both
there afterwards or neither.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from healthslm.store.audit import Audit
from healthslm.store.rows import micros, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A payload that waits for its hook; `attempts` failed so far, the last with `error`."""

    id: int
    alert_ids: tuple[str, ...]
    hook: str
    payload: str
    attempts: int
    queued: datetime
    occasion: str = ""
    error: str = ""


_TURN = "first DESC, id"


class Outbox(Audit):
    """The part of `Store` that is alerts and what is told of them."""

    @property
    def changed_elsewhere(self) -> int:
        """Another number whenever another process has written to the store."""
        return self._database.version

    def put_alert(self, id: str, state: str, raised_at: datetime, document: str) -> None:
        """Keep an alert, in place of the one with the same id; `document` is its JSON."""
        self.change_alert(id, lambda _before: (state, raised_at, document))

    def change_alert(self, id: str, change: Callable[[str | None], tuple[str, datetime, str]]) -> str:
        """Change an alert as it stands at that moment, so that nothing another process wrote is lost.

        `change` gets its JSON, or `None`, and returns state, time and JSON; it may be called more than once.
        Returns the JSON.
        """
        return self._write(partial(self._change_alert, id, change))

    def _change_alert(self, id: str, change: Callable[[str | None], tuple[str, datetime, str]]) -> str:
        state, raised_at, document = change(self.alert(id))
        self._database.rows(
            "INSERT INTO alerts VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " state = excluded.state, raised_at = excluded.raised_at, document = excluded.document",
            (id, state, micros(raised_at), document),
        )
        return document

    def alert(self, id: str) -> str | None:
        """Return the JSON of an alert as it stands now, or `None` when there is none of that id."""
        document = self._database.value("SELECT document FROM alerts WHERE id = ?", (id,))
        return None if document is None else str(document)

    def alerts(
        self, since: datetime | None = None, states: Collection[str] | None = None
    ) -> list[tuple[str, str, datetime, str]]:
        """Return id, state, raised_at and document of the alerts since then, newest first."""
        wanted = "" if states is None else f" AND state IN ({', '.join('?' * len(states))})"
        rows = self._database.rows(
            "SELECT id, state, raised_at, document FROM alerts"  # noqa: S608  question marks
            f" WHERE raised_at >= ?{wanted} ORDER BY raised_at DESC, rowid DESC",
            (-(2**63) if since is None else micros(since), *(states or ())),
        )
        return [(id_, state, moment(raised), document) for id_, state, raised, document in rows]

    def outbox_add(
        self,
        alert_ids: Sequence[str],
        hook: str,
        payload: str,
        queued: datetime,
        *,
        first: bool = False,
        occasion: str = "",
    ) -> int:
        """Queue a payload for a hook and return its number; later ones have higher numbers.

        What is `first` goes out before what is not; among the rest the oldest goes first.
        """
        at = micros(queued)
        rows = self._write(
            partial(
                self._database.rows,
                "INSERT INTO outbox (alert_id, hook, payload, due, queued, first, occasion)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (" ".join(alert_ids), hook, payload, at, at, int(first), occasion),
            )
        )
        return int(rows[0][0])

    def outbox(self, hook: str) -> list[OutboxRow]:
        """Return the payloads that wait for a hook, in the order in which they go out."""
        return self._outbox("hook = ? AND NOT dead", (hook,))

    def outbox_next(
        self, hook: str, without: Collection[int] = (), *, least_tried: bool = False
    ) -> OutboxRow | None:
        """Return the payload that goes out next to a hook, `without` some; or else the one least tried."""
        marks = ", ".join("?" * len(without))
        where = f"hook = ? AND NOT dead AND id NOT IN ({marks})"
        order = "attempts, first DESC, id" if least_tried else _TURN
        return next(iter(self._outbox(where, (hook, *without), most=1, order=order)), None)

    def outbox_dead(self, hook: str) -> list[OutboxRow]:
        """Return a hook's dead letters, the oldest first."""
        return self._outbox("hook = ? AND dead", (hook,))

    def _outbox(
        self, where: str, bindings: tuple[str | int, ...], *, most: int = -1, order: str = _TURN
    ) -> list[OutboxRow]:
        rows = self._database.rows(
            "SELECT id, alert_id, hook, payload, attempts, error, occasion, queued FROM outbox"  # noqa: S608
            f" WHERE {where} ORDER BY {order} LIMIT {most}",
            bindings,
        )
        return [
            OutboxRow(
                id=i, alert_ids=tuple(a.split()), hook=h, payload=p, attempts=n, error=e,
                occasion=o, queued=moment(q),
            )
            for i, a, h, p, n, e, o, q in rows
        ]  # fmt: skip

    def outbox_waiting(self, occasions: Collection[str]) -> list[OutboxRow]:
        """Return what waits for any hook on these occasions."""
        marks = ", ".join("?" * len(occasions))
        return self._outbox(f"occasion IN ({marks}) AND NOT dead", tuple(occasions))

    def outbox_bury(self, id: int) -> None:
        """Make a payload a dead letter: it is kept and shown, and not tried again."""
        self._write(partial(self._database.rows, "UPDATE outbox SET dead = 1 WHERE id = ?", (id,)))

    def outbox_revive(self, hook: str, queued: datetime) -> int:
        """Try a hook's dead letters once more; returns how many there are."""
        sql = "UPDATE outbox SET dead = 0, queued = ? WHERE hook = ? AND dead RETURNING id"
        return len(self._write(partial(self._database.rows, sql, (micros(queued), hook))))

    def outbox_forget(self, hook: str) -> int:
        """Drop what waits for a hook that was removed; returns how much that was."""
        sql = "DELETE FROM outbox WHERE hook = ? RETURNING id"
        return len(self._write(partial(self._database.rows, sql, (hook,))))

    def outbox_pending(self) -> int:
        """Return how many payloads wait, due or not; dead letters wait no more."""
        return int(self._database.value("SELECT count(*) FROM outbox WHERE NOT dead"))

    def outbox_done(self, id: int) -> None:
        """Take a delivered payload out; one that is not there is fine."""
        self._write(partial(self._database.rows, "DELETE FROM outbox WHERE id = ?", (id,)))

    def outbox_failed(self, id: int, error: str) -> None:
        """Note a failed attempt, and why it failed."""
        sql = "UPDATE outbox SET attempts = attempts + 1, error = ? WHERE id = ?"
        self._write(partial(self._database.rows, sql, (error, id)))
