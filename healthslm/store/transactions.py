"""Writes grouped into transactions, and what becomes of them when the disk says no."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from healthslm.errors import StoreError
from healthslm.store.database import Database
from healthslm.store.files import Mark

_T = TypeVar("_T")
HURRIED_S = 5.0
"""For so long after a wait in vain nothing waits: an alert asks for a dozen writes, and goes out."""
GROUP_S = 0.9
"""How long `commit_if_due` lets a write wait: a second, with a timer that ticks ten times in one."""


class Transactions:
    """Everything written since the last commit, to be made durable together.

    A write is seen by this store's own queries at once. It is **acknowledged** when the next `commit()`
    returns, or `commit_if_due()` returns `True`: from then on it survives the end of the process and a power
    cut (SQLite in WAL mode with `synchronous=FULL`: the journal is synced before `commit` returns).

    When a write fails (disk full, another process holds the store), nothing of that one call is stored, and
    calling again is right. When a commit fails, what was to be committed is kept in memory; queries may not
    show it until the next write or commit has brought it in. That one is tried first: as long as it fails,
    writes are refused, so that a full disk does not fill the memory too.
    """

    def __init__(self, database: Database, mark: Mark, patience_s: float) -> None:
        self._patience_s = patience_s
        self._database = database
        self._mark = mark
        self._uncommitted: list[Callable[[], object]] = []
        self._committed_at: float | None = None
        self._commit_failed = False
        self._hurried_until = -math.inf

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._database.path)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def commit(self) -> None:
        """Make everything written so far durable; returns when it is. Raises `StoreError`, keeping it."""
        if not self._uncommitted:
            return
        self._commit_failed = True
        self._begin()
        try:
            number = self._before_commit()
            self._database.rows("COMMIT")
        except BaseException:
            if self._database.in_transaction:  # what `_before_commit` wrote must not be written twice
                self._database.rows("ROLLBACK")
            raise
        self._uncommitted.clear()
        self._commit_failed = False
        self._after_commit(number)
        self._mark.write(number)

    def at_once(self, operation: Callable[[], _T]) -> _T:
        """Run writes as one transaction of their own, committed at the end or not at all; returns its result.

        For more than can be remembered until the next commit: nothing of it is tried again, and it may call
        nothing that is remembered. What was written before is committed first.
        """
        self.commit()
        self._begin()
        try:
            result = operation()
            number = self._before_commit()
            self._database.rows("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.rows("ROLLBACK")
            self._undo(None)
            raise
        self._after_commit(number)
        self._mark.write(number)
        return result

    def commit_if_due(self, monotonic: float) -> bool:
        """Commit when there is something and the last commit made here is long enough ago.

        `monotonic` is `time.monotonic()`. Call it after each `append` and, so that the last of a burst does
        not wait for the next, from a timer as well. Returns whether everything is now durable because of it.
        """
        if not self._uncommitted:
            return False
        if self._committed_at is not None and 0 <= monotonic - self._committed_at < GROUP_S:
            return False
        self.commit()
        self._committed_at = monotonic
        return True

    def close(self) -> None:
        """Commit and let the files go; the store cannot be used afterwards. Closing twice is once."""
        try:
            self.commit()
        finally:
            self._mark.close()
            self._database.close()

    # What is remembered of the tables, to be overridden

    def _before_commit(self) -> int:
        """Write what was kept back until the commit, and its number; returns that."""
        sql = "UPDATE ledger SET commits = commits + 1 RETURNING commits"
        return int(self._database.value(sql))

    def _after_commit(self, number: int) -> None:
        """Hear that the transaction was committed."""

    def _begun(self) -> None:
        """Look at what others wrote: a transaction has begun."""

    def _size(self) -> int:
        """Return what `_undo` is given when a write fails that begins now."""
        return 0

    def _undo(self, size: int | None) -> None:
        """Drop what was remembered since then; with `None` all of it: the transaction was rolled back."""

    def _write(self, operation: Callable[[], _T], *, single: bool = False) -> _T:
        """Run a write as a whole or not at all, and remember it until it is committed.

        A `single` statement is whole by itself: it needs no savepoint.
        """
        if self._commit_failed:
            self.commit()
        self._begin()
        size = self._size()
        if not single:
            self._database.rows("SAVEPOINT write")
        try:
            result = operation()
        except BaseException:
            if not self._database.in_transaction:
                # A full disk rolls back everything; the writes before this one are brought back.
                with contextlib.suppress(StoreError):
                    self._undo(None)
                    self._begin()
            else:
                self._undo(size)
                if not single:
                    self._database.rows("ROLLBACK TO write")
                    self._database.rows("RELEASE write")
                if not self._uncommitted:  # no commit will end it, and others wait for their turn
                    self._database.rows("ROLLBACK")
            raise
        if not single:
            self._database.rows("RELEASE write")
        self._uncommitted.append(operation)
        return result

    def _take_turn(self) -> None:
        """Wait for another process to finish its write, but not again and again while it does not."""
        hurried = time.monotonic() < self._hurried_until
        try:
            with self._mark.turn(0 if hurried else self._patience_s):
                if hurried:
                    self._database.begin_at_once()
                else:
                    self._database.rows("BEGIN IMMEDIATE")
        except StoreError:
            self._hurried_until = time.monotonic() + HURRIED_S
            raise
        self._hurried_until = -math.inf

    def _begin(self) -> None:
        """Open a transaction; if an error rolled the last one back, do again what was in it."""
        if self._database.in_transaction:
            return
        if self._uncommitted:
            self._undo(None)
        self._take_turn()
        try:
            self._begun()
            for operation in self._uncommitted:
                operation()
        except StoreError:
            if self._database.in_transaction:
                self._database.rows("ROLLBACK")
            raise
